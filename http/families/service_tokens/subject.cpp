#include "http/families/service_tokens/subject.hpp"

#include "model/token_queries.hpp"

namespace nacre::http::service_tokens {

result<path_ids> path_ids_of(const call& c) {
  path_ids out;
  std::size_t next = 0;
  if (c.pattern.starts_with("/api/users/service/{userId}/")) {
    auto text = c.capture(next++);
    if (text != "null") {
      auto id = parse_uuid(text);
      if (!id) return fail(errc::invalid, "userId must be a UUID or null");
      out.user = user_id{*id};
    }
  }
  if (next < c.match.capture_count) {
    auto id = parse_uuid(c.capture(next));
    if (!id) return fail(errc::invalid, "patId must be a UUID");
    out.token = pat_id{*id};
  }
  return out;
}

result<subject> find_subject(const model::view& v, const model::context& ctx, const path_ids& of) {
  auto who = model::stand(v, ctx, model::every_scope);
  if (!who) return fail(who.error());
  if (of.user && !who->may_administer()) return fail(errc::forbidden, "Only a workspace owner or admin may do this");
  auto owner = model::find_person(v, ctx.workspace, of.user.value_or(ctx.who.user));
  bool wanted = owner && (!of.user || std::holds_alternative<model::service_user_record>(owner->record));
  if (!wanted) return fail(errc::not_found, "Service user not found");
  subject out{std::move(*who), std::move(*owner), {}};
  if (of.token) {
    auto token = model::get_token(v, ctx, out.owner.id, model::token_family::service, *of.token);
    if (!token) return fail(token.error());
    out.token = std::move(*token);
  }
  return out;
}

void about(call_ptr c, unique_function<void(call_ptr, const model::view&, subject)> next) {
  auto ids = path_ids_of(*c);
  if (!ids) return refuse(std::move(c), ids.error());
  auto& raw = *c;
  raw.with.service.query(
      raw.ctx.workspace, raw.req.deadline,
      [c = std::move(c), ids = *ids, next = std::move(next)](result<std::shared_ptr<const model::view>> v) mutable {
        if (!v) return refuse(std::move(c), v.error());
        auto found = find_subject(**v, c->ctx, ids);
        if (!(*v)->trustworthy()) return refuse(std::move(c), {errc::storage_failed, "Stored state could not be read"});
        if (!found) return refuse(std::move(c), found.error());
        next(std::move(c), **v, std::move(*found));
      });
}

}  // namespace nacre::http::service_tokens

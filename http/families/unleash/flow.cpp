#include "http/families/unleash/flow.hpp"

#include "http/families/token_fields.hpp"
#include "model/token_queries.hpp"

namespace nacre::http::unleash {

namespace {

constexpr auto ours = model::token_family::unleash;

void refuse_unreadable(call_ptr c) {
  http::refuse(std::move(c), {errc::storage_failed, "Stored state could not be read"});
}

// The token of that number, if the holder has one.
std::optional<model::pat_entry> find_token(const call& c, const model::view& v, const token_holder& of,
                                           std::uint64_t number) {
  auto pat = model::get_token(v, c.ctx, of.id, ours, number);
  return pat ? std::optional(std::move(*pat)) : std::nullopt;
}

std::optional<user_id> unless_caller(const call& c, const token_holder& of) {
  return of.id == c.ctx.who.user ? std::nullopt : std::optional(of.id);
}

}  // namespace

void as_user(call_ptr c, step then) {
  auto& raw = *c;
  raw.with.service.query(
      raw.ctx.workspace, raw.req.deadline,
      [c = std::move(c), then = std::move(then)](result<std::shared_ptr<const model::view>> v) mutable {
        if (!v) return http::refuse(std::move(c), v.error());
        auto who = model::stand(**v, c->ctx, model::every_scope);
        if (!(*v)->trustworthy()) return refuse_unreadable(std::move(c));
        if (!who) return http::refuse(std::move(c), who.error());
        then(std::move(c), **v, *who);
      });
}

void as_admin(call_ptr c, step then) {
  as_user(std::move(c),
          [then = std::move(then)](call_ptr mine, const model::view& v, const model::standing& who) mutable {
            if (!who.is_admin()) return refuse(std::move(mine), admin_only());
            then(std::move(mine), v, who);
          });
}

void answer_read(call_ptr c, const model::view& v, response r) {
  if (!v.trustworthy()) return refuse_unreadable(std::move(c));
  answer(std::move(c), std::move(r));
}

void order_or_refuse(call_ptr c, actors::intent what, unique_function<void(call_ptr, actors::answer)> then) {
  order(std::move(c), std::move(what), [then = std::move(then)](call_ptr mine, actors::answer a) mutable {
    const auto& refused = a.outcome.refused;
    if (!refused) return then(std::move(mine), std::move(a));
    bool for_admins = mine->pattern.starts_with("/api/admin/service-account");
    if (for_admins && refused->code == errc::forbidden) return refuse(std::move(mine), admin_only());
    // Of a rotation, which has no name that could be taken.
    if (refused->code == errc::conflict && mine->pattern.ends_with("/rotate"))
      return refuse(std::move(mine), {409, "ConflictError", refused->text});
    refuse_outcome(std::move(mine), a.outcome);
  });
}

response done() {
  response r;
  r.headers.push_back({"Cache-Control", "no-store"});
  return r;
}

void list_tokens(call_ptr c, const model::view& v, const model::standing& who, holder_of holder) {
  auto of = holder(*c, v, who);
  if (!v.trustworthy()) return refuse_unreadable(std::move(c));
  if (!of) return refuse(std::move(c), of.error());
  auto pats = model::list_tokens(v, c->ctx, of->id, ours);
  if (!pats) return http::refuse(std::move(c), pats.error());
  answer_read(std::move(c), v, list_of(*pats, *of));
}

void create_token(call_ptr c, const model::view& v, const model::standing& who, holder_of holder) {
  constexpr wanted fields[] = {{"description"}, {"expiresAt", shape::date_time}};
  auto body = body_of(c->req);
  if (!body) return refuse(std::move(c), body.error());
  auto given = read_fields(*body, fields);
  if (!given) return refuse(std::move(c), given.error());
  auto& description = *(*given)[0].text;
  auto expires = *(*given)[1].when;
  if (description.empty()) return refuse(std::move(c), bad_data("PAT description cannot be empty."));
  if (expires <= c->ctx.now) return refuse(std::move(c), bad_data("The expiry date should be in future."));
  auto only = restrictions_of(body->root());
  if (!only) return http::refuse(std::move(c), only.error());
  auto of = holder(*c, v, who);
  if (!v.trustworthy()) return refuse_unreadable(std::move(c));
  if (!of) return refuse(std::move(c), of.error());

  actors::issue_pat what;
  what.name = std::move(description);
  what.scopes = model::scope_read | model::scope_write | model::scope_admin;  // it may what its owner may
  what.expires = expires;
  if (*only) what.only = std::move(**only);
  what.family = ours;
  what.owner = unless_caller(*c, *of);
  what.per_owner_max = c->with.settings.unleash_tokens_per_user;
  order_or_refuse(std::move(c), std::move(what), [of = *of](call_ptr mine, actors::answer a) {
    answer(std::move(mine), with_secret(201, std::get<model::pat_entry>(a.outcome.what), of, a.token));
  });
}

void delete_token(call_ptr c, const model::view& v, const model::standing& who, holder_of holder, path_place place) {
  auto number = id_of(c->capture(place.index), place.name);
  if (!number) return refuse(std::move(c), number.error());
  auto of = holder(*c, v, who);
  if (!v.trustworthy()) return refuse_unreadable(std::move(c));
  if (!of) return refuse(std::move(c), of.error());
  auto pat = find_token(*c, v, *of, *number);
  if (!pat) return answer_read(std::move(c), v, done());
  order(std::move(c), model::operation{model::revoke_pat{pat->id}}, [](call_ptr mine, actors::answer a) {
    // Somebody else was first: it is gone either way.
    const auto& refused = a.outcome.refused;
    if (refused && refused->code != errc::not_found) return refuse_outcome(std::move(mine), a.outcome);
    answer(std::move(mine), done());
  });
}

void rotate_token(call_ptr c, const model::view& v, const model::standing& who, holder_of holder, path_place place) {
  if (!has_json_or_no_body(c->req)) return refuse(std::move(c), wrong_content_type());
  auto what = renewal_of(*c, {});
  if (!what) return http::refuse(std::move(c), what.error());
  auto text = std::string(c->capture(place.index));
  auto number = id_of(text, place.name);
  if (!number) return refuse(std::move(c), number.error());
  // Every token of this family ends one day.
  if (what->set_expires && !what->expires)
    return refuse(std::move(c), bad_data("expiresAt must be an RFC 3339 date-time"));
  auto of = holder(*c, v, who);
  if (!v.trustworthy()) return refuse_unreadable(std::move(c));
  if (!of) return refuse(std::move(c), of.error());
  auto pat = find_token(*c, v, *of, *number);
  if (!v.trustworthy()) return refuse_unreadable(std::move(c));
  if (!pat) return refuse(std::move(c), not_there("PAT", text));
  what->id = pat->id;
  auto why = refused_renewal(*c, v, *pat, *what);
  if (!v.trustworthy()) return refuse_unreadable(std::move(c));
  if (why) return http::refuse(std::move(c), *why);
  order_or_refuse(std::move(c), std::move(*what), [of = *of](call_ptr mine, actors::answer a) {
    answer(std::move(mine), with_secret(200, std::get<model::rotated>(a.outcome.what).pat, of, a.token));
  });
}

}  // namespace nacre::http::unleash

#include "http/families/service_tokens/tokens.hpp"

#include "http/families/service_tokens/errors.hpp"
#include "http/families/service_tokens/input.hpp"
#include "http/families/service_tokens/objects.hpp"
#include "http/families/service_tokens/subject.hpp"
#include "http/families/token_fields.hpp"
#include "model/token_queries.hpp"

namespace nacre::http::service_tokens {

namespace {

error unreadable() { return {errc::storage_failed, "Stored state could not be read"}; }

// Nothing unless every one of them is there.
std::optional<std::vector<model::project_entry>> projects_there(const model::view& v, workspace_id ws,
                                                                const std::vector<project_id>& ids) {
  model::pat_entry asked;
  asked.workspace = ws;
  asked.record.projects = ids;
  auto found = model::projects_of(v, asked);
  if (found.size() != ids.size()) return std::nullopt;
  return found;
}

void renew(call_ptr c, const model::view& v, actors::renew_pat what, token_view shown) {
  auto why = refused_renewal(*c, v, shown.pat, what);
  if (!v.trustworthy()) return refuse(std::move(c), unreadable());
  if (why) return refuse(std::move(c), *why);
  order(std::move(c), std::move(what), [shown = std::move(shown)](call_ptr mine, actors::answer a) mutable {
    if (a.outcome.refused) return refuse_outcome(std::move(mine), a.outcome);
    shown.pat = std::move(std::get<model::rotated>(a.outcome.what).pat);
    answer(std::move(mine), with_token(shown, a.token));
  });
}

token_view shown_of(const model::view& v, subject s) {
  auto projects = model::projects_of(v, *s.token);
  return {std::move(*s.token), std::move(s.owner), std::move(projects)};
}

}  // namespace

void list_tokens(call_ptr c) {
  about(std::move(c), [](call_ptr mine, const model::view& v, subject s) {
    auto pats = model::list_tokens(v, mine->ctx, s.owner.id, model::token_family::service);
    if (!pats) return refuse(std::move(mine), pats.error());
    json_writer w(64 + 768 * pats->size());
    w.array();
    for (auto& pat : *pats) {
      auto projects = model::projects_of(v, pat);
      write_token(w, {std::move(pat), s.owner, std::move(projects)});
    }
    w.end_array();
    if (!v.trustworthy()) return refuse(std::move(mine), unreadable());
    answer(std::move(mine), json_response(200, w.take()));
  });
}

void get_token(call_ptr c) {
  about(std::move(c), [](call_ptr mine, const model::view& v, subject s) {
    auto shown = shown_of(v, std::move(s));
    if (!v.trustworthy()) return refuse(std::move(mine), unreadable());
    answer(std::move(mine), one_token(shown));
  });
}

void create_token(call_ptr c) {
  about(std::move(c), [](call_ptr mine, const model::view& v, subject s) {
    auto body = new_token_of(mine->req, mine->ctx.now);
    if (!body) return complain(std::move(mine), body.error());
    // The rules ask both again; here they are told in the contract's order.
    if (!model::covers(s.who, model::set_of(body->permissions), body->all_projects, body->projects))
      return refuse(std::move(mine), {errc::forbidden, "A token cannot be given what its maker does not have"});
    auto projects = projects_there(v, mine->ctx.workspace, body->projects);
    if (!v.trustworthy()) return refuse(std::move(mine), unreadable());
    if (!projects) return complain(std::move(mine), {"each value in projects must be a project of the organisation"});
    actors::issue_pat what;
    what.name = std::move(body->note);
    what.expires = body->expires;
    what.only = std::move(body->only);
    what.family = model::token_family::service;
    if (s.owner.id != mine->ctx.who.user) what.owner = s.owner.id;
    what.permissions = std::move(body->permissions);
    what.all_projects = body->all_projects;
    what.projects = std::move(body->projects);
    what.per_owner_max = mine->with.settings.service_tokens_per_user;
    token_view shown{{}, std::move(s.owner), std::move(*projects)};
    order(std::move(mine), std::move(what), [shown = std::move(shown)](call_ptr member, actors::answer a) mutable {
      if (a.outcome.refused) return refuse_outcome(std::move(member), a.outcome);
      shown.pat = std::move(std::get<model::pat_entry>(a.outcome.what));
      answer(std::move(member), with_token(shown, a.token));
    });
  });
}

void delete_token(call_ptr c) {
  about(std::move(c), [](call_ptr mine, const model::view&, subject s) {
    order_and_answer(std::move(mine), model::operation{model::revoke_pat{s.token->id}},
                     [](call&, actors::answer&) { return no_content(); });
  });
}

void regenerate_token(call_ptr c) {
  about(std::move(c), [](call_ptr mine, const model::view& v, subject s) {
    auto expires = regeneration_of(mine->req, mine->ctx.now);
    if (!expires) return complain(std::move(mine), expires.error());
    actors::renew_pat what;
    what.id = s.token->id;
    what.set_expires = true;
    what.expires = *expires;
    renew(std::move(mine), v, std::move(what), shown_of(v, std::move(s)));
  });
}

void rotate_token(call_ptr c) {
  about(std::move(c), [](call_ptr mine, const model::view& v, subject s) {
    if (!has_json_or_no_body(mine->req)) return complain(std::move(mine), {"The body must be application/json"});
    auto what = renewal_of(*mine, s.token->id);
    if (!what) return complain(std::move(mine), {what.error().text});
    renew(std::move(mine), v, std::move(*what), shown_of(v, std::move(s)));
  });
}

}  // namespace nacre::http::service_tokens

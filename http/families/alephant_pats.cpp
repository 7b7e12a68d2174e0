#include "http/families/alephant_pats.hpp"

#include <algorithm>

#include "actors/one_time.hpp"
#include "crypto/random.hpp"
#include "http/families/native_errors.hpp"
#include "http/families/token_fields.hpp"
#include "http/import_row.hpp"
#include "http/json.hpp"
#include "model/limits.hpp"
#include "model/text.hpp"

namespace nacre::http::alephant {

namespace {

void write_scopes(json_writer& w, model::scope_set scopes) {
  w.key("scopes").array();
  for (auto s : model::scope_bits)
    if (scopes & s) w.value(model::name_of(s));
  w.end_array();
}

void write_time(json_writer& w, std::string_view name, const std::optional<timestamp>& t) {
  if (t)
    w.field(name, std::string_view(format_rfc3339(*t)));
  else
    w.field(name, nullptr);
}

// Section 4, in its order, then what narrows the token, if anything does; `token` appears in the answers to a create
// and a rotation only, `workspaceName` in that to a create.
void write_pat(json_writer& w, const model::pat_entry& pat, const crypto::secure_bytes* token = nullptr) {
  const auto& r = pat.record;
  w.object().field("id", std::string_view(text_of(pat.id))).field("name", std::string_view(r.name));
  if (token) w.field("token", token->view()).field("fullToken", token->view());
  w.field("tokenPrefix", std::string_view(r.prefix));
  write_scopes(w, r.scopes);
  w.field("workspaceId", std::string_view(text_of(pat.workspace)));
  if (token && !pat.workspace_name.empty()) w.field("workspaceName", std::string_view(pat.workspace_name));
  w.field("userId", std::string_view(text_of(r.owner)));
  w.field("canReveal", r.has_ciphertext());
  write_time(w, "lastUsedAt", r.last_used);
  write_time(w, "expiresAt", r.expires);
  write_time(w, "createdAt", r.created);
  write_restrictions(w, r);
  w.end_object();
}

response one_pat(int status, const model::pat_entry& pat) {
  json_writer w(512);
  w.object().key("data");
  write_pat(w, pat);
  w.end_object();
  return json_response(status, w.take());
}

response with_token(int status, const model::pat_entry& pat, const crypto::secure_bytes& token) {
  json_writer w(2048);  // the token must not leave copies behind in growing buffers
  w.object().key("data");
  write_pat(w, pat, &token);
  w.end_object();
  auto r = json_response(status, w.take());
  r.wipe = true;
  return r;
}

response changed_pat(call&, actors::answer& a) { return one_pat(200, std::get<model::pat_entry>(a.outcome.what)); }

// What of the body a create and a change have in common; `now` decides what is still to come. A change knows no scopes.
struct pat_fields {
  std::optional<std::string> name;
  std::optional<model::scope_set> scopes;
  bool expires_given = false;
  std::optional<timestamp> expires;
  std::optional<model::restrictions> only;
};

enum class body_of : std::uint8_t { create, change };

result<pat_fields> parse_fields(body_of what, std::string_view body, timestamp now) {
  auto json = parse_json_object(body);
  if (!json) return fail(json.error());
  pat_fields out;
  if (auto name = json->find("name")) {
    auto text = name->string();
    if (!text) return fail(errc::invalid, "name must be a string");
    if (auto good = model::check_name("name", *text, limits::name_chars_max); !good) return fail(good.error());
    out.name = *text;
  }
  if (auto scopes = what == body_of::create ? json->find("scopes") : std::nullopt) {
    auto set = scopes_of(*scopes);
    if (!set) return fail(set.error());
    out.scopes = *set;
  }
  if (auto expires = expiry_in(*json)) {
    auto when = expiry_of(*expires);
    if (!when) return fail(when.error());
    if (*when && **when <= now) return fail(errc::invalid, "expiresAt must be in the future");
    out.expires_given = true;
    out.expires = *when;
  }
  auto only = restrictions_of(json->root());
  if (!only) return fail(only.error());
  out.only = std::move(*only);
  return out;
}

// `go(call_ptr, pat_id)` with the id of the path, or 400.
template <class Go>
void with_pat_id(call_ptr c, Go go) {
  auto id = parse_uuid(c->capture(0));
  if (!id) return refuse(std::move(c), {errc::invalid, "The token id must be a UUID"});
  go(std::move(c), pat_id{*id});
}

// `go(call_ptr, view, pat)` with the token as it is now, or nothing where the caller may not handle it: then the
// command tells why not.
template <class Go>
void at_token(call_ptr c, pat_id id, model::scope_set needed, Go go) {
  auto& raw = *c;
  raw.with.service.query(
      raw.ctx.workspace, raw.req.deadline,
      [c = std::move(c), id, needed, go = std::move(go)](result<std::shared_ptr<const model::view>> v) mutable {
        if (!v) return refuse(std::move(c), v.error());
        auto pat = model::find_pat(**v, c->ctx, id, needed);
        if (!(*v)->trustworthy()) return refuse(std::move(c), {errc::storage_failed, "Stored state could not be read"});
        go(std::move(c), **v, std::move(pat));
      });
}

// A token that is good only from somewhere, or so often, hands out none that is good for more. Asked before the order:
// what that does to rows is the same in every program of one format, and these have not always asked.
std::optional<error> beyond_its_bounds(const call& c) {
  if (!c.caller.narrowed) return std::nullopt;
  return error{errc::forbidden, "A token with restrictions makes, brings in and reveals no other"};
}

void reveal(call_ptr c, const model::reveal_pat& op) {
  c->denial = {};  // the command puts it on record itself
  order_and_answer(std::move(c), model::operation{op}, [](call&, actors::answer& a) {
    json_writer w(256);
    w.object().key("data").object().field("fullToken", a.token.view()).end_object().end_object();
    auto r = json_response(200, w.take());
    r.headers.push_back({"Pragma", "no-cache"});
    r.wipe = true;
    return r;
  });
}

void end_pat(call_ptr c, response (*make)(call&, actors::answer&)) {
  with_pat_id(std::move(c), [make](call_ptr mine, pat_id id) {
    order_and_answer(std::move(mine), model::operation{model::revoke_pat{id}}, make);
  });
}

}  // namespace

void create_pat(call_ptr c) {
  as_member(std::move(c), model::scope_write, [](call_ptr mine) {
    if (!mine->req.body.empty() && !has_json_body(mine->req)) {
      auto r = native::unsupported_media_type(*mine);
      return answer(std::move(mine), std::move(r));
    }
    auto fields = parse_fields(body_of::create, mine->req.body, mine->ctx.now);
    if (!fields) return refuse(std::move(mine), fields.error());
    if (!fields->name) return refuse(std::move(mine), {errc::invalid, "name is required"});
    actors::issue_pat what;
    what.name = std::move(*fields->name);
    what.scopes = fields->scopes.value_or(model::scope_read);
    what.expires = fields->expires;
    what.only = std::move(fields->only).value_or(model::restrictions{});
    order_and_answer(std::move(mine), std::move(what), [](call&, actors::answer& a) {
      return with_token(201, std::get<model::pat_entry>(a.outcome.what), a.token);
    });
  });
}

void list_pats(call_ptr c) {
  auto page = page_of(c->req);
  if (!page) return refuse(std::move(c), page.error());
  answer_from_view(std::move(c), [at = *page](call& mine, const model::view& v) {
    auto pats = model::list_pats(v, mine.ctx, at);
    if (!pats) return error_response(mine, pats.error());
    json_writer w(512 + 512 * pats->items.size());
    w.object().key("data").array();
    for (const auto& pat : pats->items) write_pat(w, pat);
    w.end_array().key("pagination").object();
    w.field("total", pats->total).field("limit", at.limit).field("offset", at.offset).end_object().end_object();
    // Seeing everybody's tokens is an act of its own; once an hour of it is on record.
    bool of_others = std::any_of(pats->items.begin(), pats->items.end(),
                                 [&mine](const auto& pat) { return pat.record.owner != mine.ctx.who.user; });
    if (of_others) mine.act = "pat.list_all";
    return json_response(200, w.take());
  });
}

void get_pat(call_ptr c) {
  with_pat_id(std::move(c), [](call_ptr mine, pat_id id) {
    answer_from_view(std::move(mine), [id](call& asked, const model::view& v) {
      auto pat = model::get_pat(v, asked.ctx, id);
      return pat ? one_pat(200, *pat) : error_response(asked, pat.error());
    });
  });
}

void change_pat(call_ptr c) {
  with_pat_id(std::move(c), [](call_ptr mine, pat_id id) {
    as_member(std::move(mine), model::scope_write, [id](call_ptr member) {
      if (!member->req.body.empty() && !has_json_body(member->req)) {
        auto r = native::unsupported_media_type(*member);
        return answer(std::move(member), std::move(r));
      }
      auto fields = parse_fields(body_of::change, member->req.body, member->ctx.now);
      if (!fields) return refuse(std::move(member), fields.error());
      model::change_pat op;
      op.id = id;
      op.name = std::move(fields->name);
      op.set_expires = fields->expires_given;
      op.expires = fields->expires;
      op.only = std::move(fields->only);
      at_token(std::move(member), id, model::scope_write,
               [op = std::move(op)](call_ptr at, const model::view&, std::optional<model::pat_entry> pat) mutable {
                 // What else there is to say of another family's token, that family says.
                 if (pat && pat->record.family != model::token_family::alephant && (op.name || op.set_expires))
                   return refuse(std::move(at),
                                 {errc::invalid, "Of another family's token only what narrows it is changed here"});
                 if (auto why = pat ? refused_change(*at, *pat, op) : std::nullopt) return refuse(std::move(at), *why);
                 order_and_answer(std::move(at), model::operation{std::move(op)}, changed_pat);
               });
    });
  });
}

void delete_pat(call_ptr c) {
  end_pat(std::move(c), [](call&, actors::answer&) { return no_content(); });
}

void revoke_pat(call_ptr c) { end_pat(std::move(c), changed_pat); }

void reveal_pat(call_ptr c) {
  with_pat_id(std::move(c), [](call_ptr mine, pat_id id) {
    as_member(std::move(mine), model::scope_admin, [id](call_ptr member) {
      const auto& req = member->req;
      // Real clients send no body, or a JSON content type with nothing behind it, or `{}`.
      if (!req.body.empty()) {
        if (!has_json_body(req)) {
          auto r = native::unsupported_media_type(*member);
          return answer(std::move(member), std::move(r));
        }
        if (auto json = parse_json_object(req.body); !json) return refuse(std::move(member), json.error());
      }
      auto key = retry_key_of(req);
      if (!key) return refuse(std::move(member), key.error());
      if (auto why = beyond_its_bounds(*member); why && member->caller.who.pat != id)
        return refuse(std::move(member), std::move(*why));
      if (auto why = refused_if_outgoing(*member, id)) return refuse(std::move(member), *why);
      const auto& s = member->with.settings;
      model::reveal_pat op{id, s.limits_enabled, s.reveals_per_pat, s.reveals_per_user, std::nullopt, 0};
      if (!*key) return reveal(std::move(member), op);
      op.retry_window_ms = s.retry_window.count();
      at_token(
          std::move(member), id, model::scope_admin,
          [op, key = std::move(**key)](call_ptr at, const model::view&, std::optional<model::pat_entry> pat) mutable {
            op.retry =
                actors::retry_hash_of(at->with.keys, op.id, pat ? pat->record.rotations : 0, at->ctx.who.user, key);
            reveal(std::move(at), op);
          });
    });
  });
}

void confirm_pat_reveal(call_ptr c) {
  with_pat_id(std::move(c), [](call_ptr mine, pat_id id) {
    as_member(std::move(mine), model::scope_admin, [id](call_ptr member) {
      auto key = retry_key_of(member->req);
      if (!key) return refuse(std::move(member), key.error());
      if (!*key) return refuse(std::move(member), {errc::invalid, "The Idempotency-Key header is required"});
      auto& raw = *member;
      // The command answers the same whatever the key; whose token it is, is told as by every other route.
      raw.with.service.query(
          raw.ctx.workspace, raw.req.deadline,
          [member = std::move(member), id,
           key = std::move(**key)](result<std::shared_ptr<const model::view>> v) mutable {
            if (!v) return refuse(std::move(member), v.error());
            auto pat = model::get_pat(**v, member->ctx, id);
            if (!(*v)->trustworthy())
              return refuse(std::move(member), {errc::storage_failed, "Stored state could not be read"});
            if (!pat) return refuse(std::move(member), pat.error());
            model::confirm_pat_reveal op{
                id, actors::retry_hash_of(member->with.keys, id, pat->record.rotations, member->ctx.who.user, key)};
            order_and_answer(std::move(member), model::operation{op},
                             [](call&, actors::answer&) { return no_content(); });
          });
    });
  });
}

void rotate_pat(call_ptr c) {
  with_pat_id(std::move(c), [](call_ptr mine, pat_id id) {
    as_member(std::move(mine), model::every_scope, [id](call_ptr member) {
      if (!has_json_or_no_body(member->req)) {
        auto r = native::unsupported_media_type(*member);
        return answer(std::move(member), std::move(r));
      }
      auto what = renewal_of(*member, id);
      if (!what) return refuse(std::move(member), what.error());
      at_token(
          std::move(member), id, model::every_scope,
          [what = std::move(*what)](call_ptr at, const model::view& v, std::optional<model::pat_entry> pat) mutable {
            if (pat && model::is_of_earlier_membership(v, *pat))
              return refuse(std::move(at),
                            {errc::conflict, "The token's owner left and came back since: make a new one"});
            if (pat && pat->record.family == model::token_family::unleash && what.set_expires && !what.expires)
              return refuse(std::move(at), {errc::invalid, "Every token of this family ends one day"});
            if (auto why = pat ? refused_renewal(*at, v, *pat, what) : std::nullopt) return refuse(std::move(at), *why);
            order_and_answer(std::move(at), std::move(what), [](call&, actors::answer& a) {
              return with_token(200, std::get<model::rotated>(a.outcome.what).pat, a.token);
            });
          });
    });
  });
}

void import_pat(call_ptr c) {
  as_member(std::move(c), model::scope_admin, [](call_ptr mine) {
    if (!has_json_body(mine->req)) {
      auto r = native::unsupported_media_type(*mine);
      return answer(std::move(mine), std::move(r));
    }
    auto row = parse_import_row(mine->req.body);
    if (!row) return refuse(std::move(mine), row.error());
    if (row->workspace != mine->ctx.workspace)
      return refuse(std::move(mine), {errc::invalid, "workspaceId must be the workspace of the X-Workspace-Id header"});
    if (auto why = beyond_its_bounds(*mine)) return refuse(std::move(mine), std::move(*why));
    // As with a create. Who is signed in has what their role has, and that is asked for by the order.
    const auto& who = mine->caller.who;
    if (auto missing = model::implied(row->scopes) & ~who.scopes; missing && who.via == model::caller::kind::pat)
      return refuse(std::move(mine), model::lacks(static_cast<model::scope_set>(missing)));
    auto op = import_operation(*row, mine->with.keys, pat_id{crypto::random_uuid()});
    order_and_answer(std::move(mine), std::move(op),
                     [](call&, actors::answer& a) { return one_pat(201, std::get<model::pat_entry>(a.outcome.what)); });
  });
}

}  // namespace nacre::http::alephant

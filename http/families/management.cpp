#include "http/families/management.hpp"

#include "crypto/audit_signature.hpp"
#include "crypto/digest.hpp"
#include "crypto/keyring.hpp"
#include "crypto/random.hpp"
#include "http/families/body.hpp"
#include "http/json.hpp"
#include "model/audit.hpp"
#include "model/limits.hpp"
#include "model/text.hpp"

namespace nacre::http::management {

namespace {

// ---- bodies ----------------------------------------------------------------------------------------

result<std::string> name_in(const json_document& body, std::string_view field, std::size_t chars_max) {
  auto value = body.find(field);
  auto text = value ? value->string() : std::nullopt;
  if (!text) return fail(errc::invalid, std::string(field) + " is required and must be a string");
  if (auto good = model::check_name(field, *text, chars_max); !good) return fail(good.error());
  return std::string(*text);
}

// ---- objects ---------------------------------------------------------------------------------------

void write(json_writer& w, const model::workspace_entry& e) {
  w.object().field("id", std::string_view(to_string(e.id))).field("name", std::string_view(e.record.name));
  w.field("role", model::name_of(e.role)).field("memberCount", e.record.members);
  w.field("patCount", e.record.live_pats);
  w.field("createdAt", std::string_view(format_rfc3339(e.record.created))).end_object();
}

void write(json_writer& w, const model::member_entry& e) {
  w.object().field("userId", std::string_view(to_string(e.id))).field("role", model::name_of(e.record.role));
  w.key("email");
  if (e.record.email.empty())
    w.value(nullptr);
  else
    w.value(std::string_view(e.record.email));
  w.field("joinedAt", std::string_view(format_rfc3339(e.record.joined))).end_object();
}

void write(json_writer& w, const model::service_user_entry& e) {
  w.object().field("id", std::string_view(to_string(e.id))).field("name", std::string_view(e.record.name));
  w.field("createdBy", std::string_view(to_string(e.record.created_by)));
  w.field("createdAt", std::string_view(format_rfc3339(e.record.created))).end_object();
}

void write(json_writer& w, const model::project_entry& e) {
  w.object().field("id", std::string_view(to_string(e.id))).field("name", std::string_view(e.record.name));
  w.field("key", std::string_view(e.record.key)).field("version", std::string_view(e.record.version));
  w.field("workspaceId", std::string_view(to_string(e.workspace)));
  w.field("createdAt", std::string_view(format_rfc3339(e.record.created)));
  w.field("updatedAt", std::string_view(format_rfc3339(e.record.updated))).end_object();
}

template <class Entry>
response one(int status, const Entry& e) {
  json_writer w;
  w.object().key("data");
  write(w, e);
  w.end_object();
  return json_response(status, w.take());
}

template <class Entry>
response many(const model::listed<Entry>& list, model::page at) {
  json_writer w(256 + 256 * list.items.size());
  w.object().key("data").array();
  for (const auto& e : list.items) write(w, e);
  w.end_array().key("pagination").object().field("total", list.total);
  w.field("limit", at.limit).field("offset", at.offset).end_object().end_object();
  return json_response(200, w.take());
}

// The object a committed order answered with.
template <class Entry, int status>
response made(call&, actors::answer& a) {
  return one(status, std::get<Entry>(a.outcome.what));
}

response done(call&, actors::answer&) { return no_content(); }

response self(const call& c) {
  const auto& me = c.caller;
  bool pat = me.bound_to.has_value();
  json_writer w;
  w.object().key("data").object().field("id", std::string_view(to_string(me.who.user)));
  w.key("email");
  if (me.email.empty())
    w.value(nullptr);
  else
    w.value(std::string_view(me.email));
  w.field("credential", pat ? "pat" : "jwt");
  if (pat) {
    w.field("tokenId", std::string_view(to_string(me.who.pat)));
    w.field("workspaceId", std::string_view(to_string(*me.bound_to)));
    w.key("scopes").array();
    for (auto s : model::scope_bits)
      if (me.who.scopes & s) w.value(model::name_of(s));
    w.end_array();
  }
  w.end_object().end_object();
  return json_response(200, w.take());
}

// ---- shared shapes of handlers -----------------------------------------------------------------------

template <class Entry>
using lister = result<model::listed<Entry>> (*)(const model::view&, const model::context&, model::page);

template <class Entry>
void list(call_ptr c, lister<Entry> ask) {
  auto page = page_of(c->req);
  if (!page) return refuse(std::move(c), page.error());
  answer_from_view(std::move(c), [ask, at = *page](call& mine, const model::view& v) {
    auto found = ask(v, mine.ctx, at);
    return found ? many(*found, at) : error_response(mine, found.error());
  });
}

std::optional<user_id> user_in_path(call_ptr& c) {
  auto id = parse_uuid(c->capture(1));
  if (!id || id->is_nil()) {
    refuse(std::move(c), {errc::invalid, "The user id must be a UUID"});
    return std::nullopt;
  }
  return user_id{*id};
}

}  // namespace

void create_workspace(call_ptr c) {
  if (c->caller.bound_to)
    return refuse(std::move(c), {errc::forbidden, "A personal access token cannot create workspaces"});
  auto body = body_of(c, {"name"});
  if (!body) return;
  auto name = name_in(*body, "name", limits::name_chars_max);
  if (!name) return refuse(std::move(c), name.error());
  c->ctx.workspace = workspace_id{crypto::random_uuid()};
  actors::found_workspace what{std::move(*name), c->caller.email};
  order_and_answer(std::move(c), std::move(what), made<model::workspace_entry, 201>);
}

void list_workspaces(call_ptr c) {
  auto page = page_of(c->req);
  if (!page) return refuse(std::move(c), page.error());
  // A PAT sees the one workspace it is good for, by the rule that any use of it there would follow.
  if (c->caller.bound_to) {
    c->ctx.workspace = *c->caller.bound_to;
    return answer_from_view(std::move(c), [at = *page](call& mine, const model::view& v) {
      auto only = model::get_workspace(v, mine.ctx);
      if (!only) return error_response(mine, only.error());
      model::listed<model::workspace_entry> found{{}, 1};
      if (at.offset == 0) found.items.push_back(std::move(*only));
      return many(found, at);
    });
  }
  answer_from_view(std::move(c), [at = *page](call& mine, const model::view& v) {
    return many(model::list_workspaces(v, mine.ctx.who, at), at);
  });
}

void get_workspace(call_ptr c) {
  answer_from_view(std::move(c), [](call& mine, const model::view& v) {
    auto found = model::get_workspace(v, mine.ctx);
    return found ? one(200, *found) : error_response(mine, found.error());
  });
}

void change_workspace(call_ptr c) {
  as_member(std::move(c), model::scope_admin, [](call_ptr mine) {
    auto body = body_of(mine, {"name"});
    if (!body) return;
    auto name = name_in(*body, "name", limits::name_chars_max);
    if (!name) return refuse(std::move(mine), name.error());
    order_and_answer(std::move(mine), model::operation{model::rename_workspace{std::move(*name)}},
                     made<model::workspace_entry, 200>);
  });
}

void delete_workspace(call_ptr c) { order_and_answer(std::move(c), model::operation{model::delete_workspace{}}, done); }

void list_members(call_ptr c) { list<model::member_entry>(std::move(c), model::list_members); }

void put_member(call_ptr c) {
  auto user = user_in_path(c);
  if (!user) return;
  as_member(std::move(c), model::scope_admin, [user = *user](call_ptr mine) {
    auto body = body_of(mine, {"role", "email"});
    if (!body) return;
    auto given = body->find("role");
    auto text = given ? given->string() : std::nullopt;
    auto role = text ? model::parse_role(*text) : std::nullopt;
    if (!role) return refuse(std::move(mine), {errc::invalid, "role must be owner, admin or member"});
    model::put_member op{user, *role, std::nullopt};
    if (auto email = body->find("email"); email && !email->is_null()) {
      auto address = email->string();
      if (!address) return refuse(std::move(mine), {errc::invalid, "email must be a string"});
      if (auto good = model::check_email(*address); !good) return refuse(std::move(mine), good.error());
      op.email = *address;
    }
    order_and_answer(std::move(mine), model::operation{std::move(op)}, made<model::member_entry, 200>);
  });
}

void remove_member(call_ptr c) {
  auto user = user_in_path(c);
  if (!user) return;
  order_and_answer(std::move(c), model::operation{model::remove_member{*user}}, done);
}

void create_service_user(call_ptr c) {
  as_member(std::move(c), model::scope_admin, [](call_ptr mine) {
    auto body = body_of(mine, {"name"});
    if (!body) return;
    auto name = name_in(*body, "name", limits::name_chars_max);
    if (!name) return refuse(std::move(mine), name.error());
    model::create_service_user op;
    op.id = user_id{crypto::random_uuid()};
    op.name = std::move(*name);
    order_and_answer(std::move(mine), model::operation{std::move(op)}, made<model::service_user_entry, 201>);
  });
}

void list_service_users(call_ptr c) { list<model::service_user_entry>(std::move(c), model::list_service_users); }

void create_project(call_ptr c) {
  as_member(std::move(c), model::scope_admin, [](call_ptr mine) {
    auto body = body_of(mine, {"name", "key", "version"});
    if (!body) return;
    auto name = name_in(*body, "name", limits::name_chars_max);
    if (!name) return refuse(std::move(mine), name.error());
    auto key = name_in(*body, "key", limits::project_key_chars_max);
    if (!key) return refuse(std::move(mine), key.error());
    if (auto good = model::check_project_key(*key); !good) return refuse(std::move(mine), good.error());
    auto version = name_in(*body, "version", limits::version_chars_max);
    if (!version) return refuse(std::move(mine), version.error());
    model::create_project op{project_id{crypto::random_uuid()}, std::move(*name), std::move(*key), std::move(*version)};
    order_and_answer(std::move(mine), model::operation{std::move(op)}, made<model::project_entry, 201>);
  });
}

void list_projects(call_ptr c) { list<model::project_entry>(std::move(c), model::list_projects); }

void who_am_i(call_ptr c) {
  // A PAT is good as long as its owner is a member; a JWT is somebody, wherever they are a member.
  if (!c->caller.bound_to) {
    auto r = self(*c);
    return answer(std::move(c), std::move(r));
  }
  c->ctx.workspace = *c->caller.bound_to;
  as_member(std::move(c), model::scope_read, [](call_ptr mine) {
    auto r = self(*mine);
    answer(std::move(mine), std::move(r));
  });
}

void list_audit(call_ptr c) {
  auto query = parse_query(c->req.query);
  if (!query) return refuse(std::move(c), query.error());
  auto after = number_of(*query, "after", 0, 0, INT64_MAX);
  if (!after) return refuse(std::move(c), after.error());
  auto limit = number_of(*query, "limit", limits::audit_page_default, 1, limits::audit_page_max);
  if (!limit) return refuse(std::move(c), limit.error());
  answer_from_view(std::move(c), [from = *after, limit = *limit](call& mine, const model::view& v) {
    auto found = model::list_audit(v, mine.ctx, from, static_cast<std::uint32_t>(limit));
    if (!found) return error_response(mine, found.error());
    json_writer w(256 + 512 * found->items.size());
    w.object().key("data").array();
    // Byte for byte what the leaf hashes cover.
    for (const auto& e : found->items) w.raw(e.row.entry);
    w.end_array().key("pagination").object();
    w.field("total", found->total).field("after", from).field("limit", limit).end_object().end_object();
    return json_response(200, w.take());
  });
}

void get_audit_head(call_ptr c) {
  answer_from_view(std::move(c), [](call& mine, const model::view& v) {
    auto head = model::get_audit_head(v, mine.ctx);
    if (!head) return error_response(mine, head.error());
    const auto workspace = mine.ctx.workspace;
    const auto time = format_rfc3339(mine.ctx.now);
    const auto signature = mine.with.keys.sign_audit_head(crypto::audit_head_bytes(workspace, *head, time));
    json_writer w(4096);
    w.object().key("data").object().field("workspaceId", std::string_view(to_string(workspace)));
    w.field("size", head->size).field("root", std::string_view(crypto::to_hex(crypto::view(model::root(*head)))));
    w.key("edge").array();
    for (const auto& each : head->edge) w.value(std::string_view(crypto::to_hex(crypto::view(each))));
    w.end_array().field("time", std::string_view(time)).field("key", std::string_view(crypto::to_hex(signature.key)));
    w.field("signature", std::string_view(crypto::to_hex(signature.value))).end_object().end_object();
    return json_response(200, w.take());
  });
}

}  // namespace nacre::http::management

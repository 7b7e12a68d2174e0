#include "model/people.hpp"

#include <algorithm>

#include "model/audit.hpp"
#include "model/keys.hpp"
#include "model/limits.hpp"
#include "model/load.hpp"
#include "model/outcomes.hpp"
#include "model/policy.hpp"

namespace nacre::model {

namespace {

void save(state& st, const context& ctx, user_id id, const service_user_record& r) {
  st.put(space::state, keys::service_user(ctx.workspace, id), encode(r));
}

void save(state& st, const context& ctx, const workspace_record& ws) {
  st.put(space::state, keys::workspace(ctx.workspace), encode(ws));
}

std::optional<service_user_record> load_service_user(const view& v, workspace_id ws, user_id id) {
  auto row = load<service_user_record>(v, space::state, keys::service_user(ws, id));
  if (row && row->removed) row.reset();
  return row;
}

result<standing> stand_to_administer(const view& v, const context& ctx) {
  auto who = stand(v, ctx, scope_admin);
  if (who && !who->may_administer()) return fail(errc::forbidden, "Only a workspace owner or admin may do this");
  return who;
}

// An admin makes no owner, and nobody lifts a role by the permission of a token.
result<void> may_give(const standing& who, role r) {
  if (r == role::owner && !who.is_owner()) return fail(errc::forbidden, "Only a workspace owner may do this");
  if (r == role::admin && !who.is_admin()) return fail(errc::forbidden, "Only a workspace owner or admin may do this");
  return {};
}

// Whether a live service user goes by this name or address.
bool is_taken(const view& v, workspace_id ws, std::string_view email) {
  bool taken = false;
  auto prefix = keys::all(ws, 'S');
  v.scan(space::state, prefix, keys::past(prefix), [&](std::string_view, std::string_view value) {
    auto other = decode<service_user_record>(value);
    if (!other) return v.mark_undecodable(), false;
    taken = !other->removed && other->email == email;
    return !taken;
  });
  return taken;
}

error no_service_user() { return {errc::not_found, "Service user not found"}; }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool contains(std::string_view text, std::string_view part) {
  auto same = [](char a, char b) { return lower(a) == lower(b); };
  return std::search(text.begin(), text.end(), part.begin(), part.end(), same) != text.end() || part.empty();
}

}  // namespace

workspace_record begin_workspace(state& st, const context& ctx, const std::string& name,
                                 const std::string& wrapped_data_key) {
  workspace_record ws;
  ws.name = name;
  ws.created = ctx.now;
  st.put(space::sealed, keys::data_key(ctx.workspace, ws.data_key_version), wrapped_data_key);
  return ws;
}

member_record join(state& st, const context& ctx, workspace_record& ws, user_id user, role as,
                   const std::string& email) {
  auto before = load<member_record>(st, space::state, keys::member(ctx.workspace, user));
  member_record m;
  m.role = as;
  m.joined = ctx.now;
  m.email = email;
  m.live_pats = before ? before->live_pats : 0;
  m.dead_pats = before ? ws.pat_seq : 0;
  m.number = before && before->number != 0 ? before->number : number_user(st, ctx.workspace, ws, user);
  ++ws.members;
  if (as == role::owner) ++ws.owners;
  st.put(space::state, keys::member(ctx.workspace, user), encode(m));
  st.put(space::index, keys::user_workspace(user, ctx.workspace), "");
  return m;
}

std::uint64_t number_user(state& st, workspace_id id, workspace_record& ws, user_id user) {
  auto number = ++ws.user_seq;
  st.put(space::state, keys::numbered_user(id, number), std::string(user.value().view()));
  return number;
}

void number_if_none(state& st, workspace_id id, workspace_record& ws, user_id user) {
  if (auto m = load<member_record>(st, space::state, keys::member(id, user))) {
    if (m->number != 0) return;
    m->number = number_user(st, id, ws, user);
    st.put(space::state, keys::member(id, user), encode(*m));
  } else if (auto s = load<service_user_record>(st, space::state, keys::service_user(id, user)); s && s->number == 0) {
    s->number = number_user(st, id, ws, user);
    st.put(space::state, keys::service_user(id, user), encode(*s));
  }
}

bool is_service_user(const view& v, workspace_id ws, user_id user) {
  return v.get(space::state, keys::service_user(ws, user)).has_value();
}

outcome apply_to(state& st, const context& ctx, const create_service_user& op) {
  auto who = stand_to_administer(st, ctx);
  if (!who) return refuse(who.error());
  if (who->workspace.service_users >= limits::service_users_per_workspace_max)
    return refuse(errc::conflict, "This workspace has as many service users as it can hold");
  if (st.get(space::state, keys::service_user(ctx.workspace, op.id)) ||
      st.get(space::state, keys::member(ctx.workspace, op.id)))
    return refuse(errc::conflict, "This service user exists already");
  service_user_record made;
  made.name = op.name;
  made.created = made.updated = ctx.now;
  made.created_by = ctx.who.user;
  made.email = op.email;
  made.type = op.type;
  made.root_role = op.root_role;
  if (auto may = may_give(*who, made.role()); !may) return refuse(may.error());
  // Unleash knows its service accounts by user name; the other families by their ids.
  if (made.root_role != 0 && !made.email.empty() && is_taken(st, ctx.workspace, made.email))
    return refuse(errc::conflict, "A service account with this username exists already.");
  made.number = number_user(st, ctx.workspace, who->workspace, op.id);
  ++who->workspace.service_users;
  save(st, ctx, op.id, made);
  save(st, ctx, who->workspace);
  append_audit(st, ctx, {"service_user.create", to_string(op.id)});
  return answer(service_user_entry{op.id, made});
}

outcome apply_to(state& st, const context& ctx, const change_service_user& op) {
  auto who = stand_to_administer(st, ctx);
  if (!who) return refuse(who.error());
  auto found = load_service_user(st, ctx.workspace, op.id);
  if (!found) return refuse(no_service_user());
  if (auto may = may_give(*who, found->role()); !may) return refuse(may.error());
  auto before = *found;
  if (op.name) found->name = *op.name;
  if (op.root_role) {
    // What was said last is what it may do, whichever family it was made in.
    if (*op.root_role != 1 && found->type >= account_type::admin) found->type = account_type::member;
    found->root_role = *op.root_role;
  }
  if (auto may = may_give(*who, found->role()); !may) return refuse(may.error());
  if (!(*found == before)) {
    if (found->number == 0) {
      found->number = number_user(st, ctx.workspace, who->workspace, op.id);
      save(st, ctx, who->workspace);
    }
    found->updated = ctx.now;
    save(st, ctx, op.id, *found);
    append_audit(st, ctx, {"service_user.update", to_string(op.id)});
  }
  return answer(service_user_entry{op.id, *found});
}

outcome apply_to(state& st, const context& ctx, const delete_service_user& op) {
  auto who = stand_to_administer(st, ctx);
  if (!who) return refuse(who.error());
  auto found = load_service_user(st, ctx.workspace, op.id);
  if (!found) return refuse(no_service_user());
  if (auto may = may_give(*who, found->role()); !may) return refuse(may.error());
  if (found->number == 0) found->number = number_user(st, ctx.workspace, who->workspace, op.id);
  found->removed = found->updated = ctx.now;
  --who->workspace.service_users;
  save(st, ctx, op.id, *found);
  save(st, ctx, who->workspace);
  append_audit(st, ctx, {"service_user.delete", to_string(op.id)});
  return {};
}

std::optional<person> find_person(const view& v, workspace_id ws, user_id id) {
  if (auto m = load<member_record>(v, space::state, keys::member(ws, id))) {
    if (m->removed) return std::nullopt;
    return person{id, std::move(*m)};
  }
  if (auto s = load_service_user(v, ws, id)) return person{id, std::move(*s)};
  return std::nullopt;
}

std::optional<person> find_person(const view& v, workspace_id ws, std::uint64_t number) {
  auto row = v.get(space::state, keys::numbered_user(ws, number));
  if (!row) return std::nullopt;
  auto id = uuid_from_bytes(*row);
  if (!id) {
    v.mark_undecodable();
    return std::nullopt;
  }
  return find_person(v, ws, user_id{*id});
}

result<listed<person>> list_people(const view& v, const context& ctx, const people_filter& of, page at) {
  auto who = stand(v, ctx, scope_read);
  if (!who) return fail(who.error());
  listed<person> out;
  auto take = [&](person p) {
    if (out.total++ >= at.offset && out.items.size() < at.limit) out.items.push_back(std::move(p));
  };
  auto walk = [&](char kind, auto each) {
    auto prefix = keys::all(ctx.workspace, kind);
    v.scan(space::state, prefix, keys::past(prefix), [&](std::string_view key, std::string_view value) {
      auto id = uuid_from_bytes(key.substr(prefix.size()));
      if (!id || !each(user_id{*id}, value)) return v.mark_undecodable(), false;
      return true;
    });
  };
  if (!of.service || !*of.service)
    walk('M', [&](user_id id, std::string_view value) {
      auto m = decode<member_record>(value);
      if (m && !m->removed && contains(m->email, of.search)) take({id, std::move(*m)});
      return m.has_value();
    });
  if (!of.service || *of.service)
    walk('S', [&](user_id id, std::string_view value) {
      auto s = decode<service_user_record>(value);
      if (s && !s->removed && (contains(s->email, of.search) || contains(s->name, of.search)))
        take({id, std::move(*s)});
      return s.has_value();
    });
  return out;
}

}  // namespace nacre::model

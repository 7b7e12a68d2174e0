#include "model/queries.hpp"

#include <algorithm>
#include <array>

#include "model/audit.hpp"
#include "model/keys.hpp"
#include "model/load.hpp"
#include "model/policy.hpp"

namespace nacre::model {

namespace {

// Decodes the page's share of a key range of `total` kept records; `make(id, record)` builds an entry.
// Records for which `keep` is false are passed over. Stops when the page is full.
template <class Entry, class Record, class Make, class Keep>
listed<Entry> page_of(const view& v, const std::string& prefix, page at, std::uint64_t total, Make make, Keep keep) {
  listed<Entry> out;
  out.total = total;
  if (at.offset >= total || at.limit == 0) return out;
  std::uint64_t passed = 0;
  v.scan(space::state, prefix, keys::past(prefix), [&](std::string_view key, std::string_view value) {
    auto id = uuid_from_bytes(key.substr(prefix.size()));
    auto record = decode<Record>(value);
    if (!id || !record) {
      v.mark_undecodable();
      return false;
    }
    if (!keep(*record) || passed++ < at.offset) return true;
    out.items.push_back(make(*id, std::move(*record)));
    return out.items.size() < at.limit;
  });
  return out;
}

// The PATs a list index names, in its order.
std::vector<pat_entry> listed_pats(const view& v, workspace_id ws, const std::string& prefix, page at,
                                   std::uint64_t total) {
  if (at.offset >= total) return {};  // nothing to walk to
  if (at.limit == 0) return {};
  std::vector<std::string> ids;
  std::uint64_t passed = 0;
  v.scan(space::state, prefix, keys::past(prefix), [&](std::string_view, std::string_view id) {
    if (passed++ >= at.offset) ids.emplace_back(id);
    return ids.size() < at.limit;
  });
  std::vector<pat_entry> out;
  for (const auto& bytes : ids) {
    auto id = uuid_from_bytes(bytes);
    auto record = id ? load<pat_record>(v, space::state, keys::pat(ws, pat_id{*id})) : std::nullopt;
    if (!record) {
      v.mark_undecodable();  // an index row without its record
      break;
    }
    out.push_back({pat_id{*id}, ws, std::move(*record), {}});
  }
  return out;
}

constexpr std::size_t pats_nearby = 16;  // who asks about one PAT of a workspace will ask about others

constexpr auto every_record = [](const auto&) { return true; };

}  // namespace

std::optional<token_owner> find_token(const view& v, std::string_view lookup, token_origin origin) {
  auto key = origin == token_origin::issued ? keys::token(lookup) : keys::imported_token(lookup);
  auto where = v.get(space::index, key);
  if (!where) return std::nullopt;
  reader r(*where);
  auto ws = r.id_as<workspace_id>();
  auto id = r.id_as<pat_id>();
  auto workspace_key = keys::workspace(ws), pat_key = keys::pat(ws, id);
  if (r.finished()) v.prefetch(space::state, std::array<std::string_view, 2>{workspace_key, pat_key}, pats_nearby);
  auto record = r.finished() ? load<pat_record>(v, space::state, pat_key) : std::nullopt;
  auto workspace = load<workspace_record>(v, space::state, workspace_key);
  if (!record || !workspace) {
    v.mark_undecodable();
    return std::nullopt;
  }
  if (workspace->deleted) return std::nullopt;
  return token_owner{ws, id, std::move(*record)};
}

result<pat_entry> get_pat(const view& v, const context& ctx, pat_id id) {
  // What stand() and find_live_pat() are about to ask for; the caller's own PAT, if it is one, comes by itself.
  auto workspace = keys::workspace(ctx.workspace), me = keys::member(ctx.workspace, ctx.who.user);
  auto pat_key = keys::pat(ctx.workspace, id);
  v.prefetch(space::state, std::array<std::string_view, 3>{workspace, me, pat_key}, pats_nearby);
  auto who = stand(v, ctx, scope_read);
  if (!who) return fail(who.error());
  auto pat = find_live_pat(v, ctx.workspace, id);
  if (!pat) return fail(pat.error());
  if (auto may = may_handle(*who, ctx, *pat); !may) return fail(may.error());
  return pat_entry{id, ctx.workspace, std::move(*pat), {}};
}

std::optional<pat_entry> find_pat(const view& v, const context& ctx, pat_id id, scope_set needed) {
  auto who = stand(v, ctx, needed);
  auto pat = who ? find_live_pat(v, ctx.workspace, id) : fail(who.error());
  if (!pat || !may_handle(*who, ctx, *pat)) return std::nullopt;
  return pat_entry{id, ctx.workspace, std::move(*pat), {}};
}

bool is_of_earlier_membership(const view& v, const pat_entry& pat) {
  auto owner = load<member_record>(v, space::state, keys::member(pat.workspace, pat.record.owner));
  return owner && pat.record.seq <= owner->dead_pats;
}

result<listed<pat_entry>> list_pats(const view& v, const context& ctx, page at) {
  auto who = stand(v, ctx, scope_read);
  if (!who) return fail(who.error());
  listed<pat_entry> out;
  if (who->is_admin()) {
    out.total = who->workspace.live_pats;
    out.items = listed_pats(v, ctx.workspace, keys::all(ctx.workspace, 'L'), at, out.total);
  } else {
    out.total = who->me.live_pats;
    out.items = listed_pats(v, ctx.workspace, keys::owned_pats(ctx.workspace, ctx.who.user), at, out.total);
  }
  return out;
}

result<workspace_entry> get_workspace(const view& v, const context& ctx) {
  auto who = stand(v, ctx, scope_read);
  if (!who) return fail(who.error());
  return workspace_entry{ctx.workspace, std::move(who->workspace), who->me.role};
}

listed<workspace_entry> list_workspaces(const view& v, const caller& who, page at) {
  listed<workspace_entry> out;
  auto prefix = keys::user_workspaces(who.user);
  v.scan(space::index, prefix, keys::past(prefix), [&](std::string_view key, std::string_view) {
    auto id = uuid_from_bytes(key.substr(prefix.size()));
    if (!id) {
      v.mark_undecodable();
      return false;
    }
    if (out.total++ < at.offset || out.items.size() >= at.limit) return true;
    workspace_id ws{*id};
    auto record = load<workspace_record>(v, space::state, keys::workspace(ws));
    auto me = load<member_record>(v, space::state, keys::member(ws, who.user));
    if (!record || !me) {
      v.mark_undecodable();
      return false;
    }
    out.items.push_back({ws, std::move(*record), me->role});
    return true;
  });
  return out;
}

result<listed<member_entry>> list_members(const view& v, const context& ctx, page at) {
  auto who = stand(v, ctx, scope_read);
  if (!who) return fail(who.error());
  return page_of<member_entry, member_record>(
      v, keys::all(ctx.workspace, 'M'), at, who->workspace.members,
      [](uuid id, member_record r) {
        return member_entry{user_id{id}, std::move(r)};
      },
      [](const member_record& r) { return !r.removed; });
}

result<listed<service_user_entry>> list_service_users(const view& v, const context& ctx, page at) {
  auto who = stand(v, ctx, scope_read);
  if (!who) return fail(who.error());
  return page_of<service_user_entry, service_user_record>(
      v, keys::all(ctx.workspace, 'S'), at, who->workspace.service_users,
      [](uuid id, service_user_record r) {
        return service_user_entry{user_id{id}, std::move(r)};
      },
      [](const service_user_record& r) { return !r.removed; });
}

result<listed<project_entry>> list_projects(const view& v, const context& ctx, page at) {
  auto who = stand(v, ctx, scope_read);
  if (!who) return fail(who.error());
  return page_of<project_entry, project_record>(
      v, keys::all(ctx.workspace, 'J'), at, who->workspace.projects,
      [&](uuid id, project_record r) {
        return project_entry{project_id{id}, ctx.workspace, std::move(r)};
      },
      every_record);
}

result<audit_head> get_audit_head(const view& v, const context& ctx) {
  auto who = stand(v, ctx, scope_admin);
  if (!who) return fail(who.error());
  if (auto may = require_admin(*who); !may) return fail(may.error());
  return load_audit_head(v, ctx.workspace);
}

result<listed<audit_entry>> list_audit(const view& v, const context& ctx, std::uint64_t after, std::uint32_t limit) {
  const auto head = get_audit_head(v, ctx);
  if (!head) return fail(head.error());
  listed<audit_entry> out;
  out.total = head->size;
  if (after >= head->size || limit == 0) return out;
  v.scan(space::audit, keys::audit(ctx.workspace, after + 1), keys::audit(ctx.workspace, head->size + 1),
         [&](std::string_view key, std::string_view value) {
           auto seq = after + 1 + out.items.size();
           auto row = decode<audit_row>(value);
           if (!row || key != keys::audit(ctx.workspace, seq) || leaf_hash(row->entry) != row->leaf) return false;
           out.items.push_back({seq, std::move(*row)});
           return out.items.size() < limit;
         });
  if (out.items.size() < std::min<std::uint64_t>(limit, head->size - after))
    v.mark_undecodable();  // a row is lost, or changed
  return out;
}

}  // namespace nacre::model

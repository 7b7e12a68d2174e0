#pragma once
// What can be asked of a view, with the same rules about who may see what as apply() has about who may
// do what. Pure; one view gives one consistent answer. Callers check `view.trustworthy()` afterwards.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/apply.hpp"
#include "model/error.hpp"
#include "model/view.hpp"

namespace nacre::model {

struct page {
  std::uint32_t offset = 0, limit = 20;
};
template <class Entry>
struct listed {
  std::vector<Entry> items;
  std::uint64_t total = 0;
};

// A PAT presented as credential. The record is returned even when revoked or expired: the edge
// answers each with its own text (contracts/alephant-pats.md section 5).
struct token_owner {
  workspace_id workspace;
  pat_id id;
  pat_record record;
};
enum class token_origin : std::uint8_t { issued, imported };
std::optional<token_owner> find_token(const view& v, std::string_view lookup, token_origin origin);

// Members see their own PATs, owners and admins all of the workspace. Newest first, live ones only.
result<pat_entry> get_pat(const view& v, const context& ctx, pat_id id);
// The same for whoever has one of `needed`; nothing for others.
std::optional<pat_entry> find_pat(const view& v, const context& ctx, pat_id id, scope_set needed);
// Its owner has left since, and come back: it stays on the lists, but nobody gets in with it.
bool is_of_earlier_membership(const view& v, const pat_entry& pat);
result<listed<pat_entry>> list_pats(const view& v, const context& ctx, page at);

result<workspace_entry> get_workspace(const view& v, const context& ctx);
// Not bound to ctx.workspace: the workspaces of the caller, in id order.
listed<workspace_entry> list_workspaces(const view& v, const caller& who, page at);
result<listed<member_entry>> list_members(const view& v, const context& ctx, page at);
result<listed<service_user_entry>> list_service_users(const view& v, const context& ctx, page at);
result<listed<project_entry>> list_projects(const view& v, const context& ctx, page at);

// How long the audit log is and the right edge of its tree, for whom may read its entries.
result<audit_head> get_audit_head(const view& v, const context& ctx);
// Entries with seq > after, oldest first, owner or admin only. `total` is the size of the log.
struct audit_entry {
  std::uint64_t seq = 0;
  audit_row row;
};
result<listed<audit_entry>> list_audit(const view& v, const context& ctx, std::uint64_t after, std::uint32_t limit);

}  // namespace nacre::model

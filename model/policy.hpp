#pragma once
// Who may do what. The one place where roles, scopes and ownership are compared.

#include <vector>

#include "model/commands.hpp"
#include "model/error.hpp"
#include "model/records.hpp"
#include "model/view.hpp"

namespace nacre::model {

struct standing {
  workspace_record workspace;
  member_record me;                // of a service user: its role and number, nothing else
  bool service = false;            // the caller is a service user
  std::optional<token_family> by;  // the kind of the PAT they come with; nothing: they signed in
  // What the credential allows: everything, unless it is a PAT. Only Alephant's have scopes of their own; any
  // other opens its family's routes alone, and there what its permissions, if it has such, and its owner may.
  scope_set scopes = every_scope;
  // What of a service token the caller holds, and so may hand on: by role, or what the PAT they come with has.
  permission_set grants = 0;
  bool all_projects = true;
  std::vector<project_id> projects;
  bool is_admin() const { return me.role >= role::admin; }
  bool is_owner() const { return me.role == role::owner; }
  // Service users and their tokens (gorules-service-tokens.md section 2): by role or by the permission `owner`.
  bool may_administer() const { return is_admin() || (grants & bit_of(permission::owner)); }
};

// Why who lacks these may not; the strongest of them is told.
error lacks(scope_set missing);

// Whether all this may be handed on: a token never makes a stronger one.
bool covers(const standing& who, permission_set permissions, bool all_projects,
            const std::vector<project_id>& projects);

// Membership of the caller in ctx.workspace, now; a service user counts as a member by its tokens. A workspace
// that does not exist, is deleted or is somebody else's gives the same `forbidden`. A PAT used as credential
// must still be alive and have one of `needed` among its scopes.
result<standing> stand(const view& v, const context& ctx, scope_set needed);

// The PAT with this id, if it can be seen by anyone: revoked ones are gone.
result<pat_record> find_live_pat(const view& v, workspace_id ws, pat_id id);
// Creator, or owner/admin of the workspace (contracts/alephant-pats.md section 2); of a service token also who
// may administer.
result<void> may_handle(const standing& who, const context& ctx, const pat_record& pat);
result<void> require_admin(const standing& who);
result<void> require_owner(const standing& who);

// Whether this may change what stand(), find_token() or judge() answer about tokens that are there already, uses of
// one that has only so many left out. When in doubt it may.
bool changes_standing(const operation& op);
// Whether it may change anything a list of tokens shows, last uses and counted ones too, or who may see it. So does
// whatever changes_standing(). When in doubt it may.
bool changes_lists(const operation& op);

// The scopes of which a PAT needs one to be used for this operation.
scope_set needed_scope(const operation& op);

}  // namespace nacre::model

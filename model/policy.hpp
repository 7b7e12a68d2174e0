#pragma once
// Who may do what. The one place where roles, scopes and ownership are compared.

#include "model/commands.hpp"
#include "model/error.hpp"
#include "model/records.hpp"
#include "model/view.hpp"

namespace nacre::model {

struct standing {
  workspace_record workspace;
  member_record me;
  scope_set scopes = every_scope;  // what the credential allows: everything, unless it is a PAT
  bool is_admin() const { return me.role >= role::admin; }
  bool is_owner() const { return me.role == role::owner; }
};

// Membership of the caller in ctx.workspace, now. A workspace that does not exist, is deleted or is
// somebody else's gives the same `forbidden`. A PAT used as credential must still be alive and have
// `needed` among its scopes.
result<standing> stand(const view& v, const context& ctx, scope_bit needed);

// The PAT with this id, if it can be seen by anyone: revoked ones are gone.
result<pat_record> find_live_pat(const view& v, workspace_id ws, pat_id id);
// Creator, or owner/admin of the workspace (contracts/alephant-pats.md section 2).
result<void> may_handle(const standing& who, const context& ctx, const pat_record& pat);
result<void> require_admin(const standing& who);
result<void> require_owner(const standing& who);

// The scope a PAT needs to be used for this operation.
scope_bit needed_scope(const operation& op);

}  // namespace nacre::model

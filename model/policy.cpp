#include "model/policy.hpp"

#include "model/keys.hpp"
#include "model/load.hpp"

namespace nacre::model {

result<standing> stand(const view& v, const context& ctx, scope_bit needed) {
  auto outsider = [] { return fail(errc::forbidden, "You are not a member of this workspace"); };
  // A guest has no id; an admin may have put the nil one into a workspace.
  if (ctx.who.via == caller::kind::guest) return outsider();
  auto workspace = load<workspace_record>(v, space::state, keys::workspace(ctx.workspace));
  auto me = load<member_record>(v, space::state, keys::member(ctx.workspace, ctx.who.user));
  scope_set scopes = every_scope;
  if (ctx.who.via == caller::kind::pat) {
    // The credential may have died since it was checked at the edge: the order of commands decides.
    auto pat = load<pat_record>(v, space::state, keys::pat(ctx.workspace, ctx.who.pat));
    if (!pat || pat->owner != ctx.who.user) return fail(errc::unauthenticated, "Authentication failed");
    if (pat->revoked || (me && pat->seq <= me->dead_pats)) return fail(errc::token_revoked, "Token has been revoked");
    if (pat->expires && *pat->expires <= ctx.now) return fail(errc::token_expired, "Token has expired");
    scopes = implied(pat->scopes) & implied(ctx.who.scopes);
  }
  if (!workspace || workspace->deleted || !me || me->removed) return outsider();
  if (!(scopes & needed))
    return fail(errc::insufficient_scope, "Insufficient permissions. Required scope: " + std::string(name_of(needed)));
  return standing{std::move(*workspace), std::move(*me), scopes};
}

result<pat_record> find_live_pat(const view& v, workspace_id ws, pat_id id) {
  auto pat = load<pat_record>(v, space::state, keys::pat(ws, id));
  if (!pat || pat->revoked) return fail(errc::not_found, "Personal access token not found");
  return std::move(*pat);
}

result<void> may_handle(const standing& who, const context& ctx, const pat_record& pat) {
  if (pat.owner == ctx.who.user || who.is_admin()) return {};
  return fail(errc::forbidden, "Only the token's creator or a workspace owner or admin may do this");
}

result<void> require_admin(const standing& who) {
  if (who.is_admin()) return {};
  return fail(errc::forbidden, "Only a workspace owner or admin may do this");
}

result<void> require_owner(const standing& who) {
  if (who.is_owner()) return {};
  return fail(errc::forbidden, "Only a workspace owner may do this");
}

scope_bit needed_scope(const operation& op) {
  bool writes = std::holds_alternative<create_pat>(op) || std::holds_alternative<change_pat>(op) ||
                std::holds_alternative<revoke_pat>(op) || std::holds_alternative<conceal_secret>(op) ||
                std::holds_alternative<set_memo>(op);
  // Managing the workspace needs admin, and so does a reveal: a read-only token must not lift
  // itself by reading a stronger one (contract section 2).
  return writes ? scope_write : scope_admin;
}

}  // namespace nacre::model

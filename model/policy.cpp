#include "model/policy.hpp"

#include <algorithm>

#include "model/keys.hpp"
#include "model/load.hpp"

namespace nacre::model {

namespace {

std::string required(scope_set needed) {
  for (auto s : scope_bits)
    if (needed & s) return "Insufficient permissions. Required scope: " + std::string(name_of(s));
  return "Insufficient permissions";
}

// By role: owners and admins hold everything, members everything but `owner`.
permission_set grants_of(role r) {
  return r >= role::admin ? every_permission : every_permission & ~bit_of(permission::owner);
}

template <class Op, class... Others>
constexpr bool is_one_of = (std::is_same_v<Op, Others> || ...);

}  // namespace

error lacks(scope_set missing) {
  for (auto s : {scope_admin, scope_write, scope_introspect, scope_read})
    if (missing & s) return {errc::insufficient_scope, required(s)};
  return {errc::insufficient_scope, required(missing)};
}

result<standing> stand(const view& v, const context& ctx, scope_set needed) {
  auto outsider = [] { return fail(errc::forbidden, "You are not a member of this workspace"); };
  // A guest has no id; an admin may have put the nil one into a workspace.
  if (ctx.who.via == caller::kind::guest) return outsider();
  auto workspace = load<workspace_record>(v, space::state, keys::workspace(ctx.workspace));
  auto me = load<member_record>(v, space::state, keys::member(ctx.workspace, ctx.who.user));
  standing who;
  if (!me && ctx.who.via == caller::kind::pat) {
    auto service = load<service_user_record>(v, space::state, keys::service_user(ctx.workspace, ctx.who.user));
    if (service && service->removed) return fail(errc::token_revoked, "Token has been revoked");
    if (service) {
      who.service = true;
      me.emplace();
      me->role = service->role();
      me->number = service->number;
      me->joined = service->created;
      me->email = service->email;
    }
  }
  if (me) who.grants = grants_of(me->role);
  if (ctx.who.via == caller::kind::pat) {
    // The credential may have died since it was checked at the edge: the order of commands decides.
    auto pat = load<pat_record>(v, space::state, keys::pat(ctx.workspace, ctx.who.pat));
    if (!pat || pat->owner != ctx.who.user) return fail(errc::unauthenticated, "Authentication failed");
    if (pat->revoked || (me && pat->seq <= me->dead_pats)) return fail(errc::token_revoked, "Token has been revoked");
    if (pat->expires && *pat->expires <= ctx.now) return fail(errc::token_expired, "Token has expired");
    who.by = pat->family;
    // Scopes are the Alephant family's; a service token is narrowed by its permissions, an Unleash token by nothing.
    if (pat->family == token_family::alephant) who.scopes = implied(pat->scopes) & implied(ctx.who.scopes);
    if (pat->family == token_family::service) {
      // A member's token does not keep what its owner's role no longer has; a service user was given it.
      auto held = implied(set_of(pat->permissions));
      who.grants = who.service ? held : held & who.grants;
      who.all_projects = pat->all_projects;
      who.projects = std::move(pat->projects);
    } else if (!(who.scopes & scope_admin)) {
      who.grants = 0;
    }
  }
  if (!workspace || workspace->deleted || !me || me->removed) return outsider();
  if (!(who.scopes & needed)) return fail(errc::insufficient_scope, required(needed));
  who.workspace = std::move(*workspace);
  who.me = std::move(*me);
  return who;
}

bool covers(const standing& who, permission_set permissions, bool all_projects,
            const std::vector<project_id>& projects) {
  if (implied(permissions) & ~who.grants) return false;
  if (who.all_projects) return true;
  if (all_projects) return false;
  return std::all_of(projects.begin(), projects.end(), [&](const project_id& p) {
    return std::find(who.projects.begin(), who.projects.end(), p) != who.projects.end();
  });
}

result<pat_record> find_live_pat(const view& v, workspace_id ws, pat_id id) {
  auto pat = load<pat_record>(v, space::state, keys::pat(ws, id));
  if (!pat || pat->revoked) return fail(errc::not_found, "Personal access token not found");
  return std::move(*pat);
}

result<void> may_handle(const standing& who, const context& ctx, const pat_record& pat) {
  if (pat.owner == ctx.who.user || who.is_admin()) return {};
  if (pat.family == token_family::service && who.may_administer()) return {};
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

bool changes_lists(const operation& op) {
  return std::visit(
      []<class Op>(const Op&) {
        // A reveal changes its budget; one-time secrets and deliveries are none of a token's.
        return !is_one_of<Op, reveal_pat, confirm_pat_reveal, conceal_secret, preview_secret, reserve_attempt,
                          clear_attempts, note_lockout, claim_secret, confirm_reveal, burn_secret, preview_receipt,
                          set_memo, sweep, settle_deliveries, open_ask, answer_ask, pick_up_ask, confirm_ask,
                          cancel_ask>;
      },
      op);
}

bool changes_standing(const operation& op) {
  // Remarks change a PAT's last use and the audit log; who counts uses looks at the record each time
  // (http/checked_tokens.hpp).
  return changes_lists(op) && !std::holds_alternative<note_activity>(op) && !std::holds_alternative<count_use>(op);
}

scope_set needed_scope(const operation& op) {
  // A token of another family may more than the scopes of this one could tell.
  if (const auto* made = std::get_if<create_pat>(&op))
    return made->family == token_family::alephant ? scope_write : scope_admin;
  bool writes = std::holds_alternative<change_pat>(op) || std::holds_alternative<revoke_pat>(op) ||
                std::holds_alternative<conceal_secret>(op) || std::holds_alternative<set_memo>(op) ||
                std::holds_alternative<open_ask>(op);
  if (writes) return scope_write;
  // Any token may renew itself.
  if (std::holds_alternative<rotate_pat>(op)) return every_scope;
  // Managing the workspace needs admin, and so does a reveal: a read-only token must not lift
  // itself by reading a stronger one (contract section 2).
  return scope_admin;
}

}  // namespace nacre::model

#pragma once
// The rules of tokens, of every family the same: who may make, change, reveal, rotate and end one, and what a
// presented one is worth. A family is a way of speaking about them (http/families), nothing more.
//
// Errors: not_found for what is not there or ended; forbidden for whose it is not; insufficient_scope where
// a token would make a stronger one; full when an owner has as many of a family as they may; conflict for a
// description that is taken (Unleash) and for a rotation that cannot be told again.
// Sources: contracts/alephant-pats.md, unleash-tokens.md, gorules-service-tokens.md; SECURITY-DESIGN section 2.

#include <array>
#include <optional>
#include <vector>

#include "model/apply.hpp"
#include "model/policy.hpp"
#include "model/queries.hpp"

namespace nacre::model {

outcome apply_to(state& st, const context& ctx, const create_pat& op);
outcome apply_to(state& st, const context& ctx, const import_pat& op);
outcome apply_to(state& st, const context& ctx, const change_pat& op);
outcome apply_to(state& st, const context& ctx, const revoke_pat& op);
outcome apply_to(state& st, const context& ctx, const reveal_pat& op);
outcome apply_to(state& st, const context& ctx, const confirm_pat_reveal& op);
outcome apply_to(state& st, const context& ctx, const rotate_pat& op);
outcome apply_to(state& st, const context& ctx, const retire_previous& op);
outcome apply_to(state& st, const context& ctx, const count_use& op);
outcome apply_to(state& st, const context& ctx, const note_activity& op);

// The refusal of a reveal whose budget is spent, unless its answer can be fetched again.
std::optional<outcome> refused_by_budget(const view& v, const context& ctx, const reveal_pat& op);

// That of the rotation of this PAT this caller may fetch again with this key, if there is one.
std::optional<std::array<std::uint8_t, 16>> rotation_salt(const view& v, const context& ctx, const rotate_pat& op);

}  // namespace nacre::model

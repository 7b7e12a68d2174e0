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

// ---- questions -------------------------------------------------------------------------------------

// What a presented token is worth now, by its record alone. Errors: token_revoked (a rotation ended it, too),
// token_expired (its time or its uses are over), unauthenticated (its time has not come), forbidden (the
// client's address is not among its networks; `client` nothing: not known, which no network contains).
struct presented {
  bool retires_previous = false;  // it is the new one, and its first use ends the one before
  bool counted = false;           // this use has to be counted (count_use)
};
result<presented> judge(const pat_record& pat, const keyed_hash& lookup, timestamp now,
                        const std::optional<std::array<std::uint8_t, 16>>& client);
// It was this PAT's token until a rotation; nobody should hold it any more.
bool is_retired(const pat_record& pat, const keyed_hash& lookup, timestamp now);

// Live tokens of a family other than Alephant: the caller's own, or, for who may administer, those of a service
// user. In order of creation. not_found if there is no such owner or token.
result<std::vector<pat_entry>> list_tokens(const view& v, const context& ctx, user_id owner, token_family family);
result<pat_entry> get_token(const view& v, const context& ctx, user_id owner, token_family family, pat_id id);
result<pat_entry> get_token(const view& v, const context& ctx, user_id owner, token_family family,
                            std::uint64_t number);
// Those of its projects that are there, in its order.
std::vector<project_entry> projects_of(const view& v, const pat_entry& pat);

}  // namespace nacre::model

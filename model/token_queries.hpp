#pragma once
// What can be asked about tokens of every family: what a presented one is worth, and which a caller may see. Pure.
// Sources: as pats.hpp.

#include <array>
#include <optional>
#include <vector>

#include "model/apply.hpp"
#include "model/policy.hpp"
#include "model/queries.hpp"

namespace nacre::model {

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
// When a token that is good now ends: one that is being replaced with its overlap. Nothing: nobody knows.
std::optional<timestamp> end_of(const pat_record& pat, const keyed_hash& lookup);

// Live tokens of a family other than Alephant: the caller's own, or, for who may administer, those of a service
// user. In order of creation. not_found if there is no such owner or token.
result<std::vector<pat_entry>> list_tokens(const view& v, const context& ctx, user_id owner, token_family family);
result<pat_entry> get_token(const view& v, const context& ctx, user_id owner, token_family family, pat_id id);
result<pat_entry> get_token(const view& v, const context& ctx, user_id owner, token_family family,
                            std::uint64_t number);
// Those of its projects that are there, in its order.
std::vector<project_entry> projects_of(const view& v, const pat_entry& pat);

// What is said of one that is not there, or not the caller's to see; and of one whose uses are spent.
error no_token();
error used_up();

}  // namespace nacre::model

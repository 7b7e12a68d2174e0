#pragma once
// Tokens that were checked lately, so that the next request that comes with one reads nothing: verify is the hottest
// path, and every PAT passes the gate.
//
// What is kept is what a view said of a token and of its owner, for as long as their workspace is untouched (kept.hpp),
// so a revocation, a change of role or a removal is seen by the first check that begins after it was acknowledged. What
// depends on the moment or on the request (expiry, networks, a rotation's overlap) is judged anew each time; a token
// whose every use is put on record first (so many uses left, a rotation to complete) is never kept.
//
// Threads: any.

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "http/kept.hpp"
#include "model/policy.hpp"
#include "model/queries.hpp"
#include "model/token_queries.hpp"

namespace nacre::http {

// A token that was found and whose owner stands, with what is told of it to whoever protects a service with it.
struct checked_token {
  static constexpr auto depends_on = actors::changes::respect::standing;

  // What nearly every check reads, side by side: memory is what a check that is known waits for.
  crypto::digest name{};    // SHA-256 of the token
  std::uint64_t stamp = 0;  // taken before what is here was read
  workspace_id workspace;
  std::int64_t good_until_ms = 0;                 // judge() need not be asked before; 0: always
  mutable std::atomic<std::int64_t> noted_ms{0};  // when its use was last remarked; once a second will do
  model::permission_set permissions = 0;          // implied ones too
  model::scope_set scope_bits = 0;                // of `scopes`, those that are scopes
  bool some_projects = false;                     // only those of the record
  pat_id id;
  std::string lines;  // of an answer, as response::ready_lines

  model::pat_record record;
  model::keyed_hash lookup{};
  std::string email;   // its owner's, may be empty
  std::string scopes;  // for people and machines: "read write", "releases:deploy"

  // Whether it is worth something now to a client at this address, textual; it was when it was kept.
  bool is_good(timestamp now, std::string_view client) const;
};

using checked_tokens = kept<checked_token>;

// The token with its owner's standing, by the view it was found in. Errors: token_revoked (its owner is gone, too),
// token_expired, storage_failed.
result<checked_tokens::entry> weigh(const crypto::digest& name, model::token_owner token,
                                    const model::keyed_hash& lookup, const model::view& seen, timestamp now,
                                    std::uint64_t stamp);

// ---- what a credential is worth to others ----------------------------------------------------------------

std::string words_of(model::scope_set scopes);  // "read write"
// What a person may by their role, where no token says it.
model::scope_set scopes_of(const model::standing& who);
model::permission_set permissions_of(const model::standing& who);
// What verify tells of it, as response::ready_lines. `token`: null for a JWT.
std::string lines_of(workspace_id ws, user_id subject, std::string_view scopes, const checked_token* token = nullptr);

}  // namespace nacre::http

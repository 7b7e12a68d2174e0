#pragma once
// Tokens that were checked lately, so that the next check of one reads nothing: verify is the hottest path.
//
// What is kept is what a view said of a token and of its owner, with the stamp taken before that view
// (cluster/changes.hpp). It is used only while nothing was changed in its workspace since, so a revocation, a change
// of role or a removal is seen by the first check that begins after it was acknowledged, like without this table. What
// depends on the moment or on the request (expiry, networks, a rotation's overlap) is judged anew each time; a token
// whose every use is put on record first (so many uses left, a rotation to complete) is never kept.
//
// A token is found by its SHA-256; neither the token nor anything it could be made from is kept. Bounded: four places
// for each short hash; a newcomer takes the place of one that was not asked for since the last newcomers passed it, so
// many tokens that come once do not drive out those in use. Threads: any.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "actors/service.hpp"
#include "crypto/digest.hpp"
#include "model/pats.hpp"
#include "model/policy.hpp"
#include "model/queries.hpp"

namespace nacre::http {

// A token that was found and whose owner stands, with what is told of it to whoever protects a service with it.
struct checked_token {
  model::token_owner token;
  model::keyed_hash lookup{};
  std::string email;
  std::shared_ptr<const std::string> lines;       // of an answer, as response::ready_lines
  std::string scopes;                             // for people and machines: "read write", "releases:deploy"
  model::scope_set scope_bits = 0;                // of `scopes`, those that are scopes
  model::permission_set permissions = 0;          // implied ones too
  mutable std::atomic<std::int64_t> noted_ms{0};  // when its use was last remarked; once a second will do
  std::uint64_t stamp = 0;                        // taken before what is here was read
};

class checked_tokens {
 public:
  explicit checked_tokens(std::size_t entries);  // 0: nothing is kept

  using entry = std::shared_ptr<const checked_token>;
  bool keeps() const { return !places_.empty(); }
  // Null if it is not here, or no longer surely true.
  entry find(const crypto::digest& token, const actors::changes& since) const;
  void keep(const crypto::digest& token, entry what);

 private:
  static constexpr std::size_t ways = 4, locks = 64;
  struct place {
    crypto::digest token{};
    entry what;
    mutable bool asked_for = false;  // since a newcomer passed here; under the lock
  };
  struct set {
    std::array<place, ways> of;
    std::uint8_t next = 0;
  };
  std::size_t set_of(const crypto::digest& token) const;

  std::vector<set> places_;
  mutable std::array<std::mutex, locks> locks_;
};

}  // namespace nacre::http

#pragma once
// Who is calling: from the Authorization header to a principal.
//
// A JWT is verified against its issuer's keys and remembered for a short while (SHA-256 of the token,
// bounded table, dropped when keys change); membership is never remembered, it is read with every request.
// A PAT is looked up by its keyed hash, unless it was checked lately and nothing has changed since
// (checked_tokens.hpp); one whose checksum is not ours is refused before any read unless tokens have been imported
// here. Source: SECURITY-DESIGN section 1, contracts/alephant-pats.md sections 2 and 5. Threads: any. `done` may run
// within the call or later on a thread of the log or an actor.

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/service.hpp"
#include "crypto/jwt.hpp"
#include "crypto/keyring.hpp"
#include "http/checked_tokens.hpp"
#include "http/server.hpp"
#include "model/commands.hpp"
#include "model/queries.hpp"
#include "model/token_queries.hpp"

namespace nacre::http {

struct principal {
  model::caller who;
  std::string email;                     // of a JWT that names one, of an account
  std::optional<workspace_id> bound_to;  // via PAT: the only workspace it is good for
  std::optional<workspace_id> claimed;   // of a JWT that names one
  std::optional<timestamp> expires;      // via PAT: when the token does
  bool operates = false;                 // of a JWT: it has operator_scope
  bool narrowed = false;                 // via PAT: only from somewhere, so often or from some day on
  bool outgoing = false;                 // via PAT: a rotation has replaced it, and it is good for its overlap
};

// A token somebody presented, found and worth something now.
struct found_token {
  model::token_owner token;
  std::shared_ptr<const model::view> seen;  // in which it was found
  model::keyed_hash lookup{};
  // Its use had, or would have, to be put on record before it counts: what it is worth must not be remembered.
  bool settled_each_time = false;
  std::string email = {};  // the owner's, where a user name was asked for
};

// The credential of an Authorization header: what follows "Bearer", in any case and one space, or, where `bare` says
// so, the whole value or what follows any amount of white space. Nothing if it has none or a malformed one.
std::optional<std::string_view> credential_of(std::string_view authorization, bool bare);
bool looks_like_jwt(std::string_view credential);

struct gate_settings {
  std::size_t cache_entries = 4'096;  // 0: no token is remembered
  std::chrono::milliseconds cache_for{30'000};
  std::size_t checked_entries = 32'768;  // PATs that were checked lately; 0: none
  std::string node;
  std::function<void(std::string_view why)> failed;  // for metrics; a fixed word
};

class gate {
 public:
  gate(actors::service& service, const crypto::authenticator& tokens, const crypto::keyring& keys,
       const nacre::clock& time, gate_settings s);
  ~gate();

  // A JWT, or a PAT of this family; one of Unleash's may come without "Bearer" (unleash-tokens.md section 2).
  // Errors: unauthenticated, token_revoked, token_expired, forbidden (not from this address), busy,
  // storage_failed, deadline_exceeded.
  void authenticate(const request& r, model::token_family family, unique_function<void(result<principal>)> done);

  // The same for a token that is not the caller's credential: of these families, used by a client at this
  // address (nothing: not known). Failures are not noted. `token` must live until `done` begins.
  struct question {
    std::string_view token;
    std::vector<model::token_family> families;
    std::optional<std::array<std::uint8_t, 16>> client;
    std::string client_prefix;
    cluster::deadline deadline;
    bool counts = true;  // false: it is looked at, not used; that changes nothing, a last use neither
    std::optional<std::string> user_name = {};  // of Basic: with a name that is not the owner's a token is not used
    // Answer from what this node has, if that is no older than so; nothing: from a current view.
    std::optional<std::chrono::milliseconds> age_max = {};
  };
  void find(const question& asked, unique_function<void(result<found_token>)> done);

  // The same of a PAT of any family that was checked lately, as whose use this is remarked. Null: find() has to be
  // asked, and tells what is wrong with it if anything is. `name`: its SHA-256. The node must be current, or as current
  // as is asked for (service::when_current).
  checked_tokens::entry recall(const crypto::digest& name, std::string_view client, timestamp now);
  bool recalls() const { return checked_.keeps(); }
  // A token that was found, with what it is worth to others; it is recalled from now on if that may be. `stamp` was
  // taken before find() was asked. Errors as of weigh(). `found` stays; its token goes into the answer.
  result<checked_tokens::entry> remember(const crypto::digest& name, found_token&& found, timestamp now,
                                         std::uint64_t stamp);

  // Counts and records that somebody came with this; find() leaves it to the caller.
  void note_failed(const error& why);

  // HTTP Basic, the accounts of the Onetime Secret API: the password is a PAT, the user name its owner's id or
  // e-mail address (in any case) in the PAT's workspace. Errors as above, with the contract's word in the text
  // (AUTH_TYPE_INVALID, CREDENTIALS_INVALID); they do not tell what was wrong with a token.
  void authenticate_basic(const request& r, unique_function<void(result<principal>)> done);

  // From now on tokens that were not issued here may be known. Set at start and by every import.
  void expect_imported_tokens() { imports_.store(true, std::memory_order_relaxed); }
  bool expects_imported_tokens() const { return imports_.load(std::memory_order_relaxed); }

 private:
  class cache;
  void note_failure(std::string_view why);
  void by_jwt(std::string_view compact, const request& r, unique_function<void(result<principal>)> done);
  struct presented {
    std::string_view token;
    model::token_family family = model::token_family::alephant;
    std::optional<std::string> user_name = {};  // of Basic: must be the owner's
  };
  // What `find` answers, and for a token that is not good the word for it; empty where it was not the token's fault.
  using sought = unique_function<void(result<found_token>, std::string_view why)>;
  void seek(const question& asked, sought done);
  // What the first use of a rotated token, or one of a few, has to put on record before it counts.
  void settle_use(found_token found, model::presented worth, const question& asked, sought done);
  void by_pat(presented what, const request& r, unique_function<void(result<principal>)> done);
  void by_pat_anew(presented what, const crypto::digest& name, const request& r,
                   unique_function<void(result<principal>)> done);
  // Under which name a verified token is remembered, and which keys verified it.
  struct verified {
    std::string cache_key;
    std::uint64_t generation;
  };
  void admit_claimed(const crypto::jwt_claims& claims, principal p, const request& r, verified token,
                     unique_function<void(result<principal>)> done);

  actors::service& service_;
  const crypto::authenticator& tokens_;
  const crypto::keyring& keys_;
  const nacre::clock& time_;
  const gate_settings settings_;
  std::unique_ptr<cache> cache_;  // of JWTs
  checked_tokens checked_;        // of PATs
  std::atomic<bool> imports_{false};
};

// The user a subject of an issuer stands for: the subject itself where the issuer's subjects are user
// ids, else a version 8 uuid derived from issuer and subject, the same on every node for ever.
std::optional<user_id> user_of(const crypto::jwt_claims& claims);

}  // namespace nacre::http

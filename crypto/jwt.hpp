#pragma once
// Who is calling: verification of JWT access tokens, exactly as SECURITY-DESIGN section 1 orders it.
//
// A key owns one algorithm; the header's `alg` must equal it. Every refusal is the same
// `unauthenticated` to the caller; the reason is a fixed word for metrics and never quotes the token.
// Threads: a `jwks` is immutable; an `authenticator` may be used from any thread, reload() swaps
// its key sets atomically and keeps the old ones if a file cannot be read, parsed or trusted.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/error.hpp"
#include "model/time.hpp"

namespace nacre::crypto {

enum class jwt_algorithm : std::uint8_t { rs256, es256, eddsa, hs256 };

// A set of verification keys. Parsing drops keys that are unusable (private members where public
// is expected, points off the curve, small-order Ed25519, wrong sizes) and refuses a set in which two
// kept keys share a kid, is larger than 64 KiB or is no JSON. An empty set is a value.
class jwks {
 public:
  virtual ~jwks() = default;
  virtual std::size_t size() const = 0;
};
// allow_symmetric: HS256 keys are accepted from operator files only, at least 32 bytes.
result<std::shared_ptr<const jwks>> parse_jwks(std::string_view json, bool allow_symmetric);

struct issuer_config {
  std::string issuer;    // exact `iss`
  std::string audience;  // must be in `aud`
  std::filesystem::path jwks_file;
  std::vector<jwt_algorithm> algorithms;  // allowed; empty means all four
  bool trust_roles = false;               // honour the `ws`, `ws_name` and `role` claims on first use
  bool trust_scopes = false;              // honour `scope`: its tokens may hold a right over the whole cluster
  bool subject_is_user_id = false;        // `sub` is a uuid and is the user's id (development issuer)
  std::vector<std::string> client_ids;    // an `aud` naming one of these is an ID token: refused
};

// What a verified token says. Strings are copied out of the token.
struct jwt_claims {
  std::string issuer;
  std::string subject;
  std::int64_t expires_s = 0;
  std::optional<std::string> email;  // not if `email_verified` is there and says no
  // Only from an issuer with trust_roles:
  std::optional<std::string> workspace;       // `ws`
  std::optional<std::string> workspace_name;  // `ws_name`
  std::optional<std::string> role;            // `role`
  // Only from an issuer with trust_scopes: `scope`, words apart by spaces (RFC 9068 section 2.2.3).
  std::optional<std::string> scope;
  bool trust_roles = false;
  bool subject_is_user_id = false;
};

enum class jwt_refusal : std::uint8_t {
  none,
  malformed,
  header,
  unknown_issuer,
  unknown_key,
  algorithm,
  signature,
  claims,
  expired,
  not_yet_valid,
  lifetime,
  audience,
};
std::string_view name_of(jwt_refusal r);

// What became of the JWKS files. A failure names issuer, file and reason, never content.
struct reload_report {
  std::size_t changed = 0;
  std::vector<std::string> failures;
};

class authenticator {
 public:
  virtual ~authenticator() = default;
  // `compact`: the token without its scheme. `why`, if given, receives the reason for metrics.
  virtual result<jwt_claims> verify(std::string_view compact, timestamp now, jwt_refusal* why = nullptr) const = 0;
  // Rereads changed JWKS files. One that is missing, does not parse or is writable by others leaves the
  // old set in use and is told of at every call until it is put right. A set without any usable key
  // is taken: so an operator withdraws the only key.
  virtual reload_report reload() = 0;
  // Moves whenever a key set changed: caches of verified tokens compare it.
  virtual std::uint64_t generation() const = 0;
};
// Fails (`invalid`) when a file is missing, holds no usable key, is writable by group or others, or
// holds a symmetric key and is accessible to others.
result<std::unique_ptr<authenticator>> make_authenticator(std::vector<issuer_config> issuers);

// The development issuer: an Ed25519 key that lives as private JWK (mode 0600) beside its public JWKS.
inline constexpr std::string_view dev_issuer_name = "nacre-dev";
inline constexpr std::string_view dev_audience = "nacre";
inline constexpr std::int64_t dev_token_seconds_max = 24 * 3600;

// Makes DIR/dev-issuer.jwk (private, 0600) and DIR/dev-issuer.jwks.json if they are not there.
result<void> ensure_dev_issuer(const std::filesystem::path& directory);

struct mint_request {
  std::string subject;
  // `= {}` so that callers may name only the members they set.
  std::optional<std::string> workspace = {}, role = {}, email = {}, workspace_name = {};
  std::int64_t seconds = 3600;
  std::optional<std::string> scope = {};
};
result<std::string> mint_dev_token(const std::filesystem::path& directory, const mint_request& what, timestamp now);

// Strict base64url without padding (RFC 4648 section 5); non-zero trailing bits are refused.
std::optional<std::string> base64url_decode(std::string_view text);
std::string base64url_encode(std::string_view bytes);

}  // namespace nacre::crypto

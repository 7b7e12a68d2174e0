#pragma once
// The signature level of crypto/jwt.hpp: compact JWS (RFC 7515) and JWK sets (RFC 7517, 8037) by
// whitelist. Internal to crypto/ and its tests; everybody else uses an `authenticator`.
// A key_set is immutable and may be used from any thread.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/jwt.hpp"
#include "crypto/secure_bytes.hpp"

struct evp_pkey_st;

namespace nacre::crypto {

inline constexpr std::size_t jws_header_bytes_max = 1024;
inline constexpr std::size_t jws_payload_bytes_max = 4 * 1024;
inline constexpr std::size_t kid_bytes_max = 128;
inline constexpr std::size_t jwks_bytes_max = 64 * 1024;
inline constexpr std::size_t hs256_secret_bytes_min = 32;

struct evp_key_free {
  void operator()(evp_pkey_st* key) const noexcept;
};
using evp_key = std::unique_ptr<evp_pkey_st, evp_key_free>;

struct verification_key {
  jwt_algorithm algorithm = jwt_algorithm::eddsa;
  std::optional<std::string> kid;
  std::string alg;      // the one name a header must carry; empty: any name of `algorithm`
  evp_key key;          // public; null for HS256
  secure_bytes secret;  // HS256 only
  std::size_t signature_bytes = 0;

  // The key owns its algorithm: true if the header's `alg` is this key's, byte for byte.
  bool owns(std::string_view header_alg) const;
};

class key_set final : public jwks {
 public:
  static result<std::shared_ptr<const key_set>> parse(std::string_view json, bool allow_symmetric);

  std::size_t size() const override { return keys_.size(); }
  // Exact `kid`; without one, the only key of a set of one.
  const verification_key* find(const std::optional<std::string>& kid) const;
  const std::vector<verification_key>& keys() const { return keys_; }

 private:
  std::vector<verification_key> keys_;
  std::map<std::string_view, const verification_key*> by_kid_;  // views into keys_, which never changes
};

// A compact serialization whose form and header passed; nothing is verified yet.
struct compact_jws {
  std::string_view signing_input;  // into the text it was parsed from
  std::string alg;
  std::optional<std::string> kid;
  std::string payload;
  std::string signature;
};
jwt_refusal parse_compact(std::string_view compact, compact_jws& out);

// base64url of a secret; what ordinary memory held of it is wiped on return.
std::optional<secure_bytes> decode_secret(std::string_view text);

// Answers `none` when the signature is this key's.
jwt_refusal check_signature(const compact_jws& jws, const verification_key& key);

}  // namespace nacre::crypto

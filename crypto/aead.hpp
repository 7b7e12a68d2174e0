#pragma once
// The only maker of ciphertext: AES-256-GCM with a key commitment, in one fixed layout.
//
//   blob v1 = "N1" | suite u8 (1) | key_version u32be | nonce 12 | commit 32 | ciphertext | tag 16
//   commit  = HMAC-SHA-256(key, "nacre/commit/v1" || aad), checked before decryption because GCM
//             does not commit to its key
//   GCM authenticates the seven bytes before the nonce || aad, so no byte of a blob can change
//
// Lengths come from the layout, never from input (Crypto++ would accept short tags). On any
// failure `open` wipes and returns nothing; it does not say which check failed (`corrupt`).
// Source: SECURITY-DESIGN section 3; NIST SP 800-38D.

#include <cstdint>
#include <string>
#include <string_view>

#include "crypto/guarded_bytes.hpp"
#include "crypto/secure_bytes.hpp"
#include "model/error.hpp"

namespace nacre::crypto {

inline constexpr std::size_t key_bytes = 32;
inline constexpr std::size_t blob_overhead_bytes = 2 + 1 + 4 + 12 + 32 + 16;

// Injective encoding of what a sealed value is bound to: "nacre/aad/v1" and the parts in this order,
// each after its length as u32be (record_version as four bytes).
struct binding {
  std::string_view cluster;    // 16 bytes
  std::string_view workspace;  // 16 bytes
  std::string_view record;     // id of the record, or key name
  std::string_view kind;       // "pat", "dek", "service-key", ...
  std::string_view field;      // "token", "key", ...
  std::uint32_t record_version = 1;
  std::string_view policy_hash;  // SHA-256 of the canonical immutable policy, or empty
};
std::string encode(const binding& b);

// key: 32 bytes, another size aborts. The nonce is fresh from getrandom.
std::string seal(const secure_bytes& key, std::uint32_t key_version, std::string_view aad, std::string_view plaintext);
std::string seal(const guarded_bytes& key, std::uint32_t key_version, std::string_view aad, std::string_view plaintext);
result<secure_bytes> open(const secure_bytes& key, std::string_view aad, std::string_view blob);
result<secure_bytes> open(const guarded_bytes& key, std::string_view aad, std::string_view blob);
// The key version a blob names, if its header is a blob v1's.
result<std::uint32_t> key_version_of(std::string_view blob);

}  // namespace nacre::crypto

#pragma once
// One-time secrets: the identifier in a link, generated passwords, the passphrase's key, and sealing under a link.
//
// What is stored opens with three things together: the workspace's data key, the identifier (nacre keeps only
// link_lookup of it) and, if one was set, the passphrase. Disk and root key do not suffice.
//
//   passphrase key = Argon2id(passphrase, salt, cost), 32 bytes; nothing without a passphrase
//   K_r            = 32 random bytes, for this secret alone
//   K_in           = HKDF-SHA-256(ikm = identifier || passphrase key, salt = salt, info = AAD "-link")
//   wrapped key    = blob v1 under the data key, AAD "-wrap" || the head below
//                      of blob v1 under K_in, AAD "-link", of K_r
//   ciphertext     = blob v1 under K_r, AAD plain, of the text
//   AAD            = the binding of seal_context; its kind as it is, or with "-link" or "-wrap" behind it
//
//   link-sealed v1 = version u8 (1) | has_passphrase u8 (0, 1) | salt 16 | memory_kib u32be | passes u32be
//                    | data key version u32be (the head, 30 bytes) | u32be length, wrapped key | ciphertext
//   Without a passphrase both costs are 0.
//
// Threads: any. Errors: `corrupt` for what is malformed or does not authenticate, `unsupported` for a later version.
// Nobody learns more than the code: a wrong link and a wrong passphrase are told apart nowhere.
// Source: SECURITY-DESIGN sections 3 and 4; RFC 5869, RFC 9106.

#include <cstdint>
#include <string>
#include <string_view>

#include "crypto/keyring.hpp"
#include "crypto/secure_bytes.hpp"
#include "model/error.hpp"

namespace nacre::crypto {

inline constexpr std::size_t identifier_chars = 43;
inline constexpr std::size_t kdf_salt_bytes = 16;

// 32 random bytes in base62: what a receipt's link says.
secure_bytes make_identifier();
// The identifier this one leads to, by the keyring's pepper; there is no way back. What a secret's link says.
secure_bytes identifier_from(const keyring& keys, std::string_view label, std::string_view identifier);
// 43 base62 digits with a value below 2^256; all others name nothing.
bool is_identifier(std::string_view text);

// Which characters a generated password is made of. No set chosen means the default ones.
// symbols: ASCII punctuation but quotes, backquote and backslash, which shells and configuration files mangle.
// exclude_ambiguous: without 0 O o 1 l I i and |.
struct character_sets {
  bool uppercase = true;
  bool lowercase = true;
  bool numbers = true;
  bool symbols = false;
  bool exclude_ambiguous = true;
};
// Any password of this length that has a character of each chosen set, all equally likely. Where fewer characters
// than sets are asked for: any of the chosen characters. The caller bounds the length.
secure_bytes make_password(std::size_t length, character_sets sets);

struct kdf_cost {
  std::uint32_t memory_kib = 32 * 1024;
  std::uint32_t passes = 2;
};
// Within limits::kdf_*: what the library takes, and no more than one guess may cost.
bool is_acceptable(kdf_cost cost);

// 16 random bytes.
std::string make_salt();
// Argon2id with one lane: 32 bytes after some 20 ms and `memory_kib` of memory, for the pool's threads
// (actors/kdf_pool.hpp). salt: 16 bytes, another size aborts. `invalid` if the cost is not acceptable, `busy` if
// there is no memory.
result<secure_bytes> stretch(std::string_view passphrase, std::string_view salt, kdf_cost cost);

// passphrase_key: what stretch() gave for this salt and cost, or nullptr for none; the cost counts only with one.
// Aborts on an identifier, salt, key or cost that could never be read back.
std::string seal_under_link(const keyring& keys, const data_key& key, const seal_context& where,
                            std::string_view identifier, const secure_bytes* passphrase_key, std::string_view salt,
                            kdf_cost cost, std::string_view plaintext);

// What must be known before the passphrase can be stretched. Not yet authenticated, but within the limits.
struct link_kdf {
  bool has_passphrase = false;
  std::string salt;
  kdf_cost cost;  // zeros without a passphrase
};
result<link_kdf> read_link_kdf(std::string_view sealed);
// Which data key version opens this.
result<std::uint32_t> link_data_key_version(std::string_view sealed);

// The record key K_r. passphrase_key: given exactly if has_passphrase. `unauthenticated` if the data key opens its
// layer, but identifier and passphrase not theirs.
result<secure_bytes> open_link_key(const keyring& keys, const data_key& key, const seal_context& where,
                                   std::string_view identifier, const secure_bytes* passphrase_key,
                                   std::string_view sealed);
// The text, once it may be shown. record_key: from open_link_key.
result<secure_bytes> open_with_key(const keyring& keys, const seal_context& where, const secure_bytes& record_key,
                                   std::string_view sealed);

}  // namespace nacre::crypto

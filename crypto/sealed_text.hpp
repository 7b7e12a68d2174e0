#pragma once
// Texts sealed before they are handed to a server, and the links that open them: what a browser or the command
// line does by itself, so that the server keeps what it cannot read.
//
//   link      what stands behind /s#: "1", then base64url(key[32] check[4]), 48 characters, then the identifier of the
//             secret that holds the sealed text; check = SHA-256("nacre link 1" 00 key identifier)[0..4]
//   sealed    "nacre1." base64url(nonce[12] AES-256-GCM(key, nonce, padded text, aad "nacre text 1") tag[16])
//   padded    the text, 80, then 00 up to a multiple of 64 bytes: its length is told in steps only
//
// A key is made for one text; 96 random bits of nonce are then more than enough.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "crypto/secure_bytes.hpp"
#include "model/error.hpp"

namespace nacre::crypto {

inline constexpr std::size_t sealed_text_key_bytes = 32;

// `key`: sealed_text_key_bytes, fresh from random_bytes().
std::string seal_text(std::string_view key, std::string_view text);
bool is_sealed_text(std::string_view value);
// `corrupt`: the key does not fit, or this is not what was sealed.
result<secure_bytes> open_sealed_text(std::string_view key, std::string_view sealed);

struct sealed_link {
  std::string identifier;
  secure_bytes key;
};
// What stands behind '#'.
secure_bytes fragment_of(const sealed_link& link);
// Judged without asking anybody. `invalid`: damaged or cut short; `unsupported`: of a later version.
result<sealed_link> read_fragment(std::string_view fragment);

// What makes its length a step of 64 bytes, and the text again; nothing if it was not made so.
secure_bytes padded_text(std::string_view text);
std::optional<secure_bytes> unpadded_text(const secure_bytes& padded);

// 20..128 letters, digits, '-' and '_'.
bool is_link_identifier(std::string_view text);

}  // namespace nacre::crypto

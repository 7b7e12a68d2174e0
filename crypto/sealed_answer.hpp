#pragma once
// Answers to a request for a secret: sealed by who answers for a key pair that who asks has made, as a browser or the
// command line does it by itself. The server keeps what it cannot read and has seen neither key (docs/adr/0026).
//
//   the link that asks     what stands behind /r#: "1", then base64url(public[64] check[5]), 92 characters, then the
//                          request's identifier; check = SHA-256("nacre ask 1" 00 public identifier)[0..5]
//   the pickup link        behind /ask#: "1", then base64url(private[32] public[64] check[6]), 136 characters, then
//                          identifier "." pickup key;
//                          check = SHA-256("nacre pickup 1" 00 private public identifier "." pickup key)[0..6]
//   public                 x and y of a point of P-256, 32 bytes each, big-endian; private: the scalar, big-endian
//   sealed                 "nacre-answer1." base64url(ephemeral public[64] AES-256-GCM(key, nonce, padded text,
//                          aad "nacre answer 1") tag[16])
//   key[32] nonce[12]      HKDF-SHA-256(ikm = x of ECDH, salt = ephemeral public || public,
//                          info = "nacre answer 1" 00 identifier)
//   padded                 as in sealed_text.hpp
//
// The ephemeral pair is made for one text, so key and nonce are used once.

#include <string>
#include <string_view>

#include "crypto/secure_bytes.hpp"
#include "model/error.hpp"

namespace nacre::crypto {

inline constexpr std::size_t p256_public_bytes = 64, p256_private_bytes = 32;

struct asking_key {
  std::string public_key;
  secure_bytes private_key;
};
asking_key make_asking_key();

// `public_key` from read_ask_fragment(). Aborts on one that is no point of the curve.
std::string seal_answer(std::string_view public_key, std::string_view identifier, std::string_view text);
bool is_sealed_answer(std::string_view value);
// `corrupt`: it was sealed for another key or request, or is not what was sealed.
result<secure_bytes> open_answer(const asking_key& key, std::string_view identifier, std::string_view sealed);

struct ask_link {
  std::string identifier;
  std::string public_key;
};
struct pickup_link {
  std::string identifier;
  secure_bytes pickup_key;
  asking_key key;
};
// What stands behind '#'.
std::string fragment_of(const ask_link& link);
secure_bytes fragment_of(const pickup_link& link);
// Judged without asking anybody. `invalid`: damaged or cut short; `unsupported`: of a later version.
result<ask_link> read_ask_fragment(std::string_view fragment);
result<pickup_link> read_pickup_fragment(std::string_view fragment);

}  // namespace nacre::crypto

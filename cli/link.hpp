#pragma once
// The links people are sent, taken apart without asking anybody.
//
//   https://HOST/secret/IDENTIFIER   a secret the server can open
//   https://HOST/s#FRAGMENT          one sealed before the server saw it (crypto/sealed_text.hpp)
//   https://HOST/r#FRAGMENT          asks for a secret (crypto/sealed_answer.hpp)
//   https://HOST/ask#FRAGMENT        the pickup link of who asked
//   https://HOST/receipt/IDENTIFIER  what became of a secret (also /private/ and /metadata/)
// An IDENTIFIER alone, or one of these without scheme and host, is of the server that was chosen.

#include <cstdint>
#include <string>
#include <string_view>

#include "cli/refusal.hpp"
#include "crypto/sealed_answer.hpp"
#include "crypto/secure_bytes.hpp"

namespace nacre::cli {

struct link {
  enum class kind : std::uint8_t { secret, sealed, receipt, ask, pickup, bare } what = kind::bare;
  std::string origin;  // empty: none was said
  std::string identifier;
  crypto::secure_bytes key;  // of a sealed one
  std::string public_key;    // of one that asks
  crypto::pickup_link pickup;
  link() = default;
  link(link&&) noexcept = default;
  link& operator=(link&&) noexcept = default;
  ~link();  // wipes the identifier
};

// 65 if it is none; a damaged key is found here, so the secret survives it.
outcome<link> parse_link(std::string_view text);

}  // namespace nacre::cli

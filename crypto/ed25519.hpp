#pragma once
// Ed25519 (RFC 8032) on OpenSSL. Internal to crypto/ and its tests.

#include <optional>
#include <string>
#include <string_view>

#include "crypto/jws.hpp"

namespace nacre::crypto {

inline constexpr std::size_t ed25519_key_bytes = 32, ed25519_signature_bytes = 64;

class ed25519_key {
 public:
  static std::optional<ed25519_key> from_secret(std::string_view secret);
  const std::string& public_part() const { return public_; }
  std::string sign(std::string_view message) const;

 private:
  ed25519_key(evp_key key, std::string public_part) : key_(std::move(key)), public_(std::move(public_part)) {}
  evp_key key_;
  std::string public_;
};

bool ed25519_verifies(std::string_view public_part, std::string_view message, std::string_view signature);

}  // namespace nacre::crypto

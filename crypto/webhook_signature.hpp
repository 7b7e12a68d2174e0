#pragma once
// What proves to a webhook's receiver who sent a delivery, and when.
//
//   secret   whsec_ + 43 base64url characters (32 random bytes); the key is this text as a whole
//   header   t=<unix seconds>,v1=<hex of HMAC-SHA-256(secret, t + "." + body)>[,v1=<under the secret before>]

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "crypto/secure_bytes.hpp"

namespace nacre::crypto {

inline constexpr std::string_view webhook_secret_prefix = "whsec_";

secure_bytes make_webhook_secret();
// The value of X-Nacre-Signature: one v1 for each secret, in their order.
std::string sign_webhook(std::span<const secure_bytes> secrets, std::int64_t unix_seconds, std::string_view body);

}  // namespace nacre::crypto

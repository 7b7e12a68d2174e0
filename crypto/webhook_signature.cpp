#include "crypto/webhook_signature.hpp"

#include <cstring>

#include "crypto/digest.hpp"
#include "crypto/random.hpp"

namespace nacre::crypto {

namespace {
constexpr std::size_t random_size = 32, text_size = 43;
}

secure_bytes make_webhook_secret() {
  const auto random = random_bytes(random_size);
  secure_bytes out(webhook_secret_prefix.size() + text_size);
  std::memcpy(out.data(), webhook_secret_prefix.data(), webhook_secret_prefix.size());
  static constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  // Straight into memory that is wiped: the encoder of jwt.hpp answers a std::string.
  auto* to = out.data() + webhook_secret_prefix.size();
  std::uint32_t held = 0;
  int bits = 0;
  for (std::size_t i = 0; i < random_size; ++i) {
    held = (held << 8 | random.data()[i]) & 0xffff;
    for (bits += 8; bits >= 6; bits -= 6) *to++ = static_cast<std::uint8_t>(digits[held >> (bits - 6) & 63]);
  }
  *to = static_cast<std::uint8_t>(digits[held << (6 - bits) & 63]);
  return out;
}

std::string sign_webhook(std::span<const secure_bytes> secrets, std::int64_t unix_seconds, std::string_view body) {
  const auto time = std::to_string(unix_seconds);
  std::string signed_bytes;
  signed_bytes.reserve(time.size() + 1 + body.size());
  signed_bytes.append(time).append(".").append(body);
  std::string out = "t=" + time;
  for (const auto& secret : secrets) out += ",v1=" + to_hex(view(hmac_sha256(secret.view(), signed_bytes)));
  return out;
}

}  // namespace nacre::crypto

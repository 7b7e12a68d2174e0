#include "crypto/digest.hpp"

#include <cryptopp/hkdf.h>
#include <cryptopp/hmac.h>
#include <cryptopp/sha.h>

#include <cstdlib>

#include "crypto/hex.hpp"

namespace nacre::crypto {
namespace {

const CryptoPP::byte* bytes(std::string_view s) { return reinterpret_cast<const CryptoPP::byte*>(s.data()); }

constexpr std::size_t hkdf_bytes_max = 255 * sizeof(digest);  // RFC 5869 section 2.3

}  // namespace

// None of these can fail on valid sizes, so an exception out of Crypto++ is a defect: noexcept
// turns it into the abort that a broken invariant deserves.

digest sha256(std::string_view data) {
  return [&]() noexcept {
    digest out;
    CryptoPP::SHA256().CalculateDigest(out.data(), bytes(data), data.size());
    return out;
  }();
}

digest hmac_sha256(std::string_view key, std::string_view data) { return hmac_sha256(key, pieces{data}); }

digest hmac_sha256(std::string_view key, pieces data) {
  return [&]() noexcept {
    digest out;
    CryptoPP::HMAC<CryptoPP::SHA256> mac(bytes(key), key.size());
    for (const auto part : data) mac.Update(bytes(part), part.size());
    mac.Final(out.data());
    return out;
  }();
}

secure_bytes hkdf_sha256(std::string_view input_key, std::string_view salt, std::string_view info, std::size_t size) {
  if (size == 0 || size > hkdf_bytes_max) std::abort();  // sizes are constants of the caller, never input
  return [&]() noexcept {
    secure_bytes out(size);
    CryptoPP::HKDF<CryptoPP::SHA256>().DeriveKey(out.data(), out.size(), bytes(input_key), input_key.size(),
                                                 bytes(salt), salt.size(), bytes(info), info.size());
    return out;
  }();
}

std::string to_hex(std::string_view data) {
  std::string out(data.size() * 2, '\0');
  write_hex(data, out.data());
  return out;
}

std::optional<std::string> from_hex(std::string_view text) {
  std::string out(text.size() / 2, '\0');
  if (!read_hex(text, reinterpret_cast<std::uint8_t*>(out.data()))) return std::nullopt;
  return out;
}

}  // namespace nacre::crypto

#pragma once
// SHA-256, HMAC-SHA-256 and HKDF-SHA-256 (RFC 6234, 2104, 5869) as plain functions, and hex.

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "crypto/secure_bytes.hpp"

namespace nacre::crypto {

using digest = std::array<std::uint8_t, 32>;
inline std::string_view view(const digest& d) { return {reinterpret_cast<const char*>(d.data()), d.size()}; }

digest sha256(std::string_view data);
using pieces = std::initializer_list<std::string_view>;  // what stands one behind the other
digest hmac_sha256(std::string_view key, std::string_view data);
digest hmac_sha256(std::string_view key, pieces data);
secure_bytes hkdf_sha256(std::string_view input_key, std::string_view salt, std::string_view info, std::size_t size);

std::string to_hex(std::string_view bytes);                  // lower case
std::optional<std::string> from_hex(std::string_view text);  // lower or upper case, even length

}  // namespace nacre::crypto

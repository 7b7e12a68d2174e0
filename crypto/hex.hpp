#pragma once
// Hex into memory the caller owns, so that keys and tokens never pass through a std::string.
// For public bytes use to_hex and from_hex of digest.hpp.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace nacre::crypto {

// Writes 2 * bytes.size() lower-case digits.
inline void write_hex(std::string_view bytes, char* out) {
  constexpr char digits[] = "0123456789abcdef";
  for (const char c : bytes) {
    const auto b = static_cast<std::uint8_t>(c);
    *out++ = digits[b >> 4];
    *out++ = digits[b & 0xf];
  }
}

inline int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Writes text.size() / 2 bytes; false at the first thing that is not a pair of digits.
inline bool read_hex(std::string_view text, std::uint8_t* out) {
  if (text.size() % 2 != 0) return false;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_value(text[i]);
    const int low = hex_value(text[i + 1]);
    if (high < 0 || low < 0) return false;
    *out++ = static_cast<std::uint8_t>(high << 4 | low);
  }
  return true;
}

}  // namespace nacre::crypto

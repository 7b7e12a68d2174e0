#include "crypto/base62.hpp"

#include <algorithm>

#include "crypto/secure_bytes.hpp"

namespace nacre::crypto {
namespace {

int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'Z') return c - 'A' + 10;
  if (c >= 'a' && c <= 'z') return c - 'a' + 36;
  return -1;
}

}  // namespace

void write_base62(std::string_view bytes, char* out) {
  secure_bytes number{bytes};  // divided down to zero, digit by digit from the right
  for (auto* digit = out + base62_chars(bytes.size()); digit != out;) {
    unsigned remainder = 0;
    for (std::size_t i = 0; i < number.size(); ++i) {
      const unsigned part = remainder << 8 | number.data()[i];
      number.data()[i] = static_cast<std::uint8_t>(part / 62);
      remainder = part % 62;
    }
    *--digit = base62_digits[remainder];
  }
}

bool read_base62(std::string_view text, std::uint8_t* out, std::size_t size) {
  if (text.size() != base62_chars(size)) return false;
  std::fill_n(out, size, std::uint8_t{0});
  for (const char c : text) {
    const int value = digit_value(c);
    if (value < 0) return false;
    auto carry = static_cast<unsigned>(value);
    for (std::size_t i = size; i-- > 0;) {
      carry += out[i] * 62u;
      out[i] = static_cast<std::uint8_t>(carry & 0xff);
      carry >>= 8;
    }
    if (carry != 0) return false;
  }
  return true;
}

}  // namespace nacre::crypto

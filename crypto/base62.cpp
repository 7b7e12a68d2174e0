#include "crypto/base62.hpp"

#include <cryptopp/secblock.h>

#include <cstdlib>

namespace nacre::crypto {
namespace {

// Numbers are worked on in 32-bit limbs, most significant first, and five digits at a time: byte by digit, an
// identifier would take longer to spell than to seal.
constexpr std::size_t limbs_max = 16;  // 64 bytes
constexpr std::size_t digits_at_once = 5;
constexpr std::uint32_t powers[digits_at_once + 1] = {
    1, 62, 62 * 62, 62 * 62 * 62, 62u * 62 * 62 * 62, 62u * 62 * 62 * 62 * 62};

constexpr std::size_t limbs_for(std::size_t bytes) { return (bytes + 3) / 4; }

int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'Z') return c - 'A' + 10;
  if (c >= 'a' && c <= 'z') return c - 'a' + 36;
  return -1;
}

}  // namespace

void write_base62(std::string_view bytes, char* out) {
  const std::size_t count = limbs_for(bytes.size());
  if (count > limbs_max) std::abort();
  CryptoPP::FixedSizeSecBlock<std::uint32_t, limbs_max> limbs;  // divided down to zero, digits from the right
  for (auto& limb : limbs) limb = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto from_right = bytes.size() - 1 - i;
    limbs[count - 1 - from_right / 4] |= std::uint32_t{static_cast<std::uint8_t>(bytes[i])} << (8 * (from_right % 4));
  }
  for (auto* digit = out + base62_chars(bytes.size()); digit != out;) {
    std::uint64_t remainder = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const auto part = remainder << 32 | limbs[i];
      limbs[i] = static_cast<std::uint32_t>(part / powers[digits_at_once]);
      remainder = part % powers[digits_at_once];
    }
    for (std::size_t n = 0; n < digits_at_once && digit != out; ++n) {
      *--digit = base62_digits[remainder % 62];
      remainder /= 62;
    }
  }
}

bool read_base62(std::string_view text, std::uint8_t* out, std::size_t size) {
  const std::size_t count = limbs_for(size);
  if (count > limbs_max) std::abort();
  if (text.size() != base62_chars(size)) return false;
  CryptoPP::FixedSizeSecBlock<std::uint32_t, limbs_max> limbs;
  for (auto& limb : limbs) limb = 0;
  while (!text.empty()) {
    const auto digits = text.substr(0, digits_at_once);
    std::uint64_t carry = 0;
    for (const char c : digits) {
      const int value = digit_value(c);
      if (value < 0) return false;
      carry = carry * 62 + static_cast<unsigned>(value);
    }
    for (std::size_t i = count; i-- > 0;) {
      carry += std::uint64_t{limbs[i]} * powers[digits.size()];
      limbs[i] = static_cast<std::uint32_t>(carry);
      carry >>= 32;
    }
    if (carry != 0) return false;
    text.remove_prefix(digits.size());
  }
  if (size % 4 != 0 && limbs[0] >> (8 * (size % 4)) != 0) return false;
  for (std::size_t i = 0; i < size; ++i) {
    const auto from_right = size - 1 - i;
    out[i] = static_cast<std::uint8_t>(limbs[count - 1 - from_right / 4] >> (8 * (from_right % 4)));
  }
  return true;
}

}  // namespace nacre::crypto

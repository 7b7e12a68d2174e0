// The one base64url codec: strict, because two spellings of one token would be two cache keys.
#include <array>

#include "crypto/jwt.hpp"

namespace nacre::crypto {
namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::uint32_t no_digit = 64;

constexpr std::array<std::uint8_t, 256> digits = [] {
  std::array<std::uint8_t, 256> table{};
  table.fill(no_digit);
  for (std::size_t i = 0; i < alphabet.size(); ++i)
    table[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
  return table;
}();

constexpr std::uint32_t digit(char c) { return digits[static_cast<unsigned char>(c)]; }
constexpr char byte_at(std::uint32_t bits, unsigned shift) { return static_cast<char>((bits >> shift) & 0xffU); }

}  // namespace

std::optional<std::string> base64url_decode(std::string_view text) {
  const std::size_t tail = text.size() % 4;
  if (tail == 1) return std::nullopt;
  std::string out(text.size() / 4 * 3 + (tail == 0 ? 0 : tail - 1), '\0');
  char* to = out.data();
  std::size_t at = 0;
  for (; at + 4 <= text.size(); at += 4) {
    const std::uint32_t a = digit(text[at]), b = digit(text[at + 1]), c = digit(text[at + 2]), d = digit(text[at + 3]);
    if (((a | b | c | d) & no_digit) != 0) return std::nullopt;
    const std::uint32_t bits = a << 18 | b << 12 | c << 6 | d;
    *to++ = byte_at(bits, 16);
    *to++ = byte_at(bits, 8);
    *to++ = byte_at(bits, 0);
  }
  if (tail == 0) return out;
  const std::uint32_t a = digit(text[at]), b = digit(text[at + 1]), c = tail == 3 ? digit(text[at + 2]) : 0;
  if (((a | b | c) & no_digit) != 0) return std::nullopt;
  const std::uint32_t bits = a << 18 | b << 12 | c << 6;
  if ((bits & (tail == 2 ? 0xffffU : 0xffU)) != 0) return std::nullopt;  // bits that decode to nothing
  *to++ = byte_at(bits, 16);
  if (tail == 3) *to++ = byte_at(bits, 8);
  return out;
}

std::string base64url_encode(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() * 4 + 2) / 3);
  const auto byte = [&](std::size_t i) -> std::uint32_t { return static_cast<unsigned char>(bytes[i]); };
  std::size_t at = 0;
  for (; at + 3 <= bytes.size(); at += 3) {
    const std::uint32_t bits = byte(at) << 16 | byte(at + 1) << 8 | byte(at + 2);
    for (const unsigned shift : {18U, 12U, 6U, 0U}) out.push_back(alphabet[(bits >> shift) & 63U]);
  }
  const std::size_t tail = bytes.size() - at;
  if (tail == 0) return out;
  const std::uint32_t bits = byte(at) << 16 | (tail == 2 ? byte(at + 1) << 8 : 0);
  out.push_back(alphabet[bits >> 18]);
  out.push_back(alphabet[(bits >> 12) & 63U]);
  if (tail == 2) out.push_back(alphabet[(bits >> 6) & 63U]);
  return out;
}

}  // namespace nacre::crypto

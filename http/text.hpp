#pragma once
// Character rules of RFC 9110, as tables: no locale, no <cctype>.

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace nacre::http {

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

// ASCII words compared without regard to case.
constexpr bool same_word(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (lower(a[i]) != lower(b[i])) return false;
  return true;
}

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
// Of one hexadecimal digit, or -1.
constexpr int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  c = lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}
inline constexpr auto token_chars = [] {
  std::array<bool, 256> ok{};
  for (const char c : std::string_view{"!#$%&'*+-.^_`|~"}) ok[static_cast<unsigned char>(c)] = true;
  for (char c = '0'; c <= '9'; ++c) ok[static_cast<unsigned char>(c)] = true;
  for (char c = 'a'; c <= 'z'; ++c)
    ok[static_cast<unsigned char>(c)] = ok[static_cast<unsigned char>(c - 'a' + 'A')] = true;
  return ok;
}();
constexpr bool is_token_char(char c) { return token_chars[static_cast<unsigned char>(c)]; }
constexpr bool is_path_char(char c) {
  return is_digit(c) || is_alpha(c) || c == '.' || c == '_' || c == '~' || c == '/' || c == '-';
}
constexpr bool is_visible(char c) { return c > ' ' && c < 0x7f; }  // also false for bytes above 0x7f

// How many of the first bytes are printable ASCII (0x20 to 0x7e), eight at a time.
inline std::size_t printable_run(std::string_view text) {
  constexpr std::uint64_t each = 0x0101010101010101, high = each * 0x80;
  std::size_t n = 0;
  for (; text.size() - n >= 8; n += 8) {
    std::uint64_t v;
    std::memcpy(&v, text.data() + n, sizeof v);
    const std::uint64_t small = (v - each * 0x20) & ~v;  // below 0x20, exact for bytes below 0x80
    const std::uint64_t del = ((v ^ each * 0x7f) - each) & ~(v ^ each * 0x7f);  // 0x7f
    if (((v | small | del) & high) != 0) break;  // may also stop early; the loop below decides
  }
  while (n < text.size() && text[n] >= 0x20 && text[n] < 0x7f) ++n;
  return n;
}

template <class Rule>
constexpr bool all_of(std::string_view text, Rule rule) {
  for (const char c : text)
    if (!rule(c)) return false;
  return true;
}

}  // namespace nacre::http

#include "model/text.hpp"

#include <string>

#include "model/limits.hpp"

namespace nacre::model {

namespace {

// The Unicode property White_Space.
bool is_white(char32_t c) {
  return (c >= 0x09 && c <= 0x0d) || c == ' ' || c == 0x85 || c == 0xa0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

// C0, DEL and C1, line and paragraph separators, and what turns the direction of text: each can make a
// list or log show something else than what is there.
bool is_control(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

}  // namespace

text_measure measure(std::string_view text) {
  text_measure m;
  for (std::size_t i = 0; i < text.size();) {
    auto lead = static_cast<unsigned char>(text[i]);
    std::size_t length = lead < 0x80                   ? 1
                         : lead >= 0xc2 && lead < 0xe0 ? 2
                         : lead >= 0xe0 && lead < 0xf0 ? 3
                         : lead >= 0xf0 && lead < 0xf5 ? 4
                                                       : 0;
    if (length == 0 || i + length > text.size()) return m;
    char32_t point = length == 1 ? lead : lead & (0xff >> (length + 1));
    for (std::size_t k = 1; k < length; ++k) {
      auto next = static_cast<unsigned char>(text[i + k]);
      if ((next & 0xc0) != 0x80) return m;
      point = (point << 6) | (next & 0x3f);
    }
    bool overlong = (length == 3 && point < 0x800) || (length == 4 && point < 0x10000);
    bool surrogate = point >= 0xd800 && point <= 0xdfff;
    if (overlong || surrogate || point > 0x10ffff) return m;
    if (is_control(point)) m.controls = true;
    if (!is_white(point)) m.blank = false;
    ++m.chars;
    i += length;
  }
  m.valid = true;
  return m;
}

result<void> check_name(std::string_view field, std::string_view text, std::size_t chars_max) {
  auto m = measure(text);
  std::string name(field);
  if (!m.valid) return fail(errc::invalid, name + " must be valid UTF-8");
  if (m.controls) return fail(errc::invalid, name + " must not contain control characters");
  if (m.blank) return fail(errc::invalid, name + " must not be blank");
  if (m.chars > chars_max)
    return fail(errc::invalid, name + " must be at most " + std::to_string(chars_max) + " characters");
  return {};
}

result<void> check_email(std::string_view text) {
  auto m = measure(text);
  auto at = text.find('@');
  bool good = m.valid && !m.controls && text.size() <= limits::email_bytes_max && at != std::string_view::npos &&
              at > 0 && at + 1 < text.size() && text.find('@', at + 1) == std::string_view::npos &&
              text.find(' ') == std::string_view::npos;
  if (!good) return fail(errc::invalid, "email must be an e-mail address of at most 254 bytes");
  return {};
}

result<void> check_project_key(std::string_view text) {
  auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  bool good = !text.empty() && text.size() <= limits::project_key_chars_max && plain(text.front());
  for (char c : text) good = good && (plain(c) || c == '-' || c == '_');
  if (!good) return fail(errc::invalid, "key must be 1..64 of a-z, 0-9, '-' and '_', beginning with a letter or digit");
  return {};
}

}  // namespace nacre::model

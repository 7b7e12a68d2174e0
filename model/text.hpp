#pragma once
// What a name may be. Length counts Unicode code points; controls (those of text direction too) and
// invalid UTF-8 are refused everywhere, because names end up in logs, lists and terminals.

#include <cstddef>
#include <string_view>

#include "model/error.hpp"

namespace nacre::model {

// Code points, or nothing useful if the text is not valid UTF-8 (then `valid` is false).
struct text_measure {
  bool valid = false;
  bool controls = false;  // C0, DEL, C1, U+2028..202E, U+2066..2069
  bool blank = true;      // nothing but Unicode White_Space
  std::size_t chars = 0;
};
text_measure measure(std::string_view text);

// `invalid` with a text that names the field, or success. 1..chars_max code points, not blank.
result<void> check_name(std::string_view field, std::string_view text, std::size_t chars_max);
// One '@' with something on both sides, no white space or controls, at most 254 bytes.
result<void> check_email(std::string_view text);
// 1..64 of [a-z0-9_-], beginning with a letter or digit.
result<void> check_project_key(std::string_view text);

}  // namespace nacre::model

#include "model/text.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "model/limits.hpp"

using namespace nacre;
using namespace nacre::model;

namespace {

std::string utf8(char32_t point) {
  std::string out;
  auto byte = [&](char32_t v) { out += static_cast<char>(v); };
  if (point < 0x80) {
    byte(point);
  } else if (point < 0x800) {
    byte(0xc0 | (point >> 6));
    byte(0x80 | (point & 0x3f));
  } else if (point < 0x10000) {
    byte(0xe0 | (point >> 12));
    byte(0x80 | ((point >> 6) & 0x3f));
    byte(0x80 | (point & 0x3f));
  } else {
    byte(0xf0 | (point >> 18));
    byte(0x80 | ((point >> 12) & 0x3f));
    byte(0x80 | ((point >> 6) & 0x3f));
    byte(0x80 | (point & 0x3f));
  }
  return out;
}

std::string times(std::string_view what, std::size_t count) {
  std::string out;
  while (count-- > 0) out += what;
  return out;
}

}  // namespace

TEST_CASE("every code point is valid once, surrogates and what lies beyond U+10FFFF are not", "[model][text]") {
  for (char32_t point = 0; point < 0x120000; ++point) {
    auto m = measure(utf8(point));
    bool surrogate = point >= 0xd800 && point < 0xe000;
    bool valid = !surrogate && point <= 0x10ffff;
    bool control = point < 0x20 || (point >= 0x7f && point < 0xa0) || (point >= 0x2028 && point <= 0x202e) ||
                   (point >= 0x2066 && point <= 0x2069);
    bool white = (point >= 0x2000 && point <= 0x200a) || (point >= 9 && point <= 13);
    for (char32_t one : {0x20, 0x85, 0xa0, 0x1680, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000}) white |= point == one;
    if (m.valid != valid || (valid && (m.chars != 1 || m.controls != control || m.blank != white)))
      FAIL("U+" << std::hex << static_cast<std::uint32_t>(point));
  }
}

TEST_CASE("bytes that are not UTF-8 are refused", "[model][text]") {
  for (auto bad : {"\x80",
                   "\xbf",
                   "a\x80",
                   "\xc0\x80",
                   "\xc1\xbf",
                   "\xc2",
                   "\xc2 ",
                   "\xc2\xc2",
                   "\xe0\x80\x80",
                   "\xe0\x9f\xbf",
                   "\xe1\x80",
                   "\xe1\x80 ",
                   "\xed\xa0\x80",
                   "\xed\xbf\xbf",
                   "\xf0\x80\x80\x80",
                   "\xf0\x8f\xbf\xbf",
                   "\xf1\x80\x80",
                   "\xf4\x90\x80\x80",
                   "\xf5\x80\x80\x80",
                   "\xf8\x88\x80\x80\x80",
                   "\xfe",
                   "\xff",
                   "fine until \xff here"}) {
    CHECK_FALSE(measure(bad).valid);
    CHECK_FALSE(check_name("name", bad, 100));
    CHECK_FALSE(check_email(std::string("a@b") + bad));
  }
  for (auto good : {"\xc2\xa0", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf",
                    "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"})
    CHECK(measure(good).valid);
}

TEST_CASE("a name holds exactly its number of code points, however many bytes each has", "[model][text]") {
  for (std::string_view point : {"a", "\xc3\xa9", "\xe4\xb8\xad", "\xf0\x9f\x90\x9a"}) {
    CHECK(check_name("name", times(point, 1), limits::name_chars_max));
    CHECK(check_name("name", times(point, 100), limits::name_chars_max));
    CHECK_FALSE(check_name("name", times(point, 101), limits::name_chars_max));
  }
  CHECK(times("\xf0\x9f\x90\x9a", 100).size() == 4 * limits::name_chars_max);
}

TEST_CASE("a refused name is told why, with the field's name and none of its text", "[model][text]") {
  auto text_of = [](std::string_view text) { return check_name("name", text, 3).error().text; };
  CHECK(text_of("") == "name must not be blank");
  CHECK(text_of("  ") == "name must not be blank");
  CHECK(text_of("\xc2\xa0 \xe3\x80\x80") == "name must not be blank");
  CHECK(text_of("abcd") == "name must be at most 3 characters");
  CHECK(text_of("\xff") == "name must be valid UTF-8");
  for (auto control : {"\n", "a\r", "\x1b[31m", "\x7f", "\xc2\x80", "\xc2\x85", "\xc2\x9f", "\t", "a\xe2\x80\xa8",
                       "a\xe2\x80\xae", "a\xe2\x81\xa6"})
    CHECK(text_of(control) == "name must not contain control characters");
  CHECK(text_of(std::string_view("a\0b", 3)) == "name must not contain control characters");
  CHECK(check_name("name", "", 3).error().code == errc::invalid);
  CHECK(check_name("name", " a ", 3));
}

TEST_CASE("a project key is 1..64 of a-z, 0-9, - and _, led by a letter or digit", "[model][text]") {
  for (auto good : {"a", "0", "a-b_c", "9lives", "z-", "a_"}) CHECK(check_project_key(good));
  for (auto bad : {"", "-a", "_a", "A", "aB", "a b", "a.b", "a/b", "\xc3\xa9", "a\n"})
    CHECK_FALSE(check_project_key(bad));
  CHECK(check_project_key(std::string(64, 'a')));
  CHECK_FALSE(check_project_key(std::string(65, 'a')));
  CHECK_FALSE(check_project_key(std::string_view("a\0", 2)));
}

TEST_CASE("an e-mail address has one @ with something on both sides", "[model][text]") {
  for (auto good : {"a@b", "ada@example.org", "\xc3\xa9@example.org", "a+b@c.d"}) CHECK(check_email(good));
  for (auto bad : {"", "@", "a@", "@b", "a", "a@b@c", "a b@c", "a@b ", " a@b", "a@b\n", "a@\tb", "a\xc2\x85@b"})
    CHECK_FALSE(check_email(bad));
  CHECK(check_email(std::string(252, 'a') + "@b"));
  CHECK_FALSE(check_email(std::string(253, 'a') + "@b"));
}

// Base62: one text for one value, and no value for any other text.

#include "crypto/base62.hpp"

#include <array>

#include "tests/crypto/support.hpp"

namespace nacre::crypto {
namespace {

std::string written(std::string_view bytes) {
  std::string out(base62_chars(bytes.size()), '?');
  write_base62(bytes, out.data());
  return out;
}

std::optional<std::string> read(std::string_view text, std::size_t size) {
  std::string out(size, '?');
  if (!read_base62(text, reinterpret_cast<std::uint8_t*>(out.data()), size)) return std::nullopt;
  return out;
}

TEST_CASE("base62 gives the values reckoned elsewhere", "[crypto][base62]") {
  CHECK(written(std::string(32, '\0')) == std::string(43, '0'));
  CHECK(written(std::string(32, '\xff')) == "yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1");
  CHECK(written(test::bytes("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")) ==
        "003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf");
  CHECK(written(std::string(16, '\xff')) == "7n42DGM5Tflk9n8mt7Fhc7");
  CHECK(written("\xff") == "47");
  CHECK(written("") == "");
}

TEST_CASE("base62 of a width is as narrow as its greatest value allows", "[crypto][base62]") {
  for (std::size_t size = 1; size <= 64; ++size) {
    const std::string greatest(size, '\xff');
    const auto text = written(greatest);
    REQUIRE(read(text, size) == greatest);  // wide enough
    REQUIRE(text[0] != '0');                // and not wider
  }
}

TEST_CASE("every value comes back from its text, in the order of the texts", "[crypto][base62]") {
  test::random_source random{"base62"};
  for (int round = 0; round < 2000; ++round) {
    const auto size = 1 + random.below(40);
    const auto a = random.bytes(size), b = random.bytes(size);
    REQUIRE(read(written(a), size) == a);
    REQUIRE((a < b) == (written(a) < written(b)));
  }
}

TEST_CASE("a text that is not the one of a value is refused", "[crypto][base62]") {
  CHECK(read("47", 1) == "\xff");
  CHECK_FALSE(read("48", 1));
  CHECK_FALSE(read("50", 1));
  CHECK_FALSE(read("zz", 1));
  CHECK_FALSE(read("7n42DGM5Tflk9n8mt7Fhc8", 16));
  for (const auto* other : {"",   "0",  "000", "7",  "047", " 47", "47 ", "-7", "+7",       "4\n",
                            "4-", "4_", "4/",  "4:", "4@",  "4[",  "4`",  "4{", "\xc3\xa9", "\x80\x80"})
    CHECK_FALSE(read(other, 1));
  CHECK_FALSE(read(std::string_view("4\0", 2), 1));

  // Of all two-character texts exactly 256 are read, and those are the written ones.
  int accepted = 0;
  for (int first = 0; first < 256; ++first)
    for (int second = 0; second < 256; ++second) {
      const std::array text{static_cast<char>(first), static_cast<char>(second)};
      const auto value = read({text.data(), text.size()}, 1);
      if (!value) continue;
      ++accepted;
      REQUIRE(written(*value) == std::string_view(text.data(), text.size()));
    }
  CHECK(accepted == 256);
}

}  // namespace
}  // namespace nacre::crypto

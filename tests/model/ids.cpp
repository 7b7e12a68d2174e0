#include "model/ids.hpp"

#include <catch2/catch.hpp>

#include "tests/support/random_source.hpp"

using namespace nacre;

TEST_CASE("a uuid survives its text, in lower and upper case", "[model][ids]") {
  auto seed = testing::announced_seed("ids");
  CAPTURE(seed);
  testing::random_source random(seed);
  for (int i = 0; i < 1000; ++i) {
    auto id = random.id();
    auto text = to_string(id);
    CHECK(text.size() == 36);
    CHECK(parse_uuid(text) == id);
    for (auto& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    CHECK(parse_uuid(text) == id);
    CHECK(uuid_from_bytes(id.view()) == id);
  }
  CHECK(to_string(uuid{}) == "00000000-0000-0000-0000-000000000000");
  CHECK(parse_uuid("0B6c1f0e-2f3c-4d7e-9a51-0d2f8f5f9a10").has_value());
}

TEST_CASE("nothing but the 36 characters of RFC 9562 is a uuid", "[model][ids]") {
  const std::string good = "0b6c1f0e-2f3c-4d7e-9a51-0d2f8f5f9a10";
  for (auto bad : {"", "0b6c1f0e2f3c4d7e9a510d2f8f5f9a10", "{0b6c1f0e-2f3c-4d7e-9a51-0d2f8f5f9a10}",
                   "urn:uuid:0b6c1f0e-2f3c-4d7e-9a51-0d2f8f5f9a10", "0b6c1f0e-2f3c-4d7e-9a51-0d2f8f5f9a1",
                   "0b6c1f0e-2f3c-4d7e-9a51-0d2f8f5f9a100", " 0b6c1f0e-2f3c-4d7e-9a51-0d2f8f5f9a1"})
    CHECK_FALSE(parse_uuid(bad));
  for (std::size_t i = 0; i < good.size(); ++i) {  // one wrong character anywhere
    for (char c : {'g', '-', '0', ' ', '\0', '\xff', '/', ':', '@', '`'}) {
      auto text = good;
      text[i] = c;
      bool hyphen = good[i] == '-';
      CHECK(parse_uuid(text).has_value() == (hyphen ? c == '-' : c == '0'));
    }
  }
  CHECK_FALSE(uuid_from_bytes(std::string(15, 'x')));
  CHECK_FALSE(uuid_from_bytes(std::string(17, 'x')));
}

TEST_CASE("a made uuid has version 4 and keeps the other bits", "[model][ids]") {
  std::array<std::uint8_t, 16> ones;
  ones.fill(0xff);
  CHECK(to_string(make_uuid_v4(ones)) == "ffffffff-ffff-4fff-bfff-ffffffffffff");
  CHECK(to_string(make_uuid_v4({})) == "00000000-0000-4000-8000-000000000000");
  CHECK(uuid{}.is_nil());
  CHECK_FALSE(make_uuid_v4({}).is_nil());
}

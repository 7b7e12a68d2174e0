// Texts sealed before a server sees them: the same bytes as a browser's, and a link that lost anything is found out.

#include "crypto/sealed_text.hpp"

#include <algorithm>

#include "crypto/digest.hpp"
#include "crypto/random.hpp"
#include "tests/crypto/support.hpp"

namespace nacre::crypto {
namespace {

// Made by the page's own code (web/src/seal.ts); they never change.
constexpr std::string_view key_hex = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
constexpr std::string_view identifier = "Golden0000000000000000000000000000000000001";
constexpr std::string_view text = "first version: ä 七 🐚\n";
constexpr std::string_view fragment =
    "1AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh-IhnWVGolden0000000000000000000000000000000000001";
constexpr std::string_view sealed =
    "nacre1.ZGVmZ2hpamtsbW5vLnKsFQ3JIPtMETaHtF9KPubi4rIITAPtN0umyPujpUiU6UDATBKbBP3zeD_"
    "9QsrPG1uY5yBKQSj68azW74GlijBieikhkuVjaTIzROU-Pw8";

std::string opened(std::string_view key, std::string_view value) {
  auto out = open_sealed_text(key, value);
  return out ? std::string(out->view()) : "refused";
}

}  // namespace

TEST_CASE("what a browser sealed is opened, and links are the same bytes", "[crypto][sealed_text]") {
  const auto key = *from_hex(key_hex);
  CHECK(opened(key, sealed) == text);
  auto link = read_fragment(fragment);
  REQUIRE(link);
  CHECK(link->identifier == identifier);
  CHECK(link->key.view() == key);
  CHECK(fragment_of(*link).view() == fragment);
}

TEST_CASE("a sealed text tells its length in steps and opens with its key only", "[crypto][sealed_text]") {
  const auto key = random_bytes(sealed_text_key_bytes), other = random_bytes(sealed_text_key_bytes);
  for (std::size_t size : {0u, 1u, 62u, 63u, 64u, 127u, 128u, 10'000u}) {
    const std::string plain(size, '\0');
    const auto value = seal_text(key.view(), plain);
    CHECK(is_sealed_text(value));
    CHECK(opened(key.view(), value) == plain);
    CHECK(opened(other.view(), value) == "refused");
    CHECK(seal_text(key.view(), std::string(size / 64 * 64, 'x')).size() == value.size());
    CHECK(seal_text(key.view(), plain) != value);
    for (std::size_t at : {std::size_t{7}, value.size() / 2, value.size() - 2}) {
      auto changed = value;
      changed[at] = changed[at] == 'A' ? 'B' : 'A';
      CHECK(opened(key.view(), changed) == "refused");
    }
    CHECK(opened(key.view(), value.substr(0, value.size() - 4)) == "refused");
  }
  for (std::string_view none : {"", "nacre1.", "nacre1.AAAA", "nacre1.=", "nacre2.AAAA", "plain"})
    CHECK(opened(key.view(), none) == "refused");
}

TEST_CASE("a link that lost or changed a character is found out", "[crypto][sealed_text]") {
  for (std::size_t at = 0; at < fragment.size(); ++at) {
    std::string changed(fragment);
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    CHECK_FALSE(read_fragment(changed));
    CHECK_FALSE(read_fragment(fragment.substr(0, at)));
    CHECK_FALSE(read_fragment(std::string(fragment.substr(0, at)) + std::string(fragment.substr(at + 1))));
  }
  CHECK_FALSE(read_fragment(std::string(fragment) + "A"));
  std::string later(fragment);
  later[0] = '2';
  CHECK(read_fragment(later).error().code == errc::unsupported);
}

}  // namespace nacre::crypto

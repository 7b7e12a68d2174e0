// The Alephant token: its shape, its prefix, and that no mistyped one passes.
// Source: contracts/alephant-pats.md section 3, DESIGN section 9.

#include "crypto/token.hpp"

#include <iterator>
#include <regex>
#include <set>

#include "crypto/base62.hpp"
#include "tests/crypto/support.hpp"

namespace nacre::crypto {
namespace {

TEST_CASE("a made token has the contract's shape, its workspace's prefix, and is ours", "[crypto][token]") {
  const auto keys = test::fresh_keyring();
  const std::regex shape{"^pat_ws[0-9a-f]{6}_[0-9a-f]{64}$"};
  std::set<std::string> seen;
  for (const std::string name : {"Acme", "", "Zoë & Söhne", "日本", "a b c", "---"}) {
    for (int i = 0; i < 50; ++i) {
      const auto token = test::bytes_of(make_token(keys, model::token_family::alephant, name, pat_id{}));
      CHECK(token.size() == alephant_token_chars);
      CHECK(std::regex_match(token, shape));
      CHECK(token.substr(0, alephant_prefix_chars) == alephant_prefix(name));
      CHECK(check_token(keys, token).check == token_check::ours);
      CHECK(seen.insert(token).second);
    }
  }
}

TEST_CASE("every change of a single character of a token is noticed", "[crypto][token]") {
  const auto keys = test::fresh_keyring();
  const auto token = test::bytes_of(make_token(keys, model::token_family::alephant, "Acme", pat_id{}));
  for (std::size_t i = 0; i < token.size(); ++i) {
    for (int c = 0; c < 256; ++c) {
      auto changed = token;
      changed[i] = static_cast<char>(c);
      if (changed == token) continue;
      const auto found = check_token(keys, changed).check;
      REQUIRE(found != token_check::ours);
      // Another hex digit where one belongs is still a token's shape: it may be an imported one.
      const bool hex_place = (i >= 6 && i < 12) || i > 12;
      const bool hex_digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
      REQUIRE(found == (hex_place && hex_digit ? token_check::foreign : token_check::malformed));
    }
  }
}

TEST_CASE("swapped neighbours, cut, extended and upper-case tokens are noticed", "[crypto][token]") {
  const auto keys = test::fresh_keyring();
  const auto token = test::bytes_of(make_token(keys, model::token_family::alephant, "Acme", pat_id{}));
  for (std::size_t i = 0; i + 1 < token.size(); ++i) {
    auto swapped = token;
    std::swap(swapped[i], swapped[i + 1]);
    if (swapped != token) CHECK(check_token(keys, swapped).check != token_check::ours);
  }
  for (std::size_t size = 0; size < token.size(); ++size)
    CHECK(check_token(keys, token.substr(0, size)).check == token_check::malformed);
  for (const auto* tail : {" ", "\n", "0", "a"}) CHECK(check_token(keys, token + tail).check == token_check::malformed);
  CHECK(check_token(keys, token + '\0').check == token_check::malformed);
  CHECK(check_token(keys, " " + token).check == token_check::malformed);
  // The random part holds letters with overwhelming likelihood.
  auto upper = token;
  for (std::size_t i = 13; i < upper.size(); ++i) upper[i] = static_cast<char>(std::toupper(upper[i]));
  CHECK(check_token(keys, upper).check == token_check::malformed);
  CHECK(check_token(keys, "").check == token_check::malformed);
}

TEST_CASE("a token of another installation has the shape but not the checksum", "[crypto][token]") {
  const auto token = test::bytes_of(make_token(test::fresh_keyring(), model::token_family::alephant, "Acme", pat_id{}));
  CHECK(check_token(test::fresh_keyring(), token).check == token_check::foreign);
}

TEST_CASE("the checksum is the head of the keyed hash of all before it", "[crypto][token]") {
  const auto keys = test::fresh_keyring();
  const auto token = test::bytes_of(make_token(keys, model::token_family::alephant, "Acme", pat_id{}));
  const auto sum = keys.token_checksum(token.substr(0, 65));
  CHECK(token.substr(65) == to_hex({reinterpret_cast<const char*>(sum.data()), sum.size()}));
}

constexpr model::token_family families[] = {model::token_family::alephant, model::token_family::unleash,
                                            model::token_family::service};

pat_id some_id(std::uint8_t n) {
  uuid id;
  id.bytes.fill(n);
  return pat_id{id};
}

TEST_CASE("a token of every family has its contract's shape and is ours, of that family", "[crypto][token]") {
  const auto keys = test::fresh_keyring();
  const std::regex shapes[] = {std::regex{"^pat_ws[0-9a-f]{6}_[0-9a-f]{64}$"}, std::regex{"^user:[0-9a-f]{56}$"},
                               std::regex{"^nacre_pat_[0-9A-Za-z]{22}_[0-9A-Za-z]{49}$"}};
  std::set<std::string> seen;
  for (std::size_t f = 0; f < std::size(families); ++f) {
    for (const auto n : std::initializer_list<std::uint8_t>{0x00, 0x01, 0x7f, 0xff}) {
      const auto token = test::bytes_of(make_token(keys, families[f], "Acme", some_id(n)));
      CHECK(std::regex_match(token, shapes[f]));
      CHECK(token.size() == shape_of(families[f]).chars);
      CHECK(token.starts_with(shape_of(families[f]).head));
      CHECK(prefix_chars(families[f]) <= 12);
      CHECK(seen.insert(token).second);
      for (const auto other : families) CHECK(check_token(keys, token).is_ours(other) == (other == families[f]));
    }
  }
}

TEST_CASE("every change of a single character of a token of any family is noticed", "[crypto][token]") {
  const auto keys = test::fresh_keyring();
  for (const auto family : {model::token_family::unleash, model::token_family::service}) {
    const auto token = test::bytes_of(make_token(keys, family, "Acme", some_id(0x42)));
    for (std::size_t i = 0; i < token.size(); ++i)
      for (int c = 0; c < 256; ++c) {
        auto changed = token;
        changed[i] = static_cast<char>(c);
        if (changed == token) continue;
        const auto found = check_token(keys, changed);
        if (found.check == token_check::ours) FAIL("changed at " << i);
        // A CRC that is wrong is wrong for everybody: there is no foreign token of that shape.
        const bool foreign = family == model::token_family::unleash && i >= 5 &&
                             std::string_view{"0123456789abcdef"}.find(static_cast<char>(c)) != std::string_view::npos;
        if (foreign != (found.check == token_check::foreign)) FAIL("changed at " << i << " to " << c);
      }
    for (std::size_t size = 0; size < token.size(); ++size)
      CHECK(check_token(keys, token.substr(0, size)).check == token_check::malformed);
    for (const auto* tail : {" ", "\n", "0", "a"})
      CHECK(check_token(keys, token + tail).check == token_check::malformed);
    CHECK(check_token(keys, " " + token).check == token_check::malformed);
    for (std::size_t i = 0; i + 1 < token.size(); ++i) {
      auto swapped = token;
      std::swap(swapped[i], swapped[i + 1]);
      if (swapped != token) CHECK(check_token(keys, swapped).check != token_check::ours);
    }
  }
}

TEST_CASE("an Unleash token of another installation is foreign, a service user's cannot be told apart",
          "[crypto][token]") {
  const auto there = test::fresh_keyring(), here = test::fresh_keyring();
  const auto unleash = test::bytes_of(make_token(there, model::token_family::unleash, "", some_id(1)));
  CHECK(check_token(here, unleash).check == token_check::foreign);
  CHECK(check_token(here, unleash).family == model::token_family::unleash);
  const auto service = test::bytes_of(make_token(there, model::token_family::service, "", some_id(1)));
  CHECK(check_token(here, service).is_ours(model::token_family::service));
}

// The text and its CRC-32, bit by bit as ISO 3309 has it.
std::string with_crc(const std::string& text) {
  std::uint32_t crc = 0xffffffff;
  for (const char c : text) {
    crc ^= static_cast<std::uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
  }
  crc = ~crc;
  std::string digits(6, '0');
  for (int i = 5; i >= 0; --i, crc /= 62) digits[static_cast<std::size_t>(i)] = base62_digits[crc % 62];
  return text + digits;
}

TEST_CASE("a service user's token ends with the CRC-32 of all before it", "[crypto][token]") {
  const auto keys = test::fresh_keyring();
  for (std::uint8_t n = 0; n < 32; ++n) {
    const auto token = test::bytes_of(make_token(keys, model::token_family::service, "", some_id(n)));
    CHECK(with_crc(token.substr(0, token.size() - 6)) == token);
    // Its id is that of the record.
    std::uint8_t id[16];
    REQUIRE(read_base62(std::string_view(token).substr(10, 22), id, sizeof id));
    CHECK(std::string_view(reinterpret_cast<const char*>(id), sizeof id) == some_id(n).value().view());
  }
}

TEST_CASE("a service user's token has one spelling", "[crypto][token]") {
  const auto keys = test::fresh_keyring();
  auto token = test::bytes_of(make_token(keys, model::token_family::service, "", some_id(0)));
  // Values beyond the width of their bytes, with a checksum that is right.
  const auto body = token.substr(0, token.size() - 6);
  auto beyond = body;
  std::fill_n(beyond.begin() + 10, 22, 'z');
  CHECK(check_token(keys, with_crc(beyond)).check == token_check::malformed);
  beyond = body;
  std::fill_n(beyond.begin() + 33, 43, 'z');
  CHECK(check_token(keys, with_crc(beyond)).check == token_check::malformed);
  beyond = body + "zzzzzz";
  CHECK(check_token(keys, beyond).check == token_check::malformed);
}

TEST_CASE("the same bytes make the same token, other bytes another", "[crypto][token]") {
  const auto keys = test::fresh_keyring();
  const secure_bytes one{std::string(token_random_bytes, 'a')}, two{std::string(token_random_bytes, 'b')};
  for (const auto family : families) {
    const auto make = [&](const secure_bytes& random) {
      return test::bytes_of(make_token(keys, family, "A", some_id(1), random));
    };
    CHECK(make(one) == make(one));
    CHECK(make(one) != make(two));
  }
}

TEST_CASE("workspace names are normalised as the contract says", "[crypto][token]") {
  const std::pair<std::string, std::string> examples[] = {
      {"Acme", "acme"},
      {"ACME Corp", "acme-corp"},
      {"Acme, Inc.", "acme-inc"},
      {"  spaces   inside  ", "spaces-inside"},
      {"--a--b--", "a-b"},
      {"a_b.c/d", "a-b-c-d"},
      {"2nd Team #3", "2nd-team-3"},
      {"tab\tnew\nline", "tab-new-line"},
      {std::string("nul\0byte", 8), "nul-byte"},
      {"Zoë & Söhne", "zo-s-hne"},
      {"ÉCOLE", "cole"},
      {"\u212Aelvin", "elvin"},  // the Kelvin sign is not ASCII, so it is no letter here
      {"日本語", ""},
      {"日本 team", "team"},
      {"\xff\xfe", ""},
      {"---", ""},
      {"", ""},
      {"already-normal-9", "already-normal-9"},
  };
  for (const auto& [name, normal] : examples) {
    CHECK(normalise_workspace_name(name) == normal);
    CHECK(normalise_workspace_name(normal) == normal);
    CHECK(alephant_prefix(name) == "pat_ws" + to_hex(view(sha256(normal))).substr(0, 6));
  }
  CHECK(alephant_prefix("") == "pat_wse3b0c4");
  CHECK(alephant_prefix("ACME Corp") == alephant_prefix("acme corp!"));
}

}  // namespace
}  // namespace nacre::crypto

// The Alephant token: its shape, its prefix, and that no mistyped one passes.
// Source: contracts/alephant-pats.md section 3, DESIGN section 9.

#include "crypto/token.hpp"

#include <regex>
#include <set>

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

// Identifiers of one-time secrets and generated passwords.
// Generated values come from getrandom, not from the seed; the bounds on counts are eight deviations wide or more.

#include "crypto/one_time.hpp"

#include <cctype>
#include <cmath>
#include <map>
#include <set>
#include <vector>

#include "tests/crypto/support.hpp"

namespace nacre::crypto {
namespace {

const std::string greatest = "yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1";  // 2^256 - 1

constexpr std::string_view ambiguous = "0Oo1lIi|";

struct set_of {
  bool character_sets::*chosen;
  std::string characters;
};
const std::vector<set_of>& sets_of_characters() {
  static const std::vector<set_of> all{{&character_sets::uppercase, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
                                       {&character_sets::lowercase, "abcdefghijklmnopqrstuvwxyz"},
                                       {&character_sets::numbers, "0123456789"},
                                       {&character_sets::symbols, "!#$%&()*+,-./:;<=>?@[]^_{|}~"}};
  return all;
}

std::vector<std::string> expected_sets(character_sets sets) {
  std::vector<std::string> out;
  for (const auto& set : sets_of_characters()) {
    if (!(sets.*set.chosen)) continue;
    out.emplace_back();
    for (const char c : set.characters)
      if (!sets.exclude_ambiguous || ambiguous.find(c) == std::string_view::npos) out.back().push_back(c);
  }
  return out;
}

character_sets only(unsigned which, bool exclude_ambiguous) {
  return {(which & 1) != 0, (which & 2) != 0, (which & 4) != 0, (which & 8) != 0, exclude_ambiguous};
}

// How far counts are from being equal, in deviations of what chance does to them.
double unevenness(const std::map<char, int>& counts, std::size_t kinds, int total) {
  const double expected = total / static_cast<double>(kinds);
  double sum = 0;
  for (const auto& [c, n] : counts) sum += (n - expected) * (n - expected) / expected;
  sum += static_cast<double>(kinds - counts.size()) * expected;
  const auto freedom = static_cast<double>(kinds - 1);
  return (sum - freedom) / std::sqrt(2 * freedom);
}

TEST_CASE("an identifier is 43 base62 characters and never the same twice", "[crypto][one_time]") {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const auto made = test::bytes_of(make_identifier());
    CHECK(made.size() == identifier_chars);
    CHECK(is_identifier(made));
    CHECK(seen.insert(made).second);
  }
}

TEST_CASE("an identifier is canonical: 0 to 2^256 - 1 in 43 characters, nothing else", "[crypto][one_time]") {
  CHECK(is_identifier(std::string(43, '0')));
  CHECK(is_identifier(greatest));
  auto beyond = greatest;
  beyond.back() = '2';  // 2^256
  CHECK_FALSE(is_identifier(beyond));
  CHECK_FALSE(is_identifier("z" + greatest.substr(1)));
  CHECK_FALSE(is_identifier(std::string(43, 'z')));
  CHECK_FALSE(is_identifier(""));
  CHECK_FALSE(is_identifier(std::string(42, '0')));
  CHECK_FALSE(is_identifier(std::string(44, '0')));
  CHECK_FALSE(is_identifier("0" + greatest));
  for (std::size_t at = 0; at < identifier_chars; ++at)
    for (int c = 0; c < 256; ++c) {
      auto text = std::string(43, '0');
      text[at] = static_cast<char>(c);
      const bool digit = c < 128 && std::isalnum(c) != 0;
      const bool fits = at != 0 || c <= 'y';
      REQUIRE(is_identifier(text) == (digit && fits));
    }
}

TEST_CASE("a password has its length, only chosen characters, and one of each set that fits", "[crypto][one_time]") {
  for (const bool exclude : {false, true})
    for (unsigned which = 1; which < 16; ++which) {
      const auto sets = only(which, exclude);
      const auto expected = expected_sets(sets);
      std::string allowed;
      for (const auto& set : expected) allowed += set;
      for (const std::size_t length : {0u, 1u, 2u, 3u, 4u, 5u, 12u, 128u, 1000u})
        for (int round = 0; round < 40; ++round) {
          const auto password = test::bytes_of(make_password(length, sets));
          REQUIRE(password.size() == length);
          REQUIRE(password.find_first_not_of(allowed) == std::string::npos);
          if (length < expected.size()) continue;
          for (const auto& set : expected) REQUIRE(password.find_first_of(set) != std::string::npos);
        }
    }
}

TEST_CASE("without any set chosen a password is made of the default ones", "[crypto][one_time]") {
  for (const bool exclude : {false, true}) {
    std::string seen;
    for (int i = 0; i < 100; ++i) seen += make_password(100, only(0, exclude)).view();
    std::string allowed;
    for (const auto& set : expected_sets(only(1 | 2 | 4, exclude))) allowed += set;
    CHECK(seen.find_first_not_of(allowed) == std::string::npos);
    for (const char c : allowed) CHECK(seen.find(c) != std::string::npos);
  }
}

TEST_CASE("every allowed character of a password is equally likely", "[crypto][one_time]") {
  for (const bool exclude : {false, true})
    for (const unsigned which : {1u, 4u, 7u, 8u, 15u}) {
      std::size_t kinds = 0;
      for (const auto& set : expected_sets(only(which, exclude))) kinds += set.size();
      // Single characters, then no set can be asked for; the remainder of 256 by 90 would stand out a hundredfold.
      std::map<char, int> counts;
      constexpr int total = 40'000;
      for (int i = 0; i < total; ++i) ++counts[make_password(1, only(which, exclude)).view()[0]];
      CHECK(counts.size() == kinds);
      CHECK(unevenness(counts, kinds, total) < 12);
    }
}

TEST_CASE("no place of a password is any set's own", "[crypto][one_time]") {
  const auto sets = only(15, false);
  const auto expected = expected_sets(sets);
  std::map<std::pair<std::size_t, std::size_t>, int> counts;
  constexpr int total = 8'000;
  for (int i = 0; i < total; ++i) {
    const auto password = test::bytes_of(make_password(4, sets));
    for (std::size_t at = 0; at < 4; ++at)
      for (std::size_t set = 0; set < 4; ++set)
        if (expected[set].find(password[at]) != std::string::npos) ++counts[{at, set}];
  }
  // One of each in four places: each place a quarter of the time. A deviation is 39.
  for (std::size_t at = 0; at < 4; ++at)
    for (std::size_t set = 0; set < 4; ++set) CHECK(std::abs(counts[{at, set}] - total / 4) < 320);
}

TEST_CASE("passwords of a usual length do not repeat", "[crypto][one_time]") {
  std::set<std::string> seen;
  for (int i = 0; i < 2000; ++i) CHECK(seen.insert(test::bytes_of(make_password(12, {}))).second);
}

}  // namespace
}  // namespace nacre::crypto

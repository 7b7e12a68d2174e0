// Answers to requests for secrets: the same bytes as a browser's, and links that lost anything are found out.

#include "crypto/sealed_answer.hpp"

#include "crypto/digest.hpp"
#include "crypto/jwt.hpp"
#include "tests/crypto/support.hpp"

namespace nacre::crypto {
namespace {

// Made by the page's own code (web/src/ask-seal.ts, tests/web/answered.json); they never change.
constexpr std::string_view identifier = "Golden0000000000000000000000000000000000001",
                           pickup_key = "Pickup0000000000000000000000000000000000002";
constexpr std::string_view private_hex = "28bbae382e1f32f92902aba2f8ea0389d478df943c5cdc09f5f60b06a0a9caf4";
constexpr std::string_view public_hex =
    "c6f31a42eb6849964709cd3726ad3aec72828f53d684c37ccb405991ab5eec07e233f43ca5a5ca9292b5f639356f50966a3710e6419db3ff9e"
    "4c32a66374afbe";
constexpr std::string_view text = "first version: ä 七 🐚\n";
constexpr std::string_view ask =
    "1xvMaQutoSZZHCc03Jq067HKCj1PWhMN8y0BZkate7AfiM_Q8paXKkpK19jk1b1CWajcQ5kGds_-eTDKmY3Svvr8IDdL6Golden0"
    "000000000000000000000000000000000001";
constexpr std::string_view pickup =
    "1KLuuOC4fMvkpAqui-OoDidR435Q8XNwJ9fYLBqCpyvTG8xpC62hJlkcJzTcmrTrscoKPU9aEw3zLQFmRq17sB-Iz9DylpcqSkrX"
    "2OTVvUJZqNxDmQZ2z_55MMqZjdK--ZgXjpO5EGolden0000000000000000000000000000000000001.Pickup0000000000000"
    "000000000000000000000002";
constexpr std::string_view sealed =
    "nacre-answer1.22Z_MaFiLobcF5jN2gJcwuMOXFRMs3n5slzhHyU1sg7WL7d5H0b9cIveGUx4Z9hwcFkIM3AM_eP5Hw9yL5fzr8"
    "Dhx8MQrdoBUlgju4PynAeHLJJGlj_hrMpP3a6EFK20aQFEqfrkCMllIbRWgSgfemEkKh7-D4woVtrgZ7FNTQqv9PYtw8tSymPYaq"
    "XBHI-S";

std::string opened(const asking_key& key, std::string_view request, std::string_view value) {
  auto out = open_answer(key, request, value);
  return out ? std::string(out->view()) : "refused";
}

}  // namespace

TEST_CASE("what a browser answered is opened, and both links are the same bytes", "[crypto][sealed_answer]") {
  auto mine = read_pickup_fragment(pickup);
  REQUIRE(mine);
  CHECK(mine->identifier == identifier);
  CHECK(mine->pickup_key.view() == pickup_key);
  CHECK(to_hex(mine->key.private_key.view()) == private_hex);
  CHECK(to_hex(mine->key.public_key) == public_hex);
  CHECK(fragment_of(*mine).view() == pickup);
  CHECK(opened(mine->key, identifier, sealed) == text);
  auto theirs = read_ask_fragment(ask);
  REQUIRE(theirs);
  CHECK(theirs->identifier == identifier);
  CHECK(theirs->public_key == mine->key.public_key);
  CHECK(fragment_of(*theirs) == ask);
}

TEST_CASE("an answer tells its length in steps and opens with its key, for its request, only",
          "[crypto][sealed_answer]") {
  const auto key = make_asking_key(), other = make_asking_key();
  for (std::size_t size : {0u, 1u, 63u, 64u, 7'359u}) {
    const std::string plain(size, '\0');
    const auto value = seal_answer(key.public_key, identifier, plain);
    CHECK(is_sealed_answer(value));
    CHECK(opened(key, identifier, value) == plain);
    CHECK(opened(other, identifier, value) == "refused");
    CHECK(opened(key, pickup_key, value) == "refused");
    CHECK(seal_answer(key.public_key, identifier, std::string(size / 64 * 64, 'x')).size() == value.size());
    CHECK(seal_answer(key.public_key, identifier, plain) != value);
    for (std::size_t at = 0; at < value.size(); at += 1 + value.size() / 97) {
      auto changed = value;
      changed[at] = changed[at] == 'A' ? 'B' : 'A';
      CHECK(opened(key, identifier, changed) == "refused");
    }
    CHECK(opened(key, identifier, value.substr(0, value.size() - 4)) == "refused");
  }
  CHECK(seal_answer(key.public_key, identifier, std::string(7'359, 'x')).size() <= 10'000);
  for (std::string_view none : {"", "nacre-answer1.", "nacre-answer1.AAAA", "nacre1.AAAA", "plain"})
    CHECK(opened(key, identifier, none) == "refused");
}

TEST_CASE("a link that lost or changed a character is found out, and one whose keys are none",
          "[crypto][sealed_answer]") {
  for (std::size_t at = 0; at < ask.size(); ++at) {
    std::string changed(ask);
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    CHECK_FALSE(read_ask_fragment(changed));
    CHECK_FALSE(read_ask_fragment(ask.substr(0, at)));
  }
  for (std::size_t at = 0; at < pickup.size(); ++at) {
    std::string changed(pickup);
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    CHECK_FALSE(read_pickup_fragment(changed));
    CHECK_FALSE(read_pickup_fragment(pickup.substr(0, at)));
  }
  CHECK_FALSE(read_ask_fragment(pickup));
  CHECK_FALSE(read_pickup_fragment(ask));
  CHECK(read_ask_fragment("2" + std::string(ask.substr(1))).error().code == errc::unsupported);
  CHECK(read_pickup_fragment("9" + std::string(pickup.substr(1))).error().code == errc::unsupported);
  // The check is right, the keys are not: no point of the curve, and halves of two pairs.
  CHECK_FALSE(read_ask_fragment(fragment_of(ask_link{std::string(identifier), std::string(64, 'x')})));
  auto one = make_asking_key(), two = make_asking_key();
  pickup_link mixed{std::string(identifier), secure_bytes(pickup_key), {one.public_key, two.private_key.clone()}};
  CHECK_FALSE(read_pickup_fragment(fragment_of(mixed).view()));
}

}  // namespace nacre::crypto

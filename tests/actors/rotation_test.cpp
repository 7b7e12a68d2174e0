// A rotated token is told to whoever holds the key it was asked for with, and to nobody else.

#include <set>

#include "actors/activity.hpp"
#include "crypto/token.hpp"
#include "tests/support/installation.hpp"

using namespace nacre;
using namespace nacre::testing;

namespace {

const user_id owner = user_no(1), admin = user_no(2);
const workspace_id home = workspace_no(1);
constexpr std::string_view key = "a key of some client";
constexpr model::token_family families[] = {model::token_family::alephant, model::token_family::unleash,
                                            model::token_family::service};

struct rotating : installation {
  rotating() {
    found();
    join(admin, model::role::admin);
  }
  struct known {
    pat_id id;
    std::string token;
  };
  known made(model::token_family family) {
    actors::issue_pat what;
    what.name = "ci " + std::to_string(requests);
    what.family = family;
    auto a = ask(as(admin), std::move(what));
    REQUIRE_FALSE(a.outcome.refused);
    return {pat_of(a).id, text_of(a)};
  }
  actors::answer rotate(pat_id id, std::optional<std::string> retry = {}, user_id who = admin,
                        std::int64_t overlap_ms = 0) {
    actors::renew_pat what;
    what.id = id;
    what.retry_key = std::move(retry);
    what.overlap_ms = overlap_ms;
    return ask(as(who), std::move(what));
  }
  model::pat_record record(pat_id id) {
    return *model::load<model::pat_record>(*view(), model::space::state, model::keys::pat(home, id));
  }
  bool is_current(pat_id id, const std::string& token) { return record(id).lookup == keys.token_lookup(token); }
};

}  // namespace

TEST_CASE("a rotation gives a token of the same family that is the PAT's, and lies nowhere in the clear",
          "[actors][rotation]") {
  rotating node;
  for (auto family : families) {
    auto pat = node.made(family);
    CHECK(node.is_current(pat.id, pat.token));
    for (bool with_key : {false, true}) {
      auto a = node.rotate(pat.id, with_key ? std::optional(std::string(key)) : std::nullopt);
      REQUIRE_FALSE(a.outcome.refused);
      auto token = text_of(a);
      CHECK(token != pat.token);
      CHECK(crypto::check_token(node.keys, token).is_ours(family));
      CHECK(node.is_current(pat.id, token));
      CHECK(node.record(pat.id).prefix == token.substr(0, crypto::prefix_chars(family)));
      auto secret = token.substr(token.size() - 40);
      CHECK_FALSE(holds_bytes(*node.view(), secret));
      if (auto bytes = crypto::from_hex(secret)) CHECK_FALSE(holds_bytes(*node.view(), *bytes));
    }
  }
  CHECK(broken_in(*node.view()).empty());
}

TEST_CASE("the same key gives the same token again, another one or another caller a new one", "[actors][rotation]") {
  rotating node;
  for (auto family : families) {
    auto pat = node.made(family);
    auto first = text_of(node.rotate(pat.id, std::string(key)));
    for (int again = 0; again < 3; ++again) {
      auto a = node.rotate(pat.id, std::string(key));
      REQUIRE_FALSE(a.outcome.refused);
      CHECK(text_of(a) == first);
      CHECK(node.record(pat.id).rotations == 1);
    }
    auto second = text_of(node.rotate(pat.id, std::string(key), owner));
    CHECK(second != first);
    CHECK(node.is_current(pat.id, second));
    // It is no longer the one there is, so it is not told.
    auto late = node.rotate(pat.id, std::string(key));
    REQUIRE(late.outcome.refused);
    CHECK(late.outcome.refused->code == errc::conflict);
    CHECK(late.token.empty());
    auto third = text_of(node.rotate(pat.id, std::string(key) + "!"));
    CHECK(third != second);
    CHECK(node.record(pat.id).rotations == 3);
  }
}

TEST_CASE("two PATs rotated with one key get tokens of their own", "[actors][rotation]") {
  rotating node;
  auto one = node.made(model::token_family::unleash), two = node.made(model::token_family::unleash);
  CHECK(text_of(node.rotate(one.id, std::string(key))) != text_of(node.rotate(two.id, std::string(key))));
}

TEST_CASE("the key gives the token again after the workspace was renamed", "[actors][rotation]") {
  rotating node;
  for (auto family : families) {
    auto pat = node.made(family);
    auto first = text_of(node.rotate(pat.id, std::string(key)));
    REQUIRE_FALSE(node.ask(node.as(owner), model::operation{model::rename_workspace{
                                               "Shell " + std::to_string(static_cast<int>(family))}})
                      .outcome.refused);
    auto again = node.rotate(pat.id, std::string(key));
    REQUIRE_FALSE(again.outcome.refused);
    CHECK(text_of(again) == first);
  }
}

TEST_CASE("a token sealed by a rotation is revealed, its predecessor never again", "[actors][rotation]") {
  rotating node;
  auto pat = node.made(model::token_family::alephant);
  for (int turn = 0; turn < 3; ++turn) {
    auto token = text_of(node.rotate(pat.id, {}, admin, 60'000));
    for (int again = 0; again < 2; ++again) CHECK(text_of(node.ask(node.as(admin), reveal(pat.id))) == token);
  }
  for (auto family : {model::token_family::unleash, model::token_family::service}) {
    auto other = node.made(family);
    node.rotate(other.id);
    auto shown = node.ask(node.as(admin), reveal(other.id));
    REQUIRE(shown.outcome.refused);
    CHECK(shown.outcome.refused->code == errc::reveal_not_available);
  }
}

TEST_CASE("rotations in parallel give tokens of which exactly the last is good", "[actors][rotation][stress]") {
  rotating node;
  auto pat = node.made(model::token_family::service);
  inbox<actors::answer> box;
  for (int i = 0; i < 32; ++i) {
    actors::renew_pat what;
    what.id = pat.id;
    node.submit(box, node.as(admin), what);
  }
  REQUIRE(box.await(32));
  std::set<std::string> tokens;
  std::size_t good = 0;
  for (const auto& a : box.take()) {
    REQUIRE_FALSE(a.outcome.refused);
    tokens.insert(text_of(a));
    good += node.is_current(pat.id, text_of(a));
  }
  CHECK(tokens.size() == 32);
  CHECK(good == 1);
  CHECK(node.record(pat.id).rotations == 32);
  CHECK(broken_in(*node.view()).empty());
}

TEST_CASE("the same key at once from two sides gives one token", "[actors][rotation][stress]") {
  rotating node;
  for (auto family : families) {
    auto pat = node.made(family);
    inbox<actors::answer> box;
    for (int i = 0; i < 16; ++i) {
      actors::renew_pat what;
      what.id = pat.id;
      what.retry_key = std::string(key);
      node.submit(box, node.as(admin), what);
    }
    REQUIRE(box.await(16));
    std::set<std::string> tokens;
    for (const auto& a : box.take()) {
      REQUIRE_FALSE(a.outcome.refused);
      tokens.insert(text_of(a));
    }
    CHECK(tokens.size() == 1);
    CHECK(node.is_current(pat.id, *tokens.begin()));
  }
}

TEST_CASE("a dead token's use is noted once an hour for each PAT, and not beyond what a command takes",
          "[actors][rotation][notes]") {
  constexpr std::int64_t hour = 3'600'000;
  actors::activity notes;
  timestamp now{500'000 * hour};
  for (int i = 0; i < 10; ++i)
    for (std::uint64_t n : {1u, 2u}) notes.reuse(home, pat_no(n), now);
  auto reused = [&] {
    std::vector<pat_id> out;
    for (const auto& noted : notes.drain(now, false))
      for (auto id : noted.what.reused) out.push_back(id);
    return out;
  };
  CHECK(reused() == std::vector<pat_id>{pat_no(1), pat_no(2)});
  notes.reuse(home, pat_no(1), now);
  CHECK(reused().empty());
  now = after(now, hour);
  notes.reuse(home, pat_no(1), now);
  CHECK(reused() == std::vector<pat_id>{pat_no(1)});
  now = after(now, hour);
  for (std::uint64_t n = 0; n < 3'000; ++n) notes.reuse(home, pat_no(n), now);
  std::size_t most = 0, all = 0;
  for (const auto& noted : notes.drain(now, false)) {
    most = std::max(most, noted.what.reused.size());
    all += noted.what.reused.size();
  }
  CHECK(all > 0);
  CHECK(most <= limits::touches_per_command_max);
}

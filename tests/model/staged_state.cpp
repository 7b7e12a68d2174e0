#include "model/staged_state.hpp"

#include <catch2/catch.hpp>
#include <vector>

#include "tests/support/map_state.hpp"
#include "tests/support/random_source.hpp"

using namespace nacre;
using namespace nacre::model;
using namespace nacre::model::testing;

namespace {

using rows = std::vector<std::pair<std::string, std::string>>;

rows scanned(const view& v, space in, const std::string& from, const std::string& to, std::size_t stop_after) {
  rows out;
  v.scan(in, from, to, [&](std::string_view key, std::string_view value) {
    if (out.size() == stop_after) FAIL("visited after it was told to stop");
    out.emplace_back(key, value);
    return out.size() < stop_after;
  });
  return out;
}

}  // namespace

TEST_CASE("a staged state reads like a map that had the writes already", "[model][staged]") {
  auto seed = nacre::testing::announced_seed("staged_state");
  CAPTURE(seed);
  nacre::testing::random_source random(seed);
  auto key = [&] {
    std::string k(random.below(4), '\0');
    for (auto& c : k) c = "\x00\x01\x7f\xff"[random.below(4)];
    return k;
  };
  auto in = [&] { return static_cast<space>(random.below(space_count)); };
  for (int round = 0; round < 300; ++round) {
    map_state base, oracle;
    for (auto n = random.below(40); n-- > 0;) {
      auto where = in();
      auto k = key(), v = random.bytes(3);
      base.put(where, k, v);
      oracle.put(where, k, v);
    }
    auto untouched = base.all();
    staged_state lower(base);
    staged_state upper(static_cast<const view&>(lower));  // stages lie on stages: a command's on its batch's
    for (auto n = random.below(60); n-- > 0;) {
      state& mine = random.one_in(2) ? static_cast<state&>(upper) : lower;
      auto where = in();
      auto k = key();
      // A key the upper stage holds hides what the lower one does afterwards.
      if (&mine == &lower && upper.written(where).contains(k)) continue;
      if (random.one_in(2)) {
        auto v = random.bytes(3);
        mine.put(where, k, v);
        oracle.put(where, k, v);
      } else {
        mine.erase(where, k);
        oracle.erase(where, k);
      }
    }
    for (int probe = 0; probe < 40; ++probe) {
      auto where = in();
      auto k = key(), from = key(), to = key();
      if (upper.get(where, k) != oracle.get(where, k)) FAIL("get");
      auto stop = 1 + random.below(10);
      if (scanned(upper, where, from, to, stop) != scanned(oracle, where, from, to, stop)) FAIL("scan");
      if (from < to) continue;
      if (!scanned(upper, where, from, to, stop).empty()) FAIL("an empty range has rows");
    }
    CHECK(base.all() == untouched);
    std::move(upper).lay_into(lower);
    CHECK_FALSE(upper.changed());
    std::move(lower).lay_into(base);
    CHECK_FALSE(lower.changed());
    CHECK(base.all() == oracle.all());
  }
}

TEST_CASE("a failed read below spoils every stage above, and stays below", "[model][staged]") {
  map_state base;
  staged_state lower(base), upper(static_cast<const view&>(lower));
  CHECK(upper.trustworthy());
  base.fail_reads_after(0);
  CHECK_FALSE(upper.get(space::state, "k"));
  CHECK_FALSE(upper.trustworthy());
  CHECK_FALSE(lower.trustworthy());

  map_state sound;
  staged_state one(sound), two(static_cast<const view&>(one));
  two.mark_undecodable();
  CHECK_FALSE(two.trustworthy());
  CHECK(one.trustworthy());
  one.mark_undecodable();
  CHECK(sound.trustworthy());
}

TEST_CASE("an erasure of what was never there is still a change to be written", "[model][staged]") {
  map_state base;
  staged_state st(base);
  CHECK_FALSE(st.changed());
  st.erase(space::sealed, "k");
  CHECK(st.changed());
  CHECK(st.written(space::sealed).at("k") == std::nullopt);
}

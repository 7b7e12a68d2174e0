// Rows at hand: told only to views that see them so.
#include "storage/row_cache.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <string>
#include <vector>

#include "tests/storage/support.hpp"
#include "tests/support/random_source.hpp"

using namespace nacre;
using namespace nacre::storage;
using namespace nacre::storage::testing;

namespace {

constexpr std::size_t roomy = 1u << 20;

// Of few workspaces, so that rows share shards and neighbours.
std::string key_no(std::uint64_t n) {
  auto key = std::string(15, '-') + static_cast<char>('a' + n % 5) + "P" + std::to_string(n);
  return key;
}

}  // namespace

TEST_CASE("a row learnt is told to every later view until it is written", "[storage][rows]") {
  row_cache rows(space::state, roomy);
  rows.learn(space::state, "k", "1", 5);
  CHECK(rows.find(space::state, "k", 5) == "1");
  CHECK(rows.find(space::state, "k", 9) == "1");
  CHECK_FALSE(rows.find(space::state, "other", 9));
  for (const auto& batch : {batch{put("k", "2")}, batch{erase("k")}, batch{erase_range("a", "z")}}) {
    rows.learn(space::state, "k", "1", 9);
    rows.before_write(batch);
    CHECK_FALSE(rows.find(space::state, "k", 9));
    rows.after_write(batch, 9);
    CHECK_FALSE(rows.find(space::state, "k", 9));
  }
}

TEST_CASE("a view older than a row's last write neither hears of it nor teaches it", "[storage][rows]") {
  row_cache rows(space::state, roomy);
  const batch write{put("k", "2")};
  rows.before_write(write);
  rows.learn(space::state, "k", "1", 7);  // read before, and told late
  CHECK_FALSE(rows.find(space::state, "k", 100));
  rows.after_write(write, 8);
  rows.learn(space::state, "k", "1", 7);
  CHECK_FALSE(rows.find(space::state, "k", 8));
  rows.learn(space::state, "k", "2", 8);
  CHECK(rows.find(space::state, "k", 8) == "2");
  CHECK_FALSE(rows.find(space::state, "k", 7));
}

TEST_CASE("nothing is told of rows whose write has failed", "[storage][rows]") {
  row_cache rows(space::state, roomy);
  rows.learn(space::state, "k", "1", 5);
  rows.before_write({put("k", "2")});
  for (row_cache::moment late : {5u, 50u}) {
    rows.learn(space::state, "k", "1", late);
    CHECK_FALSE(rows.find(space::state, "k", late));
  }
}

TEST_CASE("only rows of state are kept, no large ones, and none without memory", "[storage][rows]") {
  row_cache rows(space::state, roomy), none(space::state, 0);
  rows.learn(space::sealed, "k", "1", 1);
  CHECK_FALSE(rows.find(space::sealed, "k", 1));
  rows.learn(space::state, "large", std::string(1u << 16, 'x'), 1);
  CHECK_FALSE(rows.find(space::state, "large", 1));
  none.learn(space::state, "k", "1", 1);
  CHECK_FALSE(none.find(space::state, "k", 1));
  none.before_write({put("k", "2")});
  none.after_write({put("k", "2")}, 2);
}

TEST_CASE("whatever is learnt, written and forgotten for want of room, what is told is so", "[storage][rows]") {
  auto seed = nacre::testing::announced_seed("row cache");
  CAPTURE(seed);
  nacre::testing::random_source random(seed);
  row_cache rows(space::state, 1);  // as little as there can be: rows push each other out
  std::map<std::string, std::string> truth;
  row_cache::moment now = 1;
  std::size_t told = 0, missed = 0;
  for (int step = 0; step < 200'000; ++step) {
    std::array<std::string, 4> names;
    for (auto& name : names) name = key_no(random.below(6'000));
    switch (random.below(4)) {
      case 0: {
        batch writes;
        for (const auto& name : names)
          writes.push_back(random.one_in(4) ? erase(name) : put(name, std::string(random.below(300), 'v') + name));
        rows.before_write(writes);
        now += writes.size();
        for (const auto& w : writes) {
          if (w.what == write::kind::put)
            truth[w.key] = w.value;
          else
            truth.erase(w.key);
        }
        rows.after_write(writes, now);
        break;
      }
      case 1:
        for (const auto& name : names)
          if (auto it = truth.find(name); it != truth.end()) rows.learn(space::state, name, it->second, now);
        break;
      default: {
        std::array<std::string_view, 4> keys{names[0], names[1], names[2], names[3]};
        std::array<std::optional<std::string>, 4> found;
        rows.find(space::state, keys, now, found);
        for (std::size_t i = 0; i < keys.size(); ++i) {
          ++(found[i] ? told : missed);
          if (found[i]) REQUIRE(*found[i] == truth.at(names[i]));
        }
      }
    }
  }
  CHECK(told > 1'000);
  CHECK(missed > 1'000);
}

TEST_CASE("views of a store keep their moments whatever rows are at hand", "[storage][rows]") {
  auto seed = nacre::testing::announced_seed("row views");
  CAPTURE(seed);
  nacre::testing::random_source random(seed);
  scratch dir;
  auto store = rocks(dir / "db");
  struct seen {
    std::shared_ptr<const model::view> view;
    std::map<std::string, std::string> truth;
  };
  std::map<std::string, std::string> truth;
  std::vector<seen> views;
  for (int step = 0; step < 4'000; ++step) {
    auto key = key_no(random.below(60));
    if (random.one_in(3)) {
      batch writes;
      if (random.one_in(100)) {
        writes.push_back(erase_range(key_no(0), key_no(1)));
        truth.erase(truth.lower_bound(key_no(0)), truth.lower_bound(key_no(1)));
      } else if (random.one_in(4)) {
        writes.push_back(erase(key));
        truth.erase(key);
      } else {
        truth[key] = "value " + std::to_string(step);
        writes.push_back(put(key, truth[key]));
      }
      must(store->apply(writes, durability::buffered));
    }
    if (random.one_in(4)) views.push_back({store->snapshot(), truth});
    if (views.size() > 6) views.erase(views.begin() + static_cast<std::ptrdiff_t>(random.below(views.size())));
    for (const auto& v : views) {
      const auto other = key_no(random.below(60));
      if (random.one_in(2))
        v.view->prefetch(space::state, std::array<std::string_view, 2>{other, key}, random.below(3));
      for (const auto& name : {key, other}) {
        auto it = v.truth.find(name);
        REQUIRE(v.view->get(space::state, name) == (it == v.truth.end() ? std::nullopt : std::optional(it->second)));
      }
    }
  }
}

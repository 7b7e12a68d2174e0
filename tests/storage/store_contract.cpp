// What every store promises (storage/store.hpp), asked of every implementation.

#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <random>
#include <thread>
#include <vector>

#include "model/keys.hpp"
#include "tests/storage/support.hpp"

using namespace nacre;
using namespace nacre::storage;
using namespace nacre::storage::testing;

#define EVERY_STORE memory_kind, rocks_kind, faulty_kind

TEMPLATE_TEST_CASE("what was last put is read, also after reopening", "[storage][contract]", EVERY_STORE) {
  scratch dir;
  auto store = TestType::open(dir / "db");
  must(store->apply({put("k", "v1"), put("gone", "x")}, durability::synced));
  must(store->apply({put("k", "v2"), erase("gone"), erase("never there")}, durability::buffered));
  for (int round = 0; round < 2; ++round) {
    auto view = store->snapshot();
    CHECK(view->get(space::state, "k") == "v2");
    CHECK_FALSE(view->get(space::state, "gone").has_value());
    CHECK_FALSE(view->get(space::sealed, "k").has_value());
    CHECK_FALSE(view->failed());
    view.reset();
    TestType::reopen(store, dir / "db");
  }
}

TEMPLATE_TEST_CASE("writes of one batch take effect in their order", "[storage][contract]", EVERY_STORE) {
  scratch dir;
  auto store = TestType::open(dir / "db");
  must(store->apply({put("b2", "old")}, durability::synced));
  must(store->apply({put("a", "1"), put("a", "2"), put("b1", "x"), erase_range("b", "c"), put("b3", "after"),
                     put("d", "1"), erase("d"), erase("e"), put("e", "1")},
                    durability::synced));
  for (int round = 0; round < 2; ++round) {
    CHECK(all(*store->snapshot()) == contents{{"a", "2"}, {"b3", "after"}, {"e", "1"}});
    TestType::reopen(store, dir / "db");
  }
}

TEMPLATE_TEST_CASE("a batch over several spaces lands in all of them", "[storage][contract]", EVERY_STORE) {
  scratch dir;
  auto store = TestType::open(dir / "db");
  batch writes;
  for (std::size_t i = 0; i < model::space_count; ++i) {
    writes.push_back(put("same key", std::to_string(i), static_cast<space>(i)));
  }
  must(store->apply(writes, durability::synced));
  TestType::reopen(store, dir / "db");
  auto view = store->snapshot();
  for (std::size_t i = 0; i < model::space_count; ++i) {
    CHECK(view->get(static_cast<space>(i), "same key") == std::to_string(i));
  }
}

TEMPLATE_TEST_CASE("a range erase takes its first key, spares its last, and stays in its space", "[storage][contract]",
                   EVERY_STORE) {
  scratch dir;
  auto store = TestType::open(dir / "db");
  must(store->apply({put("a", ""), put("b", ""), put("bb", ""), put("c", ""), put("b", "", space::sealed)},
                    durability::synced));
  must(store->apply({erase_range("b", "c")}, durability::synced));
  CHECK(all(*store->snapshot()) == contents{{"a", ""}, {"c", ""}});
  CHECK(all(*store->snapshot(), space::sealed) == contents{{"b", ""}});

  SECTION("an empty or backward range erases nothing") {
    must(store->apply({erase_range("a", "a"), erase_range("z", "a"), erase_range("a", "")}, durability::synced));
    CHECK(all(*store->snapshot()).size() == 2);
  }
  SECTION("the range can be filled again") {
    must(store->apply({put("bb", "new")}, durability::synced));
    CHECK(store->snapshot()->get(space::state, "bb") == "new");
  }
}

TEMPLATE_TEST_CASE("a snapshot never changes while it is held", "[storage][contract]", EVERY_STORE) {
  scratch dir;
  auto store = TestType::open(dir / "db");
  must(store->apply({put("a", "1"), put("b", "1")}, durability::synced));
  auto before = store->snapshot();
  must(store->apply({put("a", "2"), erase("b"), put("c", "2")}, durability::synced));
  must(store->apply({erase_range("a", "z")}, durability::synced));
  CHECK(all(*before) == contents{{"a", "1"}, {"b", "1"}});
  CHECK(before->get(space::state, "a") == "1");
  CHECK_FALSE(before->get(space::state, "c").has_value());
  CHECK(all(*store->snapshot()).empty());
}

TEMPLATE_TEST_CASE("a scan goes in byte order from the first key to before the last", "[storage][contract]",
                   EVERY_STORE) {
  using namespace std::string_literals;
  scratch dir;
  auto store = TestType::open(dir / "db");
  const std::vector<std::string> keys = {""s,     "\0"s, "\0\0"s, "\0\xff"s, "a"s,    "a\0"s,
                                         "a\0b"s, "b"s,  "\x7f"s, "\x80"s,   "\xff"s, "\xff\xff"s};
  batch writes;
  for (auto it = keys.rbegin(); it != keys.rend(); ++it) writes.push_back(put(*it, "v\0\xff"s));
  must(store->apply(writes, durability::synced));

  auto view = store->snapshot();
  auto scanned = [&](std::string_view from, std::string_view to, std::size_t most = 100) {
    std::vector<std::string> found;
    view->scan(space::state, from, to, [&](auto key, auto value) {
      CHECK(value == "v\0\xff"s);
      found.emplace_back(key);
      return found.size() < most;
    });
    return found;
  };
  using names = std::vector<std::string>;
  CHECK(scanned("", "\xff\xff\xff") == keys);
  CHECK(scanned("a", "b") == names{"a"s, "a\0"s, "a\0b"s});
  CHECK(scanned("a\0"s, "a\0b"s) == names{"a\0"s});
  CHECK(scanned("\x80", "\xff\xff") == names{"\x80"s, "\xff"s});
  CHECK(scanned("", "\xff\xff\xff", 3) == names{""s, "\0"s, "\0\0"s});
  CHECK(scanned("a", "a").empty());
  CHECK(scanned("b", "a").empty());
  CHECK(scanned("a", "").empty());
  for (const auto& key : keys) CHECK(view->get(space::state, key) == "v\0\xff"s);
}

TEMPLATE_TEST_CASE("rows asked for ahead read as they do alone", "[storage][contract]", EVERY_STORE) {
  scratch dir;
  auto store = TestType::open(dir / "db");
  must(store->apply({put("a", "1"), put("b", ""), put("c", "3"), put("d", "4"), put("a", "sealed", space::sealed)},
                    durability::synced));
  for (const bool in_files : {false, true}) {
    if (in_files) must(store->compact(space::state, {}, {}));
    auto view = store->snapshot();
    // What is written later, an erased range included, is not for this view.
    must(store->apply({put("a", "later"), erase_range("c", "e"), put("absent", "later")}, durability::buffered));
    view->prefetch(space::state, std::array<std::string_view, 4>{"d", "absent", "a", "b"});
    for (int twice = 0; twice < 2; ++twice) {
      CHECK(view->get(space::state, "a") == "1");
      CHECK(view->get(space::state, "b") == "");
      CHECK(view->get(space::state, "c") == "3");  // not asked for ahead
      CHECK(view->get(space::state, "d") == "4");
      CHECK_FALSE(view->get(space::state, "absent"));
      CHECK(view->get(space::sealed, "a") == "sealed");
      CHECK_FALSE(view->get(space::sealed, "b"));
    }
    view->prefetch(space::state, std::array<std::string_view, 3>{"c", "a", "c"});
    CHECK(view->get(space::state, "c") == "3");
    CHECK(view->get(space::state, "a") == "1");
    CHECK(view->get(space::state, "d") == "4");
    view->prefetch(space::sealed, std::array<std::string_view, 2>{"a", "b"});
    CHECK(view->get(space::state, "a") == "1");
    CHECK(view->get(space::sealed, "a") == "sealed");
    view->prefetch(space::state, {});
    view->prefetch(space::state, std::array<std::string_view, 9>{"a", "b", "c", "d", "e", "f", "g", "h", "i"});
    CHECK(view->get(space::state, "b") == "");
    CHECK_FALSE(view->failed());
    view.reset();
    auto now = store->snapshot();
    now->prefetch(space::state, std::array<std::string_view, 3>{"a", "c", "absent"});
    CHECK(now->get(space::state, "a") == "later");
    CHECK_FALSE(now->get(space::state, "c"));
    CHECK(now->get(space::state, "absent") == "later");
    must(store->apply({put("a", "1"), put("c", "3"), put("d", "4"), erase("absent")}, durability::buffered));
  }
}

TEMPLATE_TEST_CASE("an empty value is there, an empty batch is nothing", "[storage][contract]", EVERY_STORE) {
  scratch dir;
  auto store = TestType::open(dir / "db");
  must(store->apply({put("k", "")}, durability::synced));
  must(store->apply({}, durability::synced));
  must(store->apply({}, durability::buffered));
  CHECK(store->snapshot()->get(space::state, "k") == "");
}

TEMPLATE_TEST_CASE("stats count batches, syncs and bytes", "[storage][contract]", EVERY_STORE) {
  scratch dir;
  auto store = TestType::open(dir / "db");
  const auto before = store->stats();
  must(store->apply({put("key", "value"), erase("key2")}, durability::synced));
  must(store->apply({put("k", "v", space::audit)}, durability::buffered));
  CHECK(store->stats().batches == before.batches + 2);
  CHECK(store->stats().syncs == before.syncs + 1);
  CHECK(store->stats().bytes == before.bytes + 14);
  CHECK(store->closed_reason().empty());
}

TEMPLATE_TEST_CASE("a checkpoint opens, equals its moment, and lives on its own", "[storage][contract]", EVERY_STORE) {
  scratch dir;
  auto store = TestType::open(dir / "db");
  must(store->apply({put("a", "1"), put("b", "1", space::sealed), put("c", "1", space::index)}, durability::buffered));
  const auto then = everything(*store->snapshot());
  auto made = store->checkpoint(dir / "copy");
  if constexpr (!TestType::files) {
    REQUIRE_FALSE(made);
    CHECK(made.error().code == errc::unsupported);
  } else {
    must(std::move(made));
    must(store->apply({erase_range("a", "z"), erase("b", space::sealed)}, durability::synced));
    must(store->compact(space::sealed, {}, {}));
    auto again = store->checkpoint(dir / "copy");
    REQUIRE_FALSE(again);
    CHECK(again.error().code == errc::conflict);
    auto copy = TestType::open(dir / "copy");
    CHECK(everything(*copy->snapshot()) == then);
    must(copy->apply({put("only", "here")}, durability::synced));
    CHECK_FALSE(store->snapshot()->get(space::state, "only").has_value());
  }
}

TEMPLATE_TEST_CASE("compaction changes nothing that is read", "[storage][contract]", EVERY_STORE) {
  scratch dir;
  auto store = TestType::open(dir / "db");
  must(store->apply({put("a", "1", space::sealed), put("b", "1", space::sealed), put("c", "1")}, durability::synced));
  must(store->apply({erase("a", space::sealed)}, durability::synced));
  const auto before = everything(*store->snapshot());
  must(store->compact(space::sealed, "a", "b"));
  must(store->compact(space::sealed, {}, {}));
  CHECK(everything(*store->snapshot()) == before);
  TestType::reopen(store, dir / "db");
  CHECK(everything(*store->snapshot()) == before);
}

TEMPLATE_TEST_CASE("snapshots are taken and read on any thread while one writes", "[storage][contract]", EVERY_STORE) {
  scratch dir;
  auto store = TestType::open(dir / "db");
  must(store->apply({put("a", "0"), put("b", "0", space::sealed)}, durability::synced));
  std::atomic<bool> done = false;
  std::atomic<int> torn = 0;
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      while (!done) {
        auto view = store->snapshot();
        if (view->get(space::state, "a") != view->get(space::sealed, "b") || view->failed()) ++torn;
        (void)store->stats();
        (void)store->closed_reason();
      }
    });
  }
  for (int i = 1; i <= 300; ++i) {
    const auto now = std::to_string(i);
    must(store->apply({put("a", now), erase("b", space::sealed), put("b", now, space::sealed), put("k" + now, now)},
                      durability::buffered));
  }
  done = true;
  for (auto& each : readers) each.join();
  CHECK(torn == 0);
}

TEMPLATE_TEST_CASE("random batches read like a map", "[storage][contract][random]", EVERY_STORE) {
  const auto seed = Catch::rngSeed();
  INFO("seed " << seed << ": run again with --rng-seed " << seed);
  std::mt19937_64 random(seed);
  auto below = [&](std::uint64_t n) { return random() % n; };
  // Few distinct keys over awkward bytes, so that writes meet; some of them such as are inserted with a hint.
  auto some_key = [&] {
    static constexpr char alphabet[] = {'\0', '\x01', 'a', '\x7f', '\x80', '\xff'};
    std::string key;
    if (below(3) == 0) {
      const auto partition = guest_partition(below(2));
      if (below(2) == 0) return model::keys::partition(partition);
      return model::keys::audit(partition, 1 + below(3));
    }
    for (auto length = below(4); length > 0; --length) key.push_back(alphabet[below(sizeof alphabet)]);
    return key;
  };

  scratch dir;
  auto store = TestType::open(dir / "db");
  std::array<contents, model::space_count> oracle;
  std::vector<std::pair<std::shared_ptr<const model::view>, std::array<contents, model::space_count>>> held;
  for (int round = 0; round < 400; ++round) {
    batch writes;
    for (auto n = below(12); n > 0; --n) {
      const auto in = static_cast<space>(below(model::space_count));
      auto& expected = oracle[static_cast<std::size_t>(in)];
      auto key = some_key();
      switch (below(6)) {
        case 0:
          expected.erase(key);
          writes.push_back(erase(key, in));
          break;
        case 1: {
          auto stays = some_key();
          if (in == space::meta) break;  // a wide range there would take the format row
          if (key < stays) expected.erase(expected.lower_bound(key), expected.lower_bound(stays));
          writes.push_back(erase_range(key, stays, in));
          break;
        }
        default: {
          std::string value(below(20) == 0 ? 5000 : below(40), static_cast<char>(below(256)));
          expected[key] = value;
          writes.push_back(put(key, value, in));
        }
      }
    }
    must(store->apply(writes, below(8) == 0 ? durability::synced : durability::buffered));
    if (below(30) == 0) held.emplace_back(store->snapshot(), oracle);
    if (below(60) == 0) {
      held.clear();  // compaction and reopening want no snapshot
      must(store->compact(static_cast<space>(below(model::space_count)), some_key(), below(2) == 0 ? "" : some_key()));
    }
    if (below(60) == 0) {
      held.clear();
      TestType::reopen(store, dir / "db");
    }
    if (round % 20 == 0) {
      auto view = store->snapshot();
      REQUIRE(everything(*view) == oracle);
      auto key = some_key();
      auto& state = oracle[static_cast<std::size_t>(space::state)];
      auto found = state.find(key);
      REQUIRE(view->get(space::state, key) == (found == state.end() ? std::nullopt : std::optional(found->second)));
      // Sorted or not, twice the same or not, over rows that came, went and lie in files or not.
      std::array<std::string, 4> ahead{some_key(), some_key(), some_key(), some_key()};
      view->prefetch(space::state, std::array<std::string_view, 4>{ahead[0], ahead[1], ahead[2], ahead[3]});
      for (const auto& each : ahead) {
        found = state.find(each);
        REQUIRE(view->get(space::state, each) == (found == state.end() ? std::nullopt : std::optional(found->second)));
      }
      contents part;
      auto to = some_key();
      view->scan(space::state, key, to, [&](auto k, auto v) { return part.emplace(k, v).second; });
      REQUIRE(part == (key < to ? contents(state.lower_bound(key), state.lower_bound(to)) : contents{}));
      for (const auto& [old, expected] : held) REQUIRE(everything(*old) == expected);
    }
  }
  REQUIRE(everything(*store->snapshot()) == oracle);
}

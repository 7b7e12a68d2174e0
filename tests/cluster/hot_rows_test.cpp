#include "cluster/hot_rows.hpp"

#include <catch2/catch.hpp>
#include <random>

#include "storage/memory_store.hpp"

using namespace nacre;
using cluster::hot_rows;
using cluster::warm_view;
using model::space;
using kind = storage::write::kind;

namespace {

// Counts what reaches the store.
class counting_view final : public model::view {
 public:
  explicit counting_view(std::shared_ptr<const model::view> of) : of_(std::move(of)) {}
  std::optional<std::string> get(space in, std::string_view key) const override {
    ++gets;
    return of_->get(in, key);
  }
  void scan(space in, std::string_view from, std::string_view to, const visitor& visit) const override {
    of_->scan(in, from, to, visit);
  }
  bool failed() const override { return broken; }
  mutable int gets = 0;
  bool broken = false;

 private:
  std::shared_ptr<const model::view> of_;
};

}  // namespace

TEST_CASE("a row read twice reaches the store once, and follows what is written", "[cluster][hot_rows]") {
  auto store = storage::make_memory_store();
  hot_rows rows(1 << 20);
  REQUIRE(store->apply({{kind::put, space::state, "a", "1"}}, storage::durability::synced));
  counting_view first(store->snapshot());
  CHECK(warm_view(first, rows).get(space::state, "a") == "1");
  CHECK(warm_view(first, rows).get(space::state, "a") == "1");
  CHECK(first.gets == 1);

  storage::batch change{{kind::put, space::state, "a", "2"}, {kind::put, space::state, "b", "x"}};
  REQUIRE(store->apply(change, storage::durability::synced));
  rows.written(change);
  counting_view second(store->snapshot());
  CHECK(warm_view(second, rows).get(space::state, "a") == "2");
  CHECK(second.gets == 0);

  storage::batch erase{{kind::erase, space::state, "a", ""}};
  REQUIRE(store->apply(erase, storage::durability::synced));
  rows.written(erase);
  counting_view third(store->snapshot());
  CHECK(warm_view(third, rows).get(space::state, "a") == std::nullopt);
}

TEST_CASE("what a failing store says is not kept", "[cluster][hot_rows]") {
  auto store = storage::make_memory_store();
  REQUIRE(store->apply({{kind::put, space::state, "a", "1"}}, storage::durability::synced));
  hot_rows rows(1 << 20);
  counting_view broken(store->snapshot());
  broken.broken = true;
  warm_view through(broken, rows);
  through.get(space::state, "a");
  CHECK(through.failed());
  CHECK_FALSE(through.trustworthy());
  CHECK(rows.find(space::state, "a") == nullptr);
}

TEST_CASE("through any writes a view with held rows reads what the store holds", "[cluster][hot_rows]") {
  std::mt19937 random{Catch::rngSeed()};  // gate: mt19937, a seeded test
  auto one_of = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
  for (std::size_t bytes_max : {300, 2'000, 1 << 20}) {
    auto store = storage::make_memory_store();
    hot_rows rows(bytes_max);
    auto key = [&] { return std::string(1, static_cast<char>('a' + one_of(12))); };
    for (int round = 0; round < 400; ++round) {
      auto plain = store->snapshot();
      warm_view warm(*plain, rows);
      for (int i = 0; i < 6; ++i) {
        auto in = static_cast<space>(one_of(model::space_count));
        auto k = key();
        REQUIRE(warm.get(in, k) == plain->get(in, k));
      }
      storage::batch writes;
      for (unsigned i = 0, n = one_of(5); i < n; ++i) {
        auto in = static_cast<space>(one_of(model::space_count));
        switch (one_of(8)) {
          case 0:
            writes.push_back({kind::erase_range, in, key(), key()});
            break;
          case 1:
          case 2:
            writes.push_back({kind::erase, in, key(), ""});
            break;
          default:
            writes.push_back({kind::put, in, key(), std::string(one_of(100), 'v') + std::to_string(round)});
        }
      }
      REQUIRE(store->apply(writes, storage::durability::synced));
      rows.written(writes);
    }
  }
}

#include "cluster/hot_rows.hpp"

#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <utility>
#include <vector>

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
    ++scans;
    of_->scan(in, from, to, visit);
  }
  bool failed() const override { return broken; }
  mutable int gets = 0, scans = 0;
  bool broken = false;

 private:
  std::shared_ptr<const model::view> of_;
};

using row = std::pair<std::string, std::string>;

// Of space::state unless told.
std::vector<row> rows_of(const model::view& v, std::string_view from, std::string_view to, space in = space::state) {
  std::vector<row> found;
  v.scan(in, from, to, [&](std::string_view key, std::string_view value) {
    found.emplace_back(key, value);
    return true;
  });
  return found;
}

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

TEST_CASE("where no row was the store is not searched again until one is written there", "[cluster][hot_rows]") {
  auto store = storage::make_memory_store();
  hot_rows rows(1 << 20);
  const std::string of_kind(hot_rows::kind_bytes, 'k');
  auto put = [&](const std::string& key) {
    storage::batch one{{kind::put, space::state, key, "v"}};
    REQUIRE(store->apply(one, storage::durability::synced));
    rows.written(one);
  };
  int scans = 0;
  auto before = [&](const char* end) {
    counting_view searched(store->snapshot());
    auto found = rows_of(warm_view(searched, rows), of_kind, of_kind + end);
    scans = searched.scans;
    return found;
  };

  put(of_kind + "5");
  CHECK(before("3").empty());
  CHECK(scans == 1);
  CHECK(before("5").empty());  // it was seen where the first one stands
  CHECK(scans == 0);
  CHECK(before("6") == std::vector<row>{{of_kind + "5", "v"}});
  CHECK(scans == 1);
  put(of_kind + "4");
  CHECK(before("4").empty());
  CHECK(scans == 0);
  CHECK(before("5") == std::vector<row>{{of_kind + "4", "v"}});
  CHECK(scans == 1);
}

TEST_CASE("what a failing store says is not kept", "[cluster][hot_rows]") {
  auto store = storage::make_memory_store();
  REQUIRE(store->apply({{kind::put, space::state, "a", "1"}}, storage::durability::synced));
  hot_rows rows(1 << 20);
  counting_view broken(store->snapshot());
  broken.broken = true;
  warm_view through(broken, rows);
  through.get(space::state, "a");
  const std::string of_kind(hot_rows::kind_bytes, 'k');
  CHECK(rows_of(through, of_kind, of_kind + "5").empty());
  CHECK_FALSE(rows.none_before(of_kind, of_kind + "5"));
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
    auto letter = [&] { return std::string(1, static_cast<char>('a' + one_of(12))); };
    auto of_kind = [&] { return std::string(hot_rows::kind_bytes, static_cast<char>('x' + one_of(3))); };
    auto key = [&] { return one_of(2) ? letter() : of_kind() + (one_of(6) ? letter() : ""); };
    for (int round = 0; round < 400; ++round) {
      auto plain = store->snapshot();
      warm_view warm(*plain, rows);
      for (int i = 0; i < 6; ++i) {
        auto in = static_cast<space>(one_of(model::space_count));
        auto k = key();
        REQUIRE(warm.get(in, k) == plain->get(in, k));
        auto from = one_of(3) ? of_kind() : key(), to = key();
        REQUIRE(rows_of(warm, from, to, in) == rows_of(*plain, from, to, in));
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

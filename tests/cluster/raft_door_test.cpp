// Who is let in under which number, and who stays away.

#include <algorithm>
#include <catch2/catch.hpp>

#include "cluster/raft/door.hpp"
#include "crypto/random.hpp"
#include "storage/memory_store.hpp"

using namespace nacre;
using namespace nacre::cluster;
using namespace nacre::cluster::raft;

namespace {

void must(const result<void>& done) { REQUIRE(done); }

credential fresh() { return {crypto::random_uuid(), 1, crypto::random_uuid()}; }

std::unique_ptr<door> open_door(node_id self, const credential& ours, storage::store& store) {
  auto made = std::make_unique<door>(self, ours, [&store](storage::batch rows, unique_function<void()> then) {
    must(store.apply(rows, storage::durability::synced));
    then();
  });
  must(made->load(*store.snapshot()));
  return made;
}

admission meets(door& at, node_id who, const credential& shown, const std::vector<acquaintance>& knows = {}) {
  std::optional<admission> how;
  at.admit(who, shown, knows, [&](admission a) { how = a; });
  REQUIRE(how);
  return *how;
}

}  // namespace

TEST_CASE("an older copy stays away however often it is started", "[cluster][raft][door]") {
  struct node {
    std::unique_ptr<storage::store> store = storage::make_memory_store();
    std::unique_ptr<door> at_the_door;
    void start(node_id self) {
      const auto ours = count_start(*store);
      REQUIRE(ours);
      at_the_door = open_door(self, *ours, *store);
    }
    admission meets(node_id who, const node& other) {
      return ::meets(*at_the_door, who, other.at_the_door->ours(), other.at_the_door->known());
    }
  };
  node one, two, copy, other;
  one.start(1);
  two.start(2);
  auto copy_all = [](const storage::store& from, storage::store& to) {
    storage::batch all;
    from.snapshot()->scan(model::space::meta, {}, std::string(64, '\xff'), [&](auto key, auto value) {
      all.push_back({storage::write::kind::put, model::space::meta, std::string(key), std::string(value)});
      return true;
    });
    must(to.apply(all, storage::durability::synced));
  };
  CHECK(one.meets(2, two) == admission::welcome);
  CHECK(two.meets(1, one) == admission::welcome);
  copy_all(*two.store, *copy.store);
  two.start(2);
  CHECK(one.meets(2, two) == admission::welcome);
  copy.start(2);
  CHECK(one.meets(2, copy) == admission::older_start);  // the same number, another start
  for (int i = 0; i < 3; ++i) copy.start(2);
  CHECK(copy.meets(1, one) == admission::ours_older);  // its number is the higher one now, and it knows better itself
  // Who was started again on what it had is welcome, however often nobody saw it.
  for (int i = 0; i < 3; ++i) two.start(2);
  CHECK(two.meets(1, one) == admission::welcome);
  CHECK(one.meets(2, two) == admission::welcome);
  CHECK(one.meets(2, copy) == admission::older_start);
  other.start(2);
  CHECK(one.meets(2, other) == admission::other_directory);
  CHECK(other.meets(1, one) == admission::ours_older);
  one.start(1);
  CHECK(one.meets(2, other) == admission::other_directory);  // over a start of its own
}

TEST_CASE("a guest may come again with another directory, a member may not", "[cluster][raft][door]") {
  auto store = storage::make_memory_store();
  const auto ours = fresh(), lost = fresh(), second = fresh(), member = fresh();
  auto at = open_door(1, ours, *store);
  at->voters_are({{1, {}}, {2, {}}});
  CHECK(meets(*at, 2, member) == admission::welcome);
  CHECK(meets(*at, 4, lost) == admission::welcome);
  CHECK(meets(*at, 4, second) == admission::welcome);
  CHECK(at->known() == std::vector<acquaintance>{{2, member}});
  CHECK(meets(*at, 2, fresh()) == admission::other_directory);

  // Once it votes it is remembered as it came last, also after a restart.
  at->voters_are({{1, {}}, {2, {}}, {4, {}}});
  CHECK(at->known() == std::vector<acquaintance>{{2, member}, {4, second}});
  for (int twice = 0; twice < 2; ++twice) {
    CHECK(meets(*at, 4, lost) == admission::other_directory);
    CHECK(meets(*at, 4, second) == admission::welcome);
    at = open_door(1, ours, *store);
    at->voters_are({{1, {}}, {2, {}}});  // taken out: its number is spent
  }
  // Of whom others tell, they know that it votes.
  const auto told = fresh();
  CHECK(meets(*at, 2, member, {{5, told}}) == admission::welcome);
  CHECK(meets(*at, 5, fresh()) == admission::other_directory);
  CHECK(meets(*at, 5, told) == admission::welcome);
}

TEST_CASE("which directory has a number is what the members agreed on, whoever came to the door",
          "[cluster][raft][door]") {
  auto store = storage::make_memory_store();
  const auto ours = fresh(), lost = fresh(), named = fresh();
  auto at = open_door(1, ours, *store);
  at->voters_are({{1, {}}, {2, {}}});
  CHECK(at->directory_of(4).is_nil());
  CHECK(meets(*at, 4, lost) == admission::welcome);
  CHECK(at->directory_of(4) == lost.directory);
  at->voters_are({{1, {}}, {2, {}}, {4, named.directory}});
  for (int twice = 0; twice < 2; ++twice) {
    CHECK(meets(*at, 4, lost) == admission::other_directory);
    CHECK(at->directory_of(4) == named.directory);
    at = open_door(1, ours, *store);  // also before anybody came
  }
  at->voters_are({{1, {}}, {2, {}}, {4, named.directory}});
  CHECK(meets(*at, 4, named) == admission::welcome);
  CHECK(at->known() == std::vector<acquaintance>{{4, named}});
}

TEST_CASE("however many numbers came and went, whoever votes is not forgotten", "[cluster][raft][door]") {
  auto store = storage::make_memory_store();
  const auto ours = fresh(), member = fresh();
  for (int twice = 0; twice < 2; ++twice) {
    const auto at = open_door(1, ours, *store);
    at->voters_are({{1, {}}, {2, {}}});
    CHECK(meets(*at, 2, member) == admission::welcome);
    for (node_id next = 3; twice == 0 && next < 300; ++next) {
      at->voters_are({{1, {}}, {2, {}}, {next, {}}});
      REQUIRE(meets(*at, next, fresh()) == admission::welcome);
    }
    CHECK(meets(*at, 2, fresh()) == admission::other_directory);
    const auto told = at->known();
    CHECK(told.size() == acquaintances_max);
    CHECK(told.front() == acquaintance{2, member});
    CHECK(told.back().node == 299);
    CHECK(std::is_sorted(told.begin(), told.end(), [](const auto& a, const auto& b) { return a.node < b.node; }));
  }
}

// What makes a store one of a cluster, and a single node's again.

#include "cluster/founding.hpp"

#include "cluster/raft/log_store.hpp"
#include "cluster/raft/state_rows.hpp"
#include "tests/cluster/three_nodes.hpp"

using namespace nacre;
using namespace nacre::cluster;
using namespace nacre::cluster::testing;

namespace {

// Makes the log of a store whose node reaches nobody.
class loner {
 public:
  explicit loner(storage::store& store, node_id self = 1) : store_(store), connections_(network_.join(self)) {
    options_.self = self;
  }
  result<std::unique_ptr<cluster::log>> start() { return make_raft_log(store_, options_, *connections_, {}); }

 private:
  storage::store& store_;
  memory_network network_;
  std::unique_ptr<peers> connections_;
  raft_options options_;
};

}  // namespace

TEST_CASE("one node is a cluster too, and goes on from what solo wrote", "[cluster][raft-log]") {
  auto store = storage::make_memory_store();
  {
    auto log = make_solo_log(*store, eager(), {});
    found(*log);
    REQUIRE(done_well(proposed(*log, making(1))));
    log->stop();
  }
  REQUIRE(found_cluster(*store, 1, list_of({7})));
  CHECK_FALSE(found_cluster(*store, 1, list_of({7})));
  for (std::uint64_t n = 2; n < 5; ++n) {
    loner node(*store, 7);
    auto log = node.start();
    REQUIRE(log);
    REQUIRE(done_well(proposed(**log, making(n))));
    auto v = current(**log);
    REQUIRE(v);
    for (std::uint64_t i = 1; i <= n; ++i) CHECK(holds_pat(**v, i));
    CHECK((*log)->status().commit_index > 2);
    (*log)->stop();
  }
  CHECK(broken_in(*store->snapshot()).empty());
}

TEST_CASE("a node that leaves its cluster is a single node with all that it had, and can begin another",
          "[cluster][raft-log]") {
  three t(3, 4);
  t.start();
  REQUIRE(done_well(proposed(t.of(1), founding())));
  REQUIRE(done_well(proposed(t.of(1), making(1))));
  REQUIRE(changed(t.of(1), {1, 2}));
  REQUIRE(done_well(proposed(t.of(2), making(2))));
  for (auto id : t.ids) t.stop(id);
  auto& store = *t.nodes[2].store;
  // What came to its log last was not applied: whether a majority had it nobody knows any more.
  const auto group = raft::group_of(home, 4);
  const auto epoch = raft::load_epoch(*store.snapshot(), group);
  REQUIRE((epoch && *epoch));
  const raft::instance of{group, (*epoch)->epoch};
  const auto log = raft::load_log(*store.snapshot(), of);
  REQUIRE(log);
  raft::log_write last;
  last.first = log->first + log->entries.size();
  const raft::tag from{3, 1'000, 1, 1};
  last.append = {
      {9, raft::entry_kind::commands, raft::encode_batch({raft::encode_item(from, model::encode(making(3)))})},
      {9, raft::entry_kind::barrier, std::string(8, '\0')}};
  storage::batch rows;
  add(rows, of, last);
  REQUIRE(store.apply(rows, storage::durability::synced));

  REQUIRE(leave_cluster(store));
  REQUIRE(leave_cluster(store));
  CHECK(groups_of_cluster(store).value() == 0);
  std::size_t left = 0;
  const auto v = store.snapshot();
  for (auto [in, prefix] : {std::pair{model::space::log, std::string_view()}, {model::space::meta, "log."}})
    v->scan(in, prefix, "\xff", [&, prefix = prefix](std::string_view key, std::string_view) {
      left += key.starts_with(prefix);
      return true;
    });
  CHECK(left == 1);  // where the single node goes on
  CHECK(read_applied_index(*v) >= last.first);
  {
    auto alone = make_solo_log(store, eager(), {});
    REQUIRE(done_well(proposed(*alone, making(4))));
    alone->stop();
  }
  for (std::uint64_t n = 1; n <= 4; ++n) CHECK(holds_pat(*store.snapshot(), n));
  CHECK(broken_in(*store.snapshot()).empty());

  t.ids = {2};
  REQUIRE(found_cluster(store, 1, list_of({2})));
  t.start(2);
  REQUIRE(done_well(proposed(t.of(2), making(5))));
  for (std::uint64_t n = 1; n <= 5; ++n) CHECK(holds_pat(*t.of(2).applied_view(), n));
}

TEST_CASE("a node that has begun to leave its cluster is none of it any more, and goes on leaving",
          "[cluster][raft-log]") {
  class full_store final : public lent_store {
   public:
    full_store(storage::store& s, int room) : lent_store(s), room_(room) {}
    result<void> apply(const storage::batch& writes, storage::durability how) override {
      if (room_-- <= 0) return fail(errc::storage_failed, "no room");
      return lent_store::apply(writes, how);
    }

   private:
    int room_;
  };
  auto store = storage::make_memory_store();
  REQUIRE(found_cluster(*store, 1, list_of({1})));
  loner node(*store);
  {
    auto log = node.start();
    REQUIRE(log);
    REQUIRE(done_well(proposed(**log, founding())));
    (*log)->stop();
  }
  const auto ends = ends_of_logs(*store);
  REQUIRE((ends && ends->size() == 1));
  CHECK((*ends)[0].index > 1);
  for (int room : {1, 2}) {
    full_store full(*store, room);
    CHECK_FALSE(leave_cluster(full));
    const auto again = node.start();
    REQUIRE_FALSE(again);
    CHECK(again.error().code == errc::conflict);
  }
  REQUIRE(leave_cluster(*store));
  CHECK_FALSE(is_leaving(*store).value());
  CHECK(groups_of_cluster(*store).value() == 0);
  CHECK(ends_of_logs(*store)->empty());
  CHECK(store->snapshot()->get(model::space::state, model::keys::workspace(home)));
}

TEST_CASE("a node without the state of its cluster has nothing to leave it with", "[cluster][raft-log]") {
  auto store = storage::make_memory_store();
  REQUIRE(join_cluster(*store, 2));
  const auto refused = leave_cluster(*store);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::conflict);
  CHECK(groups_of_cluster(*store).value() == 2);
  CHECK_FALSE(is_leaving(*store).value());  // nothing was begun
}

TEST_CASE("a store that is not this cluster's is refused", "[cluster][raft-log]") {
  auto store = storage::make_memory_store();
  loner node(*store);
  auto none = node.start();
  REQUIRE_FALSE(none);
  CHECK(none.error().code == errc::conflict);
  REQUIRE(found_cluster(*store, 1, list_of({4, 2, 3})));
  auto others = node.start();
  REQUIRE_FALSE(others);
  CHECK(others.error().code == errc::conflict);
}

// Who belongs to a cluster: members come, go and are away meanwhile.

#include "cluster/raft/door.hpp"
#include "crypto/random.hpp"
#include "tests/cluster/three_nodes.hpp"

using namespace nacre;
using namespace nacre::cluster;
using namespace nacre::cluster::testing;

TEST_CASE("members come and go while the cluster serves", "[cluster][raft-log][epochs]") {
  three t;
  t.start();
  REQUIRE(done_well(proposed(t.of(1), founding())));
  std::uint64_t n = 0;
  auto change = [&](std::vector<node_id> to, node_id at) {
    auto how = changed(t.of(at), to);
    INFO((how ? "" : how.error().text));
    CHECK(how);
    for (auto id : to) REQUIRE(done_well(proposed(t.of(id), making(++n))));
  };
  for (node_id id = 4; id <= 5; ++id) {
    t.nodes[id].store = storage::make_memory_store();
    REQUIRE(join_cluster(*t.nodes[id].store, 1));
    CHECK_FALSE(join_cluster(*t.nodes[id].store, 1));
    t.ids.push_back(id);
    t.start(id);
  }
  change({1, 2, 3, 4, 5}, t.ids[1]);
  for (auto id : t.ids)
    for (std::uint64_t i = 1; i <= n; ++i) {
      auto v = current(t.of(id));
      REQUIRE(v);
      CHECK(holds_pat(**v, i));
    }
  t.stop(1);  // its disk is lost; 4 and 5 go on with the others
  change({3, 4, 5}, 4);
  t.stop(2);
  change({3, 4}, 3);
  t.stop(5);
  change({4}, 4);
  CHECK(t.of(4).standing().groups[0].epoch == 5);
  CHECK(t.of(4).standing().members == std::vector<node_id>{4});
  for (std::uint64_t i = 1; i <= n; ++i) CHECK(holds_pat(*t.of(4).applied_view(), i));
  CHECK(broken_in(*t.nodes[4].store->snapshot()).empty());
  t.stop(4);
  t.start(4);
  REQUIRE(done_well(proposed(t.of(4), making(++n))));
}

TEST_CASE("a node that was taken out while it was away learns so when it is back", "[cluster][raft-log][epochs]") {
  three t;
  t.start();
  REQUIRE(done_well(proposed(t.of(1), founding())));
  const auto goes = t.leader();
  t.stop(goes);
  std::vector<node_id> stay;
  for (auto id : t.ids)
    if (id != goes) stay.push_back(id);
  REQUIRE(changed(t.of(stay[0]), stay));
  t.start(goes);
  CHECK(eventually([&] { return t.of(goes).standing().members == stay; }));
  CHECK(t.of(goes).standing().groups[0].epoch == 1);
}

TEST_CASE("of two data directories that wait under one number only the one that was named takes part",
          "[cluster][raft-log][epochs]") {
  three t;
  t.start();
  REQUIRE(done_well(proposed(t.of(1), founding())));
  const auto wait_under = [&](node_id id) {
    t.nodes[id].store = storage::make_memory_store();
    REQUIRE(join_cluster(*t.nodes[id].store, 1));
    t.ids.push_back(id);
    t.start(id);
    const auto directory = raft::directory_of(*t.nodes[id].store);
    REQUIRE(directory);
    return *directory;
  };
  const auto change = [&](std::vector<peers::neighbour> to) {
    inbox<result<void>> box;
    t.of(1).reconfigure(std::move(to), in_a_while(), [&](result<void> how) { box.put(std::move(how)); });
    REQUIRE(box.await(1));
    return box.take()[0];
  };
  const auto fourth = wait_under(4), fifth = wait_under(5);
  auto to_be = list_of({1, 2, 3, 4, 5});
  to_be[3].directory = crypto::random_uuid();  // another that waits as 4
  to_be[4].directory = fifth;
  REQUIRE(change(to_be));
  CHECK(eventually([&] { return t.of(5).standing().members.size() == 5; }));
  REQUIRE(done_well(proposed(t.of(5), making(1))));
  CHECK(t.of(4).standing().members.empty());
  // The number is the other one's for good, also when the epoch is another.
  to_be[3].directory = fourth;
  const auto refused = change(to_be);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::conflict);
  REQUIRE(changed(t.of(1), {1, 2, 3, 4}));
  REQUIRE(done_well(proposed(t.of(2), making(2))));
  CHECK(t.of(4).standing().members.empty());
}

TEST_CASE("a node that waits to be taken in never says that it was taken out", "[cluster][raft-log][epochs]") {
  three t(1);
  t.start();
  REQUIRE(done_well(proposed(t.of(1), founding())));
  auto invited = [&](node_id id) {
    t.nodes[id].store = storage::make_memory_store();
    REQUIRE(join_cluster(*t.nodes[id].store, 1));
    t.ids.push_back(id);
    t.start(id);
  };
  invited(2);
  REQUIRE(changed(t.of(1), {1, 2}));
  REQUIRE(changed(t.of(1), {1}));
  t.stop(2);
  invited(3);
  invited(4);
  inbox<result<void>> box;
  t.of(1).reconfigure(list_of({1, 3, 4}), in_a_while(), [&](result<void> how) { box.put(std::move(how)); });
  bool in = false, always = true;
  REQUIRE(eventually([&] {
    for (node_id id : {3, 4}) {
      const auto members = t.of(id).standing().members;
      always = always && (members.empty() || std::find(members.begin(), members.end(), id) != members.end());
      in = !members.empty();
    }
    return in;
  }));
  CHECK(always);
  REQUIRE(box.await(1));
  CHECK(box.take()[0]);
}

TEST_CASE("a node that was away while all others were replaced finds the cluster by whom it is configured with",
          "[cluster][raft-log][epochs]") {
  three t(5, 1, true);
  t.start();
  REQUIRE(done_well(proposed(t.of(1), founding())));
  std::uint64_t n = 0;
  REQUIRE(t.together());
  t.stop(5);
  std::vector<node_id> members{1, 2, 3, 4, 5};
  for (node_id goes = 1; goes <= 4; ++goes) {
    const node_id comes = goes + 5, stays = goes == 4 ? 6 : 4;
    t.nodes[comes].store = storage::make_memory_store();
    REQUIRE(join_cluster(*t.nodes[comes].store, 1));
    t.ids.push_back(comes);
    t.start(comes);
    std::replace(members.begin(), members.end(), goes, comes);
    const auto how = changed(t.of(stays), members);
    INFO((how ? "" : how.error().text));
    REQUIRE(how);
    REQUIRE(done_well(proposed(t.of(comes), making(++n))));
    t.stop(goes);
  }
  t.start(5);  // all it remembers is four nodes that are gone
  CHECK(eventually([&] { return t.of(5).standing().groups[0].epoch == 5; }));
  REQUIRE(done_well(proposed(t.of(5), making(++n))));
  CHECK(t.of(5).standing().members == members);
  for (std::uint64_t i = 1; i <= n; ++i) CHECK(holds_pat(*t.of(5).applied_view(), i));
}

TEST_CASE("a change with which the cluster could not go on is refused", "[cluster][raft-log][epochs]") {
  three t;
  t.start();
  REQUIRE(done_well(proposed(t.of(1), founding())));
  const auto leader = t.leader();
  auto change = [&](std::vector<node_id> to) { return changed(t.of(leader), to); };
  const auto nobody = change({leader, 8, 9});
  REQUIRE_FALSE(nobody);
  CHECK(nobody.error().code == errc::conflict);
  CHECK_FALSE(change({}));
  CHECK(change(t.ids));  // nothing to do
  CHECK(t.of(leader).standing().groups[0].epoch == 1);
  REQUIRE(done_well(proposed(t.of(leader), making(1))));
}

TEST_CASE("a single node takes others in", "[cluster][raft-log][epochs]") {
  three t(1);
  t.start();
  REQUIRE(done_well(proposed(t.of(1), founding())));
  auto change = [&](std::vector<node_id> to) { return changed(t.of(1), to); };
  CHECK_FALSE(change({1, 2, 3}));  // nobody is there
  for (node_id id = 2; id <= 3; ++id) {
    t.nodes[id].store = storage::make_memory_store();
    REQUIRE(join_cluster(*t.nodes[id].store, 1));
    t.ids.push_back(id);
    t.start(id);
  }
  const auto without_it = change({2, 3});
  REQUIRE_FALSE(without_it);
  CHECK(without_it.error().text.find("The only member cannot go at once") == 0);
  REQUIRE(change({1, 2, 3}));
  for (auto id : t.ids) REQUIRE(done_well(proposed(t.of(id), making(id))));
  t.stop(1);
  REQUIRE(done_well(proposed(t.of(2), making(9))));
}

TEST_CASE("a node alone takes back those who were let go", "[cluster][raft-log][epochs]") {
  three t;
  t.start();
  REQUIRE(done_well(proposed(t.of(1), founding())));
  const auto leader = t.leader();
  auto change = [&](std::vector<node_id> to) { return changed(t.of(leader), to); };
  REQUIRE(change({leader}));
  // They have heard of it, and hold what the epoch began with.
  for (auto id : t.ids) REQUIRE(eventually([&] { return t.of(id).standing().groups[0].epoch == 2; }));
  REQUIRE(done_well(proposed(t.of(leader), making(1))));
  REQUIRE(change(t.ids));
  for (auto id : t.ids) {
    REQUIRE(done_well(proposed(t.of(id), making(id + 1))));
    CHECK(holds_pat(*t.of(id).applied_view(), 1));
  }
}

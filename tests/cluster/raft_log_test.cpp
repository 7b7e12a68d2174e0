// What the log of a cluster promises to who uses it, on three nodes in one process.

#include "cluster/raft_log.hpp"

#include <fstream>
#include <iterator>

#include "cluster/founding.hpp"
#include "cluster/raft/log_store.hpp"
#include "cluster/raft/state_rows.hpp"
#include "tests/cluster/support.hpp"
#include "tests/storage/support.hpp"
#include "tests/support/memory_peers.hpp"

using namespace nacre;
using namespace nacre::cluster;
using namespace nacre::cluster::testing;

namespace {

std::vector<peers::neighbour> list_of(const std::vector<node_id>& ids) {
  std::vector<peers::neighbour> all;
  for (auto id : ids) all.push_back({id, ""});
  return all;
}

struct three {
  struct node {
    std::unique_ptr<storage::store> store;
    std::unique_ptr<peers> connections;
    std::unique_ptr<cluster::log> log;
    std::unique_ptr<held_store> held;
    std::atomic<int> replaced{0};  // how often its listener was told so of the state
  };
  memory_network network;
  std::vector<node_id> ids;
  std::map<node_id, node> nodes;
  raft_options options;

  explicit three(std::size_t count = 3, std::uint32_t groups = 1, bool by_choice = false) : network(by_choice) {
    options.heartbeat = std::chrono::milliseconds(20);
    options.election = std::chrono::milliseconds(150);
    for (node_id id = 1; id <= count; ++id) ids.push_back(id);
    for (auto id : ids) {
      nodes[id].store = storage::make_memory_store();
      REQUIRE(found_cluster(*nodes[id].store, groups, list_of(ids)));
    }
  }
  ~three() {
    for (auto id : ids) stop(id);
  }
  void start(node_id id) {
    auto& n = nodes[id];
    n.connections = network.join(id);
    auto o = options;
    o.self = id;
    o.contacts = list_of(ids);
    auto made = make_raft_log(*n.store, o, *n.connections, [this, id](const committed_round& round) {
      for (const auto& w : round.writes)
        if (round.commands == 0 && w.in == model::space::sealed && w.what == storage::write::kind::erase_range)
          ++nodes[id].replaced;
    });
    REQUIRE(made);
    n.log = std::move(*made);
  }
  void start() {
    for (auto id : ids) start(id);
  }
  void stop(node_id id) {
    auto& n = nodes[id];
    if (n.log) n.log->stop();
    n.log.reset();
    n.connections.reset();
  }
  cluster::log& of(node_id id) { return *nodes[id].log; }
  // Whom a majority takes for the leader.
  node_id leader() {
    node_id found = 0;
    const bool led = eventually([&] {
      std::map<node_id, std::size_t> votes;
      for (auto id : ids)
        if (nodes[id].log)
          if (const auto who = of(id).standing().groups[0].leader; who != 0 && nodes[who].log) ++votes[who];
      for (auto [id, count] : votes)
        if (count > ids.size() / 2) found = id;
      return found != 0;
    });
    REQUIRE(led);
    return found;
  }
  std::uint64_t applied(node_id id) { return of(id).standing().groups[0].applied_index; }
  bool together() {
    return eventually([&] {
      std::set<std::uint64_t> all;
      for (auto id : ids)
        if (nodes[id].log) all.insert(applied(id));
      return all.size() == 1;
    });
  }
};

settled proposed(cluster::log& at, model::command what, deadline by = in_a_while()) {
  answers box;
  propose(at, box, 1, std::move(what), by);
  REQUIRE(box.await(1));
  return box.take()[0].what;
}

result<void> changed(cluster::log& at, const std::vector<node_id>& to) {
  inbox<result<void>> box;
  at.reconfigure(list_of(to), in_a_while(), [&](result<void> how) { box.put(std::move(how)); });
  REQUIRE(box.await(1));
  return box.take()[0];
}

bool done_well(const settled& s) { return s.how == fate::committed && !s.outcome.refused; }

result<std::shared_ptr<const model::view>> current(cluster::log& at, deadline by = in_a_while()) {
  inbox<result<std::shared_ptr<const model::view>>> box;
  at.read_barrier(home, by, [&](auto v) { box.put(std::move(v)); });
  REQUIRE(box.await(1));
  return box.take()[0];
}

}  // namespace

TEST_CASE("any node takes a command, and shows it once it is answered", "[cluster][raft-log]") {
  three t;
  t.start();
  REQUIRE(done_well(proposed(t.of(1), founding())));
  inbox<bool> shown;
  constexpr std::uint64_t count = 300;
  for (std::uint64_t n = 1; n <= count; ++n) {
    auto& at = t.of(t.ids[n % 3]);
    at.propose(
        {making(n), in_a_while(), [&, n](settled s) { shown.put(done_well(s) && holds_pat(*at.applied_view(), n)); }});
  }
  REQUIRE(shown.await(count));
  for (bool each : shown.take()) CHECK(each);
  REQUIRE(t.together());
  for (auto id : t.ids) {
    CHECK(broken_in(*t.nodes[id].store->snapshot()).empty());
    CHECK(holds_pat(*t.nodes[id].store->snapshot(), count));
    CHECK(t.of(id).status().writable);
  }
}

TEST_CASE("what was acknowledged anywhere is in a current read everywhere", "[cluster][raft-log]") {
  three t;
  t.start();
  REQUIRE(done_well(proposed(t.of(2), founding())));
  for (std::uint64_t n = 1; n <= 60; ++n) {
    REQUIRE(done_well(proposed(t.of(t.ids[n % 3]), making(n))));
    auto v = current(t.of(t.ids[(n + 1) % 3]));
    REQUIRE(v);
    CHECK(holds_pat(**v, n));
  }
}

TEST_CASE("without asking the others no node calls its state current", "[cluster][raft-log]") {
  three t;
  t.start();
  REQUIRE(done_well(proposed(t.of(1), founding())));
  for (int i = 0; i < 200; ++i) {
    for (auto id : t.ids) {
      REQUIRE(current(t.of(id)));
      CHECK(t.of(id).applied_age().count() > 0);  // somebody may have acknowledged something since
    }
  }
}

TEST_CASE("a dead leader is replaced, and who comes back has all", "[cluster][raft-log]") {
  three t;
  t.start();
  REQUIRE(done_well(proposed(t.of(1), founding())));
  std::uint64_t n = 0;
  for (int round = 0; round < 4; ++round) {
    const auto gone = t.leader();
    t.stop(gone);
    for (auto id : t.ids)
      if (id != gone) REQUIRE(done_well(proposed(t.of(id), making(++n))));
    t.start(gone);
    REQUIRE(done_well(proposed(t.of(gone), making(++n))));
  }
  REQUIRE(t.together());
  for (auto id : t.ids)
    for (std::uint64_t i = 1; i <= n; ++i) CHECK(holds_pat(*t.of(id).applied_view(), i));
}

TEST_CASE("without a majority a caller is told by the deadline, and nothing is acknowledged", "[cluster][raft-log]") {
  three t;
  t.start();
  REQUIRE(done_well(proposed(t.of(1), founding())));
  const auto stays = t.leader();
  for (auto id : t.ids)
    if (id != stays) t.stop(id);
  auto soon = [] { return std::chrono::steady_clock::now() + std::chrono::milliseconds(400); };
  const auto first = proposed(t.of(stays), making(1), soon());
  CHECK(first.how == fate::unknown);  // the leader had put it into its log
  CHECK_FALSE(current(t.of(stays), soon()));
  REQUIRE(eventually([&] { return t.of(stays).standing().groups[0].leader == 0; }));
  const auto second = proposed(t.of(stays), making(2), soon());
  CHECK(second.how == fate::refused);
  CHECK(second.why.code == errc::deadline_exceeded);
  for (auto id : t.ids)
    if (id != stays) t.start(id);
  REQUIRE(done_well(proposed(t.of(stays), making(3))));
  CHECK_FALSE(holds_pat(*t.of(stays).applied_view(), 2));
}

TEST_CASE("a leader that is cut off neither acknowledges nor shows what is not so any more", "[cluster][raft-log]") {
  three t;
  t.start();
  REQUIRE(done_well(proposed(t.of(1), founding())));
  const auto old = t.leader();
  for (auto id : t.ids)
    if (id != old) t.network.cut(old, id);
  const auto other = t.ids[old % 3];
  REQUIRE(done_well(proposed(t.of(other), making(1))));
  const auto soon = std::chrono::steady_clock::now() + std::chrono::milliseconds(300);
  CHECK_FALSE(current(t.of(old), soon));
  answers box;
  propose(t.of(old), box, 2, making(2));  // waits for the cut to heal, then it is done once
  t.network.heal();
  REQUIRE(box.await(1));
  CHECK(done_well(box.take()[0].what));
  auto v = current(t.of(old));
  REQUIRE(v);
  CHECK(holds_pat(**v, 1));
  CHECK(holds_pat(**v, 2));
}

TEST_CASE("a node that was away for longer than the log reaches fetches the state", "[cluster][raft-log][state]") {
  three t;
  t.options.compact_entries = 20;
  t.options.tail_entries = 4;
  t.start();
  REQUIRE(done_well(proposed(t.of(1), founding())));
  REQUIRE(t.together());
  const auto away = t.ids[t.leader() % 3];
  t.stop(away);
  std::uint64_t n = 0;
  const auto at = t.leader();
  for (; n < 120; ++n) REQUIRE(done_well(proposed(t.of(at), making(n + 1))));
  t.start(away);
  REQUIRE(done_well(proposed(t.of(away), making(++n))));
  REQUIRE(t.together());
  for (std::uint64_t i = 1; i <= n; ++i) CHECK(holds_pat(*t.of(away).applied_view(), i));
  CHECK(broken_in(*t.nodes[away].store->snapshot()).empty());
  CHECK(t.nodes[away].replaced > 0);
  CHECK(t.nodes[at].replaced == 0);
  t.stop(away);
  t.start(away);  // from what lies on its disk
  REQUIRE(done_well(proposed(t.of(away), making(++n))));
}

TEST_CASE("the log's files keep a tail, and who was away is served from the memory of the others",
          "[cluster][raft-log]") {
  three t;
  t.options.files_bytes_max = 4'000;
  t.options.files_tail_bytes = 1'500;
  t.start();
  REQUIRE(done_well(proposed(t.of(1), founding())));
  REQUIRE(t.together());
  const auto away = t.ids[t.leader() % 3];
  t.stop(away);
  const auto at = t.leader();
  std::uint64_t n = 0;
  for (; n < 100; ++n) REQUIRE(done_well(proposed(t.of(at), making(n + 1))));
  auto bytes_in_files = [&] {
    std::size_t all = 0;
    t.nodes[at].store->snapshot()->scan(model::space::log, {}, std::string(64, '\xff'), [&](auto, auto value) {
      all += value.size();
      return true;
    });
    return all;
  };
  constexpr std::size_t heads = 1'000;  // of the entries, and the rows beside them
  const auto at_most = t.options.files_bytes_max + t.options.files_tail_bytes + heads;
  CHECK(eventually([&] { return bytes_in_files() < at_most; }));
  CHECK(bytes_in_files() > t.options.files_tail_bytes / 2);
  t.start(away);
  REQUIRE(t.together());
  CHECK(t.nodes[away].replaced == 0);
  for (auto id : t.ids) t.stop(id);
  for (auto id : t.ids) t.start(id);
  REQUIRE(done_well(proposed(t.of(away), making(++n))));
  for (std::uint64_t i = 1; i <= n; ++i) CHECK(holds_pat(*t.of(away).applied_view(), i));
}

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
    memory_network network;
    auto connections = network.join(7);
    raft_options options;
    options.self = 7;
    auto log = make_raft_log(*store, options, *connections, {});
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
  memory_network network;
  auto connections = network.join(1);
  raft_options options;
  options.self = 1;
  {
    auto log = make_raft_log(*store, options, *connections, {});
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
    const auto again = make_raft_log(*store, options, *connections, {});
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
  memory_network network;
  auto connections = network.join(1);
  raft_options options;
  options.self = 1;
  auto none = make_raft_log(*store, options, *connections, {});
  REQUIRE_FALSE(none);
  CHECK(none.error().code == errc::conflict);
  REQUIRE(found_cluster(*store, 1, list_of({4, 2, 3})));
  auto others = make_raft_log(*store, options, *connections, {});
  REQUIRE_FALSE(others);
  CHECK(others.error().code == errc::conflict);
}

TEST_CASE("groups keep their own order, and a read of all waits for all", "[cluster][raft-log]") {
  three t(3, 4);
  t.start();
  std::vector<model::command> commands;
  for (std::uint64_t w = 1; w <= 12; ++w)
    commands.push_back({context_of(workspace_no(w), owner, w), model::create_workspace{"W", "", "wrapped"}});
  answers box;
  for (std::uint64_t i = 0; i < commands.size(); ++i) propose(t.of(t.ids[i % 3]), box, i, commands[i]);
  REQUIRE(box.await(commands.size()));
  for (const auto& a : box.take()) CHECK(done_well(a.what));
  inbox<bool> ready;
  t.of(2).when_current(in_a_while(), [&](result<void> how) { ready.put(how.has_value()); });
  REQUIRE(ready.await(1));
  CHECK(ready.take()[0]);
  for (std::uint64_t w = 1; w <= 12; ++w)
    CHECK(t.of(2).applied_view()->get(model::space::state, model::keys::workspace(workspace_no(w))));
  std::set<std::uint64_t> used;
  for (const auto& g : t.of(2).standing().groups)
    if (g.applied_index > 2) used.insert(g.group);
  CHECK(used.size() > 1);
}

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

TEST_CASE("what was erased leaves the log's files as well, also of a quiet cluster and of an epoch that is over",
          "[cluster][raft-log][shred]") {
  storage::testing::scratch dir;
  three t;
  t.options.cut_after = std::chrono::milliseconds(200);
  const auto name = [](node_id id) { return "node" + std::to_string(id); };
  for (auto id : t.ids) {
    t.nodes[id].store = storage::testing::rocks(dir / name(id).c_str());
    REQUIRE(found_cluster(*t.nodes[id].store, 1, list_of(t.ids)));
  }
  t.start();
  REQUIRE(done_well(proposed(t.of(1), founding())));
  std::vector<std::string> markers;
  auto conceal_and_show = [&](std::uint64_t n) {
    model::conceal_secret op;
    op.id = nth<secret_id>(0x60, n);
    op.receipt = receipt_id{op.id.value()};
    op.lifespan_s = 3600;
    op.sealed = "sealed-marker-that-must-go-" + std::to_string(n);
    op.sealed_receipt = "receipt";
    markers.push_back(op.sealed);
    REQUIRE(done_well(proposed(t.of(1), {context_of(home, owner, 2 * n), op})));
    model::command claim{context_of(home, owner, 2 * n + 1), model::claim_secret{op.id, true, std::nullopt, 0}};
    claim.ctx.who = {model::caller::kind::guest, {}, {}, 0, "", ""};
    REQUIRE(done_well(proposed(t.of(2), claim)));
  };
  for (std::uint64_t n = 10; n < 30; ++n) conceal_and_show(n);
  REQUIRE(t.together());
  auto holding = [&](node_id id) {
    std::size_t found = 0;
    for (const auto& each : std::filesystem::recursive_directory_iterator(dir / name(id).c_str())) {
      std::ifstream in(each.path(), std::ios::binary);
      const std::string bytes{std::istreambuf_iterator<char>(in), {}};
      for (const auto& m : markers) found += bytes.find(m) != std::string::npos;
    }
    return found;
  };
  for (auto id : t.ids) CHECK(holding(id) > 0);
  if (GENERATE(false, true)) {  // the epoch ends right behind them
    REQUIRE(changed(t.of(1), {1, 2}));
    t.stop(3);
    t.ids = {1, 2};
  }
  // Nobody writes anything from here on.
  for (auto id : t.ids) {
    const auto& store = *t.nodes[id].store;
    CHECK(eventually([&] {
      bool any = false;
      store.snapshot()->scan(model::space::log, {}, std::string(64, '\xff'), [&](auto, std::string_view value) {
        any = any || value.find("marker-that-must-go") != std::string_view::npos;
        return !any;
      });
      return !any;
    }));
    for (auto in : {model::space::sealed, model::space::log})
      CHECK(eventually([&] { return t.nodes[id].store->compact(in, {}, {}).has_value(); }));
    CHECK(holding(id) == 0);
  }
  // What is left is enough to go on from.
  for (auto id : t.ids) t.stop(id);
  for (auto id : t.ids) t.start(id);
  REQUIRE(done_well(proposed(t.of(2), making(1))));
}

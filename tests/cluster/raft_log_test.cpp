// What the log of a cluster promises to who uses it, on three nodes in one process.

#include <fstream>
#include <iterator>

#include "tests/cluster/three_nodes.hpp"
#include "tests/storage/support.hpp"

using namespace nacre;
using namespace nacre::cluster;
using namespace nacre::cluster::testing;

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

TEST_CASE("a leader whose store has closed leads no more, though nobody writes", "[cluster][raft-log][fault]") {
  struct closable final : lent_store {
    using lent_store::lent_store;
    std::string closed_reason() const override { return closed ? "damaged (1.sst)" : ""; }
    std::atomic<bool> closed{false};
  };
  three t;
  std::map<node_id, std::unique_ptr<storage::store>> below;
  std::map<node_id, closable*> stores;
  for (auto id : t.ids) {
    below[id] = std::exchange(t.nodes[id].store, nullptr);
    auto around = std::make_unique<closable>(*below[id]);
    stores[id] = around.get();
    t.nodes[id].store = std::move(around);
  }
  t.start();
  REQUIRE(done_well(proposed(t.of(1), founding())));
  REQUIRE(t.together());
  const auto old = t.leader();
  stores[old]->closed = true;
  CHECK(eventually([&] { return t.leader() != old; }));
  CHECK(t.of(old).status().reason == "damaged (1.sst)");
  CHECK_FALSE(current(t.of(old)));
  REQUIRE(done_well(proposed(t.of(t.leader()), making(1))));
  for (auto id : t.ids) t.stop(id);  // before what it writes to
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

// A node the leader's log does not reach: what it fetches, and what becomes of the log it had.

#include <catch2/catch.hpp>
#include <deque>

#include "cluster/raft/parted_view.hpp"
#include "cluster/raft/replica.hpp"
#include "cluster/raft/state_installer.hpp"
#include "cluster/raft/state_server.hpp"
#include "storage/memory_store.hpp"
#include "tests/support/people.hpp"
#include "tests/support/random_source.hpp"

using namespace nacre;
using namespace nacre::cluster;
using namespace nacre::cluster::raft;
using namespace nacre::testing;

namespace {

constexpr instance first_epoch{0, 1};
const member_list members = {{1, ""}, {2, ""}, {3, ""}};

storage::write row(model::space in, std::string key, std::string value) {
  return {storage::write::kind::put, in, std::move(key), std::move(value)};
}
std::string of_home(const std::string& tail) { return std::string(workspace_no(1).value().view()) + tail; }

void must(const result<void>& done) { REQUIRE(done); }

// Node 2, whose writes land at once.
struct follower final : replica_host {
  std::unique_ptr<storage::store> store = storage::make_memory_store();
  cluster::changes changes;
  std::unique_ptr<applier> applies;
  std::unique_ptr<replica> part;
  std::deque<std::pair<node_id, message>> sent;
  std::deque<std::function<void()>> work;
  std::uint64_t now = 1'000;
  bool stopped = false;
  std::chrono::milliseconds cut_after{0};

  void start() {
    auto log = load_log(*store->snapshot(), first_epoch);
    REQUIRE(log);
    auto stateless = state_installer::unfinished(*store->snapshot(), 0);
    REQUIRE(stateless);
    applies = std::make_unique<applier>(*store, 2, 1, changes, nullptr);
    auto applied = applies->open(first_epoch);
    REQUIRE(applied);
    replica_options options;
    options.group.of = first_epoch;
    options.group.self = 2;
    options.members = members;
    options.group.members = {1, 2, 3};
    options.group.cut_after = cut_after;
    const auto at = applied->epoch == 0 ? log->mark : applied->at;
    part = std::make_unique<replica>(*this, options, guard_rules{});
    must(part->start(std::move(*log), at, *stateless));
    settle();
  }
  void settle() {
    while (!work.empty()) {
      auto f = std::move(work.front());
      work.pop_front();
      f();
    }
  }
  void tell(node_id from, message what) { tell_of(first_epoch, from, std::move(what)); }
  void tell_of(instance of, node_id from, message what) {
    part->receive(from, encode(frame{of, std::move(what)}));
    settle();
  }
  // So many pieces of work are done, and no more.
  void work_off(std::size_t pieces) {
    for (; pieces > 0 && !work.empty(); --pieces) {
      auto f = std::move(work.front());
      work.pop_front();
      f();
    }
  }
  // The last of a kind that was sent since the last look.
  template <class T>
  std::optional<T> told(node_id to) {
    std::optional<T> found;
    for (auto& [whom, what] : sent)
      if (const auto* m = std::get_if<T>(&what); m != nullptr && whom == to) found = *m;
    sent.clear();
    return found;
  }

  std::uint64_t now_ms() override { return now; }
  int random(int low, int) override { return low; }
  bool send(node_id to, std::string bytes) override {
    auto f = decode_frame(bytes);
    REQUIRE(f);
    sent.emplace_back(to, std::move(f->what));
    return true;
  }
  void write(instance of, std::uint64_t ticket, log_write what) override {
    work.push_back([this, of, ticket, w = std::move(what)] {
      storage::batch all;
      add(all, of, w);
      must(store->apply(all, storage::durability::synced));
      part->written(of, ticket);
    });
  }
  void apply(instance of, committed_entry entry) override {
    work.push_back([this, of, e = std::move(entry)] {
      auto report = applies->apply(of, {e});
      REQUIRE(report);
      part->applied(std::move(*report));
    });
  }
  void install_begin(instance of) override {
    work.push_back([this, of] { must(state_installer(*store, 1).begin(of.group)); });
  }
  void install_rows(instance, storage::batch rows) override {
    work.push_back([this, all = std::move(rows)] {
      must(state_installer(*store, 1).add_rows(all));
      part->rows_installed();
    });
  }
  void members_are(instance, const member_list&) override {}
  void install_end(instance of, log_mark at, bool keep, member_list begins) override {
    work.push_back([this, of, at, keep, begins] {
      auto log = state_installer(*store, 1).end(of, at, keep, begins);
      REQUIRE(log);
      REQUIRE(applies->open(of));
      part->installed(std::move(*log), at, [&](auto seq) { return applies->decided(of.group, seq); });
    });
  }
  std::unique_ptr<group_host::state_at> open_state(instance, node_id) override { return nullptr; }
  void give_chunk(instance, node_id, fetch) override {}
  bool giving_state(instance) override { return false; }
  void failed(const std::string&) override { stopped = true; }
};

// What a leader holds at index 2 of term 4: rows in several chunks.
struct giver {
  std::unique_ptr<storage::store> store = storage::make_memory_store();
  state_server server{*store, 1, 1, 64};
  std::unique_ptr<group_host::state_at> offered;

  const instance of;

  explicit giver(log_mark at, instance of_epoch = first_epoch) : of(of_epoch) {
    storage::batch all = found(of, members, {1, 1});
    all.push_back(applied_row(0, {of.epoch, at}));
    for (int i = 10; i < 30; ++i) all.push_back(row(model::space::state, of_home("M" + std::to_string(i)), "member"));
    all.push_back(row(model::space::sealed, of_home("X1"), "sealed"));
    all.push_back(row(model::space::index, "o0123456789abcdef", of_home("")));
    must(store->apply(all, storage::durability::synced));
    offered = server.open(of, 2, 0);
    REQUIRE(offered);
    CHECK(offered->at == at);
  }
  chunk give(const fetch& f) { return server.give(of, 2, f, 0); }
};

void same_state(const storage::store& a, const storage::store& b) {
  auto rows = [](const storage::store& s) {
    std::vector<std::string> all;
    for (auto in : {model::space::state, model::space::sealed, model::space::audit, model::space::index})
      s.snapshot()->scan(in, {}, std::string(64, '\xff'), [&](std::string_view k, std::string_view v) {
        all.push_back(std::string(k) + "=" + std::string(v));
        return true;
      });
    return all;
  };
  CHECK(rows(a) == rows(b));
}

// Node 2 with entries 2.. of these terms, and a state of its own.
void furnish(follower& f, const std::vector<std::uint64_t>& terms, std::uint64_t term) {
  must(f.store->apply(found(first_epoch, members, {1, 1}), storage::durability::synced));
  must(f.store->apply({row(model::space::state, of_home("old"), "gone with the state before")},
                      storage::durability::synced));
  log_write w;
  w.vote = vote_record{term, 0};
  w.first = 2;
  for (auto t : terms) w.append.push_back({t, entry_kind::barrier, "12345678"});
  storage::batch all;
  add(all, first_epoch, w);
  must(f.store->apply(all, storage::durability::synced));
  f.start();
}

void fetch_all(follower& f, giver& g) {
  std::size_t chunks = 0;
  for (auto asked = f.told<fetch>(1); asked; asked = f.told<fetch>(1)) {
    const auto c = g.give(*asked);
    REQUIRE(c.known);
    auto damaged = c;
    damaged.rows.back() = static_cast<char>(damaged.rows.back() + 1);
    f.tell(1, damaged);  // not taken, and asked for again after a while
    CHECK_FALSE(f.told<fetch>(1));
    f.now += 600;
    f.part->tick();
    f.settle();
    const auto again = f.told<fetch>(1);
    REQUIRE(again);
    CHECK(*again == *asked);
    CHECK(g.give(*again) == c);
    ++chunks;
    f.tell(1, c);
    if (c.last) break;
  }
  CHECK(chunks > 3);
}

}  // namespace

TEST_CASE("an uncommitted entry of a higher term where a state was taken goes, and the node is not stuck",
          "[cluster][raft][state]") {
  follower f;
  furnish(f, {5, 5}, 6);
  giver g({2, 4});
  f.tell(1, append{6, 9, 6, 9, false, {}});  // who leads
  f.tell(1, snapshot_offer{6, g.offered->at, g.offered->stream});
  fetch_all(f, g);
  const auto reply = f.told<append_reply>(1);
  REQUIRE(reply);
  CHECK(*reply == append_reply{6, 0, 2});
  CHECK(f.part->status().applied_index == 2);
  CHECK_FALSE(f.part->status().fetching);
  CHECK(f.part->group().last_index() == 2);
  CHECK(f.part->group().term_of(2) == 4);
  CHECK(f.part->group().term() == 6);
  same_state(*f.store, *g.store);

  f.tell(1, append{6, 2, 4, 3, false, {{6, entry_kind::barrier, "12345678"}}});
  const auto next = f.told<append_reply>(1);
  REQUIRE(next);
  CHECK(*next == append_reply{6, 0, 3});
  CHECK(f.part->status().applied_index == 3);
  CHECK_FALSE(f.stopped);
}

TEST_CASE("a log that agrees with a fetched state goes on from it", "[cluster][raft][state]") {
  follower f;
  furnish(f, {4, 5, 5}, 6);
  giver g({2, 4});
  // A state that was begun and not ended, as after a crash: the node has its log and no state.
  must(state_installer(*f.store, 1).begin(0));
  f.part.reset();
  f.start();
  CHECK(f.part->status().fetching);
  f.tell(1, append{6, 9, 6, 9, false, {}});
  f.now += 100;
  f.part->tick();
  const auto wanted = f.told<fetch>(1);
  REQUIRE(wanted);
  CHECK(wanted->stream == 0);
  f.tell(1, snapshot_offer{6, g.offered->at, g.offered->stream});
  fetch_all(f, g);
  CHECK(f.part->group().last_index() == 4);
  CHECK(f.part->group().term_of(4) == 5);
  same_state(*f.store, *g.store);
}

TEST_CASE("a state from before what the log's files hold is not taken: nothing could go on from it",
          "[cluster][raft][state]") {
  follower f;
  f.cut_after = std::chrono::milliseconds(100);
  furnish(f, {4, 4, 4}, 6);
  f.tell(1, append{6, 4, 4, 4, false, {}});
  CHECK(f.part->status().applied_index == 4);
  f.now += 200;
  f.part->tick();
  f.settle();
  const auto left = load_log(*f.store->snapshot(), first_epoch);
  REQUIRE(left);
  CHECK(left->mark.index == 4);
  CHECK(left->entries.empty());
  f.tell(1, snapshot_offer{6, {9, 6}, 77});  // and nothing of it ever arrives
  CHECK(f.part->status().fetching);
  f.now += 4'000;
  f.sent.clear();
  f.tell(3, snapshot_offer{6, {3, 4}, 78});
  CHECK_FALSE(f.told<fetch>(3));
  f.tell(3, snapshot_offer{6, {4, 4}, 79});
  CHECK(f.told<fetch>(3));
}

TEST_CASE("while a state is fetched nothing is committed or appended, and after a crash it is fetched anew",
          "[cluster][raft][state]") {
  follower f;
  furnish(f, {1}, 6);
  giver g({8, 4});
  f.tell(1, append{6, 9, 6, 9, false, {}});
  f.tell(1, snapshot_offer{6, g.offered->at, g.offered->stream});
  f.tell(1, append{6, 1, 1, 2, false, {{6, entry_kind::barrier, "12345678"}}});
  CHECK(f.part->group().last_index() == 2);
  CHECK(f.part->group().commit_index() == 1);
  bool told = false;
  f.part->read(f.now + 10'000, [&](result<void>) { told = true; });
  f.part.reset();
  f.work.clear();
  f.start();
  CHECK(f.part->status().fetching);
  CHECK_FALSE(told);
  auto unfinished = state_installer::unfinished(*f.store->snapshot(), 0);
  REQUIRE(unfinished);
  CHECK(*unfinished);
}

TEST_CASE("a stream is what the store held when it was opened", "[cluster][raft][state]") {
  giver g({2, 4});
  auto first = g.give({g.offered->stream, 0});
  must(g.store->apply({row(model::space::state, of_home("M99"), "later")}, storage::durability::synced));
  std::string rows = first.rows;
  auto digest = digest_of(digest_of_nothing, first.rows);
  CHECK(digest == first.digest);
  for (std::uint64_t n = 1;; ++n) {
    const auto c = g.give({g.offered->stream, n});
    REQUIRE(c.known);
    digest = digest_of(digest, c.rows);
    CHECK(digest == c.digest);
    rows += c.rows;
    if (c.last) break;
  }
  CHECK(rows.find("later") == std::string::npos);
  CHECK_FALSE(g.give({g.offered->stream, 1}).known);  // out of turn
  CHECK(g.give({g.offered->stream, 0}).rows == first.rows);
  CHECK_FALSE(g.give({g.offered->stream + 1, 0}).known);
  CHECK_FALSE(g.server.give(first_epoch, 3, {g.offered->stream, 0}, 0).known);  // another's
  CHECK_FALSE(writes_of(rows.substr(0, rows.size() - 1), 0, 1));
}

TEST_CASE("an epoch begins with its own members, whatever is heard of the next one meanwhile",
          "[cluster][raft][state]") {
  const member_list second = {{2, ""}, {3, ""}, {4, ""}}, third = {{2, ""}, {5, ""}, {6, ""}};
  const instance of_second{0, 2};
  follower f;
  furnish(f, {1}, 6);
  giver g({60, 4}, of_second);
  f.tell_of(of_second, 3, epoch_notice{{50, 4}, 1, second});
  f.tell_of(of_second, 3, snapshot_offer{4, g.offered->at, g.offered->stream});
  chunk last;
  for (auto asked = f.told<fetch>(3); asked; asked = f.told<fetch>(3)) {
    last = g.give(*asked);
    if (last.last) break;
    f.tell_of(of_second, 3, last);
  }
  REQUIRE(last.last);
  f.part->receive(3, encode(frame{of_second, last}));
  f.work_off(1);  // its rows; the end is still to be written
  REQUIRE(f.work.size() == 1);
  f.part->receive(5, encode(frame{{0, 3}, epoch_notice{{90, 5}, 1, third}}));
  f.settle();
  CHECK(f.part->status().epoch == 2);
  REQUIRE(f.part->members().size() == 3);
  CHECK(f.part->members()[2].node == 4);
  const auto lies_there = load_epoch(*f.store->snapshot(), 0)->value();
  CHECK(lies_there.epoch == 2);
  REQUIRE(lies_there.members.size() == 3);
  CHECK(lies_there.members[2].node == 4);
  CHECK_FALSE(load_log(*f.store->snapshot(), first_epoch));  // nothing of the epoch before is left
  // And on to the next.
  f.sent.clear();
  f.now += 1'000;
  f.part->tick();
  CHECK(f.told<fetch>(5));
}

TEST_CASE("a state that is not wanted any more is let go for that of the newer epoch", "[cluster][raft][state]") {
  const instance of_second{0, 2}, of_third{0, 3};
  follower f;
  furnish(f, {1}, 6);
  giver g({60, 4}, of_second), newer({80, 5}, of_third);
  f.tell_of(of_second, 3, epoch_notice{{50, 4}, 1, members});
  f.tell_of(of_second, 3, snapshot_offer{4, g.offered->at, g.offered->stream});
  const auto first = f.told<fetch>(3);
  REQUIRE(first);
  f.tell_of(of_second, 3, g.give(*first));
  f.tell_of(of_third, 1, epoch_notice{{70, 5}, 1, members});
  f.tell_of(of_third, 1, snapshot_offer{5, newer.offered->at, newer.offered->stream});
  for (auto asked = f.told<fetch>(1); asked; asked = f.told<fetch>(1)) f.tell_of(of_third, 1, newer.give(*asked));
  CHECK(f.part->status().epoch == 3);
  CHECK(f.part->status().applied_index == 80);
  same_state(*f.store, *newer.store);
}

TEST_CASE("who has applied the end of an epoch gives no state of it any more", "[cluster][raft][state]") {
  giver g({2, 4});
  REQUIRE(g.server.open(first_epoch, 3, 0));
  must(g.store->apply(found({0, 2}, members, {2, 4}), storage::durability::synced));
  CHECK_FALSE(g.server.open(first_epoch, 1, 0));
  CHECK(g.server.open({0, 2}, 1, 0));
}

TEST_CASE("who fetched a state with the end of its epoch in it goes on to the next", "[cluster][raft][state]") {
  follower f;
  furnish(f, {4}, 6);
  giver g({2, 4}, first_epoch);
  f.tell(1, append{6, 9, 6, 9, false, {}});
  f.tell(1, snapshot_offer{6, g.offered->at, g.offered->stream});
  for (auto asked = f.told<fetch>(1); asked; asked = f.told<fetch>(1)) f.tell(1, g.give(*asked));
  REQUIRE(f.part->status().applied_index == 2);
  f.tell_of({0, 2}, 1, epoch_notice{{2, 4}, 1, members});  // the entry there was the end
  CHECK(f.told<fetch>(1));
}

TEST_CASE("a proposal whose decision came with a fetched state is not proposed again, the others keep their numbers",
          "[cluster][raft][state]") {
  follower f;
  furnish(f, {1}, 6);
  f.tell(1, append{6, 9, 6, 9, false, {}});
  std::map<int, settled> told;
  const auto bytes = model::encode({context_of(workspace_no(1), user_no(1), 1), model::create_workspace{"W", "", "w"}});
  for (int i = 1; i <= 2; ++i) f.part->propose(bytes, f.now + 60'000, [&, i](settled s) { told[i] = std::move(s); });
  std::vector<std::uint64_t> seqs;
  for (const auto& [to, what] : f.sent)
    if (const auto* on = std::get_if<forward>(&what))
      for (const auto& c : on->commands) seqs.push_back(c.from.seq);
  REQUIRE(seqs.size() == 2);
  CHECK(seqs[0] >> 32 == 1);  // of this start
  giver g({8, 4});
  seen_tags seen(0);
  CHECK(seen.first_time({2, 1, seqs[0], seqs[0]}));
  storage::batch rows;
  seen.add_changed(rows);
  must(g.store->apply(rows, storage::durability::synced));
  g.offered = g.server.open(first_epoch, 2, 30'000);  // a newer one
  REQUIRE(g.offered);
  f.tell(1, snapshot_offer{6, g.offered->at, g.offered->stream});
  f.sent.clear();
  f.part->tick();
  for (std::uint64_t n = 0;; ++n) {
    const auto c = g.server.give(first_epoch, 2, {g.offered->stream, n}, 30'000);
    REQUIRE(c.known);
    f.tell(1, c);
    if (c.last) break;
  }
  REQUIRE(f.part->status().applied_index == 8);
  for (auto& each : f.part->take_finished()) each();
  REQUIRE(told.size() == 1);
  CHECK(told[1].how == settled::fate::unknown);
  f.sent.clear();
  f.tell(1, append{6, 8, 4, 8, false, {}});
  f.part->tick();
  const auto again = f.told<forward>(1);
  REQUIRE(again);
  REQUIRE(again->commands.size() == 1);
  CHECK(again->commands[0].from.seq == seqs[1]);
}

TEST_CASE("of a group whose state is put in place the rows from before are shown, of the others those there are",
          "[cluster][raft][state][property]") {
  random_source random(announced_seed("parted views"));
  constexpr std::uint32_t groups = 4;
  auto live = storage::make_memory_store(), before_1 = storage::make_memory_store(),
       before_2 = storage::make_memory_store();
  using rows = std::map<std::string, std::string>;
  std::map<model::space, rows> expected;
  auto fill = [&](storage::store& in, auto counts) {
    storage::batch all;
    for (int i = 0; i < 600; ++i) {
      const auto ws = workspace_no(random.below(12));
      const std::string of_ws(ws.value().view()), number = std::to_string(random.below(40));
      auto add = [&](model::space where, std::string key, std::string value) {
        if (counts(group_of(ws, groups))) expected[where][key] = value;
        all.push_back(row(where, std::move(key), std::move(value)));
      };
      add(model::space::state, of_ws + number, std::to_string(i));
      // A lookup belongs to one workspace for good.
      add(model::space::index, "t" + of_ws + number, of_ws + std::to_string(i));
    }
    must(in.apply(all, storage::durability::synced));
  };
  fill(*live, [](group_id g) { return g != 1 && g != 2; });
  fill(*before_1, [](group_id g) { return g == 1; });
  fill(*before_2, [](group_id g) { return g == 2; });
  const parted_view v(live->snapshot(), {{1, before_1->snapshot()}, {2, before_2->snapshot()}}, groups);
  const std::string past(64, '\xff');
  for (auto in : {model::space::state, model::space::index}) {
    rows shown;
    v.scan(in, {}, past, [&](std::string_view key, std::string_view value) {
      CHECK((shown.empty() || shown.rbegin()->first < key));
      shown.emplace(key, value);
      return true;
    });
    CHECK(shown == expected[in]);
    for (const auto& [key, value] : expected[in]) CHECK(v.get(in, key) == value);
    for (const auto* store : {live.get(), before_1.get(), before_2.get()})
      store->snapshot()->scan(in, {}, past, [&](std::string_view key, std::string_view) {
        if (!expected[in].contains(std::string(key))) CHECK_FALSE(v.get(in, key));
        return true;
      });
  }
  for (std::uint64_t w = 0; w < 12; ++w) {
    rows shown, of_ws;
    const std::string prefix(workspace_no(w).value().view());
    v.scan(model::space::state, prefix, prefix + past, [&](std::string_view key, std::string_view value) {
      shown.emplace(key, value);
      return shown.size() < 7;
    });
    for (const auto& [key, value] : expected[model::space::state])
      if (key.starts_with(prefix) && of_ws.size() < 7) of_ws.emplace(key, value);
    CHECK(shown == of_ws);
  }
}

// A node the leader's log does not reach: what it fetches, and what becomes of the log it had.

#include <catch2/catch.hpp>
#include <deque>

#include "cluster/raft/replica.hpp"
#include "cluster/raft/state_installer.hpp"
#include "cluster/raft/state_server.hpp"
#include "storage/memory_store.hpp"
#include "tests/support/people.hpp"

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
  void tell(node_id from, message what) {
    part->receive(from, encode(frame{first_epoch, std::move(what)}));
    settle();
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
      part->installed(std::move(*log), at);
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

  explicit giver(log_mark at) {
    storage::batch all{applied_row(0, {1, at})};
    for (int i = 10; i < 30; ++i) all.push_back(row(model::space::state, of_home("M" + std::to_string(i)), "member"));
    all.push_back(row(model::space::sealed, of_home("X1"), "sealed"));
    all.push_back(row(model::space::index, "o0123456789abcdef", of_home("")));
    must(store->apply(all, storage::durability::synced));
    offered = server.open(first_epoch, 2, 0);
    REQUIRE(offered);
    CHECK(offered->at == at);
  }
  chunk give(const fetch& f) { return server.give(first_epoch, 2, f, 0); }
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

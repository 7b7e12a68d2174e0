// What the log of one node promises while the disk is well: order, durability, group commit, bounds.

#include <atomic>
#include <thread>

#include "tests/cluster/support.hpp"

using namespace nacre;
using namespace nacre::cluster;
using namespace nacre::cluster::testing;

TEST_CASE("committed means durable and visible to every snapshot taken from then on", "[cluster][solo]") {
  auto store = storage::make_memory_store();
  auto log = make_solo_log(*store, {}, {});
  found(*log);
  constexpr std::uint64_t count = 200;
  inbox<std::pair<bool, bool>> seen;
  for (std::uint64_t n = 1; n <= count; ++n)
    log->propose({making(n), in_a_while(), [&, n](settled s) {
                    auto barrier = std::make_shared<bool>(false);
                    log->read_barrier(home, in_a_while(), [n, barrier](auto v) { *barrier = v && holds_pat(**v, n); });
                    bool visible = holds_pat(*log->applied_view(), n) && holds_pat(*store->snapshot(), n) && *barrier;
                    seen.put({s.how == fate::committed && !s.outcome.refused, visible});
                  }});
  REQUIRE(seen.await(count));
  std::size_t kept = 0;
  for (auto [committed, visible] : seen.take()) kept += committed && visible;
  CHECK(kept == count);
  CHECK(store->stats().syncs == store->stats().batches);  // nothing is acknowledged without a sync
  CHECK(log->status().writable);
  CHECK(log->status().pending == 0);
  CHECK(log->status().commit_index == count + 1);
  log->stop();
  CHECK(broken_in(*store->snapshot()).empty());
}

TEST_CASE("commands take effect and are answered in the order they were proposed", "[cluster][solo]") {
  auto store = storage::make_memory_store();
  solo_options small;
  small.round_max = 7;
  auto log = make_solo_log(*store, small, {});
  found(*log);
  constexpr std::uint64_t count = 300;
  answers box;
  for (std::uint64_t n = 1; n <= count; ++n) propose(*log, box, n, making(n));
  REQUIRE(box.await(count));
  std::uint64_t expected = 0;
  bool in_order = true;
  for (const auto& a : box.take()) {
    in_order = in_order && a.number == ++expected;
    auto pat = model::load<model::pat_record>(*store->snapshot(), model::space::state,
                                              model::keys::pat(home, pat_no(a.number)));
    in_order = in_order && pat && pat->seq == a.number;
  }
  CHECK(in_order);
}

TEST_CASE("what is proposed while a round syncs lands in one round after it", "[cluster][solo][group-commit]") {
  auto memory = storage::make_memory_store();
  held_store store(*memory);
  inbox<round_seen> rounds;
  auto log = make_solo_log(store, eager(), into(rounds));
  found(*log);
  store.hold();
  answers box;
  propose(*log, box, 1, making(1));
  REQUIRE(store.await_write());
  for (std::uint64_t n = 2; n <= 65; ++n) propose(*log, box, n, making(n));
  CHECK(log->status().pending == 64);
  store.release();
  REQUIRE(box.await(65));
  CHECK(sizes(rounds.take()) == std::vector<std::size_t>{1, 1, 64});
  CHECK(memory->stats().syncs == 3);
}

TEST_CASE("a lone proposer never waits for company", "[cluster][solo][group-commit]") {
  auto store = storage::make_memory_store();
  solo_options patient;
  patient.gather = std::chrono::hours{1};  // one wait would outlast the test
  inbox<round_seen> rounds;
  auto log = make_solo_log(*store, patient, into(rounds));
  found(*log);
  answers box;
  for (std::uint64_t n = 1; n <= 100; ++n) {
    propose(*log, box, n, making(n));
    REQUIRE(box.await(n));
  }
  CHECK(sizes(rounds.take()) == std::vector<std::size_t>(101, 1));
}

TEST_CASE("after a round of several the writer waits for about as many again", "[cluster][solo][group-commit]") {
  auto memory = storage::make_memory_store();
  held_store store(*memory);
  solo_options patient;
  patient.gather = std::chrono::hours{1};
  inbox<round_seen> rounds;
  auto log = make_solo_log(store, patient, into(rounds));
  found(*log);
  store.hold();
  answers box;
  propose(*log, box, 1, making(1));
  REQUIRE(store.await_write());
  for (std::uint64_t n = 2; n <= 5; ++n) propose(*log, box, n, making(n));
  store.release();
  REQUIRE(box.await(5));
  // One at a time, and yet one sync carries them all: the first three wait for the fourth.
  for (std::uint64_t n = 6; n <= 9; ++n) propose(*log, box, n, making(n));
  REQUIRE(box.await(9));
  CHECK(sizes(rounds.take()) == std::vector<std::size_t>{1, 1, 4, 4});
  // Stopping ends the waiting.
  propose(*log, box, 10, making(10));
  log->stop();
  CHECK(box.await(10));
}

TEST_CASE("many concurrent proposers share syncs", "[cluster][solo][group-commit]") {
  auto memory = storage::make_memory_store();
  solo_options o;
  o.gather = std::chrono::milliseconds{50};
  auto log = make_solo_log(*memory, o, {});
  found(*log);
  constexpr std::uint64_t people = 16, each = 25;
  std::atomic<std::uint64_t> good{0};
  std::vector<std::thread> threads;
  for (std::uint64_t p = 0; p < people; ++p)
    threads.emplace_back([&, p] {
      for (std::uint64_t i = 0; i < each; ++i) {
        answers box;
        propose(*log, box, 0, making(1 + p * each + i));
        if (!box.await(1)) return;
        auto a = box.take();
        good += a[0].what.how == fate::committed && !a[0].what.outcome.refused;
      }
    });
  for (auto& t : threads) t.join();
  CHECK(good == people * each);
  CHECK(memory->stats().syncs * 2 < people * each);
  log->stop();
  CHECK(broken_in(*memory->snapshot()).empty());
}

TEST_CASE("a round never holds more than round_max commands", "[cluster][solo][bounds]") {
  auto memory = storage::make_memory_store();
  held_store store(*memory);
  auto options = eager();
  options.round_max = 4;
  inbox<round_seen> rounds;
  auto log = make_solo_log(store, options, into(rounds));
  found(*log);
  store.hold();
  answers box;
  propose(*log, box, 1, making(1));
  REQUIRE(store.await_write());
  for (std::uint64_t n = 2; n <= 11; ++n) propose(*log, box, n, making(n));
  store.release();
  REQUIRE(box.await(11));
  CHECK(sizes(rounds.take()) == std::vector<std::size_t>{1, 1, 4, 4, 2});
}

TEST_CASE("a round bound of nothing still lets commands through", "[cluster][solo][bounds]") {
  auto store = storage::make_memory_store();
  auto options = eager();
  options.round_max = 0;
  auto log = make_solo_log(*store, options, {});
  found(*log);
}

TEST_CASE("a full queue answers busy on the spot, and nothing of it happens", "[cluster][solo][bounds]") {
  auto memory = storage::make_memory_store();
  held_store store(*memory);
  auto options = eager();
  options.pending_max = 3;
  auto log = make_solo_log(store, options, {});
  found(*log);
  store.hold();
  answers box, full;
  propose(*log, box, 1, making(1));
  REQUIRE(store.await_write());
  for (std::uint64_t n = 2; n <= 4; ++n) propose(*log, box, n, making(n));
  propose(*log, full, 5, making(5));
  auto refused = full.take();
  REQUIRE(refused.size() == 1);  // within the call
  CHECK(refused[0].what.how == fate::refused);
  CHECK(refused[0].what.why.code == errc::busy);
  store.release();
  REQUIRE(box.await(4));
  CHECK_FALSE(holds_pat(*memory->snapshot(), 5));
  propose(*log, box, 5, making(5));  // there is room again
  REQUIRE(box.await(5));
  CHECK(holds_pat(*memory->snapshot(), 5));
}

TEST_CASE("a command past its deadline is refused and does nothing", "[cluster][solo][deadline]") {
  auto memory = storage::make_memory_store();
  held_store store(*memory);
  auto log = make_solo_log(store, eager(), {});
  found(*log);
  auto before = memory->stats().batches;
  answers box;
  propose(*log, box, 1, making(1), std::chrono::steady_clock::now());
  REQUIRE(box.await(1));
  auto late = box.take();
  CHECK(late[0].what.how == fate::refused);
  CHECK(late[0].what.why.code == errc::deadline_exceeded);
  CHECK(memory->stats().batches == before);

  // The same for one whose deadline passes while it waits, and its neighbours go on.
  store.hold();
  propose(*log, box, 2, making(2));
  REQUIRE(store.await_write());
  auto soon = std::chrono::steady_clock::now() + std::chrono::milliseconds{1};
  propose(*log, box, 3, making(3), soon);
  propose(*log, box, 4, making(4));
  REQUIRE(eventually([&] { return std::chrono::steady_clock::now() > soon; }));
  store.release();
  REQUIRE(box.await(3));
  for (const auto& a : box.take()) {
    CHECK((a.what.how == fate::committed) == (a.number != 3));
    if (a.number == 3) CHECK(a.what.why.code == errc::deadline_exceeded);
  }
  auto now = memory->snapshot();
  CHECK(holds_pat(*now, 2));
  CHECK_FALSE(holds_pat(*now, 1));
  CHECK_FALSE(holds_pat(*now, 3));
  CHECK(holds_pat(*now, 4));
}

TEST_CASE("a round of nothing but refusals writes nothing", "[cluster][solo]") {
  auto store = storage::make_memory_store();
  inbox<round_seen> rounds;
  auto log = make_solo_log(*store, eager(), into(rounds));
  found(*log);
  auto before = store->stats().batches;
  answers box;
  for (std::uint64_t n = 1; n <= 20; ++n) propose(*log, box, n, refused_by_rules(n));
  REQUIRE(box.await(20));
  for (const auto& a : box.take()) {
    CHECK(a.what.how == fate::committed);  // decided, and decided against
    REQUIRE(a.what.outcome.refused);
    CHECK(a.what.outcome.refused->code == errc::forbidden);
  }
  CHECK(store->stats().batches == before);
  CHECK(log->status().commit_index == 1);
  auto seen = rounds.take();
  for (std::size_t i = 1; i < seen.size(); ++i) CHECK_FALSE(seen[i].synced);
}

TEST_CASE("the index of the last command lies in the store and a new log goes on from it", "[cluster][solo]") {
  auto store = storage::make_memory_store();
  {
    auto log = make_solo_log(*store, eager(), {});
    found(*log);
    answers box;
    for (std::uint64_t n = 1; n <= 10; ++n) propose(*log, box, n, making(n));
    REQUIRE(box.await(10));
    CHECK(log->status().commit_index == 11);
  }
  CHECK(read_applied_index(*store->snapshot()) == 11);
  inbox<round_seen> rounds;
  auto log = make_solo_log(*store, eager(), into(rounds));
  CHECK(log->status().commit_index == 11);
  answers box;
  propose(*log, box, 11, making(11));
  REQUIRE(box.await(1));
  CHECK(rounds.take()[0].index == 12);
  CHECK(read_applied_index(*store->snapshot()) == 12);
}

TEST_CASE("the listener is told of every round in order, before its answers leave", "[cluster][solo]") {
  auto store = storage::make_memory_store();
  struct event {
    bool round = false;
    std::uint64_t index = 0;
    std::size_t commands = 0, writes = 0;
  };
  inbox<event> events;
  auto log = make_solo_log(*store, {}, [&](const committed_round& r) {
    events.put({true, r.index, r.commands, r.writes.size()});
  });
  constexpr std::uint64_t people = 4, each = 50;
  found(*log);
  std::vector<std::thread> threads;
  for (std::uint64_t p = 0; p < people; ++p)
    threads.emplace_back([&, p] {
      for (std::uint64_t i = 0; i < each; ++i)
        log->propose({making(1 + p * each + i), in_a_while(), [&](settled) { events.put({}); }});
    });
  for (auto& t : threads) t.join();
  log->stop();
  std::uint64_t index = 0;
  std::size_t owed = 0, answers_seen = 0;
  bool good = true;
  for (const auto& e : events.take()) {
    if (e.round) {
      good = good && owed == 0 && e.index == index + e.commands && e.writes > 0;
      index = e.index;
      owed = e.commands;
      if (index == 1) owed = 0;  // the founding answers elsewhere
    } else {
      good = good && owed > 0;
      --owed;
      ++answers_seen;
    }
  }
  CHECK(good);
  CHECK(answers_seen == people * each);
  CHECK(index == people * each + 1);
}

TEST_CASE("stop settles everything that was taken", "[cluster][solo][stop]") {
  auto memory = storage::make_memory_store();
  held_store store(*memory);
  auto options = eager();
  options.round_max = 8;
  auto log = make_solo_log(store, options, {});
  found(*log);
  store.hold();
  answers box;
  for (std::uint64_t n = 1; n <= 100; ++n) propose(*log, box, n, making(n));
  REQUIRE(store.await_write());
  std::thread stopper([&] { log->stop(); });
  store.release();
  stopper.join();
  REQUIRE(box.size() == 100);  // no waiting: stop() has returned
  for (const auto& a : box.take()) CHECK(a.what.how == fate::committed);

  answers late;
  propose(*log, late, 101, making(101));
  auto refused = late.take();
  REQUIRE(refused.size() == 1);
  CHECK(refused[0].what.how == fate::refused);
  CHECK_FALSE(holds_pat(*memory->snapshot(), 101));
  log->stop();  // again, harmless
}

TEST_CASE("while many propose and several stop, every proposal is settled once", "[cluster][solo][stop][stress]") {
  for (int repeat = 0; repeat < 5; ++repeat) {
    auto store = storage::make_memory_store();
    auto log = make_solo_log(*store, {}, {});
    found(*log);
    constexpr std::uint64_t people = 6, each = 150;
    answers box;
    std::atomic<bool> go{false};
    std::vector<std::thread> threads;
    for (std::uint64_t p = 0; p < people; ++p)
      threads.emplace_back([&, p] {
        while (!go) std::this_thread::yield();
        for (std::uint64_t i = 0; i < each; ++i) propose(*log, box, 1 + p * each + i, making(1 + p * each + i));
      });
    for (int s = 0; s < 2; ++s)
      threads.emplace_back([&] {
        box.await(people * each / 4);
        log->stop();
      });
    go = true;
    for (auto& t : threads) t.join();
    auto all = box.take();
    REQUIRE(all.size() == people * each);
    std::vector<int> times(people * each + 1);
    std::size_t wrong = 0;
    auto now = store->snapshot();
    for (const auto& a : all) {
      wrong += ++times[a.number] != 1;
      wrong += a.what.how == fate::unknown;
      wrong += (a.what.how == fate::committed) != holds_pat(*now, a.number);
    }
    CHECK(wrong == 0);
    CHECK(broken_in(*now).empty());
  }
}

// What the log of one node promises when the disk does not keep its own promises.

#include "storage/faulty_store.hpp"
#include "tests/cluster/support.hpp"
#include "tests/storage/support.hpp"

using namespace nacre;
using namespace nacre::cluster;
using namespace nacre::cluster::testing;

namespace {

constexpr std::uint64_t rounds_max = 5, per_round = 3;

// Founds the workspace (write 1), then proposes rounds of three; `fail_at` is the write that fails.
// Checks everything that can be seen while the node runs.
void run_into_fault(storage::store& inner, storage::fault_plan plan, std::uint64_t fail_at) {
  auto store = storage::make_faulty_store(std::make_unique<lent_store>(inner), plan);
  auto log = make_solo_log(*store, eager(), {});
  answers box;
  propose(*log, box, 0, founding());
  REQUIRE(box.await(1));
  REQUIRE(box.take()[0].what.how == (fail_at == 1 ? fate::unknown : fate::committed));

  for (std::uint64_t r = 2; r <= rounds_max; ++r) {
    answers now;
    auto first = (r - 2) * per_round + 1;
    for (std::uint64_t i = 0; i < per_round; ++i) propose(*log, now, first + i, making(first + i));
    REQUIRE(now.await(per_round));
    for (const auto& a : now.take()) {
      if (a.what.how == fate::committed) {
        CHECK(holds_pat(*log->applied_view(), a.number));
      } else {
        CHECK_FALSE(log->status().writable);
        CHECK(a.what.why.code == errc::storage_failed);
      }
    }
  }

  REQUIRE_FALSE(log->status().writable);
  CHECK_FALSE(log->status().reason.empty());
  // Everything after is refused, not unknown, and reads go on.
  answers later;
  for (std::uint64_t n = 900; n < 910; ++n) propose(*log, later, n, making(n));
  REQUIRE(later.await(10));
  for (const auto& a : later.take()) {
    CHECK(a.what.how == fate::refused);
    CHECK(a.what.why.code == errc::storage_failed);
    CHECK(a.what.why.text.find("planned fault") == std::string::npos);  // the cause is for the operator
  }
  bool read = false;
  log->read_barrier(home, in_a_while(), [&](auto v) { read = v.has_value() && (*v)->trustworthy(); });
  CHECK(read);
  log->stop();
  CHECK(read_applied_index(*inner.snapshot()) <= 1 + (rounds_max - 1) * per_round);
}

std::uint64_t pats_in(const model::view& v) {
  std::uint64_t count = 0;
  for (std::uint64_t n = 1; n <= rounds_max * per_round; ++n) count += holds_pat(v, n);
  return count;
}

}  // namespace

TEST_CASE("a failed write closes the log, leaves nothing of its round, and a new log goes on",
          "[cluster][solo][fault]") {
  for (std::uint64_t n = 1; n <= rounds_max; ++n) {
    DYNAMIC_SECTION("write " << n) {
      auto inner = storage::make_memory_store();
      storage::fault_plan plan;
      plan.fail_write = n;
      run_into_fault(*inner, plan, n);
      auto left = inner->snapshot();
      CHECK(broken_in(*left).empty());
      auto log = make_solo_log(*inner, {}, {});
      CHECK(log->status().writable);
      if (n == 1) found(*log);
      answers box;
      propose(*log, box, 800, making(800));
      REQUIRE(box.await(1));
      CHECK(box.take()[0].what.how == fate::committed);
    }
  }
}

TEST_CASE("exactly the round whose write failed is unknown", "[cluster][solo][fault]") {
  // Rounds of known size: one write is let through at a time.
  for (bool sync : {false, true})
    for (std::uint64_t n = 2; n <= rounds_max; ++n) {
      DYNAMIC_SECTION((sync ? "sync " : "write ") << n) {
        auto inner = storage::make_memory_store();
        storage::fault_plan plan;
        (sync ? plan.fail_sync : plan.fail_write) = n;
        auto faulty = storage::make_faulty_store(std::make_unique<lent_store>(*inner), plan);
        held_store store(*faulty);
        auto log = make_solo_log(store, eager(), {});
        found(*log);  // write 1
        store.hold();
        answers box;
        std::uint64_t next = 1;
        propose(*log, box, next++, making(1));  // write 2 carries one, the others three
        for (std::uint64_t w = 2; w <= rounds_max; ++w) {
          if (w <= n) REQUIRE(store.await_write());
          for (std::uint64_t i = 0; i < per_round; ++i, ++next) propose(*log, box, next, making(next));
          if (w <= n) store.let_through();
        }
        log->stop();
        REQUIRE(box.size() == next - 1);
        auto round_of = [](std::uint64_t number) { return number == 1 ? 2 : 3 + (number - 2) / per_round; };
        auto left = inner->snapshot();
        for (const auto& a : box.take()) {
          auto round = round_of(a.number);
          INFO("command " << a.number << " of round " << round);
          CHECK(a.what.how == (round < n ? fate::committed : round == n ? fate::unknown : fate::refused));
          // A failed write leaves nothing; a failed sync may leave all of its round, and here does.
          CHECK(holds_pat(*left, a.number) == (round < n || (sync && round == n)));
        }
        CHECK(broken_in(*left).empty());
        CHECK(read_applied_index(*left) == 1 + pats_in(*left));
      }
    }
}

TEST_CASE("a full disk closes the log and keeps what was acknowledged", "[cluster][solo][fault]") {
  auto inner = storage::make_memory_store();
  storage::fault_plan plan;
  plan.disk_bytes_left = 4'000;
  auto faulty = storage::make_faulty_store(std::make_unique<lent_store>(*inner), plan);
  auto log = make_solo_log(*faulty, eager(), {});
  found(*log);
  answers box;
  for (std::uint64_t n = 1; n <= 60; ++n) propose(*log, box, n, making(n));
  log->stop();
  std::size_t committed = 0, lost = 0, ghosts = 0;
  auto left = inner->snapshot();
  for (const auto& a : box.take()) {
    committed += a.what.how == fate::committed;
    lost += a.what.how == fate::committed && !holds_pat(*left, a.number);
    ghosts += a.what.how == fate::refused && holds_pat(*left, a.number);
  }
  CHECK(committed < 60);
  CHECK(lost == 0);
  CHECK(ghosts == 0);
  CHECK_FALSE(log->status().writable);
  CHECK(broken_in(*left).empty());
}

TEST_CASE("after a fault, files that are opened again hold every acknowledged command",
          "[cluster][solo][fault][rocks]") {
  for (bool sync : {false, true})
    for (std::uint64_t n : {1u, 3u, 4u}) {
      DYNAMIC_SECTION((sync ? "sync " : "write ") << n) {
        storage::testing::scratch files;
        std::vector<std::uint64_t> kept, unknown, refused;
        {
          storage::fault_plan plan;
          (sync ? plan.fail_sync : plan.fail_write) = n;
          auto store = storage::make_faulty_store(storage::testing::rocks(files / "db"), plan);
          auto log = make_solo_log(*store, eager(), {});
          answers box;
          propose(*log, box, 0, founding());
          REQUIRE(box.await(1));
          for (std::uint64_t i = 1; i <= 12; ++i) {
            propose(*log, box, i, making(i));
            REQUIRE(box.await(i + 1));
          }
          for (const auto& a : box.take())
            (a.what.how == fate::committed ? kept
             : a.what.how == fate::unknown ? unknown
                                           : refused)
                .push_back(a.number);
        }
        CHECK(kept.size() == n - 1);
        CHECK(unknown.size() == 1);
        auto again = storage::testing::rocks(files / "db");
        auto left = again->snapshot();
        for (auto i : kept) CHECK((i == 0 || holds_pat(*left, i)));
        for (auto i : refused) CHECK_FALSE(holds_pat(*left, i));
        CHECK(broken_in(*left).empty());
        auto log = make_solo_log(*again, {}, {});
        CHECK(log->status().writable);
      }
    }
}

TEST_CASE("a read that cannot be trusted closes the log and decides nothing", "[cluster][solo][fault]") {
  auto memory = storage::make_memory_store();
  unreadable_store store(*memory);
  auto log = make_solo_log(store, eager(), {});
  found(*log);
  auto before = memory->stats().batches;
  store.broken = true;
  answers box;
  propose(*log, box, 1, making(1));
  REQUIRE(box.await(1));
  CHECK(box.take()[0].what.how == fate::unknown);
  store.broken = false;  // too late: nothing is taken any more
  propose(*log, box, 2, making(2));
  REQUIRE(box.await(1));
  auto refused = box.take();
  CHECK(refused[0].what.how == fate::refused);
  CHECK(refused[0].what.why.code == errc::storage_failed);
  CHECK_FALSE(log->status().writable);
  CHECK(memory->stats().batches == before);
}

TEST_CASE("a record that does not decode closes the log rather than being overwritten", "[cluster][solo][fault]") {
  auto store = storage::make_memory_store();
  {
    auto log = make_solo_log(*store, eager(), {});
    found(*log);
  }
  storage::batch damage{{storage::write::kind::put, model::space::state, model::keys::workspace(home), "\xee?"}};
  REQUIRE(store->apply(damage, storage::durability::synced));
  auto log = make_solo_log(*store, eager(), {});
  answers box;
  propose(*log, box, 1, making(1));
  REQUIRE(box.await(1));
  CHECK(box.take()[0].what.how == fate::unknown);
  CHECK_FALSE(log->status().writable);
  CHECK(store->snapshot()->get(model::space::state, model::keys::workspace(home)) == "\xee?");
}

TEST_CASE("a log that cannot read its own index takes nothing", "[cluster][solo][fault]") {
  auto store = storage::make_memory_store();
  storage::batch damage{{storage::write::kind::put, model::space::meta, std::string(applied_index_key), "short"}};
  REQUIRE(store->apply(damage, storage::durability::synced));
  auto log = make_solo_log(*store, eager(), {});
  CHECK_FALSE(log->status().writable);
  CHECK_FALSE(log->status().reason.empty());
  answers box;
  propose(*log, box, 1, founding());
  REQUIRE(box.await(1));
  auto refused = box.take();
  CHECK(refused[0].what.how == fate::refused);
  CHECK(refused[0].what.why.code == errc::storage_failed);
}

TEST_CASE("a store that closed itself in the background is told before any write of ours fails",
          "[cluster][solo][fault]") {
  storage::fault_plan plan;
  plan.fail_write = 1;
  auto store = storage::make_faulty_store(storage::make_memory_store(), plan);
  auto log = make_solo_log(*store, eager(), {});
  REQUIRE(log->status().writable);
  storage::batch elsewhere{{storage::write::kind::put, model::space::meta, "k", "v"}};
  REQUIRE_FALSE(store->apply(elsewhere, storage::durability::synced));
  CHECK_FALSE(log->status().writable);
  CHECK_FALSE(log->status().reason.empty());
}

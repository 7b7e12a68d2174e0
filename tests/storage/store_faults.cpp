// What is left after a write, a sync or a disk fails: the store takes no more writes, still reads,
// and after reopening each batch is there whole or not at all.

#include <catch2/catch.hpp>

#include "tests/storage/support.hpp"

using namespace nacre;
using namespace nacre::storage;
using namespace nacre::storage::testing;

namespace {

template <class Kind>
struct broken {
  scratch dir;
  std::unique_ptr<store> held;
  int failed_at = 0;

  explicit broken(fault_plan plan, durability how = durability::synced) {
    held = make_faulty_store(Kind::open(dir / "db"), plan);
    for (int n = 1; n <= 20; ++n) {
      auto done = held->apply(numbered(n, 100), how);
      if (!done) {
        CHECK(done.error().code == errc::storage_failed);
        failed_at = n;
        break;
      }
    }
  }

  // Common to every fault; `failed_rows` says what may be left of the batch that failed.
  void check(std::vector<int> failed_rows) {
    REQUIRE(failed_at > 0);
    CHECK_FALSE(held->closed_reason().empty());
    const auto reason = held->closed_reason();
    for (int again = 0; again < 2; ++again) {
      auto refused = held->apply(numbered(100, 100), durability::synced);
      REQUIRE_FALSE(refused);
      CHECK(refused.error().code == errc::storage_failed);
      CHECK(refused.error().text == reason);
    }
    {
      auto view = held->snapshot();
      for (int n = 1; n < failed_at; ++n) CHECK(rows_of(*view, n) == 3);
      CHECK_FALSE(view->failed());
    }
    if constexpr (Kind::files) Kind::reopen(held, dir / "db");
    auto view = held->snapshot();
    for (int n = 1; n < failed_at; ++n) CHECK(rows_of(*view, n) == 3);
    CHECK_THAT(failed_rows, Catch::VectorContains(rows_of(*view, failed_at)));
    CHECK(rows_of(*view, 100) == 0);
    if constexpr (Kind::files) must(held->apply(numbered(101, 100), durability::synced));
  }
};

}  // namespace

TEMPLATE_TEST_CASE("the n-th write fails: nothing of it lands and the store closes", "[storage][faults]", memory_kind,
                   rocks_kind) {
  for (std::uint64_t n : {1, 2, 7}) {
    broken<TestType> left({.fail_write = n, .fail_sync = {}, .disk_bytes_left = {}});
    CHECK(left.failed_at == static_cast<int>(n));
    left.check({0});
  }
}

TEMPLATE_TEST_CASE("the n-th sync fails: its batch is whole, the store closes", "[storage][faults]", memory_kind,
                   rocks_kind) {
  for (std::uint64_t n : {1, 2, 7}) {
    broken<TestType> left({.fail_write = {}, .fail_sync = n, .disk_bytes_left = {}});
    CHECK(left.failed_at == static_cast<int>(n));
    left.check({0, 3});
  }
}

TEST_CASE("buffered batches do not count as syncs", "[storage][faults]") {
  auto held = make_faulty_store(make_memory_store(), {.fail_write = {}, .fail_sync = 2, .disk_bytes_left = {}});
  must(held->apply(numbered(1, 100), durability::synced));
  must(held->apply(numbered(2, 100), durability::buffered));
  CHECK_FALSE(held->apply(numbered(3, 100), durability::synced));
}

TEMPLATE_TEST_CASE("a full disk: the batch that does not fit is absent, the store closes", "[storage][faults]",
                   memory_kind, rocks_kind) {
  for (std::uint64_t bytes : {0, 700, 1500}) {
    broken<TestType> left({.fail_write = {}, .fail_sync = {}, .disk_bytes_left = bytes});
    left.check({0});
  }
}

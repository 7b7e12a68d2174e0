// The pool's bounds hold exactly, whoever races; what waits is run in order or dropped, never forgotten.

#include "actors/kdf_pool.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <barrier>
#include <catch2/catch.hpp>
#include <functional>
#include <latch>
#include <mutex>
#include <set>
#include <thread>

#include "tests/support/random_source.hpp"

using namespace nacre;
using namespace nacre::testing;
using actors::kdf_pool;

namespace {

uuid numbered(std::uint32_t n) {
  uuid id;
  for (std::size_t i = 0; i < 4; ++i) id.bytes[15 - i] = static_cast<std::uint8_t>(n >> 8 * i);
  return id;
}
workspace_id ws(std::uint32_t n) { return workspace_id{numbered(n)}; }

// The places that `count` threads got which tried at the same moment.
std::vector<kdf_pool::place> race(kdf_pool& pool, std::size_t count,
                                  const std::function<std::pair<workspace_id, uuid>(std::size_t)>& who) {
  std::vector<std::optional<kdf_pool::place>> got(count);
  std::barrier start(static_cast<std::ptrdiff_t>(count));
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < count; ++i)
      threads.emplace_back([&, i] {
        const auto [workspace, about] = who(i);
        start.arrive_and_wait();
        got[i] = pool.enter(workspace, about);
      });
  }
  std::vector<kdf_pool::place> in;
  for (auto& place : got)
    if (place) in.push_back(std::move(*place));
  return in;
}

// Does something when it dies, not when it is moved from.
class last_words {
 public:
  explicit last_words(std::function<void()> say) : say_(std::make_unique<std::function<void()>>(std::move(say))) {}
  last_words(last_words&&) = default;
  last_words& operator=(last_words&&) = delete;
  ~last_words() {
    if (say_) (*say_)();
  }

 private:
  std::unique_ptr<std::function<void()>> say_;
};

// Runs `job` and waits for its end.
void run_now(kdf_pool& pool, const std::function<void()>& job) {
  auto place = pool.enter(ws(99), {});
  REQUIRE(place);
  std::latch done(1);
  pool.run(std::move(*place), [&](auto&) {
    job();
    done.count_down();
  });
  done.wait();
}

// Occupies every thread of a pool until let go.
class busy_threads {
 public:
  busy_threads(kdf_pool& pool, std::size_t threads) : arrived_(static_cast<std::ptrdiff_t>(threads)) {
    for (std::size_t i = 0; i < threads; ++i) {
      auto place = pool.enter(ws(1000 + static_cast<std::uint32_t>(i)), {});
      REQUIRE(place);
      pool.run(std::move(*place), [this](auto&) {
        arrived_.count_down();
        go_.wait();
      });
    }
    arrived_.wait();
  }
  void let_go() { go_.count_down(); }

 private:
  std::latch arrived_;
  std::latch go_{1};
};

}  // namespace

TEST_CASE("no more enter than threads and queue, whoever races", "[actors][kdf_pool]") {
  kdf_pool pool({.threads = 2, .queue = 3, .per_workspace = 4});
  for (std::uint64_t round = 0; round < 20; ++round) {
    auto in = race(pool, 12, [](std::size_t i) {
      return std::pair{ws(static_cast<std::uint32_t>(i)), numbered(100 + static_cast<std::uint32_t>(i))};
    });
    CHECK(in.size() == 5);
    CHECK(pool.now().queued == 5);
    CHECK(pool.now().refused_total == (round + 1) * 7);
    in.clear();
    CHECK(pool.now().queued == 0);
  }
}

TEST_CASE("a workspace has its share and takes no other's, whoever races", "[actors][kdf_pool]") {
  kdf_pool pool({.threads = 2, .queue = 30, .per_workspace = 4});
  for (int round = 0; round < 20; ++round) {
    auto in = race(pool, 10, [](std::size_t i) {
      return std::pair{ws(i % 10 == 9 ? 2 : 1), numbered(static_cast<std::uint32_t>(i + 1))};
    });
    CHECK(in.size() == 4 + 1);
    CHECK_FALSE(pool.enter(ws(1), {}));
    CHECK(pool.enter(ws(2), {}));
  }
}

TEST_CASE("a secret has one job at a time, whoever races; the nil one names none", "[actors][kdf_pool]") {
  kdf_pool pool({.threads = 2, .queue = 30, .per_workspace = 4});
  for (int round = 0; round < 20; ++round)
    CHECK(race(pool, 8, [](std::size_t i) {
            return std::pair{ws(static_cast<std::uint32_t>(i)), numbered(7)};
          }).size() == 1);
  CHECK(race(pool, 8, [](std::size_t) { return std::pair{ws(1), uuid{}}; }).size() == 4);
}

TEST_CASE("a place is free again when it is dropped, and only then", "[actors][kdf_pool]") {
  kdf_pool pool({.threads = 1, .queue = 0, .per_workspace = 1});
  {
    auto place = pool.enter(ws(1), numbered(1));
    REQUIRE(place);
    CHECK_FALSE(pool.enter(ws(1), numbered(1)));
    auto moved = std::move(*place);
    place.reset();  // of what was moved from
    CHECK_FALSE(pool.enter(ws(1), numbered(1)));
    CHECK(pool.now().queued == 1);
  }
  auto again = pool.enter(ws(1), numbered(1));
  CHECK(again);
}

TEST_CASE("a place put over another frees the other", "[actors][kdf_pool]") {
  kdf_pool pool({.threads = 1, .queue = 1, .per_workspace = 2});
  auto first = pool.enter(ws(1), numbered(1));
  auto second = pool.enter(ws(1), numbered(2));
  REQUIRE((first && second));
  *first = std::move(*second);
  CHECK(pool.now().queued == 1);
  second = pool.enter(ws(1), numbered(1));
  CHECK(second);
  CHECK_FALSE(pool.enter(ws(1), numbered(2)));
}

TEST_CASE("jobs start in the order they were given", "[actors][kdf_pool]") {
  kdf_pool pool({.threads = 1, .queue = 32, .per_workspace = 32});
  busy_threads busy(pool, 1);
  std::vector<int> order;  // touched by the one thread, read after the last has run
  std::latch done(20);
  for (int i = 0; i < 20; ++i) {
    auto place = pool.enter(ws(1), {});
    REQUIRE(place);
    pool.run(std::move(*place), [&, i](auto&) {
      order.push_back(i);
      done.count_down();
    });
  }
  CHECK(pool.now().queued == 20);
  CHECK(pool.now().running == 1);
  busy.let_go();
  done.wait();
  for (int i = 0; i < 20; ++i) CHECK(order.at(static_cast<std::size_t>(i)) == i);
}

TEST_CASE("every thread works, and jobs beyond them wait", "[actors][kdf_pool]") {
  kdf_pool pool({.threads = 3, .queue = 2, .per_workspace = 4});
  busy_threads busy(pool, 3);
  std::latch done(2);
  for (std::uint32_t i = 1; i <= 2; ++i) {
    auto place = pool.enter(ws(i), numbered(i));
    REQUIRE(place);
    pool.run(std::move(*place), [&](auto&) { done.count_down(); });
  }
  CHECK(pool.now().running == 3);
  CHECK(pool.now().queued == 2);
  CHECK_FALSE(pool.enter(ws(3), {}));
  CHECK_FALSE(done.try_wait());
  busy.let_go();
  done.wait();
  pool.stop();
  CHECK(pool.now().running == 0);
  CHECK(pool.now().queued == 0);
  CHECK(pool.now().refused_total == 1);
}

TEST_CASE("a place is free after its job, and all the job held is gone before", "[actors][kdf_pool]") {
  kdf_pool pool({.threads = 1, .queue = 4, .per_workspace = 4});
  auto place = pool.enter(ws(1), numbered(1));
  REQUIRE(place);
  std::atomic<bool> during{true}, at_the_end{true};
  pool.run(std::move(*place), [&, last = last_words([&] { at_the_end = pool.enter(ws(1), numbered(1)).has_value(); })](
                                  auto&) { during = pool.enter(ws(1), numbered(1)).has_value(); });
  // The one thread gets here when the first place is free.
  bool after = false;
  run_now(pool, [&] { after = pool.enter(ws(1), numbered(1)).has_value(); });
  CHECK(after);
  CHECK_FALSE(during);
  CHECK_FALSE(at_the_end);
}

TEST_CASE("a job may enter again and give a further job", "[actors][kdf_pool]") {
  kdf_pool pool({.threads = 1, .queue = 1, .per_workspace = 4});
  std::latch done(1);
  auto place = pool.enter(ws(1), numbered(1));
  REQUIRE(place);
  bool entered = false;
  pool.run(std::move(*place), [&](auto&) {
    auto next = pool.enter(ws(1), numbered(2));
    entered = next.has_value();
    if (next) pool.run(std::move(*next), [&](auto&) { done.count_down(); });
  });
  done.wait();
  CHECK(entered);
}

TEST_CASE("stop finishes what runs, drops what waits, and refuses what comes", "[actors][kdf_pool]") {
  kdf_pool pool({.threads = 2, .queue = 8, .per_workspace = 8});
  busy_threads busy(pool, 2);
  std::latch dropped(5);
  std::atomic<int> ran{0}, entered{0};
  for (std::uint32_t i = 1; i <= 5; ++i) {
    auto place = pool.enter(ws(1), numbered(i));
    REQUIRE(place);
    pool.run(std::move(*place), [&, last = last_words([&] {
                                      if (pool.enter(ws(2), {})) ++entered;  // from a destructor: no deadlock
                                      dropped.count_down();
                                    })](auto&) { ++ran; });
  }
  auto held = pool.enter(ws(2), numbered(9));
  REQUIRE(held);
  {
    std::jthread stopping([&] { pool.stop(); });
    dropped.wait();  // while the running jobs still run
    CHECK(pool.now().running == 2);
    CHECK_FALSE(pool.enter(ws(3), {}));
    busy.let_go();
  }
  CHECK(ran == 0);
  CHECK(entered == 0);
  CHECK(pool.now().running == 0);
  CHECK(pool.now().queued == 1);  // the one held outside

  bool late_ran = false, late_dropped = false;
  pool.run(std::move(*held), [&, last = last_words([&] { late_dropped = true; })](auto&) { late_ran = true; });
  CHECK_FALSE(late_ran);
  CHECK(late_dropped);
  CHECK(pool.now().queued == 0);
  pool.stop();
}

TEST_CASE("a place may outlive its pool", "[actors][kdf_pool]") {
  std::optional<kdf_pool::place> place;
  {
    kdf_pool pool({.threads = 1, .queue = 1, .per_workspace = 1});
    place = pool.enter(ws(1), numbered(1));
    REQUIRE(place);
  }
  place.reset();
}

TEST_CASE("the pool's threads give way to the others, also in a node that gives way itself", "[actors][kdf_pool]") {
  constexpr int least = 19;
  for (int step : {0, 3}) {
    int mine = -100, its = -100, mine_after = -100;
    std::jthread node([&] {  // process 0 is to Linux the calling thread
      static_cast<void>(setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + step));
      mine = getpriority(PRIO_PROCESS, 0);
      kdf_pool pool({.threads = 1, .queue = 1, .per_workspace = 1});
      run_now(pool, [&] { its = getpriority(PRIO_PROCESS, 0); });
      mine_after = getpriority(PRIO_PROCESS, 0);
    });
    node.join();
    CHECK(its == std::min(mine + 10, least));
    CHECK(mine_after == mine);
  }
}

TEST_CASE("by default the pool leaves a core to the others and has the stated bounds", "[actors][kdf_pool]") {
  const kdf_pool::settings s;
  CHECK(s.threads == std::max(2u, std::thread::hardware_concurrency()) - 1);
  CHECK(s.queue == 16);
  CHECK(s.per_workspace == 4);
}

TEST_CASE("in a storm of comers, leavers and jobs no bound is ever passed and nobody is lost", "[actors][kdf_pool]") {
  constexpr std::size_t capacity = 3 + 5, workspaces = 4, secrets = 6, comers = 6;
  const auto seed = announced_seed("kdf_pool storm");
  kdf_pool pool({.threads = 3, .queue = 5, .per_workspace = 3});
  struct counts {
    std::atomic<int> in{0}, running{0}, answered{0};
    std::array<std::atomic<int>, workspaces> of_workspace{};
    std::array<std::atomic<int>, secrets + 1> of_secret{};
    std::atomic<bool> passed{false};
  } c;
  // Counted from after enter() to before the place is given up, so never more than the pool counts.
  struct visit {
    counts& c;
    std::size_t workspace, about;
    visit(counts& all, std::size_t w, std::size_t s) : c(all), workspace(w), about(s) {
      if (++c.in > static_cast<int>(capacity) || ++c.of_workspace[w] > 3) c.passed = true;
      if (++c.of_secret[s] > 1 && s != 0) c.passed = true;
    }
    visit(const visit&) = delete;
    visit& operator=(const visit&) = delete;
    ~visit() { --c.in, --c.of_workspace[workspace], --c.of_secret[about], ++c.answered; }
  };
  std::atomic<int> visits{0};
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < comers; ++t)
      threads.emplace_back([&, t] {
        random_source random(seed + t);
        for (int i = 0; i < 2000; ++i) {
          const auto w = random.below(workspaces), s = random.below(secrets + 1);
          auto place = pool.enter(ws(static_cast<std::uint32_t>(w)), numbered(static_cast<std::uint32_t>(s)));
          if (!place) continue;
          ++visits;
          auto here = std::make_unique<visit>(c, w, s);
          if (random.one_in(4)) continue;  // `here` dies before `place`
          pool.run(std::move(*place), [&c, here = std::move(here)](auto&) {
            if (++c.running > 3) c.passed = true;
            --c.running;
          });
        }
      });
  }
  pool.stop();
  CHECK_FALSE(c.passed);
  CHECK(c.answered == visits);
  CHECK(c.in == 0);
  CHECK(pool.now().queued == 0);
  CHECK(pool.now().running == 0);
  CHECK(pool.now().refused_total + static_cast<std::uint64_t>(visits) == comers * 2000);
}

// Limits per address: GCRA against models that remember everything, bounded memory, secret hashing.

#include "http/limiter.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <map>
#include <thread>
#include <vector>

#include "tests/support/random_source.hpp"

using namespace nacre::http;
using namespace std::chrono_literals;
using nanoseconds = std::chrono::nanoseconds;

namespace {

const limiter::time start{std::chrono::hours{1}};

// A bucket that leaks: full up to `burst` requests, one leaves every interval.
struct leaky_bucket {
  nanoseconds interval, room;
  nanoseconds held{0};
  limiter::time last = start;
  bool admit(limiter::time now) {
    held = std::max(nanoseconds{0}, held - (now - last));
    last = now;
    if (held > room) return false;
    held += interval;
    return true;
  }
};

}  // namespace

TEST_CASE("what is admitted is what a leaky bucket admits, and never more than rate and burst allow",
          "[http][limiter][property]") {
  nacre::testing::random_source random(nacre::testing::announced_seed("limiter"));
  for (int repeat = 0; repeat < 40; ++repeat) {
    const nanoseconds interval{1'000'000 * (1 + random.below(500))};
    const auto burst = 1 + random.below(20);
    limiter l({1e9 / static_cast<double>(interval.count()), static_cast<double>(burst)});
    // 1e9 / (1e9 / n) is n to within a nanosecond; the model must round as the limiter does.
    const nanoseconds kept{static_cast<nanoseconds::rep>(1e9 / (1e9 / static_cast<double>(interval.count())))};
    const nanoseconds room{static_cast<nanoseconds::rep>(1e9 / (1e9 / static_cast<double>(interval.count())) *
                                                         static_cast<double>(burst - 1))};
    std::map<std::string, leaky_bucket> models;
    std::map<std::string, std::vector<limiter::time>> admitted;
    auto now = start;
    std::size_t wrong = 0;
    for (int i = 0; i < 400; ++i) {
      now += nanoseconds{random.one_in(3) ? 0 : random.below(static_cast<std::uint64_t>(2 * interval.count()))};
      std::string key = "192.0.2." + std::to_string(random.below(3));
      auto& model = models.try_emplace(key, leaky_bucket{kept, room}).first->second;
      auto foretold = l.peek(key, now);
      auto wait = l.admit(key, now);
      bool expected = model.admit(now);
      wrong += foretold != wait;
      wrong += (wait.count() == 0) != expected;
      if (wait.count() == 0) {
        admitted[key].push_back(now);
      } else {
        // Told to the millisecond: then there is room, a millisecond earlier there was none.
        wrong += l.peek(key, now + wait).count() != 0;
        wrong += wait > 1ms && l.peek(key, now + wait - 1ms).count() == 0 && model.held - (wait - 1ms) > model.room;
      }
    }
    CHECK(wrong == 0);
    // Any window, seen from outside: at most the burst and what the rate adds meanwhile.
    for (const auto& [key, times] : admitted)
      for (std::size_t a = 0; a < times.size(); ++a)
        for (std::size_t b = a; b < times.size(); ++b) {
          auto allowed = static_cast<std::int64_t>(burst) + (times[b] - times[a]) / kept + 1;
          if (static_cast<std::int64_t>(b - a + 1) > allowed) ++wrong;
        }
    CHECK(wrong == 0);
  }
}

TEST_CASE("after a pause a whole burst is admitted, and not one more", "[http][limiter]") {
  limiter l({20, 60});
  for (int round = 0; round < 3; ++round) {
    auto now = start + std::chrono::minutes{round};
    int admitted = 0;
    while (l.admit("a", now).count() == 0) ++admitted;
    CHECK(admitted == 60);
    CHECK(l.admit("a", now) == 50ms);
    CHECK(l.admit("b", now).count() == 0);  // others do not pay for it
  }
}

TEST_CASE("asking takes nothing, and being refused costs nothing", "[http][limiter]") {
  limiter l({1, 1});
  for (int i = 0; i < 10; ++i) CHECK(l.peek("a", start).count() == 0);
  CHECK(l.admit("a", start).count() == 0);
  for (int i = 0; i < 10; ++i) CHECK(l.admit("a", start) == 1000ms);
  CHECK(l.admit("a", start + 1s).count() == 0);
}

TEST_CASE("no rate means no limit, and strange rates are harmless", "[http][limiter]") {
  for (double none : {0.0, -1.0, std::nan("")}) {
    limiter l({none, 1});
    for (int i = 0; i < 1000; ++i) REQUIRE(l.admit("a", start).count() == 0);
  }
  for (double rare : {1e-300, 1e-12, 1e-6}) {
    limiter l({rare, 1e9});
    CHECK(l.admit("a", start).count() == 0);
    limiter single({rare, 0});
    CHECK(single.admit("a", start).count() == 0);
    CHECK(single.admit("a", start).count() > 0);
  }
  limiter fast({std::numeric_limits<double>::infinity(), 1});
  CHECK(fast.admit("a", start).count() == 0);
}

TEST_CASE("a clock that steps back is taken as standing still", "[http][limiter]") {
  limiter l({1, 2});
  CHECK(l.admit("a", start).count() == 0);
  CHECK(l.admit("a", start).count() == 0);
  CHECK(l.admit("a", start - 10s).count() > 0);
  CHECK(l.admit("a", start + 1s).count() == 0);
}

TEST_CASE("the table is bounded, and a newcomer pushes out the one that owes least", "[http][limiter][bounds]") {
  limiter l({0.001, 1}, 64);
  auto remembered = [&](int keys) {
    int count = 0;
    for (int i = 0; i < keys; ++i) count += l.peek("k" + std::to_string(i), start).count() > 0;
    return count;
  };
  for (int i = 0; i < 5'000; ++i) CHECK(l.admit("k" + std::to_string(i), start).count() == 0);
  CHECK(remembered(5'000) <= 64);
  CHECK(remembered(5'000) >= 32);

  // One that owes much outlives the flood: newcomers push each other out.
  limiter busy({1, 1'000}, 16 * 8);
  while (busy.admit("debtor", start).count() == 0) {
  }
  for (int i = 0; i < 5'000; ++i) busy.admit("k" + std::to_string(i), start + 1ms);
  CHECK(busy.peek("debtor", start + 1ms).count() > 0);
}

TEST_CASE("which keys share a place is a secret of each table", "[http][limiter]") {
  auto pattern = [] {
    limiter l({0.001, 1}, 16);  // one entry a shard: the last key of each is remembered
    std::vector<bool> seen;
    for (int i = 0; i < 300; ++i) l.admit("k" + std::to_string(i), start);
    for (int i = 0; i < 300; ++i) seen.push_back(l.peek("k" + std::to_string(i), start).count() > 0);
    return seen;
  };
  CHECK(pattern() != pattern());
}

TEST_CASE("many threads share one allowance exactly", "[http][limiter][stress]") {
  limiter l({0.001, 100});
  std::atomic<int> admitted{0}, others{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 500; ++i) {
        admitted += l.admit("shared", start).count() == 0;
        others += l.admit("own " + std::to_string(t * 1'000 + i), start).count() == 0;
      }
    });
  for (auto& t : threads) t.join();
  CHECK(admitted == 100);
  CHECK(others == 2'000);
}

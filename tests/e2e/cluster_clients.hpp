#pragma once
// Clients of a cluster whose every answer is kept, for a checker that judges whether one order explains them.

#include <algorithm>
#include <atomic>
#include <mutex>
#include <random>
#include <thread>

#include "tests/e2e/cluster_kit.hpp"
#include "tests/histories/promises.hpp"

namespace nacre::e2e {

inline std::int64_t now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

inline bool holds(const http_answer& a, const std::string& value) { return a.body.find(value) != std::string::npos; }

// What some clients saw of each secret.
class recorder {
 public:
  void add(const std::string& id, test::secret_operation op) {
    std::lock_guard lock(mutex_);
    seen_[id].push_back(std::move(op));
  }
  void reveal(cluster& of, int node, const std::string& id, const std::string& value, const std::string& key) {
    test::secret_operation op;
    op.call = {test::secret_call::kind::reveal, key};
    op.called = now_us();
    const auto a = of.reveal(node, id, key);
    op.returned = now_us();
    op.answered = a.status == 200 || a.status == 404;
    op.answer = a.status == 200 ? test::secret_answer::done : test::secret_answer::gone;
    if (a.status == 200 && !holds(a, value)) wrong_values++;
    add(id, std::move(op));
  }
  std::map<std::string, std::vector<test::secret_operation>> all() {
    std::lock_guard lock(mutex_);
    return seen_;
  }
  std::atomic<int> wrong_values{0};

 private:
  std::mutex mutex_;
  std::map<std::string, std::vector<test::secret_operation>> seen_;
};

// Clients that make and read secrets at all nodes until told to stop; then every secret is read once more by everybody.
class clients {
 public:
  clients(cluster& of, unsigned seed) : of_(of) {
    for (unsigned i = 0; i < 6; ++i) threads_.emplace_back([this, i, seed] { work(i, seed * 100 + i); });
  }
  ~clients() { stop(); }
  void stop() {
    stopping_ = true;
    for (auto& t : threads_)
      if (t.joinable()) t.join();
  }
  // Whoever reads now, with the cluster whole, either gets an unread value or learns that it is gone.
  void read_the_rest() {
    for (auto& [id, value] : made_)
      log_.reveal(of_, of_.asked()[static_cast<std::size_t>(id[0]) % of_.asked().size()], id, value, {});
  }
  recorder& log() { return log_; }
  std::size_t acknowledged() {
    std::lock_guard lock(mutex_);
    return made_.size();
  }
  // Whether they get on: some more secrets are made.
  bool get_on() {
    const auto before = acknowledged();
    return eventually([&] { return acknowledged() >= before + 5; });
  }

 private:
  void work(unsigned number, unsigned seed) {
    std::mt19937 random(seed);
    const auto any_node = [&] {
      const auto all = of_.asked();
      return all[random() % all.size()];
    };
    for (int n = 0; !stopping_; ++n) {
      const auto value = "value-" + std::to_string(number) + "-" + std::to_string(n) + "-";
      test::secret_operation made;
      made.call = {test::secret_call::kind::conceal, {}};
      made.called = now_us();
      const auto id = of_.conceal(any_node(), value);
      made.returned = now_us();
      if (id) {
        made.answered = true;
        log_.add(*id, made);
        std::lock_guard lock(mutex_);
        made_.emplace_back(*id, value);
      }
      for (int reads = 0; reads < 3; ++reads) {
        std::pair<std::string, std::string> which;
        {
          std::lock_guard lock(mutex_);
          if (made_.empty()) break;
          const auto recent = std::min<std::size_t>(made_.size(), 12);
          which = made_[made_.size() - 1 - random() % recent];
        }
        const auto key = random() % 2 == 0 ? std::string() : "reader-of-secrets-" + std::to_string(random() % 3);
        log_.reveal(of_, any_node(), which.first, which.second, key);
      }
    }
  }

  cluster& of_;
  recorder log_;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::vector<std::pair<std::string, std::string>> made_;
  std::vector<std::thread> threads_;
};

inline void judge(clients& them, unsigned seed) {
  CAPTURE(seed);
  them.read_the_rest();
  CHECK(them.log().wrong_values == 0);
  CHECK(them.acknowledged() > 10);
  std::size_t shown = 0;
  for (const auto& [id, history] : them.log().all()) {
    CHECK(test::holds_for_secret(history));
    shown += std::any_of(history.begin(), history.end(), [](const auto& op) {
      return op.call.what == test::secret_call::kind::reveal && op.answered && op.answer == test::secret_answer::done;
    });
  }
  CHECK(shown > 10);
}

}  // namespace nacre::e2e

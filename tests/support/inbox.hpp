#pragma once
// Where answers from other threads are collected. Waiting is bounded, never timed: a test goes on as
// soon as what it waits for is there. Catch2's assertions belong to the test's own thread.

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace nacre::testing {

// Only a hanging program meets it.
inline constexpr std::chrono::seconds patience{30};

template <class T>
class inbox {
 public:
  void put(T item) {
    std::lock_guard lock(mutex_);
    items_.push_back(std::move(item));
    changed_.notify_all();
  }
  // Whether so many have arrived.
  bool await(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [&] { return items_.size() >= count; });
  }
  std::size_t size() const {
    std::lock_guard lock(mutex_);
    return items_.size();
  }
  std::vector<T> take() {
    std::lock_guard lock(mutex_);
    return std::exchange(items_, {});
  }
  // The next one, in order of arrival.
  T next() {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, patience, [&] { return !items_.empty(); })) return {};
    T first = std::move(items_.front());
    items_.erase(items_.begin());
    return first;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<T> items_;
};

// Polls until `holds()`; false after that time. With a pause it leaves the processors to what is waited for.
template <class Condition>
bool eventually(Condition holds, std::chrono::milliseconds within = patience, std::chrono::milliseconds pause = {}) {
  auto end = std::chrono::steady_clock::now() + within;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) return false;
    if (pause.count() == 0)
      std::this_thread::yield();
    else
      std::this_thread::sleep_for(pause);
  }
  return true;
}

}  // namespace nacre::testing

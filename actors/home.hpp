#pragma once
// The thread a question comes from, where that thread takes work back. What is made of an answer must not be made on
// the threads that keep a cluster together (cluster/log.hpp): others wait there for the next frame or the next write.

#include <memory>
#include <utility>

#include "model/unique_function.hpp"

namespace nacre::actors {

class home {
 public:
  virtual ~home() = default;
  // Runs it there, later; drops it where that thread has ended. Threads: any.
  virtual void post(unique_function<void()> work) noexcept = 0;
};

// Of the calling thread; null: it takes nothing back.
inline std::shared_ptr<home>& home_of_this_thread() {
  thread_local std::shared_ptr<home> here;
  return here;
}

// While it lives the calling thread works for another, whose home is its own.
class work_for {
 public:
  explicit work_for(std::shared_ptr<home> other) : before_(std::exchange(home_of_this_thread(), std::move(other))) {}
  work_for(const work_for&) = delete;
  work_for& operator=(const work_for&) = delete;
  ~work_for() { home_of_this_thread() = std::move(before_); }

 private:
  std::shared_ptr<home> before_;
};

}  // namespace nacre::actors

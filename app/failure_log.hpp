#pragma once
// Why requests were answered 5xx, for the log, in a way strangers cannot fill it with.
//
// What anybody can bring about by coming often, or late, is told at info like the request itself: busy, full, past the
// deadline. What should never happen is a warning, once a minute for each kind; those between are told at info, and the
// next warning says how many they were.
// Threads: any.

#include <array>
#include <chrono>
#include <cstdint>
#include <mutex>

#include "app/log.hpp"
#include "model/error.hpp"
#include "model/ids.hpp"

namespace nacre::app {

class failure_log {
 public:
  using steady = std::chrono::steady_clock;
  static constexpr std::chrono::minutes between{1};

  explicit failure_log(logger& to) : to_(to) {}
  void note(request_id id, const error& why, steady::time_point now);

 private:
  struct kind {
    bool warned = false;
    steady::time_point at;
    std::uint64_t since = 0;  // told at info after that
  };
  logger& to_;
  std::mutex mutex_;
  std::array<kind, static_cast<std::size_t>(errc::internal) + 1> kinds_;
};

}  // namespace nacre::app

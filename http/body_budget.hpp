#pragma once
// What the large bodies of one server may hold in memory, all connections together; large is more than
// limits::body_bytes_max. A body takes its share as it arrives and gives it back before its request is
// answered, or when that goes, whoever holds it by then.
// Threads: any.

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

namespace nacre::http {

class body_budget {
 public:
  explicit body_budget(std::size_t bytes_max) : state_(std::make_shared<state>()) { state_->bytes_max = bytes_max; }
  std::size_t held_bytes() const noexcept { return state_->held.load(std::memory_order_relaxed); }
  // As things stand: another may take it first.
  bool has_room_for(std::size_t bytes) const noexcept {
    return bytes <= state_->bytes_max && held_bytes() <= state_->bytes_max - bytes;
  }

 private:
  friend class body_share;
  struct state {
    std::size_t bytes_max = 0;
    std::atomic<std::size_t> held{0};
  };
  std::shared_ptr<state> state_;  // shares may outlive the server
};

class body_share {
 public:
  body_share() = default;
  body_share(body_share&& other) noexcept
      : of_(std::move(other.of_)), bytes_(std::exchange(other.bytes_, std::size_t{0})) {}
  body_share& operator=(body_share&& other) noexcept {
    std::swap(of_, other.of_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  body_share(const body_share&) = delete;
  body_share& operator=(const body_share&) = delete;
  ~body_share() {
    if (of_) of_->held.fetch_sub(bytes_, std::memory_order_relaxed);
  }

  // To so many bytes, from a budget that stays the same; false, and nothing changed, if they are not there.
  bool grow_to(std::size_t bytes, const body_budget& from) noexcept {
    const auto more = bytes - bytes_;
    auto held = from.state_->held.load(std::memory_order_relaxed);
    do {
      if (more > from.state_->bytes_max || held > from.state_->bytes_max - more) return false;
    } while (!from.state_->held.compare_exchange_weak(held, held + more, std::memory_order_relaxed));
    of_ = from.state_;
    bytes_ = bytes;
    return true;
  }

 private:
  std::shared_ptr<body_budget::state> of_;
  std::size_t bytes_ = 0;
};

}  // namespace nacre::http

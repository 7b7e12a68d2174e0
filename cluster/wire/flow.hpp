#pragma once
// How much may be under way, and when to try again. CAF queues whatever it is given, so what a peer has not yet taken
// is counted here and bounded. Pure. Threads: one per object.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace nacre::cluster::wire {

// What a frame costs besides its bytes, so that many small ones are bounded as well.
inline constexpr std::size_t frame_cost_bytes = 256;
constexpr std::size_t cost_of(std::size_t payload) { return payload + frame_cost_bytes; }

// The sender's side: what was sent and is not yet acknowledged.
class credit {
 public:
  explicit credit(std::size_t window) : window_(window) {}
  bool take(std::size_t cost) {
    if (cost > window_ - in_flight()) return false;
    sent_ += cost;
    return true;
  }
  // `total` of the costs the peer has taken since the beginning. False: it never was sent so much, or less than before.
  bool acknowledge(std::uint64_t total) {
    if (total < acknowledged_ || total > sent_) return false;
    acknowledged_ = total;
    return true;
  }
  std::size_t in_flight() const { return static_cast<std::size_t>(sent_ - acknowledged_); }

 private:
  std::size_t window_;
  std::uint64_t sent_ = 0, acknowledged_ = 0;  // never further apart than the window
};

// The receiver's side: what was taken, told in steps and not for every frame.
class receipt {
 public:
  explicit receipt(std::size_t step) : step_(step) {}
  // Whether the peer should be told at once.
  bool taken(std::size_t cost) {
    total_ += cost;
    return total_ - told_ >= step_;
  }
  std::uint64_t tell() { return told_ = total_; }

 private:
  std::size_t step_;
  std::uint64_t total_ = 0, told_ = 0;
};

// Doubles from attempt to attempt, and spreads them: half of it is by chance.
class backoff {
 public:
  backoff(std::chrono::milliseconds least, std::chrono::milliseconds most) : least_(least), most_(most), at_(least) {}
  std::chrono::milliseconds next(std::uint32_t random) {
    const auto half = at_.count() / 2;
    const std::chrono::milliseconds out(half + static_cast<std::int64_t>(random) % (half + 1));
    at_ = std::min(at_ * 2, most_);
    return out;
  }
  void reset() { at_ = least_; }

 private:
  std::chrono::milliseconds least_, most_, at_;
};

}  // namespace nacre::cluster::wire

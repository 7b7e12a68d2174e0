#pragma once
// Limits per client address, local to this node: GCRA, one theoretical arrival time per key
// (ITU-T I.371). The table is bounded; when it is full, the idlest of a few random entries goes.
// Keys are hashed with a secret (SipHash-2-4), so that nobody can choose colliding addresses.
// Threads: any.

#include <array>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <random>
#include <string_view>
#include <unordered_map>

namespace nacre::http {

struct rate {
  double per_second = 0;  // 0: no limit
  double burst = 1;       // requests admitted at once after a pause
};

class limiter {
 public:
  using time = std::chrono::steady_clock::time_point;
  explicit limiter(rate r, std::size_t keys_max = 65'536);

  // False: everything is admitted, and nobody need compute a key.
  bool limits() const { return interval_.count() != 0; }
  // Takes one from the key's allowance. Zero: admitted; else how long to wait for the next one.
  std::chrono::milliseconds admit(std::string_view key, time now);
  // The same without taking.
  std::chrono::milliseconds peek(std::string_view key, time now) const;

 private:
  static constexpr std::size_t shards = 16;
  struct shard {
    mutable std::mutex mutex;
    std::unordered_map<std::uint64_t, time> arrival;
  };
  std::uint64_t hash(std::string_view key) const;
  std::chrono::nanoseconds wait(time arrival, time now) const;
  static void evict_one(shard& s, std::uint64_t seed);

  std::chrono::nanoseconds interval_{0}, tolerance_{0};
  std::size_t per_shard_max_;
  std::array<unsigned char, 16> key_{};
  std::array<shard, shards> shards_;
};

}  // namespace nacre::http

#include "http/limiter.hpp"

#include <sodium.h>

#include <algorithm>
#include <cstring>

namespace nacre::http {

static_assert(crypto_shorthash_KEYBYTES == 16 && crypto_shorthash_BYTES == 8);

limiter::limiter(rate r, std::size_t keys_max) : per_shard_max_(std::max<std::size_t>(1, keys_max / shards)) {
  crypto_shorthash_keygen(key_.data());
  if (!(r.per_second > 0)) return;
  // Bounded, so that no rate makes the sums below overflow: at the slowest, one in a hundred days.
  constexpr double interval_ns_max = 1e9 * 86'400 * 100, tolerance_ns_max = 1e9 * 86'400 * 10'000;
  using ns = std::chrono::nanoseconds;
  double interval = std::clamp(1e9 / r.per_second, 1.0, interval_ns_max);
  interval_ = ns{static_cast<ns::rep>(interval)};
  tolerance_ = ns{static_cast<ns::rep>(std::min(interval * (std::max(1.0, r.burst) - 1), tolerance_ns_max))};
}

std::uint64_t limiter::hash(std::string_view key) const {
  unsigned char out[crypto_shorthash_BYTES];
  crypto_shorthash(out, reinterpret_cast<const unsigned char*>(key.data()), key.size(), key_.data());
  std::uint64_t h;
  std::memcpy(&h, out, sizeof h);
  return h;
}

std::chrono::nanoseconds limiter::wait(time arrival, time now) const {
  return std::max<std::chrono::nanoseconds>(arrival - now - tolerance_, std::chrono::nanoseconds{0});
}

std::chrono::milliseconds limiter::admit(std::string_view key, time now) {
  if (interval_.count() == 0) return {};
  auto h = hash(key);
  auto& s = shards_[h % shards];
  std::lock_guard lock(s.mutex);
  auto it = s.arrival.find(h);
  auto arrival = it == s.arrival.end() ? now : std::max(it->second, now);
  if (auto left = wait(arrival, now); left.count() > 0) return std::chrono::ceil<std::chrono::milliseconds>(left);
  if (it == s.arrival.end()) {
    if (s.arrival.size() >= per_shard_max_) evict_one(s, h);
    s.arrival.emplace(h, arrival + interval_);
  } else {
    it->second = arrival + interval_;
  }
  return {};
}

std::chrono::milliseconds limiter::peek(std::string_view key, time now) const {
  if (interval_.count() == 0) return {};
  auto h = hash(key);
  const auto& s = shards_[h % shards];
  std::lock_guard lock(s.mutex);
  auto it = s.arrival.find(h);
  if (it == s.arrival.end()) return {};
  return std::chrono::ceil<std::chrono::milliseconds>(wait(it->second, now));
}

// Looks into a few buckets from a place the attacker cannot choose; the earliest arrival time is the
// key that has been idle longest or owes least.
void limiter::evict_one(shard& s, std::uint64_t seed) {
  auto victim = s.arrival.end();
  auto buckets = s.arrival.bucket_count();
  for (std::size_t i = 0, seen = 0; i < buckets && seen < 8; ++i) {
    auto b = (seed / shards + i) % buckets;
    for (auto it = s.arrival.begin(b); it != s.arrival.end(b); ++it, ++seen) {
      if (victim == s.arrival.end() || it->second < victim->second) victim = s.arrival.find(it->first);
    }
  }
  if (victim != s.arrival.end()) s.arrival.erase(victim);
}

}  // namespace nacre::http

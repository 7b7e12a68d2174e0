#pragma once
// What records and commands of every family are made of: random values, and the fixed ones of the golden files.

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "model/commands.hpp"
#include "model/limits.hpp"
#include "tests/support/random_source.hpp"

namespace nacre::model::testing {

using nacre::testing::random_source;

inline std::optional<timestamp> maybe_time(random_source& r) {
  if (r.one_in(2)) return std::nullopt;
  return r.time();
}
inline std::string text(random_source& r, std::size_t at_most = 4 * limits::name_chars_max) {
  return r.bytes(r.one_in(8) ? at_most : std::min<std::size_t>(at_most, 12));
}
inline scope_set any_scopes(random_source& r) { return static_cast<scope_set>(r.below(every_scope + 1)); }
inline std::uint32_t any_lifespan(random_source& r) {
  constexpr auto least = static_cast<std::uint32_t>(limits::secret_ttl_s_min);
  constexpr auto most = static_cast<std::uint32_t>(limits::secret_ttl_s_max);
  if (r.one_in(8)) return r.one_in(2) ? least : most;
  return least + static_cast<std::uint32_t>(r.below(most - least));
}
inline std::int64_t any_window(random_source& r) {
  return static_cast<std::int64_t>(r.below(static_cast<std::uint64_t>(limits::retry_window_ms_max) + 1));
}
inline std::optional<keyed_hash> maybe_hash(random_source& r) {
  if (r.one_in(2)) return std::nullopt;
  return r.array<32>();
}

inline uuid sample_id(std::uint8_t first) {
  uuid id;
  for (std::size_t i = 0; i < 16; ++i) id.bytes[i] = static_cast<std::uint8_t>(first + i);
  return id;
}
inline std::array<std::uint8_t, 32> sample_hash(std::uint8_t first) {
  std::array<std::uint8_t, 32> h{};
  for (std::size_t i = 0; i < 32; ++i) h[i] = static_cast<std::uint8_t>(first + i);
  return h;
}
inline constexpr timestamp sample_time{1806451200123};

using named_operations = std::vector<std::pair<std::string, operation>>;

}  // namespace nacre::model::testing

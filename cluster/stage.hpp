#pragma once
// From ordered commands to one batch: applies each on top of the ones before and collects the writes,
// with the index of the last one among them, so that state and index land together.

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "model/apply.hpp"
#include "model/view.hpp"
#include "storage/store.hpp"

namespace nacre::cluster {

// meta key under which the index of the last applied command lies, u64 big-endian.
inline constexpr std::string_view applied_index_key = "log.applied";
std::uint64_t read_applied_index(const model::view& v);

struct staged_round {
  std::vector<model::outcome> outcomes;  // one per command
  storage::batch writes;                 // empty if no command acted
  bool trustworthy = true;               // false: a read failed; nothing of this may be used
};
// `first_index` is the index of commands[0].
staged_round stage(const model::view& base, std::span<const model::command* const> commands, std::uint64_t first_index);
// Without an index among the writes, for an engine that keeps its own.
staged_round stage(const model::view& base, std::span<const model::command* const> commands);

}  // namespace nacre::cluster

#pragma once
// What rules see of the disk: ordered bytes in spaces, of which rules use the first five.
//
// A `view` is one moment of the state and never changes while it is held. Threads: any, one at a
// time. A read that fails (bad disk, bad checksum) answers "absent" and is remembered: whoever
// decides on a view asks `trustworthy()` before believing the decision, and discards it if not.
//
// Keys begin with the 16 bytes of the workspace except in `meta`, `index` and `log`, so a workspace is one
// range per space. `index` holds only what can be rebuilt from the ranges.

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace nacre::model {

enum class space : std::uint8_t {
  meta,    // node-wide: format, cluster id, wrapped service keys, applied index
  state,   // workspaces, members, PATs, budgets, request ids
  sealed,  // wrapped keys and ciphertext, nothing else: what shredding must reach
  audit,   // the append-only audit entries
  index,   // token lookup -> (workspace, PAT); user -> workspaces
  log,     // of a replicated engine: entries, votes, what is being fetched (cluster/raft/log_store.hpp)
};
inline constexpr std::size_t space_count = 6;

class view {
 public:
  virtual ~view() = default;
  virtual std::optional<std::string> get(space in, std::string_view key) const = 0;
  // Says which rows get() will be asked for next, in any order; a view of a disk may then read what they
  // share once. A hint: it changes no answer, may be ignored, and a read that fails here is tried again,
  // and remembered, by the get(). Each call forgets the rows of the one before. `neighbours`: so many rows of
  // the last key's workspace and kind to either side are likely to be asked for soon, through other views.
  virtual void prefetch(space, std::span<const std::string_view>, std::size_t /*neighbours*/ = 0) const {}
  // Calls `visit(key, value)` in key order for from <= key < to until it answers false.
  using visitor = std::function<bool(std::string_view key, std::string_view value)>;
  virtual void scan(space in, std::string_view from, std::string_view to, const visitor& visit) const = 0;
  virtual bool failed() const = 0;
  // Bytes that were read but do not decode are a failed read too: marked by the rules that met them.
  void mark_undecodable() const { undecodable_.store(true, std::memory_order_relaxed); }
  bool trustworthy() const { return !failed() && !undecodable_.load(std::memory_order_relaxed); }

 private:
  mutable std::atomic<bool> undecodable_{false};
};

// A view that can be written to; what apply() works on. Its reads see its own writes.
class state : public view {
 public:
  virtual void put(space in, std::string key, std::string value) = 0;
  virtual void erase(space in, std::string key) = 0;
};

}  // namespace nacre::model

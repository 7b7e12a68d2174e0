#pragma once
// What was changed when, coarsely: enough to know that something kept in memory is still what a view would say.
//
// Commands are numbered in the order in which they are applied. Before the effects of a round can be read,
// begin() marks the workspaces it may change in a way that matters here (model::changes_standing); after they
// can be read, and before anything of the round is acknowledged, end() says so.
//
// Whoever keeps something read of a workspace takes `stamp()` before the view it is read from. It is what a view
// would say as long as untouched_since(workspace, stamp) is true. Why:
//   - a round with a number up to the stamp could be read when the stamp was taken, so the view held it;
//   - a round with a higher number marks its workspaces before its effects can be read, let alone be acknowledged:
//     from then on the answer is false. So at the moment of a true answer no view says anything else.
// After a round that failed nothing is called unchanged any more in what it touched: it was marked, never ended.
//
// Marks are shared by workspaces with the same hash, which costs a second look and nothing else. Threads: stamp() and
// untouched_since() any; begin() and end() by one at a time (who applies).

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>

#include "model/ids.hpp"

namespace nacre::cluster {

class changes {
 public:
  std::uint64_t stamp() const { return ended_.load(); }
  bool untouched_since(workspace_id ws, std::uint64_t stamp) const { return mark_of(ws).load() <= stamp; }

  // `number` is greater than every one before it.
  void begin(workspace_id ws, std::uint64_t number) { mark_of(ws).store(number); }
  void end(std::uint64_t number) { ended_.store(number); }

 private:
  static constexpr unsigned mark_bits = 12;
  // The highest bits of a hash that multiplies are its best.
  static std::size_t slot(workspace_id ws) { return std::hash<uuid>{}(ws.value()) >> (64 - mark_bits); }
  std::atomic<std::uint64_t>& mark_of(workspace_id ws) { return marks_[slot(ws)]; }
  const std::atomic<std::uint64_t>& mark_of(workspace_id ws) const { return marks_[slot(ws)]; }

  std::array<std::atomic<std::uint64_t>, std::size_t{1} << mark_bits> marks_{};
  std::atomic<std::uint64_t> ended_{0};
};

}  // namespace nacre::cluster

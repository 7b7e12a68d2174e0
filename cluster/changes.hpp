#pragma once
// What was changed when, coarsely: enough to know that something kept in memory is still what a view would say.
//
// Commands are numbered in the order in which they are applied. Before the effects of a round can be read,
// begin() marks the workspaces of its commands in each respect in which they may change something (model/policy.hpp);
// after they can be read, and before anything of the round is acknowledged, end() says so.
//
// Whoever keeps something read of a workspace takes `stamp()` before the view it is read from. It is what a view
// would say as long as untouched_since(respect, workspace, stamp) is true. Why:
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

#include "model/commands.hpp"
#include "model/policy.hpp"

namespace nacre::cluster {

class changes {
 public:
  enum class respect : std::uint8_t {
    standing,  // what a token is worth: model::changes_standing
    lists,     // what lists of tokens show, and to whom: model::changes_lists, the former included
  };

  std::uint64_t stamp() const { return ended_.load(); }
  bool untouched_since(respect of, workspace_id ws, std::uint64_t stamp) const {
    return mark_of(of, ws).load() <= stamp;
  }

  // For every command of the round `number`, which is greater than every one before it.
  void begin(const model::command& c, std::uint64_t number) {
    if (model::changes_standing(c.what)) mark_of(respect::standing, c.ctx.workspace).store(number);
    if (model::changes_lists(c.what)) mark_of(respect::lists, c.ctx.workspace).store(number);
  }
  // The whole state is replaced.
  void begin_all(std::uint64_t number) {
    for (auto& of : marks_)
      for (auto& mark : of) mark.store(number);
  }
  void end(std::uint64_t number) { ended_.store(number); }

 private:
  static constexpr unsigned mark_bits = 12;
  using marks = std::array<std::atomic<std::uint64_t>, std::size_t{1} << mark_bits>;
  // The highest bits of a hash that multiplies are its best.
  static std::size_t slot(workspace_id ws) { return std::hash<uuid>{}(ws.value()) >> (64 - mark_bits); }
  std::atomic<std::uint64_t>& mark_of(respect of, workspace_id ws) {
    return marks_[static_cast<std::size_t>(of)][slot(ws)];
  }
  const std::atomic<std::uint64_t>& mark_of(respect of, workspace_id ws) const {
    return marks_[static_cast<std::size_t>(of)][slot(ws)];
  }

  std::array<marks, 2> marks_{};
  std::atomic<std::uint64_t> ended_{0};
};

}  // namespace nacre::cluster

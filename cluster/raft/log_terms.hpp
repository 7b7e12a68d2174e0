#pragma once
// The term of every entry in a log, as runs: what libraft knows and does not tell.

#include <algorithm>
#include <cstdint>
#include <vector>

#include "cluster/raft/types.hpp"

namespace nacre::cluster::raft {

class log_terms {
 public:
  // A log that holds nothing but what is before `mark`, and the mark.
  void reset(log_mark mark) {
    runs_.assign(1, {mark.index, mark.term});
    next_ = mark.index + 1;
  }
  // As it was loaded: entries may begin before the mark, or right after it.
  void load(const loaded_log& from) {
    reset(from.mark);
    if (from.entries.empty()) return;
    if (from.first <= from.mark.index) {
      runs_.clear();
      next_ = from.first;
    }
    for (const auto& e : from.entries) append(e.term);
  }
  void append(std::uint64_t term) {
    if (runs_.empty() || runs_.back().term != term) runs_.push_back({next_, term});
    ++next_;
  }
  void truncate(std::uint64_t from) {
    while (!runs_.empty() && runs_.back().first >= from) runs_.pop_back();
    next_ = std::min(next_, from);
  }
  // Terms of entries before `index` are not asked for any more.
  void drop_below(std::uint64_t index) {
    auto keep = std::upper_bound(runs_.begin(), runs_.end(), index,
                                 [](std::uint64_t at, const run& r) { return at < r.first; });
    if (keep == runs_.begin()) return;
    runs_.erase(runs_.begin(), keep - 1);
    runs_.front().first = std::max(runs_.front().first, index);
  }
  // 0: not there.
  std::uint64_t term_of(std::uint64_t index) const {
    if (index >= next_) return 0;
    auto after = std::upper_bound(runs_.begin(), runs_.end(), index,
                                  [](std::uint64_t at, const run& r) { return at < r.first; });
    return after == runs_.begin() ? 0 : (after - 1)->term;
  }
  std::uint64_t next() const { return next_; }

 private:
  struct run {
    std::uint64_t first, term;
  };
  std::vector<run> runs_;
  std::uint64_t next_ = 1;
};

}  // namespace nacre::cluster::raft

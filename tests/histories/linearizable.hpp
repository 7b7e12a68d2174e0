#pragma once
// Whether what clients saw can be explained by one order of their operations, each taking effect at one moment
// between its call and its answer (Herlihy and Wing 1990; the search is that of Wing and Gong with Lowe's memory of
// states seen).
//
// An operation whose answer never came (`answered` is false) may have taken effect at any moment after its call, or
// never. A model is a small state, comparable by <, and a function that says whether an operation with this answer fits
// the state, and changes it. Histories are at most `operations_max` long: one object's share, not all of a run.
// Who records takes `called` before the request leaves and `returned` after the answer is in, from one steady clock.

#include <algorithm>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <set>
#include <utility>
#include <vector>

namespace nacre::test {

inline constexpr std::size_t operations_max = 256;

template <class Call, class Answer>
struct operation {
  std::int64_t called = 0, returned = 0;  // microseconds
  Call call;
  bool answered = false;
  Answer answer{};  // if answered
};

// `step(state, op)`: false if an answered `op` cannot happen in `state`; else changes it. Of an operation without an
// answer it is asked for the effect only, and must be true.
template <class State, class Call, class Answer, class Step>
bool linearizable(const std::vector<operation<Call, Answer>>& history, State initial, Step step) {
  using done_set = std::bitset<operations_max>;
  if (history.size() > operations_max) return false;
  constexpr auto never = std::numeric_limits<std::int64_t>::max();
  struct less {
    bool operator()(const std::pair<done_set, State>& a, const std::pair<done_set, State>& b) const {
      if (a.second < b.second) return true;
      if (b.second < a.second) return false;
      for (std::size_t i = 0; i < operations_max; ++i)
        if (a.first[i] != b.first[i]) return b.first[i];
      return false;
    }
  };
  std::size_t must = 0;
  for (const auto& op : history) must += op.answered ? 1 : 0;

  struct position {
    done_set done;
    State state;
    std::size_t explained;  // of those with an answer
  };
  std::set<std::pair<done_set, State>, less> seen;
  std::vector<position> open{{{}, std::move(initial), 0}};
  while (!open.empty()) {
    auto at = std::move(open.back());
    open.pop_back();
    if (at.explained == must) return true;
    auto first_return = never;  // of what is still to be explained: nothing called after it can come before
    for (std::size_t i = 0; i < history.size(); ++i)
      if (!at.done[i] && history[i].answered) first_return = std::min(first_return, history[i].returned);
    // What fits here and changes nothing is explained at once: every order of the rest stays possible.
    std::vector<position> branches;
    for (std::size_t i = 0; i < history.size(); ++i) {
      if (at.done[i] || history[i].called > first_return) continue;
      auto next = at;
      if (!step(next.state, history[i])) continue;
      next.done.set(i);
      next.explained += history[i].answered ? 1 : 0;
      const bool unchanged = !(next.state < at.state) && !(at.state < next.state);
      if (unchanged && !history[i].answered) continue;  // it may still have its effect later
      if (unchanged) branches.clear();
      branches.push_back(std::move(next));
      if (unchanged) break;
    }
    for (auto& next : branches)
      if (seen.emplace(next.done, next.state).second) open.push_back(std::move(next));
  }
  return false;
}

}  // namespace nacre::test

#include "cluster/raft/guard.hpp"

#include <algorithm>
#include <functional>

namespace nacre::cluster::raft::guard {

bool may_handle(const struct raft& r, bool writing, std::uint64_t message_term) {
  if (!writing) return true;
  return r.state == RAFT_LEADER && message_term <= r.current_term;
}

bool may_tick(const struct raft& r, bool writing) { return !writing || r.state == RAFT_LEADER; }

bool must_propose_first(const struct raft& r, std::uint64_t proposed_in_term) {
  return r.state == RAFT_LEADER && proposed_in_term != r.current_term;
}

bool may_replicate(std::uint64_t term, std::uint64_t durable_term) { return durable_term == term; }

bool may_mark(const struct raft& r) { return r.configuration_uncommitted_index == 0; }

std::uint64_t term_to_tell(const struct raft& r, const struct raft_request_vote_result& answer) {
  const bool refused_pre_vote = answer.pre_vote == raft_tribool_true && !answer.vote_granted;
  return refused_pre_vote ? std::max<std::uint64_t>(answer.term, r.current_term) : answer.term;
}

std::uint64_t countable(const struct raft& r, const log_terms& terms, std::uint64_t from,
                        const struct raft_append_entries_result& answer) {
  std::vector<std::uint64_t> matches;
  for (unsigned i = 0; i < r.configuration.n; ++i) {
    if (r.configuration.servers[i].role != RAFT_VOTER) continue;
    std::uint64_t match = r.leader_state.progress[i].match_index;
    if (r.configuration.servers[i].id == from && answer.rejected == 0 && answer.term == r.current_term)
      match = std::max<std::uint64_t>(match, std::min<std::uint64_t>(answer.last_log_index, terms.next() - 1));
    matches.push_back(match);
  }
  std::sort(matches.begin(), matches.end(), std::greater<>());
  // A majority is one more than half: with the most first, the one in the middle has it behind it.
  const auto reached = std::min<std::uint64_t>(matches[matches.size() / 2], r.last_stored);
  const bool counts = reached > r.commit_index && terms.term_of(reached) == r.current_term;
  return counts ? reached : r.commit_index;  // at what is committed already libraft has nothing to count
}

std::uint64_t match_to_claim(std::uint64_t stored, std::uint64_t shown_up_to) { return std::min(stored, shown_up_to); }

}  // namespace nacre::cluster::raft::guard

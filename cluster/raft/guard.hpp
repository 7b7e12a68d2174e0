#pragma once
// The rules that keep libraft 0.15 within what it does right. Each answers a defect fixed upstream after 0.15, or still
// there; docs/adr/0019 has the table. Each can be switched off, so that the simulator can show what it is for.

#include <cstdint>
#include <vector>

#include "cluster/raft/libraft.hpp"
#include "cluster/raft/log_terms.hpp"

namespace nacre::cluster::raft {

struct guard_rules {
  bool gate = true;
  bool own_term_first = true;
  bool silence_until_durable = true;
  bool settled_configuration = true;
  bool real_term = true;
  bool own_term_counts = true;
  bool proved_match = true;
};

namespace guard {

// Rule 1, the gate. While a write is in flight a node that is not leader handles no message and no tick, and a leader
// handles no message of a newer term, so that no role changes around a half-finished write.
// Upstream: 35479fc, 05746af, 191a07e, 5263edc (answers after a change of role or term go to the wrong leader),
// 634cb11, f65b6e7, a54636b (elections counted on entries that were not stored), 2a38d3d, 4fbd3c0 (the same while
// installing).
bool may_handle(const struct raft& r, bool writing, std::uint64_t message_term);
bool may_tick(const struct raft& r, bool writing);

// Rule 2, own term first. A new leader's first act is an entry of its own term.
// Upstream: 29bb302 (a leader did not know what is committed until a client wrote).
bool must_propose_first(const struct raft& r, std::uint64_t proposed_in_term);

// Rule 3, silence until durable. A leader replicates nothing before an entry of its own term is durable in its own log.
// Upstream: 524f735 (entries of older terms committed by counting copies), and heartbeats that count a stale tail.
bool may_replicate(std::uint64_t term, std::uint64_t durable_term);

// Rule 4, a settled configuration. No mark is set while a configuration is uncommitted.
// Upstream: baa8f52 and its family (such a configuration went into the snapshot, and its rollback met NULL).
bool may_mark(const struct raft& r);

// Rule 5, the real term. A refused pre-vote tells the refuser's term.
// Upstream: still echoed in 0.18.1: a node with the best log and an old term never learns why it is refused, and no
// leader is elected any more.
std::uint64_t term_to_tell(const struct raft& r, const struct raft_request_vote_result& answer);

// Rule 6, own terms count. An answer advances what is committed to the place a majority has reached, if that entry is
// of the leader's own term. libraft only asks whether the majority has reached the last stored entry. Upstream: 524f735
// again, and 1996d32 (commits starve when the leader's disk runs ahead of its followers). Returns what to give libraft
// as `last_stored` while it handles the answer.
std::uint64_t countable(const struct raft& r, const log_terms& terms, std::uint64_t from,
                        const struct raft_append_entries_result& answer);

// Rule 7, a proved match. A follower claims to match only as far as the message at hand has shown it.
// Upstream: found by reading: the answer to an append without news reports all that is stored, a stale tail included.
std::uint64_t match_to_claim(std::uint64_t stored, std::uint64_t shown_up_to);

}  // namespace guard
}  // namespace nacre::cluster::raft

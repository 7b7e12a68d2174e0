#pragma once
// The engine of a cluster of three or five nodes: any of them takes a command, one order decides (docs/adr/0019).
//
// Behaves as cluster/log.hpp says on every node, whoever leads. A command travels to the leader as it was proposed,
// sealed and encoded; its `done` is called when this node has applied it. Without a leader, or cut off from it, a
// proposal waits until its deadline: `refused` if it surely was never handed on, else `unknown`.
// Fail-stop: after a failed write or an untrustworthy read this node takes no part any more; status() says why.
// Threads: of its own one that writes, one that ticks and one that reads states for others; frames are handled on
// those of `peers`.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cluster/log.hpp"
#include "cluster/peers.hpp"
#include "storage/store.hpp"

namespace nacre::cluster {

struct raft_options {
  node_id self = 0;
  std::vector<peers::neighbour> contacts;   // whom to reach while this node waits to be taken in, or is lost
  std::chrono::milliseconds heartbeat{50};  // of a leader
  std::chrono::milliseconds election{500};  // 1 to 2 times that without a leader: an election
  std::size_t pending_max = 16'384;         // proposals of this node; beyond: refused `busy`
  std::size_t batch_commands_max = 512;     // per entry of the log
  std::uint64_t compact_entries = 16'384;   // applied entries after which the log is cut
  std::uint64_t compact_bytes = 64u << 20;  // or bytes
  std::uint64_t tail_entries = 4'096;       // kept for followers that are slow
  std::uint64_t tail_bytes = 16u << 20;     // or bytes
  // Of applied entries on the disk: beside the tails of all groups; then they are cut there as well. The tail of a
  // group stays, for followers that were slow before a restart: the newest entry fits.
  std::uint64_t files_bytes_max = 4u << 20;
  std::uint64_t files_tail_bytes = 2u << 20;
  // What was applied is not kept in the log on the disk for longer; storage::store::compact() of `log` then gets it out
  // of the files. Zero: until the log is cut as above.
  std::chrono::milliseconds cut_after{0};
};

// `store` and `connections` must outlive the log, which starts and stops the connections.
// `corrupt`, `storage_failed`: as the store says. `conflict`: the store was not founded
// (founding.hpp), or for others.
result<std::unique_ptr<log>> make_raft_log(storage::store& store, raft_options options, peers& connections,
                                           commit_listener on_commit);

}  // namespace nacre::cluster

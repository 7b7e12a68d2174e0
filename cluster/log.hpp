#pragma once
// One order of commands per group. The state machine above never learns which engine orders them
// (the shared log of Delos, OSDI 2020): `solo` on one node, `raft` (raft_log.hpp) on several.
//
// propose(): `done` is called exactly once, on a thread of the log (or the caller's, for refusals at
// the door), and must not block. When it says committed, the effects are durable and visible to every
// snapshot taken from then on. `unknown` means it may still be there after a restart: retry with
// the same request id and the same stamp, never with new ones.
// read_barrier(): a view that holds every command committed before the call, of this workspace, or of all if it is nil.
// applied_view(): what this node has applied so far, at once; it may lag on a follower, and holds every command whose
// `done` ran.
// when_current(): the barrier without its view, for who keeps in memory what a view said (changes.hpp): what changes()
// and applied_view() say after it holds every command committed before the call.
// applied_age(): at most how long ago applied_view() was all there is. Zero: it is so now, as after when_current(), and
// always where one node orders everything.
// Threads: any. After stop() everything pending has been settled.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cluster/changes.hpp"
#include "cluster/peers.hpp"
#include "model/apply.hpp"
#include "model/error.hpp"
#include "model/unique_function.hpp"
#include "model/view.hpp"
#include "storage/store.hpp"

namespace nacre::cluster {

using deadline = std::chrono::steady_clock::time_point;

struct settled {
  enum class fate : std::uint8_t {
    committed,  // ordered and durable; `outcome` tells what it did, a refusal by the rules included
    refused,    // never ordered; nothing happened
    unknown,    // may or may not survive
  };
  fate how = fate::refused;
  error why;               // unless committed
  model::outcome outcome;  // if committed
};

struct proposal {
  model::command what;
  cluster::deadline deadline;
  unique_function<void(settled)> done;
};

// One durable round of commands, for metrics and the audit sink. Called on the log's thread, in
// order, before the round's answers leave. A round without commands that erases whole spaces says that the state was
// replaced by one that was fetched.
struct committed_round {
  std::uint64_t index = 0;  // of its last command
  std::size_t commands = 0;
  bool synced = false;  // false: nothing to write, everything was refused by the rules
  std::int64_t sync_microseconds = 0;
  const storage::batch& writes;
};
using commit_listener = std::function<void(const committed_round&)>;

struct log_status {
  bool writable = true;
  std::string reason;  // why not, in words without secrets
  std::uint64_t commit_index = 0;
  std::size_t pending = 0;
};

// How this node sees its cluster. A follower knows of the others only who leads.
struct member_status {
  node_id node = 0;
  std::uint64_t match_index = 0;  // as the leader knows: its log agrees up to here
  bool heard = false;             // of late
  bool fetching = false;          // it gets the state, for it is too far behind
};
enum class group_role : std::uint8_t { follower, candidate, leader, stopped };
struct group_status {
  std::uint32_t group = 0;
  group_role role = group_role::follower;
  node_id leader = 0;  // 0: none known
  std::uint64_t epoch = 0, term = 0, commit_index = 0, applied_index = 0;
  std::size_t pending = 0;            // proposals of this node
  bool fetching = false;              // this node has no state, or is getting another one
  std::uint64_t fetched_bytes = 0;    // of it, so far
  std::vector<member_status> others;  // as leader
};
struct cluster_status {
  node_id self = 0;
  std::vector<node_id> members;                   // empty: this node waits to be taken in
  std::vector<peers::neighbour> members_reached;  // the same, with where
  std::vector<group_status> groups;               // empty: one node orders everything
};

class log {
 public:
  virtual ~log() = default;
  virtual void propose(proposal p) = 0;
  virtual void read_barrier(workspace_id ws, deadline by,
                            unique_function<void(result<std::shared_ptr<const model::view>>)> done) = 0;
  virtual void when_current(deadline by, unique_function<void(result<void>)> done) = 0;
  virtual std::shared_ptr<const model::view> applied_view() const = 0;
  virtual std::chrono::milliseconds applied_age() const = 0;
  virtual const cluster::changes& changes() const = 0;
  virtual log_status status() const = 0;
  virtual cluster_status standing() const { return {}; }
  // Whether what must be done once for the whole cluster (a sweep, a delivery) is this node's part for this workspace.
  // A hint: for a moment two nodes may think so, or none.
  virtual bool leads(workspace_id) const { return true; }
  // Who orders from now on, this node or others; done when this node has gone over. `conflict`: with these the cluster
  // could not go on, or another change is on its way. `unsupported`: one node orders everything.
  virtual void reconfigure(std::vector<peers::neighbour> /*members*/, deadline,
                           unique_function<void(result<void>)> done) {
    done(fail(errc::unsupported, "One node orders everything here"));
  }
  virtual void stop() = 0;
};

}  // namespace nacre::cluster

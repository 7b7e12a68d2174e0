#pragma once
// One raft instance: libraft 0.15 behind the guard, as an object without threads, clock, disk or network.
//
// Its owner hands in messages, ticks, finished writes and commands to order, one call at a time, and is told through
// group_host what to send, to write and to apply. Nothing here blocks. The host must not call back into the group from
// within its functions, but for the ones that only look.
//
// Order: writes are to be made durable in the order they are given and answered by written(), each once. What is
// sent after a vote or a term was given to write is held here until that write is durable.
// After failed() the group does nothing any more: stop the process and start it again.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cluster/raft/frames.hpp"
#include "cluster/raft/types.hpp"
#include "model/error.hpp"

namespace nacre::cluster::raft {

struct guard_rules;

struct group_options {
  instance of;
  node_id self = 0;
  std::vector<node_id> members;  // self among them
  std::chrono::milliseconds heartbeat{50};
  std::chrono::milliseconds election{500};       // 1 to 2 times that without a leader: an election
  std::chrono::milliseconds offer_again{1'000};  // a snapshot that was offered and not taken
  std::chrono::milliseconds ask_again{500};      // for a chunk of a state, or for a state
  std::chrono::milliseconds give_up{10'000};     // a state of which no chunk comes
  std::chrono::milliseconds newer_after{3'000};  // another offer counts when the first has been silent so long
  std::size_t batch_commands_max = 512;          // per entry of the log
  std::size_t batch_bytes_max = 1u << 20;        // unless a single command is larger
  std::size_t unsettled_entries_max = 64;        // appended here and not yet committed
  std::size_t frame_entries_max = entries_per_frame_max;
  std::size_t frame_bytes_max = append_bytes_max;
  std::size_t inbox_messages_max = 1024;
  std::size_t inbox_bytes_max = 32u << 20;
  std::size_t queue_commands_max = 16'384;
  std::size_t queue_bytes_max = 64u << 20;
  // The log is cut when so much of it is applied, and keeps at most the tail for followers that are slow.
  std::uint64_t compact_entries = 16'384;
  std::uint64_t compact_bytes = 64u << 20;
  std::uint64_t tail_entries = 4'096;
  std::uint64_t tail_bytes = 16u << 20;
  // The files keep less than memory does: of what is applied the tail, whenever there are so many bytes beside it, and
  // nothing of what has been there for `cut_after`. Zero: no time is too long.
  std::uint64_t files_bytes_max = 4u << 20;
  std::uint64_t files_tail_bytes = 2u << 20;
  std::chrono::milliseconds cut_after{0};
};

enum class role : std::uint8_t { follower, candidate, leader, stopped };

class group_host {
 public:
  virtual ~group_host() = default;
  virtual std::uint64_t now_ms() = 0;  // never goes back
  virtual int random(int low, int high) = 0;
  virtual bool send(node_id to, message what) = 0;  // false: dropped
  virtual void write(std::uint64_t ticket, log_write what) = 0;
  // Each once since start(), in order of indexes.
  virtual void committed(committed_entry entry) = 0;
  virtual void leader_changed() = 0;
  // A state that node may fetch from here, the newest; nothing: not now. For the leader.
  struct state_at {
    log_mark at;
    std::uint64_t stream = 0;
  };
  virtual std::unique_ptr<state_at> offer_state(node_id to) = 0;
  // Somebody is fetching: what follows the state is worth keeping.
  virtual bool keep_log() = 0;
  // The leader's log does not reach back to ours.
  virtual void state_offered(node_id from, const snapshot_offer& offer) = 0;
  virtual void failed(const std::string& why) = 0;
};

struct peer_progress {
  node_id node = 0;
  std::uint64_t match = 0;
  bool fetching = false;  // it was offered the state
  bool heard = false;     // within the election timeout
};

class raft_group {
 public:
  enum class verdict : std::uint8_t { taken, not_leader, busy };

  raft_group(group_host& host, group_options options, const guard_rules& rules);
  ~raft_group();  // unfinished writes are forgotten
  raft_group(const raft_group&) = delete;
  raft_group& operator=(const raft_group&) = delete;

  result<void> start(loaded_log from);

  void receive(node_id from, message what);  // of the raft kinds; others are ignored
  void tick();                               // about twice per heartbeat
  void written(std::uint64_t ticket);
  verdict propose(std::string item);  // entries.hpp
  // The last entry of the epoch: encode_seal's. `busy`: another change is on its way.
  verdict end_epoch(std::string payload);
  // While held nothing is committed or appended here; votes go on.
  void hold(bool held);

  raft::role role() const;
  node_id leader() const;  // 0: unknown
  std::uint64_t term() const;
  std::uint64_t commit_index() const;
  std::uint64_t last_index() const;
  std::uint64_t term_of(std::uint64_t index) const;  // 0: not in the log
  // As leader: everything committed before this term is known to be.
  bool knows_commits() const;
  bool writing() const;
  std::size_t queued() const;                // commands not in the log yet
  std::vector<peer_progress> peers() const;  // as leader

 private:
  class impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace nacre::cluster::raft

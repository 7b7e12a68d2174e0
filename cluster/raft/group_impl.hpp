#pragma once
// The inside of raft_group, shared by group.cpp (what happens when) and group_io.cpp (what libraft asks for).

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cluster/raft/group.hpp"
#include "cluster/raft/guard.hpp"
#include "cluster/raft/libraft.hpp"
#include "cluster/raft/log_terms.hpp"

namespace nacre::cluster::raft {

class raft_group::impl {
 public:
  impl(group_host& host, group_options options, const guard_rules& rules);
  ~impl();

  result<void> start(loaded_log from);
  void receive(node_id from, message what);
  void tick();
  void written(std::uint64_t ticket);
  verdict propose(std::string item);
  verdict end_epoch(std::string payload);

  const struct raft& raft() const { return raft_; }
  bool stopped() const { return stopped_ || raft_.state == RAFT_UNAVAILABLE; }
  bool is_leader() const { return !stopped() && raft_.state == RAFT_LEADER; }
  bool knows_commits() const { return is_leader() && terms_.term_of(raft_.commit_index) == raft_.current_term; }

  group_host& host_;
  const group_options options_;
  const guard_rules rules_;
  log_terms terms_;
  bool held_back_ = false;  // raft_group::hold
  bool ending_ = false;     // as leader: the last entry of the epoch is in the log
  std::string last_entry_;  // or waits to be
  std::deque<std::string> queue_;
  std::vector<std::uint64_t> heard_at_;  // per member, when it last answered an append; 0: never
  bool heard(node_id node) const {
    const auto place = place_of(node);
    return place < heard_at_.size() && heard_at_[place] != 0 &&
           host_.now_ms() - heard_at_[place] < static_cast<std::uint64_t>(options_.election.count());
  }
  bool writing() const { return !inflight_.empty(); }

 private:
  struct inbound {
    node_id from;
    message what;
    std::size_t bytes;
  };
  struct pending_write {
    std::uint64_t ticket;
    std::uint64_t last_term;  // of the entries in it, 0: none
    std::function<void(int status)> complete;
    bool vote;
  };

  // group.cpp
  void settle();
  bool settle_once();
  void deliver(inbound& m);
  bool sound(const inbound& m) const;
  void deliver_append(node_id from, append& m);
  void deliver_append_reply(node_id from, const append_reply& m);
  std::uint64_t match_of(node_id node) const;
  void deliver_vote(node_id from, const vote& m);
  void deliver_vote_reply(node_id from, const vote_reply& m);
  void deliver_offer(node_id from, const snapshot_offer& m);
  void hand_over(node_id from, raft_message& m);
  void submit_barrier();
  void submit_batch();
  void submit(const std::string& payload);
  bool may_submit() const;
  void tell_commit();
  void note_applied();
  void cut_files();
  void fail(const std::string& why);

  // group_io.cpp
  void connect();
  int io_load(raft_term* term, raft_id* voted, struct raft_snapshot** snapshot, raft_index* first,
              struct raft_entry** entries, size_t* n);
  int io_append(struct raft_io_append* req, const struct raft_entry* entries, unsigned n, raft_io_append_cb cb);
  int io_truncate(raft_index from);
  int io_snapshot_put(unsigned trailing, struct raft_io_snapshot_put* req, const struct raft_snapshot* s,
                      raft_io_snapshot_put_cb cb);
  int io_snapshot_get(struct raft_io_snapshot_get* req, raft_io_snapshot_get_cb cb);
  int io_vote();
  int io_send(struct raft_io_send* req, const struct raft_message* m, raft_io_send_cb cb);
  bool send_append(const struct raft_message& m);
  int fsm_apply(const struct raft_buffer* buf);
  int fsm_snapshot(struct raft_buffer** bufs, unsigned* n);
  struct raft_snapshot* make_snapshot(log_mark at);
  void put(log_write w, std::uint64_t last_term, std::function<void(int)> complete);
  bool emit(node_id to, message what);
  void later(std::function<void()> f) { later_.push_back(std::move(f)); }
  unsigned place_of(node_id node) const;
  static impl& of(const struct raft_io* io) { return *static_cast<impl*>(io->impl); }
  static impl& of(const struct raft_fsm* fsm) { return *static_cast<impl*>(fsm->data); }

  struct raft raft_ {};
  struct raft_io io_ {};
  struct raft_fsm fsm_ {};
  raft_io_tick_cb tick_cb_ = nullptr;
  raft_io_recv_cb recv_cb_ = nullptr;
  bool initialised_ = false, stopped_ = false, settling_ = false;

  std::optional<loaded_log> loaded_;  // until libraft has asked for it
  vote_record vote_;
  std::uint64_t truncate_pending_ = 0;
  std::uint64_t tickets_ = 0;
  std::deque<pending_write> inflight_;
  std::size_t votes_inflight_ = 0;
  std::deque<std::pair<node_id, message>> held_;  // until votes are durable
  std::deque<std::function<void()>> later_;
  std::deque<inbound> inbox_;
  std::size_t inbox_bytes_ = 0, queue_bytes_ = 0;

  std::uint64_t durable_term_ = 0;          // newest of an entry that is durable here
  std::uint64_t proposed_term_ = 0;         // newest in which we, as leader, proposed our first entry
  std::uint64_t told_applied_ = 0;          // to the host
  std::vector<std::uint64_t> told_commit_;  // per member, as leader
  std::uint64_t applied_bytes_ = 0;         // of payloads since the mark
  std::deque<std::pair<std::uint64_t, std::uint64_t>> sizes_;  // index and bytes of what is applied and in the log
  std::uint64_t first_on_disk_ = 1;                            // of the entries there
  std::uint64_t files_bytes_ = 0;                              // of what is applied of them
  std::uint64_t cut_due_at_ = 0;                               // 0: nothing lies there
  int seen_state_ = RAFT_UNAVAILABLE;
  node_id seen_leader_ = 0;
  std::uint64_t seen_term_ = 0;
  // What the message at hand proves, while it is handled: an answer claims no more.
  std::optional<std::uint64_t> shown_up_to_;
  bool quiet_ = false;
};

}  // namespace nacre::cluster::raft

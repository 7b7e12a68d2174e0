#pragma once
// This node's part in one group: the raft instance, the proposals this node took, and the reads that wait.
//
// A proposal stays here until its entry is applied here, wherever the leader is: it is handed to the leader under a
// tag, again after a change of leader or a silence, and the first decision the log brings is the one that is told. So
// an answer needs no way back from the leader, and what this node shows then holds the effect. A node too far behind
// the leader's log fetches the state, while its old instance only votes; then a new instance begins on it. libraft
// takes no part in that. Single-threaded and without I/O, as raft_group is: one call at a time, told through
// replica_host what to do. What is to be told to callers is collected, for take_finished() after each call.

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cluster/log.hpp"
#include "cluster/raft/applier.hpp"
#include "cluster/raft/group.hpp"
#include "cluster/raft/guard.hpp"
#include "cluster/raft/log_store.hpp"
#include "cluster/raft/read_index.hpp"
#include "cluster/raft/state_rows.hpp"

namespace nacre::cluster::raft {

struct replica_options {
  group_options group;
  std::uint64_t boot = 1;  // count_boot
  uuid directory = {};     // of this node
  std::uint32_t groups = 1;
  member_list members;  // of group.of.epoch; none, or others: this node waits to be taken in
  std::size_t pending_max = 16'384;
  std::size_t pending_bytes_max = 64u << 20;
  std::uint64_t retry_ms = 500;  // without a sign of a proposal; doubles up to eight times that
};

class replica_host {
 public:
  virtual ~replica_host() = default;
  virtual std::uint64_t now_ms() = 0;
  virtual int random(int low, int high) = 0;
  virtual bool send(node_id to, std::string frame) = 0;
  virtual void write(instance of, std::uint64_t ticket, log_write what) = 0;
  virtual void apply(instance of, committed_entry entry) = 0;
  // In the order of writes, each answered: rows by rows_installed(), the end by installed(). See state_installer.hpp.
  virtual void install_begin(instance of) = 0;
  virtual void install_rows(instance of, storage::batch rows) = 0;
  virtual void install_end(instance of, log_mark at, bool keep_log, member_list begins) = 0;
  // Whom this node is to be connected to from now on: they form the epoch, or are about to.
  virtual void members_are(instance of, const member_list& members) = 0;
  // See state_server.hpp. A chunk is sent to who asked, by the host and whenever it is read.
  virtual std::unique_ptr<group_host::state_at> open_state(instance of, node_id to) = 0;
  virtual void give_chunk(instance of, node_id to, fetch asked) = 0;
  virtual bool giving_state(instance of) = 0;
  virtual void failed(const std::string& why) = 0;
};

struct replica_status {
  raft::role role = raft::role::follower;
  node_id leader = 0;
  std::uint64_t epoch = 0, term = 0, commit_index = 0, applied_index = 0;
  std::size_t pending = 0;
  bool fetching = false;             // the state; what there was before may be shown, nothing is current
  std::uint64_t fetched_bytes = 0;   // of it, so far
  std::vector<peer_progress> peers;  // as leader
};

class replica final : private group_host, private read_index::port {
 public:
  replica(replica_host& host, replica_options options, const guard_rules& rules);
  ~replica() override;

  // `stateless`: a state was begun and not ended (state_installer.hpp).
  result<void> start(loaded_log from, log_mark applied, bool stateless);

  void receive(node_id from, std::string_view frame);
  void tick();
  void written(instance of, std::uint64_t ticket);
  void applied(apply_report report);
  void rows_installed();
  // `holds`: which of this node's proposals the state holds the decision of.
  void installed(loaded_log log, log_mark at, const std::function<bool(std::uint64_t seq)>& holds);

  using decided = unique_function<void(settled)>;
  // `command` is model::encode's, and decodes.
  void propose(std::string command, std::uint64_t deadline_ms, decided done);
  void read(std::uint64_t deadline_ms, read_index::done done);
  // Ends the epoch; done when this node is in the next one, with these members. `conflict`: they would not be able to
  // go on, or another change is on its way.
  void change_members(member_list members, std::uint64_t deadline_ms, unique_function<void(result<void>)> done);
  // Settles everything; then only the destructor may be called.
  void stop();

  std::vector<unique_function<void()>> take_finished() { return std::exchange(finished_, {}); }
  std::size_t reads_waiting() const { return reads_.waiting(); }
  replica_status status() const;
  // Up to when on the clock everything committed is known to be applied; nothing: never yet.
  std::optional<std::uint64_t> current_as_of() const { return current_as_of_; }
  const raft_group& group() const { return *group_; }
  const member_list& members() const { return options_.members; }
  // As far as this node has heard: of the epoch it is in, or of one that began without it.
  const member_list& latest_members() const { return gone_on_ ? gone_on_->members : options_.members; }

 private:
  struct pending {
    std::string command;
    std::uint64_t deadline = 0;
    decided done;
    std::uint64_t sent_at = 0;
    unsigned sent = 0;       // attempts
    unsigned unrefused = 0;  // attempts that may be in the log
    bool waiting = true;     // for a leader to hand it to
  };
  using pending_by_seq = std::map<std::uint64_t, pending>;

  // group_host, and what of it read_index::port shares
  std::uint64_t now_ms() override { return host_.now_ms(); }
  int random(int low, int high) override { return host_.random(low, high); }
  bool send(node_id to, message what) override;
  void write(std::uint64_t ticket, log_write what) override { host_.write(options_.group.of, ticket, std::move(what)); }
  // Without a state there is nothing to apply it to; an append that was under way when it went can still commit.
  void committed(committed_entry entry) override {
    if (!stateless_) host_.apply(options_.group.of, std::move(entry));
  }
  void leader_changed() override { leader_changed_ = true; }
  std::unique_ptr<state_at> offer_state(node_id to) override { return host_.open_state(options_.group.of, to); }
  bool keep_log() override { return host_.giving_state(options_.group.of); }
  void state_offered(node_id from, const snapshot_offer& offer) override {
    offered_ = {options_.group.of, from, offer};
  }
  void failed(const std::string& why) override { host_.failed(why); }
  // read_index::port
  const raft_group* raft() const override { return group_.get(); }
  void finish(unique_function<void()> f) override { finished_.push_back(std::move(f)); }
  void current_as_of(std::uint64_t began) override;

  // replica_state.cpp: a state from the leader
  struct fetching {
    instance of;         // of the state: this epoch, or the one that is to begin here
    member_list begins;  // whose epoch begins; none: it is this one
    node_id from = 0;
    snapshot_offer offer;
    std::uint64_t next = 0, digest = digest_of_nothing, bytes = 0;
    std::uint64_t asked_at = 0, heard_at = 0;
    unsigned unwritten = 0;
    bool whole = false, ending = false;
  };
  void begin_fetch(instance of, node_id from, const snapshot_offer& offer);
  void ask_chunk();
  void chunk_arrived(node_id from, chunk c);
  void end_fetch();
  void tick_fetch();
  void chunk_asked(node_id from, const fetch& asked);

  // replica_epoch.cpp
  struct wanted_epoch {
    instance of;
    epoch_notice what;
    node_id told_by = 0;  // has been in it; may be taken out and have the state all the same
    std::uint64_t asked_at = 0;
  };
  struct change {
    member_list members;
    std::uint64_t deadline = 0, began_at = 0, asked_at = 0;
    std::optional<error> why_not;
    unique_function<void(result<void>)> done;
  };
  bool of_another_epoch(node_id from, frame& f);
  void noticed(node_id from, instance of, epoch_notice n);
  void begin_instance(instance of, member_list members, loaded_log log);
  void epoch_ended(seal by, log_mark at);
  void ask_change(change& c);
  result<void> changed_by(member_list members);
  void tick_epoch();
  void settle_changes();
  void send_as(instance of, node_id to, message what);
  void heard_waiting(node_id from, const message& what);

  void after();  // what a call into the group has brought about
  void hand_on(std::vector<pending_by_seq::iterator> which);
  void hand_on_waiting();
  void forwarded(node_id from, forward f);
  void forward_refused_by(const forward_refused& r);
  void settle(pending_by_seq::iterator which, settled how);
  static settled unknown(std::string text);
  std::uint64_t floor() const;

  replica_host& host_;
  replica_options options_;
  const guard_rules rules_;
  std::unique_ptr<raft_group> group_;
  read_index reads_;
  pending_by_seq pending_;
  std::size_t pending_bytes_ = 0;
  std::uint64_t seq_;  // begins with the start's number: no refusal of an earlier one fits
  log_mark applied_;
  std::uint64_t told_commit_ = 0;
  bool leader_changed_ = false, in_after_ = false, stopped_ = false;
  bool stateless_ = false;  // what was here before is gone
  struct offered_state {
    instance of;
    node_id from;
    snapshot_offer what;
  };
  std::optional<offered_state> offered_;
  std::optional<fetching> fetching_;
  std::optional<wanted_epoch> wanted_;
  std::optional<epoch_record> gone_on_;  // without this node, which was taken out before it knew
  std::vector<change> changes_;
  std::map<node_id, std::uint64_t> noticed_at_;
  std::map<node_id, std::uint64_t> waiting_at_;  // who waits to be taken in, and when it last said so
  log_mark began_;                               // this epoch
  member_list ending_with_;                      // as leader: whom it was asked to end with
  std::uint64_t asked_for_state_at_ = 0;
  std::size_t stale_rows_ = 0;  // of a fetch that was given up, not written yet
  void give_up_fetch();
  std::optional<std::uint64_t> current_as_of_;
  std::vector<unique_function<void()>> finished_;
};

}  // namespace nacre::cluster::raft

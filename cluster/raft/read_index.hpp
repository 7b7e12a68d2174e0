#pragma once
// Reads that must be current, without writing anything (Raft dissertation, 6.4).
//
// A leader that knows what is committed notes its commit index, asks every member for its term, and when a majority is
// still in the leader's own, nobody else can have committed more before the question was asked. One round serves all
// who wait; who comes while it runs waits for the next. A follower asks its leader for such an index, likewise.
// A read is done when its index is applied here. Deadlines are kept by tick().

#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "cluster/raft/group.hpp"
#include "model/error.hpp"
#include "model/unique_function.hpp"

namespace nacre::cluster::raft {

class read_index {
 public:
  using done = unique_function<void(result<void>)>;

  class port {
   public:
    virtual ~port() = default;
    virtual std::uint64_t now_ms() = 0;
    virtual bool send(node_id to, message what) = 0;
    virtual const raft_group* raft() const = 0;  // nullptr: none at present
    virtual void finish(unique_function<void()> f) = 0;
    // Everything was applied that was committed when the read began, `began` ms on the clock.
    virtual void current_as_of(std::uint64_t began) = 0;
  };

  // Numbers of questions begin with `boot`, so that no answer to one of an earlier start fits.
  read_index(port& to, node_id self, std::uint64_t boot, std::vector<node_id> members, std::uint64_t again_after_ms);

  void read(std::uint64_t deadline_ms, done then);
  void receive(node_id from, const message& m);
  void leader_changed();
  // Another epoch begins: what was noted in the one before says nothing of it.
  void begin_anew(std::vector<node_id> members);
  void committed();  // the leader may know more now
  void applied(std::uint64_t index);
  void nothing_applied() { applied_ = 0; }  // the state is being replaced
  void tick();
  void stop();
  std::size_t waiting() const { return next_.size() + asked_.size() + applying_.size(); }

 private:
  struct waiting_read {
    std::uint64_t deadline, began;
    done then;
  };
  struct asker {
    node_id node;
    std::uint64_t id;
  };

  // As the one who reads.
  void ask();
  void told(std::uint64_t id, bool known, std::uint64_t index);
  void settle(waiting_read r, result<void> how);
  // As leader.
  void asked(node_id from, std::uint64_t id);
  void begin_round();
  void confirm(node_id from, std::uint64_t term);
  void end_round(bool known);
  void answer(const asker& to, bool known, std::uint64_t index);

  port& port_;
  const node_id self_;
  std::vector<node_id> members_;
  const std::uint64_t again_after_ms_;

  std::vector<waiting_read> next_;                       // not asked for yet
  std::vector<waiting_read> asked_;                      // under ask_id_
  std::multimap<std::uint64_t, waiting_read> applying_;  // by index
  std::uint64_t ask_id_ = 0, asked_at_ = 0;
  std::uint64_t applied_ = 0;

  std::vector<asker> askers_, round_askers_;
  std::set<node_id> confirmed_;
  std::uint64_t round_ = 0, round_term_ = 0, round_index_ = 0, round_at_ = 0;
  bool running_ = false;
};

}  // namespace nacre::cluster::raft

#pragma once
// Whom a node is to be connected to, and who votes: what all its groups know of their members, and who is asked when a
// node is lost.
//
// The door hears of the voters in the order in which they change. Connections follow later, by the owner's ticks.
// Threads: members_are(), includes_us() and tell_door() any; begin_with() before everything else; the others one at a
// time, the owner's start and then its ticker.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <utility>

#include "cluster/raft/door.hpp"
#include "cluster/raft/types.hpp"

namespace nacre::cluster::raft {

class neighbourhood {
 public:
  // `contacts`: whom to reach while this node waits to be taken in, or is lost.
  neighbourhood(node_id self, member_list contacts, std::chrono::milliseconds election, peers& connections, door& at)
      : self_(self), contacts_(std::move(contacts)), election_(election), peers_(connections), door_(at) {}

  // Of a group, as the disk has them; none: this node waits. Then tell_door(), when it is loaded, and connect().
  void begin_with(group_id group, const member_list& members);
  void members_are(group_id group, const member_list& members);
  bool includes_us(const member_list& members) const;

  void tell_door();
  void connect();
  void connect_if_changed();

  void led(std::uint64_t now_ms) { led_at_ = now_ms; }
  // A member that finds no leader for long may know none of those any more who are the cluster now: whoever is
  // configured is asked, too. They tell it of a newer epoch; nothing else of theirs counts.
  void look_around(std::uint64_t now_ms, bool leaderless);

 private:
  const node_id self_;
  const member_list contacts_;
  const std::chrono::milliseconds election_;
  peers& peers_;
  door& door_;
  std::mutex mutex_;
  std::map<group_id, member_list> neighbours_, voting_;
  std::mutex telling_door_;  // so that it hears of changes in their order; taken before mutex_
  bool lost_ = false;        // the ticker's, as the next
  std::uint64_t led_at_ = 0;
  std::atomic<bool> changed_{false};
};

}  // namespace nacre::cluster::raft

#include "cluster/raft/neighbourhood.hpp"

#include <algorithm>
#include <utility>

namespace nacre::cluster::raft {
namespace {

// Without a leader for so many times the election timeout: others than the members are asked where the cluster is.
constexpr std::uint64_t lost_after_elections = 10;

}  // namespace

void neighbourhood::begin_with(group_id group, const member_list& members) {
  neighbours_[group] = members.empty() ? contacts_ : members;
  voting_[group] = members;
}

void neighbourhood::members_are(group_id group, const member_list& members) {
  {
    std::lock_guard lock(mutex_);
    neighbours_[group] = members;
    voting_[group] = members;
    changed_ = true;
  }
  tell_door();
}

bool neighbourhood::includes_us(const member_list& members) const {
  return std::any_of(members.begin(), members.end(), [&](const auto& m) { return m.node == self_; });
}

// Of any group.
void neighbourhood::tell_door() {
  std::lock_guard one(telling_door_);
  std::map<node_id, uuid> voters;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [group, members] : voting_)
      for (const auto& m : members)
        if (auto& directory = voters[m.node]; directory.is_nil()) directory = m.directory;
  }
  door_.voters_are(std::move(voters));
}

// Whom any group wants.
void neighbourhood::connect() {
  member_list all;
  const auto add = [&](const member_list& more) {
    for (const auto& m : more)
      if (m.node != self_ &&
          std::none_of(all.begin(), all.end(), [&](const auto& other) { return other.node == m.node; }))
        all.push_back(m);
  };
  {
    std::lock_guard lock(mutex_);
    changed_ = false;
    for (const auto& [group, members] : neighbours_) add(members);
  }
  if (lost_) add(contacts_);
  peers_.set_neighbours(std::move(all));
}

void neighbourhood::connect_if_changed() {
  if (changed_) connect();
}

void neighbourhood::look_around(std::uint64_t now_ms, bool leaderless) {
  if (!leaderless) led(now_ms);
  const bool lost = now_ms - led_at_ >= lost_after_elections * static_cast<std::uint64_t>(election_.count());
  if (lost == lost_) return;
  lost_ = lost;
  connect();
}

}  // namespace nacre::cluster::raft

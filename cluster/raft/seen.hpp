#pragma once
// Which proposals have acted, so that one that was proposed twice acts once: the node that took the request tells its
// caller the first decision, and a second one must not say otherwise.
//
// Of each node: its last start, the floor below which it waits for nothing, and the proposals decided above it, as
// ranges. The same on every replica, for it follows from the log alone; kept in the store with the state.

#include <cstdint>
#include <map>
#include <set>

#include "cluster/raft/entries.hpp"
#include "model/error.hpp"
#include "model/view.hpp"
#include "storage/store.hpp"

namespace nacre::cluster::raft {

// Decided ranges kept of one node; beyond, the oldest gap is taken for given up.
inline constexpr std::size_t seen_ranges_max = 4096;

class seen_tags {
 public:
  explicit seen_tags(group_id group) : group_(group) {}

  result<void> load(const model::view& v);
  // True: apply the command. False: it was decided before, or its node has given it up.
  bool first_time(const tag& t);
  // Rows of what changed since the last call.
  void add_changed(storage::batch& to);
  // Whether a proposal of that node is decided or given up.
  bool decided(node_id node, std::uint64_t boot, std::uint64_t seq) const;

 private:
  struct origin {
    std::uint64_t boot = 0, floor = 0;
    std::map<std::uint64_t, std::uint64_t> ranges;  // first -> last, apart from each other, all from the floor on
  };
  static bool holds(const origin& o, std::uint64_t boot, std::uint64_t seq);
  static void raise_floor(origin& o, std::uint64_t floor);

  group_id group_;
  std::map<node_id, origin> origins_;
  std::set<node_id> changed_;
};

}  // namespace nacre::cluster::raft

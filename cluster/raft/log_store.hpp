#pragma once
// Where a group's log lies in the store, and how it is found again.
//
//   space  key                                          value
//   log    group(4) + 'C'                               the epoch that counts now, and its members
//   log    group(4) + 'V' + epoch(8)                    term and vote
//   log    group(4) + 'M' + epoch(8)                    the mark: index and term up to which the log is in the state
//   log    group(4) + 'E' + epoch(8) + index(8)         an entry
//   meta   "log.applied/" + group(4)                    epoch, index and term of what was applied last
//   meta   "log.seen/" + group(4) + node(8)             which proposals of that node have acted (seen.hpp)
//   meta   "log.boots"                                  how often this node has started
//   meta   "log.directory"                              which data directory this is (door.hpp)
//   meta   "log.start/" + number(8)                     the name of that start
//   meta   "log.peer/" + node(8)                        the directory and start another node came with
//
// Loading answers `corrupt` for what does not decode or has a hole: a node must not take part with half a memory.

#include <optional>
#include <string>
#include <vector>

#include "cluster/raft/entries.hpp"
#include "cluster/raft/types.hpp"
#include "model/error.hpp"
#include "storage/store.hpp"

namespace nacre::cluster::raft {

struct epoch_record {
  std::uint64_t epoch = 1;
  member_list members;  // none: this node waits to be taken in
};

struct applied_record {
  std::uint64_t epoch = 0;  // 0: nothing was ever applied
  log_mark at;
  friend bool operator==(const applied_record&, const applied_record&) = default;
};

// Nothing: this store has no such group.
result<std::optional<epoch_record>> load_epoch(const model::view& v, group_id group);
result<loaded_log> load_log(const model::view& v, instance of);
result<applied_record> load_applied(const model::view& v, group_id group);

// The first rows of an instance whose log begins after `mark`.
storage::batch found(instance of, const member_list& members, log_mark mark);
// Whatever lies there of the epochs before this one.
storage::batch erase_older(instance of);
void add(storage::batch& to, instance of, const log_write& w);
storage::write applied_row(group_id group, const applied_record& at);

// Counts this start of the node, durably.
result<std::uint64_t> count_boot(storage::store& store);

}  // namespace nacre::cluster::raft

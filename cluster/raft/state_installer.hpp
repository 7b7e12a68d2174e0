#pragma once
// Puts a fetched state in place of the one a node has, as writes of the node's one writer.
//
// The old state goes first, and a row says that the new one is not whole; it goes with the batch that brings the last
// of it: the mark, what was applied, and the log that follows. A node that finds the row when it starts has no state,
// takes no part but votes, and fetches again. What is shown meanwhile is the owner's care (shown_state.hpp).
// Threads: the writer's.

#include "cluster/raft/log_store.hpp"
#include "cluster/raft/state_rows.hpp"
#include "storage/store.hpp"

namespace nacre::cluster::raft {

class state_installer {
 public:
  state_installer(storage::store& store, std::uint32_t groups) : store_(store), groups_(groups) {}

  result<void> begin(group_id group);
  result<void> add_rows(const storage::batch& rows);
  // `keep_log`: what lies in the log after `at` goes on from it; else it is another's and goes. With members: the state
  // begins an epoch here.
  result<loaded_log> end(instance of, log_mark at, bool keep_log, const member_list& begins);
  // Whether a state was begun and not ended.
  static storage::write unfinished_row(group_id group);
  static result<bool> unfinished(const model::view& v, group_id group);

 private:
  storage::store& store_;
  const std::uint32_t groups_;
};

}  // namespace nacre::cluster::raft

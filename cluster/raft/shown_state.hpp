#pragma once
// What a node shows of its state, also while a fetched one is put in place of that of a group: then that group as it
// was before, the others as they are.
//
// Nothing is erased before it is hidden. When the new state is shown, whatever was kept of a view counts as changed,
// and whoever listens to commits is told of what may have gone.
// Threads: now() and whole() any; the others the writer's, but for hide_half(), which comes before it runs.

#include <atomic>
#include <memory>
#include <mutex>

#include "cluster/raft/applier.hpp"
#include "cluster/raft/parted_view.hpp"
#include "cluster/raft/state_installer.hpp"
#include "storage/store.hpp"

namespace nacre::cluster::raft {

class shown_state {
 public:
  shown_state(storage::store& store, std::uint32_t groups, applier& applies, cluster::changes& changes)
      : store_(store), groups_(groups), applier_(applies), changes_(changes), installer_(store, groups) {}

  // What lies there is half a state: nothing of the group is shown until it was fetched anew.
  void hide_half(group_id group);

  // As state_installer has them.
  result<void> begin(instance of);
  result<void> add_rows(const storage::batch& rows) { return installer_.add_rows(rows); }
  result<loaded_log> end(instance of, log_mark at, bool keep_log, const member_list& begins);

  // While a group's state is fetched: of that group the one before.
  std::shared_ptr<const model::view> now() const;
  // Null while the state of the workspace's group is fetched, of a nil one any: what is shown then is not current.
  std::shared_ptr<const model::view> whole(workspace_id ws) const;

 private:
  std::shared_ptr<const model::view> under_lock() const;

  storage::store& store_;
  const std::uint32_t groups_;
  applier& applier_;
  cluster::changes& changes_;
  state_installer installer_;
  mutable std::mutex mutex_;
  views_by_group hidden_;  // what is shown of a group while its state is put in place
  std::atomic<bool> any_hidden_{false};
};

}  // namespace nacre::cluster::raft

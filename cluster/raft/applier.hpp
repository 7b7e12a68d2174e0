#pragma once
// From committed entries to the state: each command once, in order, with the place reached in the same batch.
//
// The batch is written `buffered`: the entries are durable on a majority, and after a crash they are applied again from
// the place the store has kept. A failed write or read closes the applier: stop the process.
// Threads: one at a time, the one that writes to the store.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cluster/hot_rows.hpp"
#include "cluster/log.hpp"
#include "cluster/raft/log_store.hpp"
#include "cluster/raft/seen.hpp"
#include "cluster/raft/types.hpp"

namespace nacre::cluster::raft {

struct decision {
  std::uint64_t seq = 0;
  model::outcome outcome;
};
struct apply_report {
  log_mark at;
  std::vector<decision> decided;  // of proposals of this node since its start
  std::optional<seal> sealed;     // the epoch ended at `at`
};

class applier {
 public:
  applier(storage::store& store, node_id self, std::uint64_t boot, cluster::changes& changes,
          commit_listener on_commit);

  // Reads where the group stands; also after a state was put beneath it.
  result<applied_record> open(instance of);
  // Entries of one group, in order; those up to where it stands are passed over.
  result<apply_report> apply(instance of, std::vector<committed_entry> entries);
  // Another state was put beneath everything: the listener is told, in the writes that would have done it, what may
  // have gone without its knowing.
  void tell_replaced(std::uint64_t index) const;
  // Whether the epoch has ended here: what is still to be written of its log is not worth it, and would stay.
  bool is_over(instance which) const;
  // Of this node's proposals that one may still wait for: whether the state holds their decision.
  bool decided(group_id group, std::uint64_t seq) const;

 private:
  struct group_state {
    explicit group_state(group_id group) : seen(group) {}
    seen_tags seen;
    applied_record applied;
    std::uint64_t epoch = 0;
  };
  group_state& of(group_id group);

  storage::store& store_;
  const node_id self_;
  const std::uint64_t boot_;
  cluster::changes& changes_;
  const commit_listener on_commit_;
  hot_rows hot_;
  std::map<group_id, group_state> groups_;
};

}  // namespace nacre::cluster::raft

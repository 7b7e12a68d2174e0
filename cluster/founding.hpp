#pragma once
// Whether a store is one of a cluster, and what makes it one; before any log is made of it.
//
// What is written is durable when a function returns, and it is all of it or nothing. Errors: `invalid` for what no
// cluster can have, `conflict`, `corrupt` or `storage_failed` for what the store holds. Threads: one at a time.

#include <cstdint>
#include <vector>

#include "cluster/peers.hpp"
#include "storage/store.hpp"

namespace nacre::cluster {

// Makes the store the first of a cluster: what it holds (nothing, or what `solo` wrote) is the state the log goes on
// from. Every member of a new cluster is founded alike, on equal states; `groups` never changes.
// `conflict`: it belongs to a cluster already.
result<void> found_cluster(storage::store& store, std::uint32_t groups, const std::vector<peers::neighbour>& members);
// Makes an empty store that of a node which is to be taken in by reconfigure(), and fetches the state then.
result<void> join_cluster(storage::store& store, std::uint32_t groups);
// Whether it is the store of a cluster that was founded so and has had no other members since.
result<bool> was_founded(const storage::store& store, std::uint32_t groups,
                         const std::vector<peers::neighbour>& members);
// How far a node's logs go, by group; of several copies the one that is further holds more. Nothing: of no cluster.
// `conflict`: it has not the whole state yet.
struct log_end {
  std::uint64_t epoch = 0, term = 0, index = 0;
};
result<std::vector<log_end>> ends_of_logs(const storage::store& store);
// Makes the store of a cluster's node that of a single node, which holds what this one knows: its state, and all that
// its log holds beyond it, whether a majority had it or not. Nothing is left of the cluster in the store, nor in its
// files; of none, nothing changes. Errors as above, and nothing has changed; after `storage_failed` it may be on its
// way: then no node is started on it, and the same again goes on.
result<void> leave_cluster(storage::store& store);
result<bool> is_leaving(const storage::store& store);
// 0: of none.
result<std::uint32_t> groups_of_cluster(const storage::store& store);

}  // namespace nacre::cluster

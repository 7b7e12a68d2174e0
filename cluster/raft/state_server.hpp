#pragma once
// States of groups as they were at one moment, given out in chunks to nodes that are too far behind.
//
// A stream holds one snapshot of the store as long as somebody fetches from it. Its chunks are asked for in order; the
// one given last may be asked for again, and the first at any time. Nothing of it is written down: after a restart of
// this node a fetch begins anew.
// Threads: any, one at a time each.

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "cluster/raft/frames.hpp"
#include "cluster/raft/group.hpp"
#include "cluster/raft/state_rows.hpp"
#include "storage/store.hpp"

namespace nacre::cluster::raft {

class state_server {
 public:
  static constexpr std::uint64_t idle_ms_max = 20'000;  // a stream nobody asks for ends
  static constexpr std::uint64_t again_ms_max = 4'000;  // one that is offered to the same node again is the same
  static constexpr std::uint64_t settled_ms = 2'000;    // after its last chunk, until the log is followed again
  static constexpr std::size_t streams_max = 4;

  state_server(const storage::store& store, std::uint32_t groups, std::uint64_t boot,
               std::size_t chunk_bytes = chunk_bytes_max)
      : store_(store), groups_(groups), chunk_bytes_(chunk_bytes), next_stream_(boot << 32 | 1) {}

  // The newest state of a group for that node, or the one it is fetching. Nothing: too many, it cannot be read, or it
  // is another epoch's already.
  std::unique_ptr<group_host::state_at> open(instance of, node_id to, std::uint64_t now_ms);
  chunk give(instance of, node_id to, const fetch& asked, std::uint64_t now_ms);
  // Whether somebody fetches the group's state; meanwhile the log behind it is worth keeping.
  bool busy(group_id group, std::uint64_t now_ms);

 private:
  // Rows are read under the lock of their stream alone: whoever asks how streams stand does not wait for a disk.
  struct reading {
    std::mutex mutex;
    std::shared_ptr<const model::view> view;
    std::uint64_t number = 0;  // of the next chunk
    row_place place;
    std::uint64_t digest = digest_of_nothing;
    std::optional<chunk> given;  // the last one
  };
  struct stream {
    instance of;
    node_id to = 0;
    log_mark at;
    std::uint64_t asked_at = 0;
    bool whole = false;  // its last chunk was given
    std::shared_ptr<reading> rows;
  };
  void end_idle(std::uint64_t now_ms);
  std::optional<chunk> read(reading& from, group_id group, const fetch& asked) const;

  const storage::store& store_;
  const std::uint32_t groups_;
  const std::size_t chunk_bytes_;
  std::mutex mutex_;
  std::uint64_t next_stream_;
  std::map<std::uint64_t, stream> streams_;
};

}  // namespace nacre::cluster::raft

#pragma once
// The engine of a single node: the queue is the order, RocksDB's synced log makes it durable.
//
// Group commit: while one round syncs, the next one gathers. When the last round showed that
// several callers are at work, the writer waits up to `gather` for about as many again, so that one sync
// carries many commands; a lone caller never waits.
// Fail-stop: after a failed write or an untrustworthy read, no command is taken any more; the round
// at hand is answered `unknown`, for a failed sync leaves open whether it landed.

#include <chrono>
#include <cstddef>
#include <memory>

#include "cluster/log.hpp"
#include "storage/store.hpp"

namespace nacre::cluster {

struct solo_options {
  std::chrono::microseconds gather{300};  // 0: never wait for company
  std::size_t round_max = 512;            // commands per round
  std::size_t pending_max = 16'384;       // beyond: refused `busy`
};

// `store` must outlive the log.
std::unique_ptr<log> make_solo_log(storage::store& store, solo_options options, commit_listener on_commit);

}  // namespace nacre::cluster

#pragma once
// Finds or wakes the actor of a workspace, bounds what waits for it, puts idle ones to sleep.
//
// Not an actor itself: every request passes here, and a sharded map costs a tenth of a message.
// Threads: any.

#include <array>
#include <mutex>
#include <unordered_map>

#include "actors/kdf_pool.hpp"
#include "actors/protocol.hpp"

namespace nacre::actors {

class directory {
 public:
  directory(caf::actor_system& system, cluster::log& log, const crypto::keyring& keys, kdf_pool& pool,
            const settings& s);

  // Sends the order to its workspace, or answers `busy` on the spot.
  void deliver(order o);
  // Ends actors that have had nothing to do for `idle`; an order that arrives meanwhile wakes a new one.
  void put_idle_to_sleep();
  service_stats stats() const;
  // Whether anyone, the log included, still holds an order, and with it perhaps an actor.
  bool idle() const { return living_->load(std::memory_order_acquire) == 0; }

 private:
  struct entry {
    workspace_actor actor;
    std::shared_ptr<queue_slot> slot;
  };
  struct shard {
    mutable std::mutex mutex;
    std::unordered_map<workspace_id, entry> awake;
  };
  static constexpr std::size_t shards = 64;

  caf::actor_system& system_;
  cluster::log& log_;
  const crypto::keyring& keys_;
  kdf_pool& pool_;
  const settings settings_;
  std::array<shard, shards> shards_;
  std::shared_ptr<std::atomic<std::size_t>> orders_ = std::make_shared<std::atomic<std::size_t>>(0);
  std::shared_ptr<std::atomic<std::size_t>> living_ = std::make_shared<std::atomic<std::size_t>>(0);
  std::atomic<std::uint64_t> busy_{0};
};

}  // namespace nacre::actors

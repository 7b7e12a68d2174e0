#include "actors/directory.hpp"

#include "actors/workspace.hpp"

namespace nacre::actors {

namespace {

std::int64_t steady_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

directory::directory(caf::actor_system& system, cluster::log& log, const crypto::keyring& keys, kdf_pool& pool,
                     const settings& s)
    : system_(system), log_(log), keys_(keys), pool_(pool), settings_(s) {}

void directory::deliver(order o) {
  auto ws = o.ctx.workspace;
  auto& s = shards_[std::hash<workspace_id>{}(ws) % shards];
  workspace_actor actor;
  std::shared_ptr<queue_slot> slot;
  // Taken before it is compared: callers that race for the last place get it once.
  if (orders_->fetch_add(1, std::memory_order_relaxed) < settings_.queue_total) {
    std::lock_guard lock(s.mutex);
    auto& found = s.awake[ws];
    if (!found.actor) {
      found.slot = std::make_shared<queue_slot>();
      found.actor = system_.spawn(workspace_behavior, &log_, &keys_, &pool_, &settings_, ws);
    }
    if (found.slot->orders.load(std::memory_order_relaxed) < settings_.queue_per_workspace) {
      // Taken under the lock, so that an actor with an order on its way is never put to sleep.
      found.slot->orders.fetch_add(1, std::memory_order_relaxed);
      found.slot->last_used_ms.store(steady_ms(), std::memory_order_relaxed);
      slot = found.slot;
      actor = found.actor;
    }
  }
  if (!slot) {
    orders_->fetch_sub(1, std::memory_order_relaxed);
    busy_.fetch_add(1, std::memory_order_relaxed);
    answer a;
    a.outcome.refused = error{errc::busy, "Too many requests are waiting. Try again shortly"};
    return o.reply(std::move(a));
  }
  auto placed = std::make_shared<placed_order>();
  placed->what = std::move(o);
  placed->slot = std::move(slot);
  placed->total = orders_;
  placed->living = living_;
  living_->fetch_add(1, std::memory_order_relaxed);
  placed->sent.give();
  caf::anon_send(actor, std::move(placed));
}

void directory::put_idle_to_sleep() {
  auto since = steady_ms() - settings_.idle.count();
  for (auto& s : shards_) {
    std::vector<workspace_actor> asleep;
    {
      std::lock_guard lock(s.mutex);
      for (auto it = s.awake.begin(); it != s.awake.end();) {
        const auto& slot = *it->second.slot;
        bool idle = slot.orders.load(std::memory_order_relaxed) == 0 &&
                    slot.last_used_ms.load(std::memory_order_relaxed) <= since;
        if (idle) asleep.push_back(std::move(it->second.actor));
        it = idle ? s.awake.erase(it) : std::next(it);
      }
    }
    for (auto& actor : asleep) caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
  }
}

service_stats directory::stats() const {
  service_stats out;
  for (const auto& s : shards_) {
    std::lock_guard lock(s.mutex);
    out.actors += s.awake.size();
  }
  out.orders = orders_->load(std::memory_order_relaxed);
  out.busy_total = busy_.load(std::memory_order_relaxed);
  return out;
}

}  // namespace nacre::actors

#pragma once
// The messages actors exchange, all of them.

#include <atomic>
#include <caf/all.hpp>
#include <cstdint>
#include <memory>

#include "actors/service.hpp"

namespace nacre::actors {

// A place in a workspace's queue, held from the door until the reply has left.
struct queue_slot {
  std::atomic<std::size_t> orders{0};
  std::atomic<std::int64_t> last_used_ms{0};  // steady clock; when the actor may be put to sleep
};

// From the thread that sends to the one that handles. CAF's mailbox orders the two already, but race
// detectors do not see into the library; this one they see.
class handover {
 public:
  void give() { given_.store(true, std::memory_order_release); }
  void take() const { static_cast<void>(given_.load(std::memory_order_acquire)); }

 private:
  std::atomic<bool> given_{false};
};

struct placed_order {
  placed_order() = default;
  placed_order(const placed_order&) = delete;
  placed_order& operator=(const placed_order&) = delete;
  // An actor that dies with orders in its queue drops them here: nobody is left without an answer.
  ~placed_order() {
    if (what.reply && slot) {
      answer a;
      a.outcome.refused = error{errc::internal, "The workspace's actor ended before it could answer"};
      answer_with(std::move(a));
    }
    if (living) living->fetch_sub(1, std::memory_order_release);
  }

  order what;
  std::shared_ptr<queue_slot> slot;
  std::shared_ptr<std::atomic<std::size_t>> total;   // of orders not yet answered
  std::shared_ptr<std::atomic<std::size_t>> living;  // of orders that anyone still holds
  handover sent;
  crypto::secure_bytes fresh_token;  // of a create under way: it leaves with the answer or not at all

  // Frees the place, then answers: who asks again at once finds room.
  void answer_with(answer a) {
    slot->orders.fetch_sub(1, std::memory_order_relaxed);
    total->fetch_sub(1, std::memory_order_relaxed);
    what.reply(std::move(a));
  }
};
using order_ptr = std::shared_ptr<placed_order>;

// An order's command came back from the log.
struct decided {
  decided(order_ptr o, cluster::settled s) : from(std::move(o)), result(std::move(s)) { sent.give(); }
  order_ptr from;
  cluster::settled result;
  handover sent;
};
using decided_ptr = std::shared_ptr<decided>;

}  // namespace nacre::actors

// Callbacks do not cross the network; a gateway turns remote requests into orders of its own.
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(nacre::actors::order_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(nacre::actors::decided_ptr)

namespace nacre::actors {

/// The WORKSPACE actor: puts everything that changes one workspace in a line; that line is our lock.
using workspace_actor = caf::typed_actor<
    // Authorizes, seals, proposes; the order is answered once its command is decided, or refused now.
    caf::reacts_to<order_ptr>,
    // INTERNAL: the log decided; opens what may be opened and keeps the promise.
    caf::reacts_to<decided_ptr>>;

}  // namespace nacre::actors

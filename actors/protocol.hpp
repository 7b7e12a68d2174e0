#pragma once
// The messages actors exchange, all of them.

#include <atomic>
#include <caf/all.hpp>
#include <cstdint>
#include <memory>

#include "actors/kdf_pool.hpp"
#include "actors/service.hpp"
#include "crypto/one_time.hpp"

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

// How far an order about a one-time secret has come; it may wait for the log and for the pool several times.
struct secret_progress {
  enum class step : std::uint8_t {
    partition,  // the guest partition gets its data key
    attempt,    // one try at the passphrase is reserved
    cleared,    // the passphrase was right, nothing is consumed
    lockout,    // it was wrong, and the last one allowed
    act,        // what the order is about
  };
  step waiting = step::act;
  secret_id id;
  receipt_id receipt;  // of a burning one
  model::secret_record secret;
  std::string sealed;                    // the secret as stored
  crypto::secure_bytes link;             // of the secret
  crypto::secure_bytes passphrase_key;   // stretched
  crypto::secure_bytes record_key;       // opens `sealed`
  std::string salt;                      // of a new secret with a passphrase
  std::optional<kdf_pool::place> place;  // in the pool; taken before the attempt is reserved
  bool last_attempt = false;
  bool right = false;  // the passphrase, or there is none
  // Of a list of receipts: what is still to be opened, a portion a turn, so that others get theirs between.
  std::optional<std::vector<model::receipt_entry>> listing;
  std::vector<shown_receipt> listed;
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
  bool looked_again = false;  // its view is no older than the order
  // A token or a webhook's secret, of a create under way: it leaves with the answer or not at all.
  crypto::secure_bytes fresh_token;
  secret_progress secret;  // of an order about a one-time secret

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

// The pool has stretched an order's passphrase.
struct stretched {
  stretched(order_ptr o, result<crypto::secure_bytes> k) : from(std::move(o)), key(std::move(k)) { sent.give(); }
  order_ptr from;
  result<crypto::secure_bytes> key;
  handover sent;
};
using stretched_ptr = std::shared_ptr<stretched>;

}  // namespace nacre::actors

// Callbacks do not cross the network; a gateway turns remote requests into orders of its own.
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(nacre::actors::order_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(nacre::actors::decided_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(nacre::actors::stretched_ptr)

namespace nacre::actors {

/// The WORKSPACE actor: puts everything that changes one workspace in a line; that line is our lock.
using workspace_actor = caf::typed_actor<
    // Authorizes, seals, proposes; the order is answered once its command is decided, or refused now.
    caf::reacts_to<order_ptr>,
    // INTERNAL: the log decided; opens what may be opened and keeps the promise.
    caf::reacts_to<decided_ptr>,
    // INTERNAL: a passphrase has been stretched; tries it.
    caf::reacts_to<stretched_ptr>>;

}  // namespace nacre::actors

#pragma once
// The way of an order about a one-time secret through its workspace's actor.
//
//   reveal, without passphrase: check that it can be opened -> claim (log) -> open -> answer
//   reveal, with passphrase:    a place in the pool -> reserve an attempt (log) -> stretch (pool)
//                               -> wrong: answer | right: claim (log) -> open -> answer
//
// The attempt is counted before the passphrase is tried, the place taken before the attempt, so that
// a full pool costs nobody an attempt. What a winner needs to open the secret is held in the order
// before the claim: once it is committed, no other read can fail.

#include "actors/workspace.hpp"

namespace nacre::actors {

bool is_about_secret(const intent& what);

class secret_orders {
 public:
  explicit secret_orders(workspace_state& in) : in_(in) {}
  void begin(const order_ptr& o);
  void decided(const order_ptr& o, model::outcome outcome);
  void stretched(const order_ptr& o, result<crypto::secure_bytes> key);

 private:
  void begin_with(const order_ptr& o, conceal& what);
  void begin_with(const order_ptr& o, show_secret& what);
  void begin_with(const order_ptr& o, reveal_secret& what);
  void begin_with(const order_ptr& o, confirm_secret& what);
  void begin_with(const order_ptr& o, show_receipt& what);
  void begin_with(const order_ptr& o, burn_by_receipt& what);
  void begin_with(const order_ptr& o, memo_receipt& what);
  void begin_with(const order_ptr& o, list_recent& what);

  void seal(const order_ptr& o);
  // Tries the passphrase of a secret that has one, if the lock and the pool allow it.
  void try_passphrase(const order_ptr& o);
  void stretch_in_pool(const order_ptr& o);
  void judged(const order_ptr& o, bool right);
  void say_wrong(const order_ptr& o);
  void act(const order_ptr& o);
  void acted(const order_ptr& o, model::outcome outcome);

  void propose(const order_ptr& o, secret_progress::step waiting, model::operation op);
  // Reads the secret as stored; false: the order has been answered.
  bool fetch(const order_ptr& o, const model::view& v);
  result<crypto::secure_bytes> record_key(const model::view& v, const order_ptr& o);
  // Of a secret that is there, by its receipt's.
  result<crypto::secure_bytes> secret_link(const model::view& v, const model::receipt_entry& of,
                                           const crypto::secure_bytes& receipt_link);
  shown_receipt shown(const model::view& v, model::receipt_entry entry, const crypto::secure_bytes* receipt_link);
  result<crypto::secure_bytes> open_link_sealed(const model::view& v, std::uint32_t version,
                                                const crypto::seal_context& where, std::string_view link,
                                                std::string_view sealed);
  void answer_entry(const order_ptr& o);
  void answer_receipt(const order_ptr& o, model::receipt_entry entry);

  workspace_state& in_;
};

}  // namespace nacre::actors

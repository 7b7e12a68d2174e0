#pragma once
// One workspace's actor. Its state is what is costly to fetch (the open data key); the truth is in
// the log and in the store, so it can be put to sleep at any time between orders.

#include <algorithm>
#include <optional>

#include "actors/kdf_pool.hpp"
#include "actors/protocol.hpp"

namespace nacre::actors {

struct workspace_state {
  static inline const char* name = "workspace";
  workspace_actor::pointer self = nullptr;
  cluster::log* log = nullptr;
  const crypto::keyring* keys = nullptr;
  workspace_id id;
  std::optional<crypto::data_key> key;
  kdf_pool* pool = nullptr;
  const settings* rules = nullptr;

  void on_order(const order_ptr& sent);
  void on_decided(const decided_ptr& d);
  void on_stretched(const stretched_ptr& s);

  // For secret_orders and ask_orders too.
  void propose(order_ptr o, model::command command);
  // The data key of this version, unwrapped once.
  result<const crypto::data_key*> open_key(const model::view& v, std::uint32_t version);
  // The same if it is unwrapped already, else null.
  const crypto::data_key* held_key(std::uint32_t version) const {
    return key && key->version == version ? &*key : nullptr;
  }
  // What a guest partition may hold, as commands say it: 0 is no bound.
  std::uint64_t partition_bytes_max() const {
    if (!is_guest_partition(id) || rules->guest_bytes_max == 0) return 0;
    return std::max<std::uint64_t>(1, rules->guest_bytes_max / guest_partitions);
  }

 private:
  // True: the order comes again, with a view that holds whatever was acknowledged before. Else it has had that.
  bool looks_again(const order_ptr& o);
  // The command for an intent, sealed; needs a view of the workspace.
  result<model::operation> prepare(const model::view& v, placed_order& o);
  result<model::operation> seal_new_pat(const model::view& v, placed_order& o, const issue_pat& what);
  result<model::operation> seal_rotation(const model::view& v, placed_order& o, const renew_pat& what);
  result<model::operation> seal_new_webhook(const model::view& v, placed_order& o, const issue_webhook& what);
  result<model::operation> seal_new_secret(const model::view& v, placed_order& o, edit_webhook& what);
  // What a committed order may show: nothing, a revealed token, that of a created or rotated PAT, or a new secret.
  result<crypto::secure_bytes> token_of(placed_order& o, const model::outcome& decided);
  result<crypto::secure_bytes> open_stored(placed_order& o, const model::pat_entry& pat);
  result<crypto::secure_bytes> rotated_token(placed_order& o, const renew_pat& what, const model::rotated& made);
  result<crypto::secure_bytes> open_sealed(const model::view& v, const model::pat_entry& pat, std::string_view sealed);
};

workspace_actor::behavior_type workspace_behavior(workspace_actor::stateful_pointer<workspace_state> self,
                                                  cluster::log* log, const crypto::keyring* keys, kdf_pool* pool,
                                                  const settings* rules, workspace_id id);

}  // namespace nacre::actors

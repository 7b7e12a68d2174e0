#pragma once
// One workspace's actor. Its state is what is costly to fetch (the open data key); the truth is in
// the log and in the store, so it can be put to sleep at any time between orders.

#include <map>
#include <optional>

#include "actors/protocol.hpp"

namespace nacre::actors {

struct workspace_state {
  static inline const char* name = "workspace";
  workspace_actor::pointer self = nullptr;
  cluster::log* log = nullptr;
  const crypto::keyring* keys = nullptr;
  workspace_id id;
  std::optional<crypto::data_key> key;

  void on_order(order_ptr o);
  void on_decided(const decided_ptr& d);

 private:
  void propose(order_ptr o, model::command command);
  // The data key of this version, unwrapped once.
  result<const crypto::data_key*> open_key(const model::view& v, std::uint32_t version);
  // The command for an intent, sealed; needs a view of the workspace.
  result<model::operation> prepare(const model::view& v, placed_order& o);
  result<model::operation> seal_new_pat(const model::view& v, const model::context& ctx, const issue_pat& what);
  result<crypto::secure_bytes> open_revealed(const model::view& v, const model::revealed& r);

  // Tokens made for creates under way, by request: they leave with the answer or not at all.
  std::map<request_id, crypto::secure_bytes> fresh_tokens_;
};

workspace_actor::behavior_type workspace_behavior(workspace_actor::stateful_pointer<workspace_state> self,
                                                  cluster::log* log, const crypto::keyring* keys, workspace_id id);

}  // namespace nacre::actors

#pragma once
// The way of an answer to a request for a secret (model/asks.hpp) through its workspace's actor, and of its pickup.
// Opening, confirming and cancelling need no key of the workspace's: they are operations as they are.
//
//   answer:  (guests: the partition gets its data key, log) -> seal under the link that asked -> answer (log)
//   pickup:  look -> check that it can be opened -> pick up (log) -> open -> answer
//
// What arrives has been sealed by whoever answers to a key that nacre has never seen.

#include "actors/workspace.hpp"

namespace nacre::actors {

bool is_about_ask(const intent& what);

class ask_orders {
 public:
  explicit ask_orders(workspace_state& in) : in_(in) {}
  void begin(const order_ptr& o);
  void decided(const order_ptr& o, model::outcome outcome);

 private:
  void begin_with(const order_ptr& o, const give_answer& what);
  void begin_with(const order_ptr& o, const pick_up_answer& what);

  workspace_state& in_;
};

}  // namespace nacre::actors

#pragma once
// What the tests of the log share: a store with a log on it, proposals by number, answers in a box.

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cluster/solo.hpp"
#include "cluster/stage.hpp"
#include "storage/memory_store.hpp"
#include "tests/model/invariants.hpp"
#include "tests/support/inbox.hpp"
#include "tests/support/people.hpp"
#include "tests/support/stores.hpp"

namespace nacre::cluster::testing {

using namespace nacre::testing;
using fate = settled::fate;

inline const workspace_id home = workspace_no(1);
inline const user_id owner = user_no(1), stranger = user_no(9);

inline deadline in_a_while() { return std::chrono::steady_clock::now() + patience; }

inline model::command founding() {
  return {context_of(home, owner, 1), model::create_workspace{"Pearl", "", "wrapped"}};
}
inline model::command making(std::uint64_t n) { return {context_of(home, owner, 1000 + n), sealed_pat_no(n)}; }
inline model::command refused_by_rules(std::uint64_t n) {
  return {context_of(home, stranger, 500'000 + n), model::rename_workspace{"Mine"}};
}

struct answered {
  std::uint64_t number = 0;
  settled what;
};
using answers = inbox<answered>;

inline void propose(log& to, answers& box, std::uint64_t number, model::command what, deadline by = in_a_while()) {
  to.propose({std::move(what), by, [&box, number](settled s) { box.put({number, std::move(s)}); }});
}

struct round_seen {
  std::uint64_t index = 0;
  std::size_t commands = 0;
  bool synced = false;
};
inline commit_listener into(inbox<round_seen>& box) {
  return [&box](const committed_round& r) { box.put({r.index, r.commands, r.synced}); };
}
inline std::vector<std::size_t> sizes(const std::vector<round_seen>& rounds) {
  std::vector<std::size_t> out;
  for (const auto& r : rounds) out.push_back(r.commands);
  return out;
}

// What is wrong with the whole of a stored state, or nothing.
inline std::string broken_in(const model::view& v) {
  model::testing::map_state copy;
  copy_into(copy, v);
  return model::testing::broken(copy);
}

inline bool holds_pat(const model::view& v, std::uint64_t n) {
  return model::load<model::pat_record>(v, model::space::state, model::keys::pat(home, pat_no(n))).has_value();
}

// Proposes the founding of the workspace and waits for it.
inline void found(log& l) {
  answers box;
  propose(l, box, 0, founding());
  REQUIRE(box.await(1));
  auto first = box.take();
  REQUIRE(first[0].what.how == fate::committed);
  REQUIRE_FALSE(first[0].what.outcome.refused);
}

inline solo_options eager() {
  solo_options o;
  o.gather = std::chrono::microseconds{0};
  return o;
}

}  // namespace nacre::cluster::testing

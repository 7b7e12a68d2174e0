#pragma once
// What one run of the simulator is asked for, and what it tells.

#include <cstdint>
#include <string>

#include "cluster/peers.hpp"
#include "cluster/raft/guard.hpp"

namespace nacre::sim {

namespace raft = cluster::raft;
using cluster::node_id;

// What the simulator itself can do wrong around the engine, to see that it is found.
enum class lie : std::uint8_t {
  none,
  unknown_is_refused,   // callers are told so
  links_answer_probes,  // in the place of members: a current read is answered before a majority was heard
  behind_the_seal,      // what lies there in the log of an epoch is applied
};

struct plan {
  std::uint64_t seed = 1;
  raft::guard_rules rules;
  std::uint64_t chaos_ms = 5'000;
  bool compaction = true;
  bool membership = true;
  bool losses = true;  // a node loses its disk, or gets an older copy of it, and comes back under its number
  bool doors = true;   // nodes remember each other's directories
  sim::lie lie = sim::lie::none;
  bool harder = true;  // with all that was added since the seeds of sim_test.cpp that once went wrong
};

struct summary {
  std::string broken;  // empty: every promise was kept
  std::uint64_t acknowledged = 0, unknown = 0, refused = 0, reveals = 0, reads = 0, crashes = 0, entries = 0,
                fetches = 0, epochs = 0, changes = 0, losses = 0;
};

summary run(const plan& p);

}  // namespace nacre::sim

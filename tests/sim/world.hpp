#pragma once
// A cluster in one thread: real replicas, appliers and log rows over a virtual disk, network and clock, all of one
// seed.
//
// The world is the clock and the chances: everything that happens is an event of its queue, and every choice comes from
// its random source, so that a seed is one history. After every step the promises are checked; the first broken one
// ends the run.

#include <cstdint>
#include <functional>
#include <memory>
#include <queue>
#include <string>
#include <vector>

#include "cluster/raft/replica.hpp"
#include "tests/sim/clients.hpp"
#include "tests/sim/ledger.hpp"
#include "tests/sim/network.hpp"
#include "tests/sim/plan.hpp"
#include "tests/sim/promises.hpp"
#include "tests/support/random_source.hpp"

namespace nacre::sim {

class node;

class world {
 public:
  explicit world(const plan& p);
  ~world();
  summary run();

  void at(std::uint64_t delay, std::function<void()> f);
  std::uint64_t below(std::uint64_t n) { return random.below(n); }
  std::uint64_t between(std::uint64_t low, std::uint64_t high) { return low + random.below(high - low + 1); }
  bool chance(double p) { return static_cast<double>(random.any() >> 11) * 0x1p-53 < p; }
  void fail(const std::string& what);
  node& of(node_id id) { return *nodes[id - 1]; }

  void run_until(std::uint64_t end);
  void await_rest();
  std::string standing() const;  // every node in a line, for what is told of a broken promise

  const sim::plan plan;
  testing::random_source random;
  testing::random_source more;  // of what `harder` adds, so that the seeds of before stay the histories they were
  std::uint64_t now = 1'000;
  bool chaos = true;
  double slow_disk = 0;
  sim::network network;
  sim::ledger ledger;
  sim::promises promises;
  sim::clients clients;
  std::vector<std::unique_ptr<node>> nodes;
  raft::group_options group;
  std::uint32_t groups = 1;  // the workspace is in one of them, and that one is run
  std::size_t pending_max = raft::replica_options{}.pending_max;
  raft::member_list founders;
  node_id victim = 0;       // whose disk is lost once, 0: nobody's
  bool older_copy = false;  // and an older copy put in
  summary told;

 private:
  struct event {
    std::uint64_t at, order;
    std::function<void()> f;
    bool operator<(const event& o) const { return at != o.at ? at > o.at : order > o.order; }
  };

  bool at_rest() const;

  std::priority_queue<event> events_;
  std::uint64_t order_ = 0;
};

}  // namespace nacre::sim

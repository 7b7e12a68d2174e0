#pragma once
// Nodes of a cluster in one process, as many as a test wants, and one question to one of them.

#include "cluster/founding.hpp"
#include "cluster/raft_log.hpp"
#include "tests/cluster/support.hpp"
#include "tests/support/memory_peers.hpp"

namespace nacre::cluster::testing {

inline std::vector<peers::neighbour> list_of(const std::vector<node_id>& ids) {
  std::vector<peers::neighbour> all;
  for (auto id : ids) all.push_back({id, ""});
  return all;
}

struct three {
  struct node {
    std::unique_ptr<storage::store> store;
    std::unique_ptr<peers> connections;
    std::unique_ptr<cluster::log> log;
    std::unique_ptr<held_store> held;
    std::atomic<int> replaced{0};  // how often its listener was told so of the state
  };
  memory_network network;
  std::vector<node_id> ids;
  std::map<node_id, node> nodes;
  raft_options options;

  explicit three(std::size_t count = 3, std::uint32_t groups = 1, bool by_choice = false) : network(by_choice) {
    options.heartbeat = std::chrono::milliseconds(20);
    options.election = std::chrono::milliseconds(150);
    for (node_id id = 1; id <= count; ++id) ids.push_back(id);
    for (auto id : ids) {
      nodes[id].store = storage::make_memory_store();
      REQUIRE(found_cluster(*nodes[id].store, groups, list_of(ids)));
    }
  }
  ~three() {
    for (auto id : ids) stop(id);
  }
  void start(node_id id) {
    auto& n = nodes[id];
    n.connections = network.join(id);
    auto o = options;
    o.self = id;
    o.contacts = list_of(ids);
    auto made = make_raft_log(*n.store, o, *n.connections, [this, id](const committed_round& round) {
      for (const auto& w : round.writes)
        if (round.commands == 0 && w.in == model::space::sealed && w.what == storage::write::kind::erase_range)
          ++nodes[id].replaced;
    });
    REQUIRE(made);
    n.log = std::move(*made);
  }
  void start() {
    for (auto id : ids) start(id);
  }
  void stop(node_id id) {
    auto& n = nodes[id];
    if (n.log) n.log->stop();
    n.log.reset();
    n.connections.reset();
  }
  cluster::log& of(node_id id) { return *nodes[id].log; }
  // Whom a majority takes for the leader.
  node_id leader() {
    node_id found = 0;
    const bool led = eventually([&] {
      std::map<node_id, std::size_t> votes;
      for (auto id : ids)
        if (nodes[id].log)
          if (const auto who = of(id).standing().groups[0].leader; who != 0 && nodes[who].log) ++votes[who];
      for (auto [id, count] : votes)
        if (count > ids.size() / 2) found = id;
      return found != 0;
    });
    REQUIRE(led);
    return found;
  }
  std::uint64_t applied(node_id id) { return of(id).standing().groups[0].applied_index; }
  bool together() {
    return eventually([&] {
      std::set<std::uint64_t> all;
      for (auto id : ids)
        if (nodes[id].log) all.insert(applied(id));
      return all.size() == 1;
    });
  }
};

inline settled proposed(cluster::log& at, model::command what, deadline by = in_a_while()) {
  answers box;
  propose(at, box, 1, std::move(what), by);
  REQUIRE(box.await(1));
  return box.take()[0].what;
}

inline result<void> changed(cluster::log& at, const std::vector<node_id>& to) {
  inbox<result<void>> box;
  at.reconfigure(list_of(to), in_a_while(), [&](result<void> how) { box.put(std::move(how)); });
  REQUIRE(box.await(1));
  return box.take()[0];
}

inline bool done_well(const settled& s) { return s.how == fate::committed && !s.outcome.refused; }

inline result<std::shared_ptr<const model::view>> current(cluster::log& at, deadline by = in_a_while()) {
  inbox<result<std::shared_ptr<const model::view>>> box;
  at.read_barrier(home, by, [&](auto v) { box.put(std::move(v)); });
  REQUIRE(box.await(1));
  return box.take()[0];
}

}  // namespace nacre::cluster::testing

#pragma once
// The links between nodes: frames are lost, late, doubled and overtake each other, some outlive an election but none an
// end of its connection, links are cut in one direction or both. Nodes that were started let each other in before a
// frame passes.

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/sim/plan.hpp"

namespace nacre::sim {

class node;
class world;

class network {
 public:
  explicit network(world& w) : w_(w) {}

  double loss = 0, doubled = 0, late = 0;  // chances of each frame

  void cut(node_id from, node_id to);
  void isolate(node_id id);
  void heal();

  // False: the queue to `to` is full.
  bool send(node& from, node_id to, std::string frame);
  // Whether every other founder is up and remembers the node's directory and, once an older copy of its disk was made,
  // its last start.
  bool known_to_all(const node& n) const;

 private:
  void arrive(node& from, node_id to, const std::string& frame);
  bool connected(node& a, node& b);

  world& w_;
  std::vector<std::vector<bool>> cut_;                                                          // [from - 1][to - 1]
  std::map<std::pair<node_id, node_id>, std::pair<std::uint64_t, std::uint64_t>> connections_;  // of which lives
};

}  // namespace nacre::sim

#pragma once
// NACRE_SIM_TRACE=1: what happens, line by line.

#include <cstdint>
#include <cstdlib>
#include <iostream>

#include "cluster/peers.hpp"

namespace nacre::sim {

inline bool tracing() {
  static const bool on = std::getenv("NACRE_SIM_TRACE") != nullptr;
  return on;
}

template <class... Parts>
void trace(std::uint64_t now, cluster::node_id node, const Parts&... parts) {
  if (tracing()) ((std::cout << "  " << now << " n" << node << ' ') << ... << parts) << '\n';
}

}  // namespace nacre::sim

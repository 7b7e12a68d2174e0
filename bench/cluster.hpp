#pragma once
// Three nodes beside three members of etcd (main.cpp tells how scenarios run).

#include "bench/stand.hpp"

namespace nacre::bench {

// Answers how many requests failed.
std::uint64_t run_cluster(const options& o, const scratch& dir);

}  // namespace nacre::bench

#pragma once
// Whether something listens at an address, asked before CAF is: its own connect() has no limit of time, and while it
// waits for one node that does not answer it dials none of the others.

#include <chrono>

#include "cluster/wire/endpoint.hpp"
#include "model/error.hpp"

namespace nacre::cluster::wire {

// The first of the host's addresses that takes a TCP connection, as a number. Blocks for name resolution and at most
// `patience` for each address. Errors (`busy`) say why in words.
result<endpoint> reach(const endpoint& where, std::chrono::milliseconds patience);

}  // namespace nacre::cluster::wire

#pragma once
// One node, wired: opens the installation, starts log, actors and HTTP, and takes them down in order.

#include <csignal>

#include "app/config.hpp"

namespace nacre::app {

// Runs until SIGTERM or SIGINT, then drains. The exit code: 0, 69 (address in use), 74 (I/O), 78
// (configuration: keys, issuers, data directory). `stop` holds both signals, blocked in all threads.
int run_node(const config& c, const sigset_t& stop);

}  // namespace nacre::app

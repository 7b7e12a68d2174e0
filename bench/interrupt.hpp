#pragma once
// Ctrl-C ends a run like an error does: what was started is stopped, what was made is removed.
//
// The long loops ask; a second signal ends the process at once. Threads: main asks, the signal may come anywhere.

#include <csignal>
#include <stdexcept>

namespace nacre::bench {

struct interrupted : std::runtime_error {
  interrupted() : std::runtime_error("interrupted") {}
};

namespace detail {
inline volatile std::sig_atomic_t signal_seen = 0;
}

inline void catch_interrupts() {
  struct sigaction once {};
  once.sa_handler = [](int) { detail::signal_seen = 1; };
  once.sa_flags = static_cast<int>(SA_RESETHAND);
  ::sigaction(SIGINT, &once, nullptr);
  ::sigaction(SIGTERM, &once, nullptr);
}

inline void stop_if_interrupted() {
  if (detail::signal_seen != 0) throw interrupted();
}

}  // namespace nacre::bench

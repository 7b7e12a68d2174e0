#pragma once
// Ports of 127.0.0.1 for the nodes of a cluster. Nothing keeps them for who asks: another program may be faster.

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <stdexcept>

namespace nacre::test {

inline bool is_free_port(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(static_cast<std::uint16_t>(port));
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool free = ::bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0;
  ::close(fd);
  return free;
}

// Such that the nodes' ports from it on, and those between them, 1,001 above, are free now; below those that a client's
// end gets. At most 18 nodes. Throws std::runtime_error if there are none.
inline int free_ports(int nodes) {
  constexpr int first = 12'000, steps = 900, apart = 20;
  const int begin = static_cast<int>(::getpid() % steps);
  for (int step = 0; step < steps; ++step) {
    const int port = first + (begin + step) % steps * apart;
    bool free = true;
    for (int i = 0; i < nodes; ++i) free = free && is_free_port(port + i) && is_free_port(port + 1'001 + i);
    if (free) return port;
  }
  throw std::runtime_error("no free ports");
}

}  // namespace nacre::test

#pragma once
// What both generators ask of the system.

#include <cstdint>
#include <string_view>

namespace nacre::bench {

// To this machine, without delay; negative: refused.
int connect_to(std::uint16_t port);
// Waits for room. False: the connection is broken.
bool send_all(int fd, std::string_view bytes);
double thread_cpu_s();

}  // namespace nacre::bench

#pragma once
// Whether an address literal stays on this machine: 127.0.0.0/8 or ::1.

#include <string>

namespace nacre::app {

bool is_loopback(const std::string& address);

}  // namespace nacre::app

#pragma once
// Checking tokens for other services, and listing one's own, with as many tokens stored as in the scale part.

#include <cstdint>

#include "bench/stand.hpp"

namespace nacre::bench {

// Prints its rows; answers how many requests failed.
std::uint64_t run_verify(const options& o, const scratch& dir);

}  // namespace nacre::bench

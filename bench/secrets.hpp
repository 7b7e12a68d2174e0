#pragma once
// One-time secrets of guests under load: beside the disk's ceiling, beside a storm of wrong passphrases, and many.

#include <cstdint>

#include "bench/stand.hpp"

namespace nacre::bench {

// Prints its rows; answers how many requests failed.
std::uint64_t run_secrets(const options& o, const scratch& dir);

}  // namespace nacre::bench

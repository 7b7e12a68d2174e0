#pragma once
// How long an empty node takes to have all that three others hold, while those go on serving.

#include "bench/stand.hpp"

namespace nacre::bench {

inline constexpr const char* catch_up_name = "catch-up of an empty node";

// Three nodes begin with `o.secrets` one-time secrets; a fourth is invited, started and taken in. Answers how many
// requests failed meanwhile.
std::uint64_t run_catch_up(const options& o, const scratch& dir);

}  // namespace nacre::bench

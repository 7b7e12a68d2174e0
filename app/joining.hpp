#pragma once
// `nacred --join TOKEN`: a node to be takes what a join token holds, before it has ever run.

#include <cstdint>
#include <string>
#include <string_view>

#include "app/config.hpp"
#include "app/options.hpp"

namespace nacre::app {

// Writes the certificates and the key into DIR/cluster of data.dir and answers the section [cluster] that the node's
// configuration needs from now on. Files that are there stay: a node joins once. `now`: seconds since 1970.
finished join_cluster(const config& c, std::string_view token, std::int64_t now);

}  // namespace nacre::app

#pragma once
// `nacred --join TOKEN`: a node to be takes what a join token holds, before it has ever run. And the section [cluster]
// of a node's configuration, for who writes one.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "app/config.hpp"
#include "app/options.hpp"
#include "model/error.hpp"

namespace nacre::app {

// Writes the certificates and the key into DIR/cluster of data.dir, which must hold no data, and answers the section
// [cluster] that the node's configuration needs from now on. Another invitation's files stay and are an error; the same
// ones are not, so the same token answers the section again. `now`: seconds since 1970.
finished join_cluster(const config& c, std::string_view token, std::int64_t now);

// What the section says. The files lie in `directory` (ca.crt, node-N.crt, node-N.key).
struct cluster_place {
  std::string directory;
  std::uint64_t node = 0;
  std::vector<std::string> members;  // "ID=host:port", this node among them
  std::uint32_t groups = 1;
  bool joins = false;
  std::string service_keys;  // file
};
// `invalid` if the members do not name this node.
result<std::string> cluster_section(const cluster_place& of);

}  // namespace nacre::app

#pragma once
// What orders this node's commands: by itself, or with the nodes of its cluster.

#include <memory>
#include <string>
#include <vector>

#include "app/config.hpp"
#include "app/installation.hpp"
#include "app/log.hpp"
#include "app/members.hpp"
#include "app/metrics.hpp"
#include "app/standings.hpp"
#include "cluster/log.hpp"
#include "cluster/wire/caf_peers.hpp"

namespace nacre::app {

// "solo", or "node-3": in audit entries and logs.
std::string node_name_of(const config& c);

// Of the certificate, to open the installation with; nothing for a single node. `invalid`: CA, certificate and key do
// not fit together or are not this node's.
result<std::string> cluster_id_of(const config& c);

struct engine {
  // Null, these three: a single node.
  std::unique_ptr<cluster::caf_peers> connections;
  std::unique_ptr<standings> words;
  std::unique_ptr<members> membership;
  std::unique_ptr<cluster::log> ordered;  // goes first

  engine() = default;
  engine(engine&&) = default;
  engine& operator=(engine&&) = delete;
  ~engine() { stop(); }
  void stop();
};
// `conflict`, `invalid`: the directory belongs elsewhere, or something an operator must mend. A directory that is
// empty joins in founding the cluster it is configured for, or, with cluster.join, waits to be taken into it; one with
// a single node's data does neither (`nacre cluster init`). The installation, `time` and `log` must outlive it.
// Connections are attempted from now on.
result<engine> open_engine(const config& c, const installation& at, cluster::commit_listener on_commit,
                           const clock& time, logger& log);

// Why the node cannot serve, as far as its cluster is concerned.
std::vector<std::string> not_ready_reasons(const engine& of);
void read_levels(const engine& of, readings& into);

}  // namespace nacre::app

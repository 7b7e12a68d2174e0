#pragma once
// The cluster as its operators see it, and other members for it (http/cluster_view.hpp).
//
// Before the log is asked for other members it is made sure that this will do: whoever comes has proved to be a node of
// this cluster that waits to be taken in and is found at its address, and of whoever will be there a majority answers.
// Errors: `invalid`, `conflict` in words for an operator, `busy` (no leader; another change is on its way),
// `outcome_unknown`. Threads: any.

#include <functional>
#include <memory>

#include "app/standings.hpp"
#include "cluster/log.hpp"
#include "cluster/wire/caf_peers.hpp"
#include "crypto/keyring.hpp"
#include "http/cluster_view.hpp"
#include "model/error.hpp"
#include "model/time.hpp"
#include "model/unique_function.hpp"

namespace nacre::app {

class members {
 public:
  // All references must outlive it.
  members(cluster::log& log, standings& words, const cluster::caf_peers& connections, const crypto::keyring& keys,
          const clock& time);
  ~members();

  http::cluster_view show() const;
  // What is past by the clocks of most members; nothing while too few are heard. Any thread.
  std::optional<timestamp> agreed_time() const;
  // One change at a time; `done` is called once, on a thread of its own or the log's.
  void change(http::cluster_wish wish, cluster::deadline by, unique_function<void(result<void>)> done);
  // Refuses what is waiting. What the log is asked already is called back when the log stops, which must be next.
  void stop();

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

// Why a node cannot serve, as far as its cluster is concerned.
std::vector<std::string> reasons_of(const cluster::cluster_status& s,
                                    const std::vector<cluster::peer_status>& connections);

}  // namespace nacre::app

#pragma once
// One end of real connections on loopback: a transport, and what came in by it.

#include <catch2/catch.hpp>

#include "cluster/wire/caf_peers.hpp"
#include "tests/cluster/wire/support.hpp"
#include "tests/support/inbox.hpp"

namespace nacre::testing {

struct received {
  cluster::node_id from = 0;
  std::string frame;
};

struct node {
  cluster::caf_peers_settings settings;
  inbox<received> frames;
  inbox<cluster::caf_peers_event> events;
  std::unique_ptr<cluster::doorkeeper> door;
  std::unique_ptr<cluster::caf_peers> peers;

  node(const certificate_files& files, std::uint64_t id, std::string root = "root") {
    settings.self = id;
    settings.ca = files.at("ca.crt");
    settings.certificate = files.at(std::to_string(id) + ".crt");
    settings.key = files.at(std::to_string(id) + ".key");
    settings.root_check = std::move(root);
    settings.on_event = [this](const cluster::caf_peers_event& e) { events.put(e); };
  }
  ~node() {
    if (peers) peers->stop();
  }
  result<void> start() {
    auto made = cluster::make_caf_peers(settings);
    if (!made) return fail(made.error());
    peers = std::move(*made);
    peers->set_doorkeeper(door.get());
    return peers->start([this](cluster::node_id from, std::string frame) { frames.put({from, std::move(frame)}); });
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(peers->port()); }
  cluster::peer_status of(cluster::node_id other) const {
    for (auto& each : peers->status())
      if (each.node == other) return each;
    return {};
  }
  bool connects(cluster::node_id other) const {
    return eventually([&] { return of(other).connected; });
  }
  bool says(cluster::node_id other, const std::string& reason) const {
    return eventually([&] { return of(other).trouble == reason; });
  }
};

}  // namespace nacre::testing

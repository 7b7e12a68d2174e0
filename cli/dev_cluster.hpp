#pragma once
// A development cluster on this machine, as files and command lines. Pure: nothing is written or started here.
//
//   DIR/ca/                        the cluster's CA (`nacre ca init`) and every node's certificate and key
//   DIR/root.key                   the root key, the same for all nodes
//   DIR/dev-issuer.jwk(s.json)     the development issuer, copied into each node's directory
//   DIR/nodeN.toml  DIR/nodeN/  DIR/nodeN.log     configuration, data, and what the node writes to standard error

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "cli/refusal.hpp"

namespace nacre::cli {

inline constexpr std::int64_t dev_nodes_max = 7;
// Between a node's HTTP port and its port for other nodes: known beforehand, so that a node can come back.
inline constexpr std::uint16_t dev_cluster_ports_above = 1'000;

struct dev_node {
  std::uint64_t number = 0;  // from 1
  std::uint16_t http_port = 0, cluster_port = 0;
  std::filesystem::path config, data, log;
  std::string url() const { return "http://127.0.0.1:" + std::to_string(http_port); }
};

struct dev_cluster {
  std::filesystem::path directory;  // absolute
  std::vector<dev_node> nodes;
  std::filesystem::path ca() const { return directory / "ca"; }
};

dev_node dev_node_of(const std::filesystem::path& directory, std::uint64_t number, std::uint16_t base_port);
dev_cluster plan_dev_cluster(const std::filesystem::path& directory, std::int64_t nodes, std::uint16_t base_port);

// DIR/nodeN.toml.
std::string dev_node_config(const dev_cluster& all, const dev_node& one);
// What starts the node again, by itself: everything it needs stands in its configuration.
std::vector<std::string> dev_node_command(const std::filesystem::path& nacred, const dev_node& one);
// For a shell.
std::string shell_line(const std::vector<std::string>& command);

}  // namespace nacre::cli

#include "bench/fleet.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "bench/interrupt.hpp"
#include "bench/socket.hpp"

namespace nacre::bench {

namespace fs = std::filesystem;

namespace {

bool is_free(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(static_cast<std::uint16_t>(port));
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool free = ::bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0;
  ::close(fd);
  return free;
}

// All a server of HTTP/1.0 answers until it closes: etcd's metrics come in chunks otherwise.
std::string ask_and_close(std::uint16_t port, const std::string& path) {
  std::string got;
  const int fd = connect_to(port);
  if (fd < 0) return got;
  std::array<char, 16 * 1024> piece;
  if (send_all(fd, "GET " + path + " HTTP/1.0\r\n\r\n"))
    for (ssize_t n; (n = ::recv(fd, piece.data(), piece.size(), 0)) > 0;)
      got.append(piece.data(), static_cast<std::size_t>(n));
  ::close(fd);
  return got;
}

bool says(const fs::path& file, std::string_view line) {
  std::ifstream in(file);
  for (std::string each; std::getline(in, each);)
    if (each == line) return true;
  return false;
}

}  // namespace

std::uint16_t free_ports(std::size_t count, std::uint16_t besides) {
  // Below those that a client's end gets: after a load thousands of them linger.
  constexpr int first = 12'000, steps = 900, apart = 20;
  const int begin = static_cast<int>(::getpid() % steps);
  for (int step = 0; step < steps; ++step) {
    const int port = first + (begin + step) % steps * apart;
    bool free = true;
    for (int i = 0; i < static_cast<int>(count); ++i) free = free && is_free(port + i) && is_free(port + besides + i);
    if (free) return static_cast<std::uint16_t>(port);
  }
  throw std::runtime_error("no free ports");
}

std::vector<std::uint16_t> fleet::ports() const {
  std::vector<std::uint16_t> all;
  for (std::size_t i = 0; i < fleet_size; ++i) all.push_back(static_cast<std::uint16_t>(base_port_ + i));
  return all;
}

std::vector<const child*> fleet::members() const {
  std::vector<const child*> all;
  for (const auto& each : members_)
    if (each) all.push_back(each.get());
  return all;
}

double fleet::rss_mib() const {
  double most = 0;
  for (const auto* each : members()) most = std::max(most, each->rss_mib());
  return most;
}

// ---------------------------------------------------------------- etcd

etcd_fleet::etcd_fleet(const std::string& program, const fs::path& directory) {
  constexpr std::uint16_t peers_above = 10;
  base_port_ = free_ports(fleet_size, peers_above);
  fs::create_directories(directory);
  auto url = [](std::size_t port) { return "http://127.0.0.1:" + std::to_string(port); };
  auto name = [](std::size_t i) { return "member" + std::to_string(i + 1); };
  std::string all;
  for (std::size_t i = 0; i < fleet_size; ++i)
    all += (i == 0 ? "" : ",") + name(i) + "=" + url(base_port_ + peers_above + i);
  for (std::size_t i = 0; i < fleet_size; ++i) {
    const auto client = url(base_port_ + i), peer = url(base_port_ + peers_above + i);
    members_[i] = std::make_unique<child>(std::vector<std::string>{program,
                                                                   "--name",
                                                                   name(i),
                                                                   "--data-dir",
                                                                   directory / name(i),
                                                                   "--listen-client-urls",
                                                                   client,
                                                                   "--advertise-client-urls",
                                                                   client,
                                                                   "--listen-peer-urls",
                                                                   peer,
                                                                   "--initial-advertise-peer-urls",
                                                                   peer,
                                                                   "--initial-cluster",
                                                                   all,
                                                                   "--initial-cluster-state",
                                                                   "new",
                                                                   "--logger",
                                                                   "zap",
                                                                   "--log-level",
                                                                   "warn"},
                                          directory / (name(i) + ".log"), static_cast<std::uint16_t>(base_port_ + i));
  }
  const auto health = make_request("GET", "/health");
  for (const auto& each : members_)
    await("etcd's start", [&] {
      if (!each->alive()) throw std::runtime_error("etcd ended before it served: " + program);
      return ask(each->port(), health).body.find(R"("health":"true")") != std::string::npos;
    });
}

std::uint16_t etcd_fleet::leader_port() const {
  const auto status = make_request("POST", "/v3/maintenance/status", {}, {}, "{}");
  for (const auto& each : members_) {
    const auto said = ask(each->port(), status).body;
    const auto self = quoted_after(said, R"("member_id":")");
    if (!self.empty() && self == quoted_after(said, R"("leader":")")) return each->port();
  }
  throw std::runtime_error("etcd has no leader");
}

double etcd_fleet::syncs() const {
  double sum = 0;
  for (const auto* each : members())
    sum += metric_in(ask_and_close(each->port(), "/metrics"), "etcd_disk_wal_fsync_duration_seconds_count");
  return sum;
}

// ---------------------------------------------------------------- nacre

node_fleet::node_fleet(const options& o, const fs::path& directory, const std::function<void()>& laid_out)
    : options_(o),
      directory_(directory),
      nacred_(o.node.empty() ? own_path().parent_path() / "nacred" : fs::path(o.node)) {
  base_port_ = free_ports(fleet_size + 2, 1'000);
  const fs::path log = directory.string() + ".layout.log";
  {
    child layout({own_path().parent_path() / "nacre", "cluster", "dev", "--nodes", std::to_string(fleet_size),
                  "--data-dir", directory, "--http-base-port", std::to_string(base_port_)},
                 log, base_port_);
    await("laying out a cluster", [&] {
      if (!layout.alive()) throw std::runtime_error("`nacre cluster dev` ended: " + log.string());
      return says(log, "ready");
    });
  }
  if (laid_out) laid_out();
  for (std::size_t i = 0; i < fleet_size; ++i) start(i);
  await_serving();
}

std::string node_fleet::address(std::size_t node) const {
  return "127.0.0.1:" + std::to_string(base_port_ + 1'000 + node);
}

double node_fleet::syncs() const {
  double sum = 0;
  for (const auto* each : members()) sum += syncs_of(*each);
  return sum;
}

std::vector<std::string> node_fleet::command(const fs::path& config) const {
  std::vector<std::string> out = {
      nacred_, "--dev", "--config", config, "--set", "limits.enabled=false", "--set", "onetime.guest_bytes_max=0"};
  for (const auto& each : options_.sets) out.insert(out.end(), {"--set", each});
  return out;
}

void node_fleet::start(std::size_t i) {
  const auto name = directory_ / ("node" + std::to_string(i + 1));
  members_[i].reset();
  members_[i] =
      std::make_unique<child>(command(name.string() + ".toml"),
                              options_.log == "null" ? fs::path("/dev/null") : fs::path(name.string() + ".bench.log"));
}

std::size_t node_fleet::leader() const {
  static const auto metrics = make_request("GET", "/metrics");
  std::size_t found = fleet_size;
  await("an election", [&] {
    for (std::size_t i = 0; i < fleet_size && found == fleet_size; ++i)
      if (members_[i]->alive() &&
          ask(members_[i]->port(), metrics).body.find("nacre_cluster_leads{group=\"0\"} 1") != std::string::npos)
        found = i;
    return found != fleet_size;
  });
  return found;
}

void node_fleet::await_serving() {
  static const auto ready = make_request("GET", "/readyz");
  for (const auto& each : members_) await("a node's start", [&] { return ask(each->port(), ready).status == 200; });
}

}  // namespace nacre::bench

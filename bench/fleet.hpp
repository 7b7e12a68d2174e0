#pragma once
// Three members of etcd, and three nodes of a cluster, on loopback and in the same scratch directory. What is started
// here is ended here, each by its process id.

#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "bench/child.hpp"
#include "bench/interrupt.hpp"
#include "bench/stand.hpp"

namespace nacre::bench {

inline constexpr std::size_t fleet_size = 3;

// Such that `count` ports from it on, and those `besides` above them, are free now.
std::uint16_t free_ports(std::size_t count, std::uint16_t besides);

// Asks until it is so; throws std::runtime_error, naming `what`, when it is not within that time.
template <class Condition>
void await(const char* what, Condition is_so, std::chrono::seconds within = std::chrono::minutes(1),
           std::chrono::milliseconds pause = std::chrono::milliseconds(10)) {
  for (const auto until = std::chrono::steady_clock::now() + within; !is_so();) {
    stop_if_interrupted();
    if (std::chrono::steady_clock::now() > until)
      throw std::runtime_error(std::string(what) + " takes more than " + std::to_string(within.count()) + " s");
    std::this_thread::sleep_for(pause);
  }
}

class fleet {
 public:
  virtual ~fleet() = default;
  std::vector<std::uint16_t> ports() const;
  std::vector<const child*> members() const;  // those that run
  child& at(std::size_t i) { return *members_[i]; }
  double rss_mib() const;            // of the largest
  virtual double syncs() const = 0;  // of all logs so far

 protected:
  std::array<std::unique_ptr<child>, fleet_size> members_;
  std::uint16_t base_port_ = 0;
};

// With the options Debian's package starts it with: none. Data without TLS, as etcd is fastest.
class etcd_fleet : public fleet {
 public:
  etcd_fleet(const std::string& program, const std::filesystem::path& directory);
  std::uint16_t leader_port() const;
  double syncs() const override;
};

// Laid out by `nacre cluster dev`, then run node by node: TLS between nodes as ever.
class node_fleet : public fleet {
 public:
  // `laid_out` is called before the nodes are started.
  node_fleet(const options& o, const std::filesystem::path& directory, const std::function<void()>& laid_out = {});
  void start(std::size_t i);
  // What starts a node with that configuration. Node numbers count from 1; there is a port for one more than start.
  std::vector<std::string> command(const std::filesystem::path& config) const;
  std::uint16_t port(std::size_t node) const { return static_cast<std::uint16_t>(base_port_ + node - 1); }
  std::string address(std::size_t node) const;  // where other nodes reach it
  double syncs() const override;
  std::size_t leader() const;  // waits for one; throws std::runtime_error if there is none for long
  void await_serving();        // every node
  const std::filesystem::path& directory() const { return directory_; }

 private:
  const options& options_;
  std::filesystem::path directory_, nacred_;
};

}  // namespace nacre::bench

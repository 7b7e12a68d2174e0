#pragma once
// A network of its own for some nodes: each in a network namespace, all on one bridge in another one, so that the
// machine's own network is neither seen nor touched. Addresses are 10.213.0.1, .2, ...; each has its own 127.0.0.1.
//
// Links are cut by routes that swallow: one way or both. Needs root and a kernel that lets it; refusal() says why not.
// Namespaces are named after this process and removed with their owner. Threads: one.

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace nacre::test {

class network {
 public:
  // Nothing if namespaces, veth and a bridge can be made here.
  static std::optional<std::string> refusal() {
    if (::geteuid() != 0) return "network namespaces need root";
    const auto name = "nacre-" + std::to_string(::getpid()) + "-probe";
    const bool made = quiet("ip netns add " + name) && quiet("ip -n " + name + " link add br0 type bridge") &&
                      quiet("ip -n " + name + " link add v0 type veth peer name v1");
    quiet("ip netns del " + name);
    if (!made) return "the kernel, or its lack of iproute2, refuses network namespaces, bridges or veth";
    return std::nullopt;
  }

  explicit network(int nodes) : nodes_(nodes) {
    run("ip netns add " + hub());
    run("ip -n " + hub() + " link add br0 type bridge");
    run("ip -n " + hub() + " link set br0 up");
    for (int i = 1; i <= nodes; ++i) {
      const auto port = "port" + std::to_string(i);
      run("ip netns add " + name(i));
      run("ip -n " + hub() + " link add " + port + " type veth peer name eth netns " + name(i));
      run("ip -n " + hub() + " link set " + port + " master br0 up");
      run("ip -n " + name(i) + " link set lo up");
      run("ip -n " + name(i) + " addr add " + address(i) + "/24 dev eth");
      run("ip -n " + name(i) + " link set eth up");
    }
  }
  ~network() {
    for (int i = 1; i <= nodes_; ++i) quiet("ip netns del " + name(i));
    quiet("ip netns del " + hub());
  }
  network(const network&) = delete;
  network& operator=(const network&) = delete;

  static std::string address(int node) { return "10.213.0." + std::to_string(node); }
  // What starts a program there.
  std::vector<std::string> inside(int node, std::vector<std::string> command) const {
    std::vector<std::string> out{"/usr/bin/env", "ip", "netns", "exec", name(node)};
    out.insert(out.end(), command.begin(), command.end());
    return out;
  }
  // Calls `what` on this thread in the node's namespace: sockets made there stay there.
  template <class What>
  auto within(int node, What what) const {
    struct stay {
      int home = ::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
      ~stay() {
        if (::setns(home, CLONE_NEWNET) != 0) std::abort();  // whatever comes next would be somewhere else
        ::close(home);
      }
    } back;
    const int there = ::open(("/run/netns/" + name(node)).c_str(), O_RDONLY | O_CLOEXEC);
    const bool entered = there >= 0 && ::setns(there, CLONE_NEWNET) == 0;
    if (there >= 0) ::close(there);
    if (!entered) throw std::runtime_error("cannot enter a network namespace");
    return what();
  }

  // What `from` sends to `to` is lost from now on.
  void cut_one_way(int from, int to) {
    if (cut_.emplace(from, to).second) run("ip -n " + name(from) + " route add blackhole " + address(to) + "/32");
  }
  void cut(int a, int b) {
    cut_one_way(a, b);
    cut_one_way(b, a);
  }
  void isolate(int node) {
    for (int other = 1; other <= nodes_; ++other)
      if (other != node) cut(node, other);
  }
  void heal() {
    for (auto [from, to] : cut_) run("ip -n " + name(from) + " route del blackhole " + address(to) + "/32");
    cut_.clear();
  }

 private:
  static bool quiet(const std::string& command) { return std::system((command + " >/dev/null 2>&1").c_str()) == 0; }
  static void run(const std::string& command) {
    if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
  }
  std::string name(int node) const { return "nacre-" + std::to_string(::getpid()) + "-" + std::to_string(node); }
  std::string hub() const { return "nacre-" + std::to_string(::getpid()) + "-hub"; }

  const int nodes_;
  std::set<std::pair<int, int>> cut_;
};

}  // namespace nacre::test

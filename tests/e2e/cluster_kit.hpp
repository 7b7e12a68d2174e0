#pragma once
// A cluster of real nodes that a test may kill, pause and cut off. Laid out by `nacre cluster dev`, then run node by
// node, on this machine's loopback or, `apart`, each in a network namespace of its own. Nodes are numbered from 1.

#include <catch2/catch.hpp>
#include <csignal>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "tests/e2e/kit.hpp"
#include "tests/support/network.hpp"

namespace nacre::e2e {

class cluster {
 public:
  struct options {
    int nodes = 3;
    bool apart = false;
    int groups = 1;
    std::vector<std::string> arguments = {"--set", "limits.enabled=false"};
    std::function<void(const std::filesystem::path& data)> laid_out;  // called before the nodes are started
    std::map<std::string, std::string> environment = {};              // of every program
    std::map<int, int> clocks_ahead_s = {};                           // nodes whose clocks are wrong
    std::vector<int> first = {};                                      // the nodes to start with; none: all
  };
  cluster() : cluster(options{}) {}
  explicit cluster(options o);

  int size() const { return options_.nodes; }  // of all that there ever were
  // Whom clients talk to: all, unless a test says otherwise.
  std::vector<int> asked();
  void ask_only(std::vector<int> nodes);
  std::filesystem::path data() const { return home_ / "cluster"; }
  std::uint16_t port(int node) const { return static_cast<std::uint16_t>(base_port_ + node - 1); }
  test::network& net() { return *net_; }
  // Of the errors of all runs of a node.
  std::string errors(int node) const { return test::read_whole(home_ / ("errors" + std::to_string(node))); }

  // Another node, by a token of `nacre cluster invite`, on an empty directory; not started. Its number.
  int invite() { return invite(++options_.nodes); }
  int invite(int node);  // whose directory is gone
  std::string address(int node) const { return "127.0.0.1:" + std::to_string(base_port_ + 1'000 + node); }
  // `nacre cluster WORDS` as an operator, at this node.
  test::finished operate(int at, std::vector<std::string> words);
  std::string operator_token();
  std::vector<std::string> reasons(int node);  // why /readyz says it cannot serve

  bool start(int node);  // whether it became ready to answer, not necessarily to serve
  void kill(int node);   // SIGKILL
  int stop(int node);    // SIGTERM; the exit code
  void pause(int node) { children_[node]->signal(SIGSTOP); }
  void resume(int node) { children_[node]->signal(SIGCONT); }
  bool running(int node) { return children_.contains(node) && children_[node]->running(); }

  // One request over a connection of its own.
  http_answer send(int node, std::string_view verb, std::string_view target, const header_list& headers = {},
                   std::string_view body = {});
  bool serves(int node) { return send(node, "GET", "/readyz").status == 200; }
  std::optional<int> leader();  // as a running node says of itself
  void await_serving(const std::vector<int>& nodes);

  // By guests; the link's identifier, if it was acknowledged.
  std::optional<std::string> conceal(int node, const std::string& value);
  http_answer reveal(int node, const std::string& id, const std::string& key = {});

 private:
  test::child_options surroundings() const;

  test::temporary_directory home_;
  options options_;
  int base_port_ = 0;
  std::unique_ptr<test::network> net_;
  std::map<int, std::unique_ptr<test::child_process>> children_;
  std::mutex asking_;
  std::vector<int> asked_;
  std::string operator_token_;
};

}  // namespace nacre::e2e

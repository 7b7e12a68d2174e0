// cluster dev: a development cluster of this machine's own processes.
//
// The nodes are children in process groups of their own, so that Ctrl-C reaches them through us and once; the kernel
// kills them when this process dies in whatever way. Single-threaded: fork and exec, one poll.

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <iostream>
#include <optional>
#include <utility>

#include "cli/arguments.hpp"
#include "cli/authority.hpp"
#include "cli/dev_cluster.hpp"
#include "cli/http_client.hpp"
#include "cli/server.hpp"
#include "cli/terminal.hpp"
#include "crypto/jwt.hpp"
#include "crypto/keyring.hpp"
#include "crypto/operator_file.hpp"
#include "model/limits.hpp"

namespace nacre::cli {

namespace {

namespace fs = std::filesystem;
using steady = std::chrono::steady_clock;

constexpr std::chrono::seconds start_patience{60}, others_patience{10}, stop_patience{15};
constexpr std::size_t small_file_bytes_max = 64 * 1024;

outcome<fs::path> nacred_beside_us() {
  std::error_code failed;
  const auto self = fs::read_symlink("/proc/self/exe", failed);
  auto nacred = self.parent_path() / "nacred";
  if (failed || ::access(nacred.c_str(), X_OK) != 0)
    return refuse(exit_config, nacred.string() + " cannot be run", "nacred is looked for beside nacre");
  return nacred;
}

outcome<fs::path> directory_of(const arguments& with) {
  std::error_code failed;
  auto directory = fs::absolute(with.get("data-dir"), failed).lexically_normal();
  if (failed) return refuse(exit_io, "--data-dir cannot be found");
  return directory;
}

outcome<bool> private_directory(const fs::path& directory) {
  std::error_code failed;
  fs::create_directories(directory, failed);
  if (!failed && ::chmod(directory.c_str(), 0700) != 0) failed = {errno, std::generic_category()};
  if (failed) return refuse(exit_io, directory.string() + " cannot be made: " + failed.message());
  return true;
}

// What cannot be looked at cannot be written either, and whoever comes to that says so.
bool is_there(const fs::path& file) {
  std::error_code ignored;
  return fs::exists(file, ignored);
}

outcome<bool> copy_private(const fs::path& from, const fs::path& to) {
  auto content = crypto::read_operator_file(from, small_file_bytes_max, crypto::file_privacy::owner_writes);
  if (!content) return refuse(exit_io, from.string() + ": " + content.error().text);
  auto done = crypto::write_operator_file(to, content->content.view(), content->mode, true);
  if (!done) return refuse(exit_io, to.string() + ": " + done.error().text);
  return true;
}

// What lies in the directory already must be this cluster: its members are fixed by its first start.
outcome<bool> same_as_before(const dev_cluster& all) {
  if (!is_there(all.nodes.front().config)) return true;
  std::uint64_t there = 0;
  while (is_there(dev_node_of(all.directory, there + 1, 1).config)) ++there;
  if (there == all.nodes.size()) return true;
  return refuse(exit_config, all.directory.string() + " holds a cluster of " + std::to_string(there) + " nodes",
                "give --nodes " + std::to_string(there) + ", or another --data-dir");
}

outcome<bool> prepare(const dev_cluster& all) {
  if (auto same = same_as_before(all); !same) return same;
  if (auto made = private_directory(all.directory); !made) return made;
  if (!is_there(all.ca() / "ca.crt")) {
    auto made = make_authority(all.ca(), "development", true);
    if (!made) return refuse(made.error());
  }
  const auto root = all.directory / "root.key";
  if (!is_there(root))
    if (auto made = crypto::create_root_key_file(root); !made) return refuse(refusal_of(made.error()));
  if (auto made = crypto::ensure_dev_issuer(all.directory); !made) return refuse(refusal_of(made.error()));
  for (const auto& node : all.nodes) {
    if (!is_there(all.ca() / ("node-" + std::to_string(node.number) + ".crt"))) {
      auto issued = issue_from(all.ca(), {node.number, {"localhost", "127.0.0.1"}});
      if (!issued) return refuse(issued.error());
      if (auto done = write_node_files(all.ca(), node.number, *issued, true); !done) return done;
    }
    if (auto made = private_directory(node.data); !made) return made;
    for (const auto* name : {"dev-issuer.jwk", "dev-issuer.jwks.json"})
      if (auto done = copy_private(all.directory / name, node.data / name); !done) return done;
  }
  // The first node's last: before it is there nothing was started, and all of this is done again, perhaps for fewer.
  if (!is_there(all.nodes.front().config)) {
    std::error_code ignored;
    for (std::uint64_t n = all.nodes.size() + 1; n <= limits::cluster_members_max; ++n)
      fs::remove(dev_node_of(all.directory, n, 1).config, ignored);
  }
  for (auto node = all.nodes.rbegin(); node != all.nodes.rend(); ++node) {
    auto done = crypto::write_operator_file(node->config, dev_node_config(all, *node), 0600, true);
    if (!done) return refuse(exit_io, node->config.string() + ": " + done.error().text);
  }
  return true;
}

class signals {
 public:
  signals() {
    sigemptyset(&set_);
    for (const int each : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) sigaddset(&set_, each);
    ::sigprocmask(SIG_BLOCK, &set_, &before_);
    fd_ = ::signalfd(-1, &set_, SFD_NONBLOCK | SFD_CLOEXEC);
  }
  ~signals() { ::close(fd_); }
  signals(const signals&) = delete;
  signals& operator=(const signals&) = delete;
  int descriptor() const { return fd_; }
  // The next one; 0: none.
  int take() const {
    signalfd_siginfo info{};
    return ::read(fd_, &info, sizeof info) == static_cast<ssize_t>(sizeof info) ? static_cast<int>(info.ssi_signo) : 0;
  }
  void restore_in_child() const { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t set_{}, before_{};
  int fd_ = -1;
};

struct running {
  dev_node node;
  std::vector<std::string> command;
  pid_t pid = -1;
  int out = -1;                            // what it prints
  std::string printed = {}, why_not = {};  // why it does not serve, as it says
  bool said_ready = false, serves = false, ended = false;
};

std::string reasons_in(const std::string& answer) {
  const auto body = json_answer::parse(answer);
  return body ? text_at(body->root(), "/reasons") : std::string();
}

// 74 if there is no process or pipe to be had. What the child cannot do ends it with 127.
outcome<bool> start(running& r, const signals& ours) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return refuse(exit_io, "no pipe can be made");
  const int log = ::open(r.node.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (log < 0) return refuse(exit_io, r.node.log.string() + " cannot be written");
  std::vector<char*> argv;
  for (const auto& word : r.command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const pid_t parent = ::getpid();
  r.pid = ::fork();
  if (r.pid == 0) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);  // it was faster
    const int none = ::open("/dev/null", O_RDONLY);
    ::dup2(none, 0);
    ::dup2(ends[1], 1);
    ::dup2(log, 2);
    ours.restore_in_child();
    ::signal(SIGPIPE, SIG_DFL);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  ::close(ends[1]);
  ::close(log);
  if (r.pid < 0) {
    ::close(ends[0]);
    return refuse(exit_io, "no process can be started");
  }
  r.out = ends[0];
  return true;
}

class fleet {
 public:
  fleet(const dev_cluster& all, const fs::path& nacred) {
    for (const auto& node : all.nodes) nodes_.push_back({node, dev_node_command(nacred, node), -1, -1, {}});
  }
  ~fleet() {
    for (auto& each : nodes_) {
      if (each.pid > 0 && !each.ended) {
        ::kill(each.pid, SIGKILL);
        ::waitpid(each.pid, nullptr, 0);
      }
      if (each.out >= 0) ::close(each.out);
    }
  }
  fleet(const fleet&) = delete;
  fleet& operator=(const fleet&) = delete;

  outcome<int> run() {
    for (auto& each : nodes_)
      if (auto started = start(each, signals_); !started) return refuse(started.error());
    auto give_up = steady::now() + start_patience;
    // One that serves has a majority beside it; whoever does not follow soon may have been taken out.
    for (auto before = serving(); !stopping_ && before < nodes_.size();) {
      if (steady::now() > give_up) {
        if (before > 0) break;
        stop();
        return refuse(exit_unavailable, "no node serves after " + std::to_string(start_patience.count()) + " s",
                      "their logs: " + nodes_.front().node.log.string() + " and so on");
      }
      wait(std::chrono::milliseconds(100));
      if (auto lost = std::find_if(nodes_.begin(), nodes_.end(), [](const auto& n) { return n.ended; });
          lost != nodes_.end() && !stopping_) {
        stop();
        return refuse(exit_unavailable, "node " + std::to_string(lost->node.number) + " ended before it served",
                      "its log: " + lost->node.log.string());
      }
      ask_whether_they_serve();
      if (const auto now = serving(); now != std::exchange(before, now)) give_up = steady::now() + others_patience;
    }
    if (!stopping_) {
      std::string text;
      for (const auto& each : nodes_) {
        if (!each.serves)
          std::cerr << "node " << each.node.number << " does not serve: "
                    << (each.why_not.empty() ? "its log: " + each.node.log.string() : printable(each.why_not)) << "\n";
        text += "node " + std::to_string(each.node.number) + " pid " + std::to_string(each.pid) + " url " +
                each.node.url() + " restart: " + shell_line(each.command) + "\n";
      }
      if (auto out = print_out(text + "ready\n"); !out) return refuse(out.error());
    }
    while (!stopping_ && !all_ended()) wait(std::chrono::milliseconds(-1));
    const bool asked = stopping_;
    stop();
    if (!asked) return refuse(exit_unavailable, "every node has ended");
    return exit_ok;
  }

 private:
  std::size_t serving() const {
    return static_cast<std::size_t>(
        std::count_if(nodes_.begin(), nodes_.end(), [](const auto& n) { return n.serves; }));
  }
  bool all_ended() const {
    return std::all_of(nodes_.begin(), nodes_.end(), [](const auto& n) { return n.ended; });
  }

  // Until something happens, or that long; negative: without end.
  void wait(std::chrono::milliseconds most) {
    std::vector<pollfd> watched{{signals_.descriptor(), POLLIN, 0}};
    std::vector<running*> of{nullptr};
    for (auto& each : nodes_) {
      if (each.out < 0) continue;
      watched.push_back({each.out, POLLIN, 0});
      of.push_back(&each);
    }
    if (::poll(watched.data(), watched.size(), static_cast<int>(most.count())) <= 0) return;
    for (std::size_t i = 1; i < watched.size(); ++i)
      if (watched[i].revents != 0) read_from(*of[i]);
    while (const int signal = signals_.take())
      if (signal == SIGCHLD)
        collect();
      else
        stopping_ = true;
  }

  void read_from(running& r) {
    char bytes[4096];
    const auto got = ::read(r.out, bytes, sizeof bytes);
    if (got <= 0) {
      ::close(r.out);
      r.out = -1;
      return;
    }
    if (r.said_ready) return;  // nothing else of it is of interest
    r.printed.append(bytes, static_cast<std::size_t>(got));
    r.said_ready = ("\n" + r.printed).find("\nready ") != std::string::npos;
    if (r.printed.size() > small_file_bytes_max) r.printed.erase(0, r.printed.size() - 4096);
  }

  void collect() {
    for (auto& each : nodes_) {
      int status = 0;
      if (each.ended || ::waitpid(each.pid, &status, WNOHANG) != each.pid) continue;
      each.ended = true;
      if (stopping_ || !each.said_ready) continue;
      std::cerr << "node " << each.node.number
                << (WIFSIGNALED(status) ? " was ended by signal " + std::to_string(WTERMSIG(status))
                                        : " ended with " + std::to_string(WEXITSTATUS(status)))
                << "; start it again: " << shell_line(each.command) << std::endl;
    }
  }

  void ask_whether_they_serve() {
    for (auto& each : nodes_) {
      if (!each.said_ready || each.serves || stopping_) continue;
      auto client = http_client::make(each.node.url(), http_client::clear_text::loopback_only);
      if (!client) continue;
      auto answer = client->send("GET", "/readyz", {});
      each.serves = answer && answer->status == 200;
      each.why_not = answer ? reasons_in(answer->body) : answer.error().text;
    }
  }

  void stop() {
    stopping_ = true;
    for (const auto& each : nodes_)
      if (!each.ended && each.pid > 0) ::kill(each.pid, SIGTERM);
    const auto give_up = steady::now() + stop_patience;
    collect();
    while (!all_ended() && steady::now() < give_up) {
      wait(std::chrono::milliseconds(100));
      collect();
    }
  }

  signals signals_;
  std::vector<running> nodes_;
  bool stopping_ = false;
};

outcome<int> restart(const fs::path& directory, const fs::path& nacred, std::int64_t number) {
  const auto node = dev_node_of(directory, static_cast<std::uint64_t>(number), 1);
  std::error_code failed;
  if (!fs::exists(node.config, failed))
    return refuse(exit_config, directory.string() + " has no node " + std::to_string(number) +
                                   (failed ? ": " + failed.message() : ""));
  const auto command = dev_node_command(nacred, node);
  std::vector<char*> argv;
  for (const auto& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  ::execv(argv[0], argv.data());
  return refuse(exit_io, nacred.string() + " cannot be run");
}

}  // namespace

outcome<int> run_cluster_dev(const arguments& with) {
  auto nodes = with.number("nodes", 3, 1, dev_nodes_max);
  if (!nodes) return refuse(nodes.error());
  auto port = with.number("http-base-port", 8'080, 1'024, 65'535 - dev_cluster_ports_above - dev_nodes_max);
  if (!port) return refuse(port.error());
  auto again = with.number("restart", 0, 1, dev_nodes_max);
  if (!again) return refuse(again.error());
  auto directory = directory_of(with);
  if (!directory) return refuse(directory.error());
  auto nacred = nacred_beside_us();
  if (!nacred) return refuse(nacred.error());
  if (with.has("restart")) return restart(*directory, *nacred, *again);
  const auto all = plan_dev_cluster(*directory, *nodes, static_cast<std::uint16_t>(*port));
  if (auto ready = prepare(all); !ready) return refuse(ready.error());
  return fleet(all, *nacred).run();
}

}  // namespace nacre::cli

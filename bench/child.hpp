#pragma once
// A program under measurement: started, waited for until it prints `ready URL`, asked what it uses,
// stopped. Used for `nacred` and for the bare listener, so that both run alike; and for etcd, which says no such line.

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace nacre::bench {

class child {
 public:
  // Standard error goes to `log`. Throws std::runtime_error, with the end of that log, if it does not get ready.
  child(const std::vector<std::string>& command, const std::filesystem::path& log);
  // Does not wait: whoever starts it asks that port. What it prints goes to `log` too.
  child(const std::vector<std::string>& command, const std::filesystem::path& log, std::uint16_t port);
  ~child();  // SIGTERM, then SIGKILL after a while
  child(const child&) = delete;
  child& operator=(const child&) = delete;

  std::uint16_t port() const { return port_; }
  std::chrono::milliseconds start_time() const { return start_time_; }  // from exec to `ready`
  double cpu_s() const;                                                 // user and system, so far
  double rss_mib() const;
  bool alive();
  void stop();
  void kill();  // SIGKILL: what a crash leaves

 private:
  void start(const std::vector<std::string>& command, const std::filesystem::path& log, int out);

  pid_t pid_ = -1;
  std::uint16_t port_ = 0;
  std::chrono::milliseconds start_time_{};
};

// The value of a metric without labels, from GET /metrics.
double metric(std::uint16_t port, const std::string& name);
double metric_in(std::string_view text, const std::string& name);

}  // namespace nacre::bench

#pragma once
// A program under measurement: started, waited for until it prints `ready URL`, asked what it uses,
// stopped. Used for `nacred` and for the bare listener, so that both run alike.

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace nacre::bench {

class child {
 public:
  // Standard error goes to `log`. Throws std::runtime_error, with the end of that log, if it does not get ready.
  child(const std::vector<std::string>& command, const std::filesystem::path& log);
  ~child();  // SIGTERM, then SIGKILL after a while
  child(const child&) = delete;
  child& operator=(const child&) = delete;

  std::uint16_t port() const { return port_; }
  std::chrono::milliseconds start_time() const { return start_time_; }  // from exec to `ready`
  double cpu_s() const;                                                 // user and system, so far
  double rss_mib() const;
  bool alive() const;
  void stop();
  void kill();  // SIGKILL: what a crash leaves

 private:
  pid_t pid_ = -1;
  std::uint16_t port_ = 0;
  std::chrono::milliseconds start_time_{};
};

// The value of a metric without labels, from GET /metrics.
double metric(std::uint16_t port, const std::string& name);

}  // namespace nacre::bench

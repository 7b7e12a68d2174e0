#pragma once
// What the node is compared with, measured in the same run on the same file system.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

namespace nacre::bench {

// RocksDB's own group commit: so many threads, each putting one small value with `sync` and waiting.
class synced_puts {
 public:
  explicit synced_puts(const std::filesystem::path& directory);
  ~synced_puts();
  synced_puts(const synced_puts&) = delete;
  synced_puts& operator=(const synced_puts&) = delete;

  struct result {
    std::uint64_t puts = 0, failed = 0;
    double seconds = 0;
    double cpu_s = 0;
    std::vector<std::uint32_t> latency_ns;
  };
  result run(std::size_t threads, std::chrono::milliseconds for_time);

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

// The listener with a handler that answers 200 at once, and nothing above it: what the process does when
// started as `nacre_bench --bare-listener THREADS`. Prints `ready URL` and serves until SIGTERM.
int run_bare_listener(std::size_t threads);

}  // namespace nacre::bench

#pragma once
// A copy of the audit log as JSON lines in a file (mode 0600), rotated by size, for a log shipper.
//
// The audit log itself is in the store; this copy may lose lines and says so. append() never waits:
// over the bound, or while the disk refuses, a line is lost and counted. The first loss of a series is
// reported once through `on_failure`; a written line ends the series.
// A line lands whole or not at all: what a full disk cut short is taken back.
// Threads: append() from one thread; the counters from any; `on_failure` runs on the sink's own thread
// or on the appending one.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "model/error.hpp"

namespace nacre::app {

struct audit_sink_options {
  std::string path;
  std::uint64_t rotate_bytes = 64 * 1024 * 1024;
  std::size_t keep = 5;  // PATH.1 (newest) .. PATH.keep
  std::size_t queue_bytes_max = 4 * 1024 * 1024;
};

class audit_sink {
 public:
  virtual ~audit_sink() = default;  // writes what is queued
  // `line`: one JSON object without a line end.
  virtual void append(std::string_view line) = 0;
  // Returns when everything appended before is written or lost.
  virtual void flush() = 0;
  virtual std::uint64_t written() const = 0;
  virtual std::uint64_t failures() const = 0;
  virtual std::size_t queued_bytes() const = 0;
};

// `invalid` when the file cannot be opened: refused if it is a symlink or not a regular file.
result<std::unique_ptr<audit_sink>> open_audit_sink(audit_sink_options options,
                                                    std::function<void(std::string_view why)> on_failure);

}  // namespace nacre::app

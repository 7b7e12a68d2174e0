#pragma once
// The log: JSON lines, one object each, on standard error.
//
//   log.info("ready").text("url", url).number("pid", pid);   // written when the line ends its life
//
// Never a token, identifier, passphrase, body or query: name what happened, not what was carried.
// Every string is JSON-escaped here and nowhere else, so that no value can end a line or forge one;
// invalid UTF-8 becomes U+FFFD, a value beyond 2 KiB is cut.
// Threads: any thread may log. A line is copied into a bounded buffer; one thread writes. A reader
// that does not read stalls nobody: lines over the bound are dropped, counted and reported later.

#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "app/config.hpp"
#include "http/server.hpp"

namespace nacre::app {

// Appends `value` in quotes, escaped.
void append_json_string(std::string& out, std::string_view value);

class logger;

class log_line {
 public:
  log_line(log_line&& other) noexcept
      : to_(std::exchange(other.to_, nullptr)), urgent_(other.urgent_), line_(std::move(other.line_)) {}
  log_line& operator=(log_line&&) = delete;
  ~log_line();

  // Names are literals of ours; values may be anything.
  log_line&& text(std::string_view name, std::string_view value) &&;
  log_line&& number(std::string_view name, std::int64_t value) &&;
  log_line&& number(std::string_view name, std::uint64_t value) &&;
  log_line&& number(std::string_view name, std::integral auto value) && {
    if constexpr (std::signed_integral<decltype(value)>) {
      return std::move(*this).number(name, static_cast<std::int64_t>(value));
    } else {
      return std::move(*this).number(name, static_cast<std::uint64_t>(value));
    }
  }
  log_line&& flag(std::string_view name, bool value) &&;

 private:
  friend class logger;
  log_line(logger* to, log_level level, std::string_view message);
  void name(std::string_view name);

  logger* to_;   // null: below the level
  bool urgent_;  // do not gather
  std::string line_;
};

struct logger_options {
  log_level level = log_level::info;
  int descriptor = 2;  // stays the caller's
  std::size_t buffer_bytes_max = 1024 * 1024;
  // Lines are gathered so long before a write. Warnings, errors and flush() do not wait.
  std::chrono::milliseconds gather{5};
};

class logger {
 public:
  explicit logger(logger_options options);
  ~logger();  // writes what is buffered; gives up after a second without progress
  logger(const logger&) = delete;
  logger& operator=(const logger&) = delete;

  bool wants(log_level level) const noexcept { return level >= level_.load(std::memory_order_relaxed); }

  log_line debug(std::string_view message) { return {pick(log_level::debug), log_level::debug, message}; }
  log_line info(std::string_view message) { return {pick(log_level::info), log_level::info, message}; }
  log_line warn(std::string_view message) { return {pick(log_level::warn), log_level::warn, message}; }
  log_line error(std::string_view message) { return {pick(log_level::error), log_level::error, message}; }

  // One line per request, at info: method, route template, status, microseconds, ids.
  void access(const http::exchange& done);

  // True once everything logged before the call is written; false after `at_most` without progress.
  bool flush(std::chrono::milliseconds at_most);
  std::uint64_t dropped() const;

 private:
  friend class log_line;
  logger* pick(log_level level) noexcept { return wants(level) ? this : nullptr; }
  void submit(std::string_view line, bool urgent);

  struct impl;
  std::atomic<log_level> level_;
  std::unique_ptr<impl> impl_;
};

}  // namespace nacre::app

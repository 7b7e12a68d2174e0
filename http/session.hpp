#pragma once
// One connection's side of HTTP/1.1, without a socket: bytes and the time go in, bytes to send and
// requests to answer come out. So the same code runs behind a socket, in tests and under the fuzzer.
//
// One request is in flight at a time; what the client pipelines behind it waits in a bounded buffer,
// which keeps answers in order. Every wait has an absolute deadline that trickling cannot move.
// Threads: all calls come from the one thread that owns the connection.

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "http/address.hpp"
#include "http/buffer.hpp"
#include "http/parser.hpp"
#include "http/server.hpp"

namespace nacre::http {

using clock = std::chrono::steady_clock;

struct edge_counters {
  std::atomic<std::uint64_t> connections_open{0}, connections_total{0}, connections_refused{0};
  std::atomic<std::uint64_t> requests_total{0}, parse_errors{0}, timeouts{0}, inflight{0}, bodies_refused{0};
};

class session;

// What a session needs from whoever runs it.
class session_host {
 public:
  virtual ~session_host() = default;
  // Hands a request up. An answer given before this returns is returned; any other comes through
  // session::answer() later.
  virtual std::optional<response> dispatch(session& from, request&& r) = 0;
  // The request in flight will get no answer any more: a late one must be dropped.
  virtual void abandon(session& from) = 0;
  virtual request_id next_id() = 0;
  virtual std::string_view date_line() = 0;  // "Date: ...\r\n"
  virtual clock::time_point now() = 0;
  virtual bool draining() = 0;
  virtual void finished(const exchange& e) = 0;
  virtual edge_counters& counters() = 0;
  virtual const body_budget& bodies() = 0;
  virtual const proxy_list& trusted_proxies() = 0;
};

class session {
 public:
  // What the transport is to do once the output is sent.
  enum class fate : std::uint8_t { open, half_close, close };

  session(const server_config& config, session_host& host, const ip_address& peer, clock::time_point now);
  ~session();
  session(const session&) = delete;
  session& operator=(const session&) = delete;

  // How many bytes input() takes now; the transport reads no more than this.
  std::size_t room() const noexcept;
  void input(std::string_view bytes, clock::time_point now);
  void end_of_input(clock::time_point now);
  void answer(response&& r, clock::time_point now);
  // Goes on with buffered input that had to wait for output to drain; true if there was any.
  bool resume(clock::time_point now);
  void tick(clock::time_point now);
  void drain(clock::time_point now);
  // The connection is gone: reports a request that will get no answer as 499.
  void gone() noexcept;

  std::string_view output() const noexcept { return out_.view(); }
  void sent(std::size_t bytes, clock::time_point now);
  // Meaningful while output() is empty, or at any time for `close` by abort().
  fate next() const noexcept;
  bool aborted() const noexcept { return phase_ == phase::closed; }
  void half_closed(clock::time_point now);
  clock::time_point deadline() const noexcept;
  bool in_flight() const noexcept { return phase_ == phase::handling; }
  // Nothing of a request was received that has not been answered and sent.
  bool quiet() const noexcept;

 private:
  enum class phase : std::uint8_t { reading, handling, closing, lingering, closed };

  std::size_t process(std::string_view bytes, clock::time_point now);
  void dispatch(clock::time_point now);
  void finish(response&& r);
  void refuse(const refusal& why, std::string_view route);
  bool blocked() const noexcept;

  const server_config& config_;
  session_host& host_;
  ip_address peer_;
  std::string peer_text_;
  request_parser parser_;
  byte_buffer in_, out_;
  phase phase_ = phase::reading;
  bool eof_ = false, in_body_ = false, head_only_ = false, keep_alive_ = true;
  clock::time_point deadline_, write_deadline_;
  std::size_t lingered_ = 0;

  // The exchange in flight.
  method verb_ = method::other;
  request_id id_;
  path_rules rules_;
  clock::time_point received_{};
  std::size_t request_bytes_ = 0;
};

// Writes the head and body of an answer; the server's own fields come first. `body` is left out
// where HTTP forbids it. False if a header of the response could not be sent safely.
bool serialize(byte_buffer& to, const response& r, const request_id& id, std::string_view date_line, bool close,
               bool head_only);

}  // namespace nacre::http

#pragma once
// The seam between the wire and everything above: a parsed request in, one response out.
// No Pistache or Beast type crosses it, so another front end can replace the one behind it.
//
// Threads: `handler` runs on a reactor thread and must not block; a `responder` may be called from
// any thread, once. Destroying a responder unanswered sends 500 (a defect, logged), so a client
// never waits for ever. A response to a connection that is gone is dropped, never sent to another.
// Deadlines, limits and framing errors are the server's: the handler sees whole, strict requests.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/body_budget.hpp"
#include "model/error.hpp"
#include "model/ids.hpp"
#include "model/limits.hpp"

namespace nacre::http {

enum class method : std::uint8_t { get, head, post, put, patch, del, options, other };
std::string_view name_of(method m);

struct header {
  std::string name;   // as sent
  std::string value;  // trimmed, printable ASCII and obs-text refused
};

// The address a request came from, after trusted proxies (X-Forwarded-For is used only from those).
struct client_address {
  std::string text;  // "192.0.2.7" or "2001:db8::1"
  // What limits and audit use: v4 /32 and /24, v6 /64 and /56.
  std::string limit_key() const;
  std::string audit_prefix() const;
};

struct request {
  request_id id;  // fresh, random; answered as X-Request-Id
  method verb = method::get;
  std::string verb_text;  // "GET"
  std::string path;       // raw, begins with '/', no query
  std::string query;      // raw, without '?'
  std::vector<header> headers;
  std::string body;
  body_share body_room;  // of the server's budget for large bodies
  client_address client;
  std::chrono::steady_clock::time_point received;
  std::chrono::steady_clock::time_point deadline;

  // Case-insensitive; null if absent. The parser guarantees that Host, Authorization, Content-Type,
  // Content-Length, X-Workspace-Id and Idempotency-Key appear at most once, and joins the lines of X-Forwarded-For.
  const std::string* find(std::string_view name) const;
};

struct response {
  int status = 200;
  std::vector<header> headers;  // besides Content-Length, Connection, Date, X-Request-Id: the server's
  // More of them, made before and used again: "\r\nName: value" each, as they are to be sent, ahead of the others.
  std::shared_ptr<const std::string> ready_lines = {};
  std::string body;                                    // not sent for HEAD, 204 and 304
  std::shared_ptr<const std::string> ready_body = {};  // instead of `body`, made before and used again
  bool close = false;
  bool wipe = false;  // the body holds a secret: buffers are wiped after sending
  // For the log and metrics, never sent. Template such as "/api/v1/pats/{id}", never a raw path.
  std::string_view route = "unmatched";
  std::optional<workspace_id> workspace;
};

namespace detail {
class pending;  // one unanswered request; knows its connection by identity
}

class responder {
 public:
  responder() = default;
  explicit responder(std::shared_ptr<detail::pending> p) : pending_(std::move(p)) {}
  responder(responder&&) noexcept = default;
  responder& operator=(responder&&) noexcept = default;
  responder(const responder&) = delete;
  responder& operator=(const responder&) = delete;
  ~responder();

  void operator()(response r) &&;
  explicit operator bool() const noexcept { return pending_ != nullptr; }

 private:
  std::shared_ptr<detail::pending> pending_;
};

using handler = std::function<void(request, responder)>;

// One finished exchange, for the access log and metrics. Called on a reactor thread; must not block.
struct exchange {
  std::string_view verb;   // a known method's name, or "OTHER"
  std::string_view route;  // template
  int status = 0;
  std::int64_t microseconds = 0;
  request_id id;
  std::optional<workspace_id> workspace;
  std::size_t request_bytes = 0, response_bytes = 0;
};
using observer = std::function<void(const exchange&)>;

// What the server itself has to know of a path, asked once per request when its head has been read: which
// characters may stand in it, how large the body may be, and how a refusal by the server looks there (null:
// {"error","code","message"}). The path asked about may hold any visible character.
// Called on reactor threads, several at a time.
struct path_rules {
  // Any visible character but '#' may stand in the path, percent escapes too, and reaches the handler as it came: for
  // callers who are told 404 of an identifier nobody can have. Else letters, digits and ._~-/ alone.
  bool path_is_free = false;
  std::size_t body_bytes_max = limits::body_bytes_max;
  response (*refusal)(int status, std::string_view code, std::string_view text, const request_id& id) = nullptr;
};
using rules_of_path = std::function<path_rules(method verb, std::string_view path)>;

struct server_config {
  std::string address = "127.0.0.1";
  std::uint16_t port = 8080;  // 0: any free port, see server::port()
  std::size_t threads = 1;
  std::size_t connections_max = 4096;
  std::size_t connections_per_address_max = 4096;
  // Of bodies above limits::body_bytes_max, in memory at once, from their arrival to the end of their request.
  // What finds no room is told 503 with Retry-After, as soon as that is known.
  std::size_t large_bodies_bytes_max = limits::large_bodies_bytes_default;
  std::chrono::milliseconds header_timeout{10'000};   // from the first byte (or accept) to the whole head
  std::chrono::milliseconds body_timeout{10'000};     // from the head to the whole body
  std::chrono::milliseconds request_timeout{15'000};  // for the handler: then 503, the late answer is dropped
  std::chrono::milliseconds write_timeout{10'000};    // without progress on unsent output
  std::chrono::milliseconds idle_timeout{75'000};     // between requests
  std::vector<std::string> trusted_proxies;           // addresses whose X-Forwarded-For is believed
  rules_of_path rules;                                // empty: the same for every path
};

class server {
 public:
  virtual ~server() = default;
  virtual result<void> start() = 0;  // binds and serves; `storage_failed`-free: `invalid` or `busy` (address in use)
  virtual std::uint16_t port() const = 0;
  // Stops accepting, answers what is in flight with `Connection: close`, then closes; true if all
  // was answered within the time. Idempotent.
  virtual bool drain(std::chrono::milliseconds at_most) = 0;
  struct counters {
    std::uint64_t connections_open = 0, connections_total = 0, connections_refused = 0;
    std::uint64_t requests_total = 0, parse_errors = 0, timeouts = 0, inflight = 0;
    std::uint64_t bodies_refused = 0;  // for want of memory for large ones
  };
  virtual counters stats() const = 0;
};

std::unique_ptr<server> make_pistache_server(server_config config, handler handle, observer observe);

}  // namespace nacre::http

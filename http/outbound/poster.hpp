#pragma once
// Sends what webhooks carry: one POST over a connection of its own, to an address that was checked.
//
// A host name is looked up for each POST, in a bounded time; unless the operator listed the host, every address it
// has must be public, and the connection goes to one of the very addresses that were checked. TLS verifies chain
// and host name against the system's CAs or `ca_file`. Redirects are not followed; a few interim answers (1xx) are
// read over, of the final one only the status is kept.
// Threads: any may call. `done` runs exactly once, on a thread of the poster, and must not block.
// No Asio, Beast or OpenSSL type crosses this header.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "http/outbound/resolver.hpp"
#include "http/server.hpp"
#include "model/error.hpp"
#include "model/unique_function.hpp"
#include "model/webhook_url.hpp"

namespace nacre::http {

struct poster_settings {
  model::webhook_hosts hosts;
  std::chrono::milliseconds connect_timeout{5'000};  // name, connection and TLS together
  std::chrono::milliseconds timeout{10'000};         // all of it
  std::string ca_file;                               // PEM; empty: the system's
  std::string user_agent = "nacre";
  name_lookup look_up = {};  // empty: the system's
};

struct outgoing {
  model::webhook_url to;
  std::vector<header> headers;  // besides Host, Content-Length, Connection and User-Agent
  std::string body;
};

struct post_result {
  enum class fate : std::uint8_t {
    answered,     // `status` tells
    refused,      // the address or the scheme is not allowed
    unresolved,   // the name has no address
    unreachable,  // no connection, or it broke
    untrusted,    // TLS failed: certificate, host name, version
    timed_out,
    cancelled,  // the poster was stopped
  };
  post_result::fate how = fate::cancelled;
  int status = 0;
};
std::string_view name_of(post_result::fate f);

class poster {
 public:
  virtual ~poster() = default;
  virtual void post(outgoing what, unique_function<void(post_result)> done) = 0;
  // Whether this may be a webhook's URL, as far as can be told now: `invalid` says why not. A name that
  // does not resolve within two seconds is let through: each send checks again.
  virtual void check(const model::webhook_url& url, unique_function<void(result<void>)> done) = 0;
  // Everything begun is cancelled and told so; what comes later too.
  virtual void stop() = 0;
};

// `invalid`: ca_file cannot be read or holds no certificate.
result<std::unique_ptr<poster>> make_poster(poster_settings s);

}  // namespace nacre::http

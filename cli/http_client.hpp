#pragma once
// A small HTTP client for the command line: one request, one answer, to the node or the proxy in front of it.
// https checks the certificate's chain and name; plain http goes to this machine only, unless allowed.
// Redirects are not followed. No Asio, Beast or OpenSSL type crosses this header.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/error.hpp"

namespace nacre::cli {

using header_list = std::vector<std::pair<std::string, std::string>>;

// Wiped when it goes: bodies carry tokens and secrets.
struct http_answer {
  http_answer() = default;
  http_answer(http_answer&&) noexcept = default;
  http_answer& operator=(http_answer&&) noexcept = default;
  ~http_answer();
  int status = 0;
  std::string body;
  std::string request_id;                     // X-Request-Id
  std::optional<std::int64_t> retry_after_s;  // Retry-After
};

struct web_origin {
  bool tls = false;
  std::string host;  // IPv6 without brackets
  std::string port;
  std::string text() const;  // "https://host[:port]", without the scheme's own port, host in lower case
  friend bool operator==(const web_origin&, const web_origin&) = default;
};
// "http[s]://host[:port]" and perhaps one '/'. `invalid` says what is wrong.
result<web_origin> parse_origin(std::string_view url);

// Keeps one connection open over many requests. Nothing is sent twice: what follows from a request whose
// answer was lost is for the caller to decide.
class http_client {
 public:
  enum class clear_text : bool { loopback_only, anywhere };  // who may overhear what is sent
  // `ca_file`: PEM, besides the system's CAs; empty: none.
  static result<http_client> make(std::string_view url, clear_text allowed, const std::string& ca_file = {});
  http_client(http_client&&) noexcept;
  ~http_client();

  // `body` is wiped. Errors: `busy` when the server cannot be reached or is not the one it should be (nothing was
  // sent), `outcome_unknown` when it was sent the request and did not answer it within 30 s.
  result<http_answer> send(std::string_view verb, std::string_view target, const header_list& headers,
                           std::string body = {});

 private:
  struct impl;
  explicit http_client(std::unique_ptr<impl> i);
  std::unique_ptr<impl> impl_;
};

}  // namespace nacre::cli

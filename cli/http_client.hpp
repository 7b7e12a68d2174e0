#pragma once
// A small HTTP client for the command line: one request, one answer, over plain HTTP to the node or
// the proxy in front of it.

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/error.hpp"

namespace nacre::cli {

struct http_answer {
  int status = 0;
  std::string body;
};

// Keeps one connection open over many posts. Nothing is sent twice: what follows from a request whose
// answer was lost is for the caller to decide.
class http_client {
 public:
  enum class clear_text : bool { loopback_only, anywhere };  // who may overhear the token
  // "http://host[:port]"; anything else is `invalid`.
  static result<http_client> make(std::string_view url, clear_text allowed);
  http_client(http_client&&) noexcept;
  ~http_client();

  // Errors: `busy` when the server cannot be reached, `outcome_unknown` when it was sent the request
  // and did not answer it within 30 s.
  result<http_answer> post(std::string_view path, const std::vector<std::pair<std::string, std::string>>& headers,
                           std::string body);

 private:
  struct impl;
  explicit http_client(std::unique_ptr<impl> i);
  std::unique_ptr<impl> impl_;
};

}  // namespace nacre::cli

#pragma once
// A keep-alive HTTP client over raw_http: one request, one answer, JSON read on demand. It connects
// again when the server has closed the connection, and never repeats a request by itself.

#include <stdexcept>
#include <string>
#include <string_view>

#include "tests/support/json_tree.hpp"
#include "tests/support/raw_http.hpp"

namespace nacre::test {

struct http_answer : raw_answer {
  std::string header(std::string_view name) const {
    const auto* value = find(name);
    return value ? *value : std::string();
  }
  // The body as JSON; throws if it is none.
  json_tree json() const {
    auto tree = parse_json_tree(body);
    if (!tree) throw std::runtime_error("the body of a " + std::to_string(status) + " is not JSON: " + body);
    return *tree;
  }
};

using header_list = std::vector<std::pair<std::string, std::string>>;

class http_client {
 public:
  explicit http_client(std::uint16_t port) : port_(port), talk_(port) {}

  std::uint16_t port() const { return port_; }

  static std::string message(std::string_view verb, std::string_view target, const header_list& headers,
                             std::string_view body) {
    std::string out;
    out.append(verb).append(" ").append(target).append(" HTTP/1.1\r\nHost: localhost\r\n");
    for (const auto& [name, value] : headers) out.append(name).append(": ").append(value).append("\r\n");
    if (!body.empty() || verb == "POST" || verb == "PUT" || verb == "PATCH")
      out.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n");
    return out.append("\r\n").append(body);
  }

  // Status 0: no answer came.
  http_answer send(std::string_view verb, std::string_view target, const header_list& headers = {},
                   std::string_view body = {}) {
    if (!talk_ || closed_) {
      talk_ = raw_http(port_);
      closed_ = false;
    }
    auto got = talk_.send(message(verb, target, headers, body)) ? talk_.receive(verb == "HEAD") : std::nullopt;
    http_answer out;
    if (!got) {
      closed_ = true;
      return out;
    }
    static_cast<raw_answer&>(out) = std::move(*got);
    closed_ = out.header("Connection") == "close";
    return out;
  }

 private:
  std::uint16_t port_;
  raw_http talk_;
  bool closed_ = false;
};

}  // namespace nacre::test

#pragma once
// Where a webhook points, and which hosts an operator lets it point to. Text only: nothing is resolved here.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/error.hpp"

namespace nacre::model {

struct webhook_url {
  bool tls = true;
  enum class host_kind : std::uint8_t { name, v4, v6 };
  host_kind kind = host_kind::name;
  std::string host;  // lower case; an IPv6 address without brackets
  std::uint16_t port = 443;
  std::string path;  // with the query; begins with '/'

  std::string authority() const;  // "host" or "host:port", for the Host field and for counting
};

// http:// or https://, a host name or an address, at most limits::webhook_url_bytes_max visible ASCII
// characters; no user information, no fragment. Names that resolvers read as numbers ("127.1",
// "0x7f.1", "2130706433") are refused. Errors are `invalid` and do not repeat the URL.
result<webhook_url> parse_webhook_url(std::string_view text);

// The hosts an operator named: "host", "host:port", "192.0.2.1", "[2001:db8::1]:8443".
class webhook_hosts {
 public:
  webhook_hosts() = default;
  static result<webhook_hosts> parse(const std::vector<std::string>& entries, bool only_these);

  bool lists(const webhook_url& url) const;
  // What can be told without resolving: https unless the host is listed; only listed ones if so wished.
  result<void> check(const webhook_url& url) const;

 private:
  struct item {
    std::string host;
    std::uint16_t port = 0;  // 0: any
  };
  std::vector<item> items_;
  bool only_these_ = false;
};

}  // namespace nacre::model

#pragma once
// Where a node is: "host:port", and "ID=host:port" in configuration. Pure.

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cluster/peers.hpp"

namespace nacre::cluster::wire {

struct endpoint {
  std::string host;  // a name or an address, without brackets
  std::uint16_t port = 0;
  friend bool operator==(const endpoint&, const endpoint&) = default;
};

// "host:port", "[::1]:port".
inline std::optional<endpoint> parse_endpoint(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  auto host = text.substr(0, colon);
  const auto port = text.substr(colon + 1);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  else if (host.find(':') != std::string_view::npos)
    return std::nullopt;
  const bool plain = std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' ||
           c == ':' || c == '%' || c == '_';
  });
  std::uint16_t number = 0;
  const auto [end, failed] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (host.empty() || host.size() > 253 || !plain || failed != std::errc() || end != port.data() + port.size() ||
      number == 0)
    return std::nullopt;
  return endpoint{std::string(host), number};
}

// "ID=host:port".
inline std::optional<peers::neighbour> parse_member(std::string_view text) {
  const auto equals = text.find('=');
  if (equals == std::string_view::npos) return std::nullopt;
  node_id node = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + equals, node);
  if (failed != std::errc() || end != text.data() + equals || node == 0 || text.front() == '0') return std::nullopt;
  if (!parse_endpoint(text.substr(equals + 1))) return std::nullopt;
  return peers::neighbour{node, std::string(text.substr(equals + 1))};
}

}  // namespace nacre::cluster::wire

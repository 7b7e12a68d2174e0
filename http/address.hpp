#pragma once
// Client addresses: one canonical text per address, and whose word about others is believed.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/server.hpp"
#include "model/error.hpp"

struct sockaddr;

namespace nacre::http {

// An IPv6 address, IPv4 as its mapped form, so that both compare with the same bytes.
struct ip_address {
  std::array<std::uint8_t, 16> bytes{};
  bool is_v4() const noexcept;
  std::string text() const;  // "192.0.2.7", "2001:db8::1"; a mapped address reads as IPv4
  friend bool operator==(const ip_address&, const ip_address&) = default;
};

std::optional<ip_address> parse_ip(std::string_view text);
std::optional<ip_address> ip_of(const sockaddr* address);

// Peers whose X-Forwarded-For is believed: addresses or networks ("10.0.0.0/8").
class proxy_list {
 public:
  static result<proxy_list> parse(const std::vector<std::string>& entries);
  bool contains(const ip_address& address) const noexcept;

 private:
  struct network {
    ip_address base;
    unsigned bits = 128;
  };
  std::vector<network> networks_;
};

// Who sent the request: the peer, or, when the peer is a trusted proxy, the right-most address in
// `forwarded_for` that is not one. An entry that is no address ends the search at the hop before it.
ip_address client_of(const ip_address& peer, const std::string* forwarded_for, const proxy_list& trusted);

}  // namespace nacre::http

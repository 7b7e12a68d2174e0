#include "http/address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "http/text.hpp"

namespace nacre::http {
namespace {

constexpr std::array<std::uint8_t, 12> mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

ip_address from_v4(const std::uint8_t* four) {
  ip_address a;
  std::copy(mapped_prefix.begin(), mapped_prefix.end(), a.bytes.begin());
  std::copy(four, four + 4, a.bytes.begin() + 12);
  return a;
}

ip_address masked(const ip_address& a, unsigned bits) {
  ip_address out;
  for (unsigned i = 0; i < 16; ++i) {
    const unsigned kept = bits >= 8 * (i + 1) ? 8 : bits > 8 * i ? bits - 8 * i : 0;
    out.bytes[i] = static_cast<std::uint8_t>(a.bytes[i] & (0xff00U >> kept));
  }
  return out;
}

std::string prefix_text(const std::string& text, unsigned v4_bits, unsigned v6_bits) {
  // Every request asks for its prefixes. An IPv4 address is written one way only, so text will do.
  if (text.find(':') == std::string::npos && std::count(text.begin(), text.end(), '.') == 3) {
    if (v4_bits == 32) return text;
    if (v4_bits == 24) return text.substr(0, text.rfind('.')) + ".0/24";
  }
  const auto address = parse_ip(text);
  if (!address) return text;
  const bool v4 = address->is_v4();
  const unsigned bits = v4 ? v4_bits : v6_bits;
  std::string out = masked(*address, v4 ? 96 + bits : bits).text();
  if (bits != (v4 ? 32U : 128U)) out.append("/").append(std::to_string(bits));
  return out;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// One hop of X-Forwarded-For: an address, "192.0.2.1:4711", "[2001:db8::1]" or "[2001:db8::1]:4711".
std::optional<ip_address> parse_hop(std::string_view hop) {
  hop = trimmed(hop);
  if (!hop.empty() && hop.front() == '[') {
    const auto end = hop.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    const auto rest = hop.substr(end + 1);
    if (!rest.empty() && (rest.front() != ':' || !all_of(rest.substr(1), is_digit))) return std::nullopt;
    return parse_ip(hop.substr(1, end - 1));
  }
  const auto colon = hop.find(':');
  if (colon != std::string_view::npos && colon == hop.rfind(':')) {
    if (!all_of(hop.substr(colon + 1), is_digit)) return std::nullopt;
    hop = hop.substr(0, colon);
  }
  return parse_ip(hop);
}

}  // namespace

bool ip_address::is_v4() const noexcept {
  return std::equal(mapped_prefix.begin(), mapped_prefix.end(), bytes.begin());
}

std::string ip_address::text() const {
  char out[INET6_ADDRSTRLEN];
  const char* done = is_v4() ? ::inet_ntop(AF_INET, bytes.data() + 12, out, sizeof out)
                             : ::inet_ntop(AF_INET6, bytes.data(), out, sizeof out);
  return done != nullptr ? std::string{done} : std::string{};
}

std::optional<ip_address> parse_ip(std::string_view text) {
  char copy[INET6_ADDRSTRLEN];
  if (text.empty() || text.size() >= sizeof copy) return std::nullopt;
  std::memcpy(copy, text.data(), text.size());
  copy[text.size()] = '\0';
  std::uint8_t four[4];
  if (::inet_pton(AF_INET, copy, four) == 1) return from_v4(four);
  ip_address a;
  if (::inet_pton(AF_INET6, copy, a.bytes.data()) == 1) return a;
  return std::nullopt;
}

std::optional<ip_address> ip_of(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, address, sizeof in);
    std::uint8_t four[4];
    std::memcpy(four, &in.sin_addr, 4);
    return from_v4(four);
  }
  if (address->sa_family == AF_INET6) {
    sockaddr_in6 in{};
    std::memcpy(&in, address, sizeof in);
    ip_address a;
    std::memcpy(a.bytes.data(), &in.sin6_addr, 16);
    return a;
  }
  return std::nullopt;
}

result<proxy_list> proxy_list::parse(const std::vector<std::string>& entries) {
  proxy_list list;
  for (const std::string& entry : entries) {
    const std::string_view text{entry};
    const auto slash = text.find('/');
    const auto base = parse_ip(text.substr(0, slash));
    if (!base) return fail(errc::invalid, "trusted_proxies: not an IP address or network: " + entry);
    network n{*base, 128};
    if (slash != std::string_view::npos) {
      const auto digits = text.substr(slash + 1);
      const unsigned most = base->is_v4() ? 32 : 128;
      unsigned bits = 0;
      const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
      if (ec != std::errc{} || end != digits.data() + digits.size() || bits > most)
        return fail(errc::invalid, "trusted_proxies: not a prefix length: " + entry);
      n.bits = base->is_v4() ? 96 + bits : bits;
    }
    n.base = masked(*base, n.bits);
    list.networks_.push_back(n);
  }
  return list;
}

bool proxy_list::contains(const ip_address& address) const noexcept {
  return std::any_of(networks_.begin(), networks_.end(),
                     [&](const network& n) { return masked(address, n.bits) == n.base; });
}

ip_address client_of(const ip_address& peer, const std::string* forwarded_for, const proxy_list& trusted) {
  ip_address client = peer;
  if (forwarded_for == nullptr) return client;
  std::string_view rest{*forwarded_for};
  while (trusted.contains(client) && !rest.empty()) {
    const auto comma = rest.rfind(',');
    const auto hop = parse_hop(comma == std::string_view::npos ? rest : rest.substr(comma + 1));
    if (!hop) break;
    client = *hop;
    rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(0, comma);
  }
  return client;
}

std::string client_address::limit_key() const { return prefix_text(text, 32, 64); }
std::string client_address::audit_prefix() const { return prefix_text(text, 24, 56); }

}  // namespace nacre::http

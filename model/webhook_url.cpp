#include "model/webhook_url.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "model/limits.hpp"

namespace nacre::model {

namespace {

constexpr std::size_t name_bytes_max = 253, label_bytes_max = 63;  // RFC 1035 section 2.3.4
constexpr std::uint16_t http_port = 80, https_port = 443;

auto wrong(std::string text) { return fail(errc::invalid, std::move(text)); }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool takes(std::string_view& text, std::string_view word) {
  if (text.size() < word.size()) return false;
  for (std::size_t i = 0; i < word.size(); ++i)
    if (lower(text[i]) != word[i]) return false;
  text.remove_prefix(word.size());
  return true;
}

bool is_v4(const std::string& host) {
  in_addr address{};
  return inet_pton(AF_INET, host.c_str(), &address) == 1;  // four decimal parts, nothing shorter
}

bool is_v6(const std::string& host) {
  in6_addr address{};
  return inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

// A name of the domain name system that no resolver takes for a number.
bool is_name(std::string_view host) {
  if (host.empty() || host.size() > name_bytes_max) return false;
  std::string_view last;
  for (std::string_view rest = host;;) {
    auto label = rest.substr(0, rest.find('.'));
    if (label.empty() || label.size() > label_bytes_max || label.front() == '-' || label.back() == '-') return false;
    if (!std::all_of(label.begin(), label.end(),
                     [](char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || c == '-' || c == '_'; }))
      return false;
    last = label;
    if (label.size() == rest.size()) break;
    rest.remove_prefix(label.size() + 1);
  }
  return !is_digit(last.front());
}

struct host_and_port {
  std::string host;
  webhook_url::host_kind kind = webhook_url::host_kind::name;
  std::optional<std::uint16_t> port;
};

std::optional<host_and_port> parse_authority(std::string_view text) {
  host_and_port out;
  std::string_view host, rest;
  const bool bracketed = text.starts_with('[');
  if (bracketed) {
    auto end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    host = text.substr(1, end - 1);
    rest = text.substr(end + 1);
  } else {
    host = text.substr(0, text.find(':'));
    rest = text.substr(host.size());
  }
  for (char c : host) out.host += lower(c);
  if (out.host.find('\0') != std::string::npos) return std::nullopt;
  if (bracketed)
    out.kind = webhook_url::host_kind::v6;
  else if (is_v4(out.host))
    out.kind = webhook_url::host_kind::v4;
  if (bracketed ? !is_v6(out.host) : out.kind == webhook_url::host_kind::name && !is_name(out.host))
    return std::nullopt;
  if (rest.empty()) return out;
  rest.remove_prefix(1);
  std::uint16_t port = 0;
  auto [end, failed] = std::from_chars(rest.data(), rest.data() + rest.size(), port);
  if (rest.empty() || failed != std::errc{} || end != rest.data() + rest.size() || port == 0) return std::nullopt;
  if (text[text.size() - rest.size() - 1] != ':') return std::nullopt;
  out.port = port;
  return out;
}

// One text for one address, however it was written.
std::string canonical(const host_and_port& of) {
  if (of.kind != webhook_url::host_kind::v6) return of.host;
  in6_addr address{};
  char text[INET6_ADDRSTRLEN] = {};
  inet_pton(AF_INET6, of.host.c_str(), &address);
  inet_ntop(AF_INET6, &address, text, sizeof text);
  return text;
}

}  // namespace

std::string webhook_url::authority() const {
  auto out = kind == host_kind::v6 ? "[" + host + "]" : host;
  if (port != (tls ? https_port : http_port)) out += ":" + std::to_string(port);
  return out;
}

result<webhook_url> parse_webhook_url(std::string_view text) {
  if (text.size() > limits::webhook_url_bytes_max)
    return wrong("url must have at most " + std::to_string(limits::webhook_url_bytes_max) + " characters");
  if (!std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; }))
    return wrong("url must be visible ASCII characters; encode others as % escapes or Punycode");
  webhook_url out;
  if (takes(text, "https://"))
    out.tls = true;
  else if (takes(text, "http://"))
    out.tls = false;
  else
    return wrong("url must begin with https://");
  if (text.find_first_of("#\\") != std::string_view::npos) return wrong("url must not have a fragment or a backslash");
  auto authority = text.substr(0, text.find_first_of("/?"));
  if (authority.find('@') != std::string_view::npos) return wrong("url must not carry user information");
  auto at = parse_authority(authority);
  if (!at) return wrong("url must name a host, and a port if any between 1 and 65535");
  out.kind = at->kind;
  out.host = canonical(*at);
  out.port = at->port.value_or(out.tls ? https_port : http_port);
  out.path = text.substr(authority.size());
  if (!out.path.starts_with('/')) out.path.insert(0, "/");
  return out;
}

result<webhook_hosts> webhook_hosts::parse(const std::vector<std::string>& entries, bool only_these) {
  webhook_hosts out;
  out.only_these_ = only_these;
  for (const auto& each : entries) {
    auto at = parse_authority(each);
    if (!at) return wrong("wants a host or host:port, such as hooks.example.com, 10.1.2.3:8443 or [fd00::1]");
    out.items_.push_back({canonical(*at), at->port.value_or(0)});
  }
  return out;
}

bool webhook_hosts::lists(const webhook_url& url) const {
  return std::any_of(items_.begin(), items_.end(),
                     [&](const item& i) { return i.host == url.host && (i.port == 0 || i.port == url.port); });
}

result<void> webhook_hosts::check(const webhook_url& url) const {
  if (lists(url)) return {};
  if (only_these_) return wrong("The host of url is not among those this installation sends webhooks to");
  if (!url.tls) return wrong("url must begin with https://");
  return {};
}

}  // namespace nacre::model

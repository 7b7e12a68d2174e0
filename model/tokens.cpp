#include "model/tokens.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>

namespace nacre::model {

namespace {

constexpr std::array<std::string_view, permission_count> permission_names = {"owner",
                                                                             "documents",
                                                                             "releases",
                                                                             "releases:manage",
                                                                             "releases:deploy",
                                                                             "releases:delete",
                                                                             "integrations:manage",
                                                                             "documents:full",
                                                                             "documents:view-content",
                                                                             "documents:edit-content",
                                                                             "documents:edit-view",
                                                                             "branches",
                                                                             "branches:create",
                                                                             "branches:merge",
                                                                             "branches:delete",
                                                                             "project:manage",
                                                                             "environments",
                                                                             "environments:manage",
                                                                             "environments:delete"};

constexpr std::array<std::uint8_t, 12> mapped_head = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr unsigned mapped_bits = 96;

bool is_v4(const std::array<std::uint8_t, 16>& a) {
  return std::equal(mapped_head.begin(), mapped_head.end(), a.begin());
}

std::array<std::uint8_t, 16> cut(std::array<std::uint8_t, 16> a, unsigned bits) {
  for (unsigned i = 0; i < a.size(); ++i) {
    unsigned kept = bits > 8 * i ? std::min(8u, bits - 8 * i) : 0;
    a[i] &= static_cast<std::uint8_t>(0xff00u >> kept);
  }
  return a;
}

// The permissions a coarse one covers beside itself.
constexpr auto covers = [] {
  std::array<permission_set, permission_count> out{};
  for (std::size_t coarse = 0; coarse < permission_count; ++coarse)
    for (std::size_t fine = 0; fine < permission_count; ++fine) {
      auto of = permission_names[coarse], name = permission_names[fine];
      bool child = name.size() > of.size() && name.substr(0, of.size()) == of && name[of.size()] == ':';
      if (coarse == fine || child || coarse == static_cast<std::size_t>(permission::owner))
        out[coarse] |= permission_set{1} << fine;
    }
  return out;
}();

}  // namespace

std::string_view name_of(scope_bit s) {
  switch (s) {
    case scope_read:
      return "read";
    case scope_write:
      return "write";
    case scope_admin:
      return "admin";
    case scope_introspect:
      return "introspect";
  }
  std::abort();
}

std::optional<scope_bit> parse_scope(std::string_view text) {
  for (auto s : scope_bits)
    if (text == name_of(s)) return s;
  return std::nullopt;
}

std::string_view name_of(permission p) { return permission_names[static_cast<std::size_t>(p)]; }

std::optional<permission> parse_permission(std::string_view text) {
  for (std::size_t n = 0; n < permission_count; ++n)
    if (text == permission_names[n]) return static_cast<permission>(n);
  return std::nullopt;
}

permission_set implied(permission_set set) {
  permission_set out = 0;
  for (std::size_t n = 0; n < permission_count; ++n)
    if (set >> n & 1) out |= covers[n];
  return out;
}

permission_set set_of(const std::vector<permission>& list) {
  permission_set out = 0;
  for (auto p : list) out |= bit_of(p);
  return out;
}

bool network::contains(const std::array<std::uint8_t, 16>& address) const { return cut(address, bits) == base; }

std::optional<std::array<std::uint8_t, 16>> parse_address(std::string_view text) {
  std::string name(text);
  if (name.size() > INET6_ADDRSTRLEN || name.find('\0') != std::string::npos) return std::nullopt;
  std::array<std::uint8_t, 16> out{};
  if (in_addr v4; inet_pton(AF_INET, name.c_str(), &v4) == 1) {
    std::copy(mapped_head.begin(), mapped_head.end(), out.begin());
    std::memcpy(out.data() + mapped_head.size(), &v4, sizeof v4);
    return out;
  }
  if (in6_addr v6; inet_pton(AF_INET6, name.c_str(), &v6) == 1) {
    std::memcpy(out.data(), &v6, sizeof v6);
    return out;
  }
  return std::nullopt;
}

std::optional<network> parse_network(std::string_view text) {
  auto slash = text.find('/');
  auto address = parse_address(text.substr(0, slash));
  if (!address) return std::nullopt;
  bool v4 = text.substr(0, slash).find(':') == std::string_view::npos;
  network out{*address, 128};
  if (slash != std::string_view::npos) {
    auto digits = text.substr(slash + 1);
    unsigned bits = 0;
    auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
    bool canonical = !digits.empty() && (digits.size() == 1 || digits[0] != '0');
    if (!canonical || problem != std::errc{} || end != digits.data() + digits.size() || bits > (v4 ? 32u : 128u))
      return std::nullopt;
    out.bits = static_cast<std::uint8_t>(v4 ? mapped_bits + bits : bits);
  }
  if (cut(out.base, out.bits) != out.base) return std::nullopt;
  return out;
}

std::string to_string(const network& n) {
  char text[INET6_ADDRSTRLEN];
  bool v4 = is_v4(n.base) && n.bits >= mapped_bits;
  if (v4)
    inet_ntop(AF_INET, n.base.data() + mapped_head.size(), text, sizeof text);
  else
    inet_ntop(AF_INET6, n.base.data(), text, sizeof text);
  return std::string(text) + '/' + std::to_string(v4 ? n.bits - mapped_bits : n.bits);
}

std::optional<lifetime> parse_lifetime(std::string_view text) {
  if (text == "week") return lifetime::week;
  if (text == "month") return lifetime::month;
  if (text == "three_months") return lifetime::three_months;
  if (text == "year") return lifetime::year;
  if (text == "indefinite") return lifetime::indefinite;
  return std::nullopt;
}

std::optional<timestamp> end_of(lifetime l, timestamp from) {
  using namespace std::chrono;
  if (l == lifetime::indefinite) return std::nullopt;
  sys_time<milliseconds> at{milliseconds{from.value()}};
  auto day = floor<days>(at);
  auto of_day = at - day;
  if (l == lifetime::week) {
    day += days{7};
  } else {
    int count = l == lifetime::month ? 1 : l == lifetime::three_months ? 3 : 12;
    year_month_day date{day};
    auto month = date.year() / date.month() + months{count};
    auto last = (month / std::chrono::last).day();
    day = sys_days{month / std::min(date.day(), last)};
  }
  auto end = timestamp{(day + of_day).time_since_epoch().count()};
  return std::min(end, time_max);
}

}  // namespace nacre::model

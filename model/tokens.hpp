#pragma once
// The words in which a token says what it is good for, the same for every API family.
//
// A token belongs to one family: it opens that family's routes and no other's (whoever checks tokens for a
// service of their own may accept all of them). Scopes are the Alephant family's, permissions and projects
// those of service users; an Unleash token has neither and may what its owner may.
// Sources: contracts/alephant-pats.md section 4, gorules-service-tokens.md section 5, unleash-tokens.md.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/error.hpp"
#include "model/time.hpp"

namespace nacre::model {

enum class token_family : std::uint8_t { alephant = 1, unleash, service };
inline constexpr std::uint8_t token_families = static_cast<std::uint8_t>(token_family::service);

// Scopes of a PAT as bits. write implies read, admin implies both; introspect stands for itself: it lets a
// service ask about tokens and do nothing else.
enum scope_bit : std::uint8_t { scope_read = 1, scope_write = 2, scope_admin = 4, scope_introspect = 8 };
using scope_set = std::uint8_t;
inline constexpr scope_set every_scope = scope_read | scope_write | scope_admin | scope_introspect;
inline constexpr scope_bit scope_bits[] = {scope_read, scope_write, scope_admin, scope_introspect};
constexpr scope_set implied(scope_set s) {
  if (s & scope_admin) return s | scope_read | scope_write;
  if (s & scope_write) return s | scope_read;
  return s;
}
std::string_view name_of(scope_bit s);
std::optional<scope_bit> parse_scope(std::string_view text);

// In the order of the contract; the number is stored.
enum class permission : std::uint8_t {
  owner,
  documents,
  releases,
  releases_manage,
  releases_deploy,
  releases_delete,
  integrations_manage,
  documents_full,
  documents_view_content,
  documents_edit_content,
  documents_edit_view,
  branches,
  branches_create,
  branches_merge,
  branches_delete,
  project_manage,
  environments,
  environments_manage,
  environments_delete,
};
inline constexpr std::size_t permission_count = 19;
std::string_view name_of(permission p);  // "releases:deploy"
std::optional<permission> parse_permission(std::string_view text);

using permission_set = std::uint32_t;  // as bits
constexpr permission_set bit_of(permission p) { return permission_set{1} << static_cast<unsigned>(p); }
inline constexpr permission_set every_permission = (permission_set{1} << permission_count) - 1;
// What is covered too: a coarse name ("releases") covers what begins with it, owner covers everything.
permission_set implied(permission_set set);
// In the order given, each once (as stored).
permission_set set_of(const std::vector<permission>& list);

// "10.0.0.0/8", "2001:db8::/32", or a single address. IPv4 as its mapped IPv6 form, bits counted there.
struct network {
  std::array<std::uint8_t, 16> base{};
  std::uint8_t bits = 128;
  bool contains(const std::array<std::uint8_t, 16>& address) const;
  friend bool operator==(const network&, const network&) = default;
};
std::optional<std::array<std::uint8_t, 16>> parse_address(std::string_view text);
// Nothing if it is none, or if bits behind the prefix are set.
std::optional<network> parse_network(std::string_view text);
std::string to_string(const network& n);

// What narrows a token beside its expiry. Empty: nothing does.
struct restrictions {
  std::optional<timestamp> not_before;
  std::optional<std::uint64_t> uses_max;  // at least 1; every authentication is one
  std::vector<network> networks;          // of the client; empty: from everywhere
  bool none() const { return !not_before && !uses_max && networks.empty(); }
  friend bool operator==(const restrictions&, const restrictions&) = default;
};

// Lifetimes in words (gorules-service-tokens.md section 4), on the UTC calendar: the day is clamped to the
// month's end, so a month from 31 January is the last of February. Nothing for `indefinite`.
enum class lifetime : std::uint8_t { week, month, three_months, year, indefinite };
std::optional<lifetime> parse_lifetime(std::string_view text);
std::optional<timestamp> end_of(lifetime l, timestamp from);

}  // namespace nacre::model

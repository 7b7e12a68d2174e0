#pragma once
// Identities. A uuid is 16 bytes; its text form is the 36 lower-case characters of RFC 9562.
// `parse_uuid` takes upper case too (contracts/alephant-pats.md: "{id} is a UUID"), nothing else:
// no braces, no urn:, no missing hyphens. Any version is accepted; ours are version 4 or, for
// users of an OIDC issuer, version 8 (derived from issuer and subject).

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "model/strong.hpp"

namespace nacre {

struct uuid {
  std::array<std::uint8_t, 16> bytes{};
  friend constexpr auto operator<=>(const uuid&, const uuid&) = default;
  constexpr bool is_nil() const { return *this == uuid{}; }
  // The 16 bytes as they appear in storage keys and the wire codec.
  std::string_view view() const { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
};

std::optional<uuid> parse_uuid(std::string_view text);
std::string to_string(const uuid& id);
// The same text without an allocation; what a request writes several of.
struct uuid_text {
  std::array<char, 36> chars;
  operator std::string_view() const { return {chars.data(), chars.size()}; }  // NOLINT(google-explicit-constructor)
};
uuid_text text_of(const uuid& id);
std::optional<uuid> uuid_from_bytes(std::string_view sixteen);
// Sets version 4 and variant bits on 16 random bytes the caller supplies.
uuid make_uuid_v4(std::array<std::uint8_t, 16> random);

using workspace_id = strong<uuid, struct workspace_id_tag>;
using user_id = strong<uuid, struct user_id_tag>;  // person or service user
using pat_id = strong<uuid, struct pat_id_tag>;
using project_id = strong<uuid, struct project_id_tag>;
// Of a one-time secret and of its receipt: the first 16 bytes of the keyed lookup of what their links
// carry, so the id tells nothing about the link. Its first four bytes in hex are the `shortid` of logs.
using secret_id = strong<uuid, struct secret_id_tag>;
using receipt_id = strong<uuid, struct receipt_id_tag>;
// Of a request for a secret (model/asks.hpp): the same of what the link to answer it carries.
using ask_id = strong<uuid, struct ask_id_tag>;
using webhook_id = strong<uuid, struct webhook_id_tag>;
// Names one request across retries and nodes; 128 random bits, made at the HTTP edge.
using request_id = strong<uuid, struct request_id_tag>;

template <class Tag>
std::string to_string(const strong<uuid, Tag>& id) {
  return to_string(id.value());
}
template <class Tag>
uuid_text text_of(const strong<uuid, Tag>& id) {
  return text_of(id.value());
}

// Node-wide happenings (start, JWKS change, counted authentication failures) are audited under
// the nil workspace, which nobody can be a member of.
inline constexpr workspace_id system_workspace{};

// Guests have no workspace. Their secrets are spread over partitions by the secret's id, so that no
// single actor carries them all. Partitions are workspaces without members; nobody can found one.
inline constexpr std::size_t guest_partitions = 64;
constexpr workspace_id guest_partition(std::size_t n) {
  uuid id{{0, 0, 0, 0, 0, 0, 0x80, 0, 0x80, 0, 'g', 'u', 'e', 's', 't', 0}};
  id.bytes[15] = static_cast<std::uint8_t>(n % guest_partitions);
  return workspace_id{id};
}
constexpr bool is_guest_partition(workspace_id ws) {
  return ws.value().bytes[15] < guest_partitions && ws == guest_partition(ws.value().bytes[15]);
}
constexpr workspace_id guest_partition_of(secret_id id) { return guest_partition(id.value().bytes[0]); }
constexpr workspace_id guest_partition_of(ask_id id) { return guest_partition(id.value().bytes[0]); }

}  // namespace nacre

template <>
struct std::hash<nacre::uuid> {
  std::size_t operator()(const nacre::uuid& id) const noexcept {
    // Ids are random; any eight bytes spread well. Untrusted ones only key bounded tables.
    std::uint64_t a, b;
    std::memcpy(&a, id.bytes.data(), 8);
    std::memcpy(&b, id.bytes.data() + 8, 8);
    return static_cast<std::size_t>(a ^ (b * 0x9e3779b97f4a7c15ULL));
  }
};

#include "model/records.hpp"

#include <bit>
#include <cstdlib>
#include <cstring>

#include "model/limits.hpp"
#include "model/record_bytes.hpp"
#include "model/token_bytes.hpp"
#include "model/wire.hpp"

namespace nacre::model {

namespace {

using bytes::checked;
using bytes::open;
using bytes::open_up_to;
using bytes::read_hash;
using bytes::version_1;
using bytes::version_2;
using bytes::view;
constexpr std::size_t text_max = 4 * limits::name_chars_max;

}  // namespace

std::string_view name_of(role r) {
  switch (r) {
    case role::member:
      return "member";
    case role::admin:
      return "admin";
    case role::owner:
      return "owner";
  }
  std::abort();
}

std::optional<role> parse_role(std::string_view text) {
  for (auto r : {role::member, role::admin, role::owner})
    if (text == name_of(r)) return r;
  return std::nullopt;
}

std::string_view name_of(account_type t) {
  switch (t) {
    case account_type::invited:
      return "invited";
    case account_type::member:
      return "member";
    case account_type::author:
      return "author";
    case account_type::admin:
      return "admin";
    case account_type::owner:
      return "owner";
  }
  std::abort();
}

std::optional<account_type> parse_account_type(std::string_view text) {
  for (auto t :
       {account_type::invited, account_type::member, account_type::author, account_type::admin, account_type::owner})
    if (text == name_of(t)) return t;
  return std::nullopt;
}

// Version 2 of a record is version 1 and what came later. A record with nothing of that is still written as
// version 1, so that every record has one encoding and old rows need no upgrade.

std::string encode(const workspace_record& v) {
  bool plain = v.user_seq == 0;
  writer w;
  w.u8(plain ? version_1 : version_2);
  w.bytes(v.name).time(v.created).maybe(v.deleted).u32(v.data_key_version);
  w.u32(v.owners).u32(v.members).u32(v.projects).u32(v.service_users).u64(v.live_pats).u64(v.pat_seq);
  if (!plain) w.u64(v.user_seq);
  return w.take();
}

template <>
std::optional<workspace_record> decode(std::string_view bytes) {
  auto [r, version] = open_up_to(version_2, bytes);
  workspace_record v;
  v.name = r.text(text_max);
  v.created = r.time();
  v.deleted = r.maybe_time();
  v.data_key_version = r.u32();
  v.owners = r.u32();
  v.members = r.u32();
  v.projects = r.u32();
  v.service_users = r.u32();
  v.live_pats = r.u64();
  v.pat_seq = r.u64();
  if (version >= version_2) {
    v.user_seq = r.u64();
    if (v.user_seq == 0) r.fail();
  }
  return checked(r, std::move(v));
}

std::string encode(const member_record& v) {
  bool plain = v.number == 0;
  writer w;
  w.u8(plain ? version_1 : version_2);
  w.u8(static_cast<std::uint8_t>(v.role)).maybe(v.removed).time(v.joined).bytes(v.email);
  w.u32(v.live_pats).u64(v.dead_pats);
  if (!plain) w.u64(v.number);
  return w.take();
}

template <>
std::optional<member_record> decode(std::string_view bytes) {
  auto [r, version] = open_up_to(version_2, bytes);
  member_record v;
  auto role_byte = r.u8();
  if (role_byte < 1 || role_byte > 3) r.fail();
  v.role = static_cast<role>(role_byte);
  v.removed = r.maybe_time();
  v.joined = r.time();
  v.email = r.text(limits::email_bytes_max);
  v.live_pats = r.u32();
  v.dead_pats = r.u64();
  if (version >= version_2) {
    v.number = r.u64();
    if (v.number == 0) r.fail();
  }
  return checked(r, std::move(v));
}

std::string encode(const service_user_record& v) {
  bool plain = v.number == 0;
  writer w;
  w.u8(plain ? version_1 : version_2).bytes(v.name).time(v.created).id(v.created_by);
  if (plain) return w.take();
  w.bytes(v.email).u8(static_cast<std::uint8_t>(v.type)).u32(v.root_role).u64(v.number);
  w.time(v.updated).maybe(v.removed);
  return w.take();
}

template <>
std::optional<service_user_record> decode(std::string_view bytes) {
  auto [r, version] = open_up_to(version_2, bytes);
  service_user_record v;
  v.name = r.text(text_max);
  v.created = r.time();
  v.created_by = r.id_as<user_id>();
  v.updated = v.created;
  if (version >= version_2) {
    v.email = r.text(limits::email_bytes_max);
    auto type = r.u8();
    if (type < 1 || type > static_cast<std::uint8_t>(account_type::owner)) r.fail();
    v.type = static_cast<account_type>(type);
    v.root_role = r.u32();
    v.number = r.u64();
    if (v.number == 0) r.fail();
    v.updated = r.time();
    v.removed = r.maybe_time();
  }
  return checked(r, std::move(v));
}

std::string encode(const project_record& v) {
  return writer{}.u8(version_1).bytes(v.name).bytes(v.key).bytes(v.version).time(v.created).time(v.updated).take();
}

template <>
std::optional<project_record> decode(std::string_view bytes) {
  auto r = open(bytes);
  project_record v;
  v.name = r.text(text_max);
  v.key = r.text(text_max);
  v.version = r.text(text_max);
  v.created = r.time();
  v.updated = r.time();
  return checked(r, std::move(v));
}

namespace {

// What only some tokens have: those of other families, restricted and rotated ones.
bool is_plain(const pat_record& v) {
  return v.family == token_family::alephant && v.permissions.empty() && v.all_projects && v.projects.empty() &&
         !v.updated && v.only.none() && v.uses == 0 && !v.previous && v.rotations == 0 && v.name.size() <= text_max &&
         !(v.scopes & scope_introspect);
}

}  // namespace

void put(writer& w, const restrictions& v) {
  w.maybe(v.not_before).maybe(v.uses_max, [](writer& out, std::uint64_t n) { out.u64(n); });
  w.u8(static_cast<std::uint8_t>(v.networks.size()));
  for (const auto& n : v.networks) w.raw({reinterpret_cast<const char*>(n.base.data()), n.base.size()}).u8(n.bits);
}

restrictions read_restrictions(reader& r) {
  restrictions v;
  v.not_before = r.maybe_time();
  v.uses_max = r.maybe([](reader& in) { return in.u64(); });
  if (v.uses_max && *v.uses_max == 0) r.fail();
  auto count = r.u8();
  if (count > limits::networks_per_token_max) r.fail();
  for (int i = 0; r.ok() && i < count; ++i) {
    network n;
    auto base = r.raw(n.base.size());
    if (base.size() == n.base.size()) std::memcpy(n.base.data(), base.data(), base.size());
    n.bits = r.u8();
    if (n.bits > 128 || !n.contains(n.base)) r.fail();
    v.networks.push_back(n);
  }
  return v;
}

void put_grants(writer& w, const std::vector<permission>& permissions, bool all_projects,
                const std::vector<project_id>& projects) {
  w.u8(static_cast<std::uint8_t>(permissions.size()));
  for (auto p : permissions) w.u8(static_cast<std::uint8_t>(p));
  w.flag(all_projects).u32(static_cast<std::uint32_t>(projects.size()));
  for (const auto& p : projects) w.id(p);
}

void read_grants(reader& r, std::vector<permission>& permissions, bool& all_projects,
                 std::vector<project_id>& projects) {
  auto count = r.u8();
  permission_set seen = 0;
  for (int i = 0; r.ok() && i < count; ++i) {
    auto p = r.u8();
    if (p >= permission_count || (seen & bit_of(static_cast<permission>(p)))) return r.fail();
    seen |= bit_of(static_cast<permission>(p));
    permissions.push_back(static_cast<permission>(p));
  }
  all_projects = r.flag();
  auto ids = r.u32();
  if (ids > limits::projects_per_token_max) r.fail();
  for (std::uint32_t i = 0; r.ok() && i < ids; ++i) projects.push_back(r.id_as<project_id>());
}

std::string encode(const pat_record& v) {
  bool plain = is_plain(v);
  writer w;
  w.u8(plain ? version_1 : version_2).id(v.owner).bytes(v.name).bytes(v.prefix).u8(v.scopes).time(v.created);
  w.maybe(v.expires).maybe(v.revoked).maybe(v.last_used).u64(v.seq).flag(v.imported);
  w.u32(v.data_key_version).u32(v.pepper_version).raw(view(v.lookup));
  w.u64(static_cast<std::uint64_t>(v.use_audited_hour));
  if (plain) return w.take();
  w.u8(static_cast<std::uint8_t>(v.family));
  put_grants(w, v.permissions, v.all_projects, v.projects);
  w.maybe(v.updated);
  put(w, v.only);
  w.u64(v.uses).maybe(v.previous, [](writer& out, const pat_record::outgoing_token& t) {
    out.raw(view(t.lookup)).time(t.until).flag(t.until_first_use);
  });
  w.u32(v.rotations);
  return w.take();
}

template <>
std::optional<pat_record> decode(std::string_view bytes) {
  auto [r, version] = open_up_to(version_2, bytes);
  pat_record v;
  v.owner = r.id_as<user_id>();
  v.name = r.text(version == version_1 ? text_max : limits::token_name_bytes_max);
  v.prefix = r.text(text_max);
  v.scopes = r.u8();
  if (v.scopes & ~every_scope) r.fail();
  v.created = r.time();
  v.expires = r.maybe_time();
  v.revoked = r.maybe_time();
  v.last_used = r.maybe_time();
  v.seq = r.u64();
  v.imported = r.flag();
  v.data_key_version = r.u32();
  v.pepper_version = r.u32();
  v.lookup = read_hash(r);
  v.use_audited_hour = static_cast<std::int64_t>(r.u64());
  if (version >= version_2) {
    auto family = r.u8();
    if (family < 1 || family > token_families) r.fail();
    v.family = static_cast<token_family>(family);
    read_grants(r, v.permissions, v.all_projects, v.projects);
    v.updated = r.maybe_time();
    v.only = read_restrictions(r);
    v.uses = r.u64();
    v.previous = r.maybe([](reader& in) {
      pat_record::outgoing_token t;
      t.lookup = read_hash(in);
      t.until = in.time();
      t.until_first_use = in.flag();
      return t;
    });
    v.rotations = r.u32();
  }
  if (is_plain(v) != (version == version_1)) r.fail();
  return checked(r, std::move(v));
}

std::string encode(const budget_record& v) {
  writer w;
  w.u8(version_1).u32(static_cast<std::uint32_t>(v.reveals.size()));
  for (const auto& s : v.reveals) w.time(s.at).id(s.pat);
  return w.take();
}

template <>
std::optional<budget_record> decode(std::string_view bytes) {
  auto r = open(bytes);
  budget_record v;
  auto count = r.u32();
  if (count > limits::reveal_budget_max) r.fail();
  for (std::uint32_t i = 0; r.ok() && i < count; ++i) {
    budget_record::spent s;
    s.at = r.time();
    s.pat = r.id_as<pat_id>();
    v.reveals.push_back(s);
  }
  return checked(r, std::move(v));
}

void put(writer& w, const audit_head& v) {
  w.u64(v.size).u8(static_cast<std::uint8_t>(v.edge.size()));
  for (const auto& hash : v.edge) w.raw(view(hash));
}

void get(reader& r, audit_head& v) {
  v.size = r.u64();
  auto count = r.u8();
  if (count != std::popcount(v.size)) r.fail();  // one perfect subtree for each one bit of the size
  if (r.ok()) v.edge.reserve(count + 1u);        // whoever reads it adds one
  for (int i = 0; r.ok() && i < count; ++i) v.edge.push_back(read_hash(r));
}

std::string encode(const audit_head& v) {
  writer w{16 + sizeof(v.edge[0]) * v.edge.size()};
  w.u8(version_1);
  put(w, v);
  return w.take();
}

template <>
std::optional<audit_head> decode(std::string_view bytes) {
  auto r = open(bytes);
  audit_head v;
  get(r, v);
  return checked(r, std::move(v));
}

std::string encode(const audit_row& v) {
  return writer{1 + v.leaf.size() + 4 + v.entry.size()}.u8(version_1).raw(view(v.leaf)).bytes(v.entry).take();
}

template <>
std::optional<audit_row> decode(std::string_view bytes) {
  auto r = open(bytes);
  audit_row v;
  v.leaf = read_hash(r);
  v.entry = r.text(limits::record_bytes_max);
  return checked(r, std::move(v));
}

}  // namespace nacre::model

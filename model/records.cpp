#include "model/records.hpp"

#include <bit>
#include <cstdlib>

#include "model/limits.hpp"
#include "model/record_bytes.hpp"
#include "model/wire.hpp"

namespace nacre::model {

namespace {

using bytes::checked;
using bytes::open;
using bytes::read_hash;
using bytes::version_1;
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

std::string_view name_of(scope_bit s) {
  switch (s) {
    case scope_read:
      return "read";
    case scope_write:
      return "write";
    case scope_admin:
      return "admin";
  }
  std::abort();
}

std::optional<scope_bit> parse_scope(std::string_view text) {
  for (auto s : {scope_read, scope_write, scope_admin})
    if (text == name_of(s)) return s;
  return std::nullopt;
}

std::string encode(const workspace_record& v) {
  return writer{}
      .u8(version_1)
      .bytes(v.name)
      .time(v.created)
      .maybe(v.deleted)
      .u32(v.data_key_version)
      .u32(v.owners)
      .u32(v.members)
      .u32(v.projects)
      .u32(v.service_users)
      .u64(v.live_pats)
      .u64(v.pat_seq)
      .take();
}

template <>
std::optional<workspace_record> decode(std::string_view bytes) {
  auto r = open(bytes);
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
  return checked(r, std::move(v));
}

std::string encode(const member_record& v) {
  return writer{}
      .u8(version_1)
      .u8(static_cast<std::uint8_t>(v.role))
      .maybe(v.removed)
      .time(v.joined)
      .bytes(v.email)
      .u32(v.live_pats)
      .u64(v.dead_pats)
      .take();
}

template <>
std::optional<member_record> decode(std::string_view bytes) {
  auto r = open(bytes);
  member_record v;
  auto role_byte = r.u8();
  if (role_byte < 1 || role_byte > 3) r.fail();
  v.role = static_cast<role>(role_byte);
  v.removed = r.maybe_time();
  v.joined = r.time();
  v.email = r.text(limits::email_bytes_max);
  v.live_pats = r.u32();
  v.dead_pats = r.u64();
  return checked(r, std::move(v));
}

std::string encode(const service_user_record& v) {
  return writer{}.u8(version_1).bytes(v.name).time(v.created).id(v.created_by).take();
}

template <>
std::optional<service_user_record> decode(std::string_view bytes) {
  auto r = open(bytes);
  service_user_record v;
  v.name = r.text(text_max);
  v.created = r.time();
  v.created_by = r.id_as<user_id>();
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

std::string encode(const pat_record& v) {
  return writer{}
      .u8(version_1)
      .id(v.owner)
      .bytes(v.name)
      .bytes(v.prefix)
      .u8(v.scopes)
      .time(v.created)
      .maybe(v.expires)
      .maybe(v.revoked)
      .maybe(v.last_used)
      .u64(v.seq)
      .flag(v.imported)
      .u32(v.data_key_version)
      .u32(v.pepper_version)
      .raw(view(v.lookup))
      .u64(static_cast<std::uint64_t>(v.use_audited_hour))
      .take();
}

template <>
std::optional<pat_record> decode(std::string_view bytes) {
  auto r = open(bytes);
  pat_record v;
  v.owner = r.id_as<user_id>();
  v.name = r.text(text_max);
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

std::string encode(const audit_head& v) {
  writer w;
  w.u8(version_1).u64(v.size).u8(static_cast<std::uint8_t>(v.edge.size()));
  for (const auto& hash : v.edge) w.raw(view(hash));
  return w.take();
}

template <>
std::optional<audit_head> decode(std::string_view bytes) {
  auto r = open(bytes);
  audit_head v;
  v.size = r.u64();
  auto count = r.u8();
  if (count != std::popcount(v.size)) r.fail();  // one perfect subtree for each one bit of the size
  for (int i = 0; r.ok() && i < count; ++i) v.edge.push_back(read_hash(r));
  return checked(r, std::move(v));
}

std::string encode(const audit_row& v) { return writer{}.u8(version_1).raw(view(v.leaf)).bytes(v.entry).take(); }

template <>
std::optional<audit_row> decode(std::string_view bytes) {
  auto r = open(bytes);
  audit_row v;
  v.leaf = read_hash(r);
  v.entry = r.text(limits::record_bytes_max);
  return checked(r, std::move(v));
}

}  // namespace nacre::model

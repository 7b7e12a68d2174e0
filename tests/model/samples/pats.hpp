#pragma once
// Tokens of every family, their budgets, and what a retry of a reveal or a rotation needs.

#include "model/commands.hpp"
#include "model/limits.hpp"
#include "model/records.hpp"
#include "tests/model/samples/any.hpp"

namespace nacre::model::testing {

inline token_family any_family(random_source& r) { return static_cast<token_family>(1 + r.below(token_families)); }
inline std::vector<permission> any_permissions(random_source& r) {
  std::vector<permission> out;
  permission_set seen = 0;
  for (auto n = r.below(permission_count + 1); n-- > 0;) {
    auto p = static_cast<permission>(r.below(permission_count));
    if (seen & bit_of(p)) continue;
    seen |= bit_of(p);
    out.push_back(p);
  }
  return out;
}
inline std::vector<project_id> any_projects(random_source& r) {
  std::vector<project_id> out(r.one_in(20) ? limits::projects_per_token_max : r.below(5));
  for (auto& p : out) p = r.id_as<project_id>();
  return out;
}
inline network any_network(random_source& r) {
  network n{r.array<16>(), static_cast<std::uint8_t>(r.below(129))};
  for (unsigned bit = n.bits; bit < 128; ++bit)
    n.base[bit / 8] = static_cast<std::uint8_t>(n.base[bit / 8] & ~(0x80u >> bit % 8));
  return n;
}
inline restrictions any_restrictions(random_source& r) {
  restrictions only;
  only.not_before = maybe_time(r);
  if (r.one_in(2)) only.uses_max = 1 + r.below(limits::token_uses_max);
  only.networks.resize(r.one_in(20) ? limits::networks_per_token_max : r.below(4));
  for (auto& n : only.networks) n = any_network(r);
  return only;
}

inline void fill(random_source& r, pat_record& v) {
  v.owner = r.id_as<user_id>();
  v.name = text(r);
  v.prefix = text(r);
  v.scopes = any_scopes(r);
  v.created = r.time();
  v.expires = maybe_time(r);
  v.revoked = maybe_time(r);
  v.last_used = maybe_time(r);
  v.seq = r.any();
  v.imported = r.one_in(2);
  v.data_key_version = r.u32();
  v.pepper_version = r.u32();
  v.lookup = r.array<32>();
  v.use_audited_hour = static_cast<std::int64_t>(r.any());
  if (r.one_in(2)) return;
  v.name = text(r, r.one_in(8) ? limits::token_name_bytes_max : 12);
  v.family = any_family(r);
  v.permissions = any_permissions(r);
  v.all_projects = r.one_in(2);
  v.projects = any_projects(r);
  v.updated = maybe_time(r);
  v.only = any_restrictions(r);
  v.uses = r.below(3);
  if (r.one_in(2)) v.previous = {r.array<32>(), r.time(), r.one_in(2)};
  v.rotations = r.u32() % 3;
}
inline void fill(random_source& r, budget_record& v) {
  v.reveals.resize(r.one_in(20) ? limits::reveal_budget_max : r.below(8));
  for (auto& s : v.reveals) s = {r.time(), r.id_as<pat_id>()};
}
inline void fill(random_source& r, pat_claim_record& v) {
  v = {r.id_as<pat_id>(), r.id_as<user_id>(), r.array<32>(), r.time(), {}};
  if (r.one_in(2)) v.rotation = {r.array<16>(), r.array<32>()};
}

inline void fill(random_source& r, create_pat& v) {
  v = {};
  v.id = r.id_as<pat_id>();
  if (r.one_in(2)) v.owner = r.id_as<user_id>();
  v.family = any_family(r);
  v.name = text(r, r.one_in(8) ? limits::token_name_bytes_max : 12);
  v.prefix = text(r);
  v.scopes = any_scopes(r);
  v.permissions = any_permissions(r);
  v.all_projects = r.one_in(2);
  v.projects = any_projects(r);
  v.expires = maybe_time(r);
  v.only = any_restrictions(r);
  v.per_owner_max = static_cast<std::uint32_t>(r.below(limits::family_tokens_per_owner_max + 1));
  v.lookup = r.array<32>();
  v.pepper_version = r.u32();
  bool sealed = v.family == token_family::alephant;
  v.data_key_version = sealed ? 1 + r.u32() / 2 : 0;
  if (sealed) v.sealed = text(r, 4000);
}
inline void fill(random_source& r, import_pat& v) {
  v = {r.id_as<pat_id>(), r.id_as<user_id>(), text(r),       text(r), any_scopes(r),
       r.time(),          maybe_time(r),      r.array<32>(), r.u32(), text(r, 2000)};
}
inline void fill(random_source& r, change_pat& v) {
  v = {r.id_as<pat_id>(), {}, r.one_in(2), maybe_time(r), {}};
  if (r.one_in(2)) v.name = text(r);
  if (r.one_in(2)) v.only = any_restrictions(r);
}
inline void fill(random_source& r, revoke_pat& v) { v = {r.id_as<pat_id>()}; }
inline void fill(random_source& r, reveal_pat& v) {
  v = {r.id_as<pat_id>(),
       r.one_in(2),
       static_cast<std::uint32_t>(r.below(601)),
       static_cast<std::uint32_t>(r.below(601)),
       maybe_hash(r),
       any_window(r)};
}
inline void fill(random_source& r, confirm_pat_reveal& v) { v = {r.id_as<pat_id>(), r.array<32>()}; }
inline void fill(random_source& r, rotate_pat& v) {
  constexpr auto overlap_ms_max = static_cast<std::uint64_t>(limits::rotation_overlap_s_max * 1000);
  v = {r.id_as<pat_id>(),
       text(r),
       r.array<32>(),
       r.u32(),
       r.u32(),
       text(r, 4000),
       static_cast<std::int64_t>(r.below(overlap_ms_max + 1)),
       r.one_in(2),
       r.one_in(2),
       maybe_time(r),
       maybe_hash(r),
       r.array<16>(),
       any_window(r)};
}
inline void fill(random_source& r, retire_previous& v) { v = {r.id_as<pat_id>(), r.array<32>()}; }
inline void fill(random_source& r, count_use& v) { v = {r.id_as<pat_id>()}; }

inline pat_record sample_pat() {
  pat_record p;
  p.owner = user_id{sample_id(0x20)};
  p.name = "MCP Server - Production";
  p.prefix = "pat_wsa3f8c2";
  p.scopes = scope_read | scope_write;
  p.created = sample_time;
  p.expires = after(sample_time, 4);
  p.revoked = after(sample_time, 5);
  p.last_used = after(sample_time, 6);
  p.seq = 10;
  p.imported = true;
  p.data_key_version = 11;
  p.pepper_version = 12;
  p.lookup = sample_hash(0x40);
  p.use_audited_hour = 501792;
  return p;
}
inline pat_record sample_plain_pat() {
  auto p = sample_pat();
  p.expires = p.revoked = p.last_used = std::nullopt;
  p.imported = false;
  return p;
}
inline restrictions sample_restrictions() {
  network v4{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 0}, 104};
  network v6{{0x20, 0x01, 0x0d, 0xb8}, 32};
  return {after(sample_time, -20), 21, {v4, v6}};
}
inline pat_record sample_service_token() {
  auto p = sample_pat();
  p.imported = false;
  p.data_key_version = 0;
  p.prefix = "nacre_pat_";
  p.family = token_family::service;
  p.permissions = {permission::releases, permission::releases_deploy, permission::environments_delete};
  p.all_projects = false;
  p.projects = {project_id{sample_id(0x13)}, project_id{sample_id(0x14)}};
  p.updated = after(sample_time, 22);
  p.only = sample_restrictions();
  p.uses = 23;
  p.previous = {sample_hash(0x41), after(sample_time, 24), true};
  p.rotations = 25;
  return p;
}
inline budget_record sample_budget() {
  return {{{sample_time, pat_id{sample_id(0x30)}}, {after(sample_time, 7), pat_id{sample_id(0x31)}}}};
}
inline pat_claim_record sample_pat_claim() {
  return {pat_id{sample_id(0x12)}, user_id{sample_id(0x15)}, sample_hash(0x90), after(sample_time, 16), {}};
}
inline pat_claim_record sample_rotation_claim() {
  auto c = sample_pat_claim();
  pat_claim_record::made made;
  for (std::size_t i = 0; i < made.salt.size(); ++i) made.salt[i] = static_cast<std::uint8_t>(0xc0 + i);
  made.lookup = sample_hash(0x42);
  c.rotation = made;
  return c;
}
inline create_pat sample_create_pat() {
  create_pat op;
  op.id = pat_id{sample_id(0x12)};
  op.name = "CI";
  op.prefix = "pat_wsa3f8c2";
  op.scopes = scope_write;
  op.expires = sample_time;
  op.lookup = sample_hash(1);
  op.pepper_version = 2;
  op.data_key_version = 3;
  op.sealed = "sealed";
  return op;
}
inline create_pat sample_create_service_token() {
  auto made = sample_service_token();
  create_pat op;
  op.id = pat_id{sample_id(0x12)};
  op.owner = user_id{sample_id(0x11)};
  op.family = made.family;
  op.name = made.name;
  op.prefix = made.prefix;
  op.permissions = made.permissions;
  op.all_projects = made.all_projects;
  op.projects = made.projects;
  op.only = made.only;
  op.per_owner_max = 10;
  op.lookup = sample_hash(2);
  op.data_key_version = 0;
  return op;
}
inline rotate_pat sample_rotation() {
  return {pat_id{sample_id(0x12)},
          "pat_wsa3f8c2",
          sample_hash(5),
          2,
          3,
          "sealed",
          86'400'000,
          true,
          true,
          after(sample_time, 26),
          sample_hash(3),
          sample_rotation_claim().rotation->salt,
          60'000};
}

inline named_operations sample_pat_operations() {
  auto user = user_id{sample_id(0x11)};
  auto pat = pat_id{sample_id(0x12)};
  return {
      {"create_pat", sample_create_pat()},
      {"create_service_token", sample_create_service_token()},
      {"import_pat", import_pat{pat, user, "Old", "pat_wsa3f8c2", scope_read, sample_time, std::nullopt, sample_hash(2),
                                1, "wrapped"}},
      {"change_pat", change_pat{pat, "New name", true, after(sample_time, 8), {}}},
      {"change_pat_clears", change_pat{pat, std::nullopt, true, std::nullopt, {}}},
      {"change_pat_restricts", change_pat{pat, std::nullopt, false, std::nullopt, sample_restrictions()}},
      {"revoke_pat", revoke_pat{pat}},
      {"reveal_pat", reveal_pat{pat, true, 10, 60}},
      {"reveal_pat_again", reveal_pat{pat, true, 10, 60, sample_hash(3), 60'000}},
      {"confirm_pat_reveal", confirm_pat_reveal{pat, sample_hash(3)}},
      {"rotate_pat", sample_rotation()},
      {"rotate_pat_at_once", rotate_pat{pat, "user:", sample_hash(5), 1, 0, "", 0, false, false, {}, {}, {}, 0}},
      {"retire_previous", retire_previous{pat, sample_hash(6)}},
      {"count_use", count_use{pat}},
  };
}

}  // namespace nacre::model::testing

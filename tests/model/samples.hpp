#pragma once
// Records and commands for codec tests: random ones, and the fixed ones of the golden files.

#include <string>
#include <utility>
#include <vector>

#include "model/commands.hpp"
#include "model/limits.hpp"
#include "model/records.hpp"
#include "tests/support/random_source.hpp"

namespace nacre::model::testing {

using nacre::testing::random_source;

inline std::optional<timestamp> maybe_time(random_source& r) {
  if (r.one_in(2)) return std::nullopt;
  return r.time();
}
inline std::string text(random_source& r, std::size_t at_most = 4 * limits::name_chars_max) {
  return r.bytes(r.one_in(8) ? at_most : std::min<std::size_t>(at_most, 12));
}
inline role any_role(random_source& r) { return static_cast<role>(1 + r.below(3)); }
inline scope_set any_scopes(random_source& r) { return static_cast<scope_set>(r.below(every_scope + 1)); }
inline token_family any_family(random_source& r) { return static_cast<token_family>(1 + r.below(token_families)); }
inline account_type any_account(random_source& r) { return static_cast<account_type>(1 + r.below(5)); }

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

inline void fill(random_source& r, workspace_record& v) {
  v = {text(r), r.time(), maybe_time(r), r.u32(), r.u32(), r.u32(), r.u32(), r.u32(), r.any(), r.any(), 0};
  if (r.one_in(2)) v.user_seq = r.any();
}
inline void fill(random_source& r, member_record& v) {
  v = {any_role(r), maybe_time(r), r.time(), text(r, limits::email_bytes_max), r.u32(), r.any(), 0};
  if (r.one_in(2)) v.number = r.any();
}
inline void fill(random_source& r, service_user_record& v) {
  v = {};
  v.name = text(r);
  v.created = v.updated = r.time();
  v.created_by = r.id_as<user_id>();
  if (r.one_in(2)) return;  // as they were before they had a number
  v.email = text(r, limits::email_bytes_max);
  v.type = any_account(r);
  v.root_role = r.u32();
  v.number = 1 + r.below(1'000);
  v.updated = r.time();
  v.removed = maybe_time(r);
}
inline void fill(random_source& r, project_record& v) { v = {text(r), text(r), text(r), r.time(), r.time()}; }
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
inline void fill(random_source& r, audit_head& v) {
  v.size = r.one_in(10) ? r.any() : r.below(300);
  v.edge.resize(static_cast<std::size_t>(__builtin_popcountll(v.size)));
  for (auto& h : v.edge) h = r.array<32>();
}
inline void fill(random_source& r, audit_row& v) { v = {r.array<32>(), text(r, 2000)}; }
inline webhook_record::secret any_secret(random_source& r) { return {r.u32(), r.u32()}; }
inline void fill(random_source& r, webhook_record& v) {
  v = {text(r, limits::webhook_url_bytes_max),
       r.u32(),
       r.time(),
       r.id_as<user_id>(),
       r.one_in(2),
       r.one_in(2),
       any_secret(r),
       {}};
  if (r.one_in(2)) v.previous = {any_secret(r), r.time()};
}
inline void fill(random_source& r, webhook_list& v) {
  v.items.resize(r.below(limits::webhooks_per_workspace_max + 1));
  for (auto& i : v.items) i = {r.id_as<webhook_id>(), r.one_in(2), r.u32()};
}
inline void fill(random_source& r, webhook_progress& v) {
  v = {r.any(),
       r.u32(),
       r.any(),
       r.any(),
       r.any(),
       r.any(),
       r.u32(),
       maybe_time(r),
       maybe_time(r),
       maybe_time(r),
       static_cast<std::uint16_t>(r.below(limits::http_status_max + 1u))};
}
inline void fill(random_source& r, delivery_record& v) {
  v = {r.id_as<pat_id>().value(),
       static_cast<event_type>(1 + r.below(event_types)),
       r.time(),
       text(r, limits::webhook_object_bytes_max),
       static_cast<std::uint8_t>(r.below(256)),
       r.id_as<user_id>(),
       r.u32(),
       r.u32()};
}

inline std::uint32_t any_lifespan(random_source& r) {
  constexpr auto least = static_cast<std::uint32_t>(limits::secret_ttl_s_min);
  constexpr auto most = static_cast<std::uint32_t>(limits::secret_ttl_s_max);
  if (r.one_in(8)) return r.one_in(2) ? least : most;
  return least + static_cast<std::uint32_t>(r.below(most - least));
}
inline secret_kind any_kind(random_source& r) { return static_cast<secret_kind>(1 + r.below(2)); }
inline std::int64_t any_window(random_source& r) {
  return static_cast<std::int64_t>(r.below(static_cast<std::uint64_t>(limits::retry_window_ms_max) + 1));
}
inline std::optional<keyed_hash> maybe_hash(random_source& r) {
  if (r.one_in(2)) return std::nullopt;
  return r.array<32>();
}
inline void fill(random_source& r, secret_record& v) {
  v = {r.id_as<receipt_id>(), r.id_as<user_id>(), r.time(), any_lifespan(r), maybe_time(r),
       any_kind(r),           r.one_in(2),        r.u32(),  r.any()};
}
inline void fill(random_source& r, held_secret& v) {
  fill(r, v.record);
  v.sealed = text(r, 2'000);
  if (r.one_in(2)) {
    v.sealed_link = text(r, limits::record_bytes_max);
    v.receipt.reset();
    return;
  }
  v.sealed_link.clear();
  v.receipt = {text(r, limits::email_bytes_max), r.time(), maybe_time(r), text(r, limits::recipients_bytes_max),
               text(r, 4 * limits::memo_chars_max)};
}
inline void fill(random_source& r, receipt_record& v) {
  v.secret = r.id_as<secret_id>();
  v.owner = r.id_as<user_id>();
  v.custid = text(r, limits::email_bytes_max);
  v.created = r.time();
  v.updated = r.time();
  v.lifespan_s = any_lifespan(r);
  v.kind = any_kind(r);
  v.has_passphrase = r.one_in(2);
  v.data_key_version = r.u32();
  v.previewed = maybe_time(r);
  v.secret_previewed = maybe_time(r);
  v.end = static_cast<receipt_end>(r.below(4));
  v.ended = maybe_time(r);
  v.recipients = text(r, limits::recipients_bytes_max);
  v.memo = text(r, 4 * limits::memo_chars_max);
}
inline void fill(random_source& r, claim_record& v) {
  v.key = r.array<32>();
  v.until = r.time();
  v.confirmed = r.one_in(2);
  fill(r, v.secret);
  v.forgotten = r.time();
}
inline void fill(random_source& r, pat_claim_record& v) {
  v = {r.id_as<pat_id>(), r.id_as<user_id>(), r.array<32>(), r.time(), {}};
  if (r.one_in(2)) v.rotation = {r.array<16>(), r.array<32>()};
}
inline void fill(random_source& r, attempts_record& v) {
  v.secret = {r.u32(), r.time(), maybe_time(r)};
  v.clients.resize(r.one_in(20) ? limits::attempt_clients_max : r.below(6));
  for (auto& c : v.clients) c = {text(r), {r.u32(), r.time(), maybe_time(r)}};
  v.lifetime = r.u32();
}
inline void fill(random_source& r, partition_record& v) { v = {r.any(), r.any()}; }

inline void fill(random_source& r, create_workspace& v) { v = {text(r), text(r, 254), text(r, 2000)}; }
inline void fill(random_source& r, admit_member& v) { v = {text(r), text(r, 254), any_role(r), text(r, 2000)}; }
inline void fill(random_source& r, rename_workspace& v) { v = {text(r)}; }
inline void fill(random_source&, delete_workspace&) {}
inline void fill(random_source& r, put_member& v) {
  v = {r.id_as<user_id>(), any_role(r), {}};
  if (r.one_in(2)) v.email = text(r, 254);
}
inline void fill(random_source& r, remove_member& v) { v = {r.id_as<user_id>()}; }
inline void fill(random_source& r, create_service_user& v) {
  v = {r.id_as<user_id>(), text(r), text(r, limits::email_bytes_max), any_account(r), r.u32()};
}
inline void fill(random_source& r, create_project& v) { v = {r.id_as<project_id>(), text(r), text(r), text(r)}; }
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
inline void fill(random_source& r, note_activity& v) {
  v.uses.resize(r.below(5));
  for (auto& use : v.uses) use = {r.id_as<pat_id>(), r.time()};
  v.acts.resize(r.below(5));
  for (auto& act : v.acts) act = {text(r), text(r), text(r), r.u32()};
  v.reused.resize(r.below(5));
  for (auto& pat : v.reused) pat = r.id_as<pat_id>();
}
inline void fill(random_source& r, open_partition& v) { v = {text(r, 2000)}; }
inline void fill(random_source& r, conceal_secret& v) {
  v = {r.id_as<secret_id>(), r.id_as<receipt_id>(), any_kind(r),   any_lifespan(r), r.one_in(2), r.u32(), text(r),
       text(r, 4000),        text(r, 2000),         text(r, 2000), text(r, 2000),   r.any()};
}
inline void fill(random_source& r, preview_secret& v) { v = {r.id_as<secret_id>()}; }
inline void fill(random_source& r, reserve_attempt& v) { v = {r.id_as<secret_id>()}; }
inline void fill(random_source& r, clear_attempts& v) { v = {r.id_as<secret_id>()}; }
inline void fill(random_source& r, note_lockout& v) { v = {r.id_as<secret_id>()}; }
inline void fill(random_source& r, claim_secret& v) {
  v = {r.id_as<secret_id>(), r.one_in(2), maybe_hash(r), any_window(r)};
}
inline void fill(random_source& r, confirm_reveal& v) { v = {r.id_as<secret_id>(), r.array<32>()}; }
inline void fill(random_source& r, burn_secret& v) { v = {r.id_as<receipt_id>(), r.one_in(2)}; }
inline void fill(random_source& r, preview_receipt& v) { v = {r.id_as<receipt_id>()}; }
inline void fill(random_source& r, set_memo& v) { v = {r.id_as<receipt_id>(), text(r, 4 * limits::memo_chars_max)}; }
inline void fill(random_source& r, confirm_pat_reveal& v) { v = {r.id_as<pat_id>(), r.array<32>()}; }
inline void fill(random_source& r, sweep& v) {
  v.dues.resize(r.one_in(20) ? limits::dues_per_command_max : r.below(5));
  for (auto& d : v.dues) d = {r.time(), static_cast<due_kind>(1 + r.below(due_kinds)), r.id()};
}
inline void fill(random_source& r, open_ask& v) { v = {r.id_as<ask_id>(), r.array<32>(), any_lifespan(r), r.any()}; }
inline void fill(random_source& r, answer_ask& v) {
  v = {r.id_as<ask_id>(), maybe_hash(r), r.u32(), text(r, 4000), r.any()};
}
inline void fill(random_source& r, pick_up_ask& v) {
  v = {r.id_as<ask_id>(), r.array<32>(), maybe_hash(r), any_window(r)};
}
inline void fill(random_source& r, confirm_ask& v) { v = {r.id_as<ask_id>(), r.array<32>(), r.array<32>()}; }
inline void fill(random_source& r, cancel_ask& v) { v = {r.id_as<ask_id>(), r.array<32>()}; }
inline void fill(random_source& r, ask_record& v) {
  v = {r.id_as<user_id>(), r.time(),      any_lifespan(r), r.array<32>(), static_cast<ask_state>(r.below(5)),
       maybe_time(r),      maybe_hash(r), r.u32(),         r.any(),       maybe_time(r),
       maybe_hash(r),      maybe_time(r)};
}
inline void fill(random_source& r, create_webhook& v) {
  v = {r.id_as<webhook_id>(), text(r, limits::webhook_url_bytes_max), r.u32(), r.u32(), text(r, 2000)};
}
inline void fill(random_source& r, change_webhook& v) {
  v = {r.id_as<webhook_id>(), {}, {}, {}, {}};
  if (r.one_in(2)) v.url = text(r, limits::webhook_url_bytes_max);
  if (r.one_in(2)) v.events = r.u32();
  if (r.one_in(2)) v.enabled = r.one_in(2);
  if (r.one_in(2)) v.secret = {r.u32(), r.u32(), text(r, 2000)};
}
inline void fill(random_source& r, delete_webhook& v) { v = {r.id_as<webhook_id>()}; }
inline void fill(random_source& r, ping_webhook& v) { v = {r.id_as<webhook_id>()}; }
inline void fill(random_source& r, settle_deliveries& v) {
  v.items.resize(r.one_in(20) ? limits::webhook_settled_per_command_max : r.below(5));
  for (auto& i : v.items)
    i = {r.id_as<webhook_id>(),
         r.time(),
         r.any(),
         static_cast<settle_deliveries::fate>(1 + r.below(4)),
         r.time(),
         static_cast<std::uint16_t>(r.below(limits::http_status_max + 1u))};
}

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
inline void fill(random_source& r, change_service_user& v) {
  v = {r.id_as<user_id>(), {}, {}};
  if (r.one_in(2)) v.name = text(r);
  if (r.one_in(2)) v.root_role = r.u32();
}
inline void fill(random_source& r, delete_service_user& v) { v = {r.id_as<user_id>()}; }

inline void fill(random_source& r, context& v) {
  v = {r.id_as<request_id>(), r.id_as<workspace_id>(), r.time(), {}, text(r), text(r)};
  v.who = {static_cast<caller::kind>(1 + r.below(4)),
           r.id_as<user_id>(),
           r.id_as<pat_id>(),
           any_scopes(r),
           text(r, limits::issuer_bytes_max),
           text(r, limits::subject_bytes_max)};
}

template <std::size_t I = 0>
operation random_operation(random_source& r, std::size_t which) {
  if constexpr (I < std::variant_size_v<operation>) {
    if (which != I) return random_operation<I + 1>(r, which);
    operation op{std::in_place_index<I>};
    fill(r, std::get<I>(op));
    return op;
  } else {
    return {};
  }
}

inline command random_command(random_source& r) {
  command c;
  fill(r, c.ctx);
  c.what = random_operation(r, r.below(std::variant_size_v<operation>));
  return c;
}

// ---- golden samples: never change one, add new ones ---------------------------------------------------

inline uuid sample_id(std::uint8_t first) {
  uuid id;
  for (std::size_t i = 0; i < 16; ++i) id.bytes[i] = static_cast<std::uint8_t>(first + i);
  return id;
}
inline std::array<std::uint8_t, 32> sample_hash(std::uint8_t first) {
  std::array<std::uint8_t, 32> h{};
  for (std::size_t i = 0; i < 32; ++i) h[i] = static_cast<std::uint8_t>(first + i);
  return h;
}
inline constexpr timestamp sample_time{1806451200123};

inline workspace_record sample_workspace() {
  return {"Pearl \xf0\x9f\x90\x9a", sample_time, after(sample_time, 1), 2, 3, 4, 5, 6, 7, 8, 0};
}
inline workspace_record sample_numbering_workspace() {
  auto w = sample_workspace();
  w.user_seq = 9;
  return w;
}
inline member_record sample_member() {
  return {role::admin, after(sample_time, 2), sample_time, "ada@example.org", 9, 4, 0};
}
inline member_record sample_numbered_member() {
  auto m = sample_member();
  m.number = 10;
  return m;
}
inline service_user_record sample_service_user() {
  service_user_record s;
  s.name = "deployer";
  s.created = s.updated = sample_time;
  s.created_by = user_id{sample_id(0x10)};
  return s;
}
inline service_user_record sample_numbered_service_user() {
  auto s = sample_service_user();
  s.email = "ci@example.org";
  s.type = account_type::author;
  s.root_role = 2;
  s.number = 11;
  s.updated = after(sample_time, 18);
  s.removed = after(sample_time, 19);
  return s;
}
inline project_record sample_project() { return {"Shell", "shell", "1.2.3", sample_time, after(sample_time, 3)}; }
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
inline audit_head sample_head() { return {5, {sample_hash(0x50), sample_hash(0x60)}}; }
inline secret_record sample_secret() {
  return {receipt_id{sample_id(0x14)},
          user_id{sample_id(0x15)},
          sample_time,
          604'800,
          after(sample_time, 9),
          secret_kind::generate,
          true,
          2,
          321};
}
inline secret_record sample_plain_secret() {
  return {receipt_id{sample_id(0x14)}, {}, sample_time, 60, std::nullopt, secret_kind::conceal, false, 1, 0};
}
inline held_secret sample_held_secret() { return {sample_secret(), "sealed secret", "sealed link", {}}; }
inline held_secret sample_unlinked_secret() { return {sample_plain_secret(), "sealed secret", "", {}}; }
inline held_secret sample_secret_with_receipt() {
  return {
      sample_secret(), "sealed secret", "",
      open_receipt{"ada@example.org", after(sample_time, 10), after(sample_time, 11), "bo*****@e*****.org", "for Bob"}};
}
inline receipt_record sample_receipt() {
  receipt_record v;
  v.secret = secret_id{sample_id(0x16)};
  v.owner = user_id{sample_id(0x15)};
  v.custid = "ada@example.org";
  v.created = sample_time;
  v.updated = after(sample_time, 10);
  v.lifespan_s = 604'800;
  v.kind = secret_kind::generate;
  v.has_passphrase = true;
  v.data_key_version = 2;
  v.previewed = after(sample_time, 11);
  v.secret_previewed = after(sample_time, 12);
  v.end = receipt_end::burned;
  v.ended = after(sample_time, 13);
  v.recipients = "bo*****@e*****.org";
  v.memo = "for Bob";
  return v;
}
inline receipt_record sample_plain_receipt() {
  receipt_record v;
  v.secret = secret_id{sample_id(0x16)};
  v.created = v.updated = sample_time;
  v.lifespan_s = 60;
  return v;
}
inline claim_record sample_claim() {
  return {sample_hash(0x80), after(sample_time, 14), true, sample_secret(), after(sample_time, 15)};
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
inline attempts_record sample_attempts() {
  return {
      {6, sample_time, std::nullopt},
      {{"192.0.2.0/24", {5, sample_time, after(sample_time, 17)}}, {"2001:db8::/56", {1, sample_time, std::nullopt}}},
      7};
}
inline ask_record sample_ask() {
  return {user_id{sample_id(0x11)}, sample_time,          3600, sample_hash(7), ask_state::picked_up,
          after(sample_time, 1),    sample_hash(8),       2,    4096,           after(sample_time, 2),
          sample_hash(9),           after(sample_time, 3)};
}
inline ask_record sample_open_ask() { return {{}, sample_time, 60, sample_hash(7), {}, {}, {}, 0, 0, {}, {}, {}}; }
inline partition_record sample_partition() { return {3, 4096}; }
inline audit_row sample_row() { return {sample_hash(0x70), R"({"action":"pat.create","seq":1})"}; }
inline webhook_record sample_webhook() {
  webhook_record w;
  w.url = "https://hooks.example.com:8443/nacre?team=1";
  w.events = bit_of(event_type::pat_created) | bit_of(event_type::secret_burned);
  w.created = sample_time;
  w.created_by = user_id{sample_id(0x20)};
  w.gone = true;
  w.current = {3, 2};
  w.previous = {{2, 1}, after(sample_time, 9)};
  return w;
}
inline webhook_list sample_webhook_list() {
  return {{{webhook_id{sample_id(0x14)}, true, 0}, {webhook_id{sample_id(0x15)}, false, 6}}};
}
inline webhook_progress sample_progress() {
  return {8, 7, 6, 5, 4, 3, 2, sample_time, after(sample_time, 1), after(sample_time, 2), 503};
}
inline delivery_record sample_delivery() {
  return {sample_id(0x60), event_type::pat_expiring, sample_time, "706cc207", 2, user_id{sample_id(0x20)}, 7, 3};
}

inline context sample_context() {
  context ctx;
  ctx.request = request_id{sample_id(0x80)};
  ctx.workspace = workspace_id{sample_id(0x90)};
  ctx.now = sample_time;
  ctx.who = {caller::kind::pat,        user_id{sample_id(0xa0)},
             pat_id{sample_id(0xb0)},  scope_read | scope_write | scope_admin,
             "https://issuer.example", "ada"};
  ctx.client_prefix = "192.0.2.0/24";
  ctx.node = "n1";
  return ctx;
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

inline std::vector<std::pair<std::string, operation>> sample_operations() {
  auto user = user_id{sample_id(0x11)};
  auto pat = pat_id{sample_id(0x12)};
  auto secret = secret_id{sample_id(0x16)};
  auto receipt = receipt_id{sample_id(0x14)};
  auto hook = webhook_id{sample_id(0x14)};
  auto ask = ask_id{sample_id(0x18)};
  return {
      {"create_workspace", create_workspace{"Pearl", "ada@example.org", "wrapped"}},
      {"admit_member", admit_member{"Pearl", "ada@example.org", role::owner, "wrapped"}},
      {"rename_workspace", rename_workspace{"Nacre"}},
      {"delete_workspace", delete_workspace{}},
      {"put_member", put_member{user, role::admin, "bob@example.org"}},
      {"put_member_same_email", put_member{user, role::member, std::nullopt}},
      {"remove_member", remove_member{user}},
      {"create_service_user", create_service_user{user, "deployer", "ci@example.org", account_type::author, 2}},
      {"create_project", create_project{project_id{sample_id(0x13)}, "Shell", "shell", "1"}},
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
      {"create_webhook", create_webhook{hook, "https://hooks.example.com/a", 6, 1, "sealed"}},
      {"change_webhook",
       change_webhook{hook, "https://hooks.example.com/b", 0, false, change_webhook::new_secret{2, 1, "sealed"}}},
      {"change_webhook_nothing", change_webhook{hook, {}, {}, {}, {}}},
      {"delete_webhook", delete_webhook{hook}},
      {"ping_webhook", ping_webhook{hook}},
      {"settle_deliveries",
       settle_deliveries{{{hook, sample_time, 7, settle_deliveries::fate::retry, after(sample_time, 5'000), 500},
                          {hook, sample_time, 8, settle_deliveries::fate::delivered, {}, 204}}}},
      {"note_activity", note_activity{{{pat, sample_time}}, {{"auth.failed", "system", "token_expired", 12}}, {pat}}},
      {"open_partition", open_partition{"wrapped"}},
      {"conceal_secret", conceal_secret{secret, receipt, secret_kind::generate, 604'800, true, 2, "bo*****@e*****.org",
                                        "sealed", "link", "receipt", "generated", 1'000'000}},
      {"preview_secret", preview_secret{secret}},
      {"reserve_attempt", reserve_attempt{secret}},
      {"clear_attempts", clear_attempts{secret}},
      {"note_lockout", note_lockout{secret}},
      {"claim_secret", claim_secret{secret, true, sample_hash(4), 60'000}},
      {"claim_secret_for_good", claim_secret{secret, false, std::nullopt, 0}},
      {"confirm_reveal", confirm_reveal{secret, sample_hash(4)}},
      {"burn_secret", burn_secret{receipt, true}},
      {"preview_receipt", preview_receipt{receipt}},
      {"set_memo", set_memo{receipt, "for Bob"}},
      {"confirm_pat_reveal", confirm_pat_reveal{pat, sample_hash(3)}},
      {"sweep", sweep{{{sample_time, due_kind::secret, sample_id(0x16)},
                       {after(sample_time, 1), due_kind::receipt, sample_id(0x14)},
                       {after(sample_time, 2), due_kind::claim, sample_id(0x16)},
                       {after(sample_time, 3), due_kind::pat_claim, sample_id(0x17)},
                       {after(sample_time, 4), due_kind::generated, sample_id(0x14)}}}},
      {"rotate_pat", sample_rotation()},
      {"rotate_pat_at_once", rotate_pat{pat, "user:", sample_hash(5), 1, 0, "", 0, false, false, {}, {}, {}, 0}},
      {"retire_previous", retire_previous{pat, sample_hash(6)}},
      {"count_use", count_use{pat}},
      {"change_service_user", change_service_user{user, "renamed", 1}},
      {"change_service_user_nothing", change_service_user{user, {}, {}}},
      {"delete_service_user", delete_service_user{user}},
      {"open_ask", open_ask{ask, sample_hash(7), 3600, 1'000'000}},
      {"answer_ask", answer_ask{ask, sample_hash(8), 2, "sealed", 1'000'000}},
      {"answer_ask_once", answer_ask{ask, std::nullopt, 1, "sealed", 0}},
      {"pick_up_ask", pick_up_ask{ask, sample_hash(7), sample_hash(9), 60'000}},
      {"pick_up_ask_for_good", pick_up_ask{ask, sample_hash(7), std::nullopt, 0}},
      {"confirm_ask", confirm_ask{ask, sample_hash(7), sample_hash(9)}},
      {"cancel_ask", cancel_ask{ask, sample_hash(7)}},
  };
}

}  // namespace nacre::model::testing

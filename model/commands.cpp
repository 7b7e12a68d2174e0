#include "model/commands.hpp"

#include <cstring>
#include <type_traits>

#include "model/limits.hpp"
#include "model/record_bytes.hpp"
#include "model/token_bytes.hpp"
#include "model/wire.hpp"

namespace nacre::model {

namespace {

using bytes::read_hash;
using bytes::version_1;
using bytes::view;
constexpr std::size_t text_max = 4 * limits::name_chars_max;

role read_role(reader& r) {
  auto byte = r.u8();
  if (byte < 1 || byte > 3) r.fail();
  return static_cast<role>(byte);
}

scope_set read_scopes(reader& r) {
  auto byte = r.u8();
  if (byte & ~every_scope) r.fail();
  return byte;
}

void put_user(writer& w, user_id user) { w.id(user); }
user_id read_user(reader& r) { return r.id_as<user_id>(); }

token_family read_family(reader& r) {
  auto byte = r.u8();
  if (byte < 1 || byte > token_families) r.fail();
  return static_cast<token_family>(byte);
}

// Bounded, so that no sum with a time overflows.
std::int64_t read_duration(reader& r, std::int64_t at_most_ms) {
  auto ms = r.u64();
  if (ms > static_cast<std::uint64_t>(at_most_ms)) r.fail();
  return static_cast<std::int64_t>(ms);
}

// The tag of an operation is its place in the variant plus one; new operations go to the end.
void put(writer& w, const create_workspace& v) { w.bytes(v.name).bytes(v.email).bytes(v.wrapped_data_key); }
void put(writer& w, const admit_member& v) {
  w.bytes(v.workspace_name).bytes(v.email).u8(static_cast<std::uint8_t>(v.role)).bytes(v.wrapped_data_key);
}
void put(writer& w, const rename_workspace& v) { w.bytes(v.name); }
void put(writer&, const delete_workspace&) {}
void put(writer& w, const put_member& v) {
  w.id(v.user).u8(static_cast<std::uint8_t>(v.role));
  w.maybe(v.email, [](writer& out, const std::string& s) { out.bytes(s); });
}
void put(writer& w, const remove_member& v) { w.id(v.user); }
void put(writer& w, const create_service_user& v) {
  w.id(v.id).bytes(v.name).bytes(v.email).u8(static_cast<std::uint8_t>(v.type)).u32(v.root_role);
}
void put(writer& w, const create_project& v) { w.id(v.id).bytes(v.name).bytes(v.key).bytes(v.version); }
void put(writer& w, const create_pat& v) {
  w.id(v.id).maybe(v.owner, put_user).u8(static_cast<std::uint8_t>(v.family));
  w.bytes(v.name).bytes(v.prefix).u8(v.scopes);
  put_grants(w, v.permissions, v.all_projects, v.projects);
  w.maybe(v.expires);
  put(w, v.only);
  w.u32(v.per_owner_max).raw(view(v.lookup)).u32(v.pepper_version).u32(v.data_key_version).bytes(v.sealed);
}
void put(writer& w, const import_pat& v) {
  w.id(v.id).id(v.owner).bytes(v.name).bytes(v.prefix).u8(v.scopes).time(v.created).maybe(v.expires);
  w.raw(view(v.lookup)).u32(v.pepper_version).bytes(v.wrapped_data_key);
}
void put(writer& w, const change_pat& v) {
  w.id(v.id).maybe(v.name, [](writer& out, const std::string& s) { out.bytes(s); });
  w.flag(v.set_expires).maybe(v.expires);
  w.maybe(v.only, [](writer& out, const restrictions& only) { put(out, only); });
}
void put(writer& w, const revoke_pat& v) { w.id(v.id); }
void put(writer& w, const reveal_pat& v) {
  w.id(v.id).flag(v.limited).u32(v.per_pat).u32(v.per_user);
  w.maybe(v.retry, [](writer& out, const keyed_hash& key) { out.raw(view(key)); });
  w.u64(static_cast<std::uint64_t>(v.retry_window_ms));
}
void put(writer& w, const note_activity& v) {
  w.u32(static_cast<std::uint32_t>(v.uses.size()));
  for (const auto& use : v.uses) w.id(use.pat).time(use.at);
  w.u32(static_cast<std::uint32_t>(v.acts.size()));
  for (const auto& act : v.acts) w.bytes(act.action).bytes(act.object).bytes(act.reason).u32(act.count);
  w.u32(static_cast<std::uint32_t>(v.reused.size()));
  for (const auto& pat : v.reused) w.id(pat);
}

void put(writer& w, const create_webhook& v) {
  w.id(v.id).bytes(v.url).u32(v.events).u32(v.data_key_version).bytes(v.sealed);
}
void put(writer& w, const change_webhook& v) {
  w.id(v.id).maybe(v.url, [](writer& out, const std::string& s) { out.bytes(s); });
  w.maybe(v.events, [](writer& out, event_set s) { out.u32(s); });
  w.maybe(v.enabled, [](writer& out, bool b) { out.flag(b); });
  w.maybe(v.secret, [](writer& out, const change_webhook::new_secret& s) {
    out.u32(s.version).u32(s.data_key_version).bytes(s.sealed);
  });
}
void put(writer& w, const delete_webhook& v) { w.id(v.id); }
void put(writer& w, const ping_webhook& v) { w.id(v.id); }
void put(writer& w, const settle_deliveries& v) {
  w.u32(static_cast<std::uint32_t>(v.items.size()));
  for (const auto& i : v.items)
    w.id(i.hook).time(i.due).u64(i.seq).u8(static_cast<std::uint8_t>(i.fate)).time(i.next).u32(i.status);
}

void put(writer& w, const rotate_pat& v) {
  w.id(v.id).bytes(v.prefix).raw(view(v.lookup)).u32(v.pepper_version).u32(v.data_key_version);
  w.bytes(v.sealed).u64(static_cast<std::uint64_t>(v.overlap_ms)).flag(v.until_first_use);
  w.flag(v.set_expires).maybe(v.expires);
  w.maybe(v.retry, [](writer& out, const keyed_hash& key) { out.raw(view(key)); });
  w.raw({reinterpret_cast<const char*>(v.salt.data()), v.salt.size()});
  w.u64(static_cast<std::uint64_t>(v.retry_window_ms));
}
void put(writer& w, const retire_previous& v) { w.id(v.id).raw(view(v.lookup)); }
void put(writer& w, const count_use& v) { w.id(v.id); }
void put(writer& w, const change_service_user& v) {
  w.id(v.id).maybe(v.name, [](writer& out, const std::string& s) { out.bytes(s); });
  w.maybe(v.root_role, [](writer& out, std::uint32_t n) { out.u32(n); });
}
void put(writer& w, const delete_service_user& v) { w.id(v.id); }

void get(reader& r, create_workspace& v) {
  v.name = r.text(text_max);
  v.email = r.text(limits::email_bytes_max);
  v.wrapped_data_key = r.text(limits::record_bytes_max);
}
void get(reader& r, admit_member& v) {
  v.workspace_name = r.text(text_max);
  v.email = r.text(limits::email_bytes_max);
  v.role = read_role(r);
  v.wrapped_data_key = r.text(limits::record_bytes_max);
}
void get(reader& r, rename_workspace& v) { v.name = r.text(text_max); }
void get(reader&, delete_workspace&) {}
void get(reader& r, put_member& v) {
  v.user = r.id_as<user_id>();
  v.role = read_role(r);
  v.email = r.maybe([](reader& in) { return in.text(limits::email_bytes_max); });
}
void get(reader& r, remove_member& v) { v.user = r.id_as<user_id>(); }
void get(reader& r, create_service_user& v) {
  v.id = r.id_as<user_id>();
  v.name = r.text(text_max);
  v.email = r.text(limits::email_bytes_max);
  auto type = r.u8();
  if (type < 1 || type > static_cast<std::uint8_t>(account_type::owner)) r.fail();
  v.type = static_cast<account_type>(type);
  v.root_role = r.u32();
}
void get(reader& r, create_project& v) {
  v.id = r.id_as<project_id>();
  v.name = r.text(text_max);
  v.key = r.text(text_max);
  v.version = r.text(text_max);
}
void get(reader& r, create_pat& v) {
  v.id = r.id_as<pat_id>();
  v.owner = r.maybe(read_user);
  v.family = read_family(r);
  v.name = r.text(limits::token_name_bytes_max);
  v.prefix = r.text(text_max);
  v.scopes = read_scopes(r);
  read_grants(r, v.permissions, v.all_projects, v.projects);
  v.expires = r.maybe_time();
  v.only = read_restrictions(r);
  v.per_owner_max = r.u32();
  if (v.per_owner_max > limits::family_tokens_per_owner_max) r.fail();
  v.lookup = read_hash(r);
  v.pepper_version = r.u32();
  v.data_key_version = r.u32();
  v.sealed = r.text(limits::sealed_bytes_max);
  // The record says by the version alone whether something is sealed.
  if ((v.data_key_version == 0) != (v.family != token_family::alephant)) r.fail();
}
void get(reader& r, import_pat& v) {
  v.id = r.id_as<pat_id>();
  v.owner = r.id_as<user_id>();
  v.name = r.text(text_max);
  v.prefix = r.text(text_max);
  v.scopes = read_scopes(r);
  v.created = r.time();
  v.expires = r.maybe_time();
  v.lookup = read_hash(r);
  v.pepper_version = r.u32();
  v.wrapped_data_key = r.text(limits::record_bytes_max);
}
void get(reader& r, change_pat& v) {
  v.id = r.id_as<pat_id>();
  v.name = r.maybe([](reader& in) { return in.text(text_max); });
  v.set_expires = r.flag();
  v.expires = r.maybe_time();
  v.only = r.maybe(read_restrictions);
}
void get(reader& r, revoke_pat& v) { v.id = r.id_as<pat_id>(); }
void get(reader& r, reveal_pat& v) {
  v.id = r.id_as<pat_id>();
  v.limited = r.flag();
  v.per_pat = r.u32();
  v.per_user = r.u32();
  if (v.per_pat > limits::reveal_budget_max || v.per_user > limits::reveal_budget_max) r.fail();
  v.retry = r.maybe(read_hash);
  v.retry_window_ms = read_duration(r, limits::retry_window_ms_max);
}
void get(reader& r, note_activity& v) {
  auto uses = r.u32();
  if (uses > limits::touches_per_command_max) r.fail();
  for (std::uint32_t i = 0; r.ok() && i < uses; ++i) {
    note_activity::use use;
    use.pat = r.id_as<pat_id>();
    use.at = r.time();
    v.uses.push_back(use);
  }
  auto acts = r.u32();
  if (acts > limits::touches_per_command_max) r.fail();
  for (std::uint32_t i = 0; r.ok() && i < acts; ++i) {
    note_activity::act act;
    act.action = r.text(text_max);
    act.object = r.text(text_max);
    act.reason = r.text(text_max);
    act.count = r.u32();
    v.acts.push_back(std::move(act));
  }
  auto reused = r.u32();
  if (reused > limits::touches_per_command_max) r.fail();
  for (std::uint32_t i = 0; r.ok() && i < reused; ++i) v.reused.push_back(r.id_as<pat_id>());
}

void get(reader& r, create_webhook& v) {
  v.id = r.id_as<webhook_id>();
  v.url = r.text(limits::webhook_url_bytes_max);
  v.events = r.u32();
  v.data_key_version = r.u32();
  v.sealed = r.text(limits::sealed_bytes_max);
}
void get(reader& r, change_webhook& v) {
  v.id = r.id_as<webhook_id>();
  v.url = r.maybe([](reader& in) { return in.text(limits::webhook_url_bytes_max); });
  v.events = r.maybe([](reader& in) { return in.u32(); });
  v.enabled = r.maybe([](reader& in) { return in.flag(); });
  v.secret = r.maybe([](reader& in) {
    change_webhook::new_secret s;
    s.version = in.u32();
    s.data_key_version = in.u32();
    s.sealed = in.text(limits::sealed_bytes_max);
    return s;
  });
}
void get(reader& r, delete_webhook& v) { v.id = r.id_as<webhook_id>(); }
void get(reader& r, ping_webhook& v) { v.id = r.id_as<webhook_id>(); }
void get(reader& r, settle_deliveries& v) {
  auto count = r.u32();
  if (count > limits::webhook_settled_per_command_max) r.fail();
  for (std::uint32_t i = 0; r.ok() && i < count; ++i) {
    settle_deliveries::item item;
    item.hook = r.id_as<webhook_id>();
    item.due = r.time();
    item.seq = r.u64();
    auto fate = r.u8();
    if (fate < 1 || fate > static_cast<std::uint8_t>(settle_deliveries::fate::gone)) r.fail();
    item.fate = static_cast<settle_deliveries::fate>(fate);
    item.next = r.time();
    auto status = r.u32();
    if (status > limits::http_status_max) r.fail();
    item.status = static_cast<std::uint16_t>(status);
    v.items.push_back(item);
  }
}

void get(reader& r, rotate_pat& v) {
  v.id = r.id_as<pat_id>();
  v.prefix = r.text(text_max);
  v.lookup = read_hash(r);
  v.pepper_version = r.u32();
  v.data_key_version = r.u32();
  v.sealed = r.text(limits::sealed_bytes_max);
  v.overlap_ms = read_duration(r, limits::rotation_overlap_s_max * 1000);
  v.until_first_use = r.flag();
  v.set_expires = r.flag();
  v.expires = r.maybe_time();
  v.retry = r.maybe(read_hash);
  auto salt = r.raw(v.salt.size());
  if (salt.size() == v.salt.size()) std::memcpy(v.salt.data(), salt.data(), salt.size());
  v.retry_window_ms = read_duration(r, limits::retry_window_ms_max);
}
void get(reader& r, retire_previous& v) {
  v.id = r.id_as<pat_id>();
  v.lookup = read_hash(r);
}
void get(reader& r, count_use& v) { v.id = r.id_as<pat_id>(); }
void get(reader& r, change_service_user& v) {
  v.id = r.id_as<user_id>();
  v.name = r.maybe([](reader& in) { return in.text(text_max); });
  v.root_role = r.maybe([](reader& in) { return in.u32(); });
}
void get(reader& r, delete_service_user& v) { v.id = r.id_as<user_id>(); }

void put(writer& w, const context& v) {
  w.id(v.request).id(v.workspace).time(v.now).u8(static_cast<std::uint8_t>(v.who.via)).id(v.who.user);
  w.id(v.who.pat).u8(v.who.scopes).bytes(v.who.issuer).bytes(v.who.subject).bytes(v.client_prefix).bytes(v.node);
}

void get(reader& r, context& v) {
  v.request = r.id_as<request_id>();
  v.workspace = r.id_as<workspace_id>();
  v.now = r.time();
  auto via = r.u8();
  if (via < 1 || via > 4) r.fail();
  v.who.via = static_cast<caller::kind>(via);
  v.who.user = r.id_as<user_id>();
  v.who.pat = r.id_as<pat_id>();
  v.who.scopes = read_scopes(r);
  v.who.issuer = r.text(limits::issuer_bytes_max);
  v.who.subject = r.text(limits::subject_bytes_max);
  v.client_prefix = r.text(text_max);
  v.node = r.text(text_max);
}

// Tries each alternative's tag in turn; the variant is small and this is not the hot path.
template <std::size_t I = 0>
bool get_operation(reader& r, std::uint8_t tag, operation& out) {
  if constexpr (I < std::variant_size_v<operation>) {
    if (tag == I + 1) {
      get(r, out.emplace<I>());
      return true;
    }
    return get_operation<I + 1>(r, tag, out);
  }
  return false;
}

}  // namespace

std::string encode(const command& c) {
  constexpr std::size_t usual_bytes = 1024;  // room for all but long secrets
  writer w{usual_bytes};
  w.u8(version_1).u8(static_cast<std::uint8_t>(c.what.index() + 1));
  put(w, c.ctx);
  std::visit([&w](const auto& op) { put(w, op); }, c.what);
  return w.take();
}

std::optional<command> decode_command(std::string_view bytes) {
  if (bytes.size() > limits::command_bytes_max) return std::nullopt;
  reader r(bytes);
  if (r.u8() != version_1) return std::nullopt;
  auto tag = r.u8();
  command c;
  get(r, c.ctx);
  if (!get_operation(r, tag, c.what) || !r.finished()) return std::nullopt;
  return c;
}

std::string_view action_of(const operation& op) {
  struct names {
    std::string_view operator()(const create_workspace&) { return "workspace.create"; }
    std::string_view operator()(const admit_member&) { return "member.admit"; }
    std::string_view operator()(const rename_workspace&) { return "workspace.rename"; }
    std::string_view operator()(const delete_workspace&) { return "workspace.delete"; }
    std::string_view operator()(const put_member&) { return "member.put"; }
    std::string_view operator()(const remove_member&) { return "member.remove"; }
    std::string_view operator()(const create_service_user&) { return "service_user.create"; }
    std::string_view operator()(const create_project&) { return "project.create"; }
    std::string_view operator()(const create_pat&) { return "pat.create"; }
    std::string_view operator()(const import_pat&) { return "pat.import"; }
    std::string_view operator()(const change_pat&) { return "pat.update"; }
    std::string_view operator()(const revoke_pat&) { return "pat.revoke"; }
    std::string_view operator()(const reveal_pat&) { return "pat.reveal"; }
    std::string_view operator()(const note_activity&) { return "activity.note"; }
    std::string_view operator()(const open_partition&) { return "partition.open"; }
    std::string_view operator()(const conceal_secret&) { return "secret.create"; }
    std::string_view operator()(const preview_secret&) { return "secret.preview"; }
    std::string_view operator()(const reserve_attempt&) { return "secret.attempt"; }
    std::string_view operator()(const clear_attempts&) { return "secret.attempts_clear"; }
    std::string_view operator()(const note_lockout&) { return "secret.lockout"; }
    std::string_view operator()(const claim_secret&) { return "secret.reveal"; }
    std::string_view operator()(const confirm_reveal&) { return "secret.confirm"; }
    std::string_view operator()(const burn_secret&) { return "secret.burn"; }
    std::string_view operator()(const preview_receipt&) { return "receipt.preview"; }
    std::string_view operator()(const set_memo&) { return "receipt.memo"; }
    std::string_view operator()(const confirm_pat_reveal&) { return "pat.reveal_confirm"; }
    std::string_view operator()(const sweep&) { return "sweep"; }
    std::string_view operator()(const create_webhook&) { return "webhook.create"; }
    std::string_view operator()(const change_webhook&) { return "webhook.update"; }
    std::string_view operator()(const delete_webhook&) { return "webhook.delete"; }
    std::string_view operator()(const ping_webhook&) { return "webhook.test"; }
    std::string_view operator()(const settle_deliveries&) { return "webhook.settle"; }
    std::string_view operator()(const rotate_pat&) { return "pat.rotate"; }
    std::string_view operator()(const retire_previous&) { return "pat.retire"; }
    std::string_view operator()(const count_use&) { return "pat.count_use"; }
    std::string_view operator()(const change_service_user&) { return "service_user.update"; }
    std::string_view operator()(const delete_service_user&) { return "service_user.delete"; }
    std::string_view operator()(const open_ask&) { return "request.open"; }
    std::string_view operator()(const answer_ask&) { return "request.answer"; }
    std::string_view operator()(const pick_up_ask&) { return "request.pick_up"; }
    std::string_view operator()(const confirm_ask&) { return "request.confirm"; }
    std::string_view operator()(const cancel_ask&) { return "request.cancel"; }
  };
  return std::visit(names{}, op);
}

}  // namespace nacre::model

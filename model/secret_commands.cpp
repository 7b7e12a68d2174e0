#include "model/secret_commands.hpp"

#include <cstring>

namespace nacre::model {

namespace {

constexpr unsigned right_bit = 1, by_receipt_bit = 2;  // of a claim

void put_hash(writer& w, const keyed_hash& h) { w.raw({reinterpret_cast<const char*>(h.data()), h.size()}); }

keyed_hash get_hash(reader& r) {
  keyed_hash h{};
  auto raw = r.raw(h.size());
  if (raw.size() == h.size()) std::memcpy(h.data(), raw.data(), raw.size());
  return h;
}

std::int64_t get_window(reader& r) {
  auto ms = r.u64();
  if (ms > static_cast<std::uint64_t>(limits::retry_window_ms_max)) r.fail();
  return static_cast<std::int64_t>(ms);
}

}  // namespace

void put(writer& w, const open_partition& v) { w.bytes(v.wrapped_data_key); }
void put(writer& w, const conceal_secret& v) {
  w.id(v.id).id(v.receipt).u8(static_cast<std::uint8_t>(v.kind)).u32(v.lifespan_s).flag(v.has_passphrase);
  w.u32(v.data_key_version).bytes(v.recipients).bytes(v.sealed).bytes(v.sealed_link);
  w.bytes(v.sealed_receipt).bytes(v.sealed_generated).u64(v.partition_bytes_max);
}
void put(writer& w, const preview_secret& v) { w.id(v.id); }
void put(writer& w, const reserve_attempt& v) { w.id(v.id); }
void put(writer& w, const clear_attempts& v) { w.id(v.id); }
void put(writer& w, const note_lockout& v) { w.id(v.id); }
void put(writer& w, const claim_secret& v) {
  w.id(v.id).u8(static_cast<std::uint8_t>((v.passphrase_right ? right_bit : 0) | (v.by_receipt ? by_receipt_bit : 0)));
  w.maybe(v.retry, put_hash).u64(static_cast<std::uint64_t>(v.retry_window_ms));
}
void put(writer& w, const confirm_reveal& v) {
  w.id(v.id);
  put_hash(w, v.retry);
}
void put(writer& w, const burn_secret& v) { w.id(v.id).flag(v.passphrase_right); }
void put(writer& w, const preview_receipt& v) { w.id(v.id); }
void put(writer& w, const set_memo& v) { w.id(v.id).bytes(v.memo); }
void put(writer& w, const confirm_pat_reveal& v) {
  w.id(v.id);
  put_hash(w, v.retry);
}
void put(writer& w, const sweep& v) {
  w.u32(static_cast<std::uint32_t>(v.dues.size()));
  for (const auto& d : v.dues) w.time(d.at).u8(static_cast<std::uint8_t>(d.kind)).id(d.id);
}

void get(reader& r, open_partition& v) { v.wrapped_data_key = r.text(limits::record_bytes_max); }
void get(reader& r, conceal_secret& v) {
  v.id = r.id_as<secret_id>();
  v.receipt = r.id_as<receipt_id>();
  auto kind = r.u8();
  if (kind < 1 || kind > 2) r.fail();
  v.kind = static_cast<secret_kind>(kind);
  v.lifespan_s = r.u32();
  if (v.lifespan_s < limits::secret_ttl_s_min || v.lifespan_s > limits::secret_ttl_s_max) r.fail();
  v.has_passphrase = r.flag();
  v.data_key_version = r.u32();
  v.recipients = r.text(limits::recipients_bytes_max);
  v.sealed = r.text(limits::sealed_bytes_max);
  v.sealed_link = r.text(limits::record_bytes_max);
  v.sealed_receipt = r.text(limits::record_bytes_max);
  v.sealed_generated = r.text(limits::record_bytes_max);
  v.partition_bytes_max = r.u64();
}
void get(reader& r, preview_secret& v) { v.id = r.id_as<secret_id>(); }
void get(reader& r, reserve_attempt& v) { v.id = r.id_as<secret_id>(); }
void get(reader& r, clear_attempts& v) { v.id = r.id_as<secret_id>(); }
void get(reader& r, note_lockout& v) { v.id = r.id_as<secret_id>(); }
void get(reader& r, claim_secret& v) {
  v.id = r.id_as<secret_id>();
  const auto said = r.u8();
  if ((said & ~(right_bit | by_receipt_bit)) != 0) r.fail();
  v.passphrase_right = (said & right_bit) != 0;
  v.by_receipt = (said & by_receipt_bit) != 0;
  v.retry = r.maybe(get_hash);
  v.retry_window_ms = get_window(r);
}
void get(reader& r, confirm_reveal& v) {
  v.id = r.id_as<secret_id>();
  v.retry = get_hash(r);
}
void get(reader& r, burn_secret& v) {
  v.id = r.id_as<receipt_id>();
  v.passphrase_right = r.flag();
}
void get(reader& r, preview_receipt& v) { v.id = r.id_as<receipt_id>(); }
void get(reader& r, set_memo& v) {
  v.id = r.id_as<receipt_id>();
  v.memo = r.text(4 * limits::memo_chars_max);
}
void get(reader& r, confirm_pat_reveal& v) {
  v.id = r.id_as<pat_id>();
  v.retry = get_hash(r);
}
void get(reader& r, sweep& v) {
  auto count = r.u32();
  if (count > limits::dues_per_command_max) r.fail();
  for (std::uint32_t i = 0; r.ok() && i < count; ++i) {
    due d;
    d.at = r.time();
    auto kind = r.u8();
    if (kind < 1 || kind > due_kinds) r.fail();
    d.kind = static_cast<due_kind>(kind);
    d.id = r.id();
    v.dues.push_back(d);
  }
}

}  // namespace nacre::model

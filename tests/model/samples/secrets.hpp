#pragma once
// One-time secrets, their receipts, claims and attempts.

#include "model/commands.hpp"
#include "model/limits.hpp"
#include "model/records.hpp"
#include "tests/model/samples/any.hpp"

namespace nacre::model::testing {

inline secret_kind any_kind(random_source& r) { return static_cast<secret_kind>(1 + r.below(2)); }

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
  if (r.one_in(2)) v.revealed_by = r.id_as<request_id>();
}
inline void fill(random_source& r, claim_record& v) {
  v.key = r.array<32>();
  v.until = r.time();
  v.confirmed = r.one_in(2);
  fill(r, v.secret);
  v.forgotten = r.time();
}
inline void fill(random_source& r, attempts_record& v) {
  v.secret = {r.u32(), r.time(), maybe_time(r)};
  v.clients.resize(r.one_in(20) ? limits::attempt_clients_max : r.below(6));
  for (auto& c : v.clients) c = {text(r), {r.u32(), r.time(), maybe_time(r)}};
  v.lifetime = r.u32();
}

inline void fill(random_source& r, conceal_secret& v) {
  v = {r.id_as<secret_id>(), r.id_as<receipt_id>(), any_kind(r),   any_lifespan(r), r.one_in(2), r.u32(), text(r),
       text(r, 4000),        text(r, 2000),         text(r, 2000), text(r, 2000),   r.any()};
}
inline void fill(random_source& r, preview_secret& v) { v = {r.id_as<secret_id>()}; }
inline void fill(random_source& r, reserve_attempt& v) { v = {r.id_as<secret_id>()}; }
inline void fill(random_source& r, clear_attempts& v) { v = {r.id_as<secret_id>()}; }
inline void fill(random_source& r, note_lockout& v) { v = {r.id_as<secret_id>()}; }
inline void fill(random_source& r, claim_secret& v) {
  v = {r.id_as<secret_id>(), r.one_in(2), maybe_hash(r), any_window(r), r.one_in(2)};
}
inline void fill(random_source& r, confirm_reveal& v) { v = {r.id_as<secret_id>(), r.array<32>()}; }
inline void fill(random_source& r, burn_secret& v) { v = {r.id_as<receipt_id>(), r.one_in(2)}; }
inline void fill(random_source& r, preview_receipt& v) { v = {r.id_as<receipt_id>()}; }
inline void fill(random_source& r, set_memo& v) { v = {r.id_as<receipt_id>(), text(r, 4 * limits::memo_chars_max)}; }

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
inline receipt_record sample_revealed_receipt() {
  auto v = sample_plain_receipt();
  v.end = receipt_end::revealed;
  v.ended = v.updated = after(sample_time, 20);
  v.revealed_by = request_id{sample_id(0x18)};
  return v;
}
inline claim_record sample_claim() {
  return {sample_hash(0x80), after(sample_time, 14), true, sample_secret(), after(sample_time, 15)};
}
inline attempts_record sample_attempts() {
  return {
      {6, sample_time, std::nullopt},
      {{"192.0.2.0/24", {5, sample_time, after(sample_time, 17)}}, {"2001:db8::/56", {1, sample_time, std::nullopt}}},
      7};
}

inline named_operations sample_secret_operations() {
  auto secret = secret_id{sample_id(0x16)};
  auto receipt = receipt_id{sample_id(0x14)};
  return {
      {"conceal_secret", conceal_secret{secret, receipt, secret_kind::generate, 604'800, true, 2, "bo*****@e*****.org",
                                        "sealed", "link", "receipt", "generated", 1'000'000}},
      {"preview_secret", preview_secret{secret}},
      {"reserve_attempt", reserve_attempt{secret}},
      {"clear_attempts", clear_attempts{secret}},
      {"note_lockout", note_lockout{secret}},
      {"claim_secret", claim_secret{secret, true, sample_hash(4), 60'000}},
      {"claim_secret_for_good", claim_secret{secret, false, std::nullopt, 0}},
      {"claim_secret_by_receipt", claim_secret{secret, true, std::nullopt, 0, true}},
      {"confirm_reveal", confirm_reveal{secret, sample_hash(4)}},
      {"burn_secret", burn_secret{receipt, true}},
      {"preview_receipt", preview_receipt{receipt}},
      {"set_memo", set_memo{receipt, "for Bob"}},
  };
}

}  // namespace nacre::model::testing

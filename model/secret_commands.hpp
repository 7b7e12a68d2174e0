#pragma once
// What can be done to one-time secrets (part of the `operation` variant in commands.hpp).
//
// Who may do these is decided by the link: whoever's request carries it has been given an id that
// nobody can guess. Whether a passphrase was right is found out by whoever holds it, before the
// command is proposed, and stated in it.

#include <optional>
#include <string>
#include <vector>

#include "model/secret_records.hpp"
#include "model/wire.hpp"

namespace nacre::model {

// Gives a guest partition its data key; a second time changes nothing.
struct open_partition {
  std::string wrapped_data_key;  // version 1
  friend bool operator==(const open_partition&, const open_partition&) = default;
};
struct conceal_secret {
  secret_id id;
  receipt_id receipt;  // the same 16 bytes as `id`; others made before format 4, which may still lie in a log
  secret_kind kind = secret_kind::conceal;
  std::uint32_t lifespan_s = 0;
  bool has_passphrase = false;
  std::uint32_t data_key_version = 1;
  std::string recipients;                 // masked
  std::string sealed;                     // the secret, under its link
  std::string sealed_link;                // the secret's link, under the receipt's; empty since format 4
  std::string sealed_receipt;             // the receipt's link, under the workspace's data key; empty: not kept
  std::string sealed_generated;           // a generated value, under the receipt's link; empty: not kept
  std::uint64_t partition_bytes_max = 0;  // of a guest partition; 0: no bound
  friend bool operator==(const conceal_secret&, const conceal_secret&) = default;
};
struct preview_secret {
  secret_id id;
  friend bool operator==(const preview_secret&, const preview_secret&) = default;
};
// Takes one of the attempts a passphrase is allowed, before it is tried.
struct reserve_attempt {
  secret_id id;
  friend bool operator==(const reserve_attempt&, const reserve_attempt&) = default;
};
// The passphrase was right: what was counted is forgotten.
struct clear_attempts {
  secret_id id;
  friend bool operator==(const clear_attempts&, const clear_attempts&) = default;
};
// The last attempt allowed was wrong: goes on record.
struct note_lockout {
  secret_id id;
  friend bool operator==(const note_lockout&, const note_lockout&) = default;
};
struct claim_secret {
  secret_id id;
  bool passphrase_right = false;
  std::optional<keyed_hash> retry = std::nullopt;  // who brings this key again may have it again
  std::int64_t retry_window_ms = 0;
  // The receipt has the secret's name, so that it can tell the request it was revealed to when that asks again. Not so:
  // the request is remembered, as every claim was before format 5.
  bool by_receipt = false;
  friend bool operator==(const claim_secret&, const claim_secret&) = default;
};
struct confirm_reveal {
  secret_id id;
  keyed_hash retry{};
  friend bool operator==(const confirm_reveal&, const confirm_reveal&) = default;
};
struct burn_secret {
  receipt_id id;
  bool passphrase_right = false;
  friend bool operator==(const burn_secret&, const burn_secret&) = default;
};
// The receipt was read; hands out a generated value once.
struct preview_receipt {
  receipt_id id;
  friend bool operator==(const preview_receipt&, const preview_receipt&) = default;
};
struct set_memo {
  receipt_id id;
  std::string memo;
  friend bool operator==(const set_memo&, const set_memo&) = default;
};
// The reader has the revealed PAT: it cannot be fetched again.
struct confirm_pat_reveal {
  pat_id id;
  keyed_hash retry{};
  friend bool operator==(const confirm_pat_reveal&, const confirm_pat_reveal&) = default;
};

// Something whose time has come. The row that says so is in space::index, ordered by time, so that what
// is due in any workspace is found without looking into each.
enum class due_kind : std::uint8_t {
  secret = 1,        // expires
  receipt = 2,       // is forgotten
  claim = 3,         // of a secret: cannot be fetched again
  pat_claim = 4,     // of a PAT: the same
  generated = 5,     // a generated value is no longer shown with its receipt
  pat_expiring = 6,  // who listens is told that a PAT will expire
  ask = 7,           // expires, cannot be fetched again, or is forgotten
};
inline constexpr std::uint8_t due_kinds = 7;
struct due {
  timestamp at;
  due_kind kind = due_kind::secret;
  uuid id;
  friend bool operator==(const due&, const due&) = default;
};
struct sweep {
  std::vector<due> dues;
  friend bool operator==(const sweep&, const sweep&) = default;
};

void put(writer& w, const open_partition& v);
void put(writer& w, const conceal_secret& v);
void put(writer& w, const preview_secret& v);
void put(writer& w, const reserve_attempt& v);
void put(writer& w, const clear_attempts& v);
void put(writer& w, const note_lockout& v);
void put(writer& w, const claim_secret& v);
void put(writer& w, const confirm_reveal& v);
void put(writer& w, const burn_secret& v);
void put(writer& w, const preview_receipt& v);
void put(writer& w, const set_memo& v);
void put(writer& w, const confirm_pat_reveal& v);
void put(writer& w, const sweep& v);
void get(reader& r, open_partition& v);
void get(reader& r, conceal_secret& v);
void get(reader& r, preview_secret& v);
void get(reader& r, reserve_attempt& v);
void get(reader& r, clear_attempts& v);
void get(reader& r, note_lockout& v);
void get(reader& r, claim_secret& v);
void get(reader& r, confirm_reveal& v);
void get(reader& r, burn_secret& v);
void get(reader& r, preview_receipt& v);
void get(reader& r, set_memo& v);
void get(reader& r, confirm_pat_reveal& v);
void get(reader& r, sweep& v);

}  // namespace nacre::model

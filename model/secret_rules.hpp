#pragma once
// What the rules of one-time secrets share among themselves: how a secret, its receipt and its claim lie in rows, how
// they end, and what was tried of a passphrase. Only secrets.cpp, secret_rows.cpp, secret_attempts.cpp and sweep.cpp
// include this.

#include <optional>
#include <string_view>

#include "model/outcomes.hpp"
#include "model/secret_records.hpp"
#include "model/secrets.hpp"

namespace nacre::model {

inline outcome unknown_secret() { return refuse(errc::not_found, "Unknown secret"); }

// ---- rows, and their end (secret_rows.cpp) ---------------------------------------------------------

// Two names for the same bytes: so the receipt is found in the secret's row, and needs none to find it. Those made
// before format 4 have names of their own, and rows.
inline secret_id namesake(receipt_id id) { return secret_id{id.value()}; }

std::optional<held_secret> load_secret(const view& v, workspace_id ws, secret_id id);

struct found_receipt {
  receipt_record record;
  std::optional<held_secret> held;  // its secret, while its row is there
};
std::optional<found_receipt> look_up_receipt(const view& v, workspace_id ws, receipt_id id);
std::optional<receipt_record> load_receipt(const view& v, workspace_id ws, receipt_id id);
// `held` is its secret's row, if that is there: an open receipt lies in it.
void save_receipt(state& st, workspace_id ws, receipt_id id, found_receipt& r, timestamp updated);

// The secret's row goes, with what was sealed for its receipt to tell; the receipt says how it ended, and has a row of
// its own from now on. On record, and told to the workspace's webhooks; guests have none.
void end_secret(state& st, const context& ctx, secret_id id, const held_secret& held, receipt_end how, timestamp when,
                std::string_view reason = {}, std::optional<request_id> revealed_by = {});
// Nobody can fetch it any more.
void close_claim(state& st, workspace_id ws, secret_id id, claim_record& claim);

// ---- passphrases (secret_attempts.cpp) -------------------------------------------------------------

// What was counted, after the right one; how many there have ever been stays.
void forget_attempts(state& st, workspace_id ws, secret_id id);

}  // namespace nacre::model

#pragma once
// The rules of one-time secrets: one command decides, counts and records, so a secret is shown to one
// reader whatever number of them race. Called by apply() for the operations of secret_commands.hpp.
//
// Errors: not_found for whatever cannot be viewed, without a difference; rate_limited while passphrases
// are locked out; full when a guest partition holds all it may.
// Source: contracts/onetimesecret.md sections 5 and 7, DESIGN section 6.

#include <optional>
#include <string>
#include <vector>

#include "model/apply.hpp"
#include "model/secret_commands.hpp"

namespace nacre::model {

outcome apply_to(state& st, const context& ctx, const open_partition& op);
outcome apply_to(state& st, const context& ctx, const conceal_secret& op);
outcome apply_to(state& st, const context& ctx, const preview_secret& op);
outcome apply_to(state& st, const context& ctx, const reserve_attempt& op);
outcome apply_to(state& st, const context& ctx, const clear_attempts& op);
outcome apply_to(state& st, const context& ctx, const note_lockout& op);
outcome apply_to(state& st, const context& ctx, const claim_secret& op);
outcome apply_to(state& st, const context& ctx, const confirm_reveal& op);
outcome apply_to(state& st, const context& ctx, const burn_secret& op);
outcome apply_to(state& st, const context& ctx, const preview_receipt& op);
outcome apply_to(state& st, const context& ctx, const set_memo& op);
outcome apply_to(state& st, const context& ctx, const sweep& op);

// Those that answer to no membership: the link is the credential.
bool goes_by_link(const operation& op);
// Whether it is this very request that made the secret: it names both ids, and its stamp is the receipt's.
bool is_concealed(const view& v, const context& ctx, const conceal_secret& op);
// Whether it is this very request that the secret was revealed to, as its receipt tells of claims by_receipt. That
// hangs on request ids: servers draw them, and take none from a client.
bool is_claimed(const view& v, const context& ctx, const claim_secret& op);
// Of a guest partition never.
bool is_deleted(const view& v, workspace_id ws);
// An audit entry about what a link leads to, by its short id. Of guests only the last entries are kept, or strangers
// could fill the disk with them; the tree's edge goes on. `changed`: a guest partition's row that changes with it.
void put_on_record(state& st, const context& ctx, std::string_view action, const uuid& id, std::string_view reason = {},
                   std::optional<partition_record> changed = {});
// The row of space::index that says when something's time has come (sweep).
void put_due(state& st, workspace_id ws, timestamp at, due_kind kind, const uuid& id);

// The next reminder that a PAT expires (limits::expiry_reminder_days before) becomes due.
void put_expiry_reminder(state& st, workspace_id ws, pat_id id, const pat_record& pat, timestamp later_than);

// ---- questions -------------------------------------------------------------------------------------

// Where a secret or a receipt of this id would be; for an unknown secret some partition, so that
// looking for what is not there takes the same reads.
workspace_id where_is(const view& v, secret_id id);
workspace_id where_is(const view& v, receipt_id id);

// Exists, has not expired, and its workspace is there.
std::optional<secret_record> find_secret(const view& v, workspace_id ws, secret_id id, timestamp now);
std::optional<held_secret> find_held(const view& v, workspace_id ws, secret_id id, timestamp now);
// A reveal that this key may still fetch again.
std::optional<secret_record> find_claim(const view& v, workspace_id ws, secret_id id, const keyed_hash& key,
                                        timestamp now);
// The text of the refusal is the contract's.
std::optional<outcome> locked_out(const view& v, const context& ctx, secret_id id);

result<receipt_entry> find_receipt(const view& v, workspace_id ws, receipt_id id, timestamp now);
// Of the caller, of the last limits::recent_receipts_ms, last changed first.
result<std::vector<receipt_entry>> recent_receipts(const view& v, const context& ctx);

struct due_in {
  workspace_id workspace;
  due what;
};
// The rows of space::index that are due, oldest first, until `visit` answers false.
void each_due(const view& v, timestamp since, timestamp now, const std::function<bool(const due_in&)>& visit);

// "1a2b3c4d": what logs, audit and webhooks call a secret.
std::string shortid(const uuid& id);

}  // namespace nacre::model

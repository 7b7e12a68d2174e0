#pragma once
// What a command does: state + command -> outcome, on every replica the same.
//
// A refused command has changed nothing, with one exception that the contract asks for: a reveal that
// is denied after its budget was taken has spent it and is on record. A command whose request id is
// remembered acts no second time; it answers as it did, with what is stored now.
// If the state is not trustworthy() afterwards, the outcome must be thrown away with all writes.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "model/commands.hpp"
#include "model/error.hpp"
#include "model/limits.hpp"
#include "model/records.hpp"
#include "model/secret_records.hpp"
#include "model/view.hpp"

namespace nacre::model {

struct workspace_entry {
  workspace_id id;
  workspace_record record;
  model::role role = model::role::member;  // of the caller
};
struct member_entry {
  user_id id;
  member_record record;
};
struct service_user_entry {
  user_id id;
  service_user_record record;
};
struct project_entry {
  project_id id;
  workspace_id workspace;
  project_record record;
};
struct pat_entry {
  pat_id id;
  workspace_id workspace;
  pat_record record;
  std::string workspace_name;  // filled for a created PAT
};
struct webhook_entry {
  webhook_id id;
  webhook_record record;
  webhook_progress progress;
};
// The ciphertext a granted reveal may open; the record says under which data key.
struct revealed {
  pat_entry pat;
  std::string sealed;
};

// A token made in place of another. The salt is that of the rotation that made it: this one, or, when a
// caller came again with their key, the one before.
struct rotated {
  pat_entry pat;
  std::array<std::uint8_t, 16> salt{};
};

struct secret_entry {
  secret_id id;
  workspace_id workspace;
  secret_record record;  // as it was before the command
};
// An attempt at a passphrase was granted; `last`: if it is wrong, the secret is locked.
struct attempt_granted {
  bool last = false;
};
enum class receipt_state : std::uint8_t { fresh, previewed, revealed, burned, expired, orphaned };
struct receipt_entry {
  receipt_id id;
  workspace_id workspace;
  receipt_record record;
  receipt_state state = receipt_state::fresh;
  std::optional<secret_record> secret;                        // while it can be viewed
  std::string sealed_link, sealed_receipt, sealed_generated;  // empty where there is none
};

struct ask_entry {
  ask_id id;
  workspace_id workspace;
  ask_record record;
};

// How a sliding budget stands after the command.
struct budget_state {
  std::string_view name;  // "reveal" or "reveal-user": the one nearest to its end
  std::uint32_t limit = 0, remaining = 0;
  std::int64_t reset_ms = 0;                          // until one more is available
  std::int64_t window_ms = limits::reveal_window_ms;  // in which `limit` may be had
};

using reply = std::variant<std::monostate, workspace_entry, member_entry, service_user_entry, project_entry, pat_entry,
                           revealed, secret_entry, attempt_granted, receipt_entry, webhook_entry, rotated, ask_entry>;

struct outcome {
  std::optional<error> refused;
  reply what;
  std::optional<budget_state> budget;
  bool replayed = false;  // the request id had acted before
};

outcome apply(state& st, const command& c);

// The refusals that need no place in the order: scope, membership, a spent budget. Nothing if the
// command should be proposed; apply() decides again.
std::optional<outcome> refused_early(const view& v, const command& c);

}  // namespace nacre::model

#pragma once
// Everything that can change state, as one closed variant. A command carries all it needs (time,
// ids, sealed bytes, budgets): applying it twice on equal states gives equal outcomes.
//
// Encodings are bounded by limits::command_bytes_max and versioned; decode refuses anything that
// encode would not have written.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "model/asks.hpp"
#include "model/ids.hpp"
#include "model/limits.hpp"
#include "model/records.hpp"
#include "model/secret_commands.hpp"
#include "model/time.hpp"
#include "model/webhook_records.hpp"

namespace nacre::model {

// Who asks, as authenticated at the edge; whether they may is decided against the state.
struct caller {
  enum class kind : std::uint8_t { jwt = 1, pat = 2, system = 3, guest = 4 };
  kind via = kind::jwt;
  user_id user;
  pat_id pat;            // via pat: the credential
  scope_set scopes = 0;  // via pat: implied() scopes
  std::string issuer;    // via jwt
  std::string subject;   // via jwt
  friend bool operator==(const caller&, const caller&) = default;
};

struct context {
  request_id request;
  workspace_id workspace;
  timestamp now;  // stamped once by the node that took the request
  caller who;
  std::string client_prefix;  // v4 /24 or v6 /56, for the audit entry
  std::string node;           // name of the node that took the request
  friend bool operator==(const context&, const context&) = default;
};

struct create_workspace {
  std::string name, email;
  std::string wrapped_data_key;  // version 1
  friend bool operator==(const create_workspace&, const create_workspace&) = default;
};
// First use of a token whose issuer is trusted to name workspace and role: makes what is missing,
// changes nothing that is there.
struct admit_member {
  std::string workspace_name, email;
  model::role role = model::role::member;
  std::string wrapped_data_key;
  friend bool operator==(const admit_member&, const admit_member&) = default;
};
struct rename_workspace {
  std::string name;
  friend bool operator==(const rename_workspace&, const rename_workspace&) = default;
};
struct delete_workspace {
  friend bool operator==(const delete_workspace&, const delete_workspace&) = default;
};
struct put_member {
  user_id user;
  model::role role = model::role::member;
  std::optional<std::string> email;
  friend bool operator==(const put_member&, const put_member&) = default;
};
struct remove_member {
  user_id user;
  friend bool operator==(const remove_member&, const remove_member&) = default;
};
struct create_service_user {
  user_id id;
  std::string name, email = {};
  account_type type = account_type::member;
  std::uint32_t root_role = 0;
  friend bool operator==(const create_service_user&, const create_service_user&) = default;
};
struct create_project {
  project_id id;
  std::string name, key, version;
  friend bool operator==(const create_project&, const create_project&) = default;
};
// A token of any family. Only one of the Alephant family is sealed, so that it can be revealed.
struct create_pat {
  pat_id id;
  std::optional<user_id> owner;  // a service user of the workspace; nothing: the caller
  token_family family = token_family::alephant;
  std::string name, prefix;
  scope_set scopes = scope_read;
  std::vector<permission> permissions;
  bool all_projects = true;
  std::vector<project_id> projects;
  std::optional<timestamp> expires;
  restrictions only;
  std::uint32_t per_owner_max = limits::family_tokens_per_owner_max;  // of this family; not asked of Alephant's
  std::array<std::uint8_t, 32> lookup{};
  std::uint32_t pepper_version = 1, data_key_version = 1;  // 0: not sealed
  std::string sealed;
  friend bool operator==(const create_pat&, const create_pat&) = default;
};
// A hash-only PAT issued elsewhere: authenticates, can never be revealed.
struct import_pat {
  pat_id id;
  user_id owner;
  std::string name, prefix;
  scope_set scopes = scope_read;
  timestamp created;
  std::optional<timestamp> expires;
  std::array<std::uint8_t, 32> lookup{};
  std::uint32_t pepper_version = 1;
  std::string wrapped_data_key;  // used only if the workspace does not exist yet (offline import)
  friend bool operator==(const import_pat&, const import_pat&) = default;
};
struct change_pat {
  pat_id id;
  std::optional<std::string> name;
  bool set_expires = false;
  std::optional<timestamp> expires;  // with set_expires: nothing clears
  std::optional<restrictions> only = {};
  friend bool operator==(const change_pat&, const change_pat&) = default;
};
struct revoke_pat {
  pat_id id;
  friend bool operator==(const revoke_pat&, const revoke_pat&) = default;
};
struct reveal_pat {
  pat_id id;
  bool limited = true;  // false only where budgets are switched off (load tests)
  std::uint32_t per_pat = 10, per_user = 60;
  std::optional<keyed_hash> retry = {};  // the same caller with this key gets the same answer again, at no cost
  std::int64_t retry_window_ms = 0;
  friend bool operator==(const reveal_pat&, const reveal_pat&) = default;
};
// What was noted on the side of requests, gathered so that no request pays a write for it.
struct note_activity {
  struct use {
    pat_id pat;
    timestamp at;
    friend bool operator==(const use&, const use&) = default;
  };
  struct act {
    std::string action, object, reason;
    std::uint32_t count = 1;
    friend bool operator==(const act&, const act&) = default;
  };
  std::vector<use> uses;
  std::vector<act> acts;
  std::vector<pat_id> reused = {};  // somebody came with a token that a rotation had ended
  friend bool operator==(const note_activity&, const note_activity&) = default;
};

// The secret is made and sealed by the actor: as version 1 for a new webhook, as one more than the record's when it is
// changed.
struct create_webhook {
  webhook_id id;
  std::string url;
  event_set events = 0;
  std::uint32_t data_key_version = 1;
  std::string sealed;
  friend bool operator==(const create_webhook&, const create_webhook&) = default;
};
struct change_webhook {
  webhook_id id;
  std::optional<std::string> url;
  std::optional<event_set> events;
  std::optional<bool> enabled;
  struct new_secret {
    std::uint32_t version = 2, data_key_version = 1;
    std::string sealed;
    friend bool operator==(const new_secret&, const new_secret&) = default;
  };
  std::optional<new_secret> secret;
  friend bool operator==(const change_webhook&, const change_webhook&) = default;
};
struct delete_webhook {
  webhook_id id;
  friend bool operator==(const delete_webhook&, const delete_webhook&) = default;
};
// Queues an event that says nothing, so that a receiver can be tried.
struct ping_webhook {
  webhook_id id;
  friend bool operator==(const ping_webhook&, const ping_webhook&) = default;
};
// What became of attempts to deliver, of nacre itself. An item whose delivery is not there (any more) at
// that time and place is passed over.
struct settle_deliveries {
  enum class fate : std::uint8_t {
    delivered = 1,
    retry,     // failed; `next` is when to try again
    given_up,  // failed for the last time
    gone,      // the receiver answered 410: the webhook is switched off
  };
  struct item {
    webhook_id hook;
    timestamp due;
    std::uint64_t seq = 0;
    settle_deliveries::fate fate = fate::delivered;
    timestamp next;
    std::uint16_t status = 0;  // HTTP; 0: not answered
    friend bool operator==(const item&, const item&) = default;
  };
  std::vector<item> items;
  friend bool operator==(const settle_deliveries&, const settle_deliveries&) = default;
};

// A new token in place of the one there is; everything else of the PAT stays. The old one is good for
// `overlap_ms` more, or until the new one is first used. With `retry` the same caller may fetch the new one
// again for a while: it is made of the key they hold and of `salt`.
struct rotate_pat {
  pat_id id;
  std::string prefix;
  std::array<std::uint8_t, 32> lookup{};
  std::uint32_t pepper_version = 1, data_key_version = 1;  // 0: not sealed
  std::string sealed;
  std::int64_t overlap_ms = 0;
  bool until_first_use = false;
  bool set_expires = false;
  std::optional<timestamp> expires;  // with set_expires: nothing clears
  std::optional<keyed_hash> retry;
  std::array<std::uint8_t, 16> salt{};
  std::int64_t retry_window_ms = 0;
  friend bool operator==(const rotate_pat&, const rotate_pat&) = default;
};
// Of nacre itself: the new token has been used, so the one before ends now if that was asked for.
struct retire_previous {
  pat_id id;
  std::array<std::uint8_t, 32> lookup{};  // of the one that ends
  friend bool operator==(const retire_previous&, const retire_previous&) = default;
};
// Of nacre itself: one of the uses of a PAT that has so many. Refused when none is left.
struct count_use {
  pat_id id;
  friend bool operator==(const count_use&, const count_use&) = default;
};
struct change_service_user {
  user_id id;
  std::optional<std::string> name;
  std::optional<std::uint32_t> root_role;
  friend bool operator==(const change_service_user&, const change_service_user&) = default;
};
struct delete_service_user {
  user_id id;
  friend bool operator==(const delete_service_user&, const delete_service_user&) = default;
};

using operation =
    std::variant<create_workspace, admit_member, rename_workspace, delete_workspace, put_member, remove_member,
                 create_service_user, create_project, create_pat, import_pat, change_pat, revoke_pat, reveal_pat,
                 note_activity, open_partition, conceal_secret, preview_secret, reserve_attempt, clear_attempts,
                 note_lockout, claim_secret, confirm_reveal, burn_secret, preview_receipt, set_memo, confirm_pat_reveal,
                 sweep, create_webhook, change_webhook, delete_webhook, ping_webhook, settle_deliveries, rotate_pat,
                 retire_previous, count_use, change_service_user, delete_service_user, open_ask, answer_ask,
                 pick_up_ask, confirm_ask, cancel_ask>;

struct command {
  context ctx;
  operation what;
  friend bool operator==(const command&, const command&) = default;
};

std::string encode(const command& c);
std::optional<command> decode_command(std::string_view bytes);
// The audit action and metric label: "pat.create", "pat.reveal" ...
std::string_view action_of(const operation& op);

}  // namespace nacre::model

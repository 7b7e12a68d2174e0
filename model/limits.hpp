#pragma once
// Every limit that is not configuration, in one place. The unit ends the name. Relations between
// limits are checked where they are stated.

#include <cstddef>
#include <cstdint>

namespace nacre::limits {

// Wire: contracts/alephant-pats.md section 4, SECURITY-DESIGN sections 1 and 8.
// A one-time secret of the usual 10,000 bytes fits in a query, each byte as %XX (onetimesecret.md part B).
inline constexpr std::size_t request_line_bytes_max = 32 * 1024;
inline constexpr std::size_t header_bytes_max = 40 * 1024;  // request line and all fields
inline constexpr std::size_t header_count_max = 100;
inline constexpr std::size_t body_bytes_max = 32 * 1024;
// Larger ones, where a path takes them: in memory at once, of all connections; what it may be set to, and is.
inline constexpr std::size_t large_bodies_bytes_min = 8 * 1024 * 1024;
inline constexpr std::size_t large_bodies_bytes_default = 64 * 1024 * 1024;
inline constexpr std::size_t json_depth_max = 16;
inline constexpr std::size_t bearer_bytes_max = 8 * 1024;
inline constexpr std::size_t pipelined_bytes_max = 64 * 1024;  // unread input kept per connection
inline constexpr std::size_t output_bytes_max =
    128 * 1024;  // unsent output beyond which no more is answered, per connection
// After its last answer a connection reads on (and throws away), so that a reset does not overtake the answer.
inline constexpr std::int64_t linger_ms = 1'000;
inline constexpr std::size_t linger_bytes_max = 1024 * 1024;
inline constexpr std::int64_t http_tick_ms = 100;         // how exactly http deadlines are kept
inline constexpr std::size_t http_spare_files_min = 512;  // descriptors above the connection cap

// Forms: what one request may send beside its values, which the body's own limit bounds.
inline constexpr std::size_t form_fields_max = 64;
inline constexpr std::size_t form_name_bytes_max = 128;          // decoded
inline constexpr std::size_t form_part_header_bytes_max = 2048;  // of one part of a multipart body
inline constexpr std::size_t form_boundary_bytes_max = 70;       // RFC 2046 section 5.1.1
inline constexpr std::size_t basic_bytes_max = 2048;             // base64 of a Basic credential

// Names: Unicode code points; every name is also at most four times as many bytes.
inline constexpr std::size_t name_chars_max = 100;
inline constexpr std::size_t project_key_chars_max = 64;
inline constexpr std::size_t version_chars_max = 20;
inline constexpr std::size_t token_prefix_chars_max = 32;  // of imported tokens; ours have 12
inline constexpr std::size_t email_bytes_max = 254;        // RFC 5321 path limit
inline constexpr std::size_t subject_bytes_max = 255;
inline constexpr std::size_t jwt_scope_bytes_max = 4'096;  // the claim `scope`, where it is looked at
inline constexpr std::size_t issuer_bytes_max = 255;

// Workspaces.
inline constexpr std::size_t members_per_workspace_max = 10'000;
inline constexpr std::size_t pats_per_user_max = 10'000;
inline constexpr std::size_t projects_per_workspace_max = 10'000;
inline constexpr std::size_t service_users_per_workspace_max = 10'000;

// Tokens of any family.
inline constexpr std::size_t token_name_bytes_max = body_bytes_max;  // an Unleash description has no bound of its own
inline constexpr std::size_t networks_per_token_max = 32;
inline constexpr std::size_t projects_per_token_max = 1'000;
inline constexpr std::uint32_t family_tokens_per_owner_max =
    100;  // of one family, Alephant apart; what may be configured
inline constexpr std::uint64_t token_uses_max = 1'000'000'000;
inline constexpr std::int64_t rotation_overlap_s_max = 30 * 86'400;

// Paging: contracts/alephant-pats.md section 4.2.
inline constexpr std::uint32_t page_default = 20;
inline constexpr std::uint32_t page_limit_max = 100;  // ?limit=
inline constexpr std::uint32_t page_size_max = 200;   // ?pageSize=
inline constexpr std::uint32_t page_offset_max = 10'000'000;
inline constexpr std::uint32_t people_page_default = 10;  // GET /api/users: gorules-service-tokens.md section 6
inline constexpr std::uint32_t people_page_max = 500;
inline constexpr std::uint32_t audit_page_default = 100;
inline constexpr std::uint32_t audit_page_max = 1'000;
inline constexpr std::size_t audit_head_bytes_max = 8 * 1024;  // as JSON; some 5 KB were enough for 2^64 entries

// Budgets: a record keeps one stamp per reveal in the window, so the configurable ceiling bounds it.
inline constexpr std::uint32_t reveal_budget_max = 600;  // per user per window
inline constexpr std::int64_t reveal_window_ms = 60'000;

// Request ids are remembered this long; no retry inside the cluster lives longer.
inline constexpr std::int64_t request_memory_ms = 120'000;
inline constexpr std::size_t request_prune_batch = 64;  // forgotten per command that prunes

// What agrees on every change: more of them wait for more.
inline constexpr std::size_t cluster_members_max = 9;
inline constexpr std::int64_t cluster_node_max = 1'000'000'000;  // the largest number of a node
inline constexpr std::uint32_t cluster_groups_max = 64;

// One-time secrets: contracts/onetimesecret.md sections 2, 4 and 7.
inline constexpr std::int64_t secret_ttl_s_min = 60;
inline constexpr std::int64_t secret_ttl_s_default = 604'800;
inline constexpr std::int64_t secret_ttl_s_max = 2'592'000;      // of an account
inline constexpr std::int64_t guest_secret_ttl_s_max = 604'800;  // of a guest
inline constexpr std::int64_t receipt_life_factor = 2;           // a receipt outlives its secret by as much again
inline constexpr std::size_t secret_bytes_default = 10'000;
inline constexpr std::size_t secret_bytes_max = 1024 * 1024;  // what `onetime.secret_bytes_max` may be raised to
inline constexpr std::size_t memo_chars_max = 500;
inline constexpr std::size_t recipients_bytes_max = 4 * 1024;  // masked, joined
inline constexpr std::int64_t generated_shown_ms = 60'000;     // a generated value can be fetched with the receipt
inline constexpr std::int64_t claim_view_age_ms = 200;         // of a view that leads to a secret: docs/adr/0004
inline constexpr std::int64_t retry_window_ms_max = 600'000;   // of a reveal with Idempotency-Key
inline constexpr std::int64_t recent_receipts_ms = 30LL * 86'400'000;
inline constexpr std::size_t recent_receipts_max = 250;          // newest of them
inline constexpr std::uint64_t guest_audit_entries_max = 5'000;  // kept per guest partition; some 110 MB in all
inline constexpr std::size_t answer_bytes_max = 24 * 1024;       // to a request for a secret, as it is sent
// As requests state them (http/families/onetime/input).
inline constexpr std::size_t passphrase_chars_min = 4;
inline constexpr std::size_t passphrase_chars_max = 128;
inline constexpr std::size_t recipients_max = 10;
inline constexpr std::uint64_t guest_ask_bytes = 512;     // what a guest's request counts, with or without an answer
inline constexpr std::uint64_t guest_secret_bytes = 256;  // what a guest's secret counts beside what is sealed
inline constexpr std::size_t identifiers_max = 100;       // asked for in one request
inline constexpr std::size_t identifier_chars_min = 20;   // v1 refuses shorter ones unseen
inline constexpr std::size_t shortid_chars = 8;
inline constexpr std::uint32_t generated_chars_min = 4;
inline constexpr std::uint32_t generated_chars_default = 12;
inline constexpr std::uint32_t generated_chars_max = 128;
// Passphrase attempts: per client prefix, per secret, and over a secret's whole life (then it is burned).
inline constexpr std::uint32_t attempts_per_client_max = 5;
inline constexpr std::uint32_t attempts_per_secret_max = 20;
inline constexpr std::uint32_t attempts_per_life_max = 100;
inline constexpr std::int64_t attempts_window_ms = 600'000;
inline constexpr std::int64_t attempts_lock_ms = 1'800'000;
inline constexpr std::size_t attempt_clients_max = 128;  // remembered per secret
static_assert(attempts_per_life_max < attempt_clients_max, "every client that ever tried must be remembered");
inline constexpr std::size_t dues_per_command_max = 256;  // expiries one sweep handles
// Argon2id for passphrases: SECURITY-DESIGN section 4. A stored cost is obeyed only within these.
inline constexpr std::uint32_t kdf_memory_kib_min = 8;  // the least Argon2 has with one lane
inline constexpr std::uint32_t kdf_memory_kib_max = 256 * 1024;
inline constexpr std::uint32_t kdf_passes_min = 1;
inline constexpr std::uint32_t kdf_passes_max = 16;
inline constexpr std::size_t kdf_queue_jobs_max = 16;         // beyond those that run, whosever they are
inline constexpr std::size_t kdf_jobs_per_workspace_max = 4;  // running ones too
// Webhooks.
inline constexpr std::int64_t expiry_reminder_days[] = {14, 7, 1};  // before a PAT expires, most first
inline constexpr std::size_t webhooks_per_workspace_max = 10;
inline constexpr std::size_t webhook_url_bytes_max = 2'048;
inline constexpr std::size_t webhook_object_bytes_max = 64;  // of the id of what an event is about
// Deliveries waiting for one webhook. When it is full the oldest go, a tenth at once, so that telling them
// apart costs an act next to nothing.
inline constexpr std::uint32_t webhook_waiting_max = 1'000;
inline constexpr std::uint32_t webhook_drop_batch = 100;
inline constexpr std::size_t webhook_settled_per_command_max = 256;
inline constexpr std::int64_t webhook_old_secret_ms = 24 * 3'600'000;  // how long it signs along
inline constexpr std::uint16_t http_status_max = 999;
static_assert(webhook_drop_batch < webhook_waiting_max, "what was queued last must stay");

// Answers that list tokens and are kept (http/kept_lists.hpp): the body of one, path and query of its request.
inline constexpr std::size_t kept_list_bytes_max = 16 * 1024;
inline constexpr std::size_t kept_list_path_bytes_max = 512;

// Bytes.
inline constexpr std::size_t sealed_bytes_max = 1088 * 1024;
inline constexpr std::size_t record_bytes_max = 64 * 1024;
inline constexpr std::size_t command_bytes_max = 1280 * 1024;
static_assert(secret_bytes_max + 4096 < sealed_bytes_max, "a secret and its keys must fit a sealed value");
inline constexpr std::size_t touches_per_command_max = 1'024;
static_assert(sealed_bytes_max < command_bytes_max, "a sealed value must fit one command");
static_assert(answer_bytes_max < body_bytes_max, "an answer must fit a body");
static_assert(body_bytes_max < sealed_bytes_max, "what fits a body must fit a sealed value");
static_assert(body_bytes_max < pipelined_bytes_max, "a whole body must fit the input buffer");

}  // namespace nacre::limits

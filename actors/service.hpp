#pragma once
// What the wire talks to: orders go to their workspace's actor, questions to a current view.
//
// submit(): `reply` is called exactly once, on some thread, and must not block. An order that finds
// its queue full is answered `busy` at once; one that is past its deadline is not begun.
// query(): `done` gets a view that holds everything acknowledged before the call; where the calling thread takes work
// back (home.hpp), it and when_current()'s come there, and are dropped if that thread has ended.
// when_current(), local_view(), local_age(), changes(): the same in parts, as cluster::log says them, for who keeps
// what a view said or may answer from one that is not the newest. note_*(): cheap remarks that are gathered and written
// later, many at a time; they may lag and, when the process is killed, the last ones are lost. Threads: any. No CAF
// type crosses this header.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "cluster/log.hpp"
#include "crypto/keyring.hpp"
#include "crypto/secure_bytes.hpp"
#include "model/apply.hpp"
#include "model/limits.hpp"
#include "model/time.hpp"
#include "model/unique_function.hpp"

namespace nacre::actors {

using cluster::changes;  // for those above, who include nothing of cluster

// What a caller wants, before the actor has added what only it may make: ids, keys, sealed tokens.
struct issue_pat {
  std::string name;
  model::scope_set scopes = model::scope_read;
  std::optional<timestamp> expires;
  model::restrictions only = {};
  model::token_family family = model::token_family::alephant;
  std::optional<user_id> owner = {};  // a service user; nothing: the caller
  std::vector<model::permission> permissions = {};
  bool all_projects = true;
  std::vector<project_id> projects = {};
  std::uint32_t per_owner_max = limits::family_tokens_per_owner_max;
};
// With `retry_key` the same caller gets the same new token again within settings.retry_window.
struct renew_pat {
  pat_id id;
  std::int64_t overlap_ms = 0;   // how long the old token stays good
  bool until_first_use = false;  // or until the new one is used, if that comes earlier
  bool set_expires = false;
  std::optional<timestamp> expires = {};
  std::optional<std::string> retry_key = {};
};
struct found_workspace {  // ctx.workspace names the new one
  std::string name, email;
};
struct admit_claimed {  // first use of a trusted token's workspace and role
  std::string workspace_name, email;
  model::role role = model::role::member;
};
struct issue_webhook {
  std::string url;
  model::event_set events = 0;
};
struct edit_webhook {
  model::change_webhook what;  // without a secret
  bool new_secret = false;     // made and sealed by the actor
};

// One-time secrets. A link is the 43 characters of an identifier; links, passphrases and values are
// wiped with the order. ctx.workspace is where the secret is (model::where_is) or, of a new guest's
// secret, where it belongs (actors/one_time.hpp); ctx.who may be a guest.
struct conceal {
  crypto::secure_bytes value;
  std::optional<crypto::secure_bytes> passphrase;
  model::secret_kind kind = model::secret_kind::conceal;
  std::uint32_t lifespan_s = 0;
  std::string recipients;                   // masked
  crypto::secure_bytes link, receipt_link;  // the first is link_of() the second (actors/one_time.hpp)
  bool show_generated = false;              // a generated value without a passphrase is told with its receipt, once, for a minute
};
// Tells without consuming. The answer says whether the passphrase, if one was given, is right.
struct show_secret {
  crypto::secure_bytes link;
  std::optional<crypto::secure_bytes> passphrase;
  bool mere_look = false;  // nothing is marked as previewed
};
struct reveal_secret {
  crypto::secure_bytes link;
  std::optional<crypto::secure_bytes> passphrase;
  bool go_on = false;                    // `continue`: without it nothing is consumed
  std::optional<std::string> retry_key;  // Idempotency-Key
};
struct confirm_secret {
  crypto::secure_bytes link;
  std::string retry_key;
};
struct show_receipt {
  crypto::secure_bytes receipt_link;
  bool mere_look = false;
};
struct burn_by_receipt {
  crypto::secure_bytes receipt_link;
  std::optional<crypto::secure_bytes> passphrase;
};
struct memo_receipt {
  crypto::secure_bytes receipt_link;
  std::string memo;
};
struct list_recent {};  // the caller's receipts
// Requests for secrets (model/asks.hpp). `link` is what the link that asks carries, `pickup` what the pickup link has
// beside it. What arrives in `sealed` nacre cannot read.
struct give_answer {
  crypto::secure_bytes link;
  std::string sealed;
  std::optional<std::string> retry_key;
};
struct pick_up_answer {
  crypto::secure_bytes link, pickup;
  std::optional<std::string> retry_key;
};
using intent = std::variant<issue_pat, found_workspace, admit_claimed, conceal, show_secret, reveal_secret,
                            confirm_secret, show_receipt, burn_by_receipt, memo_receipt, list_recent, issue_webhook,
                            edit_webhook, renew_pat, give_answer, pick_up_answer, model::operation>;

// A receipt with the links that could be opened; empty where there is nothing to tell any more.
struct shown_receipt {
  model::receipt_entry entry;
  crypto::secure_bytes receipt_link, secret_link;
  crypto::secure_bytes generated;
};

// By intent, if outcome.refused is empty:
//   conceal          receipts[0]
//   show_secret      outcome.what: secret_entry; passphrase_right if one is set and one was given
//   reveal_secret    outcome.what: secret_entry; `revealed`: token is the value (it may be empty);
//                    passphrase_right if one is set. Refused: not_found, wrong_passphrase, rate_limited (with
//                    outcome.budget), busy (the pool that checks passphrases is full), corrupt (it cannot be
//                    decrypted, and stays)
//   confirm_secret   nothing
//   show_receipt, burn_by_receipt, memo_receipt   receipts[0]; as it was before it was read
//   list_recent      receipts, last changed first
//   give_answer      outcome.what: ask_entry
//   pick_up_answer   outcome.what: ask_entry; `revealed`: token is what was sealed by who answered
struct answer {
  model::outcome outcome;
  crypto::secure_bytes
      token;  // of a created, rotated or revealed PAT, a webhook's new secret, the value of a revealed secret
  bool revealed = false;
  std::optional<bool> passphrase_right;
  std::vector<shown_receipt> receipts;
};

struct order {
  model::context ctx;  // stamped: ctx.now is when the node took the request
  intent what;
  cluster::deadline deadline;
  unique_function<void(answer)> reply;
};

struct settings {
  std::size_t threads = 2;                // of the actor scheduler
  std::size_t queue_per_workspace = 256;  // orders under way; beyond: busy
  std::size_t queue_total = 8'192;
  std::chrono::milliseconds idle{60'000};  // an actor without orders for so long is put to sleep
  std::chrono::milliseconds note_flush{1'000};
  std::string node = "solo";    // named in audit entries
  std::size_t kdf_threads = 0;  // that stretch passphrases; 0: one less than there are cores, at least one
  std::chrono::milliseconds retry_window{60'000};  // how long a reveal can be fetched again with its key; 0: never
  std::uint64_t guest_bytes_max = 1ull << 30;      // live secrets of guests, all together; 0: no bound
  // What may be erased as expired: what ended before then. Not set: by `time`. Nothing: it cannot be said at present.
  std::function<std::optional<timestamp>()> past = {};
  bool keep_receipt_links = true;  // an account's `recent` names its receipts; docs/adr/0013 says what that costs
};

struct service_stats {
  std::size_t actors = 0;        // awake
  std::size_t orders = 0;        // under way
  std::uint64_t busy_total = 0;  // refused at the door
};

class service {
 public:
  virtual ~service() = default;
  virtual void submit(order o) = 0;
  virtual void query(workspace_id ws, cluster::deadline by,
                     unique_function<void(result<std::shared_ptr<const model::view>>)> done) = 0;
  virtual void when_current(cluster::deadline by, unique_function<void(result<void>)> done) = 0;
  virtual std::shared_ptr<const model::view> local_view() const = 0;
  virtual std::chrono::milliseconds local_age() const = 0;
  virtual const cluster::changes& changes() const = 0;
  virtual void note_use(workspace_id ws, pat_id pat, timestamp at) = 0;
  // Somebody came with a token that a rotation had ended; recorded and told at most once an hour for each PAT.
  virtual void note_reuse(workspace_id ws, pat_id pat) = 0;
  // Recorded at most once an hour for the same workspace, action, object and reason, as denied if there is a reason: a
  // fixed word.
  virtual void note_act(workspace_id ws, std::string_view action, std::string_view object,
                        std::string_view reason = {}) = 0;
  // Counted, and recorded once a minute under the system workspace. `reason` is a fixed word.
  virtual void note_auth_failure(std::string_view reason) = 0;
  virtual service_stats stats() const = 0;
  // Writes what was noted, settles what is under way, for at most some seconds. The log must still run.
  virtual void stop() = 0;
  // Returns when nobody holds an order any more; bounded once the log has stopped. Replies touch what the
  // caller of submit() owns, so nothing of that may go before.
  virtual void await_idle() = 0;
};

// `log`, `keys` and `time` must outlive the service.
std::unique_ptr<service> make_service(cluster::log& log, const crypto::keyring& keys, const clock& time, settings s);

}  // namespace nacre::actors

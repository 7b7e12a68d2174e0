#pragma once
// The API as one handler: limits, routing, authentication, then the family's own code.
//
// Order of checks (SECURITY-DESIGN section 8; operations' own routes are open, and verify has no address limit):
// address limit 429 -> route 404,
// method 405 -> authentication 401 -> header and path syntax 400 -> membership 403 -> body 415/400 ->
// budget 429 -> object 404 -> role 403 -> state 422. Errors have the shape of the route's family.

#include <functional>
#include <string>
#include <vector>

#include "actors/service.hpp"
#include "http/cluster_view.hpp"
#include "http/gate.hpp"
#include "http/limiter.hpp"
#include "http/server.hpp"
#include "model/limits.hpp"
#include "model/time.hpp"
#include "model/unique_function.hpp"
#include "model/webhook_url.hpp"

namespace nacre::http {

// One-time secrets (contracts/onetimesecret.md).
struct onetime_rules {
  std::size_t secret_bytes_max = limits::secret_bytes_default;
  bool get_reveals = false;  // GET ...?continue=true shows and consumes, as old links expect
  // What guests may do; `all` false refuses them everything.
  struct {
    bool all = true, conceal = true, generate = true, show = true, reveal = true, burn = true, receipt = true,
         request = true;
  } guest;
};

// The console (families/console.hpp). Where people sign in is told to the page, and its policy lets it ask these
// origins.
struct console_rules {
  bool served = true;
  struct oidc {
    std::string issuer;  // empty: nobody signs in there
    std::string client_id, scopes, audience;
    std::vector<std::string> origins;  // "https://id.example.com", the issuer's own first
  } sign_in;
};

// Which APIs are spoken; the paths of the others are not there. nacre's own management is always served.
struct served_families {
  bool alephant = true, onetime = true, unleash = true, service_tokens = true;
};

struct api_settings {
  std::string node = "solo";
  std::string version;
  std::string public_url;  // as configured; empty: the description names no server, and readers take where it came from
  bool limits_enabled = true;  // false: neither address limits nor reveal budgets
  rate address{20, 60};
  rate failed_auth{10.0 / 60, 10};
  std::uint32_t reveals_per_pat = 10, reveals_per_user = 60;  // per minute
  rate guest_create{1, 60}, guest_reveal{0.5, 30};            // per client address
  std::chrono::milliseconds retry_window{60'000};             // of a reveal with an Idempotency-Key; 0: none
  std::chrono::milliseconds request_timeout{15'000};          // the server's: pages wait longer for an answer
  onetime_rules onetime;
  served_families families;
  console_rules console;
  // Checking tokens for others (families/checking.hpp).
  struct {
    std::chrono::milliseconds bounded{500};  // how old an answer may be that does not ask for more
  } checks;
  std::size_t kept_lists = 2'048;               // answers that list tokens; 0: each is made anew (kept_lists.hpp)
  std::vector<workspace_id> cluster_operators;  // whose owners and admins may look at the cluster and change it
  std::uint32_t unleash_tokens_per_user = 10, service_tokens_per_user = limits::family_tokens_per_owner_max;
};

// What the operations routes ask of the program around them. Any may be called from any thread.
struct probes {
  std::function<std::vector<std::string>()> not_ready;  // reasons; empty: ready
  std::function<std::string()> metrics;                 // Prometheus text
  // "address", "failed_auth", "reveal", "reveal-user", "guest_create", "guest_reveal", "passphrase"
  std::function<void(std::string_view)> budget_refused;
  std::function<void(request_id, const error&)> failed;  // a 5xx was answered: why, for the log
  std::function<void(std::string_view)> auth_failed;     // the gate's word for why
  std::function<std::string()> public_url = {};          // "https://host", without a slash behind it
  // Whether a webhook may point there; `done` runs once, on some thread. Not set: its text decides.
  std::function<void(const model::webhook_url&, unique_function<void(result<void>)> done)> webhook_target = {};
  // A JWT of the development issuer, for whoever sits at this machine. Not set: there is no such sign-in.
  std::function<result<std::string>()> dev_token = {};
  std::function<cluster_view()> cluster = {};  // not set: a single node
  // Other members; `done` runs once, on some thread, when this node has gone over to them, or with what forbids it:
  // `invalid`, `conflict`, `busy`, `outcome_unknown`. Not set: a single node.
  std::function<void(cluster_wish, request_id, cluster::deadline, unique_function<void(result<void>)> done)>
      change_members = {};
};

// What the server in front of it must know of the paths served here.
rules_of_path path_rules_of(const api_settings& s);

// All references must outlive the handler.
handler make_api(actors::service& service, gate& who, const crypto::keyring& keys, const nacre::clock& time,
                 api_settings s, probes p);

}  // namespace nacre::http

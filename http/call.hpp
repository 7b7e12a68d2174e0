#pragma once
// One request on its way through the API, and the few steps every handler is made of.
//
// A handler owns its call and hands it on; whoever holds it last answers. What handlers know of the
// world is `services`; they keep nothing between calls.

#include <memory>
#include <string>
#include <string_view>

#include "http/api.hpp"
#include "http/family.hpp"
#include "http/gate.hpp"
#include "http/kept_lists.hpp"
#include "http/router.hpp"
#include "http/server.hpp"
#include "model/apply.hpp"
#include "model/queries.hpp"

namespace nacre::http {

class description;

struct services {
  actors::service& service;
  gate& who;
  const crypto::keyring& keys;
  const nacre::clock& time;
  api_settings settings;
  probes ask;
  limiter failed_auth;
  limiter guest_creates = limiter(rate{}), guest_reveals = limiter(rate{});
  kept_lists lists = kept_lists(0);
  std::shared_ptr<description> described = {};  // of the API, for who asks for it (families/description.hpp)
};

struct call {
  call(services& s, request r, responder to) : with(s), req(std::move(r)), respond(std::move(to)) {}
  call(const call&) = delete;
  call& operator=(const call&) = delete;
  ~call();  // wipes the credential, the query and the body
  services& with;
  request req;
  responder respond;
  route_match match;  // captures look into req.path
  std::string_view pattern = "unmatched";
  family speaks = family::native;
  bool path_goes_on = false;  // beyond the route's, with what was asked of somebody else (families/checking.hpp)
  std::string limit_key;      // of the client's address; empty while nothing is limited by it
  principal caller;
  model::context ctx;
  // Of a list of tokens: what the answer, if it is one, is kept under, and the stamp taken before its view.
  struct keeping {
    crypto::digest name;
    std::uint64_t stamp = 0;
  };
  std::optional<keeping> to_keep;
  std::string_view act;                // of the caller, put on record with an answer that succeeds; once an hour
  std::string_view denial;             // the same with a 403
  std::string_view why = "forbidden";  // and the word for it

  std::string_view capture(std::size_t i) const { return match.captures[i]; }
};
using call_ptr = std::unique_ptr<call>;

// ---- answers ---------------------------------------------------------------------------------------

response json_response(int status, std::string body);
// In the shape of the path's family; of the native one {"error","code","message"} (contracts/alephant-pats.md
// section 5). With Retry-After where waiting helps.
response error_response(const call& c, const error& e);
// 429 with Retry-After and RateLimit headers.
response limited_response(const call& c, const error& e, const model::budget_state& budget);
// How an address limit of this node stands when it refuses: all of `burst` comes back within the window.
model::budget_state spent_rate(std::string_view name, const rate& limit, std::chrono::milliseconds wait);
// draft-ietf-httpapi-ratelimit-headers; still a draft, so it is written here only.
void add_budget_headers(response& r, const model::budget_state& budget);
response no_content();

void answer(call_ptr c, response r);
void refuse(call_ptr c, const error& e);

// ---- steps -----------------------------------------------------------------------------------------

// The X-Workspace-Id header or the path's {id}: 400 if it is no uuid, 403 if the credential is bound
// to another workspace.
result<workspace_id> workspace_of_header(const call& c);
result<void> enter_workspace(call& c, workspace_id ws);
// Where there need be no header (DESIGN section 7): the header's, else the credential's own, else the only one
// the caller is a member of. 400 if there are several, 403 if there is none.
void enter_own_workspace(call_ptr c, unique_function<void(call_ptr)> next);

// Asks a current view; `make(call&, const view&)` builds the whole response from it.
template <class Make>
void answer_from_view(call_ptr c, Make make) {
  auto& raw = *c;
  raw.with.service.query(
      raw.ctx.workspace, raw.req.deadline,
      [c = std::move(c), make = std::move(make)](result<std::shared_ptr<const model::view>> v) mutable {
        if (!v) return refuse(std::move(c), v.error());
        response r = make(*c, **v);
        if (!(*v)->trustworthy()) return refuse(std::move(c), {errc::storage_failed, "Stored state could not be read"});
        answer(std::move(c), std::move(r));
      });
}

// Goes on with `next(call_ptr)` if the caller is a member with this scope, else answers 403 (or 401 for
// a PAT that has died): membership is told before anything about the body.
void as_member(call_ptr c, model::scope_set needed, unique_function<void(call_ptr)> next);

// Sends an intent to the workspace's actor; `then` gets what came of it, a refusal too.
void order(call_ptr c, actors::intent what, unique_function<void(call_ptr, actors::answer)> then);
// Answers a refused outcome: 429 with its budget, or the error.
void refuse_outcome(call_ptr c, const model::outcome& refused);
// The two together; `make(call&, actors::answer&)` builds the response of success.
void order_and_answer(call_ptr c, actors::intent what, response (*make)(call&, actors::answer&));

// ---- input -----------------------------------------------------------------------------------------

inline constexpr std::size_t retry_key_chars_min = 16, retry_key_chars_max = 128;
// The Idempotency-Key header; `invalid` unless it has so many printable characters.
result<std::optional<std::string>> retry_key_of(const request& r);

// An error the client made in the body's type: 415.
bool has_json_body(const request& r);

// Decoded query parameters; `invalid` for a bad escape or a name said twice.
result<std::vector<std::pair<std::string, std::string>>> parse_query(std::string_view raw);
// limit/offset or page/pageSize (contracts/alephant-pats.md section 4.2).
result<model::page> page_of(const request& r);
// A whole number between bounds, or the default if absent.
result<std::uint64_t> number_of(const std::vector<std::pair<std::string, std::string>>& query, std::string_view name,
                                std::uint64_t otherwise, std::uint64_t least, std::uint64_t most);

}  // namespace nacre::http

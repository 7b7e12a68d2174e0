#pragma once
// The steps both versions of the Onetime Secret API are made of: who may, where a link leads, making a secret.
// As everywhere in http, a step that cannot go on answers by itself and drops what comes next.
//
// Whatever a link does not lead to (any more) is one and the same 404, after the same reads.

#include <optional>
#include <string>
#include <string_view>

#include "actors/service.hpp"
#include "http/call.hpp"
#include "http/families/onetime/errors.hpp"
#include "http/families/onetime/input.hpp"
#include "model/audit.hpp"

namespace nacre::http::onetime {

// What can be switched off for guests and asks a scope of an account's PAT.
enum class act : std::uint8_t { conceal, generate, show, reveal, burn, receipt };

inline bool is_guest(const call& c) { return c.ctx.who.via == model::caller::kind::guest; }

// 403 for a guest where guests are switched off, and for a PAT without the scope: write to make and to burn, read
// for all else. Nothing: go on.
std::optional<problem> refused_by_policy(const call& c, act what);
// The scope alone, for calls that are not open to guests.
std::optional<problem> refused_by_scope(const call& c, model::scope_bit needed);
// Takes one from what a guest's address may make or reveal in a minute; answers 429 and false if there is none.
bool within_guest_limit(call_ptr& c, act what);

// `next` runs with c.ctx.workspace set where the link leads, and the link in the only spelling there is. A secret
// leads somewhere while it can be viewed, or its reveal be fetched again with `retry_key`. `claims`: the call goes on
// to claim it, so no current view is waited for where this node's own has the secret.
using with_link = unique_function<void(call_ptr, crypto::secure_bytes)>;
void at_secret(call_ptr c, std::string_view link, const std::optional<std::string>& retry_key, bool claims,
               with_link next);
void at_receipt(call_ptr c, std::string_view link, with_link next);
// Where a reveal was made with this key, confirmed or not.
void at_claim(call_ptr c, std::string_view link, const std::string& retry_key, with_link next);

// From a request to a secret: may they, what was sent, the links, the value of generate, the workspace (of a guest:
// the link's partition). `what` is conceal or generate. `then` gets the answer of a conceal that was not refused.
enum class telling : std::uint8_t { by_receipt, at_once };  // of a value made up here: once, either way
struct created {
  std::vector<std::string> recipients;  // as sent
  std::vector<std::string> masked_recipients;
  crypto::secure_bytes generated;  // if it is told at once
};
void make_secret(call_ptr c, act what, telling how, unique_function<void(call_ptr, actors::answer, created)> then);

// A reveal and the confirmation of one, from a request to what came of it, a refusal too; `link` is the one asked
// for. Nothing is consumed where what was sent is malformed.
struct asked_reveal {
  crypto::secure_bytes link;
  bool go_on = false;
};
void reveal_secret(call_ptr c, unique_function<void(call_ptr, actors::answer, asked_reveal)> then);
void confirm_reveal(call_ptr c, unique_function<void(call_ptr, actors::answer, crypto::secure_bytes link)> then);

version version_of(const call& c);
void refuse_input(call_ptr c, const input_failure& why);
// A passphrase that was sent; an empty one is none.
std::optional<crypto::secure_bytes> given(crypto::secure_bytes&& text);

create_rules create_rules_of(const call& c);
// Of a body that creates: JSON may spell every byte of a secret in six characters.
std::size_t create_body_bytes_max(const onetime_rules& rules);
// "host" or "host:port" of a base URL.
std::string_view host_of(std::string_view url);
// "https://host": what links begin with. http.public_url, else the address that is listened on.
std::string public_url(const call& c);

// What a link decides is where a guest's row lies, so the first partition is full long before all are. Of as many draws
// as there are partitions the one that leads to the emptiest, if that is emptier than the one that was `full`.
template <class Draw>
auto roomier(const model::view& v, workspace_id full, Draw draw) -> std::optional<decltype(draw())> {
  auto held = [&v](workspace_id ws) { return model::load_partition(v, ws).sealed_bytes; };
  auto least = held(full);
  std::optional<decltype(draw())> best;
  for (std::size_t i = 0; i < guest_partitions; ++i) {
    auto next = draw();
    if (auto holds = held(next.where); holds < least) {
      least = holds;
      best = std::move(next);
    }
  }
  return best;
}

// Seconds since 1970, and what is left of a span until `end`, never negative.
std::int64_t epoch_s(timestamp t);
std::int64_t seconds_left(timestamp now, timestamp end);

}  // namespace nacre::http::onetime

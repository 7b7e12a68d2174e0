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
// leads somewhere while it can be viewed, or its reveal be fetched again with `retry_key`.
using with_link = unique_function<void(call_ptr, crypto::secure_bytes)>;
void at_secret(call_ptr c, std::string_view link, const std::optional<std::string>& retry_key, with_link next);
void at_receipt(call_ptr c, std::string_view link, with_link next);
// Where a reveal was made with this key, confirmed or not.
void at_claim(call_ptr c, std::string_view link, const std::string& retry_key, with_link next);

// Makes the secret: links, the value of generate, the workspace (of a guest: the link's partition). `then` gets
// the answer of a conceal that was not refused.
struct created {
  std::vector<std::string> recipients;  // as sent
  std::vector<std::string> masked_recipients;
};
void create(call_ptr c, model::secret_kind kind, create_input in,
            unique_function<void(call_ptr, actors::answer, created)> then);

create_rules create_rules_of(const call& c);
// Of a body that creates: JSON may spell every byte of a secret in six characters.
std::size_t create_body_bytes_max(const onetime_rules& rules);
// "host" or "host:port" of a base URL.
std::string_view host_of(std::string_view url);
// "https://host": what links begin with. http.public_url, else the address that is listened on.
std::string public_url(const call& c);

// Seconds since 1970, and what is left of a span until `end`, never negative.
std::int64_t epoch_s(timestamp t);
std::int64_t seconds_left(timestamp now, timestamp end);

}  // namespace nacre::http::onetime

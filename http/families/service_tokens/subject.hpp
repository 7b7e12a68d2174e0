#pragma once
// Whom and what a path of the service-user family is about, and whether the caller may ask: who is named must be a
// service user, and only who may administer names one; `null` in place of an id, and the paths without one, mean the
// caller (gorules-service-tokens.md sections 1 and 2).

#include <optional>

#include "http/call.hpp"
#include "model/people.hpp"
#include "model/policy.hpp"

namespace nacre::http::service_tokens {

struct path_ids {
  std::optional<user_id> user;  // nothing: the caller
  std::optional<pat_id> token;  // nothing: the path has none
};
// `invalid` for what is no UUID.
result<path_ids> path_ids_of(const call& c);

struct subject {
  model::standing who;  // the caller's
  model::person owner;  // of the tokens
  std::optional<model::pat_entry> token;
};
// In this order: forbidden for who is no member or may not administer; not_found for a user, then a token.
result<subject> find_subject(const model::view& v, const model::context& ctx, const path_ids& of);

// Goes on with what the path is about, in a current view, or refuses. `next` answers.
void about(call_ptr c, unique_function<void(call_ptr, const model::view&, subject)> next);

}  // namespace nacre::http::service_tokens

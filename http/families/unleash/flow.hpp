#pragma once
// The steps that requests of the Unleash family have in common: who asks, whose tokens are meant, and the four
// things that can be done with tokens. Order of checks: membership 403, admin 403, body 415 and 400, id of the
// path 400, object 404 (contracts/unleash-tokens.md sections 4 to 7).

#include "http/call.hpp"
#include "http/families/unleash/objects.hpp"
#include "http/families/unleash/schema.hpp"
#include "model/policy.hpp"

namespace nacre::http::unleash {

// What a request was asked by, in one view. The view is good for as long as the step runs.
using step = unique_function<void(call_ptr, const model::view&, const model::standing&)>;
void as_user(call_ptr c, step then);
void as_admin(call_ptr c, step then);  // 403 PermissionError for everybody else

// Answers what was made of a view, unless the view could not be read.
void answer_read(call_ptr c, const model::view& v, response r);
// As order_and_answer; what a role forbids is told as a PermissionError where only admins come.
void order_or_refuse(call_ptr c, actors::intent what, unique_function<void(call_ptr, actors::answer)> then);

response done();  // 200 without a body

// Each as a step that answers. `holder` finds out whose tokens they are, when its turn has come; it is 404 for
// a service account that is not there.
using holder_of = checked<token_holder> (*)(const call&, const model::view&, const model::standing&);
void list_tokens(call_ptr c, const model::view& v, const model::standing& who, holder_of holder);
void create_token(call_ptr c, const model::view& v, const model::standing& who, holder_of holder);
// `place`: of the token's id among the captures of the path.
struct path_place {
  std::size_t index = 0;
  std::string_view name = "id";
};
void delete_token(call_ptr c, const model::view& v, const model::standing& who, holder_of holder, path_place place);
void rotate_token(call_ptr c, const model::view& v, const model::standing& who, holder_of holder, path_place place);

}  // namespace nacre::http::unleash

#pragma once
// Errors of the Unleash family (contracts/unleash-tokens.md sections 2, 4, 6):
// {"id": uuid, "name", "message", "details": [{"message", "path"?}], "permissions"?}. The id is the request's,
// so that an error can be found in the log.

#include <string>
#include <string_view>

#include "http/call.hpp"

namespace nacre::http::unleash {

struct problem {
  int status = 400;
  std::string_view name;
  std::string message;
  std::string detail = {};           // empty: the message again
  std::string path = {};             // of the detail: "/body/description"; empty: none
  std::string_view permission = {};  // the one that is missing; empty: none would help
};
response problem_response(const call& c, const problem& p);
void refuse(call_ptr c, const problem& p);

// 400: the request has the shape but breaks a rule.
problem bad_data(std::string_view text);
// 400: the request has not the shape. `path` is "/body/description" or "/params/id".
problem bad_shape(std::string path, std::string text);
// 403 for who is no admin.
problem admin_only();
// 404. `what` such as "PAT".
problem not_there(std::string_view what, std::string_view id);
// 415
problem wrong_content_type();

response refusal_of(const call& c, const error& e);
response limit_refusal_of(const call& c, const error& e, std::int64_t wait_s, std::uint32_t limit);
response no_route(const call& c);
response no_method(const call& c);
response edge_refusal(int status, std::string_view code, std::string_view text, const request_id& id);

}  // namespace nacre::http::unleash

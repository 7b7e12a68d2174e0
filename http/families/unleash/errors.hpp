#pragma once
// Errors of the Unleash family (contracts/unleash-tokens.md sections 2, 4, 6):
// {"id": uuid, "name", "message", "details": [{"message", "path"?}]}. The id is the request's, so that an
// error can be found in the log.

#include <optional>
#include <string>
#include <string_view>

#include "http/call.hpp"

namespace nacre::http::unleash {

struct problem {
  int status = 400;
  std::string_view name;
  std::string message;
  std::string detail;  // empty: the message again
  std::string path;    // of the detail: "/body/description"; empty: none
};
response problem_response(const call& c, const problem& p);

response refusal_of(const call& c, const error& e);
response limit_refusal_of(const call& c, const error& e, std::int64_t wait_s, std::uint32_t limit);
response no_route(const call& c);
response no_method(const call& c);
response edge_refusal(int status, std::string_view code, std::string_view text, const request_id& id);

}  // namespace nacre::http::unleash

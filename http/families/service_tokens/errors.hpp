#pragma once
// Errors of the service-user family (contracts/gorules-service-tokens.md section 7), in the shape of NestJS:
// {"statusCode": 404, "message": "...", "error": "Not Found"}; of a bad body `message` is an array of strings.
//
// A method that is not served is a path that is not served: 404. The official client retries 429 and what is 500 or
// more, never another 4xx, so what may pass by itself is never told as one. As many tokens as one user may have are
// 403: trying again does not help. No answer is a redirect, and none repeats what was sent.

#include <string>
#include <string_view>
#include <vector>

#include "http/call.hpp"

namespace nacre::http::service_tokens {

// 400 with every complaint.
response invalid_body(const std::vector<std::string>& complaints);
void complain(call_ptr c, const std::vector<std::string>& complaints);

response refusal_of(const call& c, const error& e);
response limit_refusal_of(const call& c, const error& e, std::int64_t wait_s, std::uint32_t limit);
response no_route(const call& c);
response no_method(const call& c);
response edge_refusal(int status, std::string_view code, std::string_view text, const request_id& id);

}  // namespace nacre::http::service_tokens

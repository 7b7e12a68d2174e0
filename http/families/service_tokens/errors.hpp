#pragma once
// Errors of the service-user family (contracts/gorules-service-tokens.md section 7), in the shape of NestJS:
// {"statusCode": 404, "message": "...", "error": "Not Found"}; of a bad body `message` is an array of strings.

#include <string>
#include <string_view>
#include <vector>

#include "http/call.hpp"

namespace nacre::http::service_tokens {

// 400 with every complaint.
response invalid_body(const std::vector<std::string>& complaints);

response refusal_of(const call& c, const error& e);
response limit_refusal_of(const call& c, const error& e, std::int64_t wait_s, std::uint32_t limit);
response no_route(const call& c);
response no_method(const call& c);
response edge_refusal(int status, std::string_view code, std::string_view text, const request_id& id);

}  // namespace nacre::http::service_tokens

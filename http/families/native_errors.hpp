#pragma once
// Errors of the native family: {"error","code","message"} (contracts/alephant-pats.md section 5).

#include "http/call.hpp"

namespace nacre::http::native {

response refusal_of(const call& c, const error& e);
response limit_refusal_of(const call& c, const error& e, std::int64_t wait_s, std::uint32_t limit);
response no_route(const call& c);
response no_method(const call& c);
response unsupported_media_type(const call& c);

}  // namespace nacre::http::native

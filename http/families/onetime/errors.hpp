#pragma once
// Errors of the Onetime Secret family (contracts/onetimesecret.md section 6 and "v1 errors"). A problem is
// what went wrong, said once; each version has its own way of telling it.
//
// v2: {"error","message","error_type","field"?,"code"?,"error_id","request_id"}; 429 also has "retry_after"
// and "max_attempts". error_id and request_id are the same value: the X-Request-Id of the answer.
// v1: 404 for everything, {"message"} and the honest status in X-OTS-Intended-Status. What is wrong inside stays
// a 5xx, as what a caller should wait for and try again.
// Threads: any.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/call.hpp"
#include "http/families/onetime/input.hpp"

namespace nacre::http::onetime {

struct problem {
  int status = 422;             // of v2
  std::string_view word;        // v2: "error" and "error_type"
  std::string text;             // "message"
  std::string_view field = {};  // v2; empty: none
  std::string_view code = {};   // v2, of a guest gate; empty: none
  // Where waiting helps, and of how many tries they were the last.
  std::optional<std::int64_t> retry_after_s = {};
  std::optional<std::uint32_t> attempts_max = {};
  // v1 where it differs: the text, the intended status (0: the header is left out), and the key that is repeated.
  std::string v1_text = {};
  int v1_intended = 400;
  crypto::secure_bytes v1_key = {};
  std::string_view v1_member = "message";  // that the text goes by
};

problem problem_of(const error& e);
problem problem_of(const input_failure& f);
// Unknown, expired, revealed, burned: one answer, and nothing tells which. `key` is for v1.
problem missing_secret(std::string_view key = {});
problem no_such_route();
problem no_such_method();
problem guests_refused(std::string_view code);

// Pages of any origin may make secrets: nacre has no cookies a page could borrow.
void allow_origins(const call& c, response& r);

// In the words of c.speaks.
response problem_response(const call& c, const problem& p);
void refuse(call_ptr c, const problem& p);

// What every answer of the family has beside its body; `secret`: the body holds one.
response onetime_json(int status, std::string body, bool secret = false);
// The same as v1 has it: its content type names the charset.
response onetime_json_v1(int status, std::string body, bool secret = false);

// In the family's voice (http/voice.hpp).
response refusal_of(const call& c, const error& e);
response limit_refusal_of(const call& c, const error& e, std::int64_t wait_s, std::uint32_t limit);
response no_route_response(const call& c);
response no_method_response(const call& c);

// Refusals of the server itself in each family's paths, before there is a call.
response edge_refusal_v2(int status, std::string_view code, std::string_view text, const request_id& id);
response edge_refusal_v1(int status, std::string_view code, std::string_view text, const request_id& id);

}  // namespace nacre::http::onetime

#include "http/families/native_errors.hpp"

#include <cstdlib>

#include "http/json.hpp"
#include "http/voice.hpp"

namespace nacre::http {

namespace {

struct meaning {
  int status;
  std::string_view code;
};

// The one translation of this border; switch-enum refuses a code nobody has decided on.
meaning meaning_of(errc code) {
  switch (code) {
    case errc::invalid:
      return {400, "invalid_request"};
    case errc::unauthenticated:
      return {401, "unauthorized"};
    case errc::token_revoked:
      return {401, "token_revoked"};
    case errc::token_expired:
      return {401, "token_expired"};
    case errc::insufficient_scope:
      return {403, "insufficient_scope"};
    case errc::forbidden:
      return {403, "forbidden"};
    case errc::not_found:
      return {404, "not_found"};
    case errc::conflict:
      return {409, "conflict"};
    case errc::reveal_not_available:
      return {422, "reveal_not_available"};
    case errc::wrong_passphrase:
      return {422, "wrong_passphrase"};
    case errc::rate_limited:
      return {429, "rate_limited"};
    case errc::busy:
      return {503, "unavailable"};
    case errc::deadline_exceeded:
      return {503, "unavailable"};
    case errc::outcome_unknown:
      return {503, "unavailable"};
    case errc::storage_failed:
      return {503, "unavailable"};
    case errc::corrupt:
      return {500, "internal"};
    case errc::full:
      return {507, "full"};
    case errc::unsupported:
      return {500, "internal"};
    case errc::internal:
      return {500, "internal"};
  }
  std::abort();
}

std::string error_body(const call& c, int status, std::string_view code, std::string_view message) {
  json_writer w;
  w.object().field("error", message).field("code", code).field("message", message);
  if (status >= 500) w.field("error_id", std::string_view(to_string(c.req.id)));
  w.end_object();
  return w.take();
}

}  // namespace

int status_of(errc code) { return meaning_of(code).status; }

namespace native {

response refusal_of(const call& c, const error& e) {
  auto [status, code] = meaning_of(e.code);
  // What went wrong inside is for the log, under the request id; the caller learns only that it did.
  auto r = json_response(status, error_body(c, status, code, status == 500 ? "Internal error" : e.text));
  return r;
}

response limit_refusal_of(const call& c, const error& e, std::int64_t, std::uint32_t) {
  return http::error_response(c, e);
}

response no_route(const call& c) { return http::error_response(c, {errc::not_found, "Not Found"}); }

response no_method(const call&) {
  return json_response(405, R"({"error":"Method not allowed","code":"method_not_allowed",)"
                            R"("message":"Method not allowed"})");
}

response unsupported_media_type(const call& c) {
  return json_response(415, error_body(c, 415, "unsupported_media_type", "The body must be application/json"));
}

}  // namespace native

}  // namespace nacre::http

#include "http/families/service_tokens/errors.hpp"

#include "http/json.hpp"
#include "http/voice.hpp"

namespace nacre::http::service_tokens {

namespace {

std::string_view reason_of(int status) {
  switch (status) {
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 413:
      return "Payload Too Large";
    case 414:
      return "URI Too Long";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return status >= 500 ? "Internal Server Error" : "Bad Request";
  }
}

response written(int status, std::string_view message) {
  json_writer w;
  w.object().field("statusCode", static_cast<std::uint64_t>(status)).field("message", message);
  w.field("error", reason_of(status)).end_object();
  return json_response(status, w.take());
}

}  // namespace

response invalid_body(const std::vector<std::string>& complaints) {
  json_writer w;
  w.object().field("statusCode", std::uint64_t{400}).key("message").array();
  for (const auto& c : complaints) w.value(std::string_view(c));
  w.end_array().field("error", reason_of(400)).end_object();
  return json_response(400, w.take());
}

void complain(call_ptr c, const std::vector<std::string>& complaints) {
  answer(std::move(c), invalid_body(complaints));
}

response refusal_of(const call&, const error& e) {
  if (e.code == errc::full) return written(403, e.text);
  auto status = status_of(e.code);
  if (status == 500) return written(status, "Internal server error");
  if (status == 401 && e.code != errc::token_expired) return written(status, reason_of(status));
  return written(status, e.text);
}

response limit_refusal_of(const call& c, const error& e, std::int64_t, std::uint32_t) { return refusal_of(c, e); }

response no_route(const call&) { return written(404, reason_of(404)); }

response no_method(const call& c) { return no_route(c); }

response edge_refusal(int status, std::string_view, std::string_view text, const request_id&) {
  return written(status, text);
}

}  // namespace nacre::http::service_tokens

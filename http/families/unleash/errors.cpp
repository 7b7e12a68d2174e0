#include "http/families/unleash/errors.hpp"

#include <cstdlib>

#include "http/json.hpp"
#include "http/voice.hpp"

namespace nacre::http::unleash {

namespace {

constexpr std::string_view sign_in = "You must log in to use Unleash.";
constexpr std::string_view sign_in_unseen =
    "You must log in to use Unleash. Your request had no authorization header, so we could not authorize you. Try "
    "logging in at /auth/simple/login";

response written(const problem& p, const request_id& id) {
  json_writer w;
  w.object().field("id", std::string_view(to_string(id))).field("name", p.name);
  w.field("message", std::string_view(p.message)).key("details").array();
  w.object().field("message", std::string_view(p.detail.empty() ? p.message : p.detail));
  if (!p.path.empty()) w.field("path", std::string_view(p.path));
  w.end_object().end_array();
  // Clients of Unleash are told where to sign in; here that is the issuer's business, but they read these keys.
  if (p.name == "AuthenticationRequired")
    w.field("path", std::string_view("/auth/simple/login"))
        .field("type", std::string_view("password"))
        .field("defaultHidden", false);
  w.end_object();
  auto r = json_response(p.status, w.take());
  r.headers.front().value = "application/json; charset=utf-8";
  return r;
}

std::string_view name_of(int status) {
  switch (status) {
    case 400:
      return "BadDataError";
    case 401:
      return "UnauthorizedError";
    case 403:
      return "PermissionError";
    case 404:
      return "NotFoundError";
    case 405:
      return "MethodNotAllowedError";
    case 409:
      return "NameExistsError";
    case 413:
      return "ContentTooLargeError";
    case 415:
      return "ContentTypeError";
    case 429:
      return "TooManyRequestsError";
    case 503:
      return "ServiceUnavailableError";
    default:
      return status >= 500 ? "InternalError" : "BadDataError";
  }
}

}  // namespace

response problem_response(const call& c, const problem& p) { return written(p, c.req.id); }

response refusal_of(const call& c, const error& e) {
  problem p;
  p.status = status_of(e.code);
  p.message = p.status == 500 ? "Internal error" : e.text;
  if (e.code == errc::full) {  // as many tokens as one user may have
    p.status = 403;
    p.name = "OperationDeniedError";
    return written(p, c.req.id);
  }
  if (e.code == errc::insufficient_scope) p.status = 403;
  p.name = name_of(p.status);
  if (p.status == 401) {
    bool tried = c.req.find("authorization") != nullptr;
    if (!tried) p.name = "AuthenticationRequired";
    p.message = tried ? sign_in : sign_in_unseen;
  }
  return written(p, c.req.id);
}

response limit_refusal_of(const call& c, const error& e, std::int64_t, std::uint32_t) { return refusal_of(c, e); }

response no_route(const call& c) {
  return written({404, "NotFoundError", "The path you were looking for (" + c.req.path + ") is not available.", {}, {}},
                 c.req.id);
}

// Unleash knows no 405: a path without this method is not available.
response no_method(const call& c) { return no_route(c); }

response edge_refusal(int status, std::string_view, std::string_view text, const request_id& id) {
  return written({status, name_of(status), std::string(text), {}, {}}, id);
}

}  // namespace nacre::http::unleash

#include "http/families/unleash/errors.hpp"

#include "http/families/unleash/objects.hpp"
#include "http/json.hpp"
#include "http/voice.hpp"

namespace nacre::http::unleash {

namespace {

constexpr std::string_view invalid = "Request validation failed: your request body or params contain invalid data";
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
  if (!p.permission.empty()) w.key("permissions").array().value(p.permission).end_array();
  // Clients of Unleash are told where to sign in; here that is the issuer's business, but they read these keys.
  if (p.name == "AuthenticationRequired")
    w.field("path", "/auth/simple/login").field("type", "password").field("defaultHidden", false);
  w.end_object();
  return utf8_json(p.status, w.take());
}

std::string_view name_of(int status) {
  switch (status) {
    case 400:
      return "BadDataError";
    case 401:
      return "UnauthorizedError";
    case 403:
      return "ForbiddenError";
    case 404:
      return "NotFoundError";
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

void refuse(call_ptr c, const problem& p) {
  auto r = problem_response(*c, p);
  answer(std::move(c), std::move(r));
}

problem bad_data(std::string_view text) {
  return {400, "BadDataError", std::string(invalid).append(": ").append(text), std::string(text)};
}

problem bad_shape(std::string path, std::string text) {
  return {400, "BadDataError", std::string(invalid) + ". Refer to the `details` list for more information.",
          std::move(text), std::move(path)};
}

problem admin_only() {
  return {403, "PermissionError", "You need the \"ADMIN\" permission to perform this action.", {}, {}, "ADMIN"};
}

problem not_there(std::string_view what, std::string_view id) {
  return {404, "NotFoundError",
          std::string("Could not find the ").append(what).append(" with ID \"").append(id) + "\"."};
}

problem wrong_content_type() {
  return {415, "ContentTypeError", "The content-type of the body is not accepted here. Send application/json."};
}

response refusal_of(const call& c, const error& e) {
  if (e.code == errc::invalid) return written(bad_data(e.text), c.req.id);
  problem p;
  p.status = status_of(e.code);
  p.message = p.status == 500 ? "Internal error" : e.text;
  p.name = name_of(p.status);
  if (e.code == errc::full) {  // as many tokens as one user may have
    p.status = 403;
    p.name = "OperationDeniedError";
  }
  if (p.status == 401) {
    bool tried = c.req.find("authorization") != nullptr;
    if (!tried) p.name = "AuthenticationRequired";
    p.message = tried ? sign_in : sign_in_unseen;
  }
  return written(p, c.req.id);
}

response limit_refusal_of(const call& c, const error& e, std::int64_t, std::uint32_t) { return refusal_of(c, e); }

response no_route(const call& c) {
  constexpr std::string_view pats = "/api/admin/user/tokens";
  if (!c.with.settings.families.unleash && c.req.path.starts_with(pats))
    return written({404, "NotFoundError", "PATs are disabled."}, c.req.id);
  return written({404, "NotFoundError", "The path you were looking for (" + c.req.path + ") is not available."},
                 c.req.id);
}

// Unleash knows no 405: a path without this method is not available.
response no_method(const call& c) { return no_route(c); }

response edge_refusal(int status, std::string_view, std::string_view text, const request_id& id) {
  return written({status, name_of(status), std::string(text)}, id);
}

}  // namespace nacre::http::unleash

#include "http/families/onetime/errors.hpp"

#include <cstdlib>

#include "http/json.hpp"

namespace nacre::http::onetime {

namespace {

constexpr std::string_view too_many = "Too many requests. Please try again later.";
constexpr std::string_view inside = "Something went wrong. Please try again later.";

response v2_response(const problem& p, const request_id& id) {
  json_writer w(384);
  w.object().field("error", p.word).field("message", std::string_view(p.text)).field("error_type", p.word);
  if (!p.field.empty()) w.field("field", p.field);
  if (!p.code.empty()) w.field("code", p.code);
  if (p.retry_after_s) w.field("retry_after", *p.retry_after_s);
  if (p.attempts_max) w.field("max_attempts", *p.attempts_max);
  w.field("error_id", std::string_view(text_of(id))).field("request_id", std::string_view(text_of(id))).end_object();
  return onetime_json(p.status, w.take());
}

response v1_response(const problem& p) {
  json_writer w;
  w.object();
  if (!p.v1_key.empty()) w.field("secret_key", p.v1_key.view());
  w.field(p.v1_member, std::string_view(p.v1_text.empty() ? p.text : p.v1_text)).end_object();
  auto r = onetime_json_v1(p.status >= 500 ? p.status : 404, w.take(), !p.v1_key.empty());
  if (p.status < 500 && p.v1_intended != 0)
    r.headers.push_back({"X-OTS-Intended-Status", std::to_string(p.v1_intended)});
  return r;
}

// The edge knows a status and fixed words only.
problem problem_of_edge(int status, std::string_view text) {
  problem p;
  p.status = p.v1_intended = status;
  p.text = text;
  if (status == 413)
    p.word = "PayloadTooLarge";
  else if (status == 408)
    p.word = "RequestTimeout";
  else if (status >= 500)
    p.word = "ServerError";
  else
    p.word = "BadRequest";
  return p;
}

}  // namespace

response onetime_json(int status, std::string body, bool secret) {
  auto r = json_response(status, std::move(body));
  r.headers.push_back({"Pragma", "no-cache"});
  r.headers.push_back({"Referrer-Policy", "no-referrer"});  // addresses here carry identifiers
  r.wipe = secret;
  return r;
}

response onetime_json_v1(int status, std::string body, bool secret) {
  auto r = onetime_json(status, std::move(body), secret);
  for (auto& h : r.headers)
    if (h.name == "Content-Type") h.value.append("; charset=utf-8");
  return r;
}

// The one translation of errors into this family's words; switch-enum refuses a code nobody has decided on.
problem problem_of(const error& e) {
  problem p;
  p.text = e.text;
  auto is = [&p](int status, std::string_view word) {
    p.status = status;
    p.word = word;
    return std::move(p);
  };
  switch (e.code) {
    case errc::invalid:
      return is(400, "BadRequest");
    case errc::unauthenticated:
    case errc::token_revoked:
    case errc::token_expired:
      p.v1_text = "Not authorized";
      p.v1_intended = 401;
      return is(401, "Unauthorized");
    case errc::insufficient_scope:
    case errc::forbidden:
      p.v1_text = "Not authorized";
      p.v1_intended = 403;
      return is(403, "Forbidden");
    case errc::not_found:
      return missing_secret();
    case errc::conflict:
      return is(409, "Conflict");
    case errc::reveal_not_available:
      return is(422, "FormError");
    case errc::wrong_passphrase:
      p.text = "Incorrect passphrase";
      p.field = "passphrase";
      return is(422, "FormError");
    case errc::rate_limited:
      p.v1_text = "Rate limit exceeded. Please try again later.";
      if (p.text.empty()) p.text = too_many;
      return is(429, "LimitExceeded");
    case errc::full:
      return is(507, "StorageFull");
    case errc::busy:
    case errc::deadline_exceeded:
    case errc::outcome_unknown:
    case errc::storage_failed:
      return is(503, "ServerError");
    case errc::corrupt:
      // Nothing is lost by it: the secret stays where it is.
      p.text = "The secret cannot be decrypted at present. It has not been consumed.";
      return is(503, "SecretUndecryptable");
    case errc::unsupported:
    case errc::internal:
      p.text = inside;
      return is(500, "ServerError");
  }
  std::abort();
}

problem problem_of(const input_failure& f) {
  problem p;
  p.status = f.status;
  p.word = f.word;
  p.text = f.text;
  p.field = f.field;
  p.v1_text = f.v1_text;
  p.v1_intended = f.intended();
  return p;
}

problem missing_secret(std::string_view key) {
  problem p;
  p.status = 404;
  p.word = "MissingSecret";
  p.text = "Unknown secret";
  p.v1_intended = 0;
  p.v1_key = crypto::secure_bytes(key);
  return p;
}

problem no_such_route() {
  problem p;
  p.status = 404;
  p.word = "NotFound";
  p.text = "Not Found";
  p.v1_intended = 0;
  p.v1_member = "error";
  return p;
}

problem no_such_method() {
  problem p;
  p.status = 405;
  p.word = "MethodNotAllowed";
  p.text = "Method Not Allowed";
  p.v1_text = "Not Found";
  p.v1_intended = 405;
  p.v1_member = "error";
  return p;
}

problem guests_refused(std::string_view code) {
  problem p;
  p.status = 403;
  p.word = "GuestRoutesDisabled";
  p.text = "This is not open to guests here. Sign in with an account.";
  p.code = code;
  p.v1_text = "Not authorized";
  p.v1_intended = 403;
  return p;
}

void allow_origins(const call& c, response& r) {
  if (c.speaks != family::onetime_v2 || !(c.pattern.ends_with("/conceal") || c.pattern.ends_with("/generate"))) return;
  r.headers.push_back({"Access-Control-Allow-Origin", "*"});
}

response problem_response(const call& c, const problem& p) {
  auto r = c.speaks == family::onetime_v1 ? v1_response(p) : v2_response(p, c.req.id);
  allow_origins(c, r);
  if (p.status == 401) r.headers.push_back({"WWW-Authenticate", "Basic realm=\"nacre\", charset=\"UTF-8\""});
  return r;
}

void refuse(call_ptr c, const problem& p) {
  auto r = problem_response(*c, p);
  answer(std::move(c), std::move(r));
}

response refusal_of(const call& c, const error& e) { return problem_response(c, problem_of(e)); }

response limit_refusal_of(const call& c, const error& e, std::int64_t wait_s, std::uint32_t limit) {
  auto told = problem_of(e);
  told.retry_after_s = wait_s;
  told.attempts_max = limit;
  return problem_response(c, told);
}

response no_route_response(const call& c) { return problem_response(c, no_such_route()); }
response no_method_response(const call& c) { return problem_response(c, no_such_method()); }

response edge_refusal_v2(int status, std::string_view, std::string_view text, const request_id& id) {
  return v2_response(problem_of_edge(status, text), id);
}

response edge_refusal_v1(int status, std::string_view, std::string_view text, const request_id&) {
  return v1_response(problem_of_edge(status, text));
}

}  // namespace nacre::http::onetime

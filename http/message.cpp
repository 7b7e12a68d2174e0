#include <algorithm>
#include <exception>

#include "http/buffer.hpp"
#include "http/pending.hpp"
#include "http/text.hpp"

namespace nacre::http {

std::string_view name_of(method m) {
  switch (m) {
    case method::get:
      return "GET";
    case method::head:
      return "HEAD";
    case method::post:
      return "POST";
    case method::put:
      return "PUT";
    case method::patch:
      return "PATCH";
    case method::del:
      return "DELETE";
    case method::options:
      return "OPTIONS";
    case method::other:
      return "OTHER";
  }
  return "OTHER";
}

const std::string* request::find(std::string_view name) const {
  for (const header& h : headers)
    if (same_word(h.name, name)) return &h.value;
  return nullptr;
}

responder::~responder() {
  // A handler that forgets to answer is a defect, but the client must not pay for it with a timeout.
  if (pending_) pending_->answer(error_response(500, "internal", "The server could not answer this request."));
}

void responder::operator()(response r) && {
  if (auto waiting = std::move(pending_)) waiting->answer(std::move(r));
}

namespace {

class callback final : public detail::pending {
 public:
  explicit callback(std::function<void(response)> to) : to_(std::move(to)) {}
  void answer(response&& r) noexcept override { to_(std::move(r)); }

 private:
  std::function<void(response)> to_;
};

}  // namespace

responder make_responder(std::function<void(response)> to) {
  return responder{std::make_shared<callback>(std::move(to))};
}

response error_response(int status, std::string_view code, std::string_view text) {
  response r;
  r.status = status;
  r.headers = {
      {"Content-Type", "application/json"}, {"Cache-Control", "no-store"}, {"X-Content-Type-Options", "nosniff"}};
  // The texts are ours and hold nothing that JSON would have to escape.
  r.body.reserve(40 + 2 * text.size() + code.size());
  r.body.append(R"({"error":")").append(text).append(R"(","code":")").append(code);
  r.body.append(R"(","message":")").append(text).append(R"("})");
  return r;
}

void wipe_secret(response& r) noexcept {
  if (r.wipe) wipe(r.body);
}

std::string_view reason_of(int status) {
  switch (status) {
    case 100:
      return "Continue";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Content";
    case 423:
      return "Locked";
    case 428:
      return "Precondition Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 507:
      return "Insufficient Storage";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Unknown";
  }
}

}  // namespace nacre::http

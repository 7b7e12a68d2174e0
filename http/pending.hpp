#pragma once
// What a responder holds. Front ends and tests derive from it; a handler never sees it.

#include "http/server.hpp"

namespace nacre::http::detail {

class pending {
 public:
  pending() = default;
  pending(const pending&) = delete;
  pending& operator=(const pending&) = delete;
  virtual ~pending() = default;
  // Called at most once, from any thread. Drops the response if nobody waits for it any more.
  virtual void answer(response&& r) noexcept = 0;
};

}  // namespace nacre::http::detail

namespace nacre::http {

// A responder without a connection, to test handlers with.
responder make_responder(std::function<void(response)> to);

// The answer in nacre's error shape, {"error","code","message"}, that the server itself gives.
response error_response(int status, std::string_view code, std::string_view text);

std::string_view reason_of(int status);
// Wipes the body if it is marked as a secret.
void wipe_secret(response& r) noexcept;

}  // namespace nacre::http

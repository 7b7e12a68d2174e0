#pragma once
// How each family says that something went wrong. Which one speaks is decided by the path (family.hpp).

#include <cstdint>
#include <string_view>

#include "http/call.hpp"

namespace nacre::http {

struct voice {
  response (*error)(const call&, const nacre::error&);
  // 429: `wait_s` until the next try, of which `limit` are allowed. Headers are added by the caller.
  response (*limited)(const call&, const nacre::error&, std::int64_t wait_s, std::uint32_t limit);
  response (*no_route)(const call&);
  response (*no_method)(const call&);
  // Of the server itself, before there is a call; null: {"error","code","message"}.
  response (*edge)(int status, std::string_view code, std::string_view text, const request_id& id);
};

const voice& voice_of(family f);

// The statuses most families agree on.
int status_of(errc code);

}  // namespace nacre::http

#pragma once
// Bodies of our own management API: nobody but us defines them, so unknown fields are refused.

#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>

#include "http/call.hpp"
#include "http/json.hpp"

namespace nacre::http {

// The body as an object that has no other fields than these; answers for itself if it is not.
std::optional<json_document> body_of(call_ptr& c, std::span<const std::string_view> allowed);
inline std::optional<json_document> body_of(call_ptr& c, std::initializer_list<std::string_view> allowed) {
  return body_of(c, std::span(allowed.begin(), allowed.size()));
}

}  // namespace nacre::http

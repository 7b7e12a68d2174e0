#pragma once
// Whose words an answer uses, its errors above all. The path alone decides, so that also a path or a method
// nobody serves is refused in the shape its callers know.

#include <cstdint>
#include <string_view>

namespace nacre::http {

enum class family : std::uint8_t {
  native,          // Alephant tokens and nacre's own management: {"error","code","message"}
  onetime_v1,      // contracts/onetimesecret.md Part B
  onetime_v2,      // and Part A
  unleash,         // contracts/unleash-tokens.md
  service_tokens,  // contracts/gorules-service-tokens.md
};

family family_of(std::string_view path);

}  // namespace nacre::http

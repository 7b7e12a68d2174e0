#pragma once
// What a client sends for HTTP Basic (RFC 7617).

#include <string>

#include "crypto/jwt.hpp"

namespace nacre::test {

inline std::string basic(const std::string& user, const std::string& password) {
  auto text = crypto::base64url_encode(user + ":" + password);
  for (char& c : text) c = c == '-' ? '+' : c == '_' ? '/' : c;
  while (text.size() % 4 != 0) text.push_back('=');
  return "Basic " + text;
}

}  // namespace nacre::test

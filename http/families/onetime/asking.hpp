#pragma once
// Who is asking, by the head of a request: a machine that merely looks, an account. Pure; threads: any.

#include <string_view>

#include "crypto/secure_bytes.hpp"
#include "http/server.hpp"
#include "model/error.hpp"

namespace nacre::http::onetime {

// A look that must change nothing: HEAD, a link preview or crawler known by its User-Agent, a prefetch.
// Only of GET and HEAD: what posts has decided to.
bool mere_look(const request& r);

struct basic_credential {
  crypto::secure_bytes user, password;  // any printable UTF-8; either may be empty
};
// The Authorization field (RFC 7617). `unauthenticated` with the contract's word: AUTH_TYPE_INVALID for
// another scheme, CREDENTIALS_INVALID for what is no credential.
result<basic_credential> parse_basic(std::string_view header);

}  // namespace nacre::http::onetime

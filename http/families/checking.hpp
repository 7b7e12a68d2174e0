#pragma once
// Letting other services accept tokens issued here (DESIGN section 7): introspection by RFC 7662, and verify, which a
// proxy asks on behalf of a service it protects (nginx auth_request, Envoy ext_authz, Traefik ForwardAuth).
//
// Tokens of every family are taken. verify is its own credential: the token that is checked is the one in
// Authorization. It counts as a use of the token; introspection does not, it only looks.
//
// verify answers 200, 401 or 403 to what concerns the token, because these are what proxies understand, and 400 to a
// requirement it cannot read. It is not subject to the limit per address: a proxy asks for many clients. What fails
// counts as a failed authentication of the client (behind a trusted proxy: of its client); beyond that limit, tokens
// that could be guessed (imported ones, JWTs) are refused unseen, while what is issued here is still looked at, so that
// nobody locks out others who share their address.

#include <string_view>

#include "http/call.hpp"

namespace nacre::http::checking {

void introspect(call_ptr c);

// What must hold beside the token being good, from the query ("scope=read&project=web") or, where the query is the
// original request's, from X-Nacre-Require, which has the same form.
void verify(call_ptr c);

// "/api/v1/verify/and/the/original/path", as Envoy asks, is answered as the path without the rest. True if `path` is
// such a one; it is cut then.
bool cut_original_path(std::string& path);

}  // namespace nacre::http::checking

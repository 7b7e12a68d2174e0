#pragma once
// Onetime Secret v1: contracts/onetimesecret.md Part B. Wire <-> intents, nothing more; its objects are flat, with
// JSON's own types.
//
// Where the contract leaves it open:
// - A wrong or missing passphrase, and every way in which a secret can be gone, are one answer, byte by byte.
// - Whatever is not open to guests, or beyond a token's scopes, is "Not authorized" with the intended status 403;
// limits
//   are "Rate limit exceeded. ..." with Retry-After beside it. A method that a path does not have is an unknown route
//   with the intended status 405.
// - `secret_key` is empty and `secret_ttl` 0 once a secret has gone unread. `recent` goes by creation.
// - A value made up by v2 and not told yet is told by the first v1 read of its receipt, as generate's answer tells it.
// Ours beyond the contract, as in v2: an Idempotency-Key header with a reveal, DELETE on its path confirms; a HEAD, a
// link preview or a prefetch of a receipt changes nothing.

#include "http/call.hpp"

namespace nacre::http::onetime::v1 {

void status(call_ptr c);  // of authcheck too
void share(call_ptr c);
void generate(call_ptr c);
void reveal(call_ptr c);
void confirm(call_ptr c);
void show_receipt(call_ptr c);
void burn(call_ptr c);
void recent(call_ptr c);

}  // namespace nacre::http::onetime::v1

#pragma once
// Onetime Secret v2: contracts/onetimesecret.md Part A. Wire <-> intents, nothing more.
//
// Ours beyond the contract: an Idempotency-Key header with a reveal, and DELETE on its path (DESIGN section 6).
// A GET or HEAD consumes nothing, and changes nothing where it is a mere look (HEAD, a link preview, a prefetch);
// GET ...?continue=true reveals only if `compat.get_reveals` says so.

#include "http/call.hpp"

namespace nacre::http::onetime::v2 {

void conceal(call_ptr c);
void generate(call_ptr c);
void preflight(call_ptr c);
void show_secret(call_ptr c);
void reveal(call_ptr c);
void confirm(call_ptr c);
void secret_status(call_ptr c);   // 200 for an unknown one too
void secrets_status(call_ptr c);  // unknown ones are left out
void show_receipt(call_ptr c);
void change_receipt(call_ptr c);
void burn(call_ptr c);
void recent(call_ptr c);
void status(call_ptr c);
void version(call_ptr c);
void supported_locales(call_ptr c);

}  // namespace nacre::http::onetime::v2

#pragma once
// Alephant personal access tokens: contracts/alephant-pats.md, entire. Wire <-> model, nothing more.

#include "http/call.hpp"

namespace nacre::http::alephant {

void create_pat(call_ptr c);
void list_pats(call_ptr c);
void get_pat(call_ptr c);
void change_pat(call_ptr c);
void delete_pat(call_ptr c);          // 204
void revoke_pat(call_ptr c);          // the same as 200
void rotate_pat(call_ptr c);          // ours: a new token in place of this one; the old one stays good for a while
void reveal_pat(call_ptr c);          // with an Idempotency-Key it can be asked again for a while, at no cost
void confirm_pat_reveal(call_ptr c);  // the reader has it: 204, also when repeated
void import_pat(call_ptr c);          // ours: one hash-only row (DESIGN section 8)

}  // namespace nacre::http::alephant

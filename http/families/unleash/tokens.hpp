#pragma once
// One's own personal access tokens: contracts/unleash-tokens.md sections 1 to 5. Anybody who is somebody here may;
// a token of this family lists, makes and deletes its owner's.

#include "http/call.hpp"

namespace nacre::http::unleash {

void list_own_tokens(call_ptr c);
void create_own_token(call_ptr c);
void delete_own_token(call_ptr c);  // 200 without a body, whatever the id
void rotate_own_token(call_ptr c);  // ours: {"overlap"?, "untilFirstUse"?, "expiresAt"?}, token_fields.hpp

void who_am_i(call_ptr c);  // section 8

}  // namespace nacre::http::unleash

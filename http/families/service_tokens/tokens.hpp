#pragma once
// Tokens of service users and one's own: contracts/gorules-service-tokens.md sections 1 to 4. Each handler serves the
// path below /api/users/service/{userId} and the one without a user alike.

#include "http/call.hpp"

namespace nacre::http::service_tokens {

void list_tokens(call_ptr c);   // a bare array, in order of creation
void create_token(call_ptr c);  // 201 with `token`
void get_token(call_ptr c);
void delete_token(call_ptr c);      // 204
void regenerate_token(call_ptr c);  // 201 with `token`; the one before is dead
void rotate_token(call_ptr c);      // ours: the same, and the one before may live on for a while

}  // namespace nacre::http::service_tokens

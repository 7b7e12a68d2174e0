#pragma once
// Service users and users: contracts/gorules-service-tokens.md section 6.

#include "http/call.hpp"

namespace nacre::http::service_tokens {

void create_service_user(call_ptr c);  // 201
void list_users(call_ptr c);           // members first

}  // namespace nacre::http::service_tokens

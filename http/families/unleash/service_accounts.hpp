#pragma once
// Service accounts and their tokens: contracts/unleash-tokens.md section 7. For owners and admins. A service
// account is a service user of the workspace, and every service user is one, whichever family it was made in.

#include "http/call.hpp"

namespace nacre::http::unleash {

void list_accounts(call_ptr c);
void create_account(call_ptr c);
void change_account(call_ptr c);
void delete_account(call_ptr c);  // its tokens end with it

void list_account_tokens(call_ptr c);
void create_account_token(call_ptr c);
void delete_account_token(call_ptr c);  // 200 without a body, whatever the token's id
void rotate_account_token(call_ptr c);

}  // namespace nacre::http::unleash

#pragma once
// The objects of the service-user family: contracts/gorules-service-tokens.md sections 3 and 6.
//
// An organisation is a workspace. A member's type is their role; nobody here has a first or last name, is locked or
// disabled, or has roles beside the type, and no project is protected: those fields say so. Times have milliseconds.

#include <vector>

#include "crypto/secure_bytes.hpp"
#include "http/json.hpp"
#include "http/server.hpp"
#include "model/people.hpp"

namespace nacre::http::service_tokens {

// A token with what else its object shows.
struct token_view {
  model::pat_entry pat;
  model::person owner;
  std::vector<model::project_entry> projects;  // of the token that are there
};

// The fields of a user into an open object.
void write_user(json_writer& w, const model::person& p);
void write_token(json_writer& w, const token_view& t);

response one_token(const token_view& t);
// 201, wiped when sent: the only answers that hold a token.
response with_token(const token_view& t, const crypto::secure_bytes& token);

}  // namespace nacre::http::service_tokens

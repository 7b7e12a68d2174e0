#pragma once
// What answers of the Unleash family are made of (contracts/unleash-tokens.md sections 3, 7, 8): the order of the
// keys, integer ids, times with milliseconds. A description may be as long as a body.

#include <string>
#include <string_view>
#include <vector>

#include "crypto/secure_bytes.hpp"
#include "http/json.hpp"
#include "http/server.hpp"
#include "model/apply.hpp"
#include "model/policy.hpp"

namespace nacre::http::unleash {

// Whose tokens are spoken of.
struct token_holder {
  user_id id;
  std::uint64_t number = 0;
};

using tokens = std::vector<model::pat_entry>;

// application/json; charset=utf-8
response utf8_json(int status, std::string body);

// {"pats": [...]}
response list_of(const tokens& pats, const token_holder& of);
// The one answer that tells the token.
response with_secret(int status, const model::pat_entry& pat, const token_holder& of,
                     const crypto::secure_bytes& secret);

// "Admin" is 1, "Editor" 2, "Viewer" 3, as in every Unleash.
struct root_role {
  std::uint32_t id;
  std::string_view name, description;
};
const root_role* find_root_role(std::int64_t id);

struct service_account {
  user_id id;
  model::service_user_record record;
  tokens pats;
};
void write(json_writer& w, const service_account& of);
void write_root_roles(json_writer& w);  // an array

// The caller: {"user", "permissions", "feedback", "splash"}.
response caller(const model::standing& who, user_id id);

}  // namespace nacre::http::unleash

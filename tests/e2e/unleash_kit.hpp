#pragma once
// What tests of the Unleash family are made of: its paths, bodies and the shape of its errors.

#include <map>
#include <string>
#include <string_view>

#include "tests/e2e/kit.hpp"

namespace nacre::e2e::unleash {

inline constexpr std::string_view accounts = "/api/admin/service-account";

// "/api/admin/user/tokens", "/ID", "/ID/rotate".
std::string own(std::string_view id = {}, std::string_view action = {});
// The same below "/api/admin/service-account/ACCOUNT/token".
std::string of(std::string_view account, std::string_view id = {}, std::string_view action = {});
std::string id_of(const json_tree& object);

// A good body of a create; each change is a JSON text, "" leaves the field out.
std::string new_token(const std::map<std::string, std::string>& changes = {});
// 201; answers the object. Every token has a description of its own unless it is changed.
json_tree create(person& by, const std::string& path = own(), const std::map<std::string, std::string>& changes = {});
// A service account with this root role and a user name nobody has; answers its id.
std::string account(person& admin, int root_role = 2);

// The whole header is the token.
http_answer bare(const std::string& token, std::string_view verb, std::string_view target, std::string_view body = {});
// Someone with this token, as a bearer, and no X-Workspace-Id.
person bearer(const std::string& token);
int status_with(const std::string& token);

bool is_unleash_token(std::string_view text);
bool is_iso_time(std::string_view text);  // with milliseconds

void check_unleash_headers(const http_answer& a);
// {"id","name","message","details",...} as its status and name want it; the only detail answers.
json_tree check_problem(const http_answer& a, int status, std::string_view name);
// 400 for the shape of a request: where, and what was said.
void check_shape(const http_answer& a, std::string_view path, std::string_view text);
// 400 for what a request says.
void check_rule(const http_answer& a, std::string_view text);

}  // namespace nacre::e2e::unleash

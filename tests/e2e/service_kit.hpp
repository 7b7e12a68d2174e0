#pragma once
// What tests of the service-user family are made of: its paths, bodies and the shape of its errors.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tests/e2e/kit.hpp"

namespace nacre::e2e::service {

// "/api/personal-access-tokens", "/ID", "/ID/regenerate".
std::string own(std::string_view id = {}, std::string_view action = {});
// The same below "/api/users/service/USER".
std::string of(std::string_view user, std::string_view id = {}, std::string_view action = {});

// A good body of a create; each change is a JSON text, "" leaves the field out.
std::string new_token(const std::map<std::string, std::string>& changes = {});
// 201; answers the object.
json_tree create(person& by, const std::string& path, const std::map<std::string, std::string>& changes = {});
// A service user of this type; answers its id.
std::string service_user(person& admin, std::string_view type = "member");
std::string project(person& admin, const std::string& key);

// Someone with this token and no X-Workspace-Id.
person bearer(const std::string& token);

bool is_service_token(std::string_view text);
bool is_iso_time(std::string_view text);  // with milliseconds

// {"statusCode","message","error"} and nothing else, `message` a text, which answers.
std::string check_refusal(const http_answer& a, int status);
// The same with an array of texts, of a 400.
std::vector<std::string> check_complaints(const http_answer& a);

}  // namespace nacre::e2e::service

#include "tests/e2e/service_kit.hpp"

#include <regex>

namespace nacre::e2e::service {

namespace {

std::string below(std::string path, std::string_view id, std::string_view action) {
  path += "/personal-access-tokens";
  if (!id.empty()) path.append("/").append(id);
  if (!action.empty()) path.append("/").append(action);
  return path;
}

const char* reason_of(int status) {
  switch (status) {
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 409:
      return "Conflict";
    case 413:
      return "Payload Too Large";
    case 429:
      return "Too Many Requests";
    default:
      return "?";
  }
}

json_tree check_shape(const http_answer& a, int status) {
  check_json_headers(a);
  auto body = a.json();
  CHECK(body.keys() == keys{"statusCode", "message", "error"});
  CHECK(body["statusCode"].number() == status);
  CHECK(body["error"].text() == reason_of(status));
  if (status == 401) CHECK(a.header("WWW-Authenticate").starts_with("Bearer"));
  return body["message"];
}

}  // namespace

std::string own(std::string_view id, std::string_view action) { return below("/api", id, action); }
std::string of(std::string_view user, std::string_view id, std::string_view action) {
  return below("/api/users/service/" + std::string(user), id, action);
}

std::string new_token(const std::map<std::string, std::string>& changes) {
  std::map<std::string, std::string> fields{
      {"note", "\"a note\""}, {"permissions", "[]"}, {"allProjects", "true"}, {"expiry", "\"year\""}};
  for (const auto& [name, value] : changes) fields[name] = value;
  std::string out;
  for (const auto& [name, value] : fields)
    if (!value.empty()) out.append(out.empty() ? "{\"" : ",\"").append(name).append("\":").append(value);
  return out.empty() ? "{}" : out + "}";
}

json_tree create(person& by, const std::string& path, const std::map<std::string, std::string>& changes) {
  auto made = by.post(path, new_token(changes));
  INFO(made.body);
  REQUIRE(made.status == 201);
  return made.json();
}

std::string service_user(person& admin, std::string_view type) {
  auto made = admin.post("/api/users/service", R"({"email":"ci@example.com","type":")" + std::string(type) + R"("})");
  INFO(made.body);
  REQUIRE(made.status == 201);
  return made.json()["id"].text();
}

std::string project(person& admin, const std::string& key) {
  auto made = admin.post("/api/v1/workspaces/" + admin.workspace() + "/projects",
                         R"({"name":"Pricing","key":")" + key + R"(","version":"v2"})");
  INFO(made.body);
  REQUIRE(made.status == 201);
  return made.json()["data"]["id"].text();
}

person bearer(const std::string& token) { return {shared().port(), token, ""}; }

bool is_service_token(std::string_view text) {
  static const std::regex shape("nacre_pat_[0-9A-Za-z]{22}_[0-9A-Za-z]{49}");
  return std::regex_match(text.begin(), text.end(), shape);
}

bool is_iso_time(std::string_view text) {
  static const std::regex shape(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)");
  return std::regex_match(text.begin(), text.end(), shape);
}

std::string check_refusal(const http_answer& a, int status) {
  INFO(a.body);
  CHECK(a.status == status);
  if (a.status != status) return {};
  auto message = check_shape(a, status);
  CHECK_FALSE(message.text().empty());
  return message.text();
}

std::vector<std::string> check_complaints(const http_answer& a) {
  INFO(a.body);
  CHECK(a.status == 400);
  if (a.status != 400) return {};
  std::vector<std::string> out;
  auto message = check_shape(a, 400);
  for (const auto& text : message.items()) out.push_back(text.text());
  CHECK_FALSE(out.empty());
  return out;
}

}  // namespace nacre::e2e::service

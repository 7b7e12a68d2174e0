#include "tests/e2e/unleash_kit.hpp"

#include <regex>

namespace nacre::e2e::unleash {

namespace {

std::string below(std::string path, std::string_view id, std::string_view action) {
  if (!id.empty()) path.append("/").append(id);
  if (!action.empty()) path.append("/").append(action);
  return path;
}

bool is_uuid_v4(std::string_view text) {
  return is_uuid(text) && text[14] == '4' && std::string_view("89ab").find(text[19]) != std::string_view::npos;
}

}  // namespace

std::string own(std::string_view id, std::string_view action) { return below("/api/admin/user/tokens", id, action); }
std::string of(std::string_view account, std::string_view id, std::string_view action) {
  return below(std::string(accounts) + "/" + std::string(account) + "/token", id, action);
}
std::string id_of(const json_tree& object) { return std::to_string(object["id"].number()); }

std::string new_token(const std::map<std::string, std::string>& changes) {
  std::map<std::string, std::string> fields{{"description", "\"" + new_uuid() + "\""},
                                            {"expiresAt", "\"2099-01-02T03:04:05Z\""}};
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

std::string account(person& admin, int root_role) {
  auto made = admin.post(
      accounts, R"({"username":")" + new_uuid() + R"(","name":"CI","rootRole":)" + std::to_string(root_role) + "}");
  INFO(made.body);
  REQUIRE(made.status == 201);
  return id_of(made.json());
}

http_answer bare(const std::string& token, std::string_view verb, std::string_view target, std::string_view body) {
  header_list headers{{"Authorization", token}};
  if (!body.empty()) headers.emplace_back("Content-Type", "application/json");
  return http_client(shared().port()).send(verb, target, headers, body);
}
person bearer(const std::string& token) { return {shared().port(), token, ""}; }
int status_with(const std::string& token) { return bare(token, "GET", own()).status; }

bool is_unleash_token(std::string_view text) {
  static const std::regex shape("user:[0-9a-f]{56}");
  return std::regex_match(text.begin(), text.end(), shape);
}

bool is_iso_time(std::string_view text) {
  static const std::regex shape(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)");
  return std::regex_match(text.begin(), text.end(), shape);
}

void check_unleash_headers(const http_answer& a) {
  CHECK(a.header("Content-Type") == "application/json; charset=utf-8");
  CHECK(a.header("Cache-Control") == "no-store");
  CHECK(a.header("X-Content-Type-Options") == "nosniff");
  CHECK(is_uuid(a.header("X-Request-Id")));
}

json_tree check_problem(const http_answer& a, int status, std::string_view name) {
  INFO(a.body);
  REQUIRE(a.status == status);
  check_unleash_headers(a);
  auto body = a.json();
  keys wanted{"id", "name", "message", "details"};
  if (name == "PermissionError") wanted.push_back("permissions");
  if (name == "AuthenticationRequired") wanted.insert(wanted.end(), {"path", "type", "defaultHidden"});
  CHECK(body.keys() == wanted);
  CHECK(is_uuid_v4(body["id"].text()));
  CHECK(body["id"].text() == a.header("X-Request-Id"));
  CHECK(body["name"].text() == name);
  CHECK_FALSE(body["message"].text().empty());
  REQUIRE(body["details"].size() == 1);
  auto detail = body["details"][0];
  CHECK_FALSE(detail["message"].text().empty());
  bool of_shape = detail.find("path") != nullptr;
  CHECK(detail.keys() == (of_shape ? keys{"message", "path"} : keys{"message"}));
  if (status == 401) CHECK(a.header("WWW-Authenticate").starts_with("Bearer"));
  if (name == "PermissionError") CHECK(body["permissions"][0].text() == "ADMIN");
  return detail;
}

void check_shape(const http_answer& a, std::string_view path, std::string_view text) {
  auto detail = check_problem(a, 400, "BadDataError");
  CHECK(a.json()["message"].text() ==
        "Request validation failed: your request body or params contain invalid data. Refer to the `details` list for "
        "more information.");
  CHECK(detail["path"].text() == path);
  CHECK(detail["message"].text() == text);
}

void check_rule(const http_answer& a, std::string_view text) {
  auto detail = check_problem(a, 400, "BadDataError");
  CHECK(a.json()["message"].text() ==
        "Request validation failed: your request body or params contain invalid data: " + std::string(text));
  CHECK(detail["message"].text() == text);
}

}  // namespace nacre::e2e::unleash

#include "tests/e2e/kit.hpp"

#include <algorithm>
#include <regex>

#include "crypto/digest.hpp"
#include "crypto/jwt.hpp"
#include "crypto/random.hpp"
#include "model/time.hpp"

namespace nacre::e2e {

std::string new_uuid() { return to_string(crypto::random_uuid()); }

bool is_uuid(std::string_view text) {
  static const std::regex shape("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}");
  return std::regex_match(text.begin(), text.end(), shape);
}

bool is_time(std::string_view text) {
  static const std::regex shape(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z)");
  return std::regex_match(text.begin(), text.end(), shape);
}

bool is_token(std::string_view text) {
  static const std::regex shape("pat_ws[0-9a-f]{6}_[0-9a-f]{64}");
  return std::regex_match(text.begin(), text.end(), shape);
}

std::string hex_sha256(std::string_view text) {
  auto digest = crypto::sha256(text);
  return crypto::to_hex(crypto::view(digest));
}

std::string rfc3339_in(std::int64_t seconds) {
  return format_rfc3339(timestamp{(system_clock{}.now().value() / 1000 + seconds) * 1000});
}

std::string mint(const std::filesystem::path& data, const claim& c) {
  auto given = [](const std::string& text) { return text.empty() ? std::nullopt : std::optional(text); };
  crypto::mint_request what{c.user,         given(c.workspace),      given(c.role),
                            given(c.email), given(c.workspace_name), c.seconds};
  auto token = crypto::mint_dev_token(data, what, timestamp{system_clock{}.now().value() + c.shift_s * 1000});
  if (!token) throw std::runtime_error("mint: " + token.error().text);
  return *token;
}

http_answer person::send(std::string_view verb, std::string_view target, std::string_view body,
                         const header_list& more) {
  header_list headers;
  if (!credential_.empty()) headers.emplace_back("Authorization", "Bearer " + credential_);
  if (!workspace_.empty()) headers.emplace_back("X-Workspace-Id", workspace_);
  bool typed = std::any_of(more.begin(), more.end(), [](const auto& h) { return h.first == "Content-Type"; });
  if (!body.empty() && !typed) headers.emplace_back("Content-Type", "application/json");
  headers.insert(headers.end(), more.begin(), more.end());
  return client_->send(verb, target, headers, body);
}

json_tree person::new_pat(std::string_view fields) {
  auto made = post("/api/v1/pats", "{" + std::string(fields) + "}");
  INFO(made.body);
  REQUIRE(made.status == 201);
  return made.json()["data"];
}

installation::installation(node_process::options o) : node_(std::move(o)) {
  if (!node_.start()) throw std::runtime_error("the node did not become ready: " + node_.errors());
}

void installation::restart() {
  REQUIRE(node_.stop() == 0);
  REQUIRE(node_.start());
}

person installation::someone(const std::string& user, const std::string& workspace, std::string_view role) {
  return {port(), token({user, workspace, std::string(role)}), workspace, user};
}

person installation::join(const std::string& workspace, std::string_view role, std::string_view name) {
  auto user = new_uuid();
  claim c{user, workspace, std::string(role)};
  c.workspace_name = name;
  person joined(port(), token(c), workspace, user);
  REQUIRE(joined.get("/api/v1/me").status == 200);
  return joined;
}

person installation::stranger(const std::string& workspace) {
  auto user = new_uuid();
  return {port(), token({user}), workspace, user};
}

installation& shared() {
  static installation one;
  return one;
}

team::team(installation& on, std::string_view name)
    : owner(on.join(workspace, "owner", name)),
      admin(on.join(workspace, "admin")),
      member(on.join(workspace, "member")),
      other(on.join(workspace, "member")) {}

std::string check_error(const http_answer& a, int status, std::string_view code) {
  INFO(a.body);
  CHECK(a.status == status);
  if (a.status != status) return {};
  check_json_headers(a);
  auto body = a.json();
  if (status >= 500)
    CHECK(body.keys() == keys{"error", "code", "message", "error_id"});
  else
    CHECK(body.keys() == keys{"error", "code", "message"});
  CHECK(body["code"].text() == code);
  CHECK(body["error"].text() == body["message"].text());
  CHECK_FALSE(body["message"].text().empty());
  if (status == 401) CHECK(a.header("WWW-Authenticate").starts_with("Bearer"));
  return body["message"].text();
}

void check_json_headers(const http_answer& a) {
  CHECK(a.header("Content-Type") == "application/json");
  CHECK(a.header("Cache-Control") == "no-store");
  CHECK(a.header("X-Content-Type-Options") == "nosniff");
  CHECK(is_uuid(a.header("X-Request-Id")));
}

std::vector<json_tree> audit_of(person& admin) {
  std::vector<json_tree> out;
  for (;;) {
    auto page = admin.get("/api/v1/audit?limit=1000&after=" + std::to_string(out.size()));
    INFO(page.body.substr(0, 200));
    REQUIRE(page.status == 200);
    auto body = page.json();
    for (const auto& entry : body["data"].items()) out.push_back(entry);
    if (body["data"].size() < 1000) return out;
  }
}

std::string pat_path(std::string_view id, std::string_view action) {
  std::string out = "/api/v1/pats/" + std::string(id);
  if (!action.empty()) out.append("/").append(action);
  return out;
}

}  // namespace nacre::e2e

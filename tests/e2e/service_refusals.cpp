// The table of errors of contracts/gorules-service-tokens.md, row by row over real HTTP.

#include "tests/e2e/service_kit.hpp"
#include "tests/support/basic.hpp"

using namespace nacre::e2e;
using namespace nacre::e2e::service;

namespace {

const std::string note_text = "note must be a string";
const std::string note_short = "note must be longer than or equal to 1 characters";
const std::string note_long = "note must be shorter than or equal to 100 characters";
const std::string permissions_array = "permissions must be an array";
const std::string permissions_names =
    "each value in permissions must be one of the following values: owner, documents, releases, releases:manage, "
    "releases:deploy, releases:delete, integrations:manage, documents:full, documents:view-content, "
    "documents:edit-content, documents:edit-view, branches, branches:create, branches:merge, branches:delete, "
    "project:manage, environments, environments:manage, environments:delete";
const std::string all_projects = "allProjects must be a boolean value";
const std::string expiry = "expiry must be one of the following values: week, month, three_months, year, indefinite";
const std::string projects_array = "projects must be an array";
const std::string projects_uuid = "each value in projects must be a UUID";
const std::string projects_there = "each value in projects must be a project of the organisation";

std::string chars(std::size_t n, std::string_view each = "a") {
  std::string out = "\"";
  while (n-- > 0) out += each;
  return out + '"';
}

std::size_t tokens_of(person& who, const std::string& path) { return who.get(path).json().size(); }

}  // namespace

TEST_CASE("a bad body of a create is 400 with every complaint, and nothing is made", "[service]") {
  team t(shared());
  auto user = service_user(t.admin);
  team elsewhere(shared());
  auto foreign = project(elsewhere.admin, "foreign");
  struct row {
    std::map<std::string, std::string> changes;
    std::vector<std::string> complaints;
  };
  const std::map<std::string, std::string> some{{"allProjects", "false"}};
  auto projects = [&](const std::string& list) {
    auto out = some;
    out["projects"] = list;
    return out;
  };
  const row rows[] = {
      {{{"note", ""}}, {note_text}},
      {{{"note", "null"}}, {note_text}},
      {{{"note", "1"}}, {note_text}},
      {{{"note", "[\"a\"]"}}, {note_text}},
      {{{"note", "\"\""}}, {note_short}},
      {{{"note", chars(101)}}, {note_long}},
      {{{"note", chars(101, "é")}}, {note_long}},
      {{{"note", chars(20'000)}}, {note_long}},
      {{{"note", "\"a\\nb\""}}, {"note must not contain control characters"}},
      {{{"note", "\"a\\u0000\""}}, {"note must not contain control characters"}},
      {{{"permissions", ""}}, {permissions_array}},
      {{{"permissions", "null"}}, {permissions_array}},
      {{{"permissions", "\"owner\""}}, {permissions_array}},
      {{{"permissions", "{}"}}, {permissions_array}},
      {{{"permissions", "[\"root\"]"}}, {permissions_names}},
      {{{"permissions", "[\"owner\",\"Owner\"]"}}, {permissions_names}},
      {{{"permissions", "[\"releases:\"]"}}, {permissions_names}},
      {{{"permissions", "[\"releases:*\"]"}}, {permissions_names}},
      {{{"permissions", "[\"\"]"}}, {permissions_names}},
      {{{"permissions", "[1]"}}, {permissions_names}},
      {{{"permissions", "[null]"}}, {permissions_names}},
      {{{"permissions", "[[\"owner\"]]"}}, {permissions_names}},
      {{{"allProjects", ""}}, {all_projects}},
      {{{"allProjects", "null"}}, {all_projects}},
      {{{"allProjects", "\"true\""}}, {all_projects}},
      {{{"allProjects", "1"}}, {all_projects}},
      {{{"expiry", ""}}, {expiry}},
      {{{"expiry", "null"}}, {expiry}},
      {{{"expiry", "\"custom\""}}, {expiry}},
      {{{"expiry", "\"Week\""}}, {expiry}},
      {{{"expiry", "\"weeks\""}}, {expiry}},
      {{{"expiry", "7"}}, {expiry}},
      {{{"expiry", "\"2090-01-01T00:00:00Z\""}}, {expiry}},
      {projects("\"x\""), {projects_array}},
      {projects("{}"), {projects_array}},
      {projects("[1]"), {projects_uuid}},
      {projects("[null]"), {projects_uuid}},
      {projects("[\"x\"]"), {projects_uuid}},
      {projects("[{}]"), {projects_uuid}},
      {projects("[{\"id\":\"x\"}]"), {projects_uuid}},
      {projects("[\"" + new_uuid() + "\"]"), {projects_there}},
      {projects("[{\"id\":\"" + new_uuid() + "\"}]"), {projects_there}},
      {projects("[\"" + foreign + "\"]"), {projects_there}},
      {projects("[\"00000000-0000-0000-0000-000000000000\"]"), {projects_there}},
      {{{"maxUses", "0"}}, {"maxUses must be a whole number between 1 and 1000000000 or null"}},
      {{{"notBefore", "\"tomorrow\""}}, {"notBefore must be an RFC 3339 date-time or null"}},
      {{{"allowedNetworks", "\"10.0.0.0/8\""}},
       {"allowedNetworks must be an array of at most 32 IP addresses or networks such as 10.0.0.0/8"}},
      {{{"note", ""}, {"permissions", "1"}, {"allProjects", ""}, {"expiry", ""}, {"projects", "1"}},
       {note_text, permissions_array, all_projects, expiry, projects_array}},
      {{{"note", chars(101)}, {"permissions", "[\"x\"]"}, {"maxUses", "-1"}},
       {note_long, permissions_names, "maxUses must be a whole number between 1 and 1000000000 or null"}},
  };
  auto before = audit_of(t.owner).size();
  for (const auto& [path, by] : {std::pair{of(user), &t.admin}, std::pair{own(), &t.owner}}) {
    for (const auto& r : rows) {
      auto body = new_token(r.changes);
      INFO(path << " " << body.substr(0, 200));
      CHECK(check_complaints(by->post(path, body)) == r.complaints);
    }
    CHECK(tokens_of(*by, path) == 0);
  }
  CHECK(audit_of(t.owner).size() == before);
  // The longest that is allowed, counted in code points, and what merely looks odd.
  for (const auto& note : {chars(100), chars(100, "é"), chars(100, "\\uD83D\\uDE00"), chars(1), chars(1, " ")})
    CHECK(t.owner.post(own(), new_token({{"note", note}, {"unknown", "[{}]"}})).status == 201);
}

TEST_CASE("a body that is no JSON object is 400 on every route that takes one", "[service]") {
  team t(shared());
  auto user = service_user(t.admin);
  auto id = create(t.admin, of(user))["id"].text(), mine = create(t.admin, own())["id"].text();
  for (const auto& path : {of(user), of(user, id, "regenerate"), of(user, id, "rotate"), own(), own(mine, "regenerate"),
                           own(mine, "rotate"), std::string("/api/users/service")}) {
    INFO(path);
    for (const char* body : {"[]", "null", "1", "\"x\"", "{", "{}}", "{} {}", "{\"a\":1,\"a\":1}", "\xff", "nul"})
      CHECK(check_complaints(t.admin.post(path, body)).size() == 1);
    for (const char* type : {"text/plain", "application/x-www-form-urlencoded", "text/json", "application"})
      CHECK(check_complaints(t.admin.send("POST", path, R"({"expiry":"week"})", {{"Content-Type", type}})) ==
            std::vector<std::string>{"The body must be application/json"});
    auto large = t.admin.post(path, std::string(32 * 1024 + 1, ' '));
    CHECK(large.status == 413);
    CHECK(large.json().keys() == keys{"statusCode", "message", "error"});
  }
  CHECK(tokens_of(t.admin, of(user)) == 1);
  CHECK(t.admin.send("POST", own(), new_token(), {{"Content-Type", "Application/JSON; charset=utf-8"}}).status == 201);
}

TEST_CASE("a regeneration asks for an expiry in words", "[service]") {
  team t(shared());
  auto made = create(t.member, own());
  auto at = own(made["id"].text(), "regenerate");
  for (const char* body : {"", "{}", R"({"expiry":null})", R"({"expiry":"custom"})", R"({"expiry":1})",
                           R"({"expiresAt":"2090-01-01T00:00:00Z"})"})
    CHECK(check_complaints(t.member.post(at, body)) == std::vector{expiry});
  CHECK(bearer(made["token"].text()).get(own()).status == 200);
  // What else is sent is ignored.
  auto after = t.member.post(at, R"({"expiry":"week","note":"other","permissions":["owner"]})");
  REQUIRE(after.status == 201);
  CHECK(after.json()["note"] == made["note"]);
  CHECK(after.json()["permissions"].size() == 0);
}

TEST_CASE("a rotation asks for an overlap within bounds and a key that is one", "[service]") {
  team t(shared());
  auto made = create(t.member, own());
  auto at = own(made["id"].text(), "rotate");
  for (const char* body :
       {R"({"overlap":-1})", R"({"overlap":2592001})", R"({"overlap":"1"})", R"({"overlap":1.5})",
        R"({"untilFirstUse":1})", R"({"expiresAt":"week"})", R"({"expiresAt":"2020-01-01T00:00:00Z"})"}) {
    INFO(body);
    CHECK(check_complaints(t.member.post(at, body)).size() == 1);
  }
  for (const char* key : {"short", "fifteen-letters"})
    CHECK(check_complaints(t.member.send("POST", at, "", {{"Idempotency-Key", key}})).size() == 1);
  CHECK(bearer(made["token"].text()).get(own()).status == 200);
}

TEST_CASE("an id in the path that is no UUID is 400 before anything else of the caller is asked", "[service]") {
  team t(shared());
  auto user = service_user(t.admin);
  const std::string id = new_uuid();
  for (const char* bad : {"1", "x", "NULL", "undefined", "00000000-0000-0000-0000-00000000000g",
                          "00000000-0000-0000-0000-0000000000000", "99999999999999999999999999", "null-null"}) {
    INFO(bad);
    for (auto* by : {&t.admin, &t.member}) {
      CHECK(check_refusal(by->get(of(bad)), 400) == "userId must be a UUID or null");
      CHECK(check_refusal(by->post(of(bad), "{"), 400) == "userId must be a UUID or null");
      CHECK(check_refusal(by->del(of(bad, "x")), 400) == "userId must be a UUID or null");
      for (const auto& path : {of(user, bad), of("null", bad), own(bad)}) {
        CHECK(check_refusal(by->get(path), 400) == "patId must be a UUID");
        CHECK(check_refusal(by->del(path), 400) == "patId must be a UUID");
        CHECK(check_refusal(by->post(path + "/regenerate", "{"), 400) == "patId must be a UUID");
        CHECK(check_refusal(by->post(path + "/rotate", "{"), 400) == "patId must be a UUID");
      }
    }
  }
  check_refusal(t.admin.get(own("null")), 400);
  // Upper case names the same.
  auto upper = id;
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  check_refusal(t.admin.get(own(upper)), 404);
}

TEST_CASE("no credential but a token of this family or a JWT is one: 401", "[service]") {
  team t(shared());
  auto user = service_user(t.admin);
  auto made = create(t.admin, of(user), {{"permissions", "[\"owner\"]"}});
  const auto& token = made["token"].text();
  auto tampered = token;
  tampered[40] = tampered[40] == 'a' ? 'b' : 'a';
  const auto alephant = t.admin.new_pat(R"("name":"a","scopes":["admin"])")["token"].text();
  const header_list rows[] = {
      {},
      {{"Authorization", ""}},
      {{"Authorization", token}},  // only Unleash's may come bare
      {{"Authorization", "Bearer"}},
      {{"Authorization", "Bearer  " + token}},
      {{"Authorization", "Token " + token}},
      {{"Authorization", "Basic " + nacre::crypto::base64url_encode("a:" + token)}},
      {{"Authorization", "Bearer " + tampered}},
      {{"Authorization", "Bearer " + token.substr(0, 81)}},
      {{"Authorization", "Bearer " + token + "0"}},
      {{"Authorization", "Bearer nacre_pat_"}},
      {{"Authorization", "Bearer " + alephant}},
      {{"X-Access-Token", token}},
      {{"X-Access-Token", t.admin.credential()}},
      {{"X-API-Key", token}},
      {{"Cookie", "token=" + token}},
  };
  http_client c(shared().port());
  for (const auto& headers : rows) {
    INFO((headers.empty() ? "none" : headers[0].first + ": " + headers[0].second));
    for (const auto& path : {of(user), own(), of("x"), of(new_uuid(), "x"), std::string("/api/users")})
      CHECK(check_refusal(c.send("GET", path, headers), 401) == "Unauthorized");
  }
  // And a token of this family opens no other.
  person out(shared().port(), token, t.workspace);
  check_error(out.get("/api/v1/pats"), 401, "unauthorized");
  check_error(out.get("/api/v1/me"), 401, "unauthorized");
  CHECK(out.get("/api/users").status == 200);
}

TEST_CASE("only owners and admins come to service users: 403 before a user is looked for", "[service]") {
  team t(shared());
  auto user = service_user(t.admin);
  auto id = create(t.admin, of(user))["id"].text();
  auto weak = bearer(create(t.member, own(), {{"permissions", "[\"documents\"]"}})["token"].text());
  auto service = bearer(create(t.admin, of(user), {{"permissions", "[\"releases\"]"}})["token"].text());
  auto stranger = shared().stranger(t.workspace);
  for (auto* by : {&t.member, &weak, &service, &stranger}) {
    for (const auto& whom : {user, new_uuid(), t.admin.user()}) {
      check_refusal(by->get(of(whom)), 403);
      check_refusal(by->post(of(whom), "{"), 403);
      check_refusal(by->get(of(whom, id)), 403);
      check_refusal(by->del(of(whom, id)), 403);
      check_refusal(by->post(of(whom, id, "regenerate"), "{"), 403);
      check_refusal(by->post(of(whom, id, "rotate"), "{"), 403);
    }
    check_refusal(by->post("/api/users/service", "{"), 403);
  }
  CHECK(t.admin.get(of(user)).json().size() == 2);
}

TEST_CASE("an admin makes no token of an owner", "[service]") {
  team t(shared());
  auto mighty = service_user(t.owner, "owner");
  check_refusal(t.admin.post(of(mighty), new_token()), 403);
  auto made = create(t.owner, of(mighty));
  check_refusal(t.admin.post(of(mighty, made["id"].text(), "regenerate"), R"({"expiry":"week"})"), 403);
  CHECK(bearer(made["token"].text()).get(own()).status == 200);
}

TEST_CASE("what is not there, or not theirs, is 404 before the body is read", "[service]") {
  team t(shared());
  team elsewhere(shared());
  auto user = service_user(t.admin), another = service_user(t.admin);
  auto id = create(t.admin, of(user))["id"].text(), mine = create(t.admin, own())["id"].text();
  auto foreign_user = service_user(elsewhere.admin);
  auto foreign = create(elsewhere.admin, of(foreign_user))["id"].text();
  auto pat = t.admin.new_pat()["id"].text();  // of another family
  for (const auto& whom : {new_uuid(), t.member.user(), t.admin.user(), foreign_user,
                           std::string("00000000-0000-0000-0000-000000000000")}) {
    INFO(whom);
    CHECK(check_refusal(t.admin.get(of(whom)), 404) == "Service user not found");
    check_refusal(t.admin.post(of(whom), "{"), 404);
    check_refusal(t.admin.get(of(whom, id)), 404);
  }
  for (const auto& path : {of(another, id), of(user, new_uuid()), of(user, mine), of(user, foreign), of(user, pat),
                           of("null", id), own(id), own(foreign), own(pat), own(new_uuid())}) {
    INFO(path);
    CHECK(check_refusal(t.admin.get(path), 404) == "Personal access token not found");
    check_refusal(t.admin.post(path + "/regenerate", "{"), 404);
    check_refusal(t.admin.post(path + "/rotate", "{"), 404);
    check_refusal(t.admin.del(path), 404);
  }
  check_refusal(t.owner.get(own(mine)), 404);
  CHECK(t.admin.get(of(user, id)).status == 200);
  CHECK(t.admin.get(own(mine)).status == 200);
  CHECK(t.admin.get(pat_path(pat)).status == 200);
}

TEST_CASE("a path or a method that is not served is 404, never a redirect", "[service]") {
  team t(shared());
  auto user = service_user(t.admin);
  auto id = create(t.admin, of(user))["id"].text();
  const std::pair<const char*, std::string> rows[] = {
      {"PUT", of(user, id)},
      {"PATCH", of(user, id)},
      {"POST", of(user, id)},
      {"PUT", of(user)},
      {"PATCH", of(user)},
      {"DELETE", of(user)},
      {"GET", of(user, id, "regenerate")},
      {"PUT", of(user, id, "regenerate")},
      {"POST", of(user, id, "reveal")},
      {"PUT", own(id)},
      {"PATCH", own(id)},
      {"DELETE", own()},
      {"OPTIONS", own()},
      {"GET", own() + "/"},
      {"GET", of(user) + "/"},
      {"GET", of("")},
      {"GET", "/api/users/"},
      {"GET", "/api/users/service"},
      {"GET", "/api/users/" + user},
      {"DELETE", "/api/users/service/" + user},
      {"POST", "/api/users"},
      {"POST", "/api/users/service/" + user},
      {"GET", "/api/personal-access-tokens/" + id + "/x/y"},
  };
  for (const auto& [verb, path] : rows) {
    INFO(verb << " " << path);
    CHECK(check_refusal(t.admin.send(verb, path, std::string_view(verb) == "GET" ? "" : "{}"), 404) == "Not Found");
  }
  CHECK(t.admin.get(of(user, id)).status == 200);
}

TEST_CASE("another workspace is entered by nobody, and need not be named", "[service]") {
  team t(shared());
  team elsewhere(shared());
  auto user = service_user(t.admin);
  auto made = create(t.admin, of(user), {{"permissions", "[\"owner\"]"}});
  auto service = bearer(made["token"].text());
  for (auto by : {service.in(elsewhere.workspace), t.admin.in(elsewhere.workspace)}) {
    check_refusal(by.get(of(user)), 403);
    check_refusal(by.get(own()), 403);
    check_refusal(by.post(own(), new_token()), 403);
    check_refusal(by.get("/api/users"), 403);
  }
  for (const char* bad : {"x", "null", "00000000-0000-0000-0000-000000000000"}) {
    check_refusal(service.in(bad).get(own()), 400);
    check_refusal(t.admin.in(bad).get(own()), 400);
  }
  CHECK(service.in(t.workspace).get(own()).status == 200);
  CHECK(service.get(own()).status == 200);
  CHECK(t.admin.in("").get(of(user)).status == 200);
  // A JWT that names no workspace: the only one its user belongs to, and to be named if there are several.
  person plain(shared().port(), shared().token({t.member.user()}), "");
  CHECK(plain.get(own()).status == 200);
  CHECK(elsewhere.owner
            .put("/api/v1/workspaces/" + elsewhere.workspace + "/members/" + t.member.user(), R"({"role":"member"})")
            .status == 200);
  check_refusal(plain.get(own()), 400);
  CHECK(plain.in(elsewhere.workspace).get(own()).status == 200);
  check_refusal(shared().stranger("").get(own()), 403);
}

TEST_CASE("a family that is switched off is not there", "[service]") {
  installation off({{"--set", "families.service_tokens=false"}, {}, {}, {}});
  team t(off);
  for (const auto& path : {own(), of("null"), std::string("/api/users")}) {
    check_refusal(t.admin.get(path), 404);
    check_refusal(person(off.port(), "", "").get(path), 404);
  }
  CHECK(t.admin.get("/api/v1/pats").status == 200);
}

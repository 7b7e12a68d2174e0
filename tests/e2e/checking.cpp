// Tokens checked for other services, over the wire: introspection (RFC 7662), and verify as nginx, Envoy and Traefik
// ask it.

#include <atomic>
#include <thread>

#include "model/time.hpp"
#include "tests/e2e/kit.hpp"
#include "tests/e2e/service_kit.hpp"
#include "tests/e2e/unleash_kit.hpp"

using namespace nacre::e2e;

namespace {

constexpr const char* introspect = "/api/v1/introspect";
constexpr const char* verify = "/api/v1/verify";
const header_list a_form = {{"Content-Type", "application/x-www-form-urlencoded"}};

http_answer look(person& by, std::string_view token, std::string_view more = {}) {
  return by.send("POST", introspect, "token=" + std::string(token) + std::string(more), a_form);
}

void check_inactive(const http_answer& a) {
  CHECK(a.status == 200);
  check_json_headers(a);
  CHECK(a.body == R"({"active":false})");
}

http_answer check(std::uint16_t port, std::string_view token, std::string_view query = {},
                  std::string_view verb = "GET") {
  http_client c(port);
  header_list headers;
  if (!token.empty()) headers.emplace_back("Authorization", "Bearer " + std::string(token));
  return c.send(verb, std::string(verify) + (query.empty() ? "" : "?") + std::string(query), headers);
}

int status_of(std::string_view token, std::string_view query = {}) {
  auto a = check(shared().port(), token, query);
  INFO(a.body);
  if (a.status == 200) {
    CHECK(a.body.empty());
    CHECK(a.header("Cache-Control") == "no-store");
  }
  return a.status;
}

std::string made(person& by, std::string_view fields) { return by.new_pat(fields)["token"].text(); }

std::string made_project(person& admin, std::string_view key) {
  auto a = admin.post("/api/v1/workspaces/" + admin.workspace() + "/projects",
                      R"({"name":"P","key":")" + std::string(key) + R"(","version":"1"})");
  REQUIRE(a.status == 201);
  return a.json()["data"]["id"].text();
}

struct asked {
  const char* query;
  int status;
};

}  // namespace

// ---- introspection -----------------------------------------------------------------------------------

TEST_CASE("introspection tells of a good token what RFC 7662 has words for", "[introspect]") {
  team t(shared());
  auto pat = t.member.new_pat(R"("name":"a","scopes":["write"],"expiresAt":"2090-01-01T00:00:00Z",)"
                              R"("notBefore":"2020-01-01T00:00:00Z")");
  auto answer = look(t.owner, pat["token"].text(), "&token_type_hint=access_token&something=else");
  REQUIRE(answer.status == 200);
  check_json_headers(answer);
  auto said = answer.json();
  CHECK(said.keys() ==
        keys{"active", "scope", "sub", "client_id", "jti", "token_type", "iat", "exp", "nbf", "workspace_id", "iss"});
  CHECK(said["active"].flag());
  CHECK(said["scope"].text() == "read write");
  CHECK(said["sub"].text() == t.member.user());
  CHECK(said["client_id"].text() == pat["id"].text());
  CHECK(said["jti"].text() == pat["id"].text());
  CHECK(said["token_type"].text() == "Bearer");
  CHECK(said["workspace_id"].text() == t.workspace);
  CHECK(answer.body.find(R"("exp":3786912000,)") != std::string::npos);
  CHECK(answer.body.find(R"("nbf":1577836800,)") != std::string::npos);
  CHECK(answer.body.find(R"("iat":1)") != std::string::npos);
}

TEST_CASE("introspection leaves out what a token does not have, and names a user whose address is known",
          "[introspect]") {
  team t(shared());
  auto user = new_uuid();
  claim c{user, t.workspace, "member"};
  c.email = "pearl@example.org";
  person named(shared().port(), shared().token(c), t.workspace, user);
  REQUIRE(named.get("/api/v1/me").status == 200);
  auto said = look(t.owner, made(named, R"("name":"a")")).json();
  CHECK(said.keys() ==
        keys{"active", "scope", "sub", "username", "client_id", "jti", "token_type", "iat", "workspace_id", "iss"});
  CHECK(said["username"].text() == "pearl@example.org");
  CHECK(said["scope"].text() == "read");
}

TEST_CASE("introspection takes a form and JSON", "[introspect]") {
  team t(shared());
  auto token = made(t.member, R"("name":"a")");
  CHECK(look(t.owner, token).json()["active"].flag());
  CHECK(t.owner.post(introspect, R"({"token":")" + token + R"(","token_type_hint":1})").json()["active"].flag());
  struct {
    const char *type, *body;
    int status;
  } const bad[] = {
      {"application/x-www-form-urlencoded", "", 400},
      {"application/x-www-form-urlencoded", "token=", 400},
      {"application/x-www-form-urlencoded", "token_type_hint=access_token", 400},
      {"application/x-www-form-urlencoded", "token=a&token=a", 400},
      {"application/x-www-form-urlencoded", "token=%zz", 400},
      {"application/x-www-form-urlencoded", "token=a&client_address=here", 400},
      {"application/json", "{}", 400},
      {"application/json", R"({"token":7})", 400},
      {"application/json", R"({"token":null})", 400},
      {"application/json", R"({"token":""})", 400},
      {"application/json", R"(["a"])", 400},
      {"application/json", R"({"token":"a","client_address":4})", 400},
      {"application/json", "token=a", 400},
      {"text/plain", "token=a", 415},
  };
  for (const auto& each : bad) {
    INFO(each.type << " " << each.body);
    auto a = t.owner.send("POST", introspect, each.body, {{"Content-Type", each.type}});
    CHECK(a.status == each.status);
    check_json_headers(a);
    CHECK(a.json().keys() == keys{"error", "error_description"});
    CHECK(a.json()["error"].text() == "invalid_request");
  }
}

TEST_CASE("introspection answers inactive, and nothing else, to every token that is none here", "[introspect]") {
  team t(shared()), elsewhere(shared());
  auto token = made(t.owner, R"("name":"a")");
  auto revoked = t.owner.new_pat(R"("name":"revoked")");
  REQUIRE(t.owner.del(pat_path(revoked["id"].text())).status == 204);
  auto later = made(t.owner, R"("name":"later","notBefore":"2090-01-01T00:00:00Z")");
  auto expired = made(t.owner, R"("name":"expired","expiresAt":")" + rfc3339_in(1) + "\"");
  REQUIRE(eventually([&] { return look(t.owner, expired).body == R"({"active":false})"; }));
  auto mistyped = token;
  mistyped.back() = mistyped.back() == '0' ? '1' : '0';
  auto leaver = shared().join(t.workspace, "member");
  auto orphan = made(leaver, R"("name":"orphan")");
  CHECK(look(t.owner, orphan).json()["active"].flag());
  REQUIRE(t.owner.del("/api/v1/workspaces/" + t.workspace + "/members/" + leaver.user()).status == 204);
  for (const auto& dead : {revoked["token"].text(), later, expired, mistyped, orphan, t.owner.credential(),
                           std::string("x"), "user:" + std::string(56, 'a'), "pat_wsabcdef_" + std::string(64, 'a'),
                           std::string(4000, 'a'), made(elsewhere.owner, R"("name":"theirs")")})
    check_inactive(look(t.owner, dead));
  CHECK(look(t.owner, token).json()["active"].flag());
}

TEST_CASE("a token bound to networks is active only for an address inside them", "[introspect]") {
  team t(shared());
  auto token = made(t.owner, R"("name":"a","allowedNetworks":["192.0.2.0/24","2001:db8::/32"])");
  check_inactive(look(t.owner, token));
  check_inactive(look(t.owner, token, "&client_address=198.51.100.1"));
  CHECK(look(t.owner, token, "&client_address=192.0.2.77").json()["active"].flag());
  CHECK(look(t.owner, token, "&client_address=2001:db8::1").json()["active"].flag());
}

TEST_CASE("introspection is for JWTs of members and tokens with the scope introspect", "[introspect]") {
  team t(shared()), elsewhere(shared());
  auto token = made(t.member, R"("name":"a")");
  auto asks = t.member.with(made(t.member, R"("name":"rs","scopes":["introspect"])"));
  CHECK(look(asks, token).json()["active"].flag());
  CHECK(look(t.other, token).json()["active"].flag());
  check_inactive(look(elsewhere.owner, token));
  auto far = elsewhere.owner.with(made(elsewhere.owner, R"("name":"rs","scopes":["introspect"])"));
  check_inactive(look(far, token));
  for (const char* scopes : {R"(["read"])", R"(["write"])", R"(["admin"])"}) {
    auto by = t.owner.with(made(t.owner, R"("name":"b","scopes":)" + std::string(scopes)));
    check_error(look(by, token), 403, "insufficient_scope");
  }
  auto nobody = t.owner.with("");
  check_error(look(nobody, token), 401, "unauthorized");
  auto wrong = t.owner.with("garbage");
  check_error(look(wrong, token), 401, "unauthorized");
  // The scope opens nothing else.
  check_error(asks.get("/api/v1/pats"), 403, "insufficient_scope");
}

TEST_CASE("looking at a token does not use it", "[introspect]") {
  team t(shared());
  auto pat = t.owner.new_pat(R"("name":"a","maxUses":2)");
  auto token = pat["token"].text();
  for (int i = 0; i < 5; ++i) CHECK(look(t.owner, token).json()["active"].flag());
  CHECK(status_of(token) == 200);
  CHECK(status_of(token) == 200);
  CHECK(status_of(token) == 401);
  check_inactive(look(t.owner, token));
  auto plain = t.owner.new_pat();
  CHECK(look(t.owner, plain["token"].text()).json()["active"].flag());
  auto used = t.owner.new_pat();
  CHECK(status_of(used["token"].text()) == 200);
  auto last_used = [&](const json_tree& of) {
    return t.owner.get(pat_path(of["id"].text())).json()["data"]["lastUsedAt"];
  };
  REQUIRE(eventually([&] { return !last_used(used).is_null(); }));
  CHECK(last_used(plain).is_null());
}

// ---- verify ------------------------------------------------------------------------------------------

TEST_CASE("verify says whose token it is and what it may, in headers", "[verify]") {
  team t(shared());
  auto pat = t.member.new_pat(R"("name":"a","scopes":["write"],"expiresAt":"2090-01-01T00:00:00Z")");
  for (const char* verb : {"GET", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"})
    for (const char* query : {"", "consistency=current", "consistency=bounded"}) {
      INFO(verb << " " << query);
      auto a = check(shared().port(), pat["token"].text(), query, verb);
      CHECK(a.status == 200);
      CHECK(a.body.empty());
      CHECK(a.header("Content-Length") == "0");
      CHECK(a.header("X-Nacre-Subject") == t.member.user());
      CHECK(a.header("X-Nacre-Workspace") == t.workspace);
      CHECK(a.header("X-Nacre-Scopes") == "read write");
      CHECK(a.header("X-Nacre-Token-Id") == pat["id"].text());
      CHECK(a.header("X-Nacre-Token-Expires-At") == "2090-01-01T00:00:00Z");
      CHECK(a.header("Cache-Control") == "no-store");
    }
  auto endless = check(shared().port(), made(t.member, R"("name":"b")"));
  CHECK(endless.status == 200);
  CHECK(endless.find("X-Nacre-Token-Expires-At") == nullptr);
}

TEST_CASE("verify lets pass what has all that is asked for, and 403 what has not", "[verify]") {
  team t(shared()), elsewhere(shared());
  auto project = made_project(t.owner, "web"), theirs = made_project(elsewhere.owner, "other");
  const auto of = [&](const char* query) {
    std::string out = query;
    for (auto [from, to] : {std::pair<std::string, std::string>{"WS", t.workspace},
                            {"ELSE", elsewhere.workspace},
                            {"PROJECT", project},
                            {"THEIRS", theirs}})
      if (auto at = out.find(from); at != std::string::npos) out.replace(at, from.size(), to);
    return out;
  };
  auto read = made(t.owner, R"("name":"r","scopes":["read"])"),
       write = made(t.owner, R"("name":"w","scopes":["write"])");
  auto admin = made(t.owner, R"("name":"a","scopes":["admin"])");
  const asked as_read[] = {{"", 200},
                           {"scope=read", 200},
                           {"scope=write", 403},
                           {"scope=read,write", 403},
                           {"scope=introspect", 403},
                           {"permission=documents", 403},
                           {"workspace=WS", 200},
                           {"workspace=ELSE", 403},
                           {"project=PROJECT", 200},
                           {"project=web", 200},
                           {"project=THEIRS", 403},
                           {"project=other", 403},
                           {"scope=read&workspace=WS&project=web", 200}};
  const asked as_write[] = {{"scope=read", 200},          {"scope=write", 200},
                            {"scope=read+write", 200},    {"scope=read%20write", 200},
                            {"scope=read,%20write", 200}, {"scope=write&workspace=ELSE", 403},
                            {"scope=admin", 403}};
  const asked as_admin[] = {{"scope=admin,read,write", 200},
                            {"scope=introspect", 403},
                            {"permission=owner", 200},
                            {"permission=documents,releases:deploy", 200}};
  const asked unread[] = {{"scope=", 400},
                          {"scope=all", 400},
                          {"scope=read,all", 400},
                          {"scope=,", 400},
                          {"permission=everything", 400},
                          {"permission=", 400},
                          {"project=", 400},
                          {"workspace=here", 400},
                          {"workspace=", 400},
                          {"consistency=eventual", 400},
                          {"consistency=", 400},
                          {"scopes=read", 400},
                          {"scope=read&scope=read", 400},
                          {"x", 400},
                          {"scope=%zz", 400}};
  auto run = [&](const std::string& token, const auto& rows) {
    // Twice: the second time what was read the first time is remembered.
    for (int round = 0; round < 2; ++round)
      for (const auto& row : rows) {
        INFO(row.query);
        CHECK(status_of(token, of(row.query)) == row.status);
      }
  };
  run(read, as_read);
  run(write, as_write);
  run(admin, as_admin);
  run(read, unread);
  check_error(check(shared().port(), read, "scope=write"), 403, "insufficient_scope");
  check_error(check(shared().port(), read, of("workspace=ELSE")), 403, "forbidden");
  check_error(check(shared().port(), read, "scope=all"), 400, "invalid_request");
}

TEST_CASE("verify refuses with 401 what is no token, and says when one has expired", "[verify]") {
  team t(shared());
  auto revoked = t.owner.new_pat(R"("name":"revoked")");
  CHECK(status_of(revoked["token"].text()) == 200);
  REQUIRE(t.owner.del(pat_path(revoked["id"].text())).status == 204);
  auto expired = made(t.owner, R"("name":"expired","expiresAt":")" + rfc3339_in(2) + "\"");
  CHECK(status_of(expired) == 200);
  REQUIRE(eventually([&] { return check(shared().port(), expired).status == 401; }));
  const auto port = shared().port();
  check_error(check(port, revoked["token"].text()), 401, "token_revoked");
  check_error(check(port, expired), 401, "token_expired");
  CHECK(check(port, expired).header("WWW-Authenticate").find("expired") != std::string::npos);
  check_error(check(port, ""), 401, "unauthorized");
  CHECK(check(port, "").header("WWW-Authenticate") == "Bearer");
  check_error(check(port, "x"), 401, "unauthorized");
  check_error(check(port, "user:" + std::string(56, 'a')), 401, "unauthorized");
  check_error(check(port, "nacre_pat_" + std::string(72, 'a')), 401, "unauthorized");
  check_error(check(port, "ey.ey.ey"), 401, "unauthorized");
  check_error(check(port, made(t.owner, R"("name":"later","notBefore":"2090-01-01T00:00:00Z")")), 401, "unauthorized");
  http_client c(port);
  check_error(c.send("GET", verify, {{"Authorization", "Basic YTpi"}}), 401, "unauthorized");
  check_error(c.send("BREW", verify), 405, "method_not_allowed");
  auto bare = made(t.owner, R"("name":"bare")");
  CHECK(c.send("GET", verify, {{"Authorization", bare}}).status == 200);
}

TEST_CASE("a token is good only while its owner is a member, and only with their role", "[verify]") {
  team t(shared());
  auto leaver = shared().join(t.workspace, "admin");
  auto token = made(leaver, R"("name":"a","scopes":["admin"])");
  CHECK(status_of(token, "permission=owner") == 200);
  const auto place = "/api/v1/workspaces/" + t.workspace + "/members/" + leaver.user();
  REQUIRE(t.owner.put(place, R"({"role":"member"})").status == 200);
  CHECK(status_of(token, "permission=owner") == 403);
  CHECK(status_of(token, "permission=documents") == 200);
  REQUIRE(t.owner.del(place).status == 204);
  check_error(check(shared().port(), token), 401, "token_revoked");
  REQUIRE(t.owner.put(place, R"({"role":"member"})").status == 200);
  check_error(check(shared().port(), token), 401, "token_revoked");
  CHECK(t.owner.del("/api/v1/workspaces/" + t.workspace).status == 204);
  CHECK(status_of(token) == 401);
}

TEST_CASE("every use of a token with so many uses counts, and a rotated one ends as told", "[verify]") {
  team t(shared());
  auto counted = made(t.owner, R"("name":"a","maxUses":3)");
  for (int i = 0; i < 3; ++i) CHECK(status_of(counted) == 200);
  CHECK(status_of(counted) == 401);
  auto pat = t.owner.new_pat();
  CHECK(status_of(pat["token"].text()) == 200);
  auto rotated = t.owner.post(pat_path(pat["id"].text(), "rotate"), R"({"overlap":3600,"untilFirstUse":true})");
  REQUIRE(rotated.status == 200);
  auto fresh = rotated.json()["data"]["token"].text();
  CHECK(status_of(pat["token"].text()) == 200);
  CHECK(status_of(fresh) == 200);
  CHECK(status_of(pat["token"].text()) == 401);
  CHECK(status_of(fresh) == 200);
}

TEST_CASE("of a token that is being replaced every answer tells when it ends, not when its successor does",
          "[verify][introspect]") {
  team t(shared());
  for (const auto* expires : {R"(,"expiresAt":"2090-01-01T00:00:00Z")", ""}) {
    INFO(expires);
    auto pat = t.owner.new_pat(R"("name":"a","scopes":["read"])" + std::string(expires));
    const auto old = pat["token"].text();
    const auto soonest = nacre::parse_rfc3339(rfc3339_in(3600)).value();
    auto rotated = t.owner.post(pat_path(pat["id"].text(), "rotate"), R"({"overlap":3600})");
    REQUIRE(rotated.status == 200);
    const auto latest = nacre::parse_rfc3339(rfc3339_in(3601)).value();
    auto ends = [&](const http_answer& a) {
      const auto told = nacre::parse_rfc3339(a.header("X-Nacre-Token-Expires-At")).value_or(nacre::time_max);
      CHECK(told >= soonest);
      CHECK(told <= latest);
      return told;
    };
    const auto told = ends(check(shared().port(), old));
    CHECK(ends(check(shared().port(), old)) == told);                 // remembered
    CHECK(ends(check(shared().port(), old, "scope=write")) == told);  // 403
    CHECK(ends(t.owner.with(old).get("/api/v1/me")) == told);
    auto said = look(t.owner, old).json();
    REQUIRE(said.find("exp"));
    CHECK(said["exp"].number() == told.value() / 1000);
    const auto fresh = rotated.json()["data"]["token"].text();
    const std::string whole = *expires ? "2090-01-01T00:00:00Z" : "";
    CHECK(check(shared().port(), fresh).header("X-Nacre-Token-Expires-At") == whole);
    CHECK(t.owner.with(fresh).get("/api/v1/me").header("X-Nacre-Token-Expires-At") == whole);
    CHECK((look(t.owner, fresh).json().find("exp") != nullptr) == !whole.empty());
  }
}

TEST_CASE("verify takes JWTs: by role, in the workspace they name, are asked for in, or have alone", "[verify]") {
  team t(shared()), elsewhere(shared());
  auto scopes = [&](const person& who, std::string_view query = {}) {
    auto a = check(shared().port(), who.credential(), query);
    CHECK(a.find("X-Nacre-Token-Id") == nullptr);
    return std::to_string(a.status) + " " + a.header("X-Nacre-Scopes");
  };
  CHECK(scopes(t.member) == "200 read write");
  CHECK(scopes(t.admin) == "200 read write admin introspect");
  CHECK(scopes(t.owner, "scope=admin&permission=owner") == "200 read write admin introspect");
  CHECK(scopes(t.member, "permission=owner") == "403 ");
  CHECK(scopes(t.member, "workspace=" + t.workspace) == "200 read write");
  CHECK(scopes(t.member, "workspace=" + elsewhere.workspace) == "403 ");
  person plain(shared().port(), shared().token({t.member.user()}), "");
  CHECK(scopes(plain) == "200 read write");
  CHECK(scopes(shared().stranger("")) == "403 ");
  REQUIRE(elsewhere.owner
              .put("/api/v1/workspaces/" + elsewhere.workspace + "/members/" + t.member.user(), R"({"role":"admin"})")
              .status == 200);
  CHECK(scopes(plain) == "403 ");
  CHECK(scopes(plain, "workspace=" + elsewhere.workspace) == "200 read write admin introspect");
  auto a = check(shared().port(), plain.credential(), "workspace=" + t.workspace);
  CHECK(a.header("X-Nacre-Subject") == t.member.user());
  CHECK(a.header("X-Nacre-Workspace") == t.workspace);
}

TEST_CASE("a service token has its permissions and projects, and no scopes", "[verify][introspect]") {
  team t(shared());
  auto web = made_project(t.owner, "web"), other = made_project(t.owner, "other");
  auto user = service::service_user(t.owner);
  auto token = service::create(t.owner, service::of(user),
                               {{"permissions", R"(["releases","documents:full"])"},
                                {"allProjects", "false"},
                                {"projects", "[\"" + web + "\"]"},
                                {"expiry", "\"indefinite\""}});
  const auto text = token["token"].text();
  for (int round = 0; round < 2; ++round) {
    auto a = check(shared().port(), text);
    CHECK(a.status == 200);
    CHECK(a.header("X-Nacre-Scopes") == "releases documents:full");
    CHECK(a.header("X-Nacre-Subject") == user);
    CHECK(a.header("X-Nacre-Token-Id") == token["id"].text());
    for (const auto& [query, status] : std::vector<std::pair<std::string, int>>{{"permission=releases:deploy", 200},
                                                                                {"permission=documents:full", 200},
                                                                                {"permission=documents", 403},
                                                                                {"permission=releases,branches", 403},
                                                                                {"scope=read", 403},
                                                                                {"project=web", 200},
                                                                                {"project=" + web, 200},
                                                                                {"project=other", 403},
                                                                                {"project=" + other, 403},
                                                                                {"project=none", 403}}) {
      INFO(query);
      CHECK(status_of(text, query) == status);
    }
  }
  auto said = look(t.member, text).json();
  CHECK(said["active"].flag());
  CHECK(said["scope"].text() == "releases documents:full");
  CHECK(said["sub"].text() == user);
  // A member's own token does not keep what their role no longer has.
  auto admin = shared().join(t.workspace, "admin");
  auto own = service::create(admin, service::own(), {{"permissions", R"(["owner","documents"])"}})["token"].text();
  CHECK(check(shared().port(), own, "permission=owner").header("X-Nacre-Scopes") == "owner documents");
  REQUIRE(
      t.owner.put("/api/v1/workspaces/" + t.workspace + "/members/" + admin.user(), R"({"role":"member"})").status ==
      200);
  CHECK(status_of(own, "permission=owner") == 403);
  CHECK(check(shared().port(), own).header("X-Nacre-Scopes") == "documents");
}

TEST_CASE("an Unleash token may what its owner may now, and comes bare or as a bearer", "[verify][introspect]") {
  team t(shared());
  auto admin = shared().join(t.workspace, "admin");
  auto token = unleash::create(admin)["secret"].text(), plain = unleash::create(t.member)["secret"].text();
  CHECK(check(shared().port(), token, "scope=admin&permission=owner").header("X-Nacre-Scopes") == "read write admin");
  CHECK(check(shared().port(), plain).header("X-Nacre-Scopes") == "read write");
  CHECK(status_of(plain, "scope=admin") == 403);
  CHECK(status_of(plain, "permission=owner") == 403);
  CHECK(status_of(plain, "permission=documents") == 200);
  http_client c(shared().port());
  CHECK(c.send("GET", verify, {{"Authorization", plain}}).status == 200);
  CHECK(look(t.owner, token).json()["scope"].text() == "read write admin");
  REQUIRE(
      t.owner.put("/api/v1/workspaces/" + t.workspace + "/members/" + admin.user(), R"({"role":"member"})").status ==
      200);
  CHECK(check(shared().port(), token).header("X-Nacre-Scopes") == "read write");
  CHECK(status_of(token, "scope=admin") == 403);
  CHECK(look(t.owner, token).json()["scope"].text() == "read write");
}

TEST_CASE("behind a longer path, as Envoy asks, the requirement comes in a header and the query is not ours",
          "[verify]") {
  team t(shared());
  auto token = made(t.owner, R"("name":"r","scopes":["read"])");
  http_client c(shared().port());
  auto ask = [&](std::string_view verb, std::string_view rest, header_list more) {
    more.emplace_back("Authorization", "Bearer " + token);
    return c.send(verb, std::string(verify) + std::string(rest), more).status;
  };
  for (const char* verb : {"GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"}) {
    INFO(verb);
    CHECK(ask(verb, "/orders/7?scope=nonsense&a=b", {{"X-Nacre-Require", "scope=read"}}) == 200);
    CHECK(ask(verb, "/", {{"X-Nacre-Require", ""}}) == 200);
    CHECK(ask(verb, "//a//", {{"X-Nacre-Require", "scope=write"}}) == 403);
    CHECK(ask(verb, "/x?scope=read", {{"X-Nacre-Require", "scope=write"}}) == 403);
  }
  CHECK(ask("GET", "/orders", {}) == 400);
  CHECK(ask("GET", "/orders", {{"X-Nacre-Require", "x=y"}}) == 400);
  CHECK(ask("GET", "/orders", {{"X-Nacre-Require", "scope=read"}, {"X-Nacre-Require", "scope=read"}}) == 400);
  // What is required must not go unheard.
  CHECK(ask("GET", "", {{"X-Nacre-Require", "scope=write"}}) == 400);
  CHECK(ask("GET", "", {{"X-Nacre-Require", ""}}) == 200);
  CHECK(ask("GET", "?consistency=bounded", {{"X-Nacre-Require", ""}, {"X-Nacre-Require", "scope=write"}}) == 400);
  // Where the query says it, a client's header changes nothing.
  CHECK(ask("GET", "?scope=write", {{"X-Nacre-Require", "scope=read"}}) == 403);
  CHECK(ask("GET", "?scope=read", {{"X-Nacre-Require", "scope=write"}}) == 200);
}

TEST_CASE("no check that begins after a revocation was answered lets the token pass", "[verify]") {
  team t(shared());
  for (int round = 0; round < 20; ++round) {
    auto pat = t.owner.new_pat();
    const auto token = pat["token"].text();
    std::atomic<bool> acknowledged{false}, stop{false};
    std::atomic<int> late{0}, passed{0};
    std::vector<std::thread> checkers;
    for (int i = 0; i < 3; ++i)
      checkers.emplace_back([&, bounded = i == 2] {
        http_client c(shared().port());
        const header_list headers{{"Authorization", "Bearer " + token}};
        const std::string target = std::string(verify) + (bounded ? "?consistency=bounded" : "");
        while (!stop) {
          bool after = acknowledged;
          auto status = c.send("GET", target, headers).status;
          if (status == 200) ++(after ? late : passed);
        }
      });
    while (passed < 20 && !stop) std::this_thread::yield();
    CHECK(t.owner.del(pat_path(pat["id"].text())).status == 204);
    acknowledged = true;
    http_client c(shared().port());
    CHECK(c.send("GET", verify, {{"Authorization", "Bearer " + token}}).status == 401);
    stop = true;
    for (auto& each : checkers) each.join();
    CHECK(late == 0);
  }
}

// ---- limits ------------------------------------------------------------------------------------------

namespace {
node_process::options with(std::vector<std::string> sets) {
  node_process::options o;
  for (auto& each : sets) {
    o.arguments.emplace_back("--set");
    o.arguments.push_back(std::move(each));
  }
  return o;
}
}  // namespace

TEST_CASE("checks are not limited by address, and nobody's failures lock out a token issued here", "[verify][limits]") {
  installation on(with({"limits.address_per_second=1", "limits.address_burst=40", "limits.failed_auth_per_minute=5"}));
  auto owner = on.join(new_uuid(), "owner");
  auto token = made(owner, R"("name":"a")");
  for (int i = 0; i < 200; ++i) REQUIRE(check(on.port(), token).status == 200);
  for (int i = 0; i < 200; ++i) REQUIRE(check(on.port(), "").status == 401);  // nothing was tried
  REQUIRE(owner.get("/api/v1/me").status == 200);
  for (int i = 0; i < 5; ++i) CHECK(check(on.port(), "garbage").find("Retry-After") == nullptr);
  auto refused = check(on.port(), "garbage");
  check_error(refused, 401, "unauthorized");
  CHECK_FALSE(refused.header("Retry-After").empty());
  CHECK(refused.header("RateLimit").starts_with("\"failed_auth\";r=0;"));
  CHECK(check(on.port(), owner.credential()).status == 401);  // a JWT is not looked at any more
  CHECK(check(on.port(), token).status == 200);
  CHECK(owner.get("/api/v1/me").status == 429);
}

TEST_CASE("a token bound to networks is checked for the client behind a trusted proxy", "[verify]") {
  installation on(with({"http.trusted_proxies=127.0.0.1"}));
  auto owner = on.join(new_uuid(), "owner");
  auto token = made(owner, R"("name":"a","allowedNetworks":["192.0.2.0/24"])");
  http_client proxy(on.port());
  auto from = [&](const char* address) {
    return proxy.send("GET", verify, {{"Authorization", "Bearer " + token}, {"X-Forwarded-For", address}});
  };
  for (int i = 0; i < 2; ++i) {
    CHECK(from("192.0.2.7").status == 200);
    check_error(from("198.51.100.7"), 403, "forbidden");
    check_error(from("192.0.2.7, 198.51.100.7"), 403, "forbidden");
  }
}

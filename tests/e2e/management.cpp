// The management API (DESIGN section 7) on the wire.

#include <algorithm>

#include "tests/e2e/kit.hpp"

using namespace nacre::e2e;

namespace {

const keys workspace_keys{"id", "name", "role", "memberCount", "patCount", "createdAt"};
const keys member_keys{"userId", "role", "email", "joinedAt"};

std::string ws_path(const std::string& ws, const std::string& below = "") {
  return "/api/v1/workspaces/" + ws + (below.empty() ? "" : "/" + below);
}
std::string member_path(const std::string& ws, const std::string& user) { return ws_path(ws, "members/" + user); }

std::string role_of(person& asked, const std::string& user) {
  auto list = asked.get(ws_path(asked.workspace(), "members?pageSize=200")).json();
  for (const auto& m : list["data"].items())
    if (m["userId"].text() == user) return m["role"].text();
  return "none";
}

// What every body of the management API must be refused for.
void check_bodies(person& who, std::string_view verb, const std::string& path, std::initializer_list<const char*> bad) {
  INFO(verb << " " << path);
  for (const char* body : bad) {
    INFO(body);
    check_error(who.send(verb, path, body, {{"Content-Type", "application/json"}}), 400, "invalid_request");
  }
  for (const char* body : {"", "[]", "null", "{", "{} x", R"({"name":"a","name":"a"})"}) {
    INFO(body);
    check_error(who.send(verb, path, body, {{"Content-Type", "application/json"}}), 400, "invalid_request");
  }
  check_error(who.send(verb, path, "{}", {{"Content-Type", "text/plain"}}), 415, "unsupported_media_type");
  CHECK(who.send(verb, path, std::string(32 * 1024 + 1, ' ')).status == 413);
}

}  // namespace

TEST_CASE("me tells who is calling and by what", "[management]") {
  team t(shared());
  auto user = new_uuid();
  person alone(shared().port(), shared().token({user, "", "", "a@example.com"}), "");
  auto me = alone.get("/api/v1/me");
  REQUIRE(me.status == 200);
  check_json_headers(me);
  CHECK(me.json()["data"].keys() == keys{"id", "email", "credential"});
  CHECK(me.json()["data"]["id"].text() == user);
  CHECK(me.json()["data"]["email"].text() == "a@example.com");
  CHECK(me.json()["data"]["credential"].text() == "jwt");
  CHECK(t.owner.get("/api/v1/me").json()["data"]["email"].is_null());

  auto pat = t.member.new_pat(R"("name":"a","scopes":["write"])");
  auto by_pat = t.member.with(pat["token"].text()).in("").get("/api/v1/me").json()["data"];
  CHECK(by_pat.keys() == keys{"id", "email", "credential", "tokenId", "workspaceId", "scopes"});
  CHECK(by_pat["id"].text() == t.member.user());
  CHECK(by_pat["credential"].text() == "pat");
  CHECK(by_pat["tokenId"] == pat["id"]);
  CHECK(by_pat["workspaceId"].text() == t.workspace);
  check_error(person(shared().port(), "", "").get("/api/v1/me"), 401, "unauthorized");
}

TEST_CASE("who creates a workspace owns it", "[management]") {
  auto who = shared().stranger("");
  auto made = who.post("/api/v1/workspaces", R"({"name":"Fresh \u00e9"})");
  REQUIRE(made.status == 201);
  check_json_headers(made);
  auto ws = made.json()["data"];
  CHECK(ws.keys() == workspace_keys);
  CHECK(is_uuid(ws["id"].text()));
  CHECK(ws["name"].text() == "Fresh \xc3\xa9");
  CHECK(ws["role"].text() == "owner");
  CHECK(ws["memberCount"].number() == 1);
  CHECK(ws["patCount"].number() == 0);
  CHECK(is_time(ws["createdAt"].text()));
  auto path = ws_path(ws["id"].text());
  CHECK(who.get(path).json()["data"] == ws);
  check_error(shared().stranger("").get(path), 403, "forbidden");
  CHECK(who.in(ws["id"].text()).new_pat()["workspaceName"].text() == "Fresh \xc3\xa9");
  CHECK(who.get(path).json()["data"]["patCount"].number() == 1);

  auto second = who.post("/api/v1/workspaces", R"({"name":"Second"})").json()["data"]["id"].text();
  auto list = who.get("/api/v1/workspaces").json();
  CHECK(list["pagination"]["total"].number() == 2);
  CHECK(list["data"].size() == 2);
  CHECK(list["data"][0].keys() == workspace_keys);
  CHECK(who.get("/api/v1/workspaces?limit=1&offset=1").json()["data"].size() == 1);
  CHECK(who.get("/api/v1/workspaces?page=3&pageSize=1").json()["data"].size() == 0);
  check_error(who.get("/api/v1/workspaces?limit=0"), 400, "invalid_request");
  CHECK(shared().stranger("").get("/api/v1/workspaces").json()["data"].size() == 0);
  check_bodies(who, "POST", "/api/v1/workspaces",
               {"{}", R"({"name":""})", R"({"name":" "})", R"({"name":1})", R"({"name":"a","id":"x"})",
                R"({"name":"a","role":"owner"})", R"({"name":"a\u0000"})"});
  CHECK(who.get("/api/v1/workspaces").json()["pagination"]["total"].number() == 2);
}

TEST_CASE("a token sees its one workspace and creates none", "[management]") {
  team t(shared());
  auto elsewhere = t.member.post("/api/v1/workspaces", R"({"name":"Elsewhere"})").json()["data"]["id"].text();
  auto bearer = t.member.with(t.member.new_pat(R"("name":"a","scopes":["admin"])")["token"].text()).in("");
  auto list = bearer.get("/api/v1/workspaces").json();
  CHECK(list["pagination"]["total"].number() == 1);
  CHECK(list["data"][0]["id"].text() == t.workspace);
  CHECK(bearer.get("/api/v1/workspaces?offset=1").json()["data"].size() == 0);
  check_error(bearer.get(ws_path(elsewhere)), 403, "forbidden");
  check_error(bearer.post("/api/v1/workspaces", R"({"name":"a"})"), 403, "forbidden");
}

TEST_CASE("owners and admins rename, members look", "[management]") {
  team t(shared(), "Old");
  auto path = ws_path(t.workspace);
  check_error(t.member.patch(path, R"({"name":"New"})"), 403, "forbidden");
  CHECK(t.member.get(path).json()["data"]["role"].text() == "member");
  auto renamed = t.admin.patch(path, R"({"name":"New"})");
  REQUIRE(renamed.status == 200);
  CHECK(renamed.json()["data"].keys() == workspace_keys);
  CHECK(renamed.json()["data"]["name"].text() == "New");
  CHECK(renamed.json()["data"]["role"].text() == "admin");
  CHECK(renamed.json()["data"]["memberCount"].number() == 4);
  CHECK(t.owner.new_pat()["tokenPrefix"].text() == "pat_ws" + hex_sha256("new").substr(0, 6));
  check_bodies(t.owner, "PATCH", path, {"{}", R"({"name":""})", R"({"name":null})", R"({"name":"a","x":1})"});
  for (const char* id : {"x", "1", "00000000-0000-0000-0000-000000000000"})
    check_error(t.owner.get(ws_path(id)), 400, "invalid_request");
  check_error(t.owner.get(ws_path(new_uuid())), 403, "forbidden");
}

TEST_CASE("members are listed, added, changed and removed", "[management]") {
  team t(shared());
  auto user = new_uuid();
  auto path = member_path(t.workspace, user);
  auto added = t.admin.put(path, R"({"role":"member","email":"m@example.com"})");
  REQUIRE(added.status == 200);
  check_json_headers(added);
  CHECK(added.json()["data"].keys() == member_keys);
  CHECK(added.json()["data"]["userId"].text() == user);
  CHECK(added.json()["data"]["role"].text() == "member");
  CHECK(added.json()["data"]["email"].text() == "m@example.com");
  CHECK(is_time(added.json()["data"]["joinedAt"].text()));
  person joined(shared().port(), shared().token({user}), t.workspace, user);
  auto list = joined.get(ws_path(t.workspace, "members"));
  REQUIRE(list.status == 200);
  CHECK(list.json()["pagination"]["total"].number() == 5);
  CHECK(list.json()["data"].size() == 5);
  auto listed = list.json();
  for (const auto& m : listed["data"].items()) CHECK(m.keys() == member_keys);
  CHECK(joined.get(ws_path(t.workspace, "members?limit=2&offset=4")).json()["data"].size() == 1);

  auto raised = t.admin.put(path, R"({"role":"admin"})").json()["data"];
  CHECK(raised["role"].text() == "admin");
  CHECK(raised["email"].text() == "m@example.com");
  CHECK(t.admin.put(path, R"({"role":"member","email":null})").status == 200);
  auto gone = t.admin.del(path);
  CHECK(gone.status == 204);
  CHECK(gone.body.empty());
  check_error(t.admin.del(path), 404, "not_found");
  CHECK(t.owner.get(ws_path(t.workspace)).json()["data"]["memberCount"].number() == 4);
  check_bodies(t.owner, "PUT", path,
               {"{}", R"({"role":"boss"})", R"({"role":null})", R"({"role":1})", R"({"role":"Owner"})",
                R"({"role":"member","email":7})", R"({"role":"member","email":"nobody"})", R"({"role":"member","x":1})",
                R"({"email":"a@b"})"});
  for (const char* id : {"x", "00000000-0000-0000-0000-000000000000"}) {
    check_error(t.owner.put(member_path(t.workspace, id), R"({"role":"member"})"), 400, "invalid_request");
    check_error(t.owner.del(member_path(t.workspace, id)), 400, "invalid_request");
  }
}

TEST_CASE("nobody raises themselves or touches those above them", "[management]") {
  team t(shared());
  auto me = [&](person& p) { return member_path(t.workspace, p.user()); };
  for (const char* role : {"owner", "admin", "member"}) {
    auto body = std::string(R"({"role":")") + role + "\"}";
    check_error(t.member.put(me(t.member), body), 403, "forbidden");
    check_error(t.member.put(me(t.other), body), 403, "forbidden");
    if (role != std::string_view("owner")) check_error(t.admin.put(me(t.owner), body), 403, "forbidden");
  }
  check_error(t.admin.put(me(t.admin), R"({"role":"owner"})"), 403, "forbidden");
  check_error(t.admin.put(me(t.member), R"({"role":"owner"})"), 403, "forbidden");
  check_error(t.admin.put(member_path(t.workspace, new_uuid()), R"({"role":"owner"})"), 403, "forbidden");
  check_error(t.admin.del(me(t.owner)), 403, "forbidden");
  check_error(t.member.del(me(t.other)), 403, "forbidden");
  check_error(t.admin.del(ws_path(t.workspace)), 403, "forbidden");
  check_error(t.member.del(ws_path(t.workspace)), 403, "forbidden");
  CHECK(role_of(t.owner, t.owner.user()) == "owner");
  CHECK(role_of(t.owner, t.admin.user()) == "admin");
  CHECK(role_of(t.owner, t.member.user()) == "member");
}

TEST_CASE("the last owner cannot leave or be demoted", "[management]") {
  team t(shared());
  auto path = member_path(t.workspace, t.owner.user());
  for (const char* role : {"admin", "member"})
    check_error(t.owner.put(path, std::string(R"({"role":")") + role + "\"}"), 409, "conflict");
  check_error(t.owner.del(path), 409, "conflict");
  CHECK(t.owner.put(path, R"({"role":"owner"})").status == 200);
  CHECK(t.owner.put(member_path(t.workspace, t.admin.user()), R"({"role":"owner"})").status == 200);
  CHECK(t.owner.put(path, R"({"role":"member"})").status == 200);
  check_error(t.admin.del(member_path(t.workspace, t.admin.user())), 409, "conflict");
  CHECK(t.owner.del(path).status == 204);
  check_error(t.owner.get(ws_path(t.workspace)), 403, "forbidden");
}

TEST_CASE("who was removed or demoted keeps nothing by a JWT that claims otherwise", "[management]") {
  team t(shared());
  auto id = t.owner.new_pat()["id"].text();
  CHECK(t.owner.put(member_path(t.workspace, t.admin.user()), R"({"role":"member"})").status == 200);
  check_error(t.admin.get(pat_path(id)), 403, "forbidden");
  check_error(t.admin.get("/api/v1/audit"), 403, "forbidden");
  // A new token with the old claim, never seen before.
  auto claims_again = shared().someone(t.admin.user(), t.workspace, "owner");
  check_error(claims_again.get(pat_path(id)), 403, "forbidden");
  CHECK(role_of(t.owner, t.admin.user()) == "member");

  auto own = t.member.new_pat()["id"].text();
  CHECK(t.admin.del(member_path(t.workspace, t.admin.user())).status == 204);  // a member may leave
  CHECK(t.owner.del(member_path(t.workspace, t.member.user())).status == 204);
  for (auto who : {t.member, shared().someone(t.member.user(), t.workspace, "owner"), t.admin,
                   shared().someone(t.admin.user(), t.workspace, "admin")}) {
    check_error(who.get("/api/v1/pats"), 403, "forbidden");
    check_error(who.get(pat_path(own)), 403, "forbidden");
    check_error(who.post(pat_path(own, "reveal")), 403, "forbidden");
    check_error(who.get(ws_path(t.workspace)), 403, "forbidden");
    CHECK(who.get("/api/v1/workspaces").json()["pagination"]["total"].number() == 0);
  }
  CHECK(role_of(t.owner, t.member.user()) == "none");
  CHECK(t.owner.get(pat_path(own)).status == 200);
  CHECK(t.owner.put(member_path(t.workspace, t.member.user()), R"({"role":"member"})").status == 200);
  CHECK(t.member.get(pat_path(own)).status == 200);
}

TEST_CASE("service users are made by owners and admins and seen by members", "[management]") {
  team t(shared());
  auto path = ws_path(t.workspace, "service-users");
  auto made = t.admin.post(path, R"({"name":"robot"})");
  REQUIRE(made.status == 201);
  check_json_headers(made);
  auto robot = made.json()["data"];
  CHECK(robot.keys() == keys{"id", "name", "createdBy", "createdAt"});
  CHECK(robot["name"].text() == "robot");
  CHECK(robot["createdBy"].text() == t.admin.user());
  check_error(t.member.post(path, R"({"name":"robot"})"), 403, "forbidden");
  CHECK(t.owner.post(path, R"({"name":"robot"})").status == 201);
  auto list = t.member.get(path).json();
  CHECK(list["pagination"]["total"].number() == 2);
  CHECK(t.member.get(path + "?limit=1").json()["data"].size() == 1);
  check_bodies(t.owner, "POST", path, {"{}", R"({"name":""})", R"({"name":"a","id":"x"})", R"({"name":[]})"});
  CHECK(t.member.get(path).json()["pagination"]["total"].number() == 2);
}

TEST_CASE("projects have a key of their own in their workspace", "[management]") {
  team t(shared()), there(shared());
  auto path = ws_path(t.workspace, "projects");
  auto made = t.admin.post(path, R"({"name":"Site","key":"site-1","version":"1.0.0"})");
  REQUIRE(made.status == 201);
  check_json_headers(made);
  auto project = made.json()["data"];
  CHECK(project.keys() == keys{"id", "name", "key", "version", "workspaceId", "createdAt", "updatedAt"});
  CHECK(project["name"].text() == "Site");
  CHECK(project["key"].text() == "site-1");
  CHECK(project["version"].text() == "1.0.0");
  CHECK(project["workspaceId"].text() == t.workspace);
  CHECK(project["createdAt"] == project["updatedAt"]);
  check_error(t.owner.post(path, R"({"name":"Other","key":"site-1","version":"2"})"), 409, "conflict");
  check_error(t.member.post(path, R"({"name":"Other","key":"other","version":"2"})"), 403, "forbidden");
  CHECK(there.owner.post(ws_path(there.workspace, "projects"), R"({"name":"S","key":"site-1","version":"1"})").status ==
        201);
  auto list = t.member.get(path).json();
  CHECK(list["pagination"]["total"].number() == 1);
  CHECK(list["data"][0] == project);
  check_bodies(
      t.owner, "POST", path,
      {"{}", R"({"name":"a","key":"b"})", R"({"key":"b","version":"1"})", R"({"name":"a","version":"1"})",
       R"({"name":"a","key":"B","version":"1"})", R"({"name":"a","key":"-b","version":"1"})",
       R"({"name":"a","key":"b c","version":"1"})", R"({"name":"a","key":"","version":"1"})",
       R"({"name":"a","key":"b","version":""})", R"({"name":"a","key":"b","version":1})",
       R"({"name":"a","key":"b","version":"123456789012345678901"})", R"({"name":"a","key":"b","version":"1","x":1})"});
  CHECK(t.member.get(path).json()["pagination"]["total"].number() == 1);
}

TEST_CASE("managing by token takes admin scope and the owner's own role", "[management]") {
  team t(shared());
  auto bearer = [](person& p, const char* scope) {
    return p.with(p.new_pat(R"("name":"a","scopes":[")" + std::string(scope) + "\"]")["token"].text());
  };
  auto weak = bearer(t.owner, "write"), strong = bearer(t.owner, "admin"), lowly = bearer(t.member, "admin");
  auto path = ws_path(t.workspace, "projects");
  const char* body = R"({"name":"Site","key":"site","version":"1"})";
  CHECK(check_error(weak.post(path, body), 403, "insufficient_scope") ==
        "Insufficient permissions. Required scope: admin");
  check_error(weak.get("/api/v1/audit"), 403, "insufficient_scope");
  check_error(weak.patch(ws_path(t.workspace), R"({"name":"x"})"), 403, "insufficient_scope");
  check_error(weak.del(ws_path(t.workspace)), 403, "insufficient_scope");
  check_error(weak.put(member_path(t.workspace, new_uuid()), R"({"role":"member"})"), 403, "insufficient_scope");
  check_error(lowly.post(path, body), 403, "forbidden");
  CHECK(weak.get(path).status == 200);
  CHECK(strong.post(path, body).status == 201);
  CHECK(strong.get("/api/v1/audit").status == 200);
}

TEST_CASE("a deleted workspace is closed to everybody and for ever", "[management]") {
  team t(shared());
  auto pat = t.member.new_pat(R"("name":"a","scopes":["admin"])");
  auto bearer = t.member.with(pat["token"].text());
  CHECK(bearer.get("/api/v1/pats").status == 200);
  auto gone = t.owner.del(ws_path(t.workspace));
  CHECK(gone.status == 204);
  CHECK(gone.body.empty());
  auto closed = [&](person who) {
    check_error(who.get(ws_path(t.workspace)), 403, "forbidden");
    check_error(who.del(ws_path(t.workspace)), 403, "forbidden");
    check_error(who.get("/api/v1/pats"), 403, "forbidden");
    check_error(who.post("/api/v1/pats", R"({"name":"a"})"), 403, "forbidden");
    check_error(who.post(pat_path(pat["id"].text(), "reveal")), 403, "forbidden");
    check_error(who.get("/api/v1/audit"), 403, "forbidden");
    CHECK(who.get("/api/v1/workspaces").json()["pagination"]["total"].number() == 0);
  };
  closed(t.owner);
  closed(t.member);
  closed(shared().someone(t.owner.user(), t.workspace, "owner"));
  closed(shared().someone(new_uuid(), t.workspace, "owner"));
  check_error(bearer.get("/api/v1/pats"), 401, "unauthorized");
  shared().restart();
  closed(person(shared().port(), t.owner.credential(), t.workspace));
  check_error(person(shared().port(), pat["token"].text(), t.workspace).get("/api/v1/pats"), 401, "unauthorized");
}

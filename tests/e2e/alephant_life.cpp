// contracts/alephant-pats.md on the wire: the life of a token, every body and header of success.

#include <regex>

#include "tests/e2e/kit.hpp"

using namespace nacre::e2e;

namespace {

const keys pat_keys{"id",     "name",      "tokenPrefix", "scopes",    "workspaceId",
                    "userId", "canReveal", "lastUsedAt",  "expiresAt", "createdAt"};
const keys created_keys{"id",         "name",        "token",         "fullToken", "tokenPrefix",
                        "scopes",     "workspaceId", "workspaceName", "userId",    "canReveal",
                        "lastUsedAt", "expiresAt",   "createdAt"};

void check_pat(const json_tree& pat, const person& creator) {
  CHECK(pat.keys() == pat_keys);
  CHECK(is_uuid(pat["id"].text()));
  CHECK(pat["tokenPrefix"].text().size() == 12);
  CHECK(pat["workspaceId"].text() == creator.workspace());
  CHECK(pat["userId"].text() == creator.user());
  CHECK(pat["canReveal"].flag());
  CHECK((pat["lastUsedAt"].is_null() || is_time(pat["lastUsedAt"].text())));
  CHECK((pat["expiresAt"].is_null() || is_time(pat["expiresAt"].text())));
  CHECK(is_time(pat["createdAt"].text()));
}

keys scopes_of(const json_tree& pat) {
  keys out;
  for (const auto& s : pat["scopes"].items()) out.push_back(s.text());
  return out;
}

keys ids_of(const json_tree& list) {
  keys out;
  for (const auto& pat : list["data"].items()) out.push_back(pat["id"].text());
  return out;
}

}  // namespace

TEST_CASE("a created token is answered whole, in the contract's order", "[alephant]") {
  team t(shared(), "My Team");
  auto made = t.owner.post("/api/v1/pats", R"({"name":"MCP Server - Production","scopes":["read","write"],)"
                                           R"("expiresAt":"2090-03-31T00:00:00Z"})");
  REQUIRE(made.status == 201);
  check_json_headers(made);
  auto body = made.json();
  CHECK(body.keys() == keys{"data"});
  const auto& pat = body["data"];
  CHECK(pat.keys() == created_keys);
  CHECK(is_uuid(pat["id"].text()));
  CHECK(pat["name"].text() == "MCP Server - Production");
  CHECK(is_token(pat["token"].text()));
  CHECK(pat["token"] == pat["fullToken"]);
  CHECK(pat["token"].text().starts_with(pat["tokenPrefix"].text() + "_"));
  CHECK(pat["tokenPrefix"].text() == "pat_ws" + hex_sha256("my-team").substr(0, 6));
  CHECK(scopes_of(pat) == keys{"read", "write"});
  CHECK(pat["workspaceId"].text() == t.workspace);
  CHECK(pat["workspaceName"].text() == "My Team");
  CHECK(pat["userId"].text() == t.owner.user());
  CHECK(pat["canReveal"].flag());
  CHECK(pat["lastUsedAt"].is_null());
  CHECK(pat["expiresAt"].text() == "2090-03-31T00:00:00Z");
  CHECK(is_time(pat["createdAt"].text()));
}

TEST_CASE("scopes default to read and no expiry means never", "[alephant]") {
  team t(shared());
  auto pat = t.owner.new_pat();
  CHECK(scopes_of(pat) == keys{"read"});
  CHECK(pat["expiresAt"].is_null());
  CHECK(t.owner.new_pat(R"("name":"b","expiresAt":null)")["expiresAt"].is_null());
  CHECK(t.owner.new_pat(R"("name":"b","expires_at":"2090-01-01T00:00:00Z")")["expiresAt"].text() ==
        "2090-01-01T00:00:00Z");
  CHECK(t.owner.new_pat(R"("name":"b","expiresAt":"2090-01-01T02:00:00+02:00")")["expiresAt"].text() ==
        "2090-01-01T00:00:00Z");
  CHECK(t.owner.new_pat(R"("name":"b","expiresAt":"2090-01-01t00:00:00.250z")")["expiresAt"].text() ==
        "2090-01-01T00:00:00.250Z");
  CHECK(scopes_of(t.owner.new_pat(R"("name":"b","scopes":["admin"])")) == keys{"admin"});
  CHECK(scopes_of(t.owner.new_pat(R"("name":"b","scopes":["write","read","write"])")) == keys{"read", "write"});
}

TEST_CASE("unknown fields and workspaceId of a body are ignored", "[alephant]") {
  team t(shared());
  auto elsewhere = new_uuid();
  auto pat = t.owner.new_pat(R"("name":"a","workspaceId":")" + elsewhere + R"(","userId":")" + new_uuid() +
                             R"(","token":"mine","canReveal":false,"anything":{"x":[1]})");
  CHECK(pat["workspaceId"].text() == t.workspace);
  CHECK(pat["userId"].text() == t.owner.user());
  CHECK(is_token(pat["token"].text()));
}

TEST_CASE("tokens differ, names may repeat and may be a hundred of any character", "[alephant]") {
  team t(shared());
  CHECK(t.owner.new_pat()["token"] != t.owner.new_pat()["token"]);
  std::string long_name;
  for (int i = 0; i < 100; ++i) long_name += "\xf0\x9f\x90\x9a";
  CHECK(t.owner.new_pat("\"name\":\"" + long_name + "\"")["name"].text() == long_name);
  CHECK(t.owner.new_pat(R"("name":" kept as sent ")")["name"].text() == " kept as sent ");
  CHECK(t.owner.new_pat(R"("name":"\u0022\\\ud83d\ude00")")["name"].text() == "\"\\\xf0\x9f\x98\x80");
}

TEST_CASE("a token's metadata never holds the token", "[alephant]") {
  team t(shared());
  auto pat = t.owner.new_pat(R"("name":"secretive","scopes":["read","admin"])");
  auto got = t.owner.get(pat_path(pat["id"].text()));
  REQUIRE(got.status == 200);
  check_json_headers(got);
  CHECK(got.json().keys() == keys{"data"});
  check_pat(got.json()["data"], t.owner);
  CHECK(got.json()["data"]["name"].text() == "secretive");
  auto list = t.owner.get("/api/v1/pats");
  REQUIRE(list.status == 200);
  check_json_headers(list);
  CHECK(list.json().keys() == keys{"data", "pagination"});
  check_pat(list.json()["data"][0], t.owner);
  CHECK(list.json()["data"][0] == got.json()["data"]);
  auto secret = pat["token"].text().substr(13);
  auto patched = t.owner.patch(pat_path(pat["id"].text()), "{}");
  auto revoked = t.owner.post(pat_path(pat["id"].text(), "revoke"));
  for (const auto* a : {&got, &list, &patched, &revoked}) {
    CHECK(a->status == 200);
    CHECK(a->body.find(secret) == std::string::npos);
    CHECK(a->body.find(hex_sha256(pat["token"].text())) == std::string::npos);
  }
}

TEST_CASE("lists are newest first and paged both ways", "[alephant]") {
  team t(shared());
  keys made;
  for (int i = 0; i < 25; ++i)
    made.insert(made.begin(), t.owner.new_pat("\"name\":\"n" + std::to_string(i) + "\"")["id"].text());
  auto page = [&](const std::string& query, std::int64_t limit, std::int64_t offset) {
    INFO(query);
    auto got = t.owner.get("/api/v1/pats" + query);
    REQUIRE(got.status == 200);
    auto body = got.json();
    CHECK(body["pagination"].keys() == keys{"total", "limit", "offset"});
    CHECK(body["pagination"]["total"].number() == 25);
    CHECK(body["pagination"]["limit"].number() == limit);
    CHECK(body["pagination"]["offset"].number() == offset);
    keys expected;
    for (auto i = offset; i < std::min<std::int64_t>(25, offset + limit); ++i)
      expected.push_back(made[static_cast<std::size_t>(i)]);
    CHECK(ids_of(body) == expected);
  };
  page("", 20, 0);
  page("?", 20, 0);
  page("?limit=7", 7, 0);
  page("?limit=7&offset=20", 7, 20);
  page("?limit=100&offset=0", 100, 0);
  page("?offset=25", 20, 25);
  page("?offset=10000000", 20, 10000000);
  page("?page=2", 20, 20);
  page("?pageSize=10&page=3", 10, 20);
  page("?pageSize=200", 200, 0);
  page("?limit=1&other=ignored", 1, 0);
  page("?%6cimit=3", 3, 0);
}

TEST_CASE("paging outside its bounds is refused", "[alephant]") {
  team t(shared());
  for (const char* query : {"?limit=0",         "?limit=101",        "?limit=-1",
                            "?limit=",          "?limit=a",          "?limit=1.0",
                            "?limit=+1",        "?limit=1e1",        "?limit=99999999999999999999",
                            "?offset=-1",       "?offset=x",         "?offset=10000001",
                            "?page=0",          "?page=-1",          "?pageSize=0",
                            "?pageSize=201",    "?page=1&pageSize=", "?page=99999999999",
                            "?limit=1&limit=1", "?limit=%31%",       "?limit=%zz"}) {
    INFO(query);
    check_error(t.owner.get(std::string("/api/v1/pats") + query), 400, "invalid_request");
  }
}

TEST_CASE("members see their own tokens, owners and admins everybody's", "[alephant]") {
  team t(shared());
  auto of_member = t.member.new_pat()["id"].text();
  auto of_owner = t.owner.new_pat()["id"].text();
  auto seen = [](person& by) {
    auto got = by.get("/api/v1/pats").json();
    return std::pair(ids_of(got), got["pagination"]["total"].number());
  };
  CHECK(seen(t.member) == std::pair(keys{of_member}, std::int64_t{1}));
  CHECK(seen(t.owner) == std::pair(keys{of_owner, of_member}, std::int64_t{2}));
  CHECK(seen(t.admin) == std::pair(keys{of_owner, of_member}, std::int64_t{2}));
  CHECK(seen(t.other) == std::pair(keys{}, std::int64_t{0}));
}

TEST_CASE("a change touches name and expiry and nothing else", "[alephant]") {
  team t(shared());
  auto pat = t.member.new_pat(R"("name":"before","scopes":["read"])");
  auto path = pat_path(pat["id"].text());
  auto unchanged = t.member.get(path).json();
  auto same = t.member.patch(path, "{}");
  CHECK(same.status == 200);
  check_json_headers(same);
  CHECK(same.json() == unchanged);
  for (const char* ignored : {R"({"scopes":["admin"],"token":"x","unknown":1,"workspaceId":"y"})", R"({"scopes":[]})",
                              R"({"scopes":"all"})", R"({"scopes":["root"]})", R"({"unknown":1e999})"})
    CHECK(t.member.patch(path, ignored).json() == unchanged);

  auto renamed = t.member.patch(path, R"({"name":"after"})");
  REQUIRE(renamed.status == 200);
  check_pat(renamed.json()["data"], t.member);
  CHECK(renamed.json()["data"]["name"].text() == "after");
  CHECK(renamed.json()["data"]["expiresAt"].is_null());
  auto limited = t.admin.patch(path, R"({"expiresAt":"2090-01-01T00:00:00Z"})").json()["data"];
  CHECK(limited["name"].text() == "after");
  CHECK(limited["expiresAt"].text() == "2090-01-01T00:00:00Z");
  CHECK(t.owner.patch(path, R"({"expires_at":"2091-01-01T00:00:00Z"})").json()["data"]["expiresAt"].text() ==
        "2091-01-01T00:00:00Z");
  CHECK(t.owner.patch(path, R"({"name":"again"})").json()["data"]["expiresAt"].text() == "2091-01-01T00:00:00Z");
  CHECK(t.owner.patch(path, R"({"expiresAt":null})").json()["data"]["expiresAt"].is_null());
  CHECK(t.member.get(path).json()["data"]["name"].text() == "again");
}

TEST_CASE("a change refuses what a create refuses", "[alephant]") {
  team t(shared());
  auto path = pat_path(t.owner.new_pat()["id"].text());
  for (const char* body :
       {R"({"name":""})", R"({"name":"  "})", R"({"name":null})", R"({"name":7})", R"({"name":"a\u0000b"})",
        R"({"expiresAt":"yesterday"})", R"({"expiresAt":"2001-01-01T00:00:00Z"})", R"({"expiresAt":17})", "[]", "x",
        R"({"name":"a","name":"b"})", R"({"name":"a"}x)"}) {
    INFO(body);
    check_error(t.owner.patch(path, body), 400, "invalid_request");
  }
  check_error(t.owner.send("PATCH", path, "{}", {{"Content-Type", "text/plain"}}), 415, "unsupported_media_type");
  CHECK(t.owner.get(path).json()["data"]["name"].text() == "a token");
}

TEST_CASE("a deleted token is gone everywhere and its use is answered revoked", "[alephant]") {
  team t(shared());
  auto pat = t.member.new_pat();
  auto path = pat_path(pat["id"].text());
  auto bearer = t.member.with(pat["token"].text());
  CHECK(bearer.get(path).status == 200);
  auto gone = t.member.del(path);
  CHECK(gone.status == 204);
  CHECK(gone.body.empty());
  CHECK(gone.find("Content-Type") == nullptr);
  CHECK(gone.find("Content-Length") == nullptr);
  for (auto* who : {&t.member, &t.owner}) {
    check_error(who->get(path), 404, "not_found");
    check_error(who->del(path), 404, "not_found");
    check_error(who->patch(path, "{}"), 404, "not_found");
    check_error(who->post(pat_path(pat["id"].text(), "revoke")), 404, "not_found");
    check_error(who->post(pat_path(pat["id"].text(), "reveal")), 404, "not_found");
    CHECK(who->get("/api/v1/pats").json()["pagination"]["total"].number() == 0);
  }
  CHECK(check_error(bearer.get(path), 401, "token_revoked") == "Token has been revoked");
}

TEST_CASE("the revoke alias answers the token's metadata, once", "[alephant]") {
  team t(shared());
  auto pat = t.member.new_pat();
  auto revoked = t.admin.post(pat_path(pat["id"].text(), "revoke"));
  REQUIRE(revoked.status == 200);
  check_json_headers(revoked);
  CHECK(revoked.json()["data"].keys() == pat_keys);
  CHECK(revoked.json()["data"]["id"] == pat["id"]);
  CHECK_FALSE(revoked.json()["data"]["canReveal"].flag());
  check_error(t.admin.post(pat_path(pat["id"].text(), "revoke")), 404, "not_found");
  auto other = t.member.new_pat();
  CHECK(t.member.post(pat_path(other["id"].text(), "revoke"), "{}").status == 200);
}

TEST_CASE("a reveal answers the same token every time, exactly", "[alephant]") {
  team t(shared());
  auto pat = t.member.new_pat();
  auto path = pat_path(pat["id"].text(), "reveal");
  auto expected = R"({"data":{"fullToken":")" + pat["token"].text() + R"("}})";
  for (auto* who : {&t.member, &t.owner, &t.admin, &t.member}) {
    auto shown = who->post(path);
    REQUIRE(shown.status == 200);
    CHECK(shown.body == expected);
    check_json_headers(shown);
    CHECK(shown.header("Pragma") == "no-cache");
    CHECK(shown.find("ETag") == nullptr);
    CHECK(shown.find("Content-Encoding") == nullptr);
    CHECK(shown.header("RateLimit-Policy") == R"("reveal";q=10;w=60)");
    CHECK(std::regex_match(shown.header("RateLimit"), std::regex(R"("reveal";r=\d+;t=\d+)")));
  }
  shared().restart();
  person again(shared().port(), t.member.credential(), t.workspace);
  CHECK(again.post(path).body == expected);
}

TEST_CASE("a reveal takes no body, zero bytes of JSON, and an empty object", "[alephant]") {
  team t(shared());
  auto path = pat_path(t.owner.new_pat()["id"].text(), "reveal");
  auto status = [&](std::string_view body, header_list more) { return t.owner.send("POST", path, body, more).status; };
  CHECK(status("", {}) == 200);
  CHECK(status("", {{"Content-Type", "application/json"}}) == 200);
  CHECK(status("{}", {}) == 200);
  CHECK(status("{\"anything\":1}", {{"Content-Type", "Application/JSON; charset=utf-8"}}) == 200);
  check_error(t.owner.send("POST", path, "{}", {{"Content-Type", "text/plain"}}), 415, "unsupported_media_type");
  check_error(t.owner.post(path, "[]"), 400, "invalid_request");
  check_error(t.owner.post(path, "{"), 400, "invalid_request");
  // And no Content-Length at all.
  nacre::test::raw_http raw(shared().port());
  auto answer = raw.exchange("POST " + path + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + t.owner.credential() +
                             "\r\nX-Workspace-Id: " + t.workspace + "\r\n\r\n");
  REQUIRE(answer);
  CHECK(answer->status == 200);
}

TEST_CASE("an expired token is refused as credential and for reveal until it is given more time", "[alephant]") {
  team t(shared());
  auto pat = t.member.new_pat(R"("name":"short","scopes":["admin"],"expiresAt":")" + rfc3339_in(2) + "\"");
  auto path = pat_path(pat["id"].text());
  auto bearer = t.member.with(pat["token"].text());
  REQUIRE(eventually([&] { return bearer.get(path).status == 401; }));
  CHECK(check_error(bearer.get(path), 401, "token_expired") == "Token has expired");
  check_error(t.member.post(path + "/reveal"), 422, "reveal_not_available");
  auto seen = t.member.get(path).json()["data"];
  CHECK(seen["expiresAt"] == pat["expiresAt"]);
  CHECK(t.member.get("/api/v1/pats").json()["pagination"]["total"].number() == 1);

  CHECK(t.member.patch(path, R"({"expiresAt":"2090-01-01T00:00:00Z"})").status == 200);
  CHECK(bearer.get(path).status == 200);
  CHECK(t.member.post(path + "/reveal").json()["data"]["fullToken"] == pat["token"]);
}

TEST_CASE("using a token is noticed and written down", "[alephant]") {
  team t(shared());
  auto pat = t.member.new_pat();
  auto path = pat_path(pat["id"].text());
  CHECK(t.member.get(path).json()["data"]["lastUsedAt"].is_null());
  CHECK(t.member.post(path + "/reveal").status == 200);  // looking at it is not using it
  CHECK(t.member.get(path).json()["data"]["lastUsedAt"].is_null());
  CHECK(t.member.with(pat["token"].text()).get("/api/v1/pats").status == 200);
  REQUIRE(eventually([&] { return !t.member.get(path).json()["data"]["lastUsedAt"].is_null(); }));
  CHECK(is_time(t.member.get(path).json()["data"]["lastUsedAt"].text()));
}

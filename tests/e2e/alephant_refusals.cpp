// contracts/alephant-pats.md on the wire: what is refused, with which status, and in which order.

#include "tests/e2e/kit.hpp"

using namespace nacre::e2e;

namespace {

std::string repeated(std::string_view piece, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += piece;
  return out;
}

struct row {
  const char* what;
  std::string body;
};

}  // namespace

TEST_CASE("a create that breaks a rule is 400 and creates nothing", "[alephant]") {
  team t(shared());
  auto nested = [](int depth) { return R"({"name":"a","x":)" + repeated("[", depth) + repeated("]", depth) + "}"; };
  const row rows[] = {
      {"nothing", ""},
      {"no object", "[]"},
      {"a string", "\"name\""},
      {"null", "null"},
      {"not JSON", "name=a"},
      {"half", R"({"name":"a")"},
      {"trailing garbage", R"({"name":"a"} x)"},
      {"two documents", R"({"name":"a"}{"name":"b"})"},
      {"trailing comma", R"({"name":"a",})"},
      {"a comment", R"({"name":"a"/**/})"},
      {"single quotes", "{'name':'a'}"},
      {"a bare control", "{\"name\":\"a\nb\"}"},
      {"not UTF-8", "{\"name\":\"a\xff\"}"},
      {"a lone surrogate", R"({"name":"\ud800"})"},
      {"a repeated key", R"({"name":"a","name":"a"})"},
      {"a repeated key inside", R"({"name":"a","x":{"y":1,"y":2}})"},
      {"an escaped repeated key", R"({"name":"a","n\u0061me":"b"})"},
      {"too deep", nested(16)},
      {"far too deep", nested(5000)},
      {"no name", "{}"},
      {"null name", R"({"name":null})"},
      {"a number as name", R"({"name":1})"},
      {"an object as name", R"({"name":{}})"},
      {"a list as name", R"({"name":["a"]})"},
      {"empty name", R"({"name":""})"},
      {"blank name", R"({"name":"   "})"},
      {"101 characters", R"({"name":")" + repeated("x", 101) + "\"}"},
      {"101 code points", R"({"name":")" + repeated("\xc3\xa9", 101) + "\"}"},
      {"NUL in the name", R"({"name":"a\u0000b"})"},
      {"a line end in the name", R"({"name":"a\nb"})"},
      {"DEL in the name", R"({"name":"a\u007f"})"},
      {"a C1 control in the name", R"({"name":"a\u0085"})"},
      {"unknown scope", R"({"name":"a","scopes":["read","root"]})"},
      {"empty scopes", R"({"name":"a","scopes":[]})"},
      {"null scopes", R"({"name":"a","scopes":null})"},
      {"scopes as text", R"({"name":"a","scopes":"read"})"},
      {"a number as scope", R"({"name":"a","scopes":[1]})"},
      {"a null scope", R"({"name":"a","scopes":[null]})"},
      {"scope in capitals", R"({"name":"a","scopes":["READ"]})"},
      {"scopes as object", R"({"name":"a","scopes":{"read":true}})"},
      {"past expiry", R"({"name":"a","expiresAt":"2020-01-01T00:00:00Z"})"},
      {"past expires_at", R"({"name":"a","expires_at":"2020-01-01T00:00:00Z"})"},
      {"this very second", R"({"name":"a","expiresAt":")" + rfc3339_in(0) + "\"}"},
      {"a number as expiry", R"({"name":"a","expiresAt":4000000000})"},
      {"a date as expiry", R"({"name":"a","expiresAt":"2090-01-01"})"},
      {"no offset", R"({"name":"a","expiresAt":"2090-01-01T00:00:00"})"},
      {"no such day", R"({"name":"a","expiresAt":"2090-02-30T00:00:00Z"})"},
      {"no such hour", R"({"name":"a","expiresAt":"2090-01-01T24:00:00Z"})"},
      {"empty expiry", R"({"name":"a","expiresAt":""})"},
      {"true as expiry", R"({"name":"a","expiresAt":true})"},
      {"an object as expiry", R"({"name":"a","expiresAt":{}})"},
      {"junk behind the expiry", R"({"name":"a","expiresAt":"2090-01-01T00:00:00Z "})"},
  };
  auto before = audit_of(t.owner).size();
  for (const auto& r : rows) {
    INFO(r.what << ": " << r.body.substr(0, 120));
    check_error(t.owner.send("POST", "/api/v1/pats", r.body, {{"Content-Type", "application/json"}}), 400,
                "invalid_request");
  }
  CHECK(t.owner.get("/api/v1/pats").json()["pagination"]["total"].number() == 0);
  CHECK(audit_of(t.owner).size() == before);
  // As deep as allowed is allowed.
  CHECK(t.owner.post("/api/v1/pats", nested(15)).status == 201);
}

TEST_CASE("a body of another type is 415 and a larger one than 32 KiB 413", "[alephant]") {
  team t(shared());
  for (const char* type : {"text/plain", "application/x-www-form-urlencoded", "application/jsonp", "text/json",
                           "multipart/form-data; boundary=a", "application", "json", ";application/json"}) {
    INFO(type);
    check_error(t.owner.send("POST", "/api/v1/pats", R"({"name":"a"})", {{"Content-Type", type}}), 415,
                "unsupported_media_type");
  }
  http_client bare(shared().port());
  const header_list untyped{{"Authorization", "Bearer " + t.owner.credential()}, {"X-Workspace-Id", t.workspace}};
  check_error(bare.send("POST", "/api/v1/pats", untyped, R"({"name":"a"})"), 415, "unsupported_media_type");

  auto padded = [](std::size_t size) {
    std::string body = R"({"name":"a"})";
    return body + std::string(size - body.size(), ' ');
  };
  CHECK(t.owner.post("/api/v1/pats", padded(32 * 1024)).status == 201);
  auto large = t.owner.post("/api/v1/pats", padded(32 * 1024 + 1));
  CHECK(large.status == 413);
  CHECK(large.json().keys() == keys{"error", "code", "message"});
  CHECK(t.owner.get("/api/v1/pats").json()["pagination"]["total"].number() == 1);
}

TEST_CASE("every tampered character of a token is refused", "[alephant]") {
  team t(shared());
  auto pat = t.owner.new_pat(R"("name":"a","scopes":["read"])");
  const auto& token = pat["token"].text();
  CHECK(t.owner.with(token).get("/api/v1/pats").status == 200);
  for (std::size_t i = 0; i < token.size(); ++i) {
    auto bad = token;
    bad[i] = bad[i] == 'a' ? 'b' : 'a';
    INFO(i);
    CHECK(check_error(t.owner.with(bad).get("/api/v1/pats"), 401, "unauthorized") == "Authentication failed");
  }
  std::string upper = token;
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  for (const auto& bad : {token + "0", token.substr(0, 76), token + token, upper, token.substr(13), std::string("x")})
    check_error(t.owner.with(bad).get("/api/v1/pats"), 401, "unauthorized");
}

TEST_CASE("ids and workspace headers that are no UUID are 400", "[alephant]") {
  team t(shared());
  for (const char* id : {"1", "x", "00000000-0000-0000-0000-00000000000", "00000000-0000-0000-0000-0000000000000",
                         "g0000000-0000-0000-0000-000000000000", "00000000000000000000000000000000",
                         "%30"
                         "0000000-0000-0000-0000-000000000000"}) {
    INFO(id);
    check_error(t.owner.get(pat_path(id)), 400, "invalid_request");
    check_error(t.owner.patch(pat_path(id), "{}"), 400, "invalid_request");
    check_error(t.owner.del(pat_path(id)), 400, "invalid_request");
    check_error(t.owner.post(pat_path(id, "reveal")), 400, "invalid_request");
    check_error(t.owner.post(pat_path(id, "revoke")), 400, "invalid_request");
    check_error(t.owner.in(id).get("/api/v1/pats"), 400, "invalid_request");
  }
  check_error(t.owner.in("").get("/api/v1/pats"), 400, "invalid_request");
  check_error(t.owner.in("00000000-0000-0000-0000-000000000000").get("/api/v1/pats"), 400, "invalid_request");
  // Upper case names the same workspace (RFC 9562).
  std::string upper = t.workspace;
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  CHECK(t.owner.in(upper).get("/api/v1/pats").status == 200);
}

TEST_CASE("who is neither creator nor owner nor admin may not touch a token", "[alephant]") {
  team t(shared());
  auto id = t.member.new_pat()["id"].text();
  check_error(t.other.get(pat_path(id)), 403, "forbidden");
  check_error(t.other.patch(pat_path(id), R"({"name":"mine"})"), 403, "forbidden");
  check_error(t.other.del(pat_path(id)), 403, "forbidden");
  check_error(t.other.post(pat_path(id, "revoke")), 403, "forbidden");
  auto denied = t.other.post(pat_path(id, "reveal"));
  check_error(denied, 403, "forbidden");
  auto stranger = shared().stranger(t.workspace);
  for (const auto& a :
       {stranger.get("/api/v1/pats"), stranger.post("/api/v1/pats", R"({"name":"a"})"), stranger.get(pat_path(id)),
        stranger.patch(pat_path(id), "{}"), stranger.del(pat_path(id)), stranger.post(pat_path(id, "reveal")),
        stranger.post(pat_path(id, "revoke")), stranger.in(new_uuid()).get("/api/v1/pats")})
    check_error(a, 403, "forbidden");
  CHECK(t.member.get(pat_path(id)).json()["data"]["name"].text() == "a token");
}

TEST_CASE("another workspace's token does not exist", "[alephant]") {
  team here(shared()), there(shared());
  auto id = there.owner.new_pat()["id"].text();
  for (auto* who : {&here.owner, &here.member}) {
    check_error(who->get(pat_path(id)), 404, "not_found");
    check_error(who->patch(pat_path(id), "{}"), 404, "not_found");
    check_error(who->del(pat_path(id)), 404, "not_found");
    check_error(who->post(pat_path(id, "reveal")), 404, "not_found");
    check_error(who->post(pat_path(id, "revoke")), 404, "not_found");
  }
  CHECK(there.owner.get(pat_path(id)).status == 200);
}

TEST_CASE("a token is good for what its scopes say and names the one it lacks", "[alephant]") {
  team t(shared());
  auto target = t.owner.new_pat()["id"].text();
  auto bearer = [&](const char* scopes) {
    return t.owner.with(t.owner.new_pat(R"("name":"s","scopes":[)" + std::string(scopes) + "]")["token"].text());
  };
  auto read = bearer(R"("read")"), write = bearer(R"("write")"), admin = bearer(R"("admin")");
  auto lacks = [](const http_answer& a, const std::string& scope) {
    CHECK(check_error(a, 403, "insufficient_scope") == "Insufficient permissions. Required scope: " + scope);
  };
  CHECK(read.get("/api/v1/pats").status == 200);
  CHECK(read.get(pat_path(target)).status == 200);
  lacks(read.post("/api/v1/pats", R"({"name":"a"})"), "write");
  lacks(read.patch(pat_path(target), "{}"), "write");
  lacks(read.del(pat_path(target)), "write");
  lacks(read.post(pat_path(target, "revoke")), "write");
  lacks(read.post(pat_path(target, "reveal")), "admin");
  CHECK(write.get(pat_path(target)).status == 200);
  CHECK(write.patch(pat_path(target), "{}").status == 200);
  lacks(write.post(pat_path(target, "reveal")), "admin");
  auto revealed = admin.post(pat_path(target, "reveal"));
  CHECK(revealed.status == 200);
  CHECK(admin.get("/api/v1/pats").status == 200);

  // A token never makes a stronger one.
  CHECK(write.post("/api/v1/pats", R"({"name":"a","scopes":["read","write"]})").status == 201);
  lacks(write.post("/api/v1/pats", R"({"name":"a","scopes":["admin"]})"), "admin");
  CHECK(admin.post("/api/v1/pats", R"({"name":"a","scopes":["admin"]})").status == 201);
  CHECK(write.del(pat_path(target)).status == 204);
}

TEST_CASE("a token is bound to its workspace and to its owner's standing", "[alephant]") {
  team here(shared()), there(shared());
  auto bearer = here.member.with(here.member.new_pat(R"("name":"b","scopes":["admin"])")["token"].text());
  check_error(bearer.in(there.workspace).get("/api/v1/pats"), 403, "forbidden");
  check_error(bearer.in(new_uuid()).get("/api/v1/pats"), 403, "forbidden");
  check_error(bearer.in("").get("/api/v1/pats"), 400, "invalid_request");
  // Admin scope gives a member no more than a member has.
  auto of_owner = here.owner.new_pat()["id"].text();
  check_error(bearer.get(pat_path(of_owner)), 403, "forbidden");
  check_error(bearer.post(pat_path(of_owner, "reveal")), 403, "forbidden");
  CHECK(here.owner.del("/api/v1/workspaces/" + here.workspace + "/members/" + here.member.user()).status == 204);
  check_error(bearer.get("/api/v1/pats"), 403, "forbidden");
}

TEST_CASE("the scheme is Bearer in any case, with one space", "[alephant]") {
  team t(shared());
  http_client c(shared().port());
  auto status = [&](const std::string& value) {
    return c.send("GET", "/api/v1/pats", {{"Authorization", value}, {"X-Workspace-Id", t.workspace}}).status;
  };
  for (const char* good : {"Bearer ", "bearer ", "BEARER ", "bEaReR "})
    CHECK(status(good + t.owner.credential()) == 200);
  for (const char* bad : {"", "Bearer", "Bearer  ", "Token ", "Basic ", "Bearer\t", "Bearer,", "Bearer: "}) {
    INFO(bad);
    auto got = status(bad + t.owner.credential());
    CHECK((got == 401 || (std::string_view(bad) == "Bearer\t" && got == 400)));
  }
  CHECK(status("Bearer") == 401);
  CHECK(status("Bearer " + t.owner.credential() + " x") == 401);
  check_error(c.send("GET", "/api/v1/pats", {{"X-Workspace-Id", t.workspace}}), 401, "unauthorized");
  auto twice = c.send("GET", "/api/v1/pats",
                      {{"Authorization", "Bearer " + t.owner.credential()},
                       {"Authorization", "Bearer " + t.owner.credential()},
                       {"X-Workspace-Id", t.workspace}});
  CHECK(twice.status == 400);
}

// Each request breaks two rules; the one checked first decides.
TEST_CASE("checks come in the contract's order", "[alephant]") {
  team t(shared()), there(shared());
  auto stranger = shared().stranger(t.workspace);
  auto good = t.member.new_pat()["id"].text();
  auto spent = t.other.new_pat()["id"].text();
  auto unknown = new_uuid();
  auto reveal = [](person who, const std::string& id, std::string_view body = {}) {
    return who.post(pat_path(id, "reveal"), body);
  };
  for (int i = 0; i < 10; ++i) CHECK(reveal(t.other, spent).status == 200);
  for (int i = 0; i < 10; ++i) CHECK(reveal(t.other, unknown).status == 404);
  for (int i = 0; i < 10; ++i) CHECK(reveal(t.other, good).status == 403);

  check_error(reveal(t.owner.with("garbage").in("x"), good), 401, "unauthorized");  // 401 before header
  check_error(reveal(t.owner.with("garbage"), "x"), 401, "unauthorized");           // 401 before id
  check_error(reveal(t.owner.with("garbage"), unknown, "["), 401, "unauthorized");  // 401 before body
  auto both = reveal(t.owner.in("x"), "y");                                         // header before id
  CHECK(check_error(both, 400, "invalid_request").find("X-Workspace-Id") != std::string::npos);
  check_error(reveal(stranger.in("x"), good), 400, "invalid_request");  // header before 403
  check_error(reveal(stranger, "x"), 400, "invalid_request");           // id before 403
  auto bound = t.member.with(t.member.new_pat(R"("name":"b","scopes":["admin"])")["token"].text());
  check_error(reveal(bound.in(there.workspace), "x"), 400, "invalid_request");  // id before binding
  check_error(reveal(stranger, good, "["), 403, "forbidden");                   // 403 before body
  check_error(stranger.post("/api/v1/pats", "["), 403, "forbidden");
  check_error(stranger.send("POST", "/api/v1/pats", "x", {{"Content-Type", "text/plain"}}), 403, "forbidden");
  check_error(stranger.patch(pat_path(unknown), "["), 403, "forbidden");
  check_error(reveal(t.other, spent, "["), 400, "invalid_request");  // body before 429
  check_error(t.member.send("PATCH", pat_path(unknown), "x", {{"Content-Type", "text/plain"}}), 415,
              "unsupported_media_type");  // body before 404
  check_error(t.member.patch(pat_path(unknown), "["), 400, "invalid_request");
  check_error(reveal(t.other, unknown), 429, "rate_limited");  // 429 before 404
  check_error(reveal(t.other, good), 429, "rate_limited");     // 429 before role 403
  check_error(reveal(stranger, unknown), 403, "forbidden");    // membership before 429, 404
  check_error(reveal(there.owner, good), 404, "not_found");    // 404 before role
  auto expired = t.member.new_pat(R"("name":"e","expiresAt":")" + rfc3339_in(1) + "\"")["id"].text();
  REQUIRE(
      eventually([&] { return t.member.get(pat_path(expired)).json()["data"]["expiresAt"].text() < rfc3339_in(0); }));
  auto fresh = shared().join(t.workspace, "member");
  check_error(reveal(fresh, expired), 403, "forbidden");  // role before 422
  check_error(reveal(t.member, expired), 422, "reveal_not_available");
}

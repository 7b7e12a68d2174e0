// Rotation and what narrows a token, over the wire: a new token without an outage, an old one that ends when it
// should, and tokens that are good only here, from then on, or so often.

#include <atomic>
#include <thread>

#include "tests/e2e/kit.hpp"

using namespace nacre::e2e;

namespace {

constexpr const char* key = "a key nobody else has";

std::string rotate_path(const json_tree& pat) { return pat_path(pat["id"].text(), "rotate"); }

http_answer rotate(person& by, const json_tree& pat, std::string_view body = {}, std::string_view retry = {}) {
  header_list more;
  if (!retry.empty()) more.emplace_back("Idempotency-Key", retry);
  return by.send("POST", rotate_path(pat), body, more);
}

std::string token_of(const http_answer& a) {
  REQUIRE(a.status == 200);
  return a.json()["data"]["token"].text();
}

int status_with(person& t, const std::string& token) { return t.with(token).get("/api/v1/me").status; }

bool audited(person& owner, std::string_view action, std::string_view object) {
  return eventually([&] {
    for (const auto& entry : audit_of(owner))
      if (entry["action"].text() == action && entry["object"].text() == object) return true;
    return false;
  });
}

}  // namespace

TEST_CASE("a rotated token is another one of the same shape, and nothing else of the PAT changes", "[rotation]") {
  team t(shared(), "Rotating");
  auto pat = t.owner.new_pat(R"("name":"a","scopes":["write"],"expiresAt":"2090-01-01T00:00:00Z")");
  auto answer = rotate(t.owner, pat);
  REQUIRE(answer.status == 200);
  check_json_headers(answer);
  const auto after = answer.json()["data"];
  CHECK(is_token(after["token"].text()));
  CHECK(after["token"].text() == after["fullToken"].text());
  CHECK(after["token"] != pat["token"]);
  for (const auto* same : {"id", "name", "scopes", "workspaceId", "userId", "expiresAt", "createdAt", "tokenPrefix"})
    CHECK(after[same] == pat[same]);
  CHECK(after["canReveal"].flag());
  auto shown = t.owner.post(pat_path(pat["id"].text(), "reveal"));
  REQUIRE(shown.status == 200);
  CHECK(shown.json()["data"]["fullToken"] == after["token"]);
}

TEST_CASE("without an overlap the old token is dead at once", "[rotation]") {
  team t(shared());
  auto pat = t.owner.new_pat();
  auto fresh = token_of(rotate(t.owner, pat));
  check_error(t.owner.with(pat["token"].text()).get("/api/v1/me"), 401, "token_revoked");
  CHECK(status_with(t.owner, fresh) == 200);
}

TEST_CASE("the old token is good until its overlap ends", "[rotation]") {
  team t(shared());
  auto pat = t.owner.new_pat();
  auto fresh = token_of(rotate(t.owner, pat, R"({"overlap":2})"));
  CHECK(status_with(t.owner, pat["token"].text()) == 200);
  CHECK(status_with(t.owner, fresh) == 200);
  CHECK(status_with(t.owner, pat["token"].text()) == 200);
  CHECK(eventually([&] { return status_with(t.owner, pat["token"].text()) == 401; }));
  CHECK(status_with(t.owner, fresh) == 200);
}

TEST_CASE("the old token ends with the first use of the new one, if that was asked for", "[rotation]") {
  team t(shared());
  auto pat = t.owner.new_pat();
  auto fresh = token_of(rotate(t.owner, pat, R"({"overlap":3600,"untilFirstUse":true})"));
  for (int i = 0; i < 3; ++i) CHECK(status_with(t.owner, pat["token"].text()) == 200);
  CHECK(status_with(t.owner, fresh) == 200);
  CHECK(status_with(t.owner, pat["token"].text()) == 401);
}

TEST_CASE("a second rotation ends the first one's overlap", "[rotation]") {
  team t(shared());
  auto pat = t.owner.new_pat();
  auto second = token_of(rotate(t.owner, pat, R"({"overlap":3600})"));
  auto third = token_of(rotate(t.owner, pat, R"({"overlap":3600})"));
  CHECK(status_with(t.owner, pat["token"].text()) == 401);
  CHECK(status_with(t.owner, second) == 200);
  CHECK(status_with(t.owner, third) == 200);
}

TEST_CASE("the same Idempotency-Key is answered with the same new token", "[rotation]") {
  team t(shared());
  auto pat = t.admin.new_pat();
  auto first = rotate(t.admin, pat, {}, key);
  auto token = token_of(first);
  CHECK(rotate(t.admin, pat, {}, key).body == first.body);
  CHECK(status_with(t.owner, token) == 200);
  auto again = token_of(rotate(t.owner, pat, {}, key));  // another caller's key is another key
  CHECK(again != token);
  check_error(rotate(t.admin, pat, {}, key), 409, "conflict");
}

TEST_CASE("64 rotations at once with one key make one new token", "[rotation]") {
  team t(shared());
  auto pat = t.owner.new_pat();
  std::vector<std::string> bodies(64);
  std::vector<std::thread> callers;
  for (auto& body : bodies)
    callers.emplace_back([&, me = t.owner.with(t.owner.credential()).in(t.workspace)]() mutable {
      person alone(shared().port(), me.credential(), me.workspace(), me.user());
      body = rotate(alone, pat, {}, key).body;
    });
  for (auto& c : callers) c.join();
  for (const auto& body : bodies) CHECK(body == bodies.front());
  CHECK(is_token(rotate(t.owner, pat, {}, key).json()["data"]["token"].text()));
}

TEST_CASE("who comes with a token that a rotation ended is noticed", "[rotation]") {
  team t(shared());
  auto pat = t.owner.new_pat();
  REQUIRE(rotate(t.owner, pat).status == 200);
  CHECK(audited(t.owner, "pat.rotate", pat["id"].text()));
  CHECK(status_with(t.owner, pat["token"].text()) == 401);
  CHECK(audited(t.owner, "pat.reuse", pat["id"].text()));
}

TEST_CASE("a PAT may renew itself, and no other unless it may reveal", "[rotation]") {
  team t(shared());
  auto weak = t.owner.new_pat(R"("name":"weak","scopes":["read"])");
  auto strong = t.owner.new_pat(R"("name":"strong","scopes":["admin"])");
  auto as_weak = t.owner.with(weak["token"].text()), as_strong = t.owner.with(strong["token"].text());
  check_error(rotate(as_weak, strong), 403, "insufficient_scope");
  auto renewed = token_of(rotate(as_weak, weak));
  CHECK(status_with(t.owner, renewed) == 200);
  CHECK(rotate(as_strong, weak).status == 200);
}

TEST_CASE("a token that is being replaced neither renews, changes nor shows what replaces it, and may end it",
          "[rotation]") {
  team t(shared());
  for (const auto* scope : {"read", "write", "admin"}) {
    INFO(scope);
    auto pat = t.owner.new_pat(R"("name":"leaked","scopes":[")" + std::string(scope) + "\"]");
    auto fresh = token_of(rotate(t.owner, pat, R"({"overlap":3600})"));
    auto old = t.owner.with(pat["token"].text());
    const auto path = pat_path(pat["id"].text());
    CHECK(check_error(rotate(old, pat, "{}"), 403, "forbidden").find("being replaced") != std::string::npos);
    check_error(rotate(old, pat, R"({"overlap":3600})", key), 403, "forbidden");
    if (std::string_view(scope) != "read")
      check_error(old.patch(path, R"({"expiresAt":null,"name":"kept"})"), 403, "forbidden");
    if (std::string_view(scope) == "admin") check_error(old.post(path + "/reveal"), 403, "forbidden");
    CHECK(t.owner.get(path).json()["data"]["name"].text() == "leaked");
    CHECK(status_with(t.owner, fresh) == 200);
    CHECK(status_with(t.owner, pat["token"].text()) == 200);
    if (std::string_view(scope) == "read") continue;
    CHECK(old.del(path).status == 204);
    CHECK(status_with(t.owner, fresh) == 401);
  }
}

TEST_CASE("a token that renewed itself and lost the answer gets it again while it is being replaced", "[rotation]") {
  team t(shared());
  auto pat = t.owner.new_pat(R"("name":"self","scopes":["read"])");
  auto self = t.owner.with(pat["token"].text());
  auto first = rotate(self, pat, R"({"overlap":3600})", key);
  auto fresh = token_of(first);
  CHECK(rotate(self, pat, R"({"overlap":3600})", key).body == first.body);
  check_error(rotate(self, pat, R"({"overlap":3600})", "another key of them"), 403, "forbidden");
  CHECK(status_with(t.owner, fresh) == 200);
}

TEST_CASE("rotation is for the creator, owners and admins of the token's workspace", "[rotation]") {
  team t(shared());
  auto pat = t.member.new_pat();
  check_error(rotate(t.other, pat), 403, "forbidden");
  CHECK(rotate(t.member, pat).status == 200);
  CHECK(rotate(t.admin, pat).status == 200);
  team elsewhere(shared());
  check_error(rotate(elsewhere.owner, pat), 404, "not_found");
  auto stranger = shared().stranger(t.workspace);
  check_error(rotate(stranger, pat), 403, "forbidden");
  REQUIRE(t.owner.del(pat_path(pat["id"].text())).status == 204);
  check_error(rotate(t.owner, pat), 404, "not_found");
}

TEST_CASE("a rotation that cannot be read changes nothing", "[rotation]") {
  team t(shared());
  auto pat = t.owner.new_pat();
  for (const auto* body :
       {R"({"overlap":-1})", R"({"overlap":2592001})", R"({"overlap":"60"})", R"({"overlap":1.5})",
        R"({"overlap":1e3})", R"({"untilFirstUse":1})", R"({"expiresAt":"2001-01-01T00:00:00Z"})",
        R"({"expiresAt":"soon"})", R"({"expires_at":"soon"})", R"([])", R"({)", R"({"overlap":1,"overlap":2})"}) {
    INFO(body);
    check_error(rotate(t.owner, pat, body), 400, "invalid_request");
  }
  check_error(rotate(t.owner, pat, {}, "too short"), 400, "invalid_request");
  auto form = t.owner.send("POST", rotate_path(pat), "overlap=60", {{"Content-Type", "text/plain"}});
  check_error(form, 415, "unsupported_media_type");
  CHECK(t.owner.post("/api/v1/pats/nonsense/rotate").status == 400);
  CHECK(status_with(t.owner, pat["token"].text()) == 200);
}

TEST_CASE("an expired token comes back to life only with a new expiry", "[rotation]") {
  team t(shared());
  auto pat = t.owner.new_pat(R"("name":"short","expiresAt":")" + rfc3339_in(2) + "\"");
  auto live = t.owner.with(pat["token"].text()).get("/api/v1/me");
  CHECK(live.status == 200);
  CHECK(live.header("X-Nacre-Token-Expires-At") == pat["expiresAt"].text());
  CHECK(eventually([&] { return status_with(t.owner, pat["token"].text()) == 401; }));
  auto late = t.owner.with(pat["token"].text()).get("/api/v1/me");
  CHECK(check_error(late, 401, "token_expired") == "Token has expired");
  CHECK(late.header("WWW-Authenticate").find("The token has expired") != std::string::npos);
  check_error(rotate(t.owner, pat, R"({"overlap":60})"), 400, "invalid_request");
  auto fresh = token_of(rotate(t.owner, pat, R"({"overlap":60,"expiresAt":null})"));
  CHECK(status_with(t.owner, fresh) == 200);
  CHECK(status_with(t.owner, pat["token"].text()) == 401);  // the new life is not the old token's
}

TEST_CASE("a token of an earlier membership is not rotated: nobody would get in with the new one", "[rotation]") {
  team t(shared());
  auto pat = t.member.new_pat();
  const auto place = "/api/v1/workspaces/" + t.owner.workspace() + "/members/" + t.member.user();
  REQUIRE(t.owner.send("DELETE", place).status == 204);
  REQUIRE(t.owner.send("PUT", place, R"({"role":"member"})").status / 100 == 2);
  check_error(rotate(t.member, pat), 409, "conflict");
  check_error(rotate(t.admin, pat), 409, "conflict");
  CHECK(rotate(t.member, t.member.new_pat()).status == 200);
}

TEST_CASE("a key that a token was revealed with gets nothing of the one that replaced it for free", "[rotation]") {
  team t(shared());
  auto pat = t.member.new_pat();
  const header_list key{{"Idempotency-Key", "a key of sixteen characters"}};
  const auto path = pat_path(pat["id"].text(), "reveal");
  auto first = t.member.send("POST", path, {}, key);
  REQUIRE(first.status == 200);
  CHECK(t.member.send("POST", path, {}, key).body == first.body);
  auto fresh = token_of(rotate(t.admin, pat));
  // It is another reveal: counted, on record, and again to be had for nothing.
  for (int i = 0; i < 3; ++i) {
    auto anew = t.member.send("POST", path, {}, key);
    CHECK(anew.json()["data"]["fullToken"].text() == fresh);
    CHECK(anew.header("RateLimit").empty() == (i > 0));
  }
  CHECK(t.member.send("DELETE", path, {}, key).status == 204);
  const auto revealed = [&] {
    std::size_t times = 0;
    for (const auto& entry : audit_of(t.owner)) times += entry["action"].text() == "pat.reveal";
    return times;
  };
  CHECK(revealed() == 2);
  CHECK_FALSE(
      t.member.send("POST", path, {}, key).header("RateLimit").empty());  // confirmed: the key gets nothing again
  CHECK(revealed() == 3);
}

TEST_CASE("an imported token becomes one that can be revealed when it is rotated", "[rotation]") {
  team t(shared());
  const std::string foreign = "someone-elses-token-" + new_uuid();
  auto row = R"({"workspaceId":")" + t.workspace + R"(","userId":")" + t.owner.user() +
             R"(","name":"old","scopes":["read"],"tokenPrefix":"someone","tokenHash":")" + hex_sha256(foreign) +
             R"(","createdAt":"2024-01-01T00:00:00Z","expiresAt":null})";
  auto made = t.owner.post("/api/v1/pats/import", row);
  REQUIRE(made.status == 201);
  auto pat = made.json()["data"];
  CHECK(status_with(t.owner, foreign) == 200);
  auto fresh = token_of(rotate(t.owner, pat, R"({"overlap":3600})"));
  CHECK(status_with(t.owner, fresh) == 200);
  CHECK(status_with(t.owner, foreign) == 200);
  CHECK(t.owner.post(pat_path(pat["id"].text(), "reveal")).json()["data"]["fullToken"].text() == fresh);
}

// ---- what narrows a token ----------------------------------------------------------------------------

TEST_CASE("a token with so many uses has exactly so many, however many race for them", "[restrictions]") {
  team t(shared());
  auto pat = t.owner.new_pat(R"("name":"few","maxUses":5)");
  CHECK(pat["maxUses"].number() == 5);
  std::atomic<int> good{0}, bad{0}, other{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 32; ++i)
    callers.emplace_back([&] {
      person alone(shared().port(), pat["token"].text(), t.workspace);
      auto status = alone.get("/api/v1/me").status;
      ++(status == 200 ? good : status == 401 ? bad : other);
    });
  for (auto& c : callers) c.join();
  CHECK(good == 5);
  CHECK(bad == 27);
  CHECK(other == 0);
  auto got = t.owner.get(pat_path(pat["id"].text())).json()["data"];
  CHECK(got["uses"].number() == 5);
}

TEST_CASE("a token is no good before its time", "[restrictions]") {
  team t(shared());
  auto pat = t.owner.new_pat(R"("name":"later","notBefore":")" + rfc3339_in(2) + "\"");
  check_error(t.owner.with(pat["token"].text()).get("/api/v1/me"), 401, "unauthorized");
  CHECK(eventually([&] { return status_with(t.owner, pat["token"].text()) == 200; }));
}

TEST_CASE("a token bound to networks is refused from everywhere else", "[restrictions]") {
  team t(shared());
  auto away = t.owner.new_pat(R"("name":"away","allowedNetworks":["192.0.2.0/24","2001:db8::/32"])");
  CHECK(away["allowedNetworks"].items().size() == 2);
  check_error(t.owner.with(away["token"].text()).get("/api/v1/me"), 403, "forbidden");
  auto here = t.owner.new_pat(R"("name":"here","allowedNetworks":["127.0.0.1"])");
  CHECK(here["allowedNetworks"][0].text() == "127.0.0.1/32");
  CHECK(status_with(t.owner, here["token"].text()) == 200);
  auto path = pat_path(here["id"].text());
  REQUIRE(t.owner.patch(path, R"({"allowedNetworks":["192.0.2.1"]})").status == 200);
  CHECK(status_with(t.owner, here["token"].text()) == 403);
  REQUIRE(t.owner.patch(path, R"({"allowedNetworks":[]})").status == 200);
  CHECK(status_with(t.owner, here["token"].text()) == 200);
}

TEST_CASE("a token with restrictions makes none without, and loosens none", "[restrictions]") {
  team t(shared());
  auto narrow = t.owner.new_pat(R"("name":"narrow","scopes":["admin"],"allowedNetworks":["127.0.0.0/8"])");
  auto other = t.owner.new_pat();
  auto as_narrow = t.owner.with(narrow["token"].text());
  check_error(as_narrow.post("/api/v1/pats", R"({"name":"wide"})"), 403, "forbidden");
  check_error(as_narrow.patch(pat_path(narrow["id"].text()), R"({"allowedNetworks":[]})"), 403, "forbidden");
  check_error(rotate(as_narrow, other), 403, "forbidden");
  // A reveal hands a token out like a rotation: itself it may.
  check_error(as_narrow.post(pat_path(other["id"].text(), "reveal")), 403, "forbidden");
  CHECK(as_narrow.post(pat_path(narrow["id"].text(), "reveal")).status == 200);
  CHECK(rotate(as_narrow, narrow).status == 200);  // still as narrow
}

TEST_CASE("a token with restrictions makes no life longer, its own neither", "[restrictions]") {
  team t(shared());
  auto narrow =
      t.owner.new_pat(R"("name":"narrow","scopes":["admin"],"maxUses":1000,"expiresAt":"2080-01-01T00:00:00Z")");
  auto other = t.owner.new_pat(R"("name":"other","scopes":["read"],"expiresAt":"2080-01-01T00:00:00Z")");
  auto as_narrow = t.owner.with(narrow["token"].text());
  for (const auto* pat : {&narrow, &other})
    for (const auto* longer : {R"({"expiresAt":null})", R"({"expires_at":"2080-01-01T00:00:01Z"})"}) {
      INFO(longer);
      check_error(as_narrow.patch(pat_path((*pat)["id"].text()), longer), 403, "forbidden");
      check_error(rotate(as_narrow, *pat, longer), 403, "forbidden");
    }
  for (const auto* pat : {&narrow, &other}) {
    CHECK(as_narrow.patch(pat_path((*pat)["id"].text()), R"({"expiresAt":"2079-01-01T00:00:00Z"})").status == 200);
    CHECK(t.owner.get(pat_path((*pat)["id"].text())).json()["data"]["expiresAt"].text() == "2079-01-01T00:00:00Z");
  }
  CHECK(rotate(as_narrow, narrow, R"({"expiresAt":"2078-01-01T00:00:00Z"})").status == 200);
}

TEST_CASE("a token makes no life longer of one with scopes that it lacks", "[restrictions]") {
  team t(shared());
  const std::string ends = R"(,"expiresAt":"2080-01-01T00:00:00Z")";
  auto strong = t.owner.new_pat(R"("name":"strong","scopes":["admin"])" + ends);
  auto equal = t.owner.new_pat(R"("name":"equal","scopes":["read"])" + ends);
  auto writes = t.owner.with(t.owner.new_pat(R"("name":"writes","scopes":["write"])")["token"].text());
  const auto path = pat_path(strong["id"].text());
  check_error(writes.patch(path, R"({"expiresAt":null})"), 403, "insufficient_scope");
  check_error(writes.patch(path, R"({"expiresAt":"2081-01-01T00:00:00Z"})"), 403, "insufficient_scope");
  CHECK(writes.patch(path, R"({"expiresAt":"2079-01-01T00:00:00Z"})").status == 200);
  CHECK(writes.patch(pat_path(equal["id"].text()), R"({"expiresAt":null})").status == 200);
  CHECK(t.owner.patch(path, R"({"expiresAt":null})").status == 200);  // who signed in may
}

TEST_CASE("restrictions that cannot be read are told and make no token", "[restrictions]") {
  team t(shared());
  for (const auto* field :
       {R"("maxUses":0)", R"("maxUses":-1)", R"("maxUses":"5")", R"("maxUses":1000000001)", R"("notBefore":"soon")",
        R"("notBefore":5)", R"("allowedNetworks":"10.0.0.0/8")", R"("allowedNetworks":[1])",
        R"("allowedNetworks":["10.0.0.1/8"])", R"("allowedNetworks":["10.0.0.0/33"])",
        R"("allowedNetworks":["example.org"])", R"("allowedNetworks":["::/129"])"}) {
    INFO(field);
    check_error(t.owner.post("/api/v1/pats", R"({"name":"x",)" + std::string(field) + "}"), 400, "invalid_request");
  }
  CHECK(t.owner.get("/api/v1/pats").json()["pagination"]["total"].number() == 0);
}

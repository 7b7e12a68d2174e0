// Unleash personal access tokens over the wire, by contracts/unleash-tokens.md.

#include <algorithm>
#include <thread>

#include "tests/e2e/unleash_kit.hpp"

using namespace nacre::e2e;
using namespace nacre::e2e::unleash;
using nacre::test::json_quoted;

namespace {

const keys token_keys{"id", "description", "expiresAt", "userId", "createdAt", "seenAt"};

std::vector<std::int64_t> listed(person& who, const std::string& path = own()) {
  auto a = who.get(path);
  REQUIRE(a.status == 200);
  std::vector<std::int64_t> out;
  auto body = a.json();
  for (const auto& pat : body["pats"].items()) out.push_back(pat["id"].number());
  return out;
}

json_tree listed_one(person& who, const std::string& id, const std::string& path = own()) {
  auto body = who.get(path).json();
  for (const auto& pat : body["pats"].items())
    if (id_of(pat) == id) return pat;
  throw std::runtime_error("not in the list: " + id);
}

std::int64_t written(std::uint16_t port) {
  auto text = http_client(port).send("GET", "/metrics").body;
  constexpr std::string_view name = "\nnacre_log_commands_total ";
  auto at = text.find(name);
  REQUIRE(at != std::string::npos);
  return std::stoll(text.substr(at + name.size()));
}

}  // namespace

TEST_CASE("a token is told once, with its keys in order", "[unleash]") {
  team t(shared());
  auto a = t.member.post(own(), R"({"description":"first","expiresAt":"2099-03-01T00:00:00Z"})");
  REQUIRE(a.status == 201);
  check_unleash_headers(a);
  auto made = a.json();
  auto with_secret = token_keys;
  with_secret.push_back("secret");
  CHECK(made.keys() == with_secret);
  CHECK(made["id"].number() >= 1);
  CHECK(made["description"].text() == "first");
  CHECK(made["expiresAt"].text() == "2099-03-01T00:00:00.000Z");
  CHECK(made["userId"].number() == t.member.get("/api/admin/user").json()["user"]["id"].number());
  CHECK(is_iso_time(made["createdAt"].text()));
  CHECK(made["seenAt"].is_null());
  CHECK(is_unleash_token(made["secret"].text()));
  auto list = t.member.get(own());
  REQUIRE(list.status == 200);
  check_unleash_headers(list);
  CHECK(list.json().keys() == keys{"pats"});
  REQUIRE(list.json()["pats"].size() == 1);
  auto shown = list.json()["pats"][0];
  CHECK(shown.keys() == token_keys);
  for (const auto& key : token_keys) CHECK(shown[key] == made[key]);
  CHECK(list.body.find(made["secret"].text()) == std::string::npos);
  CHECK(t.other.get(own()).body == R"({"pats":[]})");
}

TEST_CASE("ids ascend over all users and never come back", "[unleash]") {
  team t(shared());
  std::int64_t last = 0;
  for (int i = 0; i < 4; ++i)
    for (auto* who : {&t.member, &t.other}) {
      auto made = create(*who);
      CHECK(made["id"].number() > last);
      last = made["id"].number();
      if (i % 2 == 0) CHECK(who->del(own(id_of(made))).status == 200);
      check_shape(who->post(own(), "{}"), "/body/description",
                  "The `/body/description` property is required. It was not present on the data you sent.");
    }
  for (auto* who : {&t.member, &t.other}) {
    auto ids = listed(*who);
    CHECK(ids.size() == 2);
    CHECK(std::is_sorted(ids.begin(), ids.end()));
  }
  CHECK(create(t.admin)["id"].number() == last + 1);  // what was refused took no number
}

TEST_CASE("simple types become text, unknown keys are passed over", "[unleash]") {
  const std::pair<const char*, std::string> rows[] = {
      {"5", "5"},         {"-5", "-5"},       {"5.0", "5"},         {"0.5", "0.5"},
      {"1e3", "1000"},    {"1e21", "1e+21"},  {"1e-7", "1e-7"},     {"true", "true"},
      {"false", "false"}, {"\" x \"", " x "}, {"\"null\"", "null"}, {"\"\\u0000\"", std::string(1, '\0')},
  };
  for (const auto& [sent, kept] : rows) {
    INFO(sent);
    team t(shared());
    auto made = create(t.member, own(),
                       {{"description", sent}, {"id", "7"}, {"secret", "\"user:x\""}, {"userId", "[]"}, {"x", "{}"}});
    CHECK(made["description"].text() == kept);
    CHECK(listed_one(t.member, id_of(made))["description"].text() == kept);
    CHECK(is_unleash_token(made["secret"].text()));
  }
}

TEST_CASE("an expiry is any date-time to come, told in UTC with milliseconds", "[unleash]") {
  const std::pair<const char*, const char*> rows[] = {
      {"2099-03-01T00:00:00Z", "2099-03-01T00:00:00.000Z"},
      {"2099-03-01T00:00:00.5Z", "2099-03-01T00:00:00.500Z"},
      {"2099-03-01T00:00:00.123456Z", "2099-03-01T00:00:00.123Z"},
      {"2099-03-01T02:00:00+02:00", "2099-03-01T00:00:00.000Z"},
      {"2099-02-28T19:00:00-05:00", "2099-03-01T00:00:00.000Z"},
      {"9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"},
  };
  team t(shared());
  for (const auto& [sent, told] : rows) {
    INFO(sent);
    auto made = create(t.member, own(), {{"expiresAt", json_quoted(sent)}});
    CHECK(made["expiresAt"].text() == told);
    CHECK(listed_one(t.member, id_of(made))["expiresAt"].text() == told);
    CHECK(status_with(made["secret"].text()) == 200);
  }
}

TEST_CASE("a description is any text a body can hold", "[unleash]") {
  team t(shared());
  for (const auto& text : {std::string(30'000, 'x'), std::string(" "), std::string("\xf0\x9f\x90\x9a \xc3\xa9\n\t\"\\"),
                           std::string("<script>alert(1)</script>")}) {
    auto made = create(t.member, own(), {{"description", json_quoted(text)}});
    CHECK(made["description"].text() == text);
    CHECK(listed_one(t.member, id_of(made))["description"].text() == text);
  }
  auto big = t.member.post(own(), new_token({{"description", json_quoted(std::string(100'000, 'x'))}}));
  CHECK(big.status == 413);
  CHECK(big.json()["name"].text() == "ContentTooLargeError");
  CHECK(listed(t.member).size() == 4);
}

TEST_CASE("ten tokens a user, expired ones too, and the limit is told before the duplicate", "[unleash]") {
  team t(shared());
  auto expiring = create(t.member, own(), {{"expiresAt", json_quoted(rfc3339_in(2))}});
  for (int i = 1; i < 10; ++i) create(t.member, own(), {{"description", json_quoted("no " + std::to_string(i))}});
  REQUIRE(eventually([&] { return status_with(expiring["secret"].text()) == 401; }));
  CHECK(listed(t.member).size() == 10);
  for (const char* description : {"\"no 1\"", "\"new\""}) {
    auto detail =
        check_problem(t.member.post(own(), new_token({{"description", description}})), 403, "OperationDeniedError");
    CHECK(detail["message"].text() == "Too many PATs (10) already exist for this user.");
  }
  create(t.other, own(), {{"description", "\"no 1\""}});
  CHECK(t.member.del(own(id_of(expiring))).status == 200);
  create(t.member, own(), {{"description", "\"no 10\""}});
}

TEST_CASE("a description is taken exactly as it is written, and free again after", "[unleash]") {
  team t(shared());
  auto made = create(t.member, own(), {{"description", "\"One\""}});
  auto again = t.member.post(own(), new_token({{"description", "\"One\""}}));
  CHECK(check_problem(again, 409, "NameExistsError")["message"].text() == "PAT description already exists.");
  for (const char* other : {"\"one\"", "\" One\"", "\"One \""}) create(t.member, own(), {{"description", other}});
  create(t.other, own(), {{"description", "\"One\""}});
  CHECK(t.member.del(own(id_of(made))).status == 200);
  create(t.member, own(), {{"description", "\"One\""}});
}

TEST_CASE("a token is the whole header or a bearer's, in any case and with any white space", "[unleash]") {
  team t(shared());
  auto secret = create(t.member)["secret"].text();
  for (const char* before : {"", "Bearer ", "bearer ", "BEARER    ", "bEaReR            "}) {
    INFO(before);
    auto a = bare(before + secret, "GET", own());
    CHECK(a.status == 200);
    CHECK(a.header("X-Nacre-Token-Expires-At") == "2099-01-02T03:04:05Z");
  }
  for (const char* before : {"Token ", "Basic ", "Bearer", "user:", "Bearer Bearer "}) {
    INFO(before);
    CHECK(check_problem(bare(before + secret, "GET", own()), 401, "UnauthorizedError")["message"].text() ==
          "You must log in to use Unleash.");
  }
  CHECK(bare(t.member.credential(), "GET", own()).status == 200);  // a JWT as well
}

TEST_CASE("the seed's request is answered, with and without a slash, also without a body", "[unleash]") {
  team t(shared());
  auto secret = create(t.member)["secret"].text();
  auto list = bare(secret, "GET", "/api/admin/user/tokens");
  CHECK(list.status == 200);
  CHECK(bare(secret, "GET", "/api/admin/user/tokens/").json()["pats"][0]["id"] == list.json()["pats"][0]["id"]);
  for (const char* path : {"/api/admin/user/tokens", "/api/admin/user/tokens/", "/api/admin/user"}) {
    auto head = bare(secret, "HEAD", path);
    CHECK(head.status == 200);
    CHECK(head.header("Content-Type") == "application/json; charset=utf-8");
    CHECK(head.body.empty());
  }
  CHECK(bearer(secret).post("/api/admin/user/tokens/", new_token()).status == 201);
}

TEST_CASE("a delete is 200 without a body whatever the number, and deletes one's own only", "[unleash]") {
  team t(shared());
  auto mine = create(t.member), others = create(t.other);
  for (const auto& id :
       {id_of(others), std::string("0"), std::string("-1"), std::string("-") + id_of(mine), std::string("2147483648"),
        std::string("4294967296") + id_of(mine), std::string("9223372036854775808"),
        std::string("18446744073709551616"), std::string("99999999999999999999999999")}) {
    INFO(id);
    auto a = t.member.del(own(id));
    CHECK(a.status == 200);
    CHECK(a.body.empty());
  }
  for (const auto& each : {mine, others}) CHECK(status_with(each["secret"].text()) == 200);
  for (int i = 0; i < 2; ++i) CHECK(t.member.del(own(id_of(mine))).status == 200);
  CHECK(status_with(mine["secret"].text()) == 401);
}

TEST_CASE("a token lists, makes and deletes its owner's, itself at last", "[unleash]") {
  team t(shared());
  auto made = create(t.member);
  auto self = bearer(made["secret"].text());
  auto child = create(self);
  CHECK(child["userId"] == made["userId"]);
  CHECK(listed(self) == std::vector{made["id"].number(), child["id"].number()});
  auto gone = self.del(own(id_of(made)));
  CHECK(gone.status == 200);
  CHECK(gone.body.empty());
  check_problem(self.get(own()), 401, "UnauthorizedError");
  CHECK(status_with(child["secret"].text()) == 200);
}

TEST_CASE("deleting itself many times at once succeeds at least once and leaves nothing", "[unleash]") {
  team t(shared());
  auto made = create(t.member);
  constexpr int many = 8;
  std::vector<int> status(many);
  std::vector<std::thread> at_once;
  for (int i = 0; i < many; ++i)
    at_once.emplace_back([&, i] {
      status[static_cast<std::size_t>(i)] = bare(made["secret"].text(), "DELETE", own(id_of(made))).status;
    });
  for (auto& each : at_once) each.join();
  CHECK(std::count(status.begin(), status.end(), 200) >= 1);
  for (int s : status) CHECK((s == 200 || s == 401));
  CHECK(listed(t.member).empty());
}

TEST_CASE("many creates at once pass neither the limit nor share a description", "[unleash]") {
  team t(shared());
  constexpr int many = 64;
  auto storm = [&](person& who, auto description) {
    std::vector<int> status(many);
    std::vector<std::thread> at_once;
    for (int i = 0; i < many; ++i)
      at_once.emplace_back([&, i] {
        person by(shared().port(), who.credential(), who.workspace());
        status[static_cast<std::size_t>(i)] = by.post(own(), new_token({{"description", description(i)}})).status;
      });
    for (auto& each : at_once) each.join();
    return status;
  };
  auto apart = storm(t.member, [](int i) { return std::to_string(i); });
  CHECK(std::count(apart.begin(), apart.end(), 201) == 10);
  CHECK(std::count(apart.begin(), apart.end(), 403) == many - 10);
  CHECK(listed(t.member).size() == 10);
  auto alike = storm(t.other, [](int) { return "\"the same\""; });
  CHECK(std::count(alike.begin(), alike.end(), 201) == 1);
  CHECK(std::count(alike.begin(), alike.end(), 409) == many - 1);
  CHECK(listed(t.other).size() == 1);
}

TEST_CASE("no family's token opens another's routes", "[unleash]") {
  team t(shared());
  auto secret = create(t.member)["secret"].text();
  auto native = t.member.new_pat(R"("name":"a","scopes":["admin"])")["token"].text();
  auto service = t.member.post("/api/personal-access-tokens",
                               R"({"note":"n","permissions":[],"allProjects":true,"expiry":"week"})");
  REQUIRE(service.status == 201);
  for (const auto& token : {native, service.json()["token"].text()}) {
    check_problem(bare(token, "GET", own()), 401, "UnauthorizedError");
    check_problem(bare("Bearer " + token, "GET", own()), 401, "UnauthorizedError");
  }
  CHECK(t.member.with(secret).get("/api/v1/pats").status == 401);
  CHECK(bearer(secret).get("/api/personal-access-tokens").status == 401);
}

TEST_CASE("when a token was seen moves with its use, and no request pays a write for it", "[unleash]") {
  installation alone;
  team t(alone);
  auto made = create(t.member);
  person self(alone.port(), made["secret"].text(), "");
  auto seen = [&]() -> std::string {
    auto at = listed_one(t.member, id_of(made))["seenAt"];
    return at.is_null() ? "" : at.text();
  };
  CHECK(seen().empty());
  CHECK(self.get(own()).status == 200);
  REQUIRE(eventually([&] { return !seen().empty(); }, std::chrono::minutes(3)));
  auto first = seen();
  CHECK(is_iso_time(first));
  CHECK(first >= made["createdAt"].text());
  const auto before = written(alone.port());
  constexpr int burst = 400;
  for (int i = 0; i < burst; ++i) CHECK(self.get(own()).status == 200);
  REQUIRE(eventually([&] { return seen() > first; }, std::chrono::minutes(3)));
  CHECK(written(alone.port()) - before < burst / 10);
}

TEST_CASE("the caller is told who they are and whether they are an admin", "[unleash]") {
  team t(shared());
  for (auto* who : {&t.owner, &t.admin, &t.member}) {
    auto a = who->get("/api/admin/user");
    REQUIRE(a.status == 200);
    check_unleash_headers(a);
    auto body = a.json();
    CHECK(body.keys() == keys{"user", "permissions", "feedback", "splash"});
    CHECK(body["user"].keys() ==
          keys{"accountType", "id", "username", "imageUrl", "seenAt", "loginAttempts", "createdAt"});
    CHECK(body["user"]["accountType"].text() == "User");
    CHECK(body["user"]["id"].number() >= 1);
    CHECK(body["user"]["username"].text() == who->user());
    CHECK(body["user"]["imageUrl"].text().starts_with("data:"));
    CHECK(is_iso_time(body["user"]["createdAt"].text()));
    CHECK(body["permissions"].size() == (who == &t.member ? 0 : 1));
    if (who != &t.member) CHECK(body["permissions"][0]["permission"].text() == "ADMIN");
    CHECK(body["feedback"].size() == 0);
    CHECK(body["splash"].keys().empty());
    CHECK(bare(create(*who)["secret"].text(), "GET", "/api/admin/user").body == a.body);
  }
  person known(shared().port(), shared().token({new_uuid(), t.workspace, "member", "Ann@example.com"}), "");
  CHECK(known.get("/api/admin/user").json()["user"]["username"].text() == "Ann@example.com");
}

TEST_CASE("a rotation gives a new secret under the same id and keeps the old one as long as asked", "[unleash]") {
  team t(shared());
  auto made = create(t.member);
  auto at = own(id_of(made), "rotate");
  const header_list key{{"Idempotency-Key", "a-key-of-16-characters"}};
  auto first = t.member.send("POST", at, R"({"overlap":3600})", key);
  REQUIRE(first.status == 200);
  check_unleash_headers(first);
  CHECK(first.json().keys() == made.keys());
  CHECK(first.json()["id"] == made["id"]);
  CHECK(first.json()["expiresAt"] == made["expiresAt"]);
  CHECK(is_unleash_token(first.json()["secret"].text()));
  CHECK(first.json()["secret"].text() != made["secret"].text());
  CHECK(status_with(made["secret"].text()) == 200);
  CHECK(t.member.send("POST", at, R"({"overlap":3600})", key).json()["secret"] == first.json()["secret"]);
  auto self = bearer(first.json()["secret"].text());
  auto second = self.post(at, R"({"expiresAt":"2098-01-01T00:00:00Z"})");
  REQUIRE(second.status == 200);
  CHECK(second.json()["expiresAt"].text() == "2098-01-01T00:00:00.000Z");
  CHECK(status_with(made["secret"].text()) == 401);
  CHECK(status_with(first.json()["secret"].text()) == 401);
  CHECK(status_with(second.json()["secret"].text()) == 200);
  CHECK(listed(t.member) == std::vector{made["id"].number()});
}

TEST_CASE("a secret that is being replaced does not renew itself", "[unleash]") {
  team t(shared());
  auto robot = account(t.admin, 1);
  for (const auto& [path, by] : {std::pair{own(), &t.member}, std::pair{of(robot), &t.admin}}) {
    auto made = create(*by, path);
    auto fresh = by->post(path + "/" + id_of(made) + "/rotate", R"({"overlap":3600})");
    REQUIRE(fresh.status == 200);
    auto old = bearer(made["secret"].text());
    auto refused = check_problem(old.post(path + "/" + id_of(made) + "/rotate"), 403, "ForbiddenError");
    CHECK(refused["message"].text().find("being replaced") != std::string::npos);
    check_problem(old.post(own(id_of(made), "rotate")), 403, "ForbiddenError");
    CHECK(status_with(fresh.json()["secret"].text()) == 200);
    CHECK(status_with(made["secret"].text()) == 200);
  }
}

TEST_CASE("a token with restrictions does not make its own life longer", "[unleash]") {
  team t(shared());
  auto made = create(t.member, own(), {{"expiresAt", "\"2080-01-01T00:00:00Z\""}, {"maxUses", "100"}});
  auto self = bearer(made["secret"].text());
  const auto at = own(id_of(made), "rotate");
  check_problem(self.post(at, R"({"expiresAt":"2081-01-01T00:00:00Z"})"), 403, "ForbiddenError");
  CHECK(self.post(at, R"({"expiresAt":"2079-01-01T00:00:00Z"})").status == 200);
}

TEST_CASE("what narrows a token is shown where it is set, and holds", "[unleash]") {
  team t(shared());
  auto made = create(t.member, own(),
                     {{"notBefore", "\"2020-01-01T00:00:00Z\""},
                      {"maxUses", "2"},
                      {"allowedNetworks", R"(["127.0.0.0/8","2001:db8::/32"])"}});
  auto shown = listed_one(t.member, id_of(made));
  CHECK(shown["notBefore"].text() == "2020-01-01T00:00:00.000Z");
  CHECK(shown["maxUses"].number() == 2);
  CHECK(shown["uses"].number() == 0);
  CHECK(shown["allowedNetworks"].size() == 2);
  for (int i = 0; i < 2; ++i) CHECK(status_with(made["secret"].text()) == 200);
  auto over = bare(made["secret"].text(), "GET", own());
  check_problem(over, 401, "UnauthorizedError");
  CHECK(over.header("WWW-Authenticate").find("expired") != std::string::npos);
  CHECK(listed_one(t.member, id_of(made))["uses"].number() == 2);
  auto early = create(t.member, own(), {{"notBefore", json_quoted(rfc3339_in(3600))}});
  check_problem(bare(early["secret"].text(), "GET", own()), 401, "UnauthorizedError");
  auto elsewhere = create(t.member, own(), {{"allowedNetworks", "[\"192.0.2.0/24\"]"}});
  check_problem(bare(elsewhere["secret"].text(), "GET", own()), 403, "ForbiddenError");
}

TEST_CASE("a token ends with its owner's membership, and no role it had outlives the role", "[unleash]") {
  team t(shared());
  auto made = create(t.admin);
  auto self = bearer(made["secret"].text());
  CHECK(self.get(accounts).status == 200);
  auto role = "/api/v1/workspaces/" + t.workspace + "/members/" + t.admin.user();
  CHECK(t.owner.put(role, R"({"role":"member"})").status == 200);
  check_problem(self.get(accounts), 403, "PermissionError");
  CHECK(self.get("/api/admin/user").json()["permissions"].size() == 0);
  CHECK(t.owner.del(role).status == 204);
  CHECK(status_with(made["secret"].text()) != 200);
  CHECK(t.owner.put(role, R"({"role":"admin"})").status == 200);
  check_problem(self.get(own()), 401, "UnauthorizedError");
  CHECK(t.admin.get(own()).body == R"({"pats":[]})");
}

TEST_CASE("tokens are good after the node has started again; the limit and the family are configured", "[unleash]") {
  installation alone;
  team t(alone);
  auto made = create(t.member);
  auto before = t.member.get(own()).body;
  alone.node().how().arguments = {"--set", "unleash.tokens_per_user=1"};
  alone.restart();
  person member(alone.port(), t.member.credential(), "");
  CHECK(member.get(own()).body == before);
  CHECK(person(alone.port(), made["secret"].text(), "").get("/api/admin/user").status == 200);
  CHECK(check_problem(member.post(own(), new_token()), 403, "OperationDeniedError")["message"].text() ==
        "Too many PATs (1) already exist for this user.");
  alone.node().how().arguments = {"--set", "families.unleash=false"};
  alone.restart();
  person after(alone.port(), made["secret"].text(), "");
  for (const auto& path : {own(), own("1"), own("1", "rotate")})
    CHECK(check_problem(after.get(path), 404, "NotFoundError")["message"].text() == "PATs are disabled.");
  for (const char* path : {"/api/admin/user", "/api/admin/service-account"})
    check_problem(after.get(path), 404, "NotFoundError");
}

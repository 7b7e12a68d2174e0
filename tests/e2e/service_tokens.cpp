// Tokens of service users through their whole life, against contracts/gorules-service-tokens.md.

#include <thread>

#include "model/time.hpp"
#include "tests/e2e/service_kit.hpp"

using namespace nacre::e2e;
using namespace nacre::e2e::service;

namespace {

const keys token_keys{"id",   "note",      "permissions", "allProjects", "projects",
                      "user", "createdAt", "updatedAt",   "expiresAt"};
const keys user_keys{"id", "email", "type", "status", "createdAt", "updatedAt", "firstName", "lastName", "isService"};

std::int64_t ms_of(const json_tree& time) {
  auto parsed = nacre::parse_rfc3339(time.text());
  REQUIRE(parsed);
  return parsed->value();
}

int status_with(const std::string& token) { return bearer(token).get(own()).status; }

}  // namespace

TEST_CASE("a token has every field of the contract, and its text only when it is made", "[service]") {
  team t(shared());
  auto user = service_user(t.admin);
  auto pricing = project(t.admin, "pricing");
  auto made = create(t.admin, of(user),
                     {{"note", "\"Token used to generate releases\""},
                      {"permissions", R"(["releases:deploy","documents","releases:deploy","releases"])"},
                      {"allProjects", "false"},
                      {"projects", R"([")" + pricing + R"(",{"id":")" + pricing + R"(","name":"x"}])"},
                      {"expiry", "\"month\""}});
  auto with_token = token_keys;
  with_token.push_back("token");
  CHECK(made.keys() == with_token);
  CHECK(is_service_token(made["token"].text()));
  CHECK(is_uuid(made["id"].text()));
  CHECK(made["note"].text() == "Token used to generate releases");
  std::vector<std::string> permissions;
  for (const auto& p : made["permissions"].items()) permissions.push_back(p.text());
  CHECK(permissions == std::vector<std::string>{"releases:deploy", "documents", "releases"});
  CHECK_FALSE(made["allProjects"].flag());
  REQUIRE(made["projects"].size() == 1);
  const auto& shown = made["projects"][0];
  CHECK(shown.keys() == keys{"id", "name", "organisationId", "version", "createdAt", "updatedAt", "key", "protected"});
  CHECK(shown["id"].text() == pricing);
  CHECK(shown["name"].text() == "Pricing");
  CHECK(shown["organisationId"].text() == t.workspace);
  CHECK(shown["version"].text() == "v2");
  CHECK(shown["key"].text() == "pricing");
  CHECK_FALSE(shown["protected"].flag());
  const auto& owner = made["user"];
  CHECK(owner.keys() == user_keys);
  CHECK(owner["id"].text() == user);
  CHECK(owner["email"].text() == "ci@example.com");
  CHECK(owner["type"].text() == "member");
  CHECK(owner["status"].text() == "active");
  CHECK(owner["firstName"].text().empty());
  CHECK(owner["lastName"].text().empty());
  CHECK(owner["isService"].flag());
  for (const auto* time : {&made["createdAt"], &made["updatedAt"], &made["expiresAt"], &shown["createdAt"],
                           &shown["updatedAt"], &owner["createdAt"], &owner["updatedAt"]})
    CHECK(is_iso_time(time->text()));
  CHECK(made["createdAt"].text() == made["updatedAt"].text());

  auto one = t.admin.get(of(user, made["id"].text()));
  REQUIRE(one.status == 200);
  check_json_headers(one);
  CHECK(one.json().keys() == token_keys);
  auto list = t.admin.get(of(user));
  REQUIRE(list.status == 200);
  REQUIRE(list.json().size() == 1);
  CHECK(list.json()[0] == one.json());
  for (const auto& name : token_keys) CHECK(one.json()[name] == made[name]);
}

TEST_CASE("the line of the seed answers, with any client's headers and no other", "[service]") {
  team t(shared());
  auto user = service_user(t.admin);
  auto made = create(t.admin, of(user), {{"permissions", "[\"owner\"]"}});
  http_client curl(shared().port());
  for (const auto& credential : {made["token"].text(), t.admin.credential()}) {
    auto a = curl.send("GET", of(user, made["id"].text()),
                       {{"User-Agent", "curl/8.5.0"}, {"Accept", "*/*"}, {"Authorization", "Bearer " + credential}});
    CHECK(a.status == 200);
    CHECK(a.json()["id"].text() == made["id"].text());
  }
  auto head = curl.send("HEAD", of(user, made["id"].text()), {{"Authorization", "Bearer " + t.admin.credential()}});
  CHECK(head.status == 200);
}

TEST_CASE("a token of all projects shows none, whatever was sent", "[service]") {
  team t(shared());
  for (const char* sent : {"", "[]", "null", "[\"11111111-1111-4111-8111-111111111111\"]", "\"nonsense\""}) {
    INFO(sent);
    auto made = create(t.member, own(), {{"allProjects", "true"}, {"projects", sent}});
    CHECK(made["allProjects"].flag());
    CHECK(made["projects"].size() == 0);
  }
  auto none = create(t.member, own(), {{"allProjects", "false"}});
  CHECK_FALSE(none["allProjects"].flag());
  CHECK(none["projects"].size() == 0);
}

TEST_CASE("the words of an expiry are times on the calendar", "[service]") {
  team t(shared());
  constexpr std::int64_t day = 86'400'000;
  struct row {
    const char* word;
    std::int64_t least, most;
  };
  for (const auto& r : {row{"week", 7, 7}, row{"month", 28, 31}, row{"three_months", 89, 92}, row{"year", 365, 366}}) {
    INFO(r.word);
    auto made = create(t.member, own(), {{"expiry", std::string("\"") + r.word + "\""}});
    auto lasts = ms_of(made["expiresAt"]) - ms_of(made["createdAt"]);
    CHECK(lasts % day == 0);
    CHECK(lasts >= r.least * day);
    CHECK(lasts <= r.most * day);
  }
  CHECK(create(t.member, own(), {{"expiry", "\"indefinite\""}})["expiresAt"].is_null());
}

TEST_CASE("a list is in order of creation and shows nobody else's", "[service]") {
  team t(shared());
  auto user = service_user(t.admin), another = service_user(t.admin);
  std::vector<std::string> made;
  for (int i = 0; i < 5; ++i) {
    made.push_back(create(t.admin, of(user))["id"].text());
    create(t.admin, of(another));
    create(t.admin, own());
    create(t.member, own());
  }
  std::vector<std::string> listed;
  auto list = t.owner.get(of(user)).json();
  for (const auto& each : list.items()) listed.push_back(each["id"].text());
  CHECK(listed == made);
  CHECK(t.admin.get(own()).json().size() == 5);
  CHECK(t.owner.get(own()).json().size() == 0);
  t.admin.new_pat();  // of another family
  CHECK(t.admin.get(own()).json().size() == 5);
}

TEST_CASE("an expired token stays listed, and its 401 says that it has expired", "[service]") {
  team t(shared());
  auto id = create(t.member, own())["id"].text();
  auto rotated = t.member.post(own(id, "rotate"), R"({"expiresAt":")" + rfc3339_in(1) + "\"}");
  REQUIRE(rotated.status == 201);
  auto holder = bearer(rotated.json()["token"].text());
  REQUIRE(eventually([&] { return holder.get(own()).status == 401; }));
  auto refused = holder.get(own());
  CHECK(check_refusal(refused, 401) == "Token has expired");
  CHECK(refused.header("WWW-Authenticate").find("expired") != std::string::npos);
  auto list = t.member.get(own()).json();
  REQUIRE(list.size() == 1);
  CHECK(list[0]["id"].text() == id);
  // A new expiry makes it good again.
  auto again = t.member.post(own(id, "regenerate"), R"({"expiry":"week"})");
  REQUIRE(again.status == 201);
  CHECK(status_with(again.json()["token"].text()) == 200);
}

TEST_CASE("regenerating changes token, expiry and updatedAt, and the token before is dead at once", "[service]") {
  team t(shared());
  auto user = service_user(t.admin);
  auto pricing = project(t.admin, "pricing");
  const std::map<std::string, std::string> fields{{"permissions", "[\"releases\",\"branches:merge\"]"},
                                                  {"allProjects", "false"},
                                                  {"projects", "[\"" + pricing + "\"]"},
                                                  {"expiry", "\"week\""}};
  struct place {
    person* by;
    std::string path;
    std::string (*at)(const std::string& user, const std::string& id);
  };
  const place places[] = {
      {&t.admin, of(user), [](const std::string& u, const std::string& id) { return of(u, id, "regenerate"); }},
      {&t.member, own(), [](const std::string&, const std::string& id) { return own(id, "regenerate"); }},
      {&t.other, of("null"), [](const std::string&, const std::string& id) { return of("null", id, "regenerate"); }}};
  for (const auto& p : places) {
    INFO(p.path);
    auto before = create(*p.by, p.path, fields);
    CHECK(status_with(before["token"].text()) == 200);
    auto a = p.by->post(p.at(user, before["id"].text()), R"({"expiry":"year"})");
    INFO(a.body);
    REQUIRE(a.status == 201);
    auto after = a.json();
    for (const char* same : {"id", "note", "permissions", "allProjects", "projects", "user", "createdAt"})
      CHECK(after[same] == before[same]);
    CHECK(is_service_token(after["token"].text()));
    CHECK(after["token"].text() != before["token"].text());
    CHECK(ms_of(after["updatedAt"]) > ms_of(before["updatedAt"]));
    CHECK(ms_of(after["expiresAt"]) > ms_of(before["expiresAt"]));
    CHECK(check_refusal(bearer(before["token"].text()).get(own()), 401) == "Unauthorized");
    CHECK(status_with(after["token"].text()) == 200);
  }
}

TEST_CASE("a token can regenerate itself", "[service]") {
  team t(shared());
  auto made = create(t.member, own(), {{"permissions", "[\"documents\"]"}});
  auto after = bearer(made["token"].text()).post(own(made["id"].text(), "regenerate"), R"({"expiry":"indefinite"})");
  REQUIRE(after.status == 201);
  CHECK(after.json()["expiresAt"].is_null());
  CHECK(status_with(made["token"].text()) == 401);
  CHECK(status_with(after.json()["token"].text()) == 200);
}

TEST_CASE("regenerating many times at once leaves exactly one good token", "[service]") {
  team t(shared());
  auto user = service_user(t.admin);
  auto made = create(t.admin, of(user));
  constexpr int many = 8;
  std::vector<std::string> tokens(many);
  std::vector<std::thread> at_once;
  for (int i = 0; i < many; ++i)
    at_once.emplace_back([&, i] {
      person by(shared().port(), t.admin.credential(), "");
      auto a = by.post(of(user, made["id"].text(), "regenerate"), R"({"expiry":"week"})");
      if (a.status == 201) tokens[static_cast<std::size_t>(i)] = a.json()["token"].text();
    });
  for (auto& each : at_once) each.join();
  int good = 0;
  for (const auto& token : tokens) {
    CHECK(is_service_token(token));
    good += status_with(token) == 200;
  }
  CHECK(good == 1);
  CHECK(status_with(made["token"].text()) == 401);
  CHECK(t.admin.get(of(user)).json().size() == 1);
}

TEST_CASE("a deleted token is 204 once, then 404, and opens nothing from then on", "[service]") {
  team t(shared());
  auto user = service_user(t.admin);
  for (const auto& [path, by] : {std::pair{of(user), &t.admin}, std::pair{own(), &t.member}}) {
    auto made = create(*by, path);
    auto at = path + "/" + made["id"].text();
    CHECK(status_with(made["token"].text()) == 200);
    auto gone = by->del(at);
    CHECK(gone.status == 204);
    CHECK(gone.body.empty());
    CHECK(status_with(made["token"].text()) == 401);
    check_refusal(by->del(at), 404);
    check_refusal(by->get(at), 404);
    check_refusal(by->post(at + "/regenerate", R"({"expiry":"week"})"), 404);
    check_refusal(by->post(at + "/rotate"), 404);
    CHECK(by->get(path).json().size() == 0);
  }
}

TEST_CASE("a token may delete itself while it is being used", "[service]") {
  team t(shared());
  auto made = create(t.member, own());
  auto self = bearer(made["token"].text());
  CHECK(self.del(own(made["id"].text())).status == 204);
  CHECK(check_refusal(self.get(own()), 401) == "Unauthorized");
}

TEST_CASE("a rotation keeps the token before for as long as asked, and can be fetched again", "[service]") {
  team t(shared());
  auto user = service_user(t.admin);
  for (const auto& [path, by] : {std::pair{of(user), &t.admin}, std::pair{own(), &t.member}}) {
    auto made = create(*by, path);
    auto at = path + "/" + made["id"].text() + "/rotate";
    const header_list key{{"Idempotency-Key", "a-key-of-16-characters"}};
    auto first = by->send("POST", at, R"({"overlap":3600})", key);
    REQUIRE(first.status == 201);
    CHECK(first.json()["expiresAt"] == made["expiresAt"]);
    CHECK(status_with(made["token"].text()) == 200);
    CHECK(status_with(first.json()["token"].text()) == 200);
    auto again = by->send("POST", at, R"({"overlap":3600})", key);
    REQUIRE(again.status == 201);
    CHECK(again.json()["token"] == first.json()["token"]);
    // Without a body the one before ends now, and so does what was kept before it.
    auto second = by->post(at);
    REQUIRE(second.status == 201);
    CHECK(status_with(first.json()["token"].text()) == 401);
    CHECK(status_with(made["token"].text()) == 401);
    auto third = by->post(at, R"({"overlap":3600,"untilFirstUse":true})");
    REQUIRE(third.status == 201);
    CHECK(status_with(second.json()["token"].text()) == 200);
    CHECK(status_with(third.json()["token"].text()) == 200);
    CHECK(status_with(second.json()["token"].text()) == 401);
  }
}

TEST_CASE("a token that is being replaced does not renew itself", "[service]") {
  team t(shared());
  auto user = service_user(t.admin);
  for (const auto& [path, by] : {std::pair{of(user), &t.admin}, std::pair{own(), &t.member}}) {
    auto made = create(*by, path);
    const auto id = made["id"].text();
    auto fresh = by->post(path + "/" + id + "/rotate", R"({"overlap":3600})");
    REQUIRE(fresh.status == 201);
    auto old = bearer(made["token"].text());
    CHECK(check_refusal(old.post(own(id, "rotate")), 403).find("being replaced") != std::string::npos);
    check_refusal(old.post(own(id, "regenerate"), R"({"expiry":"week"})"), 403);
    check_refusal(old.post(of("null", id, "rotate")), 403);
    CHECK(status_with(fresh.json()["token"].text()) == 200);
    CHECK(status_with(made["token"].text()) == 200);
  }
}

TEST_CASE("a token with restrictions does not make its own life longer", "[service]") {
  team t(shared());
  auto made = create(t.member, own(), {{"expiry", "\"month\""}, {"allowedNetworks", "[\"127.0.0.0/8\"]"}});
  const auto id = made["id"].text();
  auto self = bearer(made["token"].text());
  for (const auto* expiry : {"year", "indefinite"})
    check_refusal(self.post(own(id, "regenerate"), R"({"expiry":")" + std::string(expiry) + "\"}"), 403);
  check_refusal(self.post(own(id, "rotate"), R"({"expiresAt":null})"), 403);
  auto sooner = self.post(own(id, "regenerate"), R"({"expiry":"week"})");
  REQUIRE(sooner.status == 201);
  CHECK(bearer(sooner.json()["token"].text()).post(own(id, "rotate")).status == 201);
}

TEST_CASE("a service user reads its own tokens and nobody's else", "[service]") {
  team t(shared());
  auto user = service_user(t.admin), another = service_user(t.admin);
  auto made = create(t.admin, of(user), {{"permissions", "[\"releases\"]"}});
  auto self = bearer(made["token"].text());
  auto list = self.get(own());
  REQUIRE(list.status == 200);
  REQUIRE(list.json().size() == 1);
  CHECK(list.json()[0]["id"].text() == made["id"].text());
  CHECK(list.json()[0]["user"]["id"].text() == user);
  CHECK(self.get(of("null", made["id"].text())).json() == list.json()[0]);
  CHECK(self.get(own(made["id"].text())).json() == list.json()[0]);
  for (const auto& whom : {user, another}) check_refusal(self.get(of(whom)), 403);
  check_refusal(self.get(own(create(t.admin, of(another))["id"].text())), 404);
  // A token it makes for itself is its own.
  auto further = create(self, own(), {{"permissions", "[\"releases:deploy\"]"}});
  CHECK(t.admin.get(of(user, further["id"].text())).json()["permissions"][0].text() == "releases:deploy");
}

TEST_CASE("the permission owner administers service users without the role", "[service]") {
  team t(shared());
  auto user = service_user(t.admin), another = service_user(t.admin);
  auto mighty = bearer(create(t.admin, of(user), {{"permissions", "[\"owner\"]"}})["token"].text());
  CHECK(mighty.get(of(another)).status == 200);
  auto made = create(mighty, of(another), {{"permissions", "[\"environments:delete\",\"owner\"]"}});
  CHECK(mighty.post(of(another, made["id"].text(), "regenerate"), R"({"expiry":"week"})").status == 201);
  CHECK(mighty.del(of(another, made["id"].text())).status == 204);
  CHECK(service_user(mighty).size() == 36);
  // By a permission nobody comes to a role.
  check_refusal(mighty.post("/api/users/service", R"({"email":"a@b","type":"admin"})"), 403);
  check_refusal(mighty.get(of(t.member.user())), 404);
}

TEST_CASE("null in place of a user is the caller", "[service]") {
  team t(shared());
  auto made = create(t.member, of("null"));
  CHECK(made["user"]["id"].text() == t.member.user());
  CHECK(made["user"]["type"].text() == "member");
  CHECK(made["user"]["status"].text() == "active");
  CHECK_FALSE(made["user"]["isService"].flag());
  CHECK(t.member.get(of("null")).json() == t.member.get(own()).json());
  CHECK(t.member.get(of("null", made["id"].text())).status == 200);
  CHECK(t.member.get(own(made["id"].text())).status == 200);
  check_refusal(t.other.get(of("null", made["id"].text())), 404);
  CHECK(t.member.del(of("null", made["id"].text())).status == 204);
}

TEST_CASE("no token makes or renews a stronger one", "[service]") {
  team t(shared());
  auto user = service_user(t.admin, "admin");
  struct row {
    const char *held, *asked;
    bool may;
  };
  const row rows[] = {
      {"", "", true},
      {"", "documents", false},
      {"releases", "releases", true},
      {"releases", "releases:deploy", true},
      {"releases", "releases:manage", true},
      {"releases", "releases:delete", true},
      {"releases", "environments", false},
      {"releases:deploy", "releases", false},
      {"releases:deploy", "releases:manage", false},
      {"releases:deploy", "releases:deploy", true},
      {"documents", "documents:edit-view", true},
      {"documents:full", "documents", false},
      {"documents:full", "documents:view-content", false},
      {"branches", "branches:merge", true},
      {"environments", "environments:delete", true},
      {"environments:manage", "environments:delete", false},
      {"project:manage", "integrations:manage", false},
      {"owner", "owner", true},
      {"owner", "project:manage", true},
      {"documents", "owner", false},
  };
  auto list_of = [](std::string_view name) { return name.empty() ? "[]" : "[\"" + std::string(name) + "\"]"; };
  for (const auto& r : rows) {
    INFO(r.held << " asks for " << r.asked);
    auto held = create(t.owner, of(user), {{"permissions", list_of(r.held)}});
    auto asked = create(t.owner, of(user), {{"permissions", list_of(r.asked)}});
    auto self = bearer(held["token"].text());
    auto made = self.post(own(), new_token({{"permissions", list_of(r.asked)}}));
    auto renewed = self.post(own(asked["id"].text(), "regenerate"), R"({"expiry":"week"})");
    auto rotated = self.post(own(asked["id"].text(), "rotate"));
    if (r.may) {
      CHECK(made.status == 201);
      CHECK(renewed.status == 201);
      CHECK(rotated.status == 201);
      CHECK(self.del(own(made.json()["id"].text())).status == 204);
    } else {
      check_refusal(made, 403);
      check_refusal(self.post(of(user), new_token({{"permissions", list_of(r.asked)}})), 403);
      check_refusal(renewed, 403);
      check_refusal(rotated, 403);
      CHECK(status_with(asked["token"].text()) == 200);
    }
    CHECK(t.owner.del(of(user, held["id"].text())).status == 204);
    CHECK(t.owner.del(of(user, asked["id"].text())).status == 204);
  }
}

TEST_CASE("no token gives projects it does not have", "[service]") {
  team t(shared());
  auto user = service_user(t.admin);
  auto one = project(t.admin, "one"), two = project(t.admin, "two");
  auto quoted = [](const std::string& id) { return "[\"" + id + "\"]"; };
  auto made =
      create(t.admin, of(user), {{"permissions", "[\"owner\"]"}, {"allProjects", "false"}, {"projects", quoted(one)}});
  auto self = bearer(made["token"].text());
  CHECK(self.post(own(), new_token({{"allProjects", "false"}, {"projects", quoted(one)}})).status == 201);
  CHECK(self.post(own(), new_token({{"allProjects", "false"}, {"projects", "[]"}})).status == 201);
  check_refusal(self.post(own(), new_token({{"allProjects", "false"}, {"projects", quoted(two)}})), 403);
  check_refusal(self.post(own(), new_token({{"allProjects", "true"}})), 403);
  // What is not there is refused as what is somebody else's.
  check_refusal(self.post(own(), new_token({{"allProjects", "false"}, {"projects", quoted(new_uuid())}})), 403);
  auto wide = create(t.admin, of(user));
  check_refusal(self.post(own(wide["id"].text(), "regenerate"), R"({"expiry":"week"})"), 403);
}

TEST_CASE("a token loses what its owner loses", "[service]") {
  team t(shared());
  auto made = create(t.admin, own(), {{"permissions", "[\"owner\"]"}});
  auto self = bearer(made["token"].text());
  auto user = service_user(self);
  auto role = "/api/v1/workspaces/" + t.workspace + "/members/" + t.admin.user();
  CHECK(t.owner.put(role, R"({"role":"member"})").status == 200);
  check_refusal(self.get(of(user)), 403);
  check_refusal(self.post(own(), new_token({{"permissions", "[\"owner\"]"}})), 403);
  CHECK(self.get(own()).status == 200);
  CHECK(t.owner.del(role).status == 204);
  check_refusal(self.get(own()), 403);
}

TEST_CASE("what narrows a token is shown where it is set, and holds", "[service]") {
  team t(shared());
  auto made = create(t.member, own(),
                     {{"notBefore", "\"2020-01-01T00:00:00Z\""},
                      {"maxUses", "2"},
                      {"allowedNetworks", R"(["127.0.0.0/8","2001:db8::/32"])"}});
  CHECK(made["notBefore"].text() == "2020-01-01T00:00:00Z");
  CHECK(made["maxUses"].number() == 2);
  CHECK(made["uses"].number() == 0);
  CHECK(made["allowedNetworks"].size() == 2);
  CHECK(status_with(made["token"].text()) == 200);
  CHECK(t.member.get(own(made["id"].text())).json()["uses"].number() == 1);
  CHECK(status_with(made["token"].text()) == 200);
  CHECK(check_refusal(bearer(made["token"].text()).get(own()), 401).starts_with("Token has expired"));
  auto early = create(t.member, own(), {{"notBefore", "\"" + rfc3339_in(3600) + "\""}});
  check_refusal(bearer(early["token"].text()).get(own()), 401);
  auto elsewhere = create(t.member, own(), {{"allowedNetworks", "[\"192.0.2.0/24\"]"}});
  check_refusal(bearer(elsewhere["token"].text()).get(own()), 403);
  auto plain = create(t.member, own(), {{"notBefore", "null"}, {"maxUses", "null"}, {"allowedNetworks", "[]"}});
  for (const char* name : {"notBefore", "maxUses", "uses", "allowedNetworks"}) CHECK(plain.find(name) == nullptr);
}

TEST_CASE("one user may have a hundred tokens, expired ones too; the next is 403", "[service]") {
  team t(shared());
  auto user = service_user(t.admin);
  std::string last;
  for (int i = 0; i < 100; ++i) last = create(t.admin, of(user))["id"].text();
  check_refusal(t.admin.post(of(user), new_token()), 403);
  CHECK(t.admin.get(of(user)).json().size() == 100);
  CHECK(t.admin.post(own(), new_token()).status == 201);
  CHECK(t.admin.post(of(user, last, "regenerate"), R"({"expiry":"week"})").status == 201);
  CHECK(t.admin.del(of(user, last)).status == 204);
  CHECK(t.admin.post(of(user), new_token()).status == 201);
}

TEST_CASE("tokens are good after the node has started again", "[service]") {
  installation alone;
  team t(alone);
  auto user = service_user(t.admin);
  auto made = create(t.admin, of(user), {{"permissions", "[\"branches\",\"owner\"]"}});
  auto before = t.admin.get(of(user)).json();
  alone.restart();
  person admin(alone.port(), t.admin.credential(), "");
  CHECK(admin.get(of(user)).json() == before);
  CHECK(person(alone.port(), made["token"].text(), "").get(own()).json() == before);
}

// Service accounts of the Unleash family and their tokens: contracts/unleash-tokens.md section 7.

#include <algorithm>
#include <thread>

#include "tests/e2e/unleash_kit.hpp"

using namespace nacre::e2e;
using namespace nacre::e2e::unleash;
using nacre::test::json_quoted;

namespace {

const keys account_keys{"id", "isAPI", "name", "username", "imageUrl", "rootRole", "seenAt", "createdAt", "tokens"};

std::string at(const std::string& account) { return std::string(accounts) + "/" + account; }

std::string new_account(const std::map<std::string, std::string>& changes = {}) {
  std::map<std::string, std::string> fields{
      {"username", json_quoted(new_uuid())}, {"name", "\"CI\""}, {"rootRole", "2"}};
  for (const auto& [name, value] : changes) fields[name] = value;
  std::string out;
  for (const auto& [name, value] : fields)
    if (!value.empty()) out.append(out.empty() ? "{\"" : ",\"").append(name).append("\":").append(value);
  return out.empty() ? "{}" : out + "}";
}

json_tree listed_account(person& admin, const std::string& id) {
  auto body = admin.get(accounts).json();
  for (const auto& each : body["serviceAccounts"].items())
    if (id_of(each) == id) return each;
  throw std::runtime_error("not in the list: " + id);
}

std::string not_found(std::string_view id) {
  return "Could not find the service account with ID \"" + std::string(id) + "\".";
}

}  // namespace

TEST_CASE("a service account is made, listed with the root roles, changed and deleted", "[unleash]") {
  team t(shared());
  auto a = t.admin.post(accounts, new_account({{"username", "\"robot\""}, {"rootRole", "3"}, {"id", "9"}}));
  REQUIRE(a.status == 201);
  check_unleash_headers(a);
  auto made = a.json();
  CHECK(made.keys() == account_keys);
  CHECK(made["name"].text() == "CI");
  CHECK(made["username"].text() == "robot");
  CHECK(made["rootRole"].number() == 3);
  CHECK(made["seenAt"].is_null());
  CHECK_FALSE(made["isAPI"].flag());
  CHECK(is_iso_time(made["createdAt"].text()));
  CHECK(made["tokens"].size() == 0);
  auto id = id_of(made);
  auto list = t.admin.get(accounts);
  REQUIRE(list.status == 200);
  check_unleash_headers(list);
  CHECK(list.json().keys() == keys{"serviceAccounts", "rootRoles"});
  REQUIRE(list.json()["serviceAccounts"].size() == 1);
  CHECK(list.json()["serviceAccounts"][0] == made);
  const std::pair<int, const char*> roles[] = {{1, "Admin"}, {2, "Editor"}, {3, "Viewer"}};
  REQUIRE(list.json()["rootRoles"].size() == 3);
  for (const auto& [number, name] : roles) {
    auto role = list.json()["rootRoles"][static_cast<std::size_t>(number - 1)];
    CHECK(role["id"].number() == number);
    CHECK(role["name"].text() == name);
  }
  CHECK(t.admin.send("HEAD", accounts).status == 200);

  auto changed = t.admin.put(at(id), R"({"name":"Robot","rootRole":"1"})");
  REQUIRE(changed.status == 200);
  CHECK(changed.json()["name"].text() == "Robot");
  CHECK(changed.json()["rootRole"].number() == 1);
  CHECK(changed.json() == listed_account(t.admin, id));
  CHECK(t.admin.put(at(id), R"({"name":"Again"})").json()["rootRole"].number() == 1);
  CHECK(t.admin.put(at(id), R"({"rootRole":2})").json()["name"].text() == "Again");
  CHECK(t.admin.put(at(id), "{}").json() == listed_account(t.admin, id));

  auto secret = create(t.admin, of(id))["secret"].text();
  CHECK(status_with(secret) == 200);
  auto gone = t.admin.del(at(id));
  CHECK(gone.status == 200);
  CHECK(gone.body.empty());
  check_problem(bare(secret, "GET", own()), 401, "UnauthorizedError");
  for (const auto& answer : {t.admin.del(at(id)), t.admin.put(at(id), "{}"), t.admin.get(of(id)),
                             t.admin.post(of(id), new_token()), t.admin.del(of(id, "1"))})
    CHECK(check_problem(answer, 404, "NotFoundError")["message"].text() == not_found(id));
  CHECK(t.admin.get(accounts).json()["serviceAccounts"].size() == 0);
  // Its number is nobody else's, its name is free again.
  auto next = t.admin.post(accounts, new_account({{"username", "\"robot\""}}));
  REQUIRE(next.status == 201);
  CHECK(next.json()["id"].number() > made["id"].number());
}

TEST_CASE("tokens of a service account are made, listed, deleted and rotated by admins", "[unleash]") {
  team t(shared());
  auto id = account(t.admin), another = account(t.admin);
  auto made = create(t.admin, of(id), {{"description", "\"deploy\""}});
  CHECK(made.keys() == keys{"id", "description", "expiresAt", "userId", "createdAt", "seenAt", "secret"});
  CHECK(std::to_string(made["userId"].number()) == id);
  CHECK(is_unleash_token(made["secret"].text()));
  auto list = t.admin.get(of(id));
  REQUIRE(list.status == 200);
  REQUIRE(list.json()["pats"].size() == 1);
  CHECK(list.json()["pats"][0]["id"] == made["id"]);
  CHECK(list.json()["pats"][0].find("secret") == nullptr);
  CHECK(listed_account(t.admin, id)["tokens"] == list.json()["pats"]);
  CHECK(t.admin.get(of(another)).body == R"({"pats":[]})");
  CHECK(t.admin.get(own()).body == R"({"pats":[]})");

  auto again = t.admin.post(of(id), new_token({{"description", "\"deploy\""}}));
  CHECK(check_problem(again, 409, "NameExistsError")["message"].text() == "PAT description already exists.");
  create(t.admin, of(another), {{"description", "\"deploy\""}});

  auto rotated = t.admin.post(of(id, id_of(made), "rotate"), R"({"overlap":60})");
  REQUIRE(rotated.status == 200);
  CHECK(rotated.json()["id"] == made["id"]);
  CHECK(rotated.json()["userId"] == made["userId"]);
  CHECK(status_with(made["secret"].text()) == 200);
  auto secret = rotated.json()["secret"].text();
  CHECK(status_with(secret) == 200);
  check_problem(t.admin.post(of(another, id_of(made), "rotate")), 404, "NotFoundError");

  // Of another account, of nobody: nothing is deleted.
  for (const auto& where : {of(another, id_of(made)), of(id, "0"), of(id, "-1"), of(id, "99999999999999999999")}) {
    auto a = t.admin.del(where);
    CHECK(a.status == 200);
    CHECK(a.body.empty());
  }
  CHECK(status_with(secret) == 200);
  CHECK(t.admin.del(of(id, id_of(made))).status == 200);
  CHECK(status_with(secret) == 401);
}

TEST_CASE("a service account acts by its role and its own tokens", "[unleash]") {
  team t(shared());
  auto id = account(t.admin);
  auto self = bearer(create(t.admin, of(id))["secret"].text());
  auto me = self.get("/api/admin/user").json();
  CHECK(me["user"]["accountType"].text() == "Service Account");
  CHECK(std::to_string(me["user"]["id"].number()) == id);
  CHECK(me["permissions"].size() == 0);
  CHECK(std::to_string(create(self)["userId"].number()) == id);
  CHECK(t.admin.get(of(id)).json()["pats"] == self.get(own()).json()["pats"]);
  check_problem(self.get(accounts), 403, "PermissionError");
  check_problem(self.get(of(id)), 403, "PermissionError");
  CHECK(t.admin.put(at(id), R"({"rootRole":1})").status == 200);
  CHECK(self.get("/api/admin/user").json()["permissions"].size() == 1);
  CHECK(self.get(accounts).status == 200);
  auto helper = account(self, 1);
  CHECK(create(self, of(helper))["secret"].text().size() == 61);
  CHECK(t.admin.put(at(id), R"({"rootRole":2})").status == 200);
  check_problem(self.get(accounts), 403, "PermissionError");
}

TEST_CASE("only admins come near service accounts", "[unleash]") {
  team t(shared());
  auto id = account(t.admin);
  auto token = id_of(create(t.admin, of(id)));
  const std::tuple<const char*, std::string, std::string> rows[] = {
      {"GET", std::string(accounts), ""},
      {"POST", std::string(accounts), "["},
      {"PUT", at(id), "["},
      {"PUT", at("x"), "{}"},
      {"DELETE", at(id), ""},
      {"DELETE", at("0"), ""},
      {"GET", of(id), ""},
      {"POST", of(id), "["},
      {"POST", of("0"), new_token()},
      {"DELETE", of(id, token), ""},
      {"POST", of(id, token, "rotate"), "["},
  };
  for (const auto& [verb, path, body] : rows) {
    INFO(verb << " " << path);
    auto a = t.member.send(verb, path, body);
    CHECK(check_problem(a, 403, "PermissionError")["message"].text() ==
          "You need the \"ADMIN\" permission to perform this action.");
  }
  CHECK(t.admin.get(of(id)).json()["pats"].size() == 1);
}

TEST_CASE("a service account's body is refused for the first thing wrong with it", "[unleash]") {
  team t(shared());
  auto id = account(t.admin);
  struct row {
    std::string body;
    const char *path, *text;  // no path: what it says, not its shape
  };
  const row creates[] = {
      {"{}", "/body/username", "The `/body/username` property is required. It was not present on the data you sent."},
      {new_account({{"name", ""}}), "/body/name",
       "The `/body/name` property is required. It was not present on the data you sent."},
      {new_account({{"rootRole", ""}}), "/body/rootRole",
       "The `/body/rootRole` property is required. It was not present on the data you sent."},
      {new_account({{"username", "[]"}}), "/body/username",
       "The `/body/username` property must be string. You sent []."},
      {new_account({{"rootRole", "\"admin\""}}), "/body/rootRole",
       "The `/body/rootRole` property must be integer. You sent \"admin\"."},
      {new_account({{"rootRole", "1.5"}}), "/body/rootRole",
       "The `/body/rootRole` property must be integer. You sent 1.5."},
      {new_account({{"rootRole", "4"}}), nullptr, "There is no root role with the id 4."},
      {new_account({{"rootRole", "0"}}), nullptr, "There is no root role with the id 0."},
      {new_account({{"rootRole", "-1"}}), nullptr, "There is no root role with the id -1."},
      {new_account({{"rootRole", "4294967297"}}), nullptr, "There is no root role with the id 4294967297."},
      {new_account({{"rootRole", "null"}}), nullptr, "There is no root role with the id 0."},
      {new_account({{"username", json_quoted(std::string(255, 'x'))}}), nullptr, nullptr},
      {new_account({{"username", "\"\""}}), nullptr, nullptr},
      {new_account({{"name", "\"\""}}), nullptr, nullptr},
      {new_account({{"name", "\"a\\u0000\""}}), nullptr, nullptr},
      {"[]", "/body", "The `/body` property must be object. You sent []."},
      {"{", nullptr, "The body is not valid JSON."},
  };
  auto check = [](const http_answer& a, const row& r) {
    INFO(r.body);
    if (r.path)
      check_shape(a, r.path, r.text);
    else if (r.text)
      check_rule(a, r.text);
    else
      check_problem(a, 400, "BadDataError");
  };
  for (const auto& r : creates) check(t.admin.post(accounts, r.body), r);
  const row changes[] = {
      {R"({"name":{}})", "/body/name", "The `/body/name` property must be string. You sent {}."},
      {R"({"rootRole":[]})", "/body/rootRole", "The `/body/rootRole` property must be integer. You sent []."},
      {R"({"rootRole":7})", nullptr, "There is no root role with the id 7."},
      {R"({"name":""})", nullptr, nullptr},
  };
  for (const auto& r : changes) check(t.admin.put(at(id), r.body), r);
  for (const auto& [verb, path] : {std::pair{"POST", std::string(accounts)}, std::pair{"PUT", at(id)}})
    check_problem(t.admin.send(verb, path, "{}", {{"Content-Type", "text/plain"}}), 415, "ContentTypeError");
  CHECK(t.admin.get(accounts).json()["serviceAccounts"].size() == 1);
}

TEST_CASE("ids of service accounts and of their tokens are whole numbers of those who are there", "[unleash]") {
  team t(shared());
  auto id = account(t.admin);
  auto human = std::to_string(t.member.get("/api/admin/user").json()["user"]["id"].number());
  for (const std::string& none : {human, std::string("0"), std::string("-1"), std::string("99999999999999999999")}) {
    INFO(none);
    for (const auto& a :
         {t.admin.put(at(none), "{}"), t.admin.del(at(none)), t.admin.get(of(none)),
          t.admin.post(of(none), new_token()), t.admin.del(of(none, "1")), t.admin.post(of(none, "1", "rotate"))})
      CHECK(check_problem(a, 404, "NotFoundError")["message"].text() == not_found(none));
  }
  for (const auto& a : {t.admin.put(at("x"), "{}"), t.admin.del(at("x")), t.admin.get(of("x")),
                        t.admin.post(of("x"), new_token()), t.admin.del(of("x", "1"))})
    check_shape(a, "/params/id", "The `/params/id` property must be integer. You sent \"x\".");
  for (const auto& a : {t.admin.del(of(id, "x")), t.admin.post(of(id, "x", "rotate"))})
    check_shape(a, "/params/tokenId", "The `/params/tokenId` property must be integer. You sent \"x\".");
  // The body is told before what is not there.
  check_shape(t.admin.post(of("0"), "{}"), "/body/description",
              "The `/body/description` property is required. It was not present on the data you sent.");
}

TEST_CASE("a user name is one service account's, also when many ask at once", "[unleash]") {
  team t(shared());
  constexpr int many = 16;
  std::vector<int> status(many);
  std::vector<std::thread> at_once;
  auto body = new_account({{"username", "\"the-one\""}});
  for (int i = 0; i < many; ++i)
    at_once.emplace_back([&, i] {
      person by(shared().port(), t.admin.credential(), t.workspace);
      status[static_cast<std::size_t>(i)] = by.post(accounts, body).status;
    });
  for (auto& each : at_once) each.join();
  CHECK(std::count(status.begin(), status.end(), 201) == 1);
  CHECK(std::count(status.begin(), status.end(), 409) == many - 1);
  check_problem(t.admin.post(accounts, body), 409, "NameExistsError");
  CHECK(t.admin.post(accounts, new_account({{"username", "\"The-One\""}})).status == 201);
}

TEST_CASE("service users of every family are service accounts; an admin lifts none to be an owner's equal",
          "[unleash]") {
  team t(shared());
  auto service = t.owner.post("/api/users/service", R"({"email":"ci@example.com","type":"owner"})");
  REQUIRE(service.status == 201);
  auto native = t.owner.post("/api/v1/workspaces/" + t.workspace + "/service-users", R"({"name":"Plain"})");
  REQUIRE(native.status == 201);
  auto list = t.admin.get(accounts).json()["serviceAccounts"];
  REQUIRE(list.size() == 2);
  CHECK(list[0]["username"].text() == "ci@example.com");
  CHECK(list[0]["rootRole"].number() == 1);
  CHECK(list[1]["name"].text() == "Plain");
  CHECK(list[1]["rootRole"].number() == 2);
  auto mighty = id_of(list[0]);
  check_problem(t.admin.post(of(mighty), new_token()), 403, "PermissionError");
  check_problem(t.admin.put(at(mighty), R"({"rootRole":2})"), 403, "PermissionError");
  check_problem(t.admin.del(at(mighty)), 403, "PermissionError");
  auto secret = create(t.owner, of(mighty))["secret"].text();
  CHECK(bare(secret, "GET", accounts).status == 200);
  // What was said last holds.
  CHECK(t.owner.put(at(mighty), R"({"rootRole":2})").json()["rootRole"].number() == 2);
  check_problem(bare(secret, "GET", accounts), 403, "PermissionError");
  CHECK(t.admin.del(at(mighty)).status == 200);
}

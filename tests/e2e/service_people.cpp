// Service users and the list of people: contracts/gorules-service-tokens.md section 6.

#include "tests/e2e/service_kit.hpp"

using namespace nacre::e2e;
using namespace nacre::e2e::service;

namespace {

const keys user_keys{"id", "email", "type", "status", "createdAt", "updatedAt", "firstName", "lastName", "isService"};

std::string account(const std::string& email, const std::string& type) {
  return R"({"email":")" + email + R"(","type":")" + type + R"("})";
}

}  // namespace

TEST_CASE("a service user is made with an address and a type", "[service]") {
  team t(shared());
  for (const char* type : {"invited", "member", "author", "admin", "owner"}) {
    INFO(type);
    auto a = t.owner.post("/api/users/service", account("ci@example.com", type));
    INFO(a.body);
    REQUIRE(a.status == 201);
    check_json_headers(a);
    auto made = a.json();
    auto with_roles = user_keys;
    with_roles.push_back("roles");
    CHECK(made.keys() == with_roles);
    CHECK(is_uuid(made["id"].text()));
    CHECK(made["email"].text() == "ci@example.com");
    CHECK(made["type"].text() == type);
    CHECK(made["status"].text() == "active");
    CHECK(is_iso_time(made["createdAt"].text()));
    CHECK(made["updatedAt"] == made["createdAt"]);
    CHECK(made["firstName"].text().empty());
    CHECK(made["lastName"].text().empty());
    CHECK(made["isService"].flag());
    CHECK(made["roles"].size() == 0);
  }
  // They are service users of the workspace like any other.
  auto listed = t.owner.get("/api/v1/workspaces/" + t.workspace + "/service-users").json();
  CHECK(listed["pagination"]["total"].number() == 5);
  CHECK(listed["data"][0]["name"].text() == "ci@example.com");
}

TEST_CASE("a bad body of a service user is 400 with every complaint", "[service]") {
  team t(shared());
  const std::string email = "email must be an email";
  const std::string type = "type must be one of the following values: invited, member, author, admin, owner";
  struct row {
    std::string body;
    std::vector<std::string> complaints;
  };
  const row rows[] = {
      {"", {email, type}},
      {"{}", {email, type}},
      {R"({"email":"a@b"})", {type}},
      {R"({"type":"member"})", {email}},
      {account("", "member"), {email}},
      {account("nobody", "member"), {email}},
      {account("a@b@c", "member"), {email}},
      {account("a@b\\n", "member"), {email}},
      {account(std::string(250, 'a') + "@example.com", "member"), {email}},
      {account("a@b", "root"), {type}},
      {account("a@b", "Admin"), {type}},
      {account("a@b", ""), {type}},
      {R"({"email":null,"type":null})", {email, type}},
      {R"({"email":1,"type":1})", {email, type}},
  };
  for (const auto& r : rows) {
    INFO(r.body);
    CHECK(check_complaints(t.admin.post("/api/users/service", r.body)) == r.complaints);
  }
  CHECK(t.admin.get("/api/users?isService=true").json()["paginate"]["total"].number() == 0);
  CHECK(t.admin.post("/api/users/service", account(std::string(242, 'a') + "@example.com", "member")).status == 201);
}

TEST_CASE("nobody makes a service user of more than their own role", "[service]") {
  team t(shared());
  check_refusal(t.admin.post("/api/users/service", account("a@b", "owner")), 403);
  CHECK(t.admin.post("/api/users/service", account("a@b", "admin")).status == 201);
  CHECK(t.owner.post("/api/users/service", account("a@b", "owner")).status == 201);
  for (const char* type : {"member", "invited", "admin"})
    check_refusal(t.member.post("/api/users/service", account("a@b", type)), 403);
  check_refusal(shared().stranger(t.workspace).post("/api/users/service", account("a@b", "member")), 403);
}

TEST_CASE("an admin by type administers with the weakest token, and makes none that is stronger", "[service]") {
  team t(shared());
  auto user = service_user(t.owner, "admin"), another = service_user(t.owner);
  auto robot = bearer(create(t.owner, of(user))["token"].text());
  CHECK(robot.get(of(another)).status == 200);
  CHECK(robot.post("/api/users/service", account("a@b", "admin")).status == 201);
  check_refusal(robot.post("/api/users/service", account("a@b", "owner")), 403);
  CHECK(robot.post(of(another), new_token()).status == 201);
  check_refusal(robot.post(of(another), new_token({{"permissions", "[\"releases\"]"}})), 403);
}

TEST_CASE("people are listed in pages, members first", "[service]") {
  team t(shared());
  for (int i = 0; i < 19; ++i) service_user(t.admin);
  auto first = t.member.get("/api/users");
  REQUIRE(first.status == 200);
  check_json_headers(first);
  auto body = first.json();
  CHECK(body.keys() == keys{"results", "paginate"});
  CHECK(body["paginate"].keys() == keys{"current", "from", "to", "total", "pageSize"});
  struct row {
    std::string query;
    std::int64_t current, from, to, total, size;
  };
  const row rows[] = {
      {"", 1, 1, 10, 23, 10},
      {"?page=1&perPage=10", 1, 1, 10, 23, 10},
      {"?page=2", 2, 11, 20, 23, 10},
      {"?page=3", 3, 21, 23, 23, 10},
      {"?page=4", 4, 0, 0, 23, 10},
      {"?page=20000&perPage=500", 20'000, 0, 0, 23, 500},
      {"?perPage=500", 1, 1, 23, 23, 500},
      {"?perPage=1&page=23", 23, 23, 23, 23, 1},
      {"?isService=true", 1, 1, 10, 19, 10},
      {"?isService=false", 1, 1, 4, 4, 10},
      {"?isService=true&page=2", 2, 11, 19, 19, 10},
      {"?search=ci%40example", 1, 1, 10, 19, 10},
      {"?search=CI%40EXAMPLE.com&isService=true", 1, 1, 10, 19, 10},
      {"?search=nobody", 1, 0, 0, 0, 10},
      {"?search=", 1, 1, 10, 23, 10},
      {"?unknown=1", 1, 1, 10, 23, 10},
  };
  for (const auto& r : rows) {
    INFO(r.query);
    auto a = t.member.get("/api/users" + r.query);
    REQUIRE(a.status == 200);
    auto page = a.json()["paginate"];
    CHECK(page["current"].number() == r.current);
    CHECK(page["from"].number() == r.from);
    CHECK(page["to"].number() == r.to);
    CHECK(page["total"].number() == r.total);
    CHECK(page["pageSize"].number() == r.size);
    CHECK(a.json()["results"].size() == static_cast<std::size_t>(r.to == 0 ? 0 : r.to - r.from + 1));
  }
  std::set<std::string> seen;
  std::vector<bool> service;
  for (int page = 1; page <= 3; ++page) {
    auto list = t.member.get("/api/users?page=" + std::to_string(page)).json();
    for (const auto& each : list["results"].items()) {
      CHECK(each.keys() == user_keys);
      seen.insert(each["id"].text());
      service.push_back(each["isService"].flag());
    }
  }
  CHECK(seen.size() == 23);
  CHECK(std::is_sorted(service.begin(), service.end()));
  for (const auto* each : {&t.owner, &t.admin, &t.member, &t.other}) CHECK(seen.contains(each->user()));
}

TEST_CASE("a member is listed with role and address", "[service]") {
  team t(shared());
  CHECK(t.owner
            .put("/api/v1/workspaces/" + t.workspace + "/members/" + t.member.user(),
                 R"({"role":"admin","email":"jane@example.com"})")
            .status == 200);
  auto found = t.owner.get("/api/users?search=jane").json()["results"];
  REQUIRE(found.size() == 1);
  CHECK(found[0]["id"].text() == t.member.user());
  CHECK(found[0]["email"].text() == "jane@example.com");
  CHECK(found[0]["type"].text() == "admin");
  CHECK_FALSE(found[0]["isService"].flag());
  auto members = t.owner.get("/api/users?isService=false").json();
  for (const auto& each : members["results"].items())
    if (each["id"].text() == t.owner.user()) {
      CHECK(each["type"].text() == "owner");
      CHECK(each["email"].text().empty());
    }
}

TEST_CASE("a bad query of the list is 400 with every complaint", "[service]") {
  team t(shared());
  const std::string service = "isService must be one of the following values: true, false";
  const std::string page = "page must be a whole number between 1 and 20000";
  const std::string per_page = "perPage must be a whole number between 1 and 500";
  const std::pair<const char*, std::vector<std::string>> rows[] = {
      {"isService=1", {service}},
      {"isService=", {service}},
      {"isService=TRUE", {service}},
      {"page=0", {page}},
      {"page=-1", {page}},
      {"page=x", {page}},
      {"page=", {page}},
      {"page=20001", {page}},
      {"page=99999999999999999999", {page}},
      {"perPage=0", {per_page}},
      {"perPage=501", {per_page}},
      {"perPage=1.5", {per_page}},
      {"isService=x&page=x&perPage=x", {service, page, per_page}},
      {"page=1&page=2", {"A query parameter is given twice"}},
      {"search=%zz", {"The query has a malformed escape"}},
  };
  for (const auto& [query, complaints] : rows) {
    INFO(query);
    CHECK(check_complaints(t.member.get("/api/users?" + std::string(query))) == complaints);
  }
}

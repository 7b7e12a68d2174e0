// What requests of the Unleash family are refused for: every row of the tables in contracts/unleash-tokens.md.

#include "tests/e2e/unleash_kit.hpp"

using namespace nacre::e2e;
using namespace nacre::e2e::unleash;
using nacre::test::json_quoted;

namespace {

http_answer post(person& who, const std::string& path, std::string_view body,
                 const std::string& type = "application/json") {
  header_list headers{{"Authorization", "Bearer " + who.credential()}, {"X-Workspace-Id", who.workspace()}};
  if (!type.empty()) headers.emplace_back("Content-Type", type);
  return http_client(shared().port()).send("POST", path, headers, body);
}

constexpr std::string_view description = "/body/description", expires = "/body/expiresAt";

std::string required(std::string_view path) {
  return "The `" + std::string(path) + "` property is required. It was not present on the data you sent.";
}
std::string must(std::string_view path, std::string_view what, std::string_view sent) {
  return "The `" + std::string(path) + "` property must " + std::string(what) + ". You sent " + std::string(sent) + ".";
}

}  // namespace

TEST_CASE("without credentials one is told where to sign in, with bad ones only that one must", "[unleash]") {
  http_client c(shared().port());
  auto unseen = c.send("GET", own());
  constexpr std::string_view long_text =
      "You must log in to use Unleash. Your request had no authorization header, so we could not authorize you. Try "
      "logging in at /auth/simple/login";
  CHECK(check_problem(unseen, 401, "AuthenticationRequired")["message"].text() == long_text);
  auto body = unseen.json();
  CHECK(body["message"].text() == long_text);
  CHECK(body["path"].text() == "/auth/simple/login");
  CHECK(body["type"].text() == "password");
  CHECK_FALSE(body["defaultHidden"].flag());
  for (const char* value : {"nope", "user:nope", "Bearer user:nope", "Token user:x", "Basic YTpi", "*:*.x", "Bearer"}) {
    INFO(value);
    auto a = c.send("GET", own(), {{"Authorization", value}});
    CHECK(check_problem(a, 401, "UnauthorizedError")["message"].text() == "You must log in to use Unleash.");
    CHECK(a.json()["message"].text() == "You must log in to use Unleash.");
  }
}

TEST_CASE("a create is refused for the first thing wrong with its shape", "[unleash]") {
  team t(shared());
  const std::string date_time = "match format \"date-time\"";
  struct row {
    std::string body;
    std::string_view path;
    std::string text;
  };
  const row rows[] = {
      {"", description, required(description)},
      {"{}", description, required(description)},
      {R"({"expiresAt":"2099-01-01T00:00:00Z"})", description, required(description)},
      {R"({"expiresAt":"x"})", description, required(description)},
      {R"({"description":"a"})", expires, required(expires)},
      {R"({"description":[]})", expires, required(expires)},
      {R"({"description":""})", expires, required(expires)},
      {new_token({{"description", "{}"}, {"expiresAt", "\"x\""}}), description, must(description, "be string", "{}")},
      {new_token({{"description", "[1,\"a\"]"}}), description, must(description, "be string", "[1,\"a\"]")},
      {new_token({{"description", "[" + json_quoted(std::string(500, 'x')) + "]"}}), description,
       must(description, "be string", "[\"" + std::string(198, 'x') + "...")},
      {new_token({{"expiresAt", "\"notadate\""}}), expires, must(expires, date_time, "\"notadate\"")},
      {new_token({{"expiresAt", "\"2099-01-01\""}}), expires, must(expires, date_time, "\"2099-01-01\"")},
      {new_token({{"expiresAt", "\"2099-01-01T00:00:00\""}}), expires,
       must(expires, date_time, "\"2099-01-01T00:00:00\"")},
      {new_token({{"expiresAt", "\"2099-02-29T00:00:00Z\""}}), expires,
       must(expires, date_time, "\"2099-02-29T00:00:00Z\"")},
      {new_token({{"expiresAt", "\"10000-01-01T00:00:00Z\""}}), expires,
       must(expires, date_time, "\"10000-01-01T00:00:00Z\"")},
      {new_token({{"expiresAt", "null"}}), expires, must(expires, date_time, "\"\"")},
      {new_token({{"expiresAt", "4070908800000"}}), expires, must(expires, date_time, "\"4070908800000\"")},
      {new_token({{"expiresAt", "true"}}), expires, must(expires, date_time, "\"true\"")},
      {new_token({{"expiresAt", "{}"}}), expires, must(expires, "be string", "{}")},
      {new_token({{"description", "\"\""}, {"expiresAt", "\"x\""}}), expires, must(expires, date_time, "\"x\"")},
      {"[]", "/body", must("/body", "be object", "[]")},
      {"[1, {\"a\": null}]", "/body", must("/body", "be object", "[1,{\"a\":null}]")},
  };
  for (const auto& r : rows) {
    INFO(r.body);
    check_shape(post(t.member, own(), r.body), r.path, r.text);
  }
  CHECK(t.member.get(own()).body == R"({"pats":[]})");
}

TEST_CASE("a create is refused for what it says, the description before the expiry", "[unleash]") {
  team t(shared());
  const std::pair<std::string, std::string_view> rows[] = {
      {new_token({{"description", "\"\""}}), "PAT description cannot be empty."},
      {new_token({{"description", "null"}}), "PAT description cannot be empty."},
      {new_token({{"description", "\"\""}, {"expiresAt", "\"2001-01-01T00:00:00Z\""}}),
       "PAT description cannot be empty."},
      {new_token({{"expiresAt", "\"2001-01-01T00:00:00Z\""}}), "The expiry date should be in future."},
      {new_token({{"expiresAt", json_quoted(rfc3339_in(-1))}}), "The expiry date should be in future."},
      {new_token({{"expiresAt", "\"0001-01-01T00:00:00Z\""}}), "The expiry date should be in future."},
      {new_token({{"maxUses", "0"}}), "maxUses must be a whole number between 1 and 1000000000 or null"},
      {new_token({{"notBefore", "\"x\""}}), "notBefore must be an RFC 3339 date-time or null"},
      {"{", "The body is not valid JSON."},
      {"\xff", "The body is not valid JSON."},
      {"{}{}", "The body is not valid JSON."},
      {R"({"description":"a","description":"b"})", "A key of the body is repeated."},
      {"null", "The body must be a JSON object."},
      {"1", "The body must be a JSON object."},
      {"\"x\"", "The body must be a JSON object."},
  };
  for (const auto& [body, text] : rows) {
    INFO(body);
    check_rule(post(t.member, own(), body), text);
  }
  CHECK(t.member.get(own()).body == R"({"pats":[]})");
}

TEST_CASE("a body that is not said to be JSON is 415, parameters are no matter", "[unleash]") {
  team t(shared());
  for (const char* type : {"", "text/plain", "application/x-www-form-urlencoded", "application/jsonx", "text/json"})
    for (const auto& body : {new_token(), std::string("{}"), std::string("[")}) {
      INFO(type << " " << body);
      auto detail = check_problem(post(t.member, own(), body, type), 415, "ContentTypeError");
      CHECK(detail["message"].text().find("application/json") != std::string::npos);
    }
  for (const char* type : {"application/json; charset=utf-8", "Application/JSON", "application/json;charset=UTF-8"})
    CHECK(post(t.member, own(), new_token(), type).status == 201);
  check_shape(post(t.member, own(), "", "text/plain"), description, required(description));
  check_shape(post(t.member, own(), "", ""), description, required(description));
}

TEST_CASE("a delete or a rotation of what is no whole number is 400", "[unleash]") {
  team t(shared());
  for (const char* id : {"abc", "1.5", "1x", "-", "0x", "12345678-1234-4234-8234-123456789012"}) {
    INFO(id);
    auto text = must("/params/id", "be integer", json_quoted(id));
    check_shape(t.member.del(own(id)), "/params/id", text);
    check_shape(t.member.post(own(id, "rotate")), "/params/id", text);
  }
}

TEST_CASE("a rotation is refused for its body and for a token that is not one's own", "[unleash]") {
  team t(shared());
  auto mine = create(t.member), others = create(t.other);
  auto at = own(id_of(mine), "rotate");
  for (const auto& id : {id_of(others), std::string("0"), std::string("-1"), std::string("99999999999999999999")}) {
    INFO(id);
    auto a = t.member.post(own(id, "rotate"));
    CHECK(check_problem(a, 404, "NotFoundError")["message"].text() == "Could not find the PAT with ID \"" + id + "\".");
  }
  const std::pair<const char*, const char*> rows[] = {
      {R"({"overlap":-1})", "overlap must be a whole number of seconds between 0 and 2592000"},
      {R"({"overlap":2592001})", "overlap must be a whole number of seconds between 0 and 2592000"},
      {R"({"overlap":"1"})", "overlap must be a whole number of seconds between 0 and 2592000"},
      {R"({"untilFirstUse":1})", "untilFirstUse must be true or false"},
      {R"({"expiresAt":null})", "expiresAt must be an RFC 3339 date-time"},
      {R"({"expiresAt":"2001-01-01T00:00:00Z"})", "expiresAt must be in the future"},
  };
  for (const auto& [body, text] : rows) {
    INFO(body);
    check_rule(post(t.member, at, body), text);
  }
  check_problem(post(t.member, at, "{}", "text/plain"), 415, "ContentTypeError");
  check_problem(t.member.send("POST", at, "", {{"Idempotency-Key", "short"}}), 400, "BadDataError");
  for (const auto& each : {mine, others}) CHECK(status_with(each["secret"].text()) == 200);
}

TEST_CASE("paths and methods that are not there are the same 404", "[unleash]") {
  team t(shared());
  auto id = id_of(create(t.member));
  auto gone = [&](std::string_view verb, const std::string& path) {
    INFO(verb << " " << path);
    auto a = t.member.send(verb, path);
    CHECK(check_problem(a, 404, "NotFoundError")["message"].text() ==
          "The path you were looking for (" + path + ") is not available.");
  };
  for (const char* verb : {"GET", "PUT", "PATCH", "POST"}) gone(verb, own(id));
  for (const char* verb : {"PUT", "PATCH", "DELETE", "OPTIONS"}) gone(verb, own());
  for (const char* verb : {"GET", "PUT", "DELETE"}) gone(verb, own(id, "rotate"));
  for (const char* verb : {"POST", "PUT", "DELETE"}) gone(verb, "/api/admin/user");
  for (const char* path : {"/api/admin", "/api/admin/users", "/api/admin/user/tokens/1/x", "/api/admin/features"})
    gone("GET", path);
  CHECK(t.member.get("/api/admin/user/tokens//").status == 404);
  CHECK(t.member.send("HEAD", own(id)).status == 404);
}

TEST_CASE("who belongs to no workspace or to several is told so", "[unleash]") {
  team t(shared());
  check_problem(shared().stranger("").get(own()), 403, "ForbiddenError");
  check_problem(shared().stranger(t.workspace).get(own()), 403, "ForbiddenError");
  auto user = new_uuid();
  person alone(shared().port(), shared().token({user}), "", user);
  auto first = alone.post("/api/v1/workspaces", R"({"name":"One"})").json()["data"]["id"].text();
  CHECK(alone.get(own()).status == 200);
  auto secret = create(alone)["secret"].text();
  CHECK(alone.post("/api/v1/workspaces", R"({"name":"Two"})").status == 201);
  check_problem(alone.get(own()), 400, "BadDataError");
  CHECK(alone.in(first).get(own()).json()["pats"].size() == 1);
  CHECK(bare(secret, "GET", own()).json()["pats"].size() == 1);
  check_problem(alone.in("x").get(own()), 400, "BadDataError");
  check_problem(person(shared().port(), secret, t.workspace).get(own()), 403, "ForbiddenError");
}

// Every authenticated route against every kind of caller that must not get in: the expected status, the
// family's error shape, and nothing changed.

#include <algorithm>

#include "crypto/jwt.hpp"
#include "tests/e2e/kit.hpp"
#include "tests/e2e/service_routes.hpp"
#include "tests/e2e/unleash_routes.hpp"
#include "tests/support/basic.hpp"
#ifdef NACRE_E2E_ROUTES
#include "http/routes.hpp"
#endif

using namespace nacre::e2e;

namespace {

enum class place { none, header, path };    // where a route's workspace is named
enum class least { member, admin, owner };  // the role it takes
enum class scope { read, write, admin };    // what a token needs for it

struct route {
  const char *verb, *pattern;
  place where;
  least role;
  scope needs;
  const char* body;
};

// clang-format off
const route routes[] = {
    {"GET",    "/api/v1/pats",             place::header, least::member, scope::read,  ""},
    {"POST",   "/api/v1/pats",             place::header, least::member, scope::write, R"({"name":"swept"})"},
    {"POST",   "/api/v1/pats/import",      place::header, least::owner,  scope::admin, "IMPORT"},
    {"GET",    "/api/v1/pats/{id}",        place::header, least::member, scope::read,  ""},
    {"PATCH",  "/api/v1/pats/{id}",        place::header, least::member, scope::write, R"({"name":"swept"})"},
    {"DELETE", "/api/v1/pats/{id}",        place::header, least::member, scope::write, ""},
    {"POST",   "/api/v1/pats/{id}/revoke", place::header, least::member, scope::write, ""},
    {"POST",   "/api/v1/pats/{id}/rotate", place::header, least::member, scope::admin, ""},
    {"POST",   "/api/v1/pats/{id}/reveal", place::header, least::member, scope::admin, ""},
    {"DELETE", "/api/v1/pats/{id}/reveal", place::header, least::member, scope::admin, ""},

    {"GET",    "/api/v1/me",                               place::none, least::member, scope::read,  ""},
    {"POST",   "/api/v1/workspaces",                       place::none, least::member, scope::read,  R"({"name":"swept"})"},
    {"GET",    "/api/v1/workspaces",                       place::none, least::member, scope::read,  ""},
    {"GET",    "/api/v1/workspaces/{id}",                  place::path, least::member, scope::read,  ""},
    {"PATCH",  "/api/v1/workspaces/{id}",                  place::path, least::admin,  scope::admin, R"({"name":"swept"})"},
    {"DELETE", "/api/v1/workspaces/{id}",                  place::path, least::owner,  scope::admin, ""},
    {"GET",    "/api/v1/workspaces/{id}/members",          place::path, least::member, scope::read,  ""},
    {"PUT",    "/api/v1/workspaces/{id}/members/{userId}", place::path, least::admin,  scope::admin, R"({"role":"member"})"},
    {"DELETE", "/api/v1/workspaces/{id}/members/{userId}", place::path, least::admin,  scope::admin, ""},
    {"POST",   "/api/v1/workspaces/{id}/service-users",    place::path, least::admin,  scope::admin, R"({"name":"swept"})"},
    {"GET",    "/api/v1/workspaces/{id}/service-users",    place::path, least::member, scope::read,  ""},
    {"POST",   "/api/v1/workspaces/{id}/projects",         place::path, least::admin,  scope::admin, R"({"name":"s","key":"swept","version":"1"})"},
    {"GET",    "/api/v1/workspaces/{id}/projects",         place::path, least::member, scope::read,  ""},
    {"POST",   "/api/v1/workspaces/{id}/webhooks",               place::path, least::admin, scope::admin, R"({"url":"https://swept.invalid"})"},
    {"GET",    "/api/v1/workspaces/{id}/webhooks",               place::path, least::admin, scope::admin, ""},
    {"GET",    "/api/v1/workspaces/{id}/webhooks/{hookId}",      place::path, least::admin, scope::admin, ""},
    {"PATCH",  "/api/v1/workspaces/{id}/webhooks/{hookId}",      place::path, least::admin, scope::admin, R"({"events":["pat.created"]})"},
    {"DELETE", "/api/v1/workspaces/{id}/webhooks/{hookId}",      place::path, least::admin, scope::admin, ""},
    {"POST",   "/api/v1/workspaces/{id}/webhooks/{hookId}/test", place::path, least::admin, scope::admin, ""},
    {"GET",    "/api/v1/audit",                            place::header, least::admin, scope::admin, ""},
    {"GET",    "/api/v1/audit/head",                       place::header, least::admin, scope::admin, ""},
};

// Routes of accounts known by HTTP Basic, and of guests.
enum class door { account, account_or_guest, guest };
struct open_route {
  const char *verb, *pattern;
  door who;
  scope needs;
  const char* body;
};
const open_route open_routes[] = {
    {"GET",    "/api/v1/status",              door::account_or_guest, scope::read,  ""},
    {"GET",    "/api/v1/authcheck",           door::account,          scope::read,  ""},
    {"POST",   "/api/v1/share",               door::account_or_guest, scope::write, R"({"secret":"swept"})"},
    {"POST",   "/api/v1/create",              door::account_or_guest, scope::write, R"({"secret":"swept"})"},
    {"POST",   "/api/v1/generate",            door::account_or_guest, scope::write, "{}"},
    {"POST",   "/api/v1/secret/{key}",        door::account_or_guest, scope::read,  "{}"},
    {"DELETE", "/api/v1/secret/{key}",        door::account_or_guest, scope::read,  ""},
    {"GET",    "/api/v1/private/recent",      door::account,          scope::read,  ""},
    {"GET",    "/api/v1/private/{key}",       door::account_or_guest, scope::read,  ""},
    {"POST",   "/api/v1/private/{key}",       door::account_or_guest, scope::read,  ""},
    {"POST",   "/api/v1/private/{key}/burn",  door::account_or_guest, scope::write, "{}"},
    {"GET",    "/api/v1/metadata/recent",     door::account,          scope::read,  ""},
    {"GET",    "/api/v1/metadata/{key}",      door::account_or_guest, scope::read,  ""},
    {"POST",   "/api/v1/metadata/{key}",      door::account_or_guest, scope::read,  ""},
    {"POST",   "/api/v1/metadata/{key}/burn", door::account_or_guest, scope::write, "{}"},
    {"GET",    "/api/v1/receipt/recent",      door::account,          scope::read,  ""},
    {"GET",    "/api/v1/receipt/{key}",       door::account_or_guest, scope::read,  ""},
    {"POST",   "/api/v1/receipt/{key}",       door::account_or_guest, scope::read,  ""},
    {"POST",   "/api/v1/receipt/{key}/burn",  door::account_or_guest, scope::write, "{}"},

    {"POST",    "/api/v2/secret/conceal",                   door::account_or_guest, scope::write, R"({"secret":{"secret":"swept"}})"},
    {"POST",    "/api/v2/guest/secret/conceal",             door::guest,            scope::write, R"({"secret":{"secret":"swept"}})"},
    {"POST",    "/api/v2/secret/generate",                  door::account_or_guest, scope::write, "{}"},
    {"POST",    "/api/v2/guest/secret/generate",            door::guest,            scope::write, "{}"},
    {"OPTIONS", "/api/v2/secret/conceal",                   door::guest,            scope::read,  ""},
    {"OPTIONS", "/api/v2/secret/generate",                  door::guest,            scope::read,  ""},
    {"GET",     "/api/v2/secret/{identifier}",              door::account_or_guest, scope::read,  ""},
    {"GET",     "/api/v2/guest/secret/{identifier}",        door::guest,            scope::read,  ""},
    {"POST",    "/api/v2/secret/{identifier}/reveal",       door::account_or_guest, scope::read,  "{}"},
    {"POST",    "/api/v2/guest/secret/{identifier}/reveal", door::guest,            scope::read,  "{}"},
    {"DELETE",  "/api/v2/secret/{identifier}/reveal",       door::account_or_guest, scope::read,  ""},
    {"DELETE",  "/api/v2/guest/secret/{identifier}/reveal", door::guest,            scope::read,  ""},
    {"GET",     "/api/v2/secret/{identifier}/status",       door::account_or_guest, scope::read,  ""},
    {"POST",    "/api/v2/secret/status",                    door::account_or_guest, scope::read,  "{}"},
    {"GET",     "/api/v2/receipt/recent",                   door::account,          scope::read,  ""},
    {"GET",     "/api/v2/private/recent",                   door::account,          scope::read,  ""},
    {"GET",     "/api/v2/receipt/{identifier}",             door::account_or_guest, scope::read,  ""},
    {"GET",     "/api/v2/private/{identifier}",             door::account_or_guest, scope::read,  ""},
    {"GET",     "/api/v2/guest/receipt/{identifier}",       door::guest,            scope::read,  ""},
    {"PATCH",   "/api/v2/receipt/{identifier}",             door::account_or_guest, scope::write, R"({"memo":"swept"})"},
    {"PATCH",   "/api/v2/private/{identifier}",             door::account_or_guest, scope::write, R"({"memo":"swept"})"},
    {"POST",    "/api/v2/receipt/{identifier}/burn",        door::account_or_guest, scope::write, R"({"continue":true})"},
    {"POST",    "/api/v2/private/{identifier}/burn",        door::account_or_guest, scope::write, R"({"continue":true})"},
    {"POST",    "/api/v2/guest/receipt/{identifier}/burn",  door::guest,            scope::write, R"({"continue":true})"},
    {"GET",     "/api/v2/status",                           door::guest,            scope::read,  ""},
    {"GET",     "/api/v2/version",                          door::guest,            scope::read,  ""},
    {"GET",     "/api/v2/supported-locales",                door::guest,            scope::read,  ""},
};
// clang-format on

// A link of the right shape that leads nowhere.
std::string path_of(const open_route& r) {
  std::string out = r.pattern;
  if (auto at = out.find('{'); at != std::string::npos) out.replace(at, out.find('}') + 1 - at, std::string(43, 'a'));
  return out;
}

http_answer ask(http_client& by, const open_route& r, header_list headers) {
  if (!std::string_view(r.body).empty()) headers.emplace_back("Content-Type", "application/json");
  return by.send(r.verb, path_of(r), headers, r.body);
}

// {"error","message","error_type",...}; the message answers.
std::string check_v2_error(const http_answer& a, int status, std::string_view word) {
  INFO(a.body);
  CHECK(a.status == status);
  if (a.status != status) return {};
  check_json_headers(a);
  auto body = a.json();
  CHECK(body["error"].text() == word);
  CHECK(body["error_type"].text() == word);
  CHECK(body["error_id"].text() == a.header("X-Request-Id"));
  CHECK(body["request_id"].text() == a.header("X-Request-Id"));
  if (status == 401) CHECK(a.header("WWW-Authenticate").starts_with("Basic"));
  return body["message"].text();
}

bool is_v1(const open_route& r) { return std::string_view(r.pattern).starts_with("/api/v1/"); }
bool is_literal(const open_route& r) { return std::string_view(r.pattern).find('{') == std::string_view::npos; }

// What v1 means when it says 404.
int honest_status(const http_answer& a) {
  auto intended = a.header("X-OTS-Intended-Status");
  return intended.empty() ? a.status : std::stoi(intended);
}

// In the words of the route's version; the message answers.
std::string check_open_error(const open_route& r, const http_answer& a, int status, std::string_view word) {
  if (!is_v1(r)) return check_v2_error(a, status, word);
  INFO(a.body);
  CHECK(a.status == 404);
  CHECK(honest_status(a) == status);
  if (a.status != 404) return {};
  CHECK(a.header("Content-Type") == "application/json; charset=utf-8");
  auto body = a.json();
  CHECK(body.keys() == keys{status == 405 ? "error" : "message"});
  if (status == 401) CHECK(a.header("WWW-Authenticate").starts_with("Basic"));
  return body[body.keys().at(0)].text();
}

bool has_pat_id(const route& r) { return std::string_view(r.pattern).starts_with("/api/v1/pats/{id}"); }

class stage {
 public:
  stage() : here_(shared()), there_(shared()), user_(new_uuid()), imported_(new_uuid()) {
    auto owned = here_.owner.new_pat();
    target_ = owned["id"].text();
    auto hook = here_.owner.post("/api/v1/workspaces/" + here_.workspace + "/webhooks",
                                 R"({"url":"https://a.invalid","events":["secret.locked"]})");  // hears nothing here
    REQUIRE(hook.status == 201);
    hook_ = hook.json()["data"]["id"].text();
    others_ = there_.owner.new_pat()["id"].text();
  }

  team& here() { return here_; }
  team& there() { return there_; }

  std::string path(const route& r, const std::string& ws, const std::string& pat) const {
    std::string out = r.pattern;
    auto put = [&](std::string_view what, const std::string& with) {
      if (auto at = out.find(what); at != std::string::npos) out.replace(at, what.size(), with);
    };
    put("{id}", r.where == place::path ? ws : pat);
    put("{userId}", here_.member.user());
    put("{hookId}", hook_);
    return out;
  }
  std::string path(const route& r) const { return path(r, here_.workspace, target_); }
  const std::string& target() const { return target_; }
  const std::string& others() const { return others_; }

  std::string body(const route& r) const {
    if (std::string_view(r.body) != "IMPORT") return r.body;
    return R"({"workspaceId":")" + here_.workspace + R"(","userId":")" + here_.member.user() +
           R"(","name":"i","scopes":["read"],"tokenPrefix":"p","tokenHash":")" + hex_sha256(imported_) +
           R"(","createdAt":"2024-05-06T07:08:09Z","expiresAt":null})";
  }

  http_answer ask(const route& r, const header_list& headers, const std::string& at) {
    auto all = headers;
    if (auto text = body(r); !text.empty()) all.emplace_back("Content-Type", "application/json");
    if (std::string_view(r.verb) == "DELETE" && std::string_view(r.pattern).ends_with("/reveal"))
      all.emplace_back("Idempotency-Key", "a-key-of-the-sweep");
    return client_.send(r.verb, at, all, body(r));
  }
  http_answer ask(const route& r, const header_list& headers) { return ask(r, headers, path(r)); }
  // As a person, in the workspace the route names.
  http_answer ask(const route& r, const person& who) { return ask(r, credentials(who.credential())); }
  header_list credentials(const std::string& token) const {
    return {{"Authorization", "Bearer " + token}, {"X-Workspace-Id", here_.workspace}};
  }

  // Everything that a denied request could have changed, but for what a denied reveal records.
  std::string state() {
    std::string out;
    for (auto* t : {&here_, &there_}) {
      for (const auto& entry : audit_of(t->owner)) {
        const auto& action = entry["action"].text();
        bool aside = action == "pat.use" || action == "pat.list_all" ||
                     (action == "pat.reveal" && entry["outcome"].text() == "denied");
        if (!aside) out += action + " " + entry["object"].text() + "\n";
      }
      const auto ws = "/api/v1/workspaces/" + t->workspace;
      for (const auto& list : {std::string("/api/v1/pats?limit=100"), ws, ws + "/members", ws + "/projects",
                               ws + "/service-users", ws + "/webhooks"})
        out += without_uses(t->owner.get(list).body) + "\n";
    }
    return out;
  }

 private:
  // lastUsedAt moves whenever a token authenticates, also for a request that is then denied.
  static std::string without_uses(std::string body) {
    constexpr std::string_view field = "\"lastUsedAt\":\"";
    for (auto at = body.find(field); at != std::string::npos; at = body.find(field, at))
      body.erase(at, body.find('"', at + field.size()) + 1 - at);
    constexpr std::string_view null = "\"lastUsedAt\":null";
    for (auto at = body.find(null); at != std::string::npos; at = body.find(null, at)) body.erase(at, null.size());
    return body;
  }

  team here_, there_;
  std::string user_, imported_, target_, others_, hook_;
  http_client client_{shared().port()};
};

// `deny` asks and checks; it answers false for routes its case is not about.
template <class Deny>
void for_every_route(stage& s, Deny deny) {
  const auto before = s.state();
  for (const auto& r : routes) {
    INFO(r.verb << " " << r.pattern);
    deny(r);
  }
  CHECK(s.state() == before);
}

std::string expired_pat(person& who) {
  auto pat = who.new_pat(R"("name":"expired","scopes":["admin"],"expiresAt":")" + rfc3339_in(1) + "\"");
  auto bearer = who.with(pat["token"].text());
  REQUIRE(eventually([&] { return bearer.get("/api/v1/me").status == 401; }));
  return pat["token"].text();
}

}  // namespace

TEST_CASE("the sweep knows every route that is served", "[sweep]") {
#ifdef NACRE_E2E_ROUTES
  using nacre::http::access;
  std::set<std::string> served, swept;
  for (const auto& e : nacre::http::endpoints()) {
    if (e.needs == access::open || e.needs == access::page || e.needs == access::this_machine) continue;
    // What answers about tokens, whoever's: checking.cpp.
    if (e.needs == access::presented || e.name == "introspect") continue;
    // Of nacre's own, and for whoever has a link: requests.cpp.
    if (e.pattern.starts_with("/api/v1/requests")) continue;
    // What is no workspace's, but the operators': members.cpp.
    if (e.pattern.starts_with("/api/v1/cluster")) continue;
    auto who = e.needs == access::basic           ? " account"
               : e.needs == access::basic_or_none ? " account or guest"
               : e.needs == access::anonymous     ? " guest"
                                                  : "";
    served.insert(std::string(name_of(e.verb)) + " " + std::string(e.pattern) + who);
  }
  for (const auto& r : routes) swept.insert(std::string(r.verb) + " " + r.pattern);
  for (const auto& r : service::swept_routes) swept.insert(std::string(r.verb) + " " + r.pattern);
  for (const auto& r : unleash::swept_routes) swept.insert(std::string(r.verb) + " " + r.pattern);
  for (const auto& r : open_routes) {
    auto who = r.who == door::account ? " account" : r.who == door::account_or_guest ? " account or guest" : " guest";
    swept.insert(std::string(r.verb) + " " + r.pattern + who);
  }
  CHECK(swept == served);
#else
  // Without the http library in this build the running node is asked: a route it has is not 404.
  stage s;
  for (const auto& r : routes) CHECK(s.ask(r, header_list{}).status == 401);
#endif
}

TEST_CASE("the stage is set so that an owner may do it all", "[sweep]") {
  stage s;
  auto order = std::vector<const route*>();
  for (const auto& r : routes)
    if (std::string_view(r.verb) != "DELETE" && !std::string_view(r.pattern).ends_with("/revoke")) order.push_back(&r);
  for (const auto* r : order) {
    INFO(r->verb << " " << r->pattern);
    CHECK(s.ask(*r, s.here().owner).status / 100 == 2);
  }
}

TEST_CASE("no route answers without a good credential", "[sweep]") {
  stage s;
  auto& owner = s.here().owner;
  const auto& ws = s.here().workspace;
  auto good = owner.credential();
  auto dot = good.find('.'), second = good.find('.', dot + 1);
  auto payload = good.substr(dot + 1, second - dot - 1);
  nacre::test::temporary_directory elsewhere;
  REQUIRE(nacre::crypto::ensure_dev_issuer(elsewhere.path()));
  auto foreign = mint(elsewhere.path(), {owner.user(), ws, "owner"});
  auto foreign_dot = foreign.rfind('.');
  using nacre::crypto::base64url_encode;
  auto forged = [&](const std::string& header) { return base64url_encode(header) + "." + payload; };
  auto flipped = good;
  flipped[second + 10] = flipped[second + 10] == 'A' ? 'B' : 'A';
  const std::pair<const char*, std::string> credentials[] = {
      {"none", ""},
      {"another scheme", "Basic " + base64url_encode("a:b")},
      {"no scheme", good},
      {"two spaces", "Bearer  " + good},
      {"garbage", "Bearer garbage"},
      {"dots", "Bearer ey.ey.ey"},
      {"an expired JWT", "Bearer " + shared().token({owner.user(), ws, "owner", "", "", 60, -3600})},
      {"a JWT of tomorrow", "Bearer " + shared().token({owner.user(), ws, "owner", "", "", 60, 86'400})},
      {"a foreign issuer's JWT", "Bearer " + foreign},
      {"a foreign signature", "Bearer " + good.substr(0, second) + foreign.substr(foreign_dot)},
      {"a flipped signature", "Bearer " + flipped},
      {"no signature", "Bearer " + good.substr(0, second) + "."},
      {"alg none", "Bearer " + forged(R"({"alg":"none","typ":"JWT"})") + "."},
      {"alg none, signed", "Bearer " + forged(R"({"alg":"none"})") + good.substr(second)},
      {"alg HS256", "Bearer " + forged(R"({"alg":"HS256"})") + good.substr(second)},
      {"a token nobody issued", "Bearer pat_wsabcdef_" + std::string(64, 'a')},
  };
  for (const auto& [what, value] : credentials) {
    INFO(what);
    header_list headers{{"X-Workspace-Id", ws}};
    if (!value.empty()) headers.emplace_back("Authorization", value);
    for_every_route(s, [&](const route& r) {
      auto a = s.ask(r, headers);
      CHECK(check_error(a, 401, "unauthorized") == "Authentication failed");
      CHECK(a.header("WWW-Authenticate") == (value.empty() ? "Bearer" : "Bearer error=\"invalid_token\""));
    });
  }
}

TEST_CASE("no route answers to a dead token", "[sweep]") {
  stage s;
  auto revoked = s.here().owner.new_pat(R"("name":"revoked","scopes":["admin"])");
  CHECK(s.here().owner.del(pat_path(revoked["id"].text())).status == 204);
  auto expired = expired_pat(s.here().owner);
  for_every_route(s, [&](const route& r) {
    CHECK(check_error(s.ask(r, s.credentials(revoked["token"].text())), 401, "token_revoked") ==
          "Token has been revoked");
    CHECK(check_error(s.ask(r, s.credentials(expired)), 401, "token_expired") == "Token has expired");
  });
}

TEST_CASE("no route answers to a doubled or malformed header", "[sweep]") {
  stage s;
  auto bearer = "Bearer " + s.here().owner.credential();
  const auto& ws = s.here().workspace;
  for_every_route(s, [&](const route& r) {
    auto refused = [&](const header_list& headers) { check_error(s.ask(r, headers), 400, "invalid_request"); };
    refused({{"Authorization", bearer}, {"Authorization", bearer}, {"X-Workspace-Id", ws}});
    refused({{"Authorization", bearer}, {"authorization", "Bearer x"}, {"X-Workspace-Id", ws}});
    refused({{"Authorization", bearer}, {"X-Workspace-Id", ws}, {"X-Workspace-Id", ws}});
    refused({{"Authorization", bearer}, {"X-Workspace-Id", ws}, {"x-workspace-id", s.there().workspace}});
    if (r.where != place::header) return;
    refused({{"Authorization", bearer}});
    for (const auto& bad : {std::string("x"), ws + "0", ws.substr(1), "{" + ws + "}", ws + "," + ws,
                            std::string("00000000-0000-0000-0000-000000000000")})
      refused({{"Authorization", bearer}, {"X-Workspace-Id", bad}});
  });
}

TEST_CASE("no route with an id takes one that is no UUID", "[sweep]") {
  stage s;
  for_every_route(s, [&](const route& r) {
    if (std::string_view(r.pattern).find('{') == std::string_view::npos) return;
    for (const char* id : {"x", "12345", "00000000-0000-0000-0000-00000000000g"})
      check_error(s.ask(r, s.credentials(s.here().owner.credential()), s.path(r, id, id)), 400, "invalid_request");
  });
}

TEST_CASE("no workspace answers to an outsider", "[sweep]") {
  stage s;
  auto stranger = shared().stranger(s.here().workspace);
  for_every_route(s, [&](const route& r) {
    if (r.where == place::none) return;
    check_error(s.ask(r, stranger), 403, "forbidden");
    check_error(s.ask(r, s.there().owner), 403, "forbidden");
  });
}

TEST_CASE("no route reaches another workspace's token", "[sweep]") {
  stage s;
  for_every_route(s, [&](const route& r) {
    if (!has_pat_id(r)) return;
    auto at = s.path(r, s.here().workspace, s.others());
    check_error(s.ask(r, s.credentials(s.here().owner.credential()), at), 404, "not_found");
    check_error(s.ask(r, s.credentials(s.here().member.credential()), at), 404, "not_found");
  });
}

TEST_CASE("no route does for a lower role what it asks a higher one for", "[sweep]") {
  stage s;
  for_every_route(s, [&](const route& r) {
    if (has_pat_id(r)) check_error(s.ask(r, s.here().member), 403, "forbidden");  // the owner's token
    // A member may remove one member: themselves.
    const auto& below = std::string_view(r.pattern).ends_with("{userId}") ? s.here().other : s.here().member;
    if (r.role != least::member) check_error(s.ask(r, below), 403, "forbidden");
    if (r.role == least::owner) check_error(s.ask(r, s.here().admin), 403, "forbidden");
  });
}

TEST_CASE("no route goes beyond a token's scopes and workspace", "[sweep]") {
  stage s;
  auto& owner = s.here().owner;
  auto read = owner.new_pat(R"("name":"r","scopes":["read"])")["token"].text();
  auto write = owner.new_pat(R"("name":"w","scopes":["write"])")["token"].text();
  auto elsewhere = s.there().owner.new_pat(R"("name":"e","scopes":["admin"])")["token"].text();
  for_every_route(s, [&](const route& r) {
    auto lacks = [&](const std::string& token, const char* wanted) {
      CHECK(check_error(s.ask(r, s.credentials(token)), 403, "insufficient_scope") ==
            std::string("Insufficient permissions. Required scope: ") + wanted);
    };
    if (r.needs == scope::write) lacks(read, "write");
    if (r.needs == scope::admin) {
      lacks(read, "admin");
      lacks(write, "admin");
    }
    if (r.where != place::none) check_error(s.ask(r, s.credentials(elsewhere)), 403, "forbidden");
    if (std::string_view(r.pattern) == "/api/v1/workspaces" && std::string_view(r.verb) == "POST")
      check_error(s.ask(r, s.credentials(read)), 403, "forbidden");
  });
}

TEST_CASE("no route with a body takes another type, a broken or an oversized one", "[sweep]") {
  stage s;
  for_every_route(s, [&](const route& r) {
    if (std::string_view(r.body).empty()) return;
    auto headers = s.credentials(s.here().owner.credential());
    http_client c(shared().port());
    auto send = [&](const char* type, const std::string& body) {
      auto all = headers;
      all.emplace_back("Content-Type", type);
      return c.send(r.verb, s.path(r), all, body);
    };
    check_error(send("text/plain", s.body(r)), 415, "unsupported_media_type");
    check_error(send("application/x-www-form-urlencoded", "name=a"), 415, "unsupported_media_type");
    for (const char* body : {"[]", "null", "1", "\"x\"", "{", "{}}", "{} {}", "{\"a\":1,\"a\":1}", "\xff", "nul"})
      check_error(send("application/json", body), 400, "invalid_request");
    check_error(send("application/json", R"({"a":)" + std::string(20, '[') + std::string(20, ']') + "}"), 400,
                "invalid_request");
    CHECK(send("application/json", std::string(32 * 1024 + 1, ' ')).status == 413);
  });
}

TEST_CASE("no route answers to a method it does not have", "[sweep]") {
  stage s;
  auto headers = s.credentials(s.here().owner.credential());
  http_client c(shared().port());
  for_every_route(s, [&](const route& r) {
    std::set<std::string> has{"HEAD"};
    for (const auto& other : routes)
      if (std::string_view(other.pattern) == r.pattern) has.insert(other.verb);
    if (!has.contains("GET")) has.erase("HEAD");
    // "import" is an id as far as other methods are concerned.
    if (std::string_view(r.pattern).ends_with("/import")) return;
    for (const char* verb : {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"}) {
      if (has.contains(verb)) continue;
      INFO(verb);
      auto a = c.send(verb, s.path(r), headers);
      CHECK(a.status == 405);
      for (const auto& each : has) CHECK(a.header("Allow").find(each) != std::string::npos);
      if (a.status == 405 && verb != std::string_view("HEAD")) check_error(a, 405, "method_not_allowed");
    }
  });
}

// ---- accounts and guests -----------------------------------------------------------------------------

TEST_CASE("no route of accounts answers to bad credentials, and none takes them for a guest's", "[sweep][basic]") {
  stage s;
  auto& owner = s.here().owner;
  auto good = owner.new_pat(R"("name":"good","scopes":["admin"])")["token"].text();
  auto revoked = owner.new_pat(R"("name":"revoked","scopes":["admin"])");
  CHECK(owner.del(pat_path(revoked["id"].text())).status == 204);
  auto expired = expired_pat(owner);
  using nacre::test::basic;
  const std::tuple<const char*, std::string, const char*> credentials[] = {
      {"a bearer's JWT", "Bearer " + owner.credential(), "AUTH_TYPE_INVALID"},
      {"a bearer's PAT", "Bearer " + good, "AUTH_TYPE_INVALID"},
      {"no scheme", good, "AUTH_TYPE_INVALID"},
      {"no base64", "Basic !", "CREDENTIALS_INVALID"},
      {"no colon", "Basic YWJj", "CREDENTIALS_INVALID"},
      {"another's name", basic(s.here().member.user(), good), "CREDENTIALS_INVALID"},
      {"an outsider's name", basic(s.there().owner.user(), good), "CREDENTIALS_INVALID"},
      {"an unknown address", basic("nobody@example.org", good), "CREDENTIALS_INVALID"},
      {"no name", basic("", good), "CREDENTIALS_INVALID"},
      {"no password", basic(owner.user(), ""), "CREDENTIALS_INVALID"},
      {"a JWT", basic(owner.user(), owner.credential()), "CREDENTIALS_INVALID"},
      {"a token nobody issued", basic(owner.user(), "pat_wsabcdef_" + std::string(64, 'a')), "CREDENTIALS_INVALID"},
      {"a revoked token", basic(owner.user(), revoked["token"].text()), "CREDENTIALS_INVALID"},
      {"an expired token", basic(owner.user(), expired), "CREDENTIALS_INVALID"},
  };
  const auto before = s.state();
  http_client c(shared().port());
  for (const auto& [what, value, word] : credentials)
    for (const auto& r : open_routes) {
      INFO(what << ": " << r.verb << " " << r.pattern);
      auto a = ask(c, r, {{"Authorization", value}});
      if (r.who == door::guest)
        CHECK(a.status == ask(c, r, {}).status);
      else
        CHECK(check_open_error(r, a, 401, "Unauthorized").find(is_v1(r) ? "Not authorized" : word) !=
              std::string::npos);
    }
  for (const auto& r : open_routes) {
    INFO(r.verb << " " << r.pattern);
    auto a = ask(c, r, {});
    if (r.who == door::account) check_open_error(r, a, 401, "Unauthorized");
    // The memo alone asks who owns the receipt.
    if (r.who == door::account_or_guest) CHECK((honest_status(a) == 401) == (std::string_view(r.verb) == "PATCH"));
    auto doubled = ask(c, r, {{"Authorization", "Basic YQ=="}, {"Authorization", "Basic YQ=="}});
    check_open_error(r, doubled, 400, "BadRequest");
  }
  CHECK(s.state() == before);
}

TEST_CASE("no route of accounts goes beyond a token's scopes", "[sweep][basic]") {
  stage s;
  auto& owner = s.here().owner;
  auto read = owner.new_pat(R"("name":"r","scopes":["read"])")["token"].text();
  auto write = owner.new_pat(R"("name":"w","scopes":["write"])")["token"].text();
  const auto before = s.state();
  http_client c(shared().port());
  for (const auto& r : open_routes) {
    if (r.who == door::guest) continue;
    INFO(r.verb << " " << r.pattern);
    auto as = [&](const std::string& token) {
      return ask(c, r, {{"Authorization", nacre::test::basic(owner.user(), token)}});
    };
    if (r.needs == scope::write)
      check_open_error(r, as(read), 403, "Forbidden");
    else
      CHECK(honest_status(as(read)) != 403);
    bool makes_one = r.needs == scope::write && is_literal(r);
    if (!makes_one) CHECK(honest_status(as(write)) != 403);
  }
  CHECK(s.state() == before);
}

TEST_CASE("no route of one-time secrets speaks but in its version's words: methods, sizes, broken bodies",
          "[sweep][basic]") {
  http_client c(shared().port());
  for (const auto& r : open_routes) {
    INFO(r.verb << " " << r.pattern);
    std::set<std::string> has;
    for (const auto& other : open_routes)
      if (path_of(other) == path_of(r)) has.insert(other.verb);
    for (const char* verb : {"PUT", "TRACE", "BREW"}) {
      INFO(verb);
      auto a = c.send(verb, path_of(r));
      check_open_error(r, a, 405, "MethodNotAllowed");
      for (const auto& each : has) CHECK(a.header("Allow").find(each) != std::string::npos);
    }
    if (!is_literal(r) || std::string_view(r.body).empty()) continue;
    auto send = [&](const char* type, const std::string& body) {
      return c.send(r.verb, path_of(r), {{"Content-Type", type}}, body);
    };
    for (const char* body : {"[]", "null", "1", "\"x\"", "{", "{}}", "{} {}", "{\"a\":1,\"a\":1}", "\xff", "nul"})
      check_open_error(r, send("application/json", body), 400, "BadRequest");
    check_open_error(r, send("text/plain", "x"), 400, "BadRequest");
    check_open_error(r, send("multipart/form-data; boundary=b", "x"), 400, "BadRequest");
    check_open_error(r, send("application/json", std::string(200 * 1024, ' ')), 413, "PayloadTooLarge");
  }
  for (const char* path : {"/api/v2", "/api/v2/", "/api/v2/secret", "/api/v2/secret/conceal/",
                           "/api/v2/guest/private/x", "/api/v2/receipt/a/b/c"})
    check_v2_error(c.send("GET", path), 404, "NotFound");
}

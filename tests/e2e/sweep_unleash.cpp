// Every route of the Unleash family against every kind of caller that must not get in: the expected status, the
// family's error shape, and nothing changed.

#include <regex>

#include "tests/e2e/unleash_kit.hpp"
#include "tests/e2e/unleash_routes.hpp"
#include "tests/support/basic.hpp"

using namespace nacre::e2e;
using namespace nacre::e2e::unleash;

namespace {

class stage {
 public:
  stage() : here_(shared()), there_(shared()) {
    account_ = account(here_.owner);
    token_ = id_of(create(here_.owner, of(account_)));
    own_ = id_of(create(here_.owner));
  }
  team& here() { return here_; }
  team& there() { return there_; }
  const std::string& robot() const { return account_; }

  http_answer ask(const swept_route& r, const header_list& headers) {
    std::string path = r.pattern;
    auto put = [&](std::string_view what, const std::string& with) {
      if (auto at = path.find(what); at != std::string::npos) path.replace(at, what.size(), with);
    };
    put("{id}", path.starts_with(accounts) ? account_ : own_);
    put("{tokenId}", token_);
    auto all = headers;
    if (!std::string_view(r.body).empty()) all.emplace_back("Content-Type", "application/json");
    return client_.send(r.verb, path, all, r.body);
  }
  http_answer ask(const swept_route& r, const std::string& credential) {
    return ask(r, {{"Authorization", "Bearer " + credential}});
  }

  // Everything that a denied request could have changed.
  std::string state() {
    std::string out;
    for (auto* t : {&here_, &there_})
      for (const auto& entry : audit_of(t->owner))
        if (entry["action"].text() != "pat.use") out += entry["action"].text() + " " + entry["object"].text() + "\n";
    out += here_.owner.get(accounts).body + here_.owner.get(own()).body;
    // When a token was last used is noted a while after its use: that of the stage's own may still come.
    static const std::regex seen("\"seenAt\":(\"[^\"]*\"|null)");
    return std::regex_replace(out, seen, "");
  }

 private:
  team here_, there_;
  std::string account_, token_, own_;
  http_client client_{shared().port()};
};

template <class Deny>
void for_every_route(stage& s, Deny deny) {
  const auto before = s.state();
  for (const auto& r : swept_routes) {
    INFO(r.verb << " " << r.pattern);
    deny(r);
  }
  CHECK(s.state() == before);
}

std::string expired(person& who) {
  auto secret = create(who, own(), {{"expiresAt", "\"" + rfc3339_in(2) + "\""}})["secret"].text();
  REQUIRE(eventually([&] { return status_with(secret) == 401; }));
  return secret;
}

bool names_one(const swept_route& r) { return std::string_view(r.pattern).find('{') != std::string_view::npos; }

}  // namespace

TEST_CASE("the stage is set so that an owner gets through every route of Unleash", "[sweep]") {
  stage s;
  for (const auto& r : swept_routes) {
    INFO(r.verb << " " << r.pattern);
    CHECK(s.ask(r, s.here().owner.credential()).status / 100 == 2);
  }
}

TEST_CASE("no route of Unleash answers without a good credential, and all alike", "[sweep]") {
  stage s;
  auto& owner = s.here().owner;
  auto good = owner.credential();
  auto deleted = create(owner);
  REQUIRE(owner.del(own(id_of(deleted))).status == 200);
  auto replaced = create(owner);
  REQUIRE(owner.post(own(id_of(replaced), "rotate")).status == 200);
  auto expired_token = expired(owner);
  auto native = owner.new_pat(R"("name":"a","scopes":["admin"])")["token"].text();
  const std::pair<const char*, std::string> credentials[] = {
      {"none", ""},
      {"another scheme", "Basic " + nacre::crypto::base64url_encode("a:b")},
      {"Token", "Token " + deleted["secret"].text()},
      {"garbage", "Bearer garbage"},
      {"nothing behind it", "Bearer"},
      {"dots", "Bearer ey.ey.ey"},
      {"an expired JWT", "Bearer " + shared().token({owner.user(), s.here().workspace, "owner", "", "", 60, -3600})},
      {"a flipped signature", "Bearer " + good.substr(0, good.size() - 8) + "AAAAAAAA"},
      {"a token of another family", native},
      {"the same, as a bearer's", "Bearer " + native},
      {"a token nobody issued", "user:" + std::string(56, 'a')},
      {"an admin token of Unleash", "*:*." + std::string(56, 'a')},
      {"a deleted token", deleted["secret"].text()},
      {"a token that was rotated", replaced["secret"].text()},
      {"an expired token", expired_token},
  };
  for (const auto& [what, value] : credentials) {
    INFO(what);
    header_list headers{{"X-Workspace-Id", s.here().workspace}};
    if (!value.empty()) headers.emplace_back("Authorization", value);
    for_every_route(s, [&](const swept_route& r) {
      auto a = s.ask(r, headers);
      check_problem(a, 401, value.empty() ? "AuthenticationRequired" : "UnauthorizedError");
      if (!value.empty()) CHECK(a.json()["message"].text() == "You must log in to use Unleash.");
      auto told = a.header("WWW-Authenticate");
      CHECK(told.starts_with(value.empty() ? "Bearer" : "Bearer error=\"invalid_token\""));
      CHECK((told.find("expired") != std::string::npos) == (value == expired_token));
    });
  }
}

TEST_CASE("no route of Unleash lets in an outsider, a lower role or another workspace's token", "[sweep]") {
  stage s;
  auto stranger = shared().stranger("").credential();
  auto foreign = create(s.there().owner)["secret"].text();
  auto member = s.here().member.credential();
  auto weak = create(s.here().member)["secret"].text();
  auto robot = create(s.here().owner, of(s.robot()))["secret"].text();
  for_every_route(s, [&](const swept_route& r) {
    check_problem(s.ask(r, stranger), 403, "ForbiddenError");
    check_problem(s.ask(r, {{"Authorization", foreign}, {"X-Workspace-Id", s.here().workspace}}), 403,
                  "ForbiddenError");
    for (const auto& credential : {member, weak, robot}) {
      if (r.who == may::admin)
        check_problem(s.ask(r, credential), 403, "PermissionError");
      else if (names_one(r) && std::string_view(r.verb) == "POST")  // the owner's token
        check_problem(s.ask(r, credential), 404, "NotFoundError");
      else if (names_one(r))
        CHECK(s.ask(r, credential).status == 200);  // and nothing has happened
    }
  });
}

TEST_CASE("no route of Unleash finds in one workspace what is in another", "[sweep]") {
  stage s;
  auto& stranger = s.there().owner;
  // The numbers of one workspace mean others, or nobody, in the other.
  const auto before = s.state();
  for (const auto& r : swept_routes) {
    if (!names_one(r)) continue;
    INFO(r.verb << " " << r.pattern);
    auto a = s.ask(r, stranger.credential());
    CHECK((a.status == 404 || (a.status == 200 && a.body.empty())));
  }
  CHECK(s.state() == before);
}

TEST_CASE("no route of Unleash answers to a doubled header", "[sweep]") {
  stage s;
  auto bearer_of = "Bearer " + s.here().owner.credential();
  const auto& ws = s.here().workspace;
  for_every_route(s, [&](const swept_route& r) {
    for (const header_list& headers :
         {header_list{{"Authorization", bearer_of}, {"authorization", bearer_of}},
          header_list{{"Authorization", bearer_of}, {"X-Workspace-Id", ws}, {"x-workspace-id", ws}}})
      CHECK(s.ask(r, headers).status == 400);
  });
}

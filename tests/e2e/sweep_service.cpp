// Every route of the service-user family against every kind of caller that must not get in: the expected status,
// the family's error shape, and nothing changed.

#include "tests/e2e/service_kit.hpp"
#include "tests/e2e/service_routes.hpp"
#include "tests/support/basic.hpp"

using namespace nacre::e2e;
using namespace nacre::e2e::service;

namespace {

class stage {
 public:
  stage() : here_(shared()), there_(shared()) {
    user_ = service_user(here_.owner);
    token_ = create(here_.owner, of(user_))["id"].text();
    own_ = create(here_.owner, own())["id"].text();
  }
  team& here() { return here_; }
  team& there() { return there_; }
  const std::string& user() const { return user_; }

  http_answer ask(const swept_route& r, const header_list& headers) {
    std::string path = r.pattern;
    bool named = path.find("{userId}") != std::string::npos;
    auto put = [&](std::string_view what, const std::string& with) {
      if (auto at = path.find(what); at != std::string::npos) path.replace(at, what.size(), with);
    };
    put("{userId}", user_);
    put("{patId}", named ? token_ : own_);
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
    return out + here_.owner.get(of(user_)).body + here_.owner.get(own()).body +
           here_.owner.get("/api/users?perPage=500").body;
  }

 private:
  team here_, there_;
  std::string user_, token_, own_;
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
  auto id = create(who, own())["id"].text();
  auto a = who.post(own(id, "rotate"), R"({"expiresAt":")" + rfc3339_in(1) + "\"}");
  REQUIRE(a.status == 201);
  auto token = a.json()["token"].text();
  REQUIRE(eventually([&] { return bearer(token).get(own()).status == 401; }));
  return token;
}

}  // namespace

TEST_CASE("the stage is set so that an owner gets through every route of service users", "[sweep]") {
  stage s;
  for (const auto& r : swept_routes) {
    INFO(r.verb << " " << r.pattern);
    CHECK(s.ask(r, s.here().owner.credential()).status / 100 == 2);
  }
}

TEST_CASE("no route of service users answers without a good credential, and all alike", "[sweep]") {
  stage s;
  auto& owner = s.here().owner;
  auto good = owner.credential();
  auto revoked = create(owner, own());
  REQUIRE(owner.del(own(revoked["id"].text())).status == 204);
  auto replaced = create(owner, own());
  REQUIRE(owner.post(own(replaced["id"].text(), "regenerate"), R"({"expiry":"week"})").status == 201);
  const std::pair<const char*, std::string> credentials[] = {
      {"none", ""},
      {"another scheme", "Basic " + nacre::crypto::base64url_encode("a:b")},
      {"no scheme", good},
      {"garbage", "Bearer garbage"},
      {"dots", "Bearer ey.ey.ey"},
      {"an expired JWT", "Bearer " + shared().token({owner.user(), s.here().workspace, "owner", "", "", 60, -3600})},
      {"a flipped signature", "Bearer " + good.substr(0, good.size() - 8) + "AAAAAAAA"},
      {"a token of another family", "Bearer " + owner.new_pat(R"("name":"a","scopes":["admin"])")["token"].text()},
      {"a token nobody issued", "Bearer nacre_pat_" + std::string(22, 'a') + "_" + std::string(49, 'a')},
      {"a revoked token", "Bearer " + revoked["token"].text()},
      {"a token that was regenerated", "Bearer " + replaced["token"].text()},
  };
  for (const auto& [what, value] : credentials) {
    INFO(what);
    header_list headers{{"X-Workspace-Id", s.here().workspace}};
    if (!value.empty()) headers.emplace_back("Authorization", value);
    for_every_route(s, [&](const swept_route& r) {
      auto a = s.ask(r, headers);
      CHECK(check_refusal(a, 401) == "Unauthorized");
      CHECK(a.header("WWW-Authenticate") == (value.empty() ? "Bearer" : "Bearer error=\"invalid_token\""));
    });
  }
}

TEST_CASE("every route of service users says of an expired token that it has", "[sweep]") {
  stage s;
  auto token = expired(s.here().owner);
  for_every_route(s, [&](const swept_route& r) { CHECK(check_refusal(s.ask(r, token), 401) == "Token has expired"); });
}

TEST_CASE("no route of service users lets in an outsider, a lower role or another workspace's token", "[sweep]") {
  stage s;
  auto stranger = shared().stranger("").credential();
  auto foreign = create(s.there().owner, own(), {{"permissions", "[\"owner\"]"}})["token"].text();
  auto member = s.here().member.credential();
  auto weak = create(s.here().member, own())["token"].text();
  auto robot = create(s.here().owner, of(service_user(s.here().owner)))["token"].text();
  for_every_route(s, [&](const swept_route& r) {
    check_refusal(s.ask(r, stranger), 403);
    check_refusal(s.ask(r, {{"Authorization", "Bearer " + foreign}, {"X-Workspace-Id", s.here().workspace}}), 403);
    bool named = std::string_view(r.pattern).find("{patId}") != std::string_view::npos;
    for (const auto& credential : {member, weak, robot}) {
      if (r.who == may::admin)
        check_refusal(s.ask(r, credential), 403);
      else if (named)  // the owner's token
        check_refusal(s.ask(r, credential), 404);
    }
    // In its own workspace the foreign token finds nothing of this one's.
    if (named || std::string_view(r.pattern).find("{userId}") != std::string_view::npos)
      check_refusal(s.ask(r, foreign), 404);
  });
}

TEST_CASE("no route of service users answers to a doubled header", "[sweep]") {
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

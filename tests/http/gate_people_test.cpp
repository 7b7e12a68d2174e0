// Who stands behind a credential: claims of a trusted issuer, subjects, accounts.

#include <thread>

#include "tests/http/gate_kit.hpp"
#include "tests/support/basic.hpp"

using namespace nacre;
using namespace nacre::http;
using namespace nacre::testing;

TEST_CASE("a trusted token's workspace and role come into being at first use, and only then", "[http][gate][claims]") {
  door d;
  auto boss = "Bearer " + d.mint_claims(owner, home, "owner");
  for (int i = 0; i < 3; ++i) {
    auto p = d.come(boss);
    REQUIRE(p);
    CHECK(p->email == "a@example.org");
  }
  REQUIRE(d.membership(owner));
  CHECK(d.membership(owner)->role == model::role::owner);
  CHECK(d.audited("workspace.create") == 1);
  CHECK(d.audited("member.admit") == 1);
  CHECK(broken_in(*d.view()).empty());

  // Who is a member already stays what they are.
  d.join(user_no(2), model::role::member);
  CHECK(d.come("Bearer " + d.mint_claims(user_no(2), home, "owner")));
  CHECK(d.membership(user_no(2))->role == model::role::member);
  // Who was removed does not come back by a token.
  REQUIRE_FALSE(d.ask(d.as(owner), model::operation{model::remove_member{user_no(2)}}).outcome.refused);
  d.time.advance(31'000);
  CHECK(d.come("Bearer " + d.mint_claims(user_no(2), home, "admin")));  // somebody, but no member
  CHECK(d.membership(user_no(2))->removed);
  // A deleted workspace stays deleted, also for who had never been there.
  REQUIRE_FALSE(d.ask(d.as(owner), model::operation{model::delete_workspace{}}).outcome.refused);
  CHECK(d.come("Bearer " + d.mint_claims(user_no(3), home, "owner")));
  CHECK_FALSE(d.membership(user_no(3)));
  auto ws = model::load<model::workspace_record>(*d.view(), model::space::state, model::keys::workspace(home));
  CHECK(ws->deleted);
}

TEST_CASE("claims that name no workspace or no role admit nobody", "[http][gate][claims]") {
  door d;
  auto of = [&](std::string ws, std::string role) {
    return "Bearer " + d.minted({.subject = to_string(owner), .workspace = std::move(ws), .role = std::move(role)});
  };
  CHECK(d.refused(of("not-a-uuid", "owner")) == "unauthenticated claims");
  CHECK(d.refused(of(to_string(uuid{}), "owner")) == "unauthenticated claims");
  CHECK(d.refused(of(to_string(home), "root")) == "unauthenticated claims");
  CHECK(d.refused(of(to_string(home), "Owner")) == "unauthenticated claims");
  CHECK(d.refused("Bearer " + d.minted({.subject = "alice"})) == "unauthenticated subject");
  CHECK(d.refused("Bearer " + d.minted({.subject = to_string(uuid{})})) == "unauthenticated subject");
  CHECK(d.audited("workspace.create") == 0);
}

TEST_CASE("a claimed workspace gets a good name, whatever the token says", "[http][gate][claims]") {
  for (auto [given, kept] : {std::pair<std::string, std::string>{"Team", "Team"},
                             {std::string(101, 'x'), "Workspace " + to_string(home).substr(0, 8)},
                             {"  ", "Workspace " + to_string(home).substr(0, 8)}}) {
    door d;
    CHECK(d.come(
        "Bearer " +
        d.minted(
            {.subject = to_string(owner), .workspace = to_string(home), .role = "owner", .workspace_name = given})));
    auto ws = model::load<model::workspace_record>(*d.view(), model::space::state, model::keys::workspace(home));
    REQUIRE(ws);
    CHECK(ws->name == kept);
  }
}

TEST_CASE("the first use of one token by many at once makes one workspace and one member",
          "[http][gate][claims][stress]") {
  for (int repeat = 0; repeat < 5; ++repeat) {
    door d;
    auto token = "Bearer " + d.mint_claims(owner, home, "owner");
    inbox<bool> admitted;
    std::atomic<bool> go{false};
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t)
      threads.emplace_back([&] {
        while (!go) std::this_thread::yield();
        auto r = d.with(token);
        d.entry->authenticate(r, family_of::alephant,
                              [&](result<principal> p) { admitted.put(p && p->who.user == owner); });
      });
    go = true;
    for (auto& t : threads) t.join();
    REQUIRE(admitted.await(8));
    for (bool good : admitted.take()) CHECK(good);
    CHECK(d.audited("workspace.create") == 1);
    CHECK(d.audited("member.admit") == 1);
    CHECK(broken_in(*d.view()).empty());
  }
}

TEST_CASE("a full queue or a failing log is said as such, never as a bad credential", "[http][gate][claims]") {
  actors::settings s;
  s.queue_total = 0;
  door d(s);
  CHECK(d.refused("Bearer " + d.mint_claims(owner, home, "owner")) == "busy -");
  CHECK_FALSE(d.membership(owner));
}

TEST_CASE("a subject is the same user for ever", "[http][gate]") {
  crypto::jwt_claims c;
  c.issuer = "https://issuer.example";
  c.subject = "alice";
  REQUIRE(user_of(c));
  CHECK(to_string(*user_of(c)) == "1615806d-0618-837f-90ed-d831008104fe");
  auto before = *user_of(c);
  // The border between issuer and subject is part of it.
  c.issuer = "https://issuer.examplea";
  c.subject = "lice";
  CHECK(to_string(*user_of(c)) == "09845c1d-f6e9-8e89-bc1e-1136ed4e371b");
  CHECK(*user_of(c) != before);
  c.subject_is_user_id = true;
  CHECK_FALSE(user_of(c));
  c.subject = "7F1B0A6E-0000-4000-8000-000000000001";
  CHECK(to_string(*user_of(c)) == "7f1b0a6e-0000-4000-8000-000000000001");
}

TEST_CASE("an account is its user's id or address with one of its tokens, and nothing else", "[http][gate][basic]") {
  door d;
  d.found();
  const auto nameless = user_no(3);
  d.join(nameless, model::role::member);
  // An address is known from a token of the issuer.
  const auto known = user_no(7);
  REQUIRE(d.come("Bearer " + d.mint_claims(known, home, "owner")));
  REQUIRE(d.membership(known)->email == "a@example.org");
  auto issued = [&](user_id who) {
    auto a = d.ask(d.as(who), actors::issue_pat{"ci", model::scope_write, {}});
    REQUIRE_FALSE(a.outcome.refused);
    return text_of(a);
  };
  auto token = issued(known);
  auto without_address = issued(nameless);
  using test::basic;
  auto come = [&](std::optional<std::string> authorization) {
    auto box = std::make_shared<inbox<outcome>>();
    d.entry->authenticate_basic(d.with(std::move(authorization)),
                                [box](result<principal> p) { box->put(std::move(p)); });
    if (!box->await(1)) FAIL("no answer");
    return std::move(*box->next());
  };
  for (const auto& name : {std::string("a@example.org"), std::string("A@Example.ORG"), to_string(known)}) {
    INFO(name);
    auto p = come(basic(name, token));
    REQUIRE(p);
    CHECK(p->who.via == model::caller::kind::pat);
    CHECK(p->who.user == known);
    CHECK(p->who.scopes == model::implied(model::scope_write));
    CHECK(p->bound_to == home);
    CHECK(p->email == "a@example.org");
  }
  CHECK(come(basic(to_string(nameless), without_address))->email.empty());

  auto refusal = [&](std::optional<std::string> authorization, std::string_view word) {
    d.failures.take();
    auto p = come(std::move(authorization));
    REQUIRE_FALSE(p);
    CHECK(p.error().code == errc::unauthenticated);
    CHECK(p.error().text.find(word) != std::string::npos);
    CHECK(d.failures.take().size() == 1);
  };
  refusal(std::nullopt, "CREDENTIALS_MISSING");
  for (const auto& header : {"Bearer " + token, token, "Token " + token}) refusal(header, "AUTH_TYPE_INVALID");
  refusal("Basic !", "CREDENTIALS_INVALID");
  refusal(basic("b@example.org", token), "CREDENTIALS_INVALID");
  refusal(basic("", token), "CREDENTIALS_INVALID");
  refusal(basic("", without_address), "CREDENTIALS_INVALID");  // nobody's address is the empty name
  refusal(basic(to_string(owner), token), "CREDENTIALS_INVALID");
  refusal(basic("a@example.org", without_address), "CREDENTIALS_INVALID");
  refusal(basic("a@example.org", ""), "CREDENTIALS_INVALID");
  refusal(basic("a@example.org", "pat_wsabcdef_" + std::string(64, 'a')), "CREDENTIALS_INVALID");
  refusal(basic(to_string(known), d.mint(known)), "CREDENTIALS_INVALID");  // a JWT is no API token

  // Who was removed has no account, whatever tokens are left.
  REQUIRE_FALSE(d.ask(d.as(owner), model::operation{model::remove_member{known}}).outcome.refused);
  refusal(basic("a@example.org", token), "CREDENTIALS_INVALID");
  REQUIRE_FALSE(
      d.ask(d.as(owner), model::operation{model::put_member{known, model::role::member, {}}}).outcome.refused);
  refusal(basic(to_string(known), token), "CREDENTIALS_INVALID");
}

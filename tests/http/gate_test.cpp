// Who is calling: what the gate lets in, what it remembers, and what it never does.

#include "tests/http/gate_kit.hpp"

using namespace nacre;
using namespace nacre::http;
using namespace nacre::testing;

TEST_CASE("the scheme is Bearer in any case and one space, the credential at most 8 KiB", "[http][gate]") {
  door d;
  auto token = d.mint(owner);
  for (auto scheme : {"Bearer ", "bearer ", "BEARER ", "bEaReR "}) CHECK(d.come(scheme + token));
  const std::string bad[] = {
      "",
      "Bearer",
      "Bearer ",
      token,
      "Bearer  " + token,
      " Bearer " + token,
      "Basic " + token,
      "Bearer\t" + token,
      "Bearer" + token,
      "Bearer " + token + " ",
      "Bearer " + token + "\x7f",
      "Bearer " + token + "\xc3\xa9",
      std::string("Bearer\0", 7) + token,
      "\x02"
      "earer " +
          token,
  };
  for (const auto& each : bad) {
    INFO(each.substr(0, 20));
    CHECK(d.refused(each) == "unauthenticated scheme");
  }
  CHECK(d.refused(std::nullopt) == "unauthenticated missing");
  auto verified = d.tokens->verified.load();
  CHECK(d.refused("Bearer eyJ." + std::string(limits::bearer_bytes_max - 5, 'a') + ".") == "unauthenticated malformed");
  CHECK(d.tokens->verified == verified + 1);
  CHECK(d.refused("Bearer eyJ." + std::string(limits::bearer_bytes_max - 4, 'a') + ".") == "unauthenticated scheme");
  CHECK(d.tokens->verified == verified + 1);
}

TEST_CASE("a token whose header begins with white space is a JWT too", "[http][gate]") {
  door d;
  auto verified = d.tokens->verified.load();
  CHECK(d.refused("Bearer ewogICJhbGciOiJFZERTQSJ9.e30.AA") != "unauthenticated checksum");
  CHECK(d.tokens->verified == verified + 1);
}

TEST_CASE("a verified token is remembered, until it expires, its time is up or the keys change",
          "[http][gate][cache]") {
  door d;
  auto token = "Bearer " + d.mint(owner);
  for (int i = 0; i < 5; ++i) {
    auto p = d.come(token);
    REQUIRE(p);
    CHECK(p->who.user == owner);
    CHECK(p->who.via == model::caller::kind::jwt);
    CHECK_FALSE(p->bound_to);
  }
  CHECK(d.tokens->verified == 1);
  d.time.advance(29'999);
  CHECK(d.come(token));
  CHECK(d.tokens->verified == 1);
  d.time.advance(1);  // 30 s: time is up
  CHECK(d.come(token));
  CHECK(d.tokens->verified == 2);
  d.tokens->turn = 1;  // other keys
  CHECK(d.come(token));
  CHECK(d.tokens->verified == 3);
  CHECK(d.come(token));
  CHECK(d.tokens->verified == 3);

  auto brief = "Bearer " + d.mint(owner, 10);
  CHECK(d.come(brief));
  d.time.advance(10'000);  // its own end comes before ours: verified anew, and still good within the skew
  CHECK(d.come(brief));
  CHECK(d.tokens->verified == 5);
  d.time.advance(60'000);
  CHECK(d.refused(brief) == "unauthenticated expired");
}

TEST_CASE("keys that change while a token is verified are not credited with it", "[http][gate][cache]") {
  for (bool claims : {false, true}) {
    door d;
    auto token = "Bearer " + (claims ? d.mint_claims(owner, home, "owner") : d.mint(owner));
    d.tokens->during = [&] { d.tokens->turn = 1; };
    CHECK(d.come(token));
    d.tokens->during = nullptr;
    CHECK(d.come(token));
    CHECK(d.tokens->verified == 2);
  }
}

TEST_CASE("the memory of tokens is bounded", "[http][gate][cache]") {
  door d;
  gate_settings g;
  g.cache_entries = 16;
  gate small(*d.service, *d.tokens, d.keys, d.time, std::move(g));
  std::vector<std::string> tokens;
  for (std::uint64_t n = 1; n <= 100; ++n) tokens.push_back("Bearer " + d.mint(user_no(n)));
  auto pass = [&] {
    std::size_t admitted = 0;
    for (const auto& t : tokens)
      small.authenticate(d.with(t), family_of::alephant, [&](auto p) { admitted += p.has_value(); });
    return admitted;
  };
  CHECK(pass() == 100);
  CHECK(pass() == 100);
  CHECK(d.tokens->verified >= 184);  // at most 16 were remembered
}

TEST_CASE("a memory of no entries remembers no token", "[http][gate][cache]") {
  door d;
  gate_settings g;
  g.cache_entries = 0;
  gate forgetful(*d.service, *d.tokens, d.keys, d.time, std::move(g));
  auto token = "Bearer " + d.mint(owner);
  for (int i = 0; i < 3; ++i)
    forgetful.authenticate(d.with(token), family_of::alephant, [](result<principal> p) { CHECK(p.has_value()); });
  CHECK(d.tokens->verified == 3);
}

TEST_CASE("who is refused is counted, and told nothing", "[http][gate]") {
  door d;
  door elsewhere;
  CHECK(d.refused("Bearer " + elsewhere.mint(owner)) == "unauthenticated unknown_key");
  CHECK(d.refused("Bearer eyJh.e30.AA") == "unauthenticated header");
  auto p = d.come("Bearer eyJh.e30.AA");
  CHECK(p.error().text == "Authentication failed");
}

TEST_CASE("whoever has the word nacre.cluster among their scopes is an operator, and nobody with a word like it",
          "[http][gate][operators]") {
  door d;
  const auto operates = [&](std::optional<std::string> scope) {
    const auto p = d.come("Bearer " + d.minted({.subject = to_string(owner), .scope = std::move(scope)}));
    REQUIRE(p);
    return p->operates;
  };
  for (const char* yes : {"nacre.cluster", "openid nacre.cluster", "nacre.cluster profile", "a  nacre.cluster  b"})
    CHECK(operates(yes));
  for (const char* no : {" ", "nacre", "nacre.clusters", "xnacre.cluster", "nacre.cluster.read", "NACRE.CLUSTER",
                         "nacre cluster", "nacre.cluster,openid", "\"nacre.cluster\""}) {
    INFO(no);
    CHECK_FALSE(operates(no));
  }
  CHECK_FALSE(operates(std::nullopt));
  // A role in a workspace is none here.
  CHECK_FALSE(d.come("Bearer " + d.mint_claims(owner, home, "owner"))->operates);
}

TEST_CASE("a personal access token stands for its owner, in its workspace, with its scopes", "[http][gate][pat]") {
  door d;
  d.found();
  auto token = d.pat(model::scope_write);
  auto p = d.come("Bearer " + token);
  REQUIRE(p);
  CHECK(p->who.via == model::caller::kind::pat);
  CHECK(p->who.user == owner);
  CHECK(p->who.pat == d.latest);
  CHECK(p->who.scopes == (model::scope_read | model::scope_write));
  CHECK(p->bound_to == home);
}

TEST_CASE("personal access tokens are refused by what is wrong with them", "[http][gate][pat]") {
  door d;
  d.found();
  auto token = d.pat();
  auto mistyped = token;
  mistyped[20] = mistyped[20] == 'a' ? 'b' : 'a';
  CHECK(d.refused("Bearer " + mistyped) == "unauthenticated checksum");
  CHECK(d.refused("Bearer nonsense") == "unauthenticated checksum");
  // Ours by its checksum, but nobody stored it.
  auto unknown = crypto::make_token(d.keys, model::token_family::alephant, "Pearl", pat_id{});
  CHECK(d.refused("Bearer " + std::string(unknown.view())) == "unauthenticated unknown");
  // Expired to the millisecond.
  auto brief = d.pat(model::scope_read, after(d.time.now(), 1'000));
  d.time.advance(999);
  CHECK(d.come("Bearer " + brief));
  d.time.advance(1);
  CHECK(d.refused("Bearer " + brief) == "token_expired expired");
  CHECK(d.come("Bearer " + token));
  // Revoked wins over expired.
  REQUIRE_FALSE(d.ask(d.as(owner), model::operation{model::revoke_pat{d.latest}}).outcome.refused);
  CHECK(d.refused("Bearer " + brief) == "token_revoked revoked");
  CHECK(d.come("Bearer " + brief).error().text == "Token has been revoked");
  // Nothing of a deleted workspace is known any more.
  REQUIRE_FALSE(d.ask(d.as(owner), model::operation{model::delete_workspace{}}).outcome.refused);
  CHECK(d.refused("Bearer " + token) == "unauthenticated unknown");
}

TEST_CASE("foreign tokens are looked up only where some were imported", "[http][gate][pat]") {
  door d;
  d.found();
  const std::string foreign = "ghp_0123456789abcdefghij";
  model::import_pat op;
  op.id = pat_no(7);
  op.owner = owner;
  op.name = "old";
  op.prefix = "ghp_";
  op.created = d.time.now();
  op.lookup = d.keys.token_lookup(foreign);
  REQUIRE_FALSE(d.ask(d.as(owner), model::operation{op}).outcome.refused);
  CHECK(d.refused("Bearer " + foreign) == "unauthenticated checksum");
  d.entry->expect_imported_tokens();
  auto p = d.come("Bearer " + foreign);
  REQUIRE(p);
  CHECK(p->who.pat == pat_no(7));
  CHECK(p->bound_to == home);
  CHECK(d.refused("Bearer ghp_0123456789abcdefghik") == "unauthenticated unknown");
  CHECK(d.refused("Bearer short") == "unauthenticated checksum");
  CHECK(d.refused("Bearer " + std::string(513, 'a')) == "unauthenticated checksum");
}

TEST_CASE("a lookup row that names another token's record admits nobody", "[http][gate][pat]") {
  door d;
  d.found();
  auto weak = d.pat(model::scope_read);
  auto strong = d.pat(model::scope_admin);
  auto row = d.view()->get(model::space::index, model::keys::token(crypto::view(d.keys.token_lookup(strong))));
  REQUIRE(row);
  auto key = model::keys::token(crypto::view(d.keys.token_lookup(weak)));
  REQUIRE(d.memory->apply({{storage::write::kind::put, model::space::index, key, *row}}, storage::durability::synced));
  CHECK(d.refused("Bearer " + weak) == "unauthenticated unknown");
}

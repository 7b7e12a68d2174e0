// Who is calling: what the gate lets in, what it remembers, and what it never does.

#include "http/gate.hpp"

#include <set>
#include <thread>

#include "crypto/token.hpp"
#include "model/limits.hpp"
#include "storage/faulty_store.hpp"
#include "tests/support/basic.hpp"
#include "tests/support/installation.hpp"

using namespace nacre;
using namespace nacre::http;
using namespace nacre::testing;

namespace {

const user_id owner = user_no(1);
const workspace_id home = workspace_no(1);
using outcome = std::optional<result<principal>>;
using family_of = model::token_family;

// The real one, counted; `turn` stands for a change of keys.
class counted final : public crypto::authenticator {
 public:
  explicit counted(std::unique_ptr<crypto::authenticator> real) : real_(std::move(real)) {}
  result<crypto::jwt_claims> verify(std::string_view compact, timestamp now, crypto::jwt_refusal* why) const override {
    ++verified;
    auto claims = real_->verify(compact, now, why);
    if (during) during();
    return claims;
  }
  crypto::reload_report reload() override { return real_->reload(); }
  std::uint64_t generation() const override { return real_->generation() + turn; }
  mutable std::atomic<std::size_t> verified{0};
  std::atomic<std::uint64_t> turn{0};
  std::function<void()> during;

 private:
  std::unique_ptr<crypto::authenticator> real_;
};

struct door : installation {
  explicit door(actors::settings s = {}, storage::store* outer = nullptr, std::size_t recalled = 64)
      : installation(std::move(s), outer) {
    REQUIRE(crypto::ensure_dev_issuer(directory.path()));
    crypto::issuer_config dev;
    dev.issuer = crypto::dev_issuer_name;
    dev.audience = crypto::dev_audience;
    dev.jwks_file = directory / "dev-issuer.jwks.json";
    dev.trust_roles = true;
    dev.subject_is_user_id = true;
    tokens = std::make_unique<counted>(crypto::test::value(crypto::make_authenticator({dev})));
    gate_settings g;
    g.node = "n1";
    g.checked_entries = recalled;
    g.failed = [this](std::string_view why) { failures.put(std::string(why)); };
    entry = std::make_unique<gate>(*service, *tokens, keys, time, std::move(g));
  }

  std::string mint(user_id who, std::int64_t seconds = 3600) {
    return minted({.subject = to_string(who), .seconds = seconds});
  }
  std::string mint_claims(user_id who, workspace_id ws, std::string role) {
    return minted(
        {.subject = to_string(who), .workspace = to_string(ws), .role = std::move(role), .email = "a@example.org"});
  }
  std::string minted(const crypto::mint_request& what) {
    return crypto::test::value(crypto::mint_dev_token(directory.path(), what, time.now()));
  }
  request with(std::optional<std::string> authorization) {
    request r;
    r.id = request_no(requests += 2);
    if (authorization) r.headers.push_back({"Authorization", *authorization});
    r.client.text = "192.0.2.7";
    r.deadline = in_a_while();
    return r;
  }
  result<principal> come(std::optional<std::string> authorization, family_of of = family_of::alephant,
                         std::string from = "192.0.2.7") {
    auto box = std::make_shared<inbox<outcome>>();
    auto r = with(std::move(authorization));
    r.client.text = std::move(from);
    entry->authenticate(r, of, [box](result<principal> p) { box->put(std::move(p)); });
    if (!box->await(1)) FAIL("no answer");
    return std::move(*box->next());
  }
  std::string refused(std::optional<std::string> authorization, family_of of = family_of::alephant,
                      std::string from = "192.0.2.7") {
    failures.take();
    auto p = come(std::move(authorization), of, std::move(from));
    if (p) return "admitted";
    auto why = failures.take();
    return std::string(name_of(p.error().code)) + " " + (why.empty() ? "-" : why.at(0));
  }
  std::string pat(model::scope_set scopes = model::scope_read, std::optional<timestamp> expires = {}) {
    auto a = ask(as(owner), actors::issue_pat{"ci", scopes, expires});
    REQUIRE_FALSE(a.outcome.refused);
    latest = pat_of(a).id;
    return text_of(a);
  }
  std::string issued(actors::issue_pat what) {
    what.name = "ci " + std::to_string(requests);
    auto a = ask(as(owner), std::move(what));
    INFO((a.outcome.refused ? a.outcome.refused->text : ""));
    REQUIRE_FALSE(a.outcome.refused);
    latest = pat_of(a).id;
    return text_of(a);
  }
  std::string of_family(family_of f, model::restrictions only = {}) {
    actors::issue_pat what;
    what.family = f;
    what.only = std::move(only);
    return issued(std::move(what));
  }
  std::string rotated(pat_id id, std::int64_t overlap_ms = 0, bool until_first_use = false) {
    actors::renew_pat what;
    what.id = id;
    what.overlap_ms = overlap_ms;
    what.until_first_use = until_first_use;
    auto a = ask(as(owner), std::move(what));
    REQUIRE_FALSE(a.outcome.refused);
    return text_of(a);
  }
  model::pat_record record(pat_id id) {
    return model::load<model::pat_record>(*view(), model::space::state, model::keys::pat(home, id)).value();
  }
  std::size_t audited(const std::string& action, workspace_id ws = home) {
    std::size_t times = 0;
    view()->scan(model::space::audit, model::keys::audit(ws, 0), model::keys::audit(ws, UINT64_MAX),
                 [&](std::string_view, std::string_view row) {
                   times += row.find("\"action\":\"" + action + "\"") != std::string_view::npos;
                   return true;
                 });
    return times;
  }
  std::optional<model::member_record> membership(user_id who, workspace_id ws = home) {
    return model::load<model::member_record>(*view(), model::space::state, model::keys::member(ws, who));
  }

  crypto::test::temporary_directory directory;
  std::unique_ptr<counted> tokens;
  inbox<std::string> failures;
  std::unique_ptr<gate> entry;
  pat_id latest;
  actors::answer presented;
};

}  // namespace

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

constexpr family_of families[] = {family_of::alephant, family_of::unleash, family_of::service};

TEST_CASE("a token of a family opens that family and no other", "[http][gate][families]") {
  door d;
  d.found();
  for (auto of : families) {
    auto token = "Bearer " + d.of_family(of);
    for (auto at : families) {
      INFO(static_cast<int>(of) << " at " << static_cast<int>(at));
      if (of == at)
        CHECK(d.come(token, at));
      else
        CHECK(d.refused(token, at) == "unauthenticated family");
    }
  }
  // Whoever asks about tokens may take several.
  auto token = d.of_family(family_of::service);
  for (bool wanted : {true, false}) {
    gate::question asked{token, {family_of::alephant}, {}, "192.0.2.0/24", in_a_while()};
    if (wanted) asked.families.push_back(family_of::service);
    inbox<bool> box;
    d.entry->find(asked, [&](result<found_token> found) { box.put(found && found->token.id == d.latest); });
    REQUIRE(box.await(1));
    CHECK(box.next() == wanted);
  }
  CHECK(d.failures.take().empty());  // those of find() are the asker's business
}

TEST_CASE("an Unleash token comes bare or behind Bearer and any white space, others behind Bearer and a space",
          "[http][gate][families]") {
  door d;
  d.found();
  auto unleash = d.of_family(family_of::unleash);
  for (auto before : {"", "Bearer ", "bearer ", "BEARER    ", "bEaReR\t \t"}) {
    INFO(before);
    CHECK(d.come(before + unleash, family_of::unleash));
  }
  for (auto before : {"Bearer", "Token ", "Basic ", "Bearer Bearer ", "x"}) {
    INFO(before);
    CHECK(d.refused(before + unleash, family_of::unleash).starts_with("unauthenticated "));
  }
  for (auto nothing : {"", "Bearer", "Bearer ", "user:", " "})
    CHECK(d.refused(nothing, family_of::unleash).starts_with("unauthenticated "));
  auto jwt = d.mint(owner);
  CHECK(d.come(jwt, family_of::unleash));
  CHECK(d.come("Bearer " + jwt, family_of::unleash));
  auto service = d.of_family(family_of::service);
  CHECK(d.come("Bearer " + service, family_of::service));
  for (auto before : {"", "Bearer  ", "Bearer\t"})
    CHECK(d.refused(before + service, family_of::service) == "unauthenticated scheme");
}

TEST_CASE("a token is good from its time on and from its networks alone", "[http][gate][restrictions]") {
  door d;
  d.found();
  model::restrictions only;
  only.not_before = after(d.time.now(), 1'000);
  only.networks = {*model::parse_network("192.0.2.0/24"), *model::parse_network("2001:db8::/32")};
  for (auto of : families) {
    only.not_before = after(d.time.now(), 1'000);
    auto token = "Bearer " + d.of_family(of, only);
    CHECK(d.refused(token, of) == "unauthenticated early");
    d.time.advance(999);
    CHECK(d.refused(token, of) == "unauthenticated early");
    d.time.advance(1);
    CHECK(d.come(token, of));
    CHECK(d.come(token, of, "2001:db8::7"));
    CHECK(d.refused(token, of, "192.0.3.7") == "forbidden address");
    CHECK(d.refused(token, of, "2001:db9::7") == "forbidden address");
    CHECK(d.refused(token, of, "unix") == "forbidden address");
  }
}

TEST_CASE("of many who come at once exactly as many are let in as the token has uses", "[http][gate][restrictions]") {
  door d;
  d.found();
  model::restrictions only;
  only.uses_max = 20;
  auto token = "Bearer " + d.of_family(family_of::alephant, only);
  inbox<std::string> box;
  std::vector<std::thread> threads;
  std::vector<request> all;
  for (int i = 0; i < 64; ++i) all.push_back(d.with(token));
  for (std::size_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (std::size_t i = t; i < all.size(); i += 4)
        d.entry->authenticate(all[i], family_of::alephant,
                              [&](result<principal> p) { box.put(p ? "in" : std::string(name_of(p.error().code))); });
    });
  for (auto& t : threads) t.join();
  REQUIRE(box.await(64));
  std::size_t in = 0, expired = 0;
  for (const auto& what : box.take()) in += what == "in", expired += what == "token_expired";
  CHECK(in == 20);
  CHECK(expired == 44);
  CHECK(d.record(d.latest).uses == 20);
  CHECK(d.refused(token) == "token_expired expired");
  CHECK(broken_in(*d.view()).empty());
}

TEST_CASE("during an overlap both tokens are let in, after it the old one is revoked and its use on record",
          "[http][gate][rotation]") {
  door d;
  d.found();
  for (auto of : families) {
    auto old = "Bearer " + d.of_family(of);
    auto fresh = "Bearer " + d.rotated(d.latest, 1'000);
    REQUIRE(old != fresh);
    for (int i = 0; i < 2; ++i) {
      CHECK(d.come(old, of));
      CHECK(d.come(fresh, of));
    }
    d.time.advance(1'000);
    CHECK(d.refused(old, of) == "token_revoked revoked");
    CHECK(d.come(fresh, of));
  }
  d.service->stop();  // writes what was noted
  CHECK(d.audited("pat.reuse") == 3);
}

TEST_CASE("the first use of the new token ends the old one, if that was asked for", "[http][gate][rotation]") {
  door d;
  d.found();
  auto old = "Bearer " + d.of_family(family_of::unleash);
  auto fresh = "Bearer " + d.rotated(d.latest, 86'400'000, true);
  CHECK(d.come(old, family_of::unleash));
  CHECK(d.come(fresh, family_of::unleash));
  CHECK(d.refused(old, family_of::unleash) == "token_revoked revoked");
  CHECK(d.come(fresh, family_of::unleash));
  CHECK_FALSE(d.record(d.latest).previous);
}

TEST_CASE("a use that is one too many does not end the old token", "[http][gate][rotation]") {
  door d;
  d.found();
  model::restrictions only;
  only.uses_max = 2;
  auto old = "Bearer " + d.of_family(family_of::alephant, only);
  CHECK(d.come(old));
  auto fresh = "Bearer " + d.rotated(d.latest, 86'400'000, true);
  CHECK(d.come(old));
  CHECK(d.refused(fresh) == "token_expired expired");
  CHECK(d.record(d.latest).previous);
}

TEST_CASE("a token whose use cannot be counted is not let in, and that is no failure of the token",
          "[http][gate][restrictions]") {
  auto memory = storage::make_memory_store();
  storage::fault_plan plan;
  plan.fail_write = 3;  // 1 founds, 2 creates, 3 counts
  auto faulty = storage::make_faulty_store(std::make_unique<lent_store>(*memory), plan);
  door d({}, faulty.get());
  d.found();
  model::restrictions only;
  only.uses_max = 5;
  auto token = "Bearer " + d.of_family(family_of::alephant, only);
  CHECK(d.refused(token) == "storage_failed -");
}

TEST_CASE("a token that was let in a moment ago is let in no longer than one that was never seen",
          "[http][gate][recall]") {
  struct act {
    const char* what;
    std::string refused;  // empty: it stays good
    std::function<void(door&)> does;
    model::restrictions only = {};
  };
  auto op = [](model::operation what) {
    return [what = std::move(what)](door& d) {
      auto mine = what;
      if (auto* change = std::get_if<model::change_pat>(&mine)) change->id = d.latest;
      if (auto* revoke = std::get_if<model::revoke_pat>(&mine)) revoke->id = d.latest;
      REQUIRE_FALSE(d.ask(d.as(owner), std::move(mine)).outcome.refused);
    };
  };
  auto narrowed = [&](model::restrictions only) { return op(model::change_pat{{}, {}, false, {}, std::move(only)}); };
  const auto here = model::parse_network("192.0.2.0/24"), there = model::parse_network("198.51.100.0/24");
  const act acts[] = {
      {"nothing", "", [](door&) {}},
      {"revoked", "token_revoked revoked", op(model::revoke_pat{})},
      {"renamed", "", op(model::change_pat{{}, "b", false, {}, {}})},
      {"expires", "", op(model::change_pat{{}, {}, true, after(noon, 1'000), {}})},
      {"expired", "token_expired expired",
       [&](door& d) {
         op(model::change_pat{{}, {}, true, after(noon, 1'000), {}})(d);
         d.time.advance(1'000);
       }},
      {"not yet", "unauthenticated early", narrowed({after(noon, 60'000), {}, {}})},
      {"from elsewhere alone", "forbidden address", narrowed({{}, {}, {*there}})},
      {"from here alone", "", narrowed({{}, {}, {*here}})},
      {"no use left", "token_expired expired",
       [&](door& d) {
         narrowed({{}, 1, {}})(d);
         REQUIRE(d.come("Bearer " + text_of(d.presented)));
       }},
      {"rotated", "token_revoked revoked", [](door& d) { d.rotated(d.latest); }},
      {"rotated with an overlap", "", [](door& d) { d.rotated(d.latest, 10'000); }},
      {"after the overlap", "token_revoked revoked",
       [](door& d) {
         d.rotated(d.latest, 10'000);
         REQUIRE(d.come("Bearer " + text_of(d.presented)));
         d.time.advance(10'000);
       }},
      {"after the first use of the next", "token_revoked revoked",
       [](door& d) {
         auto next = d.rotated(d.latest, 10'000, true);
         REQUIRE(d.come("Bearer " + text_of(d.presented)));
         REQUIRE(d.come("Bearer " + next));
       }},
      {"of a workspace that is gone", "unauthenticated unknown", op(model::delete_workspace{})},
  };
  for (const auto& each : acts)
    for (std::size_t entries : {0, 64}) {
      INFO(each.what << ", " << entries << " remembered");
      door d({}, nullptr, entries);
      d.found();
      d.presented = d.ask(d.as(owner), issue("a"));
      REQUIRE_FALSE(d.presented.outcome.refused);
      d.latest = pat_of(d.presented).id;
      const auto token = "Bearer " + text_of(d.presented);
      for (int i = 0; i < 3; ++i) REQUIRE(d.come(token));
      each.does(d);
      CHECK(d.refused(token) == (each.refused.empty() ? "admitted" : each.refused));
      CHECK(d.refused(token) == (each.refused.empty() ? "admitted" : each.refused));
    }
}

TEST_CASE("a token that is remembered opens its family alone, from its networks alone, as the one it is",
          "[http][gate][recall]") {
  door d;
  d.found();
  auto here = *model::parse_network("192.0.2.0/24");
  auto token = "Bearer " + d.of_family(family_of::unleash, {{}, {}, {here}});
  auto first = d.come(token, family_of::unleash);
  REQUIRE(first);
  for (int i = 0; i < 2; ++i) {
    CHECK(d.refused(token, family_of::alephant) == "unauthenticated family");
    CHECK(d.refused(token, family_of::service) == "unauthenticated family");
    CHECK(d.refused(token, family_of::unleash, "198.51.100.1") == "forbidden address");
    auto again = d.come(token, family_of::unleash);
    REQUIRE(again);
    CHECK(again->who == first->who);
    CHECK(again->bound_to == first->bound_to);
    CHECK(again->expires == first->expires);
  }
}

TEST_CASE("who comes with a token that is remembered costs no read", "[http][gate][recall]") {
  auto memory = storage::make_memory_store();
  unreadable_store disk(*memory);
  actors::settings s;
  s.note_flush = std::chrono::hours(1);  // the log reads, too
  door d(s, &disk);
  d.found();
  auto token = "Bearer " + d.pat(), other = "Bearer " + d.pat();
  REQUIRE(d.come(token));
  disk.broken = true;
  auto known = d.come(token);
  auto unknown = d.refused(other);
  disk.broken = false;
  REQUIRE(known);
  CHECK(known->who.user == owner);
  CHECK(unknown == "storage_failed -");
}

TEST_CASE("that a remembered token is used is remarked", "[http][gate][recall]") {
  door d;
  d.found();
  auto token = "Bearer " + d.pat();
  for (std::int64_t later : {0, 20'000, 40'000}) {
    d.time.set(after(noon, later));
    REQUIRE(d.come(token));
    CHECK(eventually([&] { return d.record(d.latest).last_used == after(noon, later); }));
  }
}

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

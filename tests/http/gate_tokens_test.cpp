// What the gate makes of tokens that are narrowed, rotated or remembered.

#include <thread>

#include "storage/faulty_store.hpp"
#include "tests/http/gate_kit.hpp"

using namespace nacre;
using namespace nacre::http;
using namespace nacre::testing;

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

// Onetime Secret v2, who gets a secret: the decision table cell by cell, its objects, looks, and answers that got lost.

#include "tests/e2e/onetime_v2.hpp"

using namespace nacre::e2e;
using namespace nacre::e2e::onetime_v2;

namespace {

const std::string retry_key = "a-key-of-sixteen-characters";

}  // namespace

TEST_CASE("a reveal is decided as the table says, cell by cell", "[onetime][v2][reveal]") {
  caller guest(shared().port());
  const std::string go[] = {R"("continue":"true")", R"("continue":true)"};
  const std::string stay[] = {R"("continue":"false")",  R"("continue":false)",  R"("continue":"1")",
                              R"("continue":"yes")",    R"("continue":1)",      R"("continue":null)",
                              R"("continue":["true"])", R"("continue":"TRUE")", R"("other":1)"};

  for (const auto& passphrase : {std::string(), std::string(R"(,"passphrase":"whatever")")}) {
    for (const auto& flag : stay) {
      auto m = conceal(guest, "open");
      INFO(flag << passphrase);
      auto a = reveal(guest, m, "{" + flag + passphrase + "}");
      REQUIRE(a.status == 200);
      check_secret_record(a.json()["record"], m.secret, "new", "604800", false, {});
      check_secret_details(a.json()["details"], {});
      CHECK(reveal(guest, m).status == 200);
    }
    for (const auto& flag : go) {
      auto m = conceal(guest, "open");
      INFO(flag << passphrase);
      auto a = reveal(guest, m, "{" + flag + passphrase + "}");
      REQUIRE(a.status == 200);
      CHECK(a.json().keys() == keys{"shrimp", "record", "details"});
      check_secret_record(a.json()["record"], m.secret, "revealed", "604800", false, "open");
      check_secret_details(a.json()["details"], {true, false, true, false, "4", true});
      check_gone(reveal(guest, m, "{" + flag + passphrase + "}"));
    }
  }
  // No body at all is an empty one.
  auto bare = conceal(guest, "open");
  CHECK(guest.post("/secret/" + bare.secret + "/reveal").json()["details"]["show_secret"].text() == "false");

  auto m = conceal(guest, "closed", R"(,"passphrase":"sesame")");
  for (const auto& flag : {go[0], stay[0], stay[8]})
    for (const auto& passphrase : {std::string(), std::string(R"(,"passphrase":"open")")}) {
      auto fresh = conceal(guest, "closed", R"(,"passphrase":"sesame")");
      INFO(flag << passphrase);
      CHECK(check_problem(reveal(guest, fresh, "{" + flag + passphrase + "}"), 422, "FormError", "passphrase") ==
            "Incorrect passphrase");
      CHECK(reveal(guest, fresh, R"({"continue":true,"passphrase":"sesame"})").status == 200);
    }
  auto looked = reveal(guest, m, R"({"passphrase":"sesame"})");
  REQUIRE(looked.status == 200);
  check_secret_record(looked.json()["record"], m.secret, "new", "604800", true, {});
  check_secret_details(looked.json()["details"], {false, false, false, true, "4", {}});
  auto shown = reveal(guest, m, R"({"passphrase":"sesame","continue":true})");
  REQUIRE(shown.status == 200);
  check_secret_record(shown.json()["record"], m.secret, "revealed", "604800", true, "closed");
  check_secret_details(shown.json()["details"], {true, false, true, true, "4", true});
  check_gone(reveal(guest, m, R"({"passphrase":"sesame","continue":true})"));

  for (const auto& id : {unknown, std::string("x"), std::string(200, 'b')})
    for (const auto& body : {go[0], stay[0]}) check_gone(guest.post("/secret/" + id + "/reveal", "{" + body + "}"));
}

TEST_CASE("five wrong passphrases lock a secret for its client, the right one too, by every way",
          "[onetime][v2][lock]") {
  caller guest(shared().port());
  auto m = conceal(guest, "locked", R"(,"passphrase":"sesame")");
  // Whatever the way: reveal, look and burn count together.
  for (int i = 0; i < 2; ++i) CHECK(reveal(guest, m, R"({"passphrase":"wrong"})").status == 422);
  auto look = guest.get("/secret/" + m.secret + "?passphrase=wrong");
  REQUIRE(look.status == 200);
  CHECK(look.json()["details"]["correct_passphrase"].text() == "false");
  for (int i = 0; i < 2; ++i)
    CHECK(check_problem(guest.post("/receipt/" + m.receipt + "/burn", R"({"continue":true,"passphrase":"wrong"})"), 422,
                        "FormError", "passphrase") == "Double check that passphrase");
  auto right = R"({"passphrase":"sesame","continue":true})";
  auto locked = reveal(guest, m, right);
  CHECK(check_problem(locked, 429, "LimitExceeded") ==
        "Too many incorrect passphrase attempts. Please try again later.");
  CHECK(locked.json()["max_attempts"].number() == 5);
  auto wait = locked.json()["retry_after"].number();
  CHECK((wait > 1'700 && wait <= 1'800));
  CHECK(guest.post("/receipt/" + m.receipt + "/burn", right).status == 429);
  CHECK(guest.get("/secret/" + m.secret + "?passphrase=sesame").status == 429);
  // Nothing is tried by a look without one, and nothing is lost.
  CHECK(guest.get("/secret/" + m.secret).status == 200);
  CHECK(guest.get("/receipt/" + m.receipt).json()["record"]["is_destroyed"].flag() == false);

  auto other = conceal(guest, "cleared", R"(,"passphrase":"sesame")");
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 4; ++i) CHECK(reveal(guest, other, R"({"passphrase":"wrong"})").status == 422);
    CHECK(reveal(guest, other, R"({"passphrase":"sesame"})").status == 200);
  }
}

TEST_CASE("a secret is told with every field of the contract, in every state", "[onetime][v2][objects]") {
  caller guest(shared().port());
  auto m = conceal(guest, "two\nlines", R"(,"ttl":"3600","passphrase":"sesame")");
  check_secret_record(m.body["record"]["secret"], m.secret, "new", "3600", true, {});
  for (auto state : {"new", "previewed", "previewed"}) {
    INFO(state);
    auto a = guest.get("/secret/" + m.secret);
    REQUIRE(a.status == 200);
    check_json_headers(a);
    CHECK(a.json().keys() == keys{"shrimp", "record", "details"});
    CHECK(a.json()["shrimp"].text() == "");
    check_secret_record(a.json()["record"], m.secret, state, "3600", true, {});
    check_secret_details(a.json()["details"], {});
  }
  auto tried = guest.get("/secret/" + m.secret + "?passphrase=sesame&continue=true");
  check_secret_record(tried.json()["record"], m.secret, "previewed", "3600", true, {});
  check_secret_details(tried.json()["details"], {true, false, false, true, "4", {}});
  auto shown = guest.post("/guest/secret/" + m.secret + "/reveal", R"({"continue":"true","passphrase":"sesame"})");
  REQUIRE(shown.status == 200);
  check_secret_record(shown.json()["record"], m.secret, "revealed", "3600", true, "two\nlines");
  check_secret_details(shown.json()["details"], {true, false, true, true, "5", false});
  for (const auto& path : {"/secret/" + m.secret, "/guest/secret/" + m.secret}) check_gone(guest.get(path));

  // Without a passphrase one is right by definition.
  auto open = conceal(guest, "open");
  CHECK(guest.get("/guest/secret/" + open.secret).json()["details"]["correct_passphrase"].text() == "true");
}

TEST_CASE("the reveal of the published description answers with its schema", "[onetime][v2][seed]") {
  caller guest(shared().port());
  auto m = conceal(guest, "seed", R"(,"passphrase":"string")");
  auto a = guest.post("/guest/secret/" + m.secret + "/reveal", R"({"passphrase":"string","continue":"true"})");
  REQUIRE(a.status == 200);
  CHECK(a.header("Content-Type").starts_with("application/json"));
  auto body = a.json();
  for (auto needed : {"identifier", "created", "updated", "key", "shortid", "state", "secret_value"})
    CHECK(body["record"][needed].what() == kind::string);
  for (auto nullable : {"has_passphrase", "verification", "is_previewed", "is_revealed", "secret_ttl", "lifespan",
                        "is_viewed", "is_received"})
    CHECK((body["record"][nullable].is_null() || body["record"][nullable].what() == kind::string));
  for (const auto& name : secret_details)
    CHECK((body["details"][name].is_null() || body["details"][name].what() == kind::string));
  CHECK(body["shrimp"].what() == kind::string);
}

TEST_CASE("status tells one and many, and changes nothing", "[onetime][v2][status]") {
  caller guest(shared().port());
  auto m = conceal(guest, "s", R"(,"ttl":900)");
  for (int i = 0; i < 2; ++i) {
    auto a = guest.get("/secret/" + m.secret + "/status");
    REQUIRE(a.status == 200);
    CHECK(a.json().keys() == keys{"record", "details"});
    check_secret_record(a.json()["record"], m.secret, "new", "900", false, {});
    CHECK(a.json()["details"].keys() == keys{"current_expiration"});
    auto left = a.json()["details"]["current_expiration"].number();
    CHECK((left > 800 && left <= 900));
  }
  CHECK(guest.get("/secret/" + unknown + "/status").body == R"({"record":{"state":"unknown"}})");
  guest.get("/secret/" + m.secret);
  auto other = conceal(guest, "t");
  for (const auto& ids : {"\"" + m.secret + "," + unknown + ", " + other.secret + "\"",
                          "[\"" + m.secret + "\",\"" + unknown + "\",\"" + other.secret + "\"]"}) {
    auto a = guest.post("/secret/status", "{\"identifiers\":" + ids + "}");
    REQUIRE(a.status == 200);
    CHECK(a.json()["count"].number() == 2);
    REQUIRE(a.json()["records"].size() == 2);
    check_secret_record(a.json()["records"][0], m.secret, "previewed", "900", false, {});
    check_secret_record(a.json()["records"][1], other.secret, "new", "604800", false, {});
  }
  CHECK(guest.post("/secret/status", "{}").body == R"({"records":[],"count":0})");
}

TEST_CASE("HEAD, previews and prefetch change nothing, and GET never consumes", "[onetime][v2][look]") {
  caller guest(shared().port());
  auto m = conceal(guest, "still here", R"(,"passphrase":"sesame")");
  const header_list looks[] = {{{"User-Agent", "Slackbot-LinkExpanding 1.0"}},
                               {{"User-Agent", "facebookexternalhit/1.1"}},
                               {{"Purpose", "prefetch"}},
                               {{"Sec-Purpose", "prefetch;prerender"}}};
  for (const auto& path : {"/secret/" + m.secret, "/secret/" + m.secret + "?continue=true&passphrase=sesame",
                           "/secret/" + m.secret + "?passphrase=wrong", "/receipt/" + m.receipt}) {
    for (int i = 0; i < 6; ++i) {
      auto head = guest.send("HEAD", path);
      CHECK(head.status == 200);
      CHECK(head.body.empty());
      CHECK(guest.get(path, looks[static_cast<std::size_t>(i) % 4]).status == 200);
    }
  }
  CHECK(guest.get("/receipt/" + m.receipt).json()["record"]["state"].text() == "new");
  CHECK(guest.get("/secret/" + m.secret).json()["record"]["state"].text() == "new");
  for (int i = 0; i < 3; ++i)
    CHECK(guest.get("/secret/" + m.secret + "?continue=true&passphrase=sesame").json()["record"].find("secret_value") ==
          nullptr);
  CHECK(reveal(guest, m, R"({"continue":true,"passphrase":"sesame"})").status == 200);
}

TEST_CASE("GET with continue=true reveals where compat.get_reveals is on", "[onetime][v2][look]") {
  auto on = with({"compat.get_reveals=true"});
  caller guest(on.port());
  auto m = conceal(guest, "by get", R"(,"passphrase":"sesame")");
  const auto path = "/secret/" + m.secret;
  std::string state = "new";  // in the first answer; a look like any other moves it
  for (const auto& query : {"?continue=true&passphrase=wrong", "?continue=true"}) {
    auto a = guest.get(path + query);
    REQUIRE(a.status == 200);
    CHECK(a.json()["record"]["state"].text() == std::exchange(state, "previewed"));
    CHECK(a.json()["record"].find("secret_value") == nullptr);
    check_secret_details(a.json()["details"], {true, false, false, false, "4", {}});
  }
  CHECK(guest.send("HEAD", path + "?continue=true&passphrase=sesame").status == 200);
  guest.get(path + "?continue=true&passphrase=sesame", {{"User-Agent", "Slackbot-LinkExpanding 1.0"}});
  auto a = guest.get(path + "?continue=true&passphrase=sesame");
  REQUIRE(a.status == 200);
  check_secret_record(a.json()["record"], m.secret, "revealed", "604800", true, "by get");
  check_gone(guest.get(path + "?continue=true&passphrase=sesame"));
}

TEST_CASE("a guest who may not look does not look by asking to reveal", "[onetime][v2][look]") {
  auto on = with({"compat.get_reveals=true", "onetime.guest_show=false"});
  caller guest(on.port());
  auto m = conceal(guest, "not to be looked at", R"(,"passphrase":"sesame")");
  for (const auto& query : {"", "?continue=true", "?continue=true&passphrase=sesame"})
    CHECK(guest.get("/secret/" + m.secret + query).json()["code"].text() == "GUEST_SHOW_DISABLED");
  CHECK(reveal(guest, m, R"({"continue":true,"passphrase":"sesame"})").status == 200);
}

TEST_CASE("the same Idempotency-Key gets the same answer until it is confirmed, another reader the 404",
          "[onetime][v2][retry]") {
  caller guest(shared().port());
  auto m = conceal(guest, "kept a while", R"(,"passphrase":"sesame")");
  const header_list mine = {{"Idempotency-Key", retry_key}};
  const auto body = R"({"continue":true,"passphrase":"sesame"})";
  for (const auto& bad : {std::string(15, 'k'), std::string(129, 'k')}) {
    check_problem(reveal(guest, m, body, {{"Idempotency-Key", bad}}), 400, "BadRequest");
    check_problem(guest.send("DELETE", "/secret/" + m.secret + "/reveal", {}, {{"Idempotency-Key", bad}}), 400,
                  "BadRequest");
  }
  auto first = reveal(guest, m, body, mine);
  REQUIRE(first.status == 200);
  CHECK(first.json()["record"]["secret_value"].text() == "kept a while");
  for (int i = 0; i < 3; ++i) CHECK(reveal(guest, m, body, mine).body == first.body);
  CHECK(guest.post("/guest/secret/" + m.secret + "/reveal", body, mine).body == first.body);
  // A retry needs the passphrase; and whoever has it but not the key comes too late.
  CHECK(reveal(guest, m, R"({"continue":true,"passphrase":"wrong"})", mine).status == 422);
  CHECK(reveal(guest, m, body, mine).body == first.body);
  check_gone(reveal(guest, m, body));
  check_gone(reveal(guest, m, body, {{"Idempotency-Key", retry_key + "x"}}));
  check_gone(guest.get("/secret/" + m.secret));
  check_gone(guest.post("/receipt/" + m.receipt + "/burn", body));

  const auto path = "/secret/" + m.secret + "/reveal";
  check_problem(guest.send("DELETE", path), 400, "BadRequest");
  check_gone(guest.send("DELETE", path, {}, {{"Idempotency-Key", retry_key + "x"}}));
  for (int i = 0; i < 3; ++i) {
    auto done = guest.send("DELETE", path, {}, mine);
    CHECK(done.status == 204);
    CHECK(done.body.empty());
  }
  CHECK(guest.send("DELETE", "/guest" + path, {}, mine).status == 204);
  check_gone(reveal(guest, m, body, mine));
  check_gone(guest.send("DELETE", "/secret/" + unknown + "/reveal", {}, mine));

  auto plain = conceal(guest, "forgotten at once");
  REQUIRE(reveal(guest, plain).status == 200);
  check_gone(reveal(guest, plain, R"({"continue":true})", mine));
  check_gone(guest.send("DELETE", "/secret/" + plain.secret + "/reveal", {}, mine));
}

TEST_CASE("without a retry window a key gets nothing again", "[onetime][v2][retry]") {
  auto on = with({"reveal.retry_window_ms=0"});
  caller guest(on.port());
  auto m = conceal(guest, "once");
  const header_list mine = {{"Idempotency-Key", retry_key}};
  REQUIRE(reveal(guest, m, R"({"continue":true})", mine).status == 200);
  check_gone(reveal(guest, m, R"({"continue":true})", mine));
}

TEST_CASE("a PAT's reveal can be fetched again with its key, at no cost and with no second record",
          "[onetime][v2][retry][pat]") {
  team t(shared());
  auto pat = t.member.new_pat();
  const auto path = pat_path(pat["id"].text(), "reveal");
  const header_list mine = {{"Idempotency-Key", retry_key}};
  auto remaining = [](const http_answer& a) { return a.header("RateLimit"); };
  auto reveals = [&] {
    auto log = audit_of(t.owner);
    return std::count_if(log.begin(), log.end(), [](const auto& e) { return e["action"].text() == "pat.reveal"; });
  };
  for (const auto& bad : {std::string(15, 'k'), std::string(129, 'k')})
    check_error(t.member.send("POST", path, {}, {{"Idempotency-Key", bad}}), 400, "invalid_request");
  CHECK(reveals() == 0);
  auto first = t.member.send("POST", path, {}, mine);
  REQUIRE(first.status == 200);
  CHECK(first.json()["data"]["fullToken"].text() == pat["token"].text());
  for (int i = 0; i < 20; ++i) CHECK(t.member.send("POST", path, {}, mine).body == first.body);
  CHECK(reveals() == 1);
  auto second = t.member.post(path);
  CHECK(second.status == 200);
  CHECK(remaining(second).find("r=8") != std::string::npos);
  // Another user's same key is another key.
  CHECK(t.owner.send("POST", path, {}, mine).status == 200);
  CHECK(reveals() == 3);

  check_error(t.member.del(path), 400, "invalid_request");
  check_error(t.other.send("DELETE", path, {}, mine), 403, "forbidden");
  for (int i = 0; i < 2; ++i) CHECK(t.member.send("DELETE", path, {}, mine).status == 204);
  CHECK(t.member.send("POST", path, {}, mine).status == 200);  // counted again
  CHECK(reveals() == 4);
}

// Who comes to v1: accounts, guests, several readers at once, v2 beside it.

#include <sys/socket.h>

#include <atomic>
#include <barrier>
#include <regex>
#include <thread>

#include "tests/e2e/onetime_v1_kit.hpp"

using namespace nacre::e2e;
using namespace nacre::e2e::v1;

TEST_CASE("v1 answers unknown routes in its own words, and leaves its neighbours theirs", "[onetime][v1]") {
  caller me(node().port());
  const std::string nothing = R"({"error":"Not Found"})", key(43, 'k');
  for (const auto& path : {std::string("/api/v1/secret"), secret_path + key + "/reveal", private_path + key + "/no",
                           std::string("/api/v1/share/x"), std::string("/api/v1/status/")})
    refused(me.get(path), nothing, 0);
  for (const auto& path : {share_path, std::string("/api/v1/generate"), secret_path + key}) {
    auto a = me.get(path);
    refused(a, nothing, 405);
    CHECK(a.header("Allow").find("POST") != std::string::npos);
  }
  CHECK(check_error(me.get("/api/v1/nope"), 404, "not_found") == "Not Found");  // shared, in words of both
  // An identifier of any characters is one nobody has. Those that no identifier can have do not count.
  for (auto odd : {"%20", "$", "%zz", "%2f", "%e2%82%ac", "%00"})
    refused_as_unknown(me.post(secret_path + key + odd), key + (odd == std::string("%zz") ? "zz" : ""));
  refused_as_unknown(me.get(private_path + "%6B" + key.substr(1)), key);
  refused(me.get(private_path + "%6B%6b"), told("Not Found"), 0);
  refused(me.post("/api/v1/secret%2F" + key), nothing, 0);
  refused(me.get("/api/v1/share%3Fa=b"), nothing, 0);
  check_error(me.get("/api/v1/no%20where"), 400, "invalid_request");
  check_error(me.get("/api/v1/pats/%41"), 400, "invalid_request");
  check_error(me.get("/api/v1/pats"), 401, "unauthorized");
  // On the wire, for clients that read the phrase.
  raw_http talk(node().port());
  REQUIRE(talk.send("POST " + secret_path + key + " HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"));
  char bytes[24] = {};
  REQUIRE(::recv(talk.fd(), bytes, 23, MSG_WAITALL) == 23);
  CHECK(std::string(bytes) == "HTTP/1.1 404 Not Found\r");
}

TEST_CASE("v1 knows accounts by HTTP Basic and takes bad credentials for nobody's", "[onetime][v1]") {
  account owner(node());
  auto me = owner.at(node());
  const std::string nominal = R"({"status":"nominal","locale":"en"})";
  CHECK(me.get("/api/v1/authcheck").body == nominal);
  CHECK(me.get("/api/v1/status").body == nominal);
  CHECK(caller(node().port(), basic(owner.user, owner.token)).get("/api/v1/authcheck").body == nominal);
  caller guest(node().port());
  CHECK(good(guest.get("/api/v1/status")).keys() == keys{"status", "locale"});
  const auto no = told("Not authorized");
  for (const char* path :
       {"/api/v1/authcheck", "/api/v1/private/recent", "/api/v1/metadata/recent", "/api/v1/receipt/recent"})
    refused(guest.get(path), no, 401);
  auto r = share(guest, "secret=untouched");
  for (const auto& bad :
       {basic(owner.email, "pat_wsabcdef_" + std::string(64, 'a')), basic("other@example.com", owner.token),
        basic(owner.email, ""), std::string("Basic !"), "Bearer " + owner.token}) {
    caller intruder(node().port(), bad);
    refused(intruder.get("/api/v1/status"), no, 401);
    refused(intruder.post(share_path, "secret=x"), no, 401);
    refused(intruder.post("/api/v1/generate"), no, 401);
    refused(intruder.post(secret_path + key_of(r)), no, 401);
    refused(intruder.get(private_path + receipt_of(r)), no, 401);
    refused(intruder.post(private_path + receipt_of(r) + "/burn"), no, 401);
    refused(intruder.get("/api/v1/private/recent"), no, 401);
  }
  // Anybody with the link may open it, with an account or without.
  CHECK(good(me.post(secret_path + key_of(r)))["value"].text() == "untouched");
}

TEST_CASE("v1 holds a token to its scopes", "[onetime][v1]") {
  account reader(node(), "\"read\"");
  auto me = reader.at(node());
  caller guest(node().port());
  auto r = share(guest, "secret=x");
  refused(me.post(share_path, "secret=x"), told("Not authorized"), 403);
  refused(me.post("/api/v1/generate"), told("Not authorized"), 403);
  refused(me.post(private_path + receipt_of(r) + "/burn"), told("Not authorized"), 403);
  CHECK(good(me.get("/api/v1/private/recent")).size() == 0);
  CHECK(good(me.get(private_path + receipt_of(r)))["state"].text() == "new");
  CHECK(good(me.post(secret_path + key_of(r)))["value"].text() == "x");
}

TEST_CASE("v1 recent is a bare list, newest first, that names no secret", "[onetime][v1]") {
  account owner(node());
  auto me = owner.at(node());
  CHECK(me.get("/api/v1/private/recent").body == "[]");
  std::vector<std::string> made;
  for (const char* form : {"secret=a", "secret=b&passphrase=correct", "secret=c&recipient=foo@example.com"}) {
    auto r = share(me, form);
    CHECK(r["custid"].text() == owner.email);
    made.push_back(receipt_of(r));
    auto then = nacre::system_clock{}.now();
    REQUIRE(eventually([&] { return nacre::system_clock{}.now() > then; }));  // order is by the millisecond
  }
  auto revealed = share(me, "secret=d");
  good(me.post(secret_path + key_of(revealed)));
  good(me.get(private_path + made.front()));  // last changed, but not newest
  made.push_back(receipt_of(revealed));
  for (const char* root : {"/api/v1/private/recent", "/api/v1/metadata/recent", "/api/v1/receipt/recent"}) {
    auto list = good(me.get(root));
    REQUIRE(list.size() == 4);
    for (std::size_t i = 0; i < 4; ++i) {
      const auto& r = list[i];
      CHECK(r["metadata_key"].text() == made[3 - i]);
      CHECK(r.find("secret_key") == nullptr);
      CHECK(r.find("secret_identifier") == nullptr);
      check_receipt_types(r);
    }
    CHECK(list[0]["state"].text() == "received");
    CHECK(list[0].find("secret_ttl") == nullptr);
    CHECK(list[1].keys() == without(all_fields, {"secret_key", "secret_identifier"}));
    CHECK(list[1]["recipient"][0].text() == "fo*****@e*****.com");
    CHECK(list[2]["passphrase_required"].flag());
    CHECK(list[3]["state"].text() == "viewed");
  }
  account other(node());
  CHECK(other.at(node()).get("/api/v1/private/recent").body == "[]");
}

TEST_CASE("a lost v1 reveal can be fetched again with its key until it is confirmed", "[onetime][v1]") {
  caller me(node().port());
  auto r = share(me, "secret=fetched+again&passphrase=correct");
  auto path = secret_path + key_of(r);
  const header_list mine = {{"Idempotency-Key", "a key of sixteen."}},
                    others = {{"Idempotency-Key", "another of sixteen"}};
  auto first = me.send("POST", path, "passphrase=correct", form_type, mine);
  CHECK(good(first)["value"].text() == "fetched again");
  auto again = me.send("POST", path, "passphrase=correct", form_type, mine);
  CHECK(again.status == 200);
  CHECK(again.body == first.body);
  refused_as_unknown(me.send("POST", path, "passphrase=wrong", form_type, mine), key_of(r));
  refused_as_unknown(me.send("POST", path, "passphrase=correct", form_type, others), key_of(r));
  refused_as_unknown(me.post(path, "passphrase=correct"), key_of(r));
  CHECK(state_of(me, receipt_of(r)) == "received");
  refused(me.send("DELETE", path), told("The Idempotency-Key header is required"), 400);
  refused(me.send("DELETE", path, "", "", {{"Idempotency-Key", "short"}}),
          told("The Idempotency-Key header must have 16 to 128 printable characters"), 400);
  refused_as_unknown(me.send("DELETE", path, "", "", others), key_of(r));
  for (int i = 0; i < 2; ++i) CHECK(me.send("DELETE", path, "", "", mine).status == 204);
  refused_as_unknown(me.send("POST", path, "passphrase=correct", form_type, mine), key_of(r));
}

TEST_CASE("v1 and v2 are two ways to the same secret", "[onetime][v1]") {
  caller me(node().port());
  auto conceal = [&](const std::string& what, const std::string& fields) {
    return good_v2(me.post_json("/api/v2/secret/" + what, "{\"secret\":{" + fields + "}}"))["record"];
  };
  SECTION("made by v1, opened by v2") {
    auto r = share(me, "secret=across&ttl=300&passphrase=correct");
    auto seen = me.get("/api/v2/secret/" + key_of(r)).json()["record"];
    CHECK(seen["secret_ttl"].text() == "300");
    CHECK(seen["has_passphrase"].text() == "true");
    auto shown = me.post_json("/api/v2/secret/" + key_of(r) + "/reveal", R"({"continue":true,"passphrase":"correct"})");
    CHECK(shown.json()["record"]["secret_value"].text() == "across");
    refused_as_unknown(me.post(secret_path + key_of(r), "passphrase=correct"), key_of(r));
    CHECK(state_of(me, receipt_of(r)) == "received");
  }
  SECTION("made by v2, opened by v1") {
    auto record = conceal("conceal", R"("secret":"back","ttl":300)");
    auto key = record["secret"]["identifier"].text(), receipt = record["receipt"]["identifier"].text();
    CHECK(state_of(me, receipt) == "new");
    CHECK(good(me.post(secret_path + key))["value"].text() == "back");
    CHECK(me.post_json("/api/v2/secret/" + key + "/reveal", R"({"continue":true})").status == 404);
    CHECK(me.get("/api/v2/receipt/" + receipt).json()["record"]["state"].text() == "revealed");
  }
  SECTION("burned by either") {
    auto r = share(me, "secret=x");
    CHECK(me.post_json("/api/v2/receipt/" + receipt_of(r) + "/burn", R"({"continue":true})").status == 200);
    refused_as_unknown(me.post(secret_path + key_of(r)), key_of(r));
    CHECK(state_of(me, receipt_of(r)) == "burned");
    auto receipt = conceal("conceal", R"("secret":"y")")["receipt"]["identifier"].text();
    CHECK(good(me.post(private_path + receipt + "/burn"))["state"]["state"].text() == "burned");
    CHECK(me.get("/api/v2/receipt/" + receipt).json()["record"]["state"].text() == "burned");
  }
  SECTION("a value made up by v2 is told by the first read of either, once") {
    auto record = conceal("generate", "");
    auto receipt = record["receipt"]["identifier"].text();
    auto first = good(me.get(private_path + receipt));
    CHECK(first["state"].text() == "new");
    CHECK(first["value"].text() == first["secret_value"].text());
    CHECK(good(me.get(private_path + receipt)).find("value") == nullptr);
    CHECK(me.get("/api/v2/receipt/" + receipt).json()["details"]["secret_value"].is_null());
    CHECK(good(me.post(secret_path + record["secret"]["identifier"].text()))["value"].text() == first["value"].text());
  }
  SECTION("a value made up by v1 is not told again") {
    auto r = good(me.post("/api/v1/generate"));
    auto read = me.get("/api/v2/receipt/" + receipt_of(r)).json();
    CHECK(read["record"]["state"].text() == "previewed");
    CHECK(read["details"]["secret_value"].is_null());
  }
  SECTION("failures are counted together") {
    auto r = share(me, "secret=x&passphrase=correct");
    for (int i = 0; i < 3; ++i) refused_as_unknown(me.post(secret_path + key_of(r), "passphrase=wrong"), key_of(r));
    for (int i = 0; i < 2; ++i)
      CHECK(me.post_json("/api/v2/secret/" + key_of(r) + "/reveal", R"({"passphrase":"wrong"})").status == 422);
    refused(me.post(secret_path + key_of(r), "passphrase=correct"),
            told("Rate limit exceeded. Please try again later."), 400);
  }
}

TEST_CASE("of readers by v1 and v2 at once exactly one gets the value", "[onetime][v1]") {
  caller maker(node().port());
  constexpr int secrets = 20, readers = 16;
  std::vector<std::string> all;
  for (int i = 0; i < secrets; ++i) all.push_back(key_of(share(maker, "secret=for+one+of+them")));
  std::vector<std::atomic<int>> winners(secrets);
  std::atomic<int> losers{0};
  std::barrier together(readers);
  std::vector<std::thread> threads;
  for (int r = 0; r < readers; ++r)
    threads.emplace_back([&, by_v1 = r % 2 == 0] {
      caller me(node().port());
      for (std::size_t i = 0; i < all.size(); ++i) {
        together.arrive_and_wait();
        auto a = by_v1 ? me.post(secret_path + all[i])
                       : me.post_json("/api/v2/secret/" + all[i] + "/reveal", R"({"continue":true})");
        bool has_value = a.body.find("for one of them") != std::string::npos;
        winners[i] += a.status == 200 && has_value;
        losers += a.status == 404 && !has_value;
      }
    });
  for (auto& t : threads) t.join();
  for (const auto& w : winners) CHECK(w == 1);
  CHECK(losers == secrets * (readers - 1));
}

TEST_CASE("what v1 clients put into a query is in no log", "[onetime][v1]") {
  installation on(with({"log.level=debug"}));
  caller me(on.port());
  auto r = good(me.post(share_path + "?secret=needle-one&passphrase=needle-two"));
  refused_as_unknown(me.post(secret_path + key_of(r) + "?passphrase=needle-three"), key_of(r));
  CHECK(good(me.post(secret_path + key_of(r) + "?passphrase=needle-two"))["value"].text() == "needle-one");
  REQUIRE(on.node().stop() == 0);
  auto log = on.node().errors() + on.node().child().output();
  CHECK(log.find("/api/v1/secret/{key}") != std::string::npos);
  CHECK(log.find("needle") == std::string::npos);
  CHECK(log.find(key_of(r)) == std::string::npos);
  CHECK(log.find(receipt_of(r)) == std::string::npos);
}

TEST_CASE("v1 is closed to guests where guests are switched off", "[onetime][v1]") {
  const auto no = told("Not authorized");
  SECTION("altogether") {
    installation on(with({"onetime.guest=false"}));
    account owner(on);
    auto me = owner.at(on);
    caller guest(on.port());
    auto r = share(me, "secret=x");
    refused(guest.post(share_path, "secret=x"), no, 403);
    refused(guest.post("/api/v1/generate"), no, 403);
    refused(guest.post(secret_path + key_of(r)), no, 403);
    refused(guest.get(private_path + receipt_of(r)), no, 403);
    refused(guest.post(private_path + receipt_of(r) + "/burn"), no, 403);
    CHECK(guest.get("/api/v1/status").status == 200);
    CHECK(good(me.post(secret_path + key_of(r)))["value"].text() == "x");
  }
  SECTION("one by one") {
    installation on(with({"onetime.guest_generate=false", "onetime.guest_reveal=false"}));
    caller guest(on.port());
    auto r = share(guest, "secret=x");
    refused(guest.post("/api/v1/generate"), no, 403);
    refused(guest.post(secret_path + key_of(r)), no, 403);
    CHECK(good(guest.get(private_path + receipt_of(r)))["state"].text() == "new");
    CHECK(good(guest.post(private_path + receipt_of(r) + "/burn")).size() == 2);
  }
}

TEST_CASE("v1 makes guests wait in its own words", "[onetime][v1][limits]") {
  installation on(with({"limits.guest_create_per_minute=3", "limits.guest_reveal_per_minute=2"}));
  caller guest(on.port());
  account owner(on);
  auto me = owner.at(on);
  std::vector<json_tree> made;
  for (int i = 0; i < 3; ++i) made.push_back(share(guest, "secret=x"));
  const auto wait = told("Rate limit exceeded. Please try again later.");
  auto limited = [&](const http_answer& a, const std::string& name) {
    refused(a, wait, 400);
    CHECK(std::regex_match(a.header("Retry-After"), std::regex("[1-9][0-9]*")));
    CHECK(a.header("RateLimit").starts_with("\"" + name + "\";r=0;t="));
  };
  limited(guest.post(share_path, "secret=x"), "guest_create");
  limited(guest.post("/api/v1/generate"), "guest_create");
  for (int i = 0; i < 2; ++i) good(guest.post(secret_path + key_of(made[static_cast<std::size_t>(i)])));
  limited(guest.post(secret_path + key_of(made[2])), "guest_reveal");
  CHECK(good(me.post(secret_path + key_of(made[2])))["value"].text() == "x");
  good(me.post(share_path, "secret=x"));
}

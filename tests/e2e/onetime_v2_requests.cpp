// Onetime Secret v2, requests: what may be sent, how large, by whom and how often, and how each slip is told.

#include <cstdio>

#include "tests/e2e/onetime_v2.hpp"

using namespace nacre::e2e;
using namespace nacre::e2e::onetime_v2;

namespace {

const header_list json_body = {{"Content-Type", "application/json"}};

}  // namespace

TEST_CASE("the service tells its status, version and languages, and pages may post", "[onetime][v2][meta]") {
  caller guest(shared().port());
  CHECK(guest.get("/status").body == R"({"success":true,"status":"nominal","locale":"en"})");
  CHECK(guest.get("/version").body == R"({"success":true,"version":["0","25","0"],"locale":"en"})");
  CHECK(guest.get("/supported-locales").json()["default_locale"].text() == "en");
  for (auto path : {"/secret/conceal", "/secret/generate"}) {
    auto a =
        guest.send("OPTIONS", path, {}, {{"Origin", "https://example.org"}, {"Access-Control-Request-Method", "POST"}});
    CHECK(a.status == 204);
    CHECK(a.header("Access-Control-Allow-Origin") == "*");
    CHECK(a.header("Access-Control-Allow-Methods").find("POST") != std::string::npos);
    CHECK(a.header("Access-Control-Allow-Headers").find("Authorization") != std::string::npos);
  }
}

TEST_CASE("what is wrong with a request is told by the contract's texts", "[onetime][v2][errors]") {
  caller guest(shared().port());
  auto refuse = [&](const std::string& inside, std::string_view word, std::string_view field) {
    INFO(inside.substr(0, 100));
    return check_problem(guest.post("/secret/conceal", "{\"secret\":" + inside + "}"), 422, word, field);
  };
  CHECK(refuse("\"text\"", "FormError", "") == "Incorrect payload format");
  CHECK(refuse("{}", "missing", "secret") == "You did not provide anything to share");
  CHECK(refuse(R"({"secret":""})", "missing", "secret") == "You did not provide anything to share");
  CHECK(refuse(R"({"secret":")" + std::string(10'001, 'x') + "\"}", "FormError", "secret") ==
        "Secret content must be no more than 10000 bytes long");
  CHECK(refuse(R"({"secret":"s","passphrase":"abc"})", "FormError", "passphrase") ==
        "Passphrase must be at least 4 characters long");
  CHECK(refuse(R"({"secret":"s","passphrase":")" + std::string(129, 'p') + "\"}", "FormError", "passphrase") ==
        "Passphrase must be no more than 128 characters long");
  CHECK(check_problem(guest.post("/secret/conceal", "{}"), 422, "missing", "secret") ==
        "You did not provide anything to share");
  for (const auto& good : {R"(,"passphrase":"")", R"(,"passphrase":null)", R"(,"share_domain":"","kind":"conceal")",
                           R"(,"unknown":[1,2])"})
    conceal(guest, "s", good);
  auto p128 = std::string(128, 'p');
  auto m = conceal(guest, "s", ",\"passphrase\":\"" + p128 + "\"");
  CHECK(reveal(guest, m, R"({"continue":true,"passphrase":")" + p128 + "\"}").status == 200);
  check_problem(guest.post("/secret/conceal", "{", json_body), 400, "BadRequest");
  check_problem(guest.get("/secret/" + m.secret + "?passphrase=%zz"), 400, "BadRequest");
  // A form says the same.
  auto form = guest.post("/secret/conceal", "secret[secret]=a+b%26c&secret[ttl]=120",
                         {{"Content-Type", "application/x-www-form-urlencoded"}});
  auto by_form = read_made(form);
  CHECK(by_form.body["record"]["secret"]["secret_ttl"].text() == "120");
  auto shown = guest.post("/secret/" + by_form.secret + "/reveal", "continue=true",
                          {{"Content-Type", "application/x-www-form-urlencoded"}});
  CHECK(shown.json()["record"]["secret_value"].text() == "a b&c");
}

TEST_CASE("an identifier of any characters is one nobody has, and a percent escape is the character it stands for",
          "[onetime][v2][errors]") {
  caller guest(shared().port());
  for (auto odd : {"%20", "$", "%zz", "%2F", "%E2%82%AC", "%00", "%", "%4", "'(!)*,;:@&=+", "%%41", "~"}) {
    INFO(odd);
    check_gone(guest.get("/secret/" + unknown + odd));
    check_gone(guest.get(std::string("/guest/secret/") + odd));
    check_gone(guest.post("/guest/secret/" + unknown + odd + "/reveal", "{}"));
    check_gone(guest.get(std::string("/receipt/") + odd));
    auto status = guest.get("/secret/" + unknown + odd + "/status");
    CHECK(status.json()["record"]["state"].text() == "unknown");
    check_problem(guest.get(std::string("/") + odd), 404, "NotFound");
  }
  auto m = conceal(guest, "by another spelling");
  char escaped[4];
  std::snprintf(escaped, sizeof escaped, "%%%02x", static_cast<unsigned>(m.secret.front()));
  auto spelled = "/secret/" + std::string(escaped) + m.secret.substr(1) + "%20";
  CHECK(guest.get(spelled).json()["record"]["identifier"].text() == m.secret);
  CHECK(guest.post(spelled + "/reveal", R"({"continue":true})").json()["record"]["secret_value"].text() ==
        "by another spelling");
  check_problem(guest.get("/secret/a#b"), 400, "BadRequest");
}

TEST_CASE("lifetimes are clamped in silence: guests to 7 days, accounts to 30", "[onetime][v2][ttl]") {
  caller guest(shared().port());
  account a(shared());
  struct given {
    std::string ttl, guest, account;
  };
  for (const given& g :
       {given{"60", "60", "60"}, given{"59", "60", "60"}, given{"0", "60", "60"}, given{"-5", "60", "60"},
        given{"\"300\"", "300", "300"}, given{"\"\"", "60", "60"}, given{"\"soon\"", "60", "60"},
        given{"604800", "604800", "604800"}, given{"604801", "604800", "604801"}, given{"2592000", "604800", "2592000"},
        given{"2592001", "604800", "2592000"}, given{"99999999999999999999", "604800", "2592000"},
        given{"null", "604800", "604800"}}) {
    INFO(g.ttl);
    auto ttl = ",\"ttl\":" + g.ttl;
    CHECK(conceal(guest, "t", ttl).body["record"]["secret"]["secret_ttl"].text() == g.guest);
    CHECK(conceal(a.by, "t", ttl).body["record"]["secret"]["secret_ttl"].text() == g.account);
  }
}

TEST_CASE("a text comes out byte by byte as it went in, up to the last one allowed", "[onetime][v2][bytes]") {
  caller guest(shared().port());
  std::string controls, latin;
  for (int c = 0; c < 0x80; ++c) controls.push_back(static_cast<char>(c));
  for (int c = 0x80; c < 0x800; c += 3) {
    latin.push_back(static_cast<char>(0xc0 | c >> 6));
    latin.push_back(static_cast<char>(0x80 | (c & 0x3f)));
  }
  std::string emoji;
  while (emoji.size() + 4 <= 10'000) emoji += "\xf0\x9f\x94\x90";
  const std::string all[] = {"x",
                             " leading and trailing \n",
                             "\r\n\t",
                             controls,
                             latin,
                             emoji,
                             std::string(10'000, 'z'),
                             std::string(10'000, '\x01'),  // six bytes each in JSON
                             "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x9a\x80 \xe2\x80\xa8 \xef\xbb\xbf"};
  for (const auto& text : all) {
    INFO(text.substr(0, 20) << " of " << text.size() << " bytes");
    auto m = conceal(guest, text);
    auto a = reveal(guest, m);
    REQUIRE(a.status == 200);
    CHECK(a.json()["record"]["secret_value"].text() == text);
  }
  for (const auto& text : {std::string(10'001, 'z'), emoji + "z"})
    CHECK(guest.post("/secret/conceal", R"({"secret":{"secret":)" + json_quoted(text) + "}}").status == 422);
  CHECK(guest.post("/secret/conceal", "{\"secret\":{\"secret\":\"\xff\"}}").status == 400);
  CHECK(guest.post("/secret/conceal", R"({"secret":{"secret":"\ud800"}})").status == 400);
}

TEST_CASE("the longest secret is configured, and only creating takes bodies that large", "[onetime][v2][bytes]") {
  auto on = with({"onetime.secret_bytes_max=1048576"});
  caller guest(on.port());
  const std::string mebi(1024 * 1024, '\x02');
  auto m = conceal(guest, mebi);
  CHECK(guest.post("/secret/conceal", R"({"secret":{"secret":")" + std::string(1024 * 1024 + 1, 'x') + "\"}}").status ==
        422);
  auto a = reveal(guest, m);
  REQUIRE(a.status == 200);
  CHECK(a.json()["record"]["secret_value"].text() == mebi);
  check_problem(guest.post("/secret/" + m.secret + "/reveal", std::string(33 * 1024, ' ')), 413, "PayloadTooLarge");
}

TEST_CASE("large bodies share the memory there is for them, and the rest is told to come back",
          "[onetime][v2][bytes]") {
  auto on = with({"onetime.secret_bytes_max=1048576", "http.large_bodies_mib=8"});
  // Six bytes of JSON for each of the secret.
  std::string body = R"({"secret":{"secret":")";
  for (int i = 0; i < 1'000'000; ++i) body += "\\u0061";
  body += "\"}}";
  const auto head =
      "POST /api/v2/guest/secret/conceal HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: " +
      std::to_string(body.size()) + "\r\n\r\n";
  const auto half = body.size() * 3 / 4;
  nacre::test::raw_http slow(on.port());
  REQUIRE(slow.send(head + body.substr(0, half)));
  std::optional<nacre::test::raw_answer> refused;
  REQUIRE(eventually([&] {  // until the node has read as much of the slow one
    nacre::test::raw_http other(on.port());
    REQUIRE(other.send(head));
    refused = other.receive(false, std::chrono::milliseconds(50));
    return refused.has_value();
  }));
  CHECK(refused->status == 503);
  REQUIRE(refused->find("Retry-After"));
  CHECK(*refused->find("Retry-After") == "1");
  CHECK(refused->body.find(R"("error":"ServerError")") != std::string::npos);
  caller guest(on.port());
  conceal(guest, "a small one needs none of it");
  REQUIRE(slow.send(body.substr(half)));
  auto made = slow.receive();
  REQUIRE(made);
  CHECK(made->status == 200);
  CHECK(guest.post("/guest/secret/conceal", body).status == 200);
}

TEST_CASE("guests are let in route by route", "[onetime][v2][guests]") {
  struct route {
    std::string verb, path, code;
  };
  const route routes[] = {{"POST", "/secret/conceal", "CONCEAL"},
                          {"POST", "/secret/generate", "GENERATE"},
                          {"GET", "/secret/" + unknown, "SHOW"},
                          {"GET", "/secret/" + unknown + "/status", "SHOW"},
                          {"POST", "/secret/" + unknown + "/reveal", "REVEAL"},
                          {"DELETE", "/secret/" + unknown + "/reveal", "REVEAL"},
                          {"GET", "/receipt/" + unknown, "RECEIPT"},
                          {"POST", "/receipt/" + unknown + "/burn", "BURN"}};
  auto lower = [](std::string word) {
    for (char& c : word) c = static_cast<char>(c + ('a' - 'A'));
    return word;
  };
  auto check = [](const http_answer& a, const std::string& code) {
    INFO(a.body);
    REQUIRE(a.status == 403);
    CHECK(a.json()["error"].text() == "GuestRoutesDisabled");
    CHECK(a.json()["code"].text() == code);
  };
  {
    auto on = with({"onetime.guest=false"});
    caller guest(on.port());
    account a(on);
    for (const auto& r : routes) {
      INFO(r.verb << " " << r.path);
      check(guest.send(r.verb, r.path), "GUEST_ROUTES_DISABLED");
      if (!r.path.ends_with("/status")) check(a.by.send(r.verb, "/guest" + r.path), "GUEST_ROUTES_DISABLED");
      CHECK(a.by.send(r.verb, r.path).status != 403);
    }
    CHECK(guest.get("/status").status == 200);
  }
  for (auto off : {"CONCEAL", "GENERATE", "SHOW", "REVEAL", "RECEIPT", "BURN"}) {
    auto on = with({"onetime.guest_" + lower(off) + "=false"});
    caller guest(on.port());
    for (const auto& r : routes) {
      INFO(off << ": " << r.verb << " " << r.path);
      if (r.code == off)
        check(guest.send(r.verb, r.path), "GUEST_" + r.code + "_DISABLED");
      else
        CHECK(guest.send(r.verb, r.path).status != 403);
    }
  }
}

TEST_CASE("a guest's address may make and reveal so many a minute", "[onetime][v2][limits]") {
  auto on = with({"limits.guest_create_per_minute=3", "limits.guest_reveal_per_minute=2"});
  caller guest(on.port());
  std::vector<made> all;
  for (int i = 0; i < 3; ++i) all.push_back(conceal(guest, "x"));
  check_problem(guest.post("/secret/generate"), 429, "LimitExceeded");
  CHECK(guest.post("/guest/secret/conceal", "{}").status == 422);  // what is wrong anyway costs nothing
  for (int i = 0; i < 2; ++i) CHECK(reveal(guest, all[static_cast<std::size_t>(i)]).status == 200);
  auto refused = reveal(guest, all[2]);
  check_problem(refused, 429, "LimitExceeded");
  CHECK(refused.header("RateLimit-Policy") == "\"guest_reveal\";q=2;w=60");
  CHECK(guest.get("/secret/" + all[2].secret).status == 200);
  account a(on);
  for (int i = 0; i < 5; ++i) CHECK(reveal(a.by, conceal(a.by, "y")).status == 200);
}

TEST_CASE("guests cannot fill the disk", "[onetime][v2][limits]") {
  auto on = with({"onetime.guest_bytes_max=131072", "log.level=warn"});  // 2 KiB for each of 64 partitions
  caller guest(on.port());
  bool refused = false;
  for (int i = 0; i < 500 && !refused; ++i) {
    auto a = guest.post("/secret/conceal", R"({"secret":{"secret":"filling the disk"}})");
    if (a.status == 200) continue;
    check_problem(a, 507, "StorageFull");
    refused = true;
  }
  CHECK(refused);
  CHECK(on.node().errors().find("request failed") == std::string::npos);  // strangers write no warnings
  account a(on);
  conceal(a.by, "an account's are not counted");
}

TEST_CASE("guests are refused only when hardly anything is left of what they may keep", "[onetime][v2][limits]") {
  // About eight secrets in each of 64 partitions. Where one secret goes is drawn, so that some are full early.
  auto on = with({"onetime.guest_bytes_max=262144"});
  caller guest(on.port());
  auto kept = [&] {
    return guest.post("/secret/conceal", R"({"secret":{"secret":"filling the disk"}})").status == 200;
  };
  int before = 0, after = 0;
  while (before < 4'000 && kept()) ++before;
  for (int i = 0; i < 1'000; ++i) after += kept();
  INFO(before << " were kept before the first refusal, " << after << " after it");
  CHECK(before > 64);
  CHECK(after * 20 < before);
}

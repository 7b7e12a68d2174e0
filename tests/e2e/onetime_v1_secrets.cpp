// What a v1 client does with a secret, and every word it is told.

#include <regex>

#include "tests/e2e/onetime_v1_kit.hpp"

using namespace nacre::e2e;
using namespace nacre::e2e::v1;

TEST_CASE("v1 share answers with the flat receipt, numbers as numbers", "[onetime][v1]") {
  caller me(node().port());
  auto r = share(me, "secret=hello&ttl=300");
  CHECK(r.keys() == all_fields);
  check_receipt_types(r);
  auto key = receipt_of(r), url = node().node().url() + "/receipt/" + key;
  CHECK(std::regex_match(key, std::regex("[0-9A-Za-z]{43}")));
  CHECK(std::regex_match(key_of(r), std::regex("[0-9A-Za-z]{43}")));
  CHECK(r["identifier"].text() == key);
  CHECK(r["secret_identifier"].text() == key_of(r));
  CHECK(r["custid"].text() == "anon");
  CHECK(r["state"].text() == "new");
  CHECK(r["ttl"].number() == 300);
  CHECK(r["secret_ttl"].number() == 300);
  CHECK(r["metadata_ttl"].number() == 600);
  CHECK(r["receipt_ttl"].number() == 600);
  CHECK(r["created"].number() == r["updated"].number());
  CHECK(r["created"].number() > 1'700'000'000);
  CHECK(r["created"].number() < 10'000'000'000);
  CHECK(r["metadata_url"].text() == url);
  CHECK(r["receipt_url"].text() == url);
  CHECK(r["share_domain"].text() == "");
  CHECK(r["recipient"].size() == 0);
  CHECK(r["recipients"].size() == 0);
  CHECK_FALSE(r["passphrase_required"].flag());
  CHECK_FALSE(r["has_passphrase"].flag());
}

TEST_CASE("v1 takes what it is sent in any form", "[onetime][v1]") {
  caller me(node().port());
  const std::string boundary = "------------------------d74496d66958873e", value = "a b+c&d=é\n%41";
  const std::string coded = "a+b%2Bc%26d%3D%C3%A9%0A%2541";
  auto parts = multipart({{"secret", value}, {"ttl", "900"}, {"passphrase", "long enough"}}, boundary);
  auto many = multipart({{"secret", value}, {"passphrase", ""}, {"ttl", "900"}}, boundary);
  struct way {
    const char* name;
    std::string target, body, type;
    bool protect;
  };
  const auto query = "?secret=" + coded + "&ttl=900";
  const way ways[] = {
      {"urlencoded", share_path, "secret=" + coded + "&ttl=900&passphrase=long+enough", form_type, true},
      {"urlencoded, no type", share_path, "secret=" + coded + "&ttl=900", "", false},
      {"multipart", share_path, parts, "multipart/form-data; boundary=" + boundary, true},
      {"multipart, empty passphrase", share_path, many, "multipart/form-data; boundary=" + boundary, false},
      {"query", share_path + query + "&passphrase=long+enough", "", "", true},
      {"query, empty form", share_path + query, "", form_type, false},
      {"query and form", share_path + "?ttl=900&secret=other", "secret=" + coded, form_type, false},
      {"JSON", share_path, R"({"secret":"a b+c&d=é\n%41","ttl":900,"passphrase":"long enough"})", "application/json",
       true},
      {"JSON, text", share_path, R"({"secret":"a b+c&d=\u00e9\n%41","ttl":"900","x":[1]})",
       "application/json; charset=utf-8", false},
      {"the other name", "/api/v1/create", "secret=" + coded + "&ttl=900", form_type, false},
  };
  for (const auto& w : ways) {
    INFO(w.name);
    auto r = good(me.send("POST", w.target, w.body, w.type));
    CHECK(r["ttl"].number() == 900);
    CHECK(r["passphrase_required"].flag() == w.protect);
    CHECK(r["has_passphrase"].flag() == w.protect);
    if (!w.protect) {
      CHECK(good(me.post(secret_path + key_of(r)))["value"].text() == value);
      continue;
    }
    // The passphrase too, each way.
    http_answer a;
    if (w.type.starts_with("multipart"))
      a = me.send("POST", secret_path + key_of(r), multipart({{"passphrase", "long enough"}}, boundary), w.type);
    else if (w.type == "application/json")
      a = me.post_json(secret_path + key_of(r), R"({"passphrase":"long enough"})");
    else if (w.type.empty())
      a = me.post(secret_path + key_of(r) + "?passphrase=long+enough");
    else
      a = me.post(secret_path + key_of(r), "passphrase=long+enough");
    CHECK(good(a)["value"].text() == value);
  }
}

TEST_CASE("v1 clamps any ttl and refuses none", "[onetime][v1]") {
  caller guest(node().port());
  account owner(node());
  auto signed_in = owner.at(node());
  struct row {
    const char* more;
    std::int64_t guest_s, account_s;
  };
  const row rows[] = {{"", 604'800, 604'800},
                      {"&ttl=0", 60, 60},
                      {"&ttl=", 60, 60},
                      {"&ttl=garbage", 60, 60},
                      {"&ttl=-5", 60, 60},
                      {"&ttl=59", 60, 60},
                      {"&ttl=61", 61, 61},
                      {"&ttl=604801", 604'800, 604'801},
                      {"&ttl=9999999", 604'800, 2'592'000},
                      {"&ttl=99999999999999999999999", 604'800, 2'592'000},
                      {"&ttl=90minutes", 90, 90}};
  for (const auto& r : rows) {
    INFO(r.more);
    for (auto [by, wanted] : {std::pair{&guest, r.guest_s}, std::pair{&signed_in, r.account_s}}) {
      auto made = share(*by, std::string("secret=x") + r.more);
      CHECK(made["ttl"].number() == wanted);
      CHECK(made["secret_ttl"].number() == wanted);
      CHECK(made["metadata_ttl"].number() == 2 * wanted);
    }
  }
}

TEST_CASE("v1 reveals once, to whoever knows the passphrase, and says no more than that", "[onetime][v1]") {
  caller me(node().port());
  const std::string unknown(43, 'a');
  SECTION("without a passphrase, whatever is sent") {
    for (const char* form : {"", "passphrase=", "passphrase=needless", "continue=false"}) {
      INFO(form);
      auto r = share(me, "secret=plain");
      auto a = me.post(secret_path + key_of(r), form);
      CHECK(good(a).keys() == keys{"value", "secret_key", "share_domain"});
      CHECK(a.body ==
            R"({"value":"plain","secret_key":")" + key_of(r) + R"(","share_domain":")" + node().node().url() + "\"}");
      for (int i = 0; i < 2; ++i) refused_as_unknown(me.post(secret_path + key_of(r), form), key_of(r));
    }
  }
  SECTION("with one") {
    auto r = share(me, "secret=locked&passphrase=correct");
    for (const char* form : {"", "passphrase=", "passphrase=wrong", "continue=true"})
      refused_as_unknown(me.post(secret_path + key_of(r), form), key_of(r));
    CHECK(state_of(me, receipt_of(r)) == "new");  // nothing was consumed
    CHECK(good(me.post(secret_path + key_of(r), "passphrase=correct"))["value"].text() == "locked");
    refused_as_unknown(me.post(secret_path + key_of(r), "passphrase=correct"), key_of(r));
  }
  SECTION("an unknown key, or one too short to be any") {
    refused_as_unknown(me.post(secret_path + unknown), unknown);
    refused_as_unknown(me.post(secret_path + std::string(20, 'b')), std::string(20, 'b'));
    for (const char* key : {"a", "1234567890123456789", "......................"})
      for (const auto& path : {secret_path + key, private_path + key, private_path + key + "/burn"})
        refused(me.post(path), told("Not Found"), 0);
    refused(me.get("/api/v1/receipt/short"), told("Not Found"), 0);
  }
  SECTION("nothing is consumed by what is malformed") {
    auto r = share(me, "secret=still+there");
    auto path = secret_path + key_of(r);
    auto wrong = [&](const http_answer& a) {
      CHECK(a.status == 404);
      CHECK(a.header("X-OTS-Intended-Status") == "400");
      CHECK(a.json().keys() == keys{"message"});
    };
    wrong(me.send("POST", path, "{", "application/json"));
    wrong(me.send("POST", path, "passphrase=%zz"));
    wrong(me.send("POST", path, "x", "text/plain"));
    wrong(me.send("POST", path, R"({"passphrase":["a"]})", "application/json"));
    wrong(me.send("POST", path, "", "", {{"Idempotency-Key", "short"}}));
    CHECK(good(me.post(path))["value"].text() == "still there");
  }
}

TEST_CASE("v1 takes the largest secret in a query, and refuses a longer line in its own words", "[onetime][v1]") {
  caller me(node().port());
  std::string escaped;
  for (int i = 0; i < 10'000; ++i) escaped += "%41";
  auto r = good(me.send("POST", "/api/v1/share?secret=" + escaped));
  CHECK(good(me.post(secret_path + key_of(r)))["value"].text() == std::string(10'000, 'A'));
  for (const auto& more : {header_list{}, header_list{{"X-Long", std::string(50'000, 'a')}}}) {
    auto a = caller(node().port())
                 .send("POST", "/api/v1/share?secret=" + (more.empty() ? escaped + escaped : "x"), "", "", more);
    CHECK(a.status == 404);
    CHECK(a.header("X-OTS-Intended-Status") == (more.empty() ? "414" : "431"));
    CHECK(a.json().keys() == keys{"message"});
  }
}

TEST_CASE("v1 tells that passphrases are locked out, for the right one too", "[onetime][v1]") {
  caller me(node().port());
  auto r = share(me, "secret=x&passphrase=correct");
  for (int i = 0; i < 5; ++i) refused_as_unknown(me.post(secret_path + key_of(r), "passphrase=wrong"), key_of(r));
  for (const char* form : {"passphrase=wrong", "passphrase=correct"}) {
    auto a = me.post(secret_path + key_of(r), form);
    refused(a, told("Rate limit exceeded. Please try again later."), 400);
    CHECK(std::regex_match(a.header("Retry-After"), std::regex("[1-9][0-9]*")));
  }
  refused(me.post(private_path + receipt_of(r) + "/burn", "passphrase=correct"),
          told("Rate limit exceeded. Please try again later."), 400);
}

TEST_CASE("v1 receipts move from new to viewed to received", "[onetime][v1]") {
  caller me(node().port());
  auto r = share(me, "secret=watched&ttl=3600");
  // A look that nobody asked for changes nothing.
  CHECK(me.send("HEAD", private_path + receipt_of(r)).status == 200);
  CHECK(good(me.send("GET", private_path + receipt_of(r), "", "", {{"User-Agent", "Slackbot 1.0"}}))["state"].text() ==
        "new");
  auto first = good(me.get(private_path + receipt_of(r)));
  CHECK(first.keys() == all_fields);
  CHECK(first["state"].text() == "new");
  CHECK(first["secret_key"].text() == key_of(r));
  CHECK(first["ttl"].number() == 3600);
  CHECK(first["secret_ttl"].number() <= 3600);
  CHECK(first["secret_ttl"].number() > 3500);
  CHECK(first["metadata_ttl"].number() <= 7200);
  for (const char* root : {"/api/v1/private/", "/api/v1/metadata/", "/api/v1/receipt/"}) {
    INFO(root);
    for (const char* verb : {"GET", "POST"})
      CHECK(good(me.send(verb, root + receipt_of(r)))["state"].text() == "viewed");
  }
  CHECK(good(me.post(secret_path + key_of(r)))["value"].text() == "watched");
  auto after = good(me.get(private_path + receipt_of(r)));
  CHECK(after["state"].text() == "received");
  CHECK(after.find("secret_key") == nullptr);
  CHECK(after.find("secret_ttl") == nullptr);
  CHECK(after.find("secret_identifier") == nullptr);
  CHECK(after["received"].number() >= after["created"].number());
  CHECK(after["received"].number() == after["updated"].number());
  check_receipt_types(after);
  const std::string unknown(43, 'z');
  refused_as_unknown(me.get(private_path + unknown), unknown);
  refused_as_unknown(me.get(private_path + key_of(r)), key_of(r));  // a secret's key is no receipt's
}

TEST_CASE("v1 generate tells its value once and is viewed from then on", "[onetime][v1]") {
  caller me(node().port());
  for (const auto& [target, chars] : {std::pair{"/api/v1/generate", 12}, {"/api/v1/generate?length=40", 40}}) {
    auto r = good(me.post(target, "ttl=120"));
    auto expected = all_fields;
    expected.insert(expected.end(), {"value", "secret_value"});
    CHECK(r.keys() == expected);
    CHECK(r["state"].text() == "new");
    CHECK(r["ttl"].number() == 120);
    CHECK(r["value"].text() == r["secret_value"].text());
    CHECK(r["value"].text().size() == static_cast<std::size_t>(chars));
    auto read = good(me.get(private_path + receipt_of(r)));
    CHECK(read["state"].text() == "viewed");
    CHECK(read.keys() == all_fields);
    CHECK(good(me.post(secret_path + key_of(r)))["value"].text() == r["value"].text());
  }
  refused(me.post("/api/v1/generate", "length=129"),
          told("Generated password length must be no more than 128 characters"), 400);
  auto locked = good(me.post("/api/v1/generate", "passphrase=correct&secret=ignored"));
  CHECK(locked["has_passphrase"].flag());
  refused_as_unknown(me.post(secret_path + key_of(locked)), key_of(locked));
}

TEST_CASE("v1 burns by the receipt", "[onetime][v1]") {
  caller me(node().port());
  for (const char* root : {"/api/v1/private/", "/api/v1/metadata/", "/api/v1/receipt/"}) {
    INFO(root);
    auto r = share(me, "secret=to+burn");
    auto path = root + receipt_of(r) + "/burn";
    auto a = good(me.post(path));
    CHECK(a.keys() == keys{"state", "secret_shortkey"});
    CHECK(a["secret_shortkey"].text() == key_of(r).substr(0, 8));
    const auto& state = a["state"];
    CHECK(state["state"].text() == "burned");
    CHECK(state["metadata_key"].text() == receipt_of(r));
    CHECK(state["secret_key"].text() == "");
    CHECK(state["secret_ttl"].number() == 0);
    CHECK(state.find("received") == nullptr);
    check_receipt_types(state);
    refused_as_unknown(me.post(path), receipt_of(r));
    refused_as_unknown(me.post(secret_path + key_of(r)), key_of(r));
    CHECK(state_of(me, receipt_of(r)) == "burned");
  }
  auto locked = share(me, "secret=x&passphrase=correct");
  auto path = private_path + receipt_of(locked) + "/burn";
  for (const char* form : {"", "passphrase=wrong", "continue=true"})
    refused(me.post(path, form), told("Double check that passphrase"), 400);
  CHECK(state_of(me, receipt_of(locked)) == "new");
  CHECK(good(me.post(path + "?passphrase=correct"))["state"]["state"].text() == "burned");
  const std::string unknown(43, 'q');
  refused_as_unknown(me.post(private_path + unknown + "/burn"), unknown);
}

TEST_CASE("v1 refuses in the contract's words, byte by byte", "[onetime][v1]") {
  caller me(node().port());
  account owner(node());
  auto signed_in = owner.at(node());
  const auto nothing = told("You did not provide anything to share");
  for (const char* form : {"", "secret=", "ttl=5", "passphrase=abcd"}) refused(me.post(share_path, form), nothing, 400);
  refused(me.post_json(share_path, "{}"), nothing, 400);
  refused(me.post(share_path, "secret=" + std::string(10'001, 'x')),
          told("Secret value exceeds the maximum size of 10000 bytes"), 400);
  refused(me.post(share_path, "secret=x&passphrase=abc"), told("Passphrase must be at least 4 characters long"), 400);
  refused(me.post(share_path, "secret=x&recipient=a@example.com"), told("An account is required to send emails."), 401);
  refused(signed_in.post(share_path, "secret=x&recipient=nowhere"), told("Undeliverable email address: nowhere"), 400);
  // A whole secret fits however it is written; more than any would is refused before it is read.
  auto largest = share(
      me, "secret=" + [] {
        std::string out;
        for (int i = 0; i < 10'000; ++i) out += "%41";
        return out;
      }());
  CHECK(good(me.post(secret_path + key_of(largest)))["value"].text() == std::string(10'000, 'A'));
  refused(me.post(share_path, std::string(500'000, 'x')), told("The request body is too large."), 413);
}

TEST_CASE("v1 masks recipients, in a list even of one", "[onetime][v1]") {
  account owner(node());
  auto me = owner.at(node());
  auto one = share(me, "secret=x&recipient=foo@example.com");
  CHECK(one["recipient"].size() == 1);
  CHECK(one["recipient"][0].text() == "fo*****@e*****.com");
  CHECK(one["recipients"] == one["recipient"]);
  auto two = share(me, "secret=x&recipient[]=foo@example.com&recipient[]=a@b.org");
  CHECK(two["recipient"].size() == 2);
  CHECK(two["recipient"][1].text() == "a*****@b*****.org");
  CHECK(good(me.get(private_path + receipt_of(two)))["recipient"] == two["recipient"]);
}

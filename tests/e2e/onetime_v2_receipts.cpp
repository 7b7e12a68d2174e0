// Onetime Secret v2, receipts: what is made, told, burned, remarked and listed.

#include "model/time.hpp"
#include "tests/e2e/onetime_v2.hpp"

using namespace nacre::e2e;
using namespace nacre::e2e::onetime_v2;

namespace {

const keys receipt_fields{"identifier",     "key",
                          "shortid",        "state",
                          "custid",         "owner_id",
                          "secret_shortid", "secret_identifier",
                          "secret_ttl",     "metadata_ttl",
                          "receipt_ttl",    "lifespan",
                          "share_domain",   "created",
                          "updated",        "shared",
                          "recipients",     "recipient_name",
                          "memo",           "show_recipients",
                          "previewed",      "viewed",
                          "revealed",       "received",
                          "burned",         "is_previewed",
                          "is_viewed",      "is_revealed",
                          "is_received",    "is_burned",
                          "is_expired",     "is_orphaned",
                          "is_destroyed",   "has_passphrase",
                          "kind",           "source"};
const keys single_fields{"secret_state", "natural_expiration", "expiration",   "expiration_in_seconds",
                         "share_path",   "burn_path",          "receipt_path", "metadata_path",
                         "share_url",    "receipt_url",        "metadata_url", "burn_url"};

void check_receipt_record(const json_tree& r, const made& m, std::string_view state, std::int64_t ttl,
                          bool has_passphrase, bool single, const std::string& base = {}) {
  const bool over = state != "new" && state != "previewed";
  auto expected = receipt_fields;
  if (over) std::erase(expected, "secret_identifier");
  if (single) expected.insert(expected.end(), single_fields.begin(), single_fields.end());
  CHECK(r.keys() == expected);
  CHECK(r["identifier"].text() == m.receipt);
  CHECK(r["key"].text() == m.receipt);
  CHECK(r["shortid"].text() == m.receipt.substr(0, 8));
  CHECK(r["state"].text() == state);
  if (!over) {
    CHECK(r["secret_identifier"].text() == m.secret);
    CHECK(r["secret_shortid"].text() == m.secret.substr(0, 8));
  }
  CHECK(r["secret_ttl"].number() == ttl);
  for (auto twice : {"metadata_ttl", "receipt_ttl", "lifespan"}) CHECK(r[twice].number() == 2 * ttl);
  for (auto time : {"created", "updated"}) CHECK(r[time].number() > 1'700'000'000);
  for (auto none : {"share_domain", "shared", "recipient_name"}) CHECK(r[none].is_null());
  auto time_or_null = [&](const char* name, bool there) {
    INFO(name);
    if (there)
      CHECK(is_number_text(r[name]));
    else
      CHECK(r[name].is_null());
  };
  for (auto name : {"revealed", "received"}) time_or_null(name, state == "revealed");
  time_or_null("burned", state == "burned");
  auto is = [&](const char* name, bool wanted) {
    INFO(name);
    CHECK(r[name].flag() == wanted);
  };
  for (auto name : {"is_previewed", "is_viewed"}) is(name, state == "previewed");
  for (auto name : {"is_revealed", "is_received"}) is(name, state == "revealed");
  is("is_burned", state == "burned");
  is("is_expired", state == "expired");
  is("is_orphaned", state == "orphaned");
  is("is_destroyed", over);
  is("has_passphrase", has_passphrase);
  CHECK(r["source"].text() == "standard");
  if (!single) return;
  CHECK(r["expiration"].number() == r["created"].number() + ttl);
  CHECK(r["expiration_in_seconds"].number() == ttl);
  CHECK(r["natural_expiration"].what() == kind::string);
  const auto receipt = "receipt/" + m.receipt, secret = "secret/" + m.secret;
  CHECK(r["burn_path"].text() == receipt + "/burn");
  for (auto path : {"receipt_path", "metadata_path"}) CHECK(r[path].text() == receipt);
  CHECK(r["burn_url"].text() == base + "/" + receipt + "/burn");
  for (auto url : {"receipt_url", "metadata_url"}) CHECK(r[url].text() == base + "/" + receipt);
  if (over) {
    for (auto none : {"secret_state", "share_path", "share_url"}) CHECK(r[none].is_null());
  } else {
    CHECK(r["share_path"].text() == secret);
    CHECK(r["share_url"].text() == base + "/" + secret);
  }
}

}  // namespace

TEST_CASE("creating answers with both twins of the receipt, and with no value", "[onetime][v2][objects]") {
  caller guest(shared().port());
  for (const auto& [path, what] : {std::pair<std::string, std::string>{"/secret/conceal", "conceal"},
                                   {"/guest/secret/conceal", "conceal"},
                                   {"/secret/generate", "generate"},
                                   {"/guest/secret/generate", "generate"}}) {
    INFO(path);
    auto a = guest.post(path, R"({"secret":{"secret":"hidden words","ttl":7200,"share_domain":""}})");
    auto m = read_made(a);
    check_json_headers(a);
    CHECK(a.header("Access-Control-Allow-Origin") == "*");
    CHECK(a.body.find("hidden words") == std::string::npos);
    CHECK(m.body.keys() == keys{"success", "shrimp", "record", "details"});
    CHECK(m.body["success"].flag());
    CHECK(m.body["record"].keys() == keys{"receipt", "metadata", "secret", "share_domain"});
    CHECK(m.body["record"]["receipt"] == m.body["record"]["metadata"]);
    CHECK(m.body["record"]["share_domain"].is_null());
    check_receipt_record(m.body["record"]["receipt"], m, "new", 7200, false, false);
    check_secret_record(m.body["record"]["secret"], m.secret, "new", "7200", false, {});
    const auto& receipt = m.body["record"]["receipt"];
    CHECK(receipt["kind"].text() == what);
    CHECK(receipt["custid"].text() == "anon");
    CHECK(receipt["owner_id"].is_null());
    CHECK(receipt["recipients"].text() == "");
    CHECK(receipt["memo"].is_null());
    CHECK(m.body["details"].keys() == keys{"kind", "recipient", "recipient_safe"});
    CHECK(m.body["details"]["kind"].text() == what);
    CHECK(m.body["details"]["recipient"].size() == 0);
    CHECK(m.secret.size() == 43);
    CHECK(m.receipt.size() == 43);
  }
}

TEST_CASE("a receipt is told with every field of the contract, in every state", "[onetime][v2][receipt]") {
  caller guest(shared().port());
  const auto base = shared().node().url();
  auto details = [](const http_answer& a) {
    auto d = a.json()["details"];
    CHECK(d.keys() == keys{"type", "display_lines", "no_cache", "secret_realttl", "view_count", "first_access",
                           "last_access", "has_passphrase", "can_decrypt", "secret_value", "show_secret",
                           "show_secret_link", "show_receipt_link", "show_receipt", "show_recipients"});
    CHECK(d["type"].text() == "record");
    CHECK(d["display_lines"].number() == 4);
    CHECK(d["no_cache"].flag());
    CHECK(d["secret_value"].is_null());
    CHECK_FALSE(d["show_recipients"].flag());
    return d;
  };
  auto ask = [&](const made& m, std::string_view state, std::int64_t ttl, bool passphrase,
                 const std::string& at = "/receipt/") {
    INFO(state);
    auto a = guest.get(at + m.receipt);
    REQUIRE(a.status == 200);
    CHECK(a.json().keys() == keys{"record", "details"});
    check_receipt_record(a.json()["record"], m, state, ttl, passphrase, true, base);
    return a;
  };

  auto m = conceal(guest, "x", R"(,"ttl":3600)");
  auto first = ask(m, "new", 3600, false);
  CHECK(first.json()["record"]["secret_state"].text() == "new");
  CHECK(first.json()["record"]["natural_expiration"].text() == "60 minutes");
  CHECK(first.json()["record"]["previewed"].is_null());
  auto d = details(first);
  CHECK((d["secret_realttl"].number() > 3'500 && d["secret_realttl"].number() <= 3'600));
  CHECK(d["view_count"].number() == 0);
  CHECK(d["first_access"].is_null());
  for (auto yes : {"can_decrypt", "show_secret", "show_secret_link", "show_receipt_link", "show_receipt"})
    CHECK(d[yes].flag());
  CHECK_FALSE(d["has_passphrase"].flag());

  guest.get("/secret/" + m.secret);
  auto second = ask(m, "previewed", 3600, false, "/private/");
  CHECK(second.json()["record"]["secret_state"].text() == "previewed");
  for (auto time : {"previewed", "viewed"}) CHECK(is_number_text(second.json()["record"][time]));
  d = details(second);
  CHECK(d["view_count"].number() == 1);
  CHECK(d["first_access"].number() == d["last_access"].number());
  for (auto no : {"show_secret", "show_secret_link", "show_receipt_link", "show_receipt"}) CHECK_FALSE(d[no].flag());
  CHECK(d["can_decrypt"].flag());

  REQUIRE(reveal(guest, m).status == 200);
  d = details(ask(m, "revealed", 3600, false, "/guest/receipt/"));
  CHECK(d["secret_realttl"].is_null());
  for (auto no : {"can_decrypt", "show_secret", "show_secret_link", "show_receipt_link"}) CHECK_FALSE(d[no].flag());

  auto closed = conceal(guest, "y", R"(,"passphrase":"sesame")");
  d = details(ask(closed, "new", 604800, true));
  CHECK(d["has_passphrase"].flag());
  CHECK_FALSE(d["can_decrypt"].flag());
  REQUIRE(guest.post("/receipt/" + closed.receipt + "/burn", R"({"continue":"true","passphrase":"sesame"})").status ==
          200);
  details(ask(closed, "burned", 604800, true));

  for (auto at : {"/receipt/", "/private/", "/guest/receipt/"}) check_gone(guest.get(at + unknown));
  check_gone(guest.get("/receipt/" + closed.secret));  // a secret's link is no receipt's
  check_gone(guest.get("/secret/" + closed.receipt));
}

TEST_CASE("a generated value is told with its receipt, once, and to no mere look", "[onetime][v2][generate]") {
  caller guest(shared().port());
  auto m = read_made(guest.post("/secret/generate", R"({"secret":{"length":20,"character_sets":{"symbols":true}}})"));
  guest.send("HEAD", "/receipt/" + m.receipt);
  guest.get("/receipt/" + m.receipt, {{"User-Agent", "Slackbot-LinkExpanding 1.0"}});
  auto told_once = guest.get("/receipt/" + m.receipt);
  CHECK(told_once.json()["record"]["state"].text() == "new");
  auto value = told_once.json()["details"]["secret_value"].text();
  CHECK(value.size() == 20);
  CHECK(guest.get("/receipt/" + m.receipt).json()["details"]["secret_value"].is_null());
  CHECK(reveal(guest, m).json()["record"]["secret_value"].text() == value);

  auto plain = read_made(guest.post("/guest/secret/generate"));
  auto password = reveal(guest, plain).json()["record"]["secret_value"].text();
  CHECK(password.size() == 12);
  CHECK(password.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") ==
        std::string::npos);
  CHECK(check_problem(guest.post("/secret/generate", R"({"secret":{"length":129}})"), 422, "FormError", "length") ==
        "Generated password length must be no more than 128 characters");
}

TEST_CASE("a generated value under a passphrase is told by nothing but that", "[onetime][v2][generate]") {
  caller guest(shared().port());
  auto m = read_made(guest.post("/secret/generate", R"({"secret":{"passphrase":"correct horse"}})"));
  auto told = guest.get("/receipt/" + m.receipt);
  CHECK(told.status == 200);
  CHECK(told.json()["details"]["secret_value"].is_null());
  auto opened = guest.post("/secret/" + m.secret + "/reveal", R"({"continue":"true","passphrase":"correct horse"})");
  CHECK(opened.json()["record"]["secret_value"].text().size() == 12);
}

TEST_CASE("a burn destroys once, by the receipt alone", "[onetime][v2][burn]") {
  caller guest(shared().port());
  for (const auto& [before, after] : {std::pair<std::string, std::string>{"/receipt/", "/burn"},
                                      {"/private/", "/burn"},
                                      {"/guest/receipt/", "/burn"}}) {
    auto m = conceal(guest, "burn me", R"(,"ttl":600)");
    const auto path = before + m.receipt + after;
    for (auto body : {"{}", R"({"continue":false})", R"({"continue":"1"})"}) {
      auto a = guest.post(path, body);
      REQUIRE(a.status == 200);
      CHECK_FALSE(a.json()["success"].flag());
      check_receipt_record(a.json()["record"], m, "new", 600, false, true, shared().node().url());
    }
    auto a = guest.post(path, R"({"continue":true})");
    REQUIRE(a.status == 200);
    auto body = a.json();
    CHECK(body.keys() == keys{"success", "record", "details"});
    CHECK(body["success"].flag());
    check_receipt_record(body["record"], m, "burned", 600, false, true, shared().node().url());
    CHECK(
        a.body.find(R"("details":{"type":"record","title":"Secret burned","display_lines":0,"display_feedback":false,)"
                    R"("no_cache":true,"view_count":0,"has_passphrase":false,"can_decrypt":false,"show_secret":false,)"
                    R"("show_secret_link":false,"show_receipt_link":false,"show_receipt":true,)"
                    R"("show_recipients":false,"is_orphaned":false}})") != std::string::npos);
    check_gone(guest.post(path, R"({"continue":true})"));
    check_gone(guest.post(path, R"({})"));
    check_gone(reveal(guest, m));
  }
  check_gone(guest.post("/receipt/" + unknown + "/burn", R"({"continue":true})"));
  auto revealed = conceal(guest, "too late");
  REQUIRE(reveal(guest, revealed).status == 200);
  check_gone(guest.post("/receipt/" + revealed.receipt + "/burn", R"({"continue":true})"));
}

TEST_CASE("an account's secrets are known as its own, by address or id", "[onetime][v2][account]") {
  account a(shared());
  caller guest(shared().port());
  auto m = conceal(a.by, "mine", R"(,"recipient":["foo@example.com","bar@example.com"],"ttl":2592000)");
  const auto& receipt = m.body["record"]["receipt"];
  CHECK(receipt["custid"].is_null());
  CHECK(receipt["owner_id"].text() == a.user);
  CHECK(receipt["recipients"].text() == "fo*****@e*****.com, ba*****@e*****.com");
  CHECK(receipt["show_recipients"].flag());
  auto for_somebody = conceal(a.by, "burned", R"(,"recipient":"a@b.c")");
  auto burned = a.by.post("/receipt/" + for_somebody.receipt + "/burn", R"({"continue":true})").json();
  CHECK_FALSE(burned["details"]["show_recipients"].flag());  // section 5 of the contract says so of every burn
  CHECK(m.body["details"]["recipient"][0].text() == "foo@example.com");
  CHECK(m.body["details"]["recipient_safe"][0].text() == "fo*****@e*****.com");
  caller by_id(shared().port(), {{"Authorization", basic(a.user, a.token)}});
  for (auto* who : {&a.by, &by_id}) {
    auto look = who->get("/secret/" + m.secret);
    CHECK(look.json().keys() == keys{"user_id", "shrimp", "record", "details"});
    CHECK(look.json()["user_id"].text() == a.user);
    CHECK(look.json()["details"]["is_owner"].text() == "true");
  }
  CHECK(guest.get("/secret/" + m.secret).json()["details"]["is_owner"].text() == "false");
  account other(shared());
  CHECK(other.by.get("/secret/" + m.secret).json()["details"]["is_owner"].text() == "false");
  // On a guest's route credentials count for nothing.
  CHECK(a.by.get("/guest/secret/" + m.secret).json()["details"]["is_owner"].text() == "false");
  CHECK(read_made(a.by.post("/guest/secret/conceal", R"({"secret":{"secret":"g"}})"))
            .body["record"]["receipt"]["owner_id"]
            .is_null());
  CHECK(reveal(guest, m).json()["record"]["secret_value"].text() == "mine");

  CHECK(check_problem(guest.post("/secret/conceal", R"({"secret":{"secret":"s","recipient":"foo@example.com"}})"), 401,
                      "Unauthorized", "recipient") == "An account is required to send emails.");
  CHECK(check_problem(a.by.post("/secret/conceal", R"({"secret":{"secret":"s","recipient":"nowhere"}})"), 422,
                      "invalid_email", "recipient") == "Undeliverable email address: nowhere");
}

TEST_CASE("a token that came with a wrong name was not used", "[onetime][v2][account]") {
  account a(shared());
  auto status_as = [](const std::string& name, const std::string& token) {
    return caller(shared().port(), {{"Authorization", basic(name, token)}}).get("/receipt/recent").status;
  };
  auto of = [](const json_tree& pat, const char* what) { return pat[what].text(); };
  auto few = a.who.new_pat(R"("name":"few","scopes":["write"],"maxUses":1)");
  for (int i = 0; i < 3; ++i) CHECK(status_as("wrong@example.org", of(few, "token")) == 401);
  CHECK(a.who.get(pat_path(of(few, "id"))).json()["data"]["lastUsedAt"].is_null());
  CHECK(status_as(a.email, of(few, "token")) == 200);
  CHECK(status_as(a.email, of(few, "token")) == 401);

  auto pat = a.who.new_pat(R"("name":"rotated","scopes":["write"])");
  auto rotated = a.who.post(pat_path(of(pat, "id"), "rotate"), R"({"overlap":3600,"untilFirstUse":true})");
  REQUIRE(rotated.status == 200);
  auto fresh = rotated.json()["data"]["token"].text();
  CHECK(status_as("wrong@example.org", fresh) == 401);
  CHECK(status_as(a.email, of(pat, "token")) == 200);
  CHECK(status_as(a.email, fresh) == 200);
  CHECK(status_as(a.email, of(pat, "token")) == 401);
}

TEST_CASE("a memo is its owner's to change", "[onetime][v2][memo]") {
  account a(shared()), other(shared());
  caller guest(shared().port());
  auto m = conceal(a.by, "with a memo");
  const auto path = "/receipt/" + m.receipt;
  auto set = a.by.send("PATCH", path, R"({"memo":"for the auditors"})");
  REQUIRE(set.status == 200);
  CHECK(set.json().keys() == keys{"record"});
  CHECK(set.json()["record"]["memo"].text() == "for the auditors");
  CHECK(a.by.send("PATCH", "/private/" + m.receipt, "{}").json()["record"]["memo"].text() == "for the auditors");
  for (auto* who : {&guest, &other.by}) {
    check_problem(who->send("PATCH", path, R"({"memo":"mine"})"), 401, "Unauthorized");
    check_problem(who->send("PATCH", path, "{}"), 401, "Unauthorized");
  }
  auto guests = conceal(guest, "nobody's");
  check_problem(a.by.send("PATCH", "/receipt/" + guests.receipt, R"({"memo":"mine"})"), 401, "Unauthorized");
  check_gone(a.by.send("PATCH", "/receipt/" + unknown, R"({"memo":"x"})"));
  CHECK(a.by.send("PATCH", path, R"({"memo":")" + std::string(501, 'm') + "\"}").status == 422);
  std::string longest;
  for (int i = 0; i < 500; ++i) longest += "\xc3\xa4";
  CHECK(a.by.send("PATCH", path, "{\"memo\":\"" + longest + "\"}").json()["record"]["memo"].text() == longest);
  CHECK(a.by.get(path).json()["record"]["memo"].text() == longest);
  CHECK(a.by.send("PATCH", path, R"({"memo":""})").json()["record"]["memo"].is_null());
}

TEST_CASE("recent lists an account's receipts, last changed first, and nobody else's", "[onetime][v2][recent]") {
  account a(shared()), other(shared());
  auto empty = a.by.get("/receipt/recent");
  REQUIRE(empty.status == 200);
  CHECK(empty.json()["count"].number() == 0);
  CHECK_FALSE(empty.json()["details"]["has_items"].flag());
  std::vector<made> all;
  auto ids = [&](const json_tree& records) {
    std::vector<std::string> out;
    for (const auto& r : records.items()) out.push_back(r["identifier"].text());
    return out;
  };
  // The order is by milliseconds: each act in one of its own.
  auto next_moment = [] {
    const auto before = nacre::system_clock{}.now();
    REQUIRE(eventually([before] { return nacre::system_clock{}.now() > before; }));
  };
  for (int i = 0; i < 4; ++i) {
    all.push_back(conceal(a.by, "r" + std::to_string(i), R"(,"ttl":1200)"));
    next_moment();
  }
  conceal(other.by, "not mine");
  a.by.post("/guest/secret/conceal", R"({"secret":{"secret":"nobody's"}})");
  REQUIRE(reveal(a.by, all[1]).status == 200);
  next_moment();
  REQUIRE(a.by.post("/receipt/" + all[0].receipt + "/burn", R"({"continue":true})").status == 200);
  for (auto path : {"/receipt/recent", "/private/recent"}) {
    auto got = a.by.get(path);
    REQUIRE(got.status == 200);
    auto body = got.json();
    CHECK(body.keys() == keys{"success", "custid", "count", "records", "details"});
    CHECK(body["custid"].text() == a.email);
    CHECK(body["count"].number() == 4);
    CHECK(ids(body["records"]) == keys{all[0].receipt, all[1].receipt, all[3].receipt, all[2].receipt});
    check_receipt_record(body["records"][0], all[0], "burned", 1200, false, false);
    check_receipt_record(body["records"][1], all[1], "revealed", 1200, false, false);
    check_receipt_record(body["records"][2], all[3], "new", 1200, false, false);
    const auto& d = body["details"];
    CHECK(d.keys() ==
          keys{"type", "scope", "scope_label", "since", "now", "has_items", "revealed_receipts", "pending_receipts"});
    CHECK(d["type"].text() == "list");
    CHECK(d["now"].number() - d["since"].number() == 30 * 86'400);
    CHECK(d["has_items"].flag());
    CHECK(ids(d["revealed_receipts"]) == keys{all[0].receipt, all[1].receipt});
    CHECK(ids(d["pending_receipts"]) == keys{all[3].receipt, all[2].receipt});
  }
  caller guest(shared().port());
  for (auto path : {"/receipt/recent", "/private/recent"}) check_problem(guest.get(path), 401, "Unauthorized");
}

TEST_CASE("links begin with the public address", "[onetime][v2][urls]") {
  auto on = with({"http.public_url=http://localhost:1234/vault"});
  caller guest(on.port());
  auto m = conceal(guest, "x");
  check_receipt_record(guest.get("/receipt/" + m.receipt).json()["record"], m, "new", 604800, false, true,
                       "http://localhost:1234/vault");
}

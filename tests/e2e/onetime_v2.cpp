// Onetime Secret v2 over the wire: contracts/onetimesecret.md Part A, cell by cell and field by field.

#include <algorithm>
#include <cstdio>

#include "model/time.hpp"
#include "tests/e2e/kit.hpp"
#include "tests/support/basic.hpp"

using namespace nacre::e2e;
using nacre::test::basic;
using nacre::test::json_quoted;
using kind = json_tree::kind;

namespace {

const std::string api = "/api/v2", unknown(43, 'a'), retry_key = "a-key-of-sixteen-characters";
const header_list json_body = {{"Content-Type", "application/json"}};

// What travels with every call of one caller; a guest has nothing.
class caller {
 public:
  explicit caller(std::uint16_t port, header_list headers = {}) : client_(port), headers_(std::move(headers)) {}

  http_answer send(std::string_view verb, const std::string& path, std::string_view body = {},
                   const header_list& more = {}) {
    auto all = headers_;
    bool typed = std::any_of(more.begin(), more.end(), [](const auto& h) { return h.first == "Content-Type"; });
    if (!body.empty() && !typed) all.emplace_back("Content-Type", "application/json");
    all.insert(all.end(), more.begin(), more.end());
    return client_.send(verb, api + path, all, body);
  }
  http_answer get(const std::string& path, const header_list& more = {}) { return send("GET", path, {}, more); }
  http_answer post(const std::string& path, std::string_view body = {}, const header_list& more = {}) {
    return send("POST", path, body, more);
  }

 private:
  http_client client_;
  header_list headers_;
};

struct made {
  std::string secret, receipt;
  json_tree body;
};

made read_made(const http_answer& a) {
  INFO(a.body);
  REQUIRE(a.status == 200);
  auto body = a.json();
  auto secret = body["record"]["secret"]["identifier"].text();
  return {secret, body["record"]["receipt"]["identifier"].text(), std::move(body)};
}

made conceal(caller& by, const std::string& value, const std::string& more = {}) {
  return read_made(by.post("/secret/conceal", R"({"secret":{"secret":)" + json_quoted(value) + more + "}}"));
}

http_answer reveal(caller& by, const made& m, const std::string& body = R"({"continue":"true"})",
                   const header_list& more = {}) {
  return by.post("/secret/" + m.secret + "/reveal", body, more);
}

std::string check_problem(const http_answer& a, int status, std::string_view word, std::string_view field = {}) {
  INFO(a.body);
  CHECK(a.status == status);
  if (a.status != status) return {};
  check_json_headers(a);
  auto body = a.json();
  keys expected{"error", "message", "error_type"};
  if (!field.empty()) expected.emplace_back("field");
  if (status == 429) expected.insert(expected.end(), {"retry_after", "max_attempts"});
  expected.insert(expected.end(), {"error_id", "request_id"});
  CHECK(body.keys() == expected);
  CHECK(body["error"].text() == word);
  CHECK(body["error_type"].text() == word);
  if (!field.empty()) CHECK(body["field"].text() == field);
  if (status == 429) CHECK(std::to_string(body["retry_after"].number()) == a.header("Retry-After"));
  CHECK(is_uuid(body["error_id"].text()));
  CHECK(body["request_id"].text() == a.header("X-Request-Id"));
  return body["message"].text();
}

void check_gone(const http_answer& a) { CHECK(check_problem(a, 404, "MissingSecret") == "Unknown secret"); }

const keys secret_fields{"identifier",   "key",         "shortid",   "state",          "created",
                         "updated",      "secret_ttl",  "lifespan",  "has_passphrase", "verification",
                         "is_previewed", "is_revealed", "is_viewed", "is_received"};
const keys secret_details{"continue", "is_owner", "show_secret", "correct_passphrase", "display_lines", "one_liner"};

bool is_number_text(const json_tree& t) {
  const auto& text = t.text();
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

void check_secret_record(const json_tree& r, const std::string& identifier, std::string_view state,
                         std::string_view ttl, bool has_passphrase, const std::optional<std::string>& value) {
  auto expected = secret_fields;
  if (value) expected.emplace_back("secret_value");
  CHECK(r.keys() == expected);
  for (const auto& [name, field] : r.members()) {
    INFO(name);
    CHECK(field.what() == kind::string);
  }
  CHECK(r["identifier"].text() == identifier);
  CHECK(r["key"].text() == identifier);
  CHECK(r["shortid"].text() == identifier.substr(0, 8));
  CHECK(r["state"].text() == state);
  for (auto time : {"created", "updated"}) CHECK(is_number_text(r[time]));
  CHECK(r["secret_ttl"].text() == ttl);
  CHECK(r["lifespan"].text() == ttl);
  CHECK(r["has_passphrase"].text() == (has_passphrase ? "true" : "false"));
  CHECK(r["verification"].text() == "false");
  const bool previewed = state == "previewed", revealed = state == "revealed";
  for (auto twin : {"is_previewed", "is_viewed"}) CHECK(r[twin].text() == (previewed ? "true" : "false"));
  for (auto twin : {"is_revealed", "is_received"}) CHECK(r[twin].text() == (revealed ? "true" : "false"));
  if (value) CHECK(r["secret_value"].text() == *value);
}

struct told {
  bool go_on = false, is_owner = false, shown = false, right = false;
  std::string lines = "4";
  std::optional<bool> one_liner;
};

void check_secret_details(const json_tree& d, const told& t) {
  auto word = [](bool b) { return b ? "true" : "false"; };
  CHECK(d.keys() == secret_details);
  CHECK(d["continue"].text() == word(t.go_on));
  CHECK(d["is_owner"].text() == word(t.is_owner));
  CHECK(d["show_secret"].text() == word(t.shown));
  CHECK(d["correct_passphrase"].text() == word(t.right));
  CHECK(d["display_lines"].text() == t.lines);
  if (t.one_liner)
    CHECK(d["one_liner"].text() == word(*t.one_liner));
  else
    CHECK(d["one_liner"].is_null());
}

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

// A member with an address, and their token as HTTP Basic.
struct account {
  explicit account(installation& on, std::string scopes = R"("write")")
      : user(new_uuid()),
        workspace(new_uuid()),
        email("u" + user.substr(0, 8) + "@example.org"),
        who(on.port(), on.token({user, workspace, "owner", email}), workspace, user),
        token(who.new_pat(R"("name":"ots","scopes":[)" + scopes + "]")["token"].text()),
        by(on.port(), {{"Authorization", basic(email, token)}}) {}
  std::string user, workspace, email;
  person who;
  std::string token;
  caller by;
};

installation with(const std::vector<std::string>& sets) {
  node_process::options o;
  for (const auto& each : sets) o.arguments.insert(o.arguments.end(), {"--set", each});
  return installation(std::move(o));
}

}  // namespace

// ---- the decision table ------------------------------------------------------------------------------

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

// ---- objects -----------------------------------------------------------------------------------------

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

// ---- requests ----------------------------------------------------------------------------------------

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

// ---- looking -----------------------------------------------------------------------------------------

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
  for (const auto& query : {"?continue=true&passphrase=wrong", "?continue=true"}) {
    auto a = guest.get(path + query);
    REQUIRE(a.status == 200);
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

// ---- a lost answer -----------------------------------------------------------------------------------

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

// ---- accounts ----------------------------------------------------------------------------------------

TEST_CASE("an account's secrets are known as its own, by address or id", "[onetime][v2][account]") {
  account a(shared());
  caller guest(shared().port());
  auto m = conceal(a.by, "mine", R"(,"recipient":["foo@example.com","bar@example.com"],"ttl":2592000)");
  const auto& receipt = m.body["record"]["receipt"];
  CHECK(receipt["custid"].is_null());
  CHECK(receipt["owner_id"].text() == a.user);
  CHECK(receipt["recipients"].text() == "fo*****@e*****.com, ba*****@e*****.com");
  CHECK(receipt["show_recipients"].flag());
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

// ---- what an operator decides ------------------------------------------------------------------------

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
  for (int i = 0; i < 400 && !refused; ++i) {
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

TEST_CASE("links begin with the public address", "[onetime][v2][urls]") {
  auto on = with({"http.public_url=http://localhost:1234/vault"});
  caller guest(on.port());
  auto m = conceal(guest, "x");
  check_receipt_record(guest.get("/receipt/" + m.receipt).json()["record"], m, "new", 604800, false, true,
                       "http://localhost:1234/vault");
}

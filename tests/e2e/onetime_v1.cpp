// One-time secrets by the v1 API, as its clients speak it: flat forms in every encoding, old names, 404 for everything.

#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <regex>
#include <thread>

#include "model/time.hpp"
#include "tests/e2e/kit.hpp"
#include "tests/support/basic.hpp"

using namespace nacre::e2e;
using nacre::test::basic;
using nacre::test::raw_http;
using kind = nacre::test::json_tree::kind;

namespace {

node_process::options with(std::vector<std::string> sets) {
  node_process::options o;
  for (auto& each : sets) {
    o.arguments.emplace_back("--set");
    o.arguments.push_back(std::move(each));
  }
  return o;
}

// The one node of these tests, without limits.
installation& node() {
  static installation one(with({"limits.enabled=false"}));
  return one;
}

constexpr const char* form_type = "application/x-www-form-urlencoded";
const std::string share_path = "/api/v1/share", secret_path = "/api/v1/secret/", private_path = "/api/v1/private/";

// A guest, or an account with its Authorization.
class caller {
 public:
  explicit caller(std::uint16_t port, std::string authorization = "")
      : client_(port), authorization_(std::move(authorization)) {}

  http_answer send(std::string_view verb, std::string_view target, std::string_view body = {},
                   std::string_view type = form_type, header_list more = {}) {
    if (!authorization_.empty()) more.emplace_back("Authorization", authorization_);
    if (!body.empty() && !type.empty()) more.emplace_back("Content-Type", type);
    return client_.send(verb, target, more, body);
  }
  http_answer get(std::string_view target) { return send("GET", target); }
  http_answer post(std::string_view target, std::string_view form = {}) { return send("POST", target, form); }
  http_answer post_json(std::string_view target, std::string_view body) {
    return send("POST", target, body, "application/json");
  }

 private:
  http_client client_;
  std::string authorization_;
};

struct account {
  explicit account(installation& on, std::string_view scopes = "\"admin\"") {
    claim c{user, workspace, "owner", email};
    person me(on.port(), on.token(c), workspace, user);
    REQUIRE(me.get("/api/v1/me").status == 200);
    token = me.new_pat("\"name\":\"v1\",\"scopes\":[" + std::string(scopes) + "]")["token"].text();
  }
  std::string user = new_uuid(), workspace = new_uuid(), email = "owner-" + user.substr(0, 8) + "@example.com", token;
  caller at(installation& on) const { return caller(on.port(), basic(email, token)); }
};

json_tree good(const http_answer& a) {
  INFO(a.body);
  REQUIRE(a.status == 200);
  CHECK(a.header("Content-Type") == "application/json; charset=utf-8");
  CHECK(a.header("Cache-Control") == "no-store");
  CHECK(is_uuid(a.header("X-Request-Id")));
  return a.json();
}

// `intended` 0: the header is not there.
void refused(const http_answer& a, const std::string& body, int intended) {
  CHECK(a.status == 404);
  CHECK(a.body == body);
  CHECK(a.header("Content-Type") == "application/json; charset=utf-8");
  CHECK(a.header("X-OTS-Intended-Status") == (intended == 0 ? "" : std::to_string(intended)));
}
std::string told(const std::string& message) { return "{\"message\":\"" + message + "\"}"; }
void refused_as_unknown(const http_answer& a, const std::string& key) {
  refused(a, R"({"secret_key":")" + key + R"(","message":"Unknown secret"})", 0);
}

json_tree good_v2(const http_answer& a) {
  INFO(a.body);
  REQUIRE(a.status == 200);
  return a.json();
}

json_tree share(caller& by, const std::string& form) { return good(by.post(share_path, form)); }
std::string key_of(const json_tree& shared) { return shared["secret_key"].text(); }
std::string receipt_of(const json_tree& shared) { return shared["metadata_key"].text(); }
std::string state_of(caller& by, const std::string& receipt) {
  return good(by.get(private_path + receipt))["state"].text();
}

// What `curl -F` sends.
std::string multipart(const std::vector<std::pair<std::string, std::string>>& fields, const std::string& boundary) {
  std::string out;
  for (const auto& [name, value] : fields)
    out += "--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n";
  return out + "--" + boundary + "--\r\n";
}

const keys all_fields = {"custid",
                         "metadata_key",
                         "secret_key",
                         "ttl",
                         "metadata_ttl",
                         "secret_ttl",
                         "metadata_url",
                         "state",
                         "updated",
                         "created",
                         "recipient",
                         "share_domain",
                         "passphrase_required",
                         "identifier",
                         "secret_identifier",
                         "has_passphrase",
                         "recipients",
                         "receipt_ttl",
                         "receipt_url"};

keys without(keys all, const keys& some) {
  std::erase_if(all, [&](const auto& k) { return std::find(some.begin(), some.end(), k) != some.end(); });
  return all;
}

void check_receipt_types(const json_tree& r) {
  for (const char* name : {"ttl", "metadata_ttl", "secret_ttl", "updated", "created", "received", "receipt_ttl"})
    if (const auto* n = r.find(name)) CHECK(n->what() == kind::integer);
  for (const char* name : {"custid", "metadata_key", "secret_key", "metadata_url", "state", "share_domain",
                           "identifier", "secret_identifier", "receipt_url"})
    if (const auto* t = r.find(name)) CHECK(t->what() == kind::string);
  CHECK(r["passphrase_required"].what() == kind::boolean);
  CHECK(r["has_passphrase"].what() == kind::boolean);
  CHECK(r["recipient"].what() == kind::array);
  CHECK(r["recipients"].what() == kind::array);
}

}  // namespace

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
  check_error(me.get("/api/v1/nowhere"), 404, "not_found");
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

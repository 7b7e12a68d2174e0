// Webhooks against a real receiver: told at least once, signed, bounded, and never to where they must not go.

#include <algorithm>

#include "crypto/digest.hpp"
#include "model/time.hpp"
#include "tests/e2e/kit.hpp"
#include "tests/support/basic.hpp"
#include "tests/support/receiver.hpp"

using namespace nacre::e2e;
using nacre::test::http_status;
using nacre::test::received;
using nacre::test::receiver;

namespace {

node_process::options listing(std::string hosts = "127.0.0.1") {
  node_process::options o;
  o.arguments = {"--set", "webhooks.allowed_hosts=" + std::move(hosts), "--set", "limits.enabled=false"};
  return o;
}

installation& node() {
  static installation one(listing());
  return one;
}

std::string hooks_path(const std::string& ws, const std::string& below = "") {
  return "/api/v1/workspaces/" + ws + "/webhooks" + (below.empty() ? "" : "/" + below);
}

json_tree new_hook(person& who, const std::string& url, const std::string& more = "") {
  auto made = who.post(hooks_path(who.workspace()), R"({"url":")" + url + "\"" + more + "}");
  INFO(made.body);
  REQUIRE(made.status == 201);
  return made.json()["data"];
}

json_tree hook(person& who, const std::string& id) {
  auto got = who.get(hooks_path(who.workspace(), id));
  REQUIRE(got.status == 200);
  return got.json()["data"];
}

bool settled(person& who, const std::string& id, std::int64_t delivered) {
  return eventually([&] {
    auto d = hook(who, id)["deliveries"];
    return d["delivered"].number() == delivered && d["waiting"].number() == 0;
  });
}

// Whether one of the header's v1 values is this secret's.
bool verifies(const received& r, const std::string& secret) {
  auto header = r.field("X-Nacre-Signature");
  auto comma = header.find(",v1=");
  if (!header.starts_with("t=") || comma == std::string::npos) return false;
  auto time = header.substr(2, comma - 2);
  auto mac = nacre::crypto::hmac_sha256(secret, time + "." + r.body);
  return header.find(",v1=" + nacre::crypto::to_hex(nacre::crypto::view(mac))) != std::string::npos;
}

std::string pat_told(const received& r) {
  return nacre::test::parse_json_tree(r.body).value()["data"]["pat_id"].text();
}
std::string type_of(const received& r) { return nacre::test::parse_json_tree(r.body).value()["type"].text(); }

// After the node was started anew: on another port, over another connection.
person again(installation& on, const person& who) { return {on.port(), who.credential(), who.workspace(), who.user()}; }

const keys hook_keys{"id",        "url",       "events",    "enabled", "disabledReason", "previousSecretUntil",
                     "createdBy", "createdAt", "deliveries"};

}  // namespace

TEST_CASE("each act is told once, signed, and holds no secret", "[webhooks]") {
  team t(node());
  receiver at;
  auto made = new_hook(t.admin, at.url("/in?key=hidden"));
  auto secret = made["secret"].text();
  CHECK(secret.starts_with("whsec_"));
  CHECK(secret.size() == 49);
  auto pat = t.member.new_pat();
  auto id = pat["id"].text();
  CHECK(t.owner.post(pat_path(id, "reveal")).status == 200);
  CHECK(t.member.del(pat_path(id)).status == 204);
  CHECK(t.member.del(pat_path(id)).status == 404);
  REQUIRE(at.await(3));
  REQUIRE(settled(t.owner, made["id"].text(), 3));
  auto got = at.all();
  REQUIRE(got.size() == 3);
  std::set<std::string> types, ids;
  for (const auto& r : got) {
    INFO(r.head << r.body);
    CHECK(r.line() == "POST /in?key=hidden HTTP/1.1");
    CHECK(verifies(r, secret));
    CHECK_FALSE(verifies(r, secret + "x"));
    CHECK(r.field("Content-Type") == "application/json");
    CHECK(r.field("User-Agent").starts_with("nacre/"));
    auto body = nacre::test::parse_json_tree(r.body).value();
    CHECK(body.keys() == keys{"id", "type", "created", "workspace_id", "data"});
    CHECK(body["data"].keys() == keys{"pat_id", "actor"});
    CHECK(body["data"]["actor"].keys() == keys{"kind", "user_id"});
    CHECK(is_uuid(body["id"].text()));
    CHECK(is_time(body["created"].text()));
    CHECK(body["id"].text() == r.field("X-Nacre-Delivery"));
    CHECK(body["type"].text() == r.field("X-Nacre-Event"));
    CHECK(body["workspace_id"].text() == t.workspace);
    CHECK(pat_told(r) == id);
    auto actor = body["data"]["actor"]["user_id"].text();
    CHECK(actor == (type_of(r) == "pat.revealed" ? t.owner.user() : t.member.user()));
    CHECK(r.body.find(pat["token"].text()) == std::string::npos);
    CHECK(r.body.find(pat["tokenPrefix"].text()) == std::string::npos);
    CHECK(r.body.find(secret) == std::string::npos);
    auto sent = std::stoll(r.field("X-Nacre-Signature").substr(2));
    CHECK(std::abs(sent - nacre::system_clock{}.now().value() / 1000) < 120);
    types.insert(type_of(r));
    ids.insert(body["id"].text());
  }
  CHECK(types == std::set<std::string>{"pat.created", "pat.revealed", "pat.revoked"});
  CHECK(ids.size() == 3);
}

TEST_CASE("an account's secrets are told of: revealed, burned, locked, and never their links", "[webhooks]") {
  team t(node());
  receiver at;
  new_hook(t.owner, at.url(), R"(,"events":["secret.revealed","secret.burned","secret.locked","secret.expired"])");
  auto token = t.owner.new_pat(R"("name":"ots","scopes":["write"])")["token"].text();
  http_client by(node().port()), guest(node().port());
  const std::string api = "/api/v2";
  header_list account{{"Authorization", nacre::test::basic(t.owner.user(), token)},
                      {"Content-Type", "application/json"}};
  header_list nobody{{"Content-Type", "application/json"}};
  std::vector<std::string> hidden{token, "told-to-one", "sesame"};
  struct made {
    std::string secret, receipt;
  };
  auto conceal = [&](const std::string& more = {}) {
    auto a = by.send("POST", api + "/secret/conceal", account, R"({"secret":{"secret":"told-to-one")" + more + "}}");
    INFO(a.body);
    REQUIRE(a.status == 200);
    auto r = a.json()["record"];
    made m{r["secret"]["identifier"].text(), r["receipt"]["identifier"].text()};
    for (const auto& each : {m.secret, m.receipt}) hidden.push_back(each), hidden.push_back(each.substr(0, 8));
    return m;
  };
  auto reveal = [&](const made& m, const std::string& more = {}) {
    return guest
        .send("POST", api + "/guest/secret/" + m.secret + "/reveal", nobody, R"({"continue":"true")" + more + "}")
        .status;
  };
  auto first = conceal();
  CHECK(reveal(first) == 200);
  CHECK(reveal(first) == 404);
  auto second = conceal();
  CHECK(by.send("POST", api + "/receipt/" + second.receipt + "/burn", account, R"({"continue":"true"})").status == 200);
  auto third = conceal(R"(,"passphrase":"sesame")");
  for (int i = 0; i < 6; ++i) reveal(third, R"(,"passphrase":"wrong")");
  REQUIRE(at.await(3));
  std::map<std::string, std::set<std::string>> refs;
  for (const auto& r : at.all()) {
    INFO(r.body);
    auto data = nacre::test::parse_json_tree(r.body).value()["data"];
    CHECK(data.keys() == keys{"secret_ref", "actor"});
    CHECK(data["secret_ref"].text().size() == 8);
    refs[type_of(r)].insert(data["secret_ref"].text());
    bool burned = type_of(r) == "secret.burned";
    CHECK(data["actor"]["kind"].text() == (burned ? "pat" : "guest"));
    CHECK(data["actor"]["user_id"].is_null() != burned);
    for (const auto& each : hidden) {
      CHECK(r.body.find(each) == std::string::npos);
      CHECK(r.head.find(each) == std::string::npos);
    }
  }
  CHECK(refs["secret.revealed"].size() == 1);
  CHECK(refs["secret.burned"].size() == 1);
  CHECK(refs["secret.locked"].size() == 1);
}

TEST_CASE("a webhook hears of what it wants and of nothing else", "[webhooks]") {
  team t(node());
  receiver at, all;
  auto some = new_hook(t.owner, at.url(), R"(,"events":["pat.revoked","secret.burned"])");
  CHECK(some["events"].items().size() == 2);
  new_hook(t.owner, all.url());
  auto id = t.member.new_pat()["id"].text();
  CHECK(t.member.del(pat_path(id)).status == 204);
  REQUIRE(all.await(2));
  REQUIRE(settled(t.owner, some["id"].text(), 1));
  CHECK(type_of(at.all().at(0)) == "pat.revoked");
}

TEST_CASE("what failed comes again, the same under the same id", "[webhooks]") {
  team t(node());
  receiver at([](const received&, std::size_t n) { return http_status(n == 0 ? 500 : 200); });
  auto made = new_hook(t.owner, at.url());
  t.member.new_pat();
  REQUIRE(at.await(2));
  REQUIRE(settled(t.owner, made["id"].text(), 1));
  auto got = at.all();
  CHECK(got[0].body == got[1].body);
  CHECK(got[0].field("X-Nacre-Delivery") == got[1].field("X-Nacre-Delivery"));
  CHECK(got[0].field("X-Nacre-Signature") != got[1].field("X-Nacre-Signature"));
  CHECK(verifies(got[1], made["secret"].text()));
  auto d = hook(t.owner, made["id"].text())["deliveries"];
  CHECK(d["failedAttempts"].number() == 1);
  CHECK(d["failingAttempts"].number() == 0);
  CHECK(d["lastStatus"].number() == 200);
  CHECK(is_time(d["lastFailedAt"].text()));
}

TEST_CASE("a receiver that was down hears of it when it is back", "[webhooks]") {
  team t(node());
  auto first = std::make_unique<receiver>();
  auto port = first->port();
  auto made = new_hook(t.owner, first->url());
  first.reset();
  auto id = t.member.new_pat()["id"].text();
  REQUIRE(eventually([&] { return hook(t.owner, made["id"].text())["deliveries"]["failedAttempts"].number() > 0; }));
  receiver back([](const received&, std::size_t) { return http_status(202); }, port);
  REQUIRE(back.await(1));
  CHECK(pat_told(back.all()[0]) == id);
  CHECK(settled(t.owner, made["id"].text(), 1));
}

TEST_CASE("what was acknowledged is told, whenever the node is killed", "[webhooks][kill]") {
  installation on(listing());
  team t(on);
  receiver at;
  auto made = new_hook(t.owner, at.url(), R"(,"events":["pat.created"])");
  std::set<std::string> acknowledged;
  auto owner = t.owner;
  for (int round = 0; round < 4; ++round) {
    for (int i = 0; i < 25; ++i) acknowledged.insert(owner.new_pat()["id"].text());
    on.node().kill();
    REQUIRE(on.node().start());
    owner = again(on, owner);
  }
  auto told = [&] {
    std::map<std::string, std::set<std::string>> out;  // PAT -> bodies
    for (const auto& r : at.all()) out[pat_told(r)].insert(r.body);
    return out;
  };
  REQUIRE(eventually([&] {
    auto known = told();
    return std::all_of(acknowledged.begin(), acknowledged.end(), [&](const auto& id) { return known.contains(id); });
  }));
  for (const auto& [id, bodies] : told()) CHECK(bodies.size() == 1);  // twice perhaps, but never two of it
  CHECK(eventually([&] { return hook(owner, made["id"].text())["deliveries"]["waiting"].number() == 0; }));
  for (const auto& r : at.all()) CHECK(verifies(r, made["secret"].text()));
}

TEST_CASE("a stop settles what is under way, and the rest waits", "[webhooks]") {
  installation on(listing());
  team t(on);
  receiver at;
  auto made = new_hook(t.owner, at.url());
  for (int i = 0; i < 30; ++i) t.owner.new_pat();
  on.restart();
  auto owner = again(on, t.owner);
  CHECK(settled(owner, made["id"].text(), 30));
  CHECK(at.count() == 30);  // nothing twice
}

TEST_CASE("a webhook points to the public internet, unless the operator says otherwise", "[webhooks][T-ssrf]") {
  installation on(listing("127.0.0.1:1"));
  team t(on);
  receiver at;
  auto port = std::to_string(at.port());
  auto refused = [&](const std::string& url) {
    INFO(url);
    check_error(t.owner.post(hooks_path(t.workspace), R"({"url":")" + url + "\"}"), 400, "invalid_request");
  };
  for (const auto& host :
       {"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "10.0.0.1", "192.168.1.1", "172.16.0.1",
        "100.64.0.1", "169.254.169.254", "[fd00::1]", "[fe80::1]", "2130706433", "0x7f.1", "127.1"}) {
    refused("https://" + std::string(host) + ":" + port + "/");
    refused("http://" + std::string(host) + ":" + port + "/");
  }
  refused("http://hooks.example.com/");
  refused("https://user:pw@hooks.example.com/");
  refused("ftp://hooks.example.com/");
  refused("file:///etc/passwd");
  refused("/relative");
  // Allowed once, not any more: each send looks again.
  auto made = new_hook(t.owner, "http://127.0.0.1:1/");
  check_error(t.owner.patch(hooks_path(t.workspace, made["id"].text()), R"({"url":")" + at.url() + "\"}"), 400,
              "invalid_request");
  on.node().how() = listing("127.0.0.1:2");
  on.restart();
  again(on, t.owner).new_pat();
  REQUIRE(eventually([&] { return on.node().errors().find(R"("reason":"refused")") != std::string::npos; }));
  CHECK(at.count() == 0);
}

TEST_CASE("only listed hosts, if the operator wishes", "[webhooks][T-ssrf]") {
  auto how = listing();
  how.arguments.insert(how.arguments.end(), {"--set", "webhooks.only_allowed_hosts=true"});
  installation on(how);
  team t(on);
  check_error(t.owner.post(hooks_path(t.workspace), R"({"url":"https://hooks.example.com"})"), 400, "invalid_request");
  receiver at;
  new_hook(t.owner, at.url());
}

TEST_CASE("webhooks are for owners and admins, and are shown without their secret", "[webhooks]") {
  team t(node());
  auto made = new_hook(t.owner, "https://hooks.invalid/a");
  auto id = made["id"].text();
  auto with_secret = hook_keys;
  with_secret.insert(with_secret.begin() + 5, "secret");
  CHECK(made.keys() == with_secret);
  auto shown = hook(t.admin, id);
  CHECK(shown.keys() == hook_keys);
  CHECK(shown["enabled"].flag());
  CHECK(shown["disabledReason"].is_null());
  CHECK(shown["events"].items().empty());
  CHECK(shown["createdBy"].text() == t.owner.user());
  CHECK(shown["deliveries"].keys() == keys{"waiting", "delivered", "failedAttempts", "failingAttempts", "givenUp",
                                           "dropped", "lastDeliveredAt", "lastFailedAt", "lastStatus"});
  auto list = t.admin.get(hooks_path(t.workspace));
  REQUIRE(list.status == 200);
  CHECK(list.body.find("whsec_") == std::string::npos);
  CHECK(list.json()["data"].size() == 1);
  CHECK(list.json()["pagination"]["total"].number() == 1);
  check_error(t.member.get(hooks_path(t.workspace)), 403, "forbidden");
  check_error(t.member.get(hooks_path(t.workspace, id)), 403, "forbidden");
  team other(node());
  check_error(other.owner.get(hooks_path(other.workspace, id)), 404, "not_found");
  check_error(other.owner.del(hooks_path(other.workspace, id)), 404, "not_found");
  check_error(other.owner.patch(hooks_path(other.workspace, id), R"({"rotateSecret":true})"), 404, "not_found");
  check_error(other.owner.post(hooks_path(other.workspace, id + "/test")), 404, "not_found");
  check_error(t.owner.get(hooks_path(t.workspace, "x")), 400, "invalid_request");

  for (const char* bad :
       {R"({})", R"({"url":1})", R"({"url":null})", R"({"url":""})", R"({"url":"https://a","x":1})",
        R"({"url":"https://a.invalid","enabled":true})", R"({"url":"https://a.invalid","events":"pat.created"})",
        R"({"url":"https://a.invalid","events":["pat.unknown"]})", R"({"url":"https://a.invalid","events":["ping"]})",
        R"({"url":"https://a.invalid","events":[1]})"}) {
    INFO(bad);
    check_error(t.owner.post(hooks_path(t.workspace), bad), 400, "invalid_request");
  }
  for (const char* bad :
       {R"({"enabled":1})", R"({"rotateSecret":"yes"})", R"({"secret":"mine"})", R"({"events":{}})"}) {
    INFO(bad);
    check_error(t.owner.patch(hooks_path(t.workspace, id), bad), 400, "invalid_request");
  }
  for (int i = 1; i < 10; ++i) new_hook(t.owner, "https://hooks.invalid/" + std::to_string(i));
  check_error(t.owner.post(hooks_path(t.workspace), R"({"url":"https://hooks.invalid/10"})"), 409, "conflict");
  CHECK(t.admin.del(hooks_path(t.workspace, id)).status == 204);
  check_error(t.admin.del(hooks_path(t.workspace, id)), 404, "not_found");
  check_error(t.admin.get(hooks_path(t.workspace, id)), 404, "not_found");
}

TEST_CASE("a changed secret signs beside the old one", "[webhooks]") {
  team t(node());
  receiver at;
  auto made = new_hook(t.owner, at.url());
  auto path = hooks_path(t.workspace, made["id"].text());
  auto rotated = t.admin.patch(path, R"({"rotateSecret":true})");
  REQUIRE(rotated.status == 200);
  auto before = made["secret"].text(), after = rotated.json()["data"]["secret"].text();
  CHECK(before != after);
  CHECK(is_time(rotated.json()["data"]["previousSecretUntil"].text()));
  CHECK(t.admin.patch(path, R"({"rotateSecret":false})").json()["data"].keys() == hook_keys);
  CHECK(t.owner.post(path + "/test").status == 202);
  REQUIRE(at.await(1));
  auto got = at.all()[0];
  CHECK(type_of(got) == "ping");
  CHECK(verifies(got, before));
  CHECK(verifies(got, after));
}

TEST_CASE("a webhook can be tried, switched off and on again", "[webhooks]") {
  team t(node());
  receiver at;
  auto made = new_hook(t.owner, at.url(), R"(,"events":["secret.burned"])");
  auto path = hooks_path(t.workspace, made["id"].text());
  auto tried = t.owner.post(path + "/test");
  CHECK(tried.status == 202);
  CHECK(tried.json()["data"].keys() == hook_keys);
  REQUIRE(at.await(1));
  auto off = t.owner.patch(path, R"({"enabled":false,"events":[]})");
  REQUIRE(off.status == 200);
  CHECK(off.json()["data"]["disabledReason"].text() == "switched off");
  check_error(t.owner.post(path + "/test"), 409, "conflict");
  t.member.new_pat();
  CHECK(t.owner.patch(path, R"({"enabled":true})").status == 200);
  auto id = t.member.new_pat()["id"].text();
  REQUIRE(at.await(2));
  CHECK(pat_told(at.all()[1]) == id);
}

TEST_CASE("a receiver that is gone is left alone", "[webhooks]") {
  team t(node());
  receiver at([](const received&, std::size_t n) { return http_status(n == 0 ? 410 : 200); });
  auto made = new_hook(t.owner, at.url());
  auto id = made["id"].text();
  t.member.new_pat();
  REQUIRE(eventually([&] { return !hook(t.owner, id)["enabled"].flag(); }));
  CHECK(hook(t.owner, id)["disabledReason"].text() == "gone");
  CHECK(hook(t.owner, id)["deliveries"]["lastStatus"].number() == 410);
  t.member.new_pat();
  CHECK(t.owner.patch(hooks_path(t.workspace, id), R"({"enabled":true})").status == 200);
  CHECK(t.owner.post(hooks_path(t.workspace, id + "/test")).status == 202);
  REQUIRE(at.await(2));
  CHECK(type_of(at.all()[1]) == "ping");
  auto log = audit_of(t.owner);
  std::set<std::string> actions;
  for (const auto& e : log) actions.insert(e["action"].text());
  for (auto each : {"webhook.create", "webhook.give_up", "webhook.disable", "webhook.update", "webhook.test"})
    CHECK(actions.contains(each));
}

TEST_CASE("secrets and URLs of webhooks stay out of logs, metrics and files", "[webhooks][T-canary]") {
  installation on(listing());
  team t(on);
  receiver at([](const received&, std::size_t n) { return http_status(n == 0 ? 500 : 200); });
  auto made = new_hook(t.owner, at.url("/hidden-path-4711?hidden-query=4712"));
  auto rotated = t.owner.patch(hooks_path(t.workspace, made["id"].text()), R"({"rotateSecret":true})").json()["data"];
  auto pat = t.member.new_pat();
  REQUIRE(at.await(2));
  REQUIRE(settled(t.owner, made["id"].text(), 1));
  http_client c(on.port());
  auto metrics = c.send("GET", "/metrics").body;
  CHECK(metrics.find("\nnacre_webhook_attempts_total{outcome=\"delivered\"} 1\n") != std::string::npos);
  CHECK(metrics.find("\nnacre_webhook_attempts_total{outcome=\"retry\"} 1\n") != std::string::npos);
  REQUIRE(on.node().stop() == 0);
  auto log = on.node().errors();
  CHECK(log.find("\"webhook delivery failed\"") != std::string::npos);
  for (const auto& text : {log, metrics}) {
    CHECK(text.find("hidden-") == std::string::npos);
    CHECK(text.find(pat["token"].text()) == std::string::npos);
  }
  std::vector<std::string> secrets{made["secret"].text().substr(6), rotated["secret"].text().substr(6),
                                   pat["token"].text()};
  for (const auto& file : std::filesystem::recursive_directory_iterator(on.node().data())) {
    if (!file.is_regular_file()) continue;
    auto bytes = nacre::test::read_whole(file.path());
    for (const auto& secret : secrets) {
      INFO(file.path());
      CHECK(bytes.find(secret) == std::string::npos);
    }
  }
  for (const auto& secret : secrets) CHECK(log.find(secret) == std::string::npos);
}

// Requests for secrets over real sockets: one answer and one pickup whoever races, kills and lost replies, what each
// link may do, and that nothing of an answer lies about in the clear.

#include <atomic>
#include <barrier>
#include <thread>

#include "crypto/sealed_answer.hpp"
#include "tests/e2e/kit.hpp"
#include "tests/support/random_source.hpp"

using namespace nacre::e2e;
using nacre::test::read_whole;
namespace fs = std::filesystem;

namespace {

node_process::options unlimited(std::vector<std::string> more = {}) {
  node_process::options o;
  o.arguments = {"--set", "limits.enabled=false"};
  o.arguments.insert(o.arguments.end(), more.begin(), more.end());
  return o;
}

const std::string path = "/api/v1/requests";

struct asked {
  std::string id, pickup;
  nacre::crypto::asking_key key = nacre::crypto::make_asking_key();
  std::string seal(std::string_view text) const { return nacre::crypto::seal_answer(key.public_key, id, text); }
  std::string open(std::string_view sealed) const {
    auto text = nacre::crypto::open_answer(key, id, sealed);
    return text ? std::string(text->view()) : "not ours";
  }
};

// Of threads too, where Catch cannot be asked: an empty id where it was not made.
asked ask(http_client& by, const std::string& body = "{}", const header_list& more = {}, int* status = nullptr) {
  auto headers = more;
  headers.emplace_back("Content-Type", "application/json");
  auto a = by.send("POST", path, headers, body);
  if (status) *status = a.status;
  asked out;
  if (a.status != 201) return out;
  auto data = a.json()["data"];
  out.id = data["id"].text();
  out.pickup = data["pickupKey"].text();
  return out;
}

http_answer give(http_client& by, const asked& to, const std::string& sealed, const std::string& key = {}) {
  header_list headers{{"Content-Type", "application/json"}};
  if (!key.empty()) headers.emplace_back("Idempotency-Key", key);
  return by.send("POST", path + "/" + to.id + "/answer", headers, R"({"sealed":")" + sealed + "\"}");
}

http_answer pick_up(http_client& by, const asked& what, const std::string& key = {}) {
  header_list headers{{"Pickup-Key", what.pickup}};
  if (!key.empty()) headers.emplace_back("Idempotency-Key", key);
  return by.send("POST", path + "/" + what.id + "/pickup", headers);
}

std::string state_of(http_client& by, const asked& what) {
  auto a = by.send("GET", path + "/" + what.id, {{"Pickup-Key", what.pickup}});
  return a.status == 200 ? a.json()["data"]["state"].text() : std::to_string(a.status);
}

}  // namespace

TEST_CASE("a request is answered once, picked up once, and its links do nothing else", "[requests]") {
  installation on(unlimited());
  http_client me(on.port());
  auto r = ask(me, R"({"lifetimeSeconds":3600})");
  REQUIRE(r.id.size() == 43);
  REQUIRE(r.pickup.size() == 43);
  CHECK(state_of(me, r) == "open");
  auto seen = me.send("GET", path + "/" + r.id);
  CHECK(seen.status == 200);
  check_json_headers(seen);
  CHECK(seen.json()["data"].keys() == keys{"state", "answerUntil"});
  CHECK(check_error(pick_up(me, r), 409, "conflict") == "Nobody has answered yet");

  const auto sealed = r.seal("the door code is 4711");
  auto sent = give(me, r, sealed, "a-key-of-sixteen-characters");
  CHECK(sent.status == 201);
  CHECK(sent.json()["data"].keys() == keys{"state", "answerUntil"});
  CHECK(give(me, r, sealed, "a-key-of-sixteen-characters").status == 201);  // the reply was lost
  CHECK(check_error(give(me, r, r.seal("other"), "a-key-of-sixteen-characters"), 409, "conflict") ==
        "This request has been answered already");
  check_error(give(me, r, sealed), 409, "conflict");
  CHECK(me.send("GET", path + "/" + r.id).json()["data"]["state"].text() == "answered");
  CHECK(state_of(me, r) == "answered");

  // The link that was sent opens nothing, nor does a wrong key; looking takes nothing.
  auto thief = asked{r.id, r.id, {}};
  for (auto verb : {"POST", "DELETE"})
    check_error(me.send(verb, path + "/" + r.id + "/pickup", {{"Idempotency-Key", "a-key-of-sixteen-characters"}}), 404,
                "not_found");
  check_error(pick_up(me, thief), 404, "not_found");
  check_error(me.send("DELETE", path + "/" + r.id, {{"Pickup-Key", thief.pickup}}), 404, "not_found");
  check_error(me.send("DELETE", path + "/" + r.id), 404, "not_found");
  check_error(me.send("GET", path + "/" + r.id, {{"Pickup-Key", thief.pickup}}), 404, "not_found");
  for (auto verb : {"GET", "HEAD"}) me.send(verb, path + "/" + r.id, {{"Pickup-Key", r.pickup}});
  check_error(me.send("GET", path + "/" + r.id + "/pickup", {{"Pickup-Key", r.pickup}}), 405, "method_not_allowed");

  const std::string key = "the-key-of-this-pickup";
  auto first = pick_up(me, r, key);
  REQUIRE(first.status == 200);
  CHECK(r.open(first.json()["data"]["sealed"].text()) == "the door code is 4711");
  auto again = pick_up(me, r, key);
  CHECK(again.body == first.body);
  check_error(pick_up(me, r, "another-key-of-a-pickup"), 404, "not_found");
  check_error(pick_up(me, r), 404, "not_found");
  CHECK(state_of(me, r) == "picked_up");
  header_list confirming{{"Pickup-Key", r.pickup}, {"Idempotency-Key", key}};
  CHECK(me.send("DELETE", path + "/" + r.id + "/pickup", confirming).status == 204);
  CHECK(me.send("DELETE", path + "/" + r.id + "/pickup", confirming).status == 204);
  check_error(pick_up(me, r, key), 404, "not_found");
  check_error(me.send("DELETE", path + "/" + r.id, {{"Pickup-Key", r.pickup}}), 409, "conflict");
}

TEST_CASE("who asked withdraws it; then nobody answers, and what was there is gone", "[requests]") {
  installation on(unlimited());
  http_client me(on.port());
  for (bool answered : {false, true}) {
    auto r = ask(me);
    if (answered) REQUIRE(give(me, r, r.seal("too early")).status == 201);
    CHECK(me.send("DELETE", path + "/" + r.id, {{"Pickup-Key", r.pickup}}).status == 204);
    CHECK(me.send("DELETE", path + "/" + r.id, {{"Pickup-Key", r.pickup}}).status == 204);
    CHECK(state_of(me, r) == "cancelled");
    check_error(give(me, r, r.seal("too late")), 404, "not_found");
    check_error(me.send("GET", path + "/" + r.id), 404, "not_found");
    check_error(pick_up(me, r), 404, "not_found");
  }
}

TEST_CASE("bad requests are refused in nacre's own words and change nothing", "[requests]") {
  installation on(unlimited());
  http_client me(on.port());
  const header_list json{{"Content-Type", "application/json"}};
  for (auto body :
       {"", "[]", "{", "{\"lifetimeSeconds\":59}", "{\"lifetimeSeconds\":604801}", "{\"lifetimeSeconds\":\"1\"}",
        "{\"lifetimeSeconds\":1.5}", "{\"ttl\":60}", "{\"lifetimeSeconds\":60,\"lifetimeSeconds\":60}"})
    check_error(me.send("POST", path, json, body), 400, "invalid_request");
  check_error(me.send("POST", path, {{"Content-Type", "text/plain"}}, "{}"), 415, "unsupported_media_type");
  check_error(me.send("POST", path, {{"Content-Type", "application/json"}, {"Authorization", "Bearer nothing"}}, "{}"),
              401, "unauthorized");
  check_error(me.send("GET", path), 405, "method_not_allowed");

  auto r = ask(me);
  const auto good = r.seal("x");
  auto at = path + "/" + r.id;
  for (const auto& sealed :
       {std::string(), std::string("plain text"), "x" + std::string(100, 'A'), "." + std::string(100, 'A'),
        std::string("nacre-answer1."), "nacre-answer1." + std::string(60, '='), "nacre-answer1." + std::string(60, ' '),
        "nacre-answer1." + std::string(10'000, 'A')})
    check_error(give(me, r, sealed), 400, "invalid_request");
  for (auto body : {"{}", "{\"sealed\":1}", "{\"sealed\":null}"})
    check_error(me.send("POST", at + "/answer", json, body), 400, "invalid_request");
  check_error(give(me, r, good, "short"), 400, "invalid_request");
  check_error(me.send("POST", at + "/answer", json, std::string(40'000, ' ')), 413, "invalid_request");
  for (const auto& id : {std::string("x"), std::string(43, 'a'), r.id.substr(1), r.id + "a", r.pickup}) {
    auto other = asked{id, r.pickup, {}};
    check_error(give(me, other, good), 404, "not_found");
    check_error(pick_up(me, other), 404, "not_found");
    check_error(me.send("GET", path + "/" + id), 404, "not_found");
  }
  CHECK(state_of(me, r) == "open");
  REQUIRE(give(me, r, good).status == 201);
  header_list confirming{{"Pickup-Key", r.pickup}};
  check_error(me.send("DELETE", at + "/pickup", confirming), 400, "invalid_request");
  check_error(pick_up(me, r, "short"), 400, "invalid_request");
  CHECK(state_of(me, r) == "answered");
}

TEST_CASE("accounts ask in their workspace, with the scope; it is on record; guests only where they may",
          "[requests]") {
  installation on(unlimited({"--set", "onetime.guest_request=false"}));
  http_client me(on.port());
  int status = 0;
  ask(me, "{}", {}, &status);
  CHECK(status == 403);
  team t(on);
  auto as = [&](const std::string& token) {
    return header_list{{"Authorization", "Bearer " + token}, {"X-Workspace-Id", t.workspace}};
  };
  auto reader = t.member.new_pat(R"("name":"r","scopes":["read"])")["token"].text();
  ask(me, "{}", as(reader), &status);
  CHECK(status == 403);
  auto r = ask(me, R"({"lifetimeSeconds":2592000})", as(t.member.credential()), &status);
  REQUIRE(status == 201);
  REQUIRE(give(me, r, r.seal("for the account")).status == 201);  // whoever was asked needs no account
  CHECK(r.open(pick_up(me, r).json()["data"]["sealed"].text()) == "for the account");
  std::vector<std::string> acts;
  for (const auto& entry : audit_of(t.owner))
    if (entry["action"].text().starts_with("request.")) acts.push_back(entry["action"].text());
  CHECK(acts == std::vector<std::string>{"request.open", "request.answer", "request.pick_up"});
}

TEST_CASE("of 32 who answer each of 50 requests at once exactly one stands, and of 32 pickups one gets it",
          "[requests][race]") {
  installation on(unlimited());
  constexpr std::size_t requests = 50, people = 32;
  http_client me(on.port());
  std::vector<asked> all;
  for (std::size_t i = 0; i < requests; ++i) all.push_back(ask(me));
  struct count {
    std::atomic<int> answered{0}, late{0}, got{0}, none{0};
    std::atomic<std::size_t> who{people};
  };
  std::vector<count> counts(requests);
  std::atomic<int> wrong{0};
  std::barrier together(static_cast<std::ptrdiff_t>(people));
  std::vector<std::thread> threads;
  for (std::size_t p = 0; p < people; ++p)
    threads.emplace_back([&, p] {
      http_client mine(on.port());
      for (std::size_t i = 0; i < requests; ++i) {
        auto& c = counts[i];
        auto text = all[i].seal("from " + std::to_string(p));
        together.arrive_and_wait();
        auto a = give(mine, all[i], text, p % 2 == 0 ? "a-key-of-sixteen-" + std::to_string(p) : "");
        if (a.status == 201)
          ++c.answered, c.who = p;
        else if (a.status == 409)
          ++c.late;
        else
          ++wrong;
        together.arrive_and_wait();
        auto got = pick_up(mine, all[i], p % 2 == 0 ? "a-pickup-key-of-" + std::to_string(p) : "");
        if (got.status == 200 &&
            all[i].open(got.json()["data"]["sealed"].text()) == "from " + std::to_string(c.who.load()))
          ++c.got;
        else if (got.status == 404)
          ++c.none;
        else
          ++wrong;
      }
    });
  for (auto& t : threads) t.join();
  CHECK(wrong == 0);
  for (std::size_t i = 0; i < requests; ++i) {
    INFO("request " << i);
    CHECK(counts[i].answered == 1);
    CHECK(counts[i].late == int{people} - 1);
    CHECK(counts[i].got == 1);
    CHECK(counts[i].none == int{people} - 1);
  }
}

TEST_CASE("kill -9 in between loses no acknowledged answer and gives none out twice", "[requests][kill]") {
  const auto seed = nacre::testing::announced_seed("kill -9 among requests");
  nacre::testing::random_source random(seed);
  installation on(unlimited());
  for (int round = 0; round < 3; ++round) {
    INFO("round " << round);
    struct known {
      asked what;
      std::string text, sealed, key;
      enum { opened, answer_sent, answered, pickup_sent, picked_up } at = opened;
    };
    constexpr std::size_t clients = 6;
    std::vector<std::vector<known>> all(clients);
    std::vector<std::string> complaints(clients);
    std::atomic<std::size_t> acts{0};
    std::vector<std::thread> threads;
    for (std::size_t c = 0; c < clients; ++c)
      threads.emplace_back([&, c] {
        http_client mine(on.port());
        auto good = [&](const http_answer& a, int wanted) {
          if (a.status == wanted) return true;
          if (a.status != 0 && a.status != 503) complaints[c] = std::to_string(a.status);
          return false;
        };
        for (int turn = 0;; ++turn) {
          int status = 0;
          known k{ask(mine, "{}", {}, &status), "text " + std::to_string(turn), {}, {}};
          if (status != 201) return;
          k.sealed = k.what.seal(k.text);
          k.key = "key-of-the-storm-" + std::to_string(c) + "-" + std::to_string(turn);
          all[c].push_back(std::move(k));
          auto& now = all[c].back();
          if (turn % 3 == 0) continue;
          now.at = known::answer_sent;
          if (!good(give(mine, now.what, now.sealed, now.key), 201)) return;
          now.at = known::answered;
          ++acts;
          if (turn % 3 == 1) continue;
          now.at = known::pickup_sent;
          if (!good(pick_up(mine, now.what, now.key), 200)) return;
          now.at = known::picked_up;
          ++acts;
        }
      });
    const auto enough = 100 + random.below(200);
    eventually([&] { return acts > enough; });
    on.node().kill();
    for (auto& t : threads) t.join();
    REQUIRE(on.node().start());
    http_client after(on.port());
    for (std::size_t c = 0; c < clients; ++c) {
      CHECK(complaints[c] == "");
      for (auto& k : all[c]) {
        INFO("client " << c << ", " << k.text << ", got to " << k.at);
        if (k.at == known::opened) CHECK(state_of(after, k.what) == "open");
        // Who sent it and heard nothing sends it again: it stands, once.
        if (k.at == known::answer_sent) REQUIRE(give(after, k.what, k.sealed, k.key).status == 201);
        if (k.at == known::picked_up) {
          check_error(pick_up(after, k.what), 404, "not_found");
        } else if (k.at != known::opened) {
          auto got = pick_up(after, k.what, k.key);
          REQUIRE(got.status == 200);
          CHECK(k.what.open(got.json()["data"]["sealed"].text()) == k.text);
          check_error(pick_up(after, k.what), 404, "not_found");
        }
      }
    }
  }
  CHECK(on.node().stop() == 0);
}

TEST_CASE("no key, link, key of a retry or text of a request lies on disk or in a log", "[requests][canary]") {
  installation on(unlimited());
  http_client me(on.port());
  std::vector<std::string> needles;
  for (int i = 0; i < 40; ++i) {
    auto r = ask(me);
    const auto text = "a text nobody may find " + std::to_string(i);
    const auto key = "a-retry-key-nobody-finds-" + std::to_string(i);
    const auto sealed = r.seal(text);
    if (i % 4 > 0) REQUIRE(give(me, r, sealed, key).status == 201);
    if (i % 4 > 1) REQUIRE(pick_up(me, r, key).status == 200);
    if (i % 4 == 3)
      REQUIRE(me.send("DELETE", path + "/" + r.id + "/pickup", {{"Pickup-Key", r.pickup}, {"Idempotency-Key", key}})
                  .status == 204);
    // Not even what was sealed for who asks can be read there: it lies under the link.
    for (const auto& each :
         {r.id, r.pickup, text, key, sealed.substr(20, 40), r.key.public_key, std::string(r.key.private_key.view())})
      needles.push_back(each);
  }
  REQUIRE(on.node().stop() == 0);
  std::size_t read = 0;
  for (const auto& file : fs::recursive_directory_iterator(on.node().data())) {
    if (!file.is_regular_file()) continue;
    auto bytes = read_whole(file.path());
    read += bytes.size();
    for (const auto& needle : needles) CHECK(bytes.find(needle) == std::string::npos);
  }
  CHECK(read > 10'000);
  for (const auto& needle : needles) CHECK(on.node().errors().find(needle) == std::string::npos);
}

TEST_CASE("strangers ask and answer only so often", "[requests][limits]") {
  node_process::options o;
  o.arguments = {"--set", "limits.guest_create_per_minute=3", "--set", "limits.guest_reveal_per_minute=2"};
  installation on(o);
  http_client me(on.port());
  auto r = ask(me);
  REQUIRE(give(me, r, r.seal("x")).status == 201);
  REQUIRE_FALSE(ask(me).id.empty());
  auto refused = give(me, r, r.seal("y"));
  check_error(refused, 429, "rate_limited");
  CHECK(refused.header("RateLimit-Policy").starts_with("\"guest_create\""));
  for (int i = 0; i < 2; ++i) pick_up(me, asked{std::string(43, 'a'), std::string(43, 'a'), {}});
  check_error(pick_up(me, r), 429, "rate_limited");
  CHECK(state_of(me, r) == "answered");
}

TEST_CASE("a guest's request is refused only when hardly anything is left of what guests may keep", "[requests]") {
  // Three requests in each of 64 partitions. Where one goes is drawn, so that some are full early.
  installation on(unlimited({"--set", "onetime.guest_bytes_max=128000"}));
  http_client me(on.port());
  int before = 0, after = 0, status = 201;
  for (; before < 1'000; ++before) {
    ask(me, "{}", {}, &status);
    if (status != 201) break;
  }
  CHECK(status == 507);
  for (int i = 0; i < 200; ++i) after += !ask(me).id.empty();
  INFO(before << " were kept before the first refusal, " << after << " after it");
  CHECK(before > 64);
  CHECK(after * 5 < before);
}

// One-time secrets under races, kills and searches: one reader each, nothing lost that was promised, nothing
// left on disk.

#include <algorithm>
#include <array>
#include <atomic>
#include <barrier>
#include <functional>
#include <thread>

#include "model/secret_records.hpp"
#include "storage/rocks_store.hpp"
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

const header_list json_body = {{"Content-Type", "application/json"}};

struct hidden {
  std::string value, identifier, receipt;
};

// Nothing if it was not made. Called by threads, where Catch cannot be asked.
std::optional<hidden> conceal(http_client& by, const std::string& value, const std::string& more = "",
                              int* status = nullptr) {
  auto a = by.send("POST", "/api/v2/guest/secret/conceal", json_body,
                   "{\"secret\":{\"secret\":\"" + value + "\",\"ttl\":3600" + more + "}}");
  if (status) *status = a.status;
  if (a.status != 200) return std::nullopt;
  auto record = a.json()["record"];
  return hidden{value, record["secret"]["identifier"].text(), record["receipt"]["identifier"].text()};
}

http_answer reveal(http_client& by, const std::string& identifier, const std::string& key = "",
                   const std::string& passphrase = "") {
  auto headers = json_body;
  if (!key.empty()) headers.emplace_back("Idempotency-Key", key);
  auto body = passphrase.empty() ? std::string(R"({"continue":"true"})")
                                 : R"({"continue":"true","passphrase":")" + passphrase + "\"}";
  return by.send("POST", "/api/v2/guest/secret/" + identifier + "/reveal", headers, body);
}

// The body with what is this request's own made equal.
std::string without_ids(std::string body) {
  for (std::string_view name : {"\"error_id\":\"", "\"request_id\":\""}) {
    auto at = body.find(name);
    if (at == std::string::npos) continue;
    at += name.size();
    body.replace(at, body.find('"', at) - at, "-");
  }
  return body;
}

// The last bytes of what lies sealed in rows of a kind, which nothing else holds. While the node is down.
std::vector<std::string> sealed_tails(const fs::path& database, char kind,
                                      const std::function<std::string(std::string_view row)>& sealed) {
  constexpr std::size_t kind_at = 16, tail_bytes = 24;
  nacre::storage::rocks_options reader;
  reader.read_only = true;
  auto store = nacre::storage::open_rocks_store(database, reader);
  REQUIRE(store);
  std::vector<std::string> tails;
  (*store)->snapshot()->scan(nacre::model::space::sealed, "", std::string(kind_at + 1, '\xff'),
                             [&](std::string_view key, std::string_view value) {
                               if (key.at(kind_at) != kind) return true;
                               const auto whole = sealed(value);
                               tails.push_back(whole.substr(whole.size() - tail_bytes));
                               return true;
                             });
  return tails;
}

// How often one of these lies in one of the files.
std::size_t left_in(const fs::path& database, const std::vector<std::string>& tails) {
  std::size_t found = 0;
  std::error_code gone;
  for (const auto& file : fs::recursive_directory_iterator(database, gone)) {
    if (!file.is_regular_file(gone)) continue;
    const auto bytes = read_whole(file.path());
    for (const auto& tail : tails) found += bytes.find(tail) != std::string::npos;
  }
  return found;
}

}  // namespace

TEST_CASE("of 64 readers of each of 200 secrets exactly one gets the value, the others the 404", "[onetime][race]") {
  installation on(unlimited());
  constexpr int secrets = 200, readers = 64;
  http_client maker(on.port());
  std::vector<hidden> all;
  for (int i = 0; i < secrets; ++i) all.push_back(conceal(maker, "the value of " + std::to_string(i)).value());
  std::vector<std::atomic<int>> winners(secrets), losers(secrets);
  std::atomic<int> wrong{0};
  std::barrier together(readers);
  std::vector<std::thread> threads;
  for (int r = 0; r < readers; ++r)
    threads.emplace_back([&] {
      http_client me(on.port());
      for (std::size_t i = 0; i < all.size(); ++i) {
        together.arrive_and_wait();
        auto a = reveal(me, all[i].identifier);
        if (a.status == 200 && a.json()["record"]["secret_value"].text() == all[i].value)
          ++winners[i];
        else if (a.status == 404 && a.body.find(all[i].value) == std::string::npos)
          ++losers[i];
        else
          ++wrong;
      }
    });
  for (auto& t : threads) t.join();
  CHECK(wrong == 0);
  for (int i = 0; i < secrets; ++i) {
    INFO("secret " << i);
    CHECK(winners[static_cast<std::size_t>(i)] == 1);
    CHECK(losers[static_cast<std::size_t>(i)] == readers - 1);
  }
}

TEST_CASE("kill -9 in a storm loses no acknowledged secret and shows none twice", "[onetime][kill]") {
  const auto seed = nacre::testing::announced_seed("kill -9 in a storm of secrets");
  nacre::testing::random_source random(seed);
  installation on(unlimited());
  std::size_t seen = 0;
  for (int round = 0; round < 4; ++round) {
    INFO("round " << round);
    constexpr std::size_t clients = 8;
    struct known {
      std::vector<hidden> there, shown;
      std::vector<std::pair<hidden, std::string>> in_doubt;  // with the key the reveal was sent with
      std::string complaint;
    };
    std::vector<known> all(clients);
    std::atomic<std::size_t> acts{0};
    std::vector<std::thread> threads;
    for (std::size_t c = 0; c < clients; ++c)
      threads.emplace_back([&, c, one = random.any()] {
        nacre::testing::random_source dice(one);
        auto& mine = all[c];
        http_client me(on.port());
        for (int turn = 0;; ++turn) {
          if (mine.there.size() < 4 || dice.one_in(2)) {
            auto value = "v" + std::to_string(round) + "-" + std::to_string(c) + "-" + std::to_string(turn);
            int status = 0;
            auto made = conceal(me, value, "", &status);
            if (!made) {
              if (status != 0 && status != 503) mine.complaint = std::to_string(status) + " for a new secret";
              return;
            }
            mine.there.push_back(std::move(*made));
          } else {
            auto at = mine.there.begin() + static_cast<std::ptrdiff_t>(dice.below(mine.there.size()));
            auto chosen = *at;
            mine.there.erase(at);
            auto key = "key-of-the-storm-" + std::to_string(dice.any());
            auto a = reveal(me, chosen.identifier, key);
            if (a.status == 0 || a.status == 503) {
              mine.in_doubt.emplace_back(std::move(chosen), key);
              return;
            }
            if (a.status != 200 || a.json()["record"]["secret_value"].text() != chosen.value)
              mine.complaint = std::to_string(a.status) + " for a secret nobody had read";
            mine.shown.push_back(std::move(chosen));
          }
          ++acts;
        }
      });
    const auto enough = 200 + random.below(400);
    eventually([&] { return acts > enough; });
    on.node().kill();
    for (auto& t : threads) t.join();
    REQUIRE(on.node().start());
    http_client after(on.port());
    for (const auto& mine : all) {
      CHECK(mine.complaint == "");
      seen += mine.there.size() + mine.shown.size();
      for (const auto& s : mine.shown) CHECK(reveal(after, s.identifier).status == 404);
      for (const auto& [s, key] : mine.in_doubt) {
        // The answer was lost: whoever has the key gets it, and nobody else does any more.
        auto again = reveal(after, s.identifier, key);
        REQUIRE(again.status == 200);
        CHECK(again.json()["record"]["secret_value"].text() == s.value);
        CHECK(reveal(after, s.identifier).status == 404);
      }
      for (const auto& s : mine.there) {
        auto a = reveal(after, s.identifier);
        REQUIRE(a.status == 200);
        CHECK(a.json()["record"]["secret_value"].text() == s.value);
        CHECK(reveal(after, s.identifier).status == 404);
      }
    }
  }
  CHECK(seen > 500);
  CHECK(on.node().stop() == 0);
}

TEST_CASE("a secret that was opened before a stop stays opened in a copy that lacks the log of writes",
          "[onetime][kill]") {
  installation on(unlimited());
  http_client me(on.port());
  const auto opened = conceal(me, "opened once").value(), kept = conceal(me, "not yet").value();
  on.restart();
  me = http_client(on.port());
  REQUIRE(reveal(me, opened.identifier).status == 200);
  REQUIRE(on.node().stop() == 0);
  std::vector<fs::path> logs;
  for (const auto& each : fs::directory_iterator(on.node().data() / "db"))
    if (each.path().extension() == ".log") logs.push_back(each.path());
  for (const auto& each : logs) fs::remove(each);
  REQUIRE(on.node().start());
  me = http_client(on.port());
  CHECK(reveal(me, opened.identifier).status == 404);
  CHECK(reveal(me, kept.identifier).status == 200);
}

TEST_CASE("unknown, burned, expired and revealed secrets are answered with the same bytes", "[onetime][oracle]") {
  installation on(unlimited());
  http_client me(on.port());
  auto revealed = conceal(me, "to be revealed").value();
  auto burned = conceal(me, "to be burned").value();
  REQUIRE(reveal(me, revealed.identifier).status == 200);
  REQUIRE(
      me.send("POST", "/api/v2/guest/receipt/" + burned.receipt + "/burn", json_body, R"({"continue":true})").status ==
      200);
  std::string unknown(43, 'a'), malformed = "short";
  for (auto path : {"", "/reveal"}) {
    auto ask = [&](const std::string& id) {
      bool get = std::string_view(path).empty();
      return me.send(get ? "GET" : "POST", "/api/v2/guest/secret/" + id + path, get ? header_list{} : json_body,
                     get ? "" : R"({"continue":"true"})");
    };
    auto reference = ask(unknown);
    CHECK(reference.status == 404);
    for (const auto& id : {revealed.identifier, burned.identifier, malformed}) {
      auto a = ask(id);
      CHECK(a.status == 404);
      CHECK(without_ids(a.body) == without_ids(reference.body));
    }
  }
}

TEST_CASE("the time an answer takes does not tell unknown, burned and revealed secrets apart", "[onetime][oracle]") {
  installation on(unlimited());
  http_client me(on.port());
  auto revealed = conceal(me, "to be revealed", R"(,"passphrase":"guarded well")").value();
  auto burned = conceal(me, "to be burned").value();
  REQUIRE(reveal(me, revealed.identifier, "", "guarded well").status == 200);
  REQUIRE(
      me.send("POST", "/api/v2/guest/receipt/" + burned.receipt + "/burn", json_body, R"({"continue":true})").status ==
      200);
  const std::string ids[] = {std::string(43, 'a'), revealed.identifier, burned.identifier};
  std::array<std::vector<std::int64_t>, 3> taken;
  for (int i = 0; i < 400; ++i)
    for (std::size_t which = 0; which < 3; ++which) {
      auto begin = std::chrono::steady_clock::now();
      REQUIRE(reveal(me, ids[which], "", "guarded well").status == 404);
      taken[which].push_back((std::chrono::steady_clock::now() - begin).count());
    }
  std::array<double, 3> median{};
  for (std::size_t which = 0; which < 3; ++which) {
    auto& t = taken[which];
    std::nth_element(t.begin(), t.begin() + 200, t.end());
    median[which] = static_cast<double>(t[200]);
  }
  // Interleaved, so that a busy machine slows all three; only a gross difference is one: a key stretched, a write.
  auto [least, most] = std::minmax_element(median.begin(), median.end());
  INFO("medians in ns: unknown " << median[0] << ", revealed " << median[1] << ", burned " << median[2]);
  CHECK(*most < 1.5 * *least);
}

TEST_CASE("what was revealed, burned or has expired leaves the files within the deadline", "[onetime][shred]") {
  installation on(unlimited({"--set", "reveal.retry_window_ms=1000"}));
  http_client me(on.port());
  std::vector<hidden> all;
  for (int i = 0; i < 150; ++i) all.push_back(conceal(me, "to be shredded " + std::to_string(i)).value());
  REQUIRE(on.node().stop() == 0);
  const auto database = on.node().data() / "db";
  const auto tails = sealed_tails(database, 'X', [](std::string_view row) {
    return nacre::model::decode<nacre::model::held_secret>(row).value().sealed;
  });
  REQUIRE(tails.size() == 150);
  // The log of writes is cut into blocks, and now and then a row with it.
  REQUIRE(left_in(database, tails) >= tails.size() * 9 / 10);
  on.node().how().arguments.insert(on.node().how().arguments.end(), {"--set", "storage.shred_deadline_ms=2000"});
  REQUIRE(on.node().start());
  me = http_client(on.port());
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i % 3 == 0)
      REQUIRE(reveal(me, all[i].identifier).status == 200);
    else if (i % 3 == 1)
      REQUIRE(reveal(me, all[i].identifier, "a-key-of-sixteen-characters").status == 200);
    else
      REQUIRE(me.send("POST", "/api/v2/guest/receipt/" + all[i].receipt + "/burn", json_body, R"({"continue":true})")
                  .status == 200);
  }
  CHECK(eventually([&] { return left_in(database, tails) == 0; }));
}

TEST_CASE("a token that was replaced leaves the files within the deadline", "[rotation][shred]") {
  installation on(unlimited());
  const auto ws = new_uuid();
  person owner = on.join(ws, "owner", "Oda");
  const auto pat = owner.new_pat();
  http_client me(on.port());
  const auto secret = conceal(me, "told, so that there is something to shred").value();
  REQUIRE(on.node().stop() == 0);
  const auto database = on.node().data() / "db";
  const auto whole = [](std::string_view row) { return std::string(row); };
  const auto token = sealed_tails(database, 'P', whole), told = sealed_tails(database, 'X', whole);
  REQUIRE(token.size() == 1);
  REQUIRE(told.size() == 1);
  on.node().how().arguments.insert(on.node().how().arguments.end(), {"--set", "storage.shred_deadline_ms=2000"});
  REQUIRE(on.node().start());
  // What lay there at the start is shredded in any case: the token is replaced after that.
  me = http_client(on.port());
  REQUIRE(reveal(me, secret.identifier).status == 200);
  REQUIRE(eventually([&] { return left_in(database, told) == 0; }));
  REQUIRE(left_in(database, token) > 0);
  person again(on.port(), owner.credential(), ws);
  REQUIRE(again.post(pat_path(pat["id"].text(), "rotate")).status == 200);
  CHECK(eventually([&] { return left_in(database, token) == 0; }));
}

TEST_CASE("of a directory restored from a copy nothing is opened that was opened since, and tokens stay",
          "[onetime][restore]") {
  installation on(unlimited());
  const auto ws = new_uuid();
  person owner = on.join(ws, "owner", "Oda");
  const auto token = owner.new_pat()["token"].text();
  http_client me(on.port());
  const auto open = conceal(me, "opened after the copy").value();
  const auto closed = conceal(me, "with a passphrase", R"(,"passphrase":"sesame")").value();
  const auto keyed = conceal(me, "fetched by a key").value();
  const std::string key = "a-key-of-sixteen-characters";
  REQUIRE(reveal(me, keyed.identifier, key).status == 200);
  const auto asked = me.send("POST", "/api/v1/requests", json_body, "{}").json()["data"];
  REQUIRE(on.node().stop() == 0);
  const auto data = on.node().data();
  const fs::path copy = data.string() + ".copy";
  fs::copy(data, copy, fs::copy_options::recursive);
  REQUIRE(on.node().start());
  me = http_client(on.port());
  REQUIRE(reveal(me, open.identifier).status == 200);
  const auto running = nacre::test::run("nacre", {"restored", "--yes", "--data-dir", data.string()});
  CHECK(running.code == 74);
  REQUIRE(on.node().stop() == 0);

  fs::remove_all(data);
  fs::rename(copy, data);
  CHECK(nacre::test::run("nacre", {"restored", "--data-dir", data.string()}).code == 64);  // nobody said yes
  const auto told = nacre::test::run("nacre", {"restored", "--yes", "--data-dir", data.string()});
  INFO(told.errors);
  CHECK(told.output == "4 burned\n");
  CHECK(nacre::test::run("nacre", {"restored", "--yes", "--data-dir", data.string()}).output == "0 burned\n");
  REQUIRE(on.node().start());
  me = http_client(on.port());
  for (const auto& each : {open, closed}) {
    CHECK(reveal(me, each.identifier, "", "sesame").status == 404);
    const auto receipt = me.send("GET", "/api/v2/guest/receipt/" + each.receipt).json();
    CHECK(receipt["record"]["state"].text() == "burned");
  }
  CHECK(reveal(me, keyed.identifier, key).status == 404);
  const auto still =
      me.send("GET", "/api/v1/requests/" + asked["id"].text(), {{"Pickup-Key", asked["pickupKey"].text()}});
  CHECK(still.json()["data"]["state"].text() == "cancelled");
  person again(on.port(), owner.credential(), ws);
  CHECK(again.with(token).get("/api/v1/pats").status == 200);
}

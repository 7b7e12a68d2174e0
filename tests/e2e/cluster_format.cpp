// A cluster's data directories that an older program left behind, one of them by a kill, under the program of today.
//
// tests/golden/cluster/format-N.tar.xz holds them, format-N.txt what they hold. Their one-time secrets have a day left;
// so the nodes' clocks go on from the moment they were packed. Nodes know each other by address: each gets the one it
// had, in a network of its own. Made anew, of format N, which the programs in DIR write:
//   NACRE_BIN=DIR NACRE_REWRITE_GOLDEN=N test_e2e_cluster_format

#include <chrono>
#include <sstream>

#include "storage/rocks_upgrade.hpp"
#include "tests/e2e/cluster_kit.hpp"

using namespace nacre::e2e;
namespace fs = std::filesystem;

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool clocks_can_be_set = false;
#else
constexpr bool clocks_can_be_set = true;
#endif

fs::path golden(const std::string& format, const std::string& kind) {
  return fs::path(NACRE_GOLDEN_DIR) / ("format-" + format + kind);
}
fs::path archive(const std::string& format) { return golden(format, ".tar.xz"); }
fs::path list(const std::string& format) { return golden(format, ".txt"); }

const header_list json_body = {{"Content-Type", "application/json"}};

using facts = std::map<std::string, std::string>;

std::int64_t seconds_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

void run_tool(std::vector<std::string> command) {
  nacre::test::temporary_directory here;
  command.insert(command.begin(), "/usr/bin/env");
  nacre::test::child_process tool(command, here / "errors");
  const auto code = tool.wait();
  INFO(nacre::test::read_whole(here / "errors"));
  REQUIRE(code == 0);
}

facts read_facts(const std::string& format) {
  facts out;
  std::istringstream in(nacre::test::read_whole(list(format)));
  for (std::string line; std::getline(in, line);) {
    const auto space = line.find(' ');
    if (!line.starts_with('#') && space != std::string::npos) out[line.substr(0, space)] = line.substr(space + 1);
  }
  return out;
}

header_list owner_of(const cluster& of, const facts& known, std::int64_t shift_s) {
  const auto jwt = mint(
      of.data(), {.user = known.at("user"), .workspace = known.at("workspace"), .role = "owner", .shift_s = shift_s});
  return {{"Authorization", "Bearer " + jwt},
          {"X-Workspace-Id", known.at("workspace")},
          {"Content-Type", "application/json"}};
}

header_list as(const std::string& token) { return {{"Authorization", "Bearer " + token}}; }

http_answer open(cluster& of, int node, const std::string& id, const std::string& passphrase) {
  return of.send(node, "POST", "/api/v2/guest/secret/" + id + "/reveal", json_body,
                 R"({"continue":"true","passphrase":")" + passphrase + "\"}");
}

bool has(const http_answer& a, const std::string& text) {
  return a.status == 200 && a.body.find(text) != std::string::npos;
}

// Without what follows the entries: more may have come.
std::string entries_of(const std::string& audit) { return audit.substr(0, audit.find("],\"pagination\"")); }

void make_golden(const std::string& format) {
  facts known{{"user", new_uuid()}, {"workspace", new_uuid()}};
  cluster::options o;
  o.apart = true;
  o.arguments.insert(o.arguments.end(), {"--set", "reveal.retry_window_ms=600000"});
  cluster three(o);
  const auto owner = owner_of(three, known, 0);
  const auto pat = [&](const std::string& name) {
    const auto a = three.send(1, "POST", "/api/v1/pats", owner, R"({"name":")" + name + R"(","scopes":["read"]})");
    REQUIRE(a.status == 201);
    known["pat-" + name] = a.json()["data"]["token"].text();
    known["pat-" + name + "-id"] = a.json()["data"]["id"].text();
  };
  for (const char* name : {"kept", "revealed", "revoked"}) pat(name);
  REQUIRE(three.send(2, "POST", "/api/v1/pats/" + known["pat-revealed-id"] + "/reveal", owner).status == 200);
  REQUIRE(three.send(3, "DELETE", "/api/v1/pats/" + known["pat-revoked-id"], owner).status == 204);
  const auto conceal = [&](int node, const std::string& name, const std::string& more = {}) {
    const auto value = "the value of " + name;
    const auto a = three.send(node, "POST", "/api/v2/guest/secret/conceal", json_body,
                              R"({"secret":{"secret":")" + value + R"(","ttl":86400)" + more + "}}");
    REQUIRE(a.status == 200);
    known["secret-" + name] = a.json()["record"]["secret"]["identifier"].text();
    known["receipt-" + name] = a.json()["record"]["receipt"]["identifier"].text();
  };
  int node = 0;
  for (const char* name : {"plain", "plain-too", "opened", "keyed", "burned"}) conceal(1 + node++ % 3, name);
  conceal(2, "closed", R"(,"passphrase":"sesame")");
  conceal(3, "tried", R"(,"passphrase":"sesame")");
  REQUIRE(three.reveal(1, known["secret-opened"]).status == 200);
  REQUIRE(three.reveal(2, known["secret-keyed"], "a-reader-with-a-key").status == 200);
  REQUIRE(three
              .send(3, "POST", "/api/v2/guest/receipt/" + known["receipt-burned"] + "/burn", json_body,
                    R"({"continue":"true"})")
              .status == 200);
  for (int i = 0; i < 3; ++i) REQUIRE(open(three, 1, known["secret-tried"], "open").status != 200);
  const auto audit = three.send(1, "GET", "/api/v1/audit", owner);
  REQUIRE(audit.status == 200);
  nacre::test::write_whole(three.data() / "audit.json", audit.body);
  conceal(3, "last-of-3");
  three.kill(3);
  three.await_serving({1, 2});
  conceal(2, "without-3");
  known["made-at"] = std::to_string(seconds_now());
  CHECK(three.stop(1) == 0);
  CHECK(three.stop(2) == 0);
  std::vector<std::string> pack{"tar",
                                "--create",
                                "--xz",
                                "--file",
                                archive(format).string(),
                                "--directory",
                                three.data().string(),
                                "--sort=name",
                                "--numeric-owner",
                                "--owner=0",
                                "--group=0",
                                "--exclude=LOG*",
                                "--exclude=LOCK",
                                "root.key",
                                "audit.json"};
  for (int n = 1; n <= 3; ++n) pack.push_back("node" + std::to_string(n) + "/db");
  run_tool(pack);
  std::ostringstream text;
  text << "# What the three data directories in format-" << format
       << ".tar.xz hold. The program that packed them wrote storage format " << format
       << "\n"
          "# (storage/README.md); node 3 was killed after `last-of-3` was acknowledged by it, and before `without-3` "
          "was made;\n"
          "# the others were stopped. Every one-time secret's value is `the value of NAME`; passphrases are `sesame`, "
          "and\n"
          "# `tried` has had three wrong ones. `keyed` was revealed with the Idempotency-Key `a-reader-with-a-key`, "
          "ten minutes\n"
          "# before that is forgotten; `opened` without one. Written by tests/e2e/cluster_format.cpp.\n";
  for (const auto& [name, value] : known) text << name << ' ' << value << '\n';
  nacre::test::write_whole(list(format), text.str());
}

}  // namespace

TEST_CASE("three nodes of an older format go on with all they held, one after the other, the killed one among them",
          "[cluster][format]") {
  if (const auto why = nacre::test::network::refusal()) {
    WARN("SKIPPED, NO NETWORK OF THEIR OWN FOR NODES: " << *why);
    return;
  }
  if (const auto* format = std::getenv("NACRE_REWRITE_GOLDEN")) return make_golden(format);
  const std::string format = GENERATE("2", "4", "5");
  INFO("format " << format);
  const auto known = read_facts(format);
  const auto shift_s = clocks_can_be_set ? std::stoll(known.at("made-at")) + 5 - seconds_now() : 0;
  cluster::options o;
  o.apart = true;
  o.arguments.insert(o.arguments.end(), {"--set", "reveal.retry_window_ms=600000"});
  if (clocks_can_be_set)
    o.environment = {{"LD_PRELOAD", NACRE_SHIFTED_CLOCK}, {"SHIFTED_CLOCK_S", std::to_string(shift_s)}};
  // Of the layout there is only what a program does not keep in its data: new certificates, and a new issuer.
  o.laid_out = [&format](const fs::path& data) {
    fs::remove(data / "root.key");
    run_tool({"tar", "--extract", "--file", archive(format).string(), "--directory", data.string()});
  };
  o.first = {1, 3};
  cluster all(o);
  const auto owner = owner_of(all, known, shift_s);
  const auto secret = [&](const std::string& name) { return known.at("secret-" + name); };
  const auto opens_once = [&](int node, int other, const std::string& name, const std::string& passphrase = {}) {
    INFO(name << " at node " << node);
    const auto first = open(all, node, secret(name), passphrase);
    INFO(first.body);
    CHECK(has(first, "the value of " + name));
    CHECK(open(all, other, secret(name), passphrase).status == 404);
  };
  const auto tokens = [&](int node) {
    CHECK(all.send(node, "GET", "/api/v1/verify", as(known.at("pat-kept"))).status == 200);
    CHECK(all.send(node, "GET", "/api/v1/verify", as(known.at("pat-revoked"))).status == 401);
    for (const char* name : {"kept", "revealed"}) {
      const auto path = "/api/v1/pats/" + known.at(std::string("pat-") + name + "-id") + "/reveal";
      const auto shown = all.send(node, "POST", path, owner);
      INFO(shown.body);
      CHECK(has(shown, known.at(std::string("pat-") + name)));
    }
    const auto before = entries_of(nacre::test::read_whole(all.data() / "audit.json"));
    CHECK(before.size() > 500);
    CHECK(all.send(node, "GET", "/api/v1/audit", owner).body.starts_with(before));
  };
  tokens(3);
  if (clocks_can_be_set) {
    opens_once(3, 1, "plain");
    opens_once(1, 3, "without-3");
    opens_once(3, 1, "last-of-3");
    // The wrong passphrases from before count: two more, and it is locked.
    for (int i = 0; i < 2; ++i) CHECK(open(all, 3, secret("tried"), "open").status != 200);
    CHECK(open(all, 1, secret("tried"), "sesame").status != 200);
  }

  REQUIRE(all.start(2));
  all.await_serving({1, 2, 3});
  tokens(2);
  if (clocks_can_be_set) {
    // Before format 4 a receipt led to the link that lies sealed with its secret; now it leads there by itself.
    const auto receipt_of = [&](const std::string& name) {
      const auto told = all.send(1, "GET", "/api/v2/guest/receipt/" + known.at("receipt-" + name)).json();
      const auto* link = told["record"].find("secret_identifier");
      return told["record"]["state"].text() + " " + (link ? link->text() : "no link");
    };
    CHECK(receipt_of("plain-too") == "new " + secret("plain-too"));
    opens_once(2, 1, "plain-too");
    CHECK(receipt_of("plain-too") == "revealed no link");
    CHECK(open(all, 2, secret("closed"), "open").status != 200);
    opens_once(2, 3, "closed", "sesame");
    for (const char* name : {"opened", "burned", "keyed", "plain"}) CHECK(all.reveal(2, secret(name)).status == 404);
    CHECK(has(all.reveal(2, secret("keyed"), "a-reader-with-a-key"), "the value of keyed"));
    CHECK(all.reveal(2, secret("keyed"), "somebody-else-altogether").status == 404);
    CHECK(receipt_of("burned") == "burned no link");
    CHECK(receipt_of("closed") == "revealed no link");
  }
  const auto fresh = all.conceal(2, "made by the program of today");
  REQUIRE(fresh);
  CHECK(has(all.reveal(3, *fresh), "made by the program of today"));

  for (int node = 1; node <= 3; ++node) {
    CHECK(all.stop(node) == 0);
    const auto db = all.data() / ("node" + std::to_string(node)) / "db";
    nacre::storage::rocks_options look;
    look.read_only = true;
    CHECK(nacre::storage::open_rocks_store(db, look).has_value());
    const auto older = nacre::storage::open_rocks_store_as(db, look, nacre::storage::format_version - 1, {});
    REQUIRE_FALSE(older.has_value());
    CHECK(older.error().code == nacre::errc::unsupported);
  }
}

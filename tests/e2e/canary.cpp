// Nothing issued lies about in the clear: not in the data directory, not in logs, not in metrics.

#include <algorithm>
#include <array>
#include <unordered_map>

#include "crypto/base62.hpp"
#include "crypto/digest.hpp"
#include "crypto/jwt.hpp"
#include "tests/e2e/kit.hpp"

using namespace nacre::e2e;
using nacre::test::read_whole;
using nacre::test::run;
using nacre::test::write_whole;
namespace fs = std::filesystem;

namespace {

// Finds any of many needles in one pass: a rolling window of the first bytes of each, then a comparison.
class needles {
 public:
  void add(const std::string& what, std::string text) {
    if (text.size() < window) throw std::runtime_error("too short to look for: " + what);
    auto head = text.substr(0, window);
    by_head_[head].push_back({what, std::move(text)});
    ++count_;
  }
  // The text itself, in hex of both cases, and in base64 of both alphabets at each alignment.
  void add_encodings(const std::string& what, std::string_view text) {
    add(what, std::string(text));
    auto hex = nacre::crypto::to_hex(text);
    add(what + " (hex)", hex);
    std::transform(hex.begin(), hex.end(), hex.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    add(what + " (HEX)", hex);
    for (std::size_t skip = 0; skip < 3; ++skip) {
      // What does not depend on its neighbours: whole groups of three bytes after the alignment.
      auto from = text.substr(skip);
      auto url = nacre::crypto::base64url_encode(from.substr(0, from.size() / 3 * 3));
      auto plain = url;
      std::replace(plain.begin(), plain.end(), '-', '+');
      std::replace(plain.begin(), plain.end(), '_', '/');
      add(what + " (base64)", plain);
      if (plain != url) add(what + " (base64url)", url);
    }
  }
  std::size_t size() const { return count_; }

  std::vector<std::string> in(std::string_view hay) const {
    std::vector<std::string> out;
    std::array<bool, 65536> begins{};
    for (const auto& [head, rest] : by_head_) begins[pair_at(head, 0)] = true;
    for (std::size_t at = 0; at + window <= hay.size(); ++at) {
      if (!begins[pair_at(hay, at)]) continue;
      auto it = by_head_.find(std::string(hay.substr(at, window)));
      if (it == by_head_.end()) continue;
      for (const auto& [what, text] : it->second)
        if (hay.substr(at).starts_with(text)) out.push_back(what);
    }
    return out;
  }
  // Every regular file below, except the named ones.
  std::vector<std::string> below(const fs::path& directory, const std::set<std::string>& except = {}) const {
    std::vector<std::string> out;
    for (const auto& file : fs::recursive_directory_iterator(directory)) {
      if (!file.is_regular_file() || except.contains(file.path().filename().string())) continue;
      for (const auto& hit : in(read_whole(file.path()))) out.push_back(file.path().filename().string() + ": " + hit);
    }
    return out;
  }

 private:
  static constexpr std::size_t window = 12;
  static std::size_t pair_at(std::string_view s, std::size_t at) {
    return static_cast<std::size_t>(static_cast<unsigned char>(s[at])) << 8 | static_cast<unsigned char>(s[at + 1]);
  }
  struct needle {
    std::string what, text;
  };
  std::unordered_map<std::string, std::vector<needle>> by_head_;
  std::size_t count_ = 0;
};

// A token as it came, and its random half, also as the bytes that the hex stands for.
void add_token(needles& to, const std::string& what, const std::string& token) {
  to.add_encodings(what, token);
  to.add_encodings(what + "'s hex", token.substr(13));
  auto bytes = nacre::crypto::from_hex(token.substr(13));
  REQUIRE(bytes);
  to.add(what + "'s bytes", *bytes);
}

// One-time secrets in all their states, and every text about them that must not stay.
void hide_secrets(std::uint16_t port, needles& sought) {
  http_client me(port);
  const header_list json = {{"Content-Type", "application/json"}};
  for (int i = 0; i < 100; ++i) {
    auto n = std::to_string(i);
    auto value = "a value nobody may find " + n, passphrase = "a-passphrase-to-be-kept-" + n;
    auto key = "an-idempotency-key-of-" + hex_sha256(n).substr(0, 20);
    bool guarded = i % 10 == 0;
    auto made = me.send("POST", "/api/v2/guest/secret/conceal", json,
                        R"({"secret":{"secret":")" + value + R"(","ttl":600)" +
                            (guarded ? R"(,"passphrase":")" + passphrase + "\"" : "") + "}}");
    REQUIRE(made.status == 200);
    auto record = made.json()["record"];
    auto id = record["secret"]["identifier"].text(), receipt = record["receipt"]["identifier"].text();
    for (const auto& [what, text] : {std::pair{"a value", value},
                                     {"a passphrase", passphrase},
                                     {"a link", id},
                                     {"a receipt's link", receipt},
                                     {"an idempotency key", key}})
      sought.add_encodings(std::string(what) + " " + n, text);
    for (const auto& link : {id, receipt}) {
      std::array<std::uint8_t, 32> bytes{};
      REQUIRE(nacre::crypto::read_base62(link, bytes.data(), bytes.size()));
      sought.add("a link's bytes", {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    }
    auto secret = "/api/v2/guest/secret/" + id;
    CHECK(me.send("GET", secret + "?passphrase=wrong").status == 200);
    CHECK(me.send("GET", "/api/v2/guest/receipt/" + receipt).status == 200);
    CHECK(me.send("POST", "/api/v2/secret/status", json, R"({"identifiers":")" + id + "\"}").status == 200);
    CHECK(me.send("POST", "/api/v1/secret/" + id + "?passphrase=wrong-" + passphrase).status == (guarded ? 404 : 200));
    auto headers = json;
    headers.emplace_back("Idempotency-Key", key);
    auto body = R"({"continue":"true","passphrase":")" + passphrase + "\"}";
    if (i % 4 == 0) CHECK(me.send("POST", secret + "/reveal", headers, body).status == (guarded ? 200 : 404));
    if (i % 4 == 1) me.send("POST", "/api/v2/guest/receipt/" + receipt + "/burn", json, R"({"continue":"true"})");
  }
}

}  // namespace

TEST_CASE("the search finds what is there, in every encoding", "[canary]") {
  nacre::test::temporary_directory dir;
  auto token = "pat_wsabcdef_" + hex_sha256("canary");
  needles sought;
  add_token(sought, "token", token);
  CHECK(sought.below(dir.path()).empty());
  auto hex = nacre::crypto::to_hex(token);
  auto b64 = [](std::string_view text) { return nacre::crypto::base64url_encode(text); };
  for (const auto& planted : {token, hex, b64(token), b64("x" + token), b64("xy" + token), b64("xyz" + token),
                              *nacre::crypto::from_hex(token.substr(13)), token.substr(13)}) {
    write_whole(dir / "canary", std::string(100'000, '\0') + "pat_ws" + planted + "tail");
    CHECK_FALSE(sought.below(dir.path()).empty());
    CHECK(sought.below(dir.path(), {"canary"}).empty());
  }
  write_whole(dir / "canary", token.substr(0, 70));
  CHECK(sought.below(dir.path()).empty());
}

TEST_CASE("no token, credential or query ever reaches disk, log or metrics", "[canary]") {
  node_process::options o;
  nacre::test::temporary_directory aside;
  o.arguments = {"--set", "audit.file=" + (aside / "audit.jsonl").string(),
                 "--set", "log.level=debug",
                 "--set", "limits.enabled=false",
                 "--set", "storage.write_buffer_mib=1"};  // so that much of it reaches SST files
  installation on(o);
  needles sought;
  std::string metrics;
  std::vector<std::pair<std::string, std::string>> used;  // id, token

  team t(on, "A Team");
  for (auto* who : {&t.owner, &t.admin, &t.member, &t.other}) {
    sought.add_encodings("a JWT", who->credential());
    sought.add("a JWT's signature", who->credential().substr(who->credential().rfind('.')));
    sought.add("an Authorization value", "Bearer " + who->credential());
  }
  for (int i = 0; i < 300; ++i) {
    auto& who = i % 2 ? t.member : t.owner;
    auto pat = who.new_pat("\"name\":\"pat " + std::to_string(i) + R"(","scopes":["admin"])");
    auto id = pat["id"].text(), token = pat["token"].text();
    add_token(sought, "token " + std::to_string(i), token);
    used.emplace_back(id, token);
    auto bearer = who.with(token);
    if (i % 3 == 0) CHECK(bearer.get(pat_path(id) + "?secret-query=" + token).status == 200);
    if (i % 4 == 0) CHECK(who.post(pat_path(id, "reveal")).status == 200);
    if (i % 5 == 0) CHECK(who.patch(pat_path(id), R"({"name":"changed"})").status == 200);
    if (i % 7 == 0) CHECK(who.del(pat_path(id)).status == 204);
    // Tokens where they do not belong.
    if (i % 10 == 0) {
      CHECK(bearer.get("/nowhere/" + token).status == 404);
      CHECK(who.get(pat_path(token)).status == 400);
      CHECK(who.post(pat_path(token, "reveal")).status == 400);
      CHECK(bearer.in(token).get("/api/v1/pats").status == (i % 70 == 0 ? 401 : 400));
      CHECK(who.get("/api/v1/pats?limit=" + token).status == 400);
      CHECK(who.post("/api/v1/pats", "{\"name\":7,\"token\":\"" + token + "\"}").status == 400);
      CHECK(who.send(token, "/api/v1/pats").status >= 400);
      CHECK(who.with(token + "0").get("/api/v1/pats").status == 401);
      CHECK(who.send("POST", "/api/v1/pats", "{}", {{"Content-Type", token}}).status == 415);
      nacre::test::raw_http raw(on.port());
      raw.exchange("GET / HTTP/1.1\r\nHost: " + token + "\r\nBad Header " + token + "\r\n\r\n");
    }
  }
  sought.add("a query", "secret-query");
  auto imported = "pat_wsabc123_" + hex_sha256("imported");
  add_token(sought, "an imported token", imported);
  CHECK(t.owner
            .post("/api/v1/pats/import",
                  R"({"workspaceId":")" + t.workspace + R"(","userId":")" + t.member.user() +
                      R"(","name":"i","scopes":["read"],"tokenPrefix":"pat_wsabc123","tokenHash":")" +
                      hex_sha256(imported) + R"(","createdAt":"2024-05-06T07:08:09Z","expiresAt":null})")
            .status == 201);
  CHECK(t.member.with(imported).get("/api/v1/pats").status == 200);
  // The plain hash of a token is not stored either: it would confirm a guess.
  sought.add_encodings("an imported token's hash", hex_sha256(imported));
  sought.add("an imported token's hash", *nacre::crypto::from_hex(hex_sha256(imported)));
  for (const auto& [id, token] : used) sought.add("a token's hash", *nacre::crypto::from_hex(hex_sha256(token)));
  hide_secrets(on.port(), sought);
  auto root = read_whole(on.node().data() / "root.key");
  while (!root.empty() && root.back() == '\n') root.pop_back();
  sought.add("the root key", root);
  if (auto bytes = nacre::crypto::from_hex(root); bytes && bytes->size() == 32) sought.add("the root key", *bytes);

  metrics = t.owner.get("/metrics").body;
  CHECK(sought.in(metrics).empty());
  const std::set<std::string> keys_themselves{"root.key", "dev-issuer.jwk"};
  CHECK(sought.below(on.node().data(), keys_themselves).empty());  // while it runs, the WAL
  REQUIRE(on.node().stop() == 0);
  auto everywhere = [&] {
    auto hits = sought.below(on.node().data(), keys_themselves);
    for (auto& hit : sought.below(aside.path())) hits.push_back(std::move(hit));
    for (auto& hit : sought.in(on.node().errors())) hits.push_back("stderr: " + hit);
    return hits;
  };
  auto hits = everywhere();
  for (const auto& hit : hits) FAIL_CHECK(hit);
  REQUIRE(on.node().start());  // what replay writes
  person owner(on.port(), t.owner.credential(), t.workspace);
  CHECK(owner.get("/api/v1/pats").status == 200);
  on.node().kill();
  CHECK(everywhere().empty());

  // There was something to search, and a planted one is found.
  CHECK(sought.size() > 3000);
  CHECK(read_whole(aside / "audit.jsonl").find("\"action\":\"pat.reveal\"") != std::string::npos);
  CHECK(on.node().errors().find("\"route\":\"/api/v1/pats/{id}/reveal\"") != std::string::npos);
  CHECK(fs::file_size(aside / "audit.jsonl") > 10'000);
  std::uintmax_t in_tables = 0;
  for (const auto& file : fs::recursive_directory_iterator(on.node().data()))
    if (file.path().extension() == ".sst") in_tables += file.file_size();
  CHECK(in_tables > 100'000);
  write_whole(on.node().data() / "db" / "planted", "...." + used.back().second + "....");
  CHECK_FALSE(everywhere().empty());
}

TEST_CASE("files of a node are its owner's alone", "[canary]") {
  node_process::options o;
  nacre::test::temporary_directory aside;
  o.arguments = {"--set", "audit.file=" + (aside / "audit.jsonl").string()};
  installation on(o);
  team t(on);
  auto mode = [](const fs::path& p) { return static_cast<unsigned>(fs::status(p).permissions()); };
  CHECK(mode(on.node().data()) == 0700);
  CHECK((mode(on.node().data() / "root.key") & 0177) == 0);
  CHECK(mode(on.node().data() / "dev-issuer.jwk") == 0600);
  CHECK(mode(aside / "audit.jsonl") == 0600);
}

TEST_CASE("the audit file holds what the audit log holds", "[canary][audit]") {
  node_process::options o;
  nacre::test::temporary_directory aside;
  o.arguments = {"--set", "audit.file=" + (aside / "audit.jsonl").string()};
  installation on(o);
  team t(on);
  for (int i = 0; i < 5; ++i) CHECK(t.owner.post(pat_path(t.owner.new_pat()["id"].text(), "reveal")).status == 200);
  auto log = audit_of(t.owner);
  REQUIRE(on.node().stop() == 0);
  std::ifstream in(aside / "audit.jsonl");
  std::size_t lines = 0, mine = 0;
  for (std::string line; std::getline(in, line); ++lines) {
    auto entry = nacre::test::parse_json_tree(line);
    REQUIRE(entry);
    if (std::find(log.begin(), log.end(), *entry) != log.end()) ++mine;
  }
  CHECK(mine == log.size());
  CHECK(lines > mine);  // and the node's own start
}

TEST_CASE("scan tells tokens of this installation from all others", "[scan]") {
  installation on, foreign;
  team t(on), other(foreign);
  auto token = t.owner.new_pat()["token"].text(), revoked_pat = t.owner.new_pat()["token"].text();
  auto elsewhere = other.owner.new_pat()["token"].text();
  auto mistyped = token;
  mistyped[40] = mistyped[40] == 'a' ? 'b' : 'a';
  nacre::test::temporary_directory dir;
  auto data = on.node().data().string();
  auto scan = [&](const std::string& text) {
    write_whole(dir / "text", text);
    return run("nacre", {"scan", "--data-dir", data, (dir / "text").string()});
  };
  auto found = scan("first line\nenv PAT=" + token + "; rest\n\"" + revoked_pat + "\"\n");  // the node runs
  CHECK(found.code == 65);
  CHECK(found.output == (dir / "text").string() + ":2:9: " + token.substr(0, 12) +
                            "... is a token of this installation\n" + (dir / "text").string() +
                            ":3:2: " + revoked_pat.substr(0, 12) + "... is a token of this installation\n");
  CHECK(found.output.find(token.substr(13)) == std::string::npos);
  for (const auto& text : {std::string(), std::string("nothing"), elsewhere, mistyped, token.substr(1), token + "0",
                           "x" + token, token.substr(0, 76), "pat_wsabcdef_" + std::string(64, 'a')}) {
    INFO(text);
    auto none = scan(text);
    CHECK(none.code == 0);
    CHECK(none.output.empty());
  }
  CHECK(scan(std::string(1'000'000, 'p') + " " + token).code == 65);
  CHECK(scan(token + token + "\n" + mistyped + " " + token).code == 65);
  REQUIRE(on.node().stop() == 0);
  CHECK(scan(token).code == 65);
  nacre::test::child_options piped;
  piped.input = "here: " + token + "\n";
  auto from_input = run("nacre", {"scan", "--data-dir", data, "-"}, piped);
  CHECK(from_input.code == 65);
  CHECK(from_input.output.starts_with("-:1:7: "));
  CHECK(run("nacre", {"scan", "--data-dir", data, (dir / "absent").string()}).code == 74);
  const auto here = dir.path().string();
  const auto unread = run("nacre", {"scan", "--data-dir", data, here, (dir / "text").string()});
  CHECK(unread.code == 74);
  CHECK(unread.errors == "nacre: cannot read " + here + "\n");
  CHECK(unread.output.starts_with((dir / "text").string() + ":1:1: "));  // the others are looked at
  CHECK(nacre::test::run_reading(here, {"scan", "--data-dir", data, "-"}).code == 74);
  CHECK(run("nacre", {"scan", "--data-dir", dir.path().string(), (dir / "text").string()}).code == 78);
  CHECK(run("nacre", {"scan", (dir / "text").string()}).code == 64);
  CHECK(run("nacre", {"scan", "--data-dir", data}).code == 64);
}

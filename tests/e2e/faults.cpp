// What a node promises when it is killed, starved, misled or told to stop.

#include <sched.h>
#include <sys/mount.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "tests/e2e/kit.hpp"
#include "tests/support/random_source.hpp"

using namespace nacre::e2e;
using nacre::test::run;
using nacre::test::write_whole;

namespace {

node_process::options unlimited(std::vector<std::string> more = {}) {
  node_process::options o;
  o.arguments = {"--set", "limits.enabled=false"};
  o.arguments.insert(o.arguments.end(), more.begin(), more.end());
  return o;
}

// What one busy client knows to be true: only what the node acknowledged.
struct acknowledged {
  struct pat {
    std::string id, token, name;
    bool revoked = false;
    bool unsure = false;  // the last thing asked about it was never answered
    std::string maybe_name;
  };
  std::vector<pat> pats;
  std::int64_t reveals = 0;
  std::string complaint;
};

// Creates, renames, reveals and revokes until the node goes away.
void work(person who, std::uint64_t seed, acknowledged& out) {
  nacre::testing::random_source random(seed);
  auto expect = [&](const http_answer& a, int status) {
    if (a.status == status) return true;
    // 503: the node may have been told and may not; nothing was promised.
    if (a.status != 0 && a.status != 503 && out.complaint.empty())
      out.complaint = std::to_string(a.status) + " " + a.body;
    return false;
  };
  for (int turn = 0; out.complaint.empty(); ++turn) {
    std::vector<acknowledged::pat*> live;
    for (auto& p : out.pats)
      if (!p.revoked && !p.unsure) live.push_back(&p);
    auto dice = random.below(10);
    if (live.size() < 3 || dice < 4) {
      auto name = "n" + std::to_string(seed) + "-" + std::to_string(turn);
      auto a = who.post("/api/v1/pats", "{\"name\":\"" + name + "\"}");
      if (!expect(a, 201)) return;
      auto made = a.json()["data"];
      out.pats.push_back({made["id"].text(), made["token"].text(), name, false, false, {}});
      continue;
    }
    auto& chosen = *live[random.below(live.size())];
    if (dice < 6) {
      auto name = "r" + std::to_string(seed) + "-" + std::to_string(turn);
      chosen.unsure = true;
      chosen.maybe_name = name;
      if (!expect(who.patch(pat_path(chosen.id), "{\"name\":\"" + name + "\"}"), 200)) return;
      chosen.name = name;
      chosen.unsure = false;
    } else if (dice < 8) {
      auto a = who.post(pat_path(chosen.id, "reveal"));
      if (!expect(a, 200)) return;
      ++out.reveals;
      if (a.json()["data"]["fullToken"].text() != chosen.token) out.complaint = "a foreign token was revealed";
    } else {
      chosen.unsure = true;
      chosen.maybe_name = "";
      if (!expect(who.del(pat_path(chosen.id)), 204)) return;
      chosen.revoked = true;
      chosen.unsure = false;
    }
  }
}

struct log_counts {
  std::int64_t creates = 0, revokes = 0, reveals = 0;
};

log_counts check_gapless(const std::vector<json_tree>& log) {
  log_counts out;
  std::set<std::string> requests;
  for (std::size_t i = 0; i < log.size(); ++i) {
    if (log[i]["seq"].number() != static_cast<std::int64_t>(i + 1)) FAIL("the audit log has a gap at " << i + 1);
    const auto& action = log[i]["action"].text();
    out.creates += action == "pat.create";
    out.revokes += action == "pat.revoke";
    out.reveals += action == "pat.reveal" && log[i]["outcome"].text() == "granted";
    if (action == "pat.create" || action == "pat.reveal" || action == "pat.revoke")
      if (!requests.insert(log[i]["request"].text()).second) FAIL("one request acted twice");
  }
  return out;
}

// Every acknowledged thing is there; of the others each is whole or absent.
void check_survived(person& owner, const std::vector<acknowledged>& all) {
  auto log = audit_of(owner);
  auto counts = check_gapless(log);
  std::set<std::string> created, revoked;
  for (const auto& e : log) {
    if (e["action"].text() == "pat.create") created.insert(e["object"].text());
    if (e["action"].text() == "pat.revoke") revoked.insert(e["object"].text());
  }
  std::map<std::string, std::string> listed;
  for (std::int64_t offset = 0;; offset += 200) {
    auto page = owner.get("/api/v1/pats?pageSize=200&page=" + std::to_string(offset / 200 + 1));
    REQUIRE(page.status == 200);
    auto body = page.json();
    for (const auto& p : body["data"].items()) listed[p["id"].text()] = p["name"].text();
    if (body["data"].size() < 200) {
      // No half-written act: what the log tells, the index and the count say too.
      CHECK(body["pagination"]["total"].number() == counts.creates - counts.revokes);
      break;
    }
  }
  CHECK(static_cast<std::int64_t>(listed.size()) == counts.creates - counts.revokes);
  for (const auto& [id, name] : listed) {
    if (!created.contains(id) || revoked.contains(id)) FAIL_CHECK("listed without its record: " << id);
  }
  std::int64_t reveals = 0;
  for (const auto& mine : all) {
    CHECK(mine.complaint == "");
    reveals += mine.reveals;
    for (const auto& p : mine.pats) {
      INFO(p.id);
      if (!created.contains(p.id)) FAIL_CHECK("an acknowledged create is lost");
      if (p.revoked && (listed.contains(p.id) || !revoked.contains(p.id))) FAIL_CHECK("an acknowledged revoke is lost");
      if (p.revoked || (p.unsure && p.maybe_name.empty())) continue;
      if (!listed.contains(p.id))
        FAIL_CHECK("an acknowledged token is gone");
      else if (listed[p.id] != p.name && !(p.unsure && listed[p.id] == p.maybe_name))
        FAIL_CHECK("a name is neither the acknowledged nor the asked one");
    }
  }
  CHECK(counts.reveals >= reveals);
  // And each token still works: one of every client, as credential and by reveal.
  for (const auto& mine : all)
    for (const auto& p : mine.pats) {
      if (p.unsure) continue;
      auto used = owner.with(p.token).get("/api/v1/me");
      CHECK(used.status == (p.revoked ? 401 : 200));
      if (p.revoked) continue;
      CHECK(owner.post(pat_path(p.id, "reveal")).json()["data"]["fullToken"].text() == p.token);
      break;
    }
}

// Runs what follows it where no file may grow: the signal for that kills it unless it is `ignored`.
std::vector<std::string> without_room(bool ignored) {
  return {"/bin/sh", "-c", std::string(ignored ? "trap '' XFSZ; " : "") + "ulimit -f 0; exec \"$@\" 2>&1", "sh"};
}

// A private mount namespace for this process, once; false where that is not permitted.
bool own_mounts() {
  static const bool done =
      ::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
  return done;
}

// A small file system under the data directory.
class small_disk {
 public:
  small_disk(const std::filesystem::path& at, int mib) : at_(at) {
    std::filesystem::create_directories(at);
    auto size = "size=" + std::to_string(mib) + "m";
    mounted_ = own_mounts() && ::mount("none", at.c_str(), "tmpfs", 0, size.c_str()) == 0;
  }
  ~small_disk() {
    if (mounted_) ::umount2(at_.c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }
  void fill() const {
    std::ofstream out(at_ / "ballast", std::ios::binary);
    const std::string block(4096, 'b');
    while (out.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
    }
  }
  void make_room() const { std::filesystem::remove(at_ / "ballast"); }

 private:
  std::filesystem::path at_;
  bool mounted_ = false;
};

}  // namespace

TEST_CASE("what was acknowledged before a kill -9 is there after it", "[faults][kill]") {
  const auto seed = nacre::testing::announced_seed("kill -9 under load");
  nacre::testing::random_source random(seed);
  installation on(unlimited());
  team t(on);
  std::vector<acknowledged> all;
  std::size_t creates = 0;
  for (int round = 0; round < 5; ++round) {
    INFO("round " << round);
    constexpr std::size_t clients = 6;
    std::vector<acknowledged> mine(clients);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < clients; ++i)
      threads.emplace_back([&, i, one = random.any()] {
        const auto& as = i % 2 ? t.member : t.owner;
        work(person(on.port(), as.credential(), t.workspace), one, mine[i]);
      });
    // Killed at no particular moment: after so many commands, wherever those are then.
    person watch(on.port(), "", "");
    const auto enough = 60 + random.below(200);
    eventually([&] {
      auto text = watch.get("/metrics").body;
      auto at = text.find("\nnacre_log_commands_total ");
      return at != std::string::npos && std::stod(text.substr(at + 26)) > static_cast<double>(enough);
    });
    on.node().kill();
    for (auto& each : threads) each.join();
    for (const auto& each : mine) creates += each.pats.size();
    all.insert(all.end(), mine.begin(), mine.end());
    REQUIRE(on.node().start());
    person owner(on.port(), t.owner.credential(), t.workspace);
    check_survived(owner, all);
  }
  CHECK(creates > 50);
  CHECK(on.node().stop() == 0);
}

TEST_CASE("a wrong root key is a start error that says so, the right one works again", "[faults]") {
  installation on;
  team t(on);
  auto pat = t.owner.new_pat();
  REQUIRE(on.node().stop() == 0);
  auto key = on.node().data() / "root.key";
  auto right = nacre::test::read_whole(key);
  REQUIRE_FALSE(right.empty());
  auto wrong = right;
  wrong[0] = static_cast<char>(wrong[0] == '0' ? '1' : '0');
  write_whole(key, wrong);
  CHECK_FALSE(on.node().start());
  CHECK(on.node().child().wait() == 78);
  CHECK(on.node().errors().find("the root key is not the one this data directory was made with") != std::string::npos);
  CHECK(on.node().errors().find(right.substr(0, 16)) == std::string::npos);
  write_whole(key, right);
  REQUIRE(on.node().start());
  person owner(on.port(), t.owner.credential(), t.workspace);
  CHECK(owner.post(pat_path(pat["id"].text(), "reveal")).json()["data"]["fullToken"] == pat["token"]);
}

TEST_CASE("a root key others may read, or that is no file, is refused", "[faults]") {
  installation on;
  REQUIRE(on.node().stop() == 0);
  auto key = on.node().data() / "root.key";
  namespace fs = std::filesystem;
  fs::permissions(key, fs::perms::owner_read | fs::perms::group_read);
  CHECK_FALSE(on.node().start());
  CHECK(on.node().child().wait() == 78);
  fs::permissions(key, fs::perms::owner_read);
  fs::rename(key, on.node().data() / "moved.key");
  fs::create_symlink(on.node().data() / "moved.key", key);
  CHECK_FALSE(on.node().start());
  CHECK(on.node().child().wait() == 78);
  fs::remove(key);
  fs::rename(on.node().data() / "moved.key", key);
  CHECK(on.node().start());
}

TEST_CASE("a second node on the same directory does not start and does no harm", "[faults]") {
  installation on;
  team t(on);
  auto second = run("nacred", {"--dev", "--data-dir", on.node().data().string(), "--http", "127.0.0.1:0"});
  CHECK((second.code == 69 || second.code == 74 || second.code == 78));
  CHECK(second.output.find("ready") == std::string::npos);
  CHECK(second.errors.find("in use by another process") != std::string::npos);
  CHECK(t.owner.new_pat()["name"].text() == "a token");
}

TEST_CASE("a port in use is exit 69", "[faults]") {
  installation on;
  nacre::test::temporary_directory dir;
  auto second =
      run("nacred", {"--dev", "--data-dir", (dir / "d").string(), "--http", "127.0.0.1:" + std::to_string(on.port())});
  CHECK(second.code == 69);
  CHECK(second.output.find("ready") == std::string::npos);
}

TEST_CASE("a first start that was cut short while it made its root key is begun anew", "[faults][kill]") {
  node_process::options o;
  o.wrapper = without_room(false);
  node_process node(o);
  CHECK_FALSE(node.start());
  CHECK(node.child().wait() == 128 + SIGXFSZ);
  node.how().wrapper.clear();
  REQUIRE(node.start());
  CHECK(node.stop() == 0);
}

TEST_CASE("a start without room on the disk ends as one of I/O, and says why", "[faults][disk]") {
  node_process::options o;
  o.wrapper = without_room(true);
  node_process node(o);
  const auto fails_on = [&](std::string_view file) {
    CHECK_FALSE(node.start());
    CHECK(node.child().wait() == 74);
    INFO(node.child().output());
    CHECK(node.child().output().find(file) != std::string::npos);
    CHECK(node.child().output().find("File too large") != std::string::npos);
  };
  fails_on("root.key");
  node.how().wrapper.clear();
  REQUIRE(node.start());
  REQUIRE(node.stop() == 0);
  REQUIRE(std::filesystem::remove(node.data() / "dev-issuer.jwk"));
  node.how().wrapper = without_room(true);
  node.how().arguments = {"--ephemeral"};
  fails_on("dev-issuer.jwk");
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // these take address space as they like
TEST_CASE("a start without memory or threads ends as one of I/O, and says why", "[faults]") {
  const auto limited = [](const std::string& how, std::vector<std::string> arguments) {
    node_process::options o;
    o.wrapper = {"/bin/sh", "-c", "ulimit -" + how + " || exit 77; exec \"$@\"", "sh"};
    o.arguments = std::move(arguments);
    node_process node(o);
    CHECK_FALSE(node.start());
    const auto code = node.child().wait();
    INFO(node.errors());
    if (code == 77) {
      WARN("ulimit -" << how << " is not permitted here");
      return;
    }
    CHECK(code == 74);
    CHECK(node.errors().find("nacred: cannot go on: ") != std::string::npos);
  };
  // More than the whole address space, or than may be had of it: nothing hangs on what the program needs.
  limited("v 16000000", {"--set", "storage.row_cache_mib=65536"});
  limited("s 1000000000000", {});  // of every thread's stack
}
#endif

TEST_CASE("on a full disk writes are refused, reads go on, and nothing acknowledged is lost", "[faults][disk]") {
  node_process::options o = unlimited({"--set", "log.level=warn", "--set", "storage.write_buffer_mib=1"});
  nacre::test::temporary_directory dir;
  o.data = dir / "data";
  small_disk disk(*o.data, 48);
  if (!disk.mounted()) o.child.file_bytes_max = 256 * 1024;  // the log of writes hits it instead
  installation on(o);
  team t(on);
  std::vector<std::pair<std::string, std::string>> kept;
  auto create = [&] {
    auto a = t.owner.post("/api/v1/pats", R"({"name":"kept"})");
    if (a.status == 201) kept.emplace_back(a.json()["data"]["id"].text(), a.json()["data"]["token"].text());
    return a;
  };
  for (int i = 0; i < 20; ++i) REQUIRE(create().status == 201);
  if (disk.mounted()) disk.fill();
  http_answer refused;
  for (int i = 0; i < 20'000 && refused.status != 503; ++i) refused = create();
  check_error(refused, 503, "unavailable");
  CHECK(refused.header("Retry-After") == "1");
  // It stays closed for writes of every kind, and says why.
  check_error(create(), 503, "unavailable");
  check_error(t.owner.patch(pat_path(kept[0].first), R"({"name":"changed"})"), 503, "unavailable");
  check_error(t.owner.del(pat_path(kept[0].first)), 503, "unavailable");
  check_error(t.owner.post(pat_path(kept[0].first, "reveal")), 503, "unavailable");  // no record, no reveal
  auto ready = t.owner.get("/readyz");
  CHECK(ready.status == 503);
  CHECK(ready.json()["status"].text() == "not_ready");
  CHECK(ready.json()["reasons"][0].text().starts_with("storage"));
  CHECK(ready.header("Retry-After") == "1");
  CHECK(t.owner.get("/healthz").status == 200);
  CHECK(t.owner.get("/metrics").body.find("\nnacre_log_writable 0\n") != std::string::npos);
  // Reads go on.
  CHECK(t.owner.get(pat_path(kept[0].first)).json()["data"]["name"].text() == "kept");
  CHECK(t.owner.get("/api/v1/pats").status == 200);
  CHECK(t.owner.with(kept[0].second).get("/api/v1/me").status == 200);
  CHECK(on.node().stop() == 0);

  if (disk.mounted()) disk.make_room();
  on.node().how().child.file_bytes_max.reset();
  REQUIRE(on.node().start());
  person owner(on.port(), t.owner.credential(), t.workspace);
  CHECK(owner.get("/readyz").status == 200);
  for (const auto& [id, token] : kept) {
    auto a = owner.get(pat_path(id));
    if (a.status != 200) FAIL("an acknowledged token is gone: " << a.body);
  }
  auto counts = check_gapless(audit_of(owner));
  auto total = owner.get("/api/v1/pats").json()["pagination"]["total"].number();
  CHECK(total == counts.creates - counts.revokes);
  CHECK(total >= static_cast<std::int64_t>(kept.size()));
  CHECK(owner.post(pat_path(kept.back().first, "reveal")).json()["data"]["fullToken"].text() == kept.back().second);
  CHECK(owner.post("/api/v1/pats", R"({"name":"again"})").status == 201);
}

TEST_CASE("SIGTERM answers what is in flight and ends with 0", "[faults][drain]") {
  installation on(unlimited());
  team t(on);
  std::atomic<int> answered{0}, broken{0};
  std::atomic<bool> go{true};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      nacre::test::raw_http talk(on.port());
      auto message = http_client::message("POST", "/api/v1/pats",
                                          {{"Authorization", "Bearer " + t.owner.credential()},
                                           {"X-Workspace-Id", t.workspace},
                                           {"Content-Type", "application/json"}},
                                          R"({"name":"in flight"})");
      while (go) {
        if (!talk.send(message)) return;
        auto a = talk.receive();
        // A connection that ends between requests is one thing, an answer cut short another.
        if (!a) {
          if (!talk.left_over().empty()) ++broken;
          return;
        }
        if (a->status == 201) ++answered;
        if (a->status != 201 && a->status != 503) ++broken;
        if (const auto* c = a->find("Connection"); c && *c == "close") return;
      }
    });
  REQUIRE(eventually([&] { return answered > 50; }));
  auto begun = std::chrono::steady_clock::now();
  CHECK(on.node().stop(std::chrono::seconds(15)) == 0);
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(15));
  go = false;
  for (auto& each : threads) each.join();
  CHECK(broken == 0);
  CHECK(on.node().errors().find("\"all_answered\":true") != std::string::npos);
  REQUIRE(on.node().start());
  person owner(on.port(), t.owner.credential(), t.workspace);
  CHECK(owner.get("/api/v1/pats").json()["pagination"]["total"].number() >= answered);
}

TEST_CASE("SIGINT ends a node as SIGTERM does, idle connections or not", "[faults][drain]") {
  installation on(unlimited({"--set", "http.header_timeout_ms=2000"}));
  http_client idle(on.port());
  REQUIRE(idle.send("GET", "/healthz").status == 200);
  nacre::test::raw_http half(on.port());
  REQUIRE(half.send("GET /healthz HTT"));
  on.node().child().signal(SIGINT);
  CHECK(on.node().child().wait(std::chrono::seconds(20)) == 0);
}

TEST_CASE("an ephemeral node keeps nothing", "[faults]") {
  installation on(unlimited({"--ephemeral"}));
  team t(on);
  t.owner.new_pat();
  on.restart();
  person owner(on.port(), t.owner.credential(), t.workspace);
  CHECK(owner.get("/api/v1/pats").json()["pagination"]["total"].number() == 0);
}

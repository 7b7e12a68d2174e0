// The two programs from the command line: configuration, refusals, exit codes.

#include "tests/e2e/kit.hpp"
#include "tests/support/free_ports.hpp"

using namespace nacre::e2e;
using nacre::test::child_options;
using nacre::test::run;
using nacre::test::write_whole;

namespace {

struct desk {
  nacre::test::temporary_directory dir;
  std::string file(const std::string& text) {
    write_whole(dir / "nacred.toml", text);
    return (dir / "nacred.toml").string();
  }
  nacre::test::finished check(const std::string& text, const std::vector<std::string>& more = {},
                              child_options o = {}) {
    std::vector<std::string> all{"--check-config", file(text)};
    all.insert(all.end(), more.begin(), more.end());
    return run("nacred", all, o);
  }
};

constexpr const char* minimal = "[keys]\nroot = \"file:/etc/nacre/root.key\"\n";

bool names(const nacre::test::finished& f, std::string_view what) { return f.errors.find(what) != std::string::npos; }

}  // namespace

TEST_CASE("a configuration is checked without starting", "[config]") {
  desk d;
  auto good = d.check(minimal);
  CHECK(good.code == 0);
  CHECK(good.output.find("valid") != std::string::npos);
  CHECK(good.errors.empty());
  auto help = run("nacred", {"--help-config"});
  CHECK(help.code == 0);
  CHECK(d.check(help.output).code == 0);  // the example is valid as printed

  struct row {
    std::string text;
    const char* named;
  };
  const row rows[] = {
      {std::string(minimal) + "[http]\nporrt = 1\n", "http.porrt"},
      {std::string(minimal) + "[htpp]\nport = 1\n", "htpp"},
      {std::string(minimal) + "loose = 1\n", "keys.loose"},
      {std::string(minimal) + "[http]\nport = 65536\n", "http.port"},
      {std::string(minimal) + "[http]\nport = -1\n", "http.port"},
      {std::string(minimal) + "[http]\nport = \"80\"\n", "http.port"},
      {std::string(minimal) + "[http]\naddress = \"localhost\"\n", "http.address"},
      {std::string(minimal) + "[log]\nlevel = \"loud\"\n", "log.level"},
      {std::string(minimal) + "[limits]\nenabled = false\n", "limits.enabled"},
      {"[keys]\nroot = \"env:NACRE_ROOT\"\n", "keys.root"},
      {std::string(minimal) + "[[auth.issuers]]\nissuer = \"https://i\"\naudience = \"a\"\njwks_file = \"/absent\"\n",
       "https://i"},
      {std::string(minimal) + "[http]\naddress = \"0.0.0.0\"\n[auth]\ndev_issuer = true\n", "auth.dev_issuer"},
      {std::string(minimal) + "[http]\naddress = \"::\"\n[auth]\ndev_issuer = true\n", "auth.dev_issuer"},
      {"[http]\nport = 1\n", "keys.root"},
      {"[keys]\nroot = \"0123456789abcdef\"\n", "keys.root"},
      {"[keys\n", "nacred.toml"},
  };
  for (const auto& r : rows) {
    INFO(r.text);
    auto bad = d.check(r.text);
    CHECK(bad.code == 78);
    CHECK(names(bad, r.named));
    CHECK(bad.output.empty());
  }
  CHECK_FALSE(names(d.check("[keys]\nroot = \"0123456789abcdef\"\n"), "0123456789abcdef"));  // may be the key itself
  CHECK(run("nacred", {"--check-config", (d.dir / "absent").string()}).code == 78);
  CHECK(run("nacred", {"--config", (d.dir / "absent").string()}).code == 78);
}

TEST_CASE("environment overrides the file, --set overrides both, and unknown keys are named", "[config]") {
  desk d;
  auto with = [](std::string name, std::string value) {
    child_options o;
    o.environment[std::move(name)] = std::move(value);
    return o;
  };
  auto wrong_port = std::string(minimal) + "[http]\nport = 70000\n";
  CHECK(d.check(minimal, {}, with("NACRE_HTTP__PORT", "8443")).code == 0);
  auto bad = d.check(minimal, {}, with("NACRE_HTTP__PORT", "x"));
  CHECK(bad.code == 78);
  CHECK(names(bad, "NACRE_HTTP__PORT"));
  auto unknown = d.check(minimal, {}, with("NACRE_HTTP__PORRT", "1"));
  CHECK(unknown.code == 78);
  CHECK(names(unknown, "http.porrt"));
  CHECK(d.check(wrong_port).code == 78);
  auto set = d.check(minimal, {"--set", "http.porrt=1"});
  CHECK(set.code == 78);
  CHECK(names(set, "http.porrt"));
  CHECK(d.check(minimal, {"--set", "http.port=70000"}).code == 78);
  CHECK(d.check(minimal, {"--set", "http.port=1", "--set=log.level=warn"}).code == 0);

  // Seen in what a node does: its address limit.
  node_process::options o;
  o.child.environment["NACRE_REVEAL__PER_PAT"] = "2";
  installation by_environment(o);
  team t(by_environment);
  auto reveal = pat_path(t.owner.new_pat()["id"].text(), "reveal");
  CHECK(t.owner.post(reveal).header("RateLimit-Policy") == "\"reveal\";q=2;w=60");
  REQUIRE(by_environment.node().stop() == 0);
  by_environment.node().how().arguments = {"--set", "reveal.per_pat=7"};
  REQUIRE(by_environment.node().start());
  person again(by_environment.port(), t.owner.credential(), t.workspace);
  CHECK(again.post(reveal).header("RateLimit-Policy") == "\"reveal\";q=7;w=60");
}

TEST_CASE("a node runs from a configuration file", "[config]") {
  desk d;
  auto key = d.dir / "root.key";
  write_whole(key, hex_sha256("a root key for a test"));
  std::filesystem::permissions(key, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  auto file = d.file("[keys]\nroot = \"file:" + key.string() + "\"\n[data]\ndir = \"" + (d.dir / "data").string() +
                     "\"\n[http]\nport = 0\n[auth]\ndev_issuer = true\n");
  nacre::test::child_process node({nacre::test::program("nacred").string(), "--config", file}, d.dir / "stderr");
  auto ready = node.line("ready http://127.0.0.1:");
  REQUIRE(ready);
  auto port = static_cast<std::uint16_t>(std::stoi(ready->substr(ready->rfind(':') + 1)));
  auto user = new_uuid(), ws = new_uuid();
  person who(port, mint(d.dir / "data", {user, ws, "owner"}), ws, user);
  CHECK(who.new_pat()["userId"].text() == user);
  CHECK_FALSE(std::filesystem::exists(d.dir / "data" / "root.key"));
  node.signal(SIGTERM);
  CHECK(node.wait() == 0);
}

TEST_CASE("a node whose standard descriptors are closed serves, and prints into none of its files", "[config]") {
  desk d;
  const auto data = d.dir / "data";
  const auto port = static_cast<std::uint16_t>(nacre::test::free_ports(1));
  nacre::test::child_process node(
      {"/bin/sh", "-c", "exec \"$0\" --dev --data-dir \"$1\" --http \"$2\" <&- >&- 2>&-",
       nacre::test::program("nacred").string(), data.string(), "127.0.0.1:" + std::to_string(port)},
      d.dir / "stderr");
  http_client to(port);
  REQUIRE(eventually([&] { return to.send("GET", "/readyz").status == 200; }));
  node.signal(SIGTERM);
  CHECK(node.wait() == 0);
  for (const auto& each : std::filesystem::recursive_directory_iterator(data)) {
    if (!each.is_regular_file()) continue;
    INFO(each.path());
    const auto text = nacre::test::read_whole(each.path());
    CHECK(text.find("ready http://") == text.npos);
    CHECK(text.find("\"msg\":\"ready\"") == text.npos);
  }
}

TEST_CASE("a root key comes from the environment and does not stay there", "[config]") {
  node_process::options o;
  o.arguments = {"--set", "keys.root=env:NACRE_ROOT_KEY"};
  o.child.environment["NACRE_ROOT_KEY"] = hex_sha256("another root key");
  installation on(o);
  team t(on);
  CHECK(t.owner.new_pat()["canReveal"].flag());
  CHECK_FALSE(std::filesystem::exists(on.node().data() / "root.key"));
  REQUIRE(on.node().stop() == 0);
  on.node().how().child.environment["NACRE_ROOT_KEY"] = hex_sha256("yet another");
  CHECK_FALSE(on.node().start());
  CHECK(on.node().child().wait() == 78);
  on.node().how().child.environment.clear();
  CHECK_FALSE(on.node().start());
  CHECK(on.node().child().wait() == 78);
}

TEST_CASE("the development node and issuer stay on loopback", "[config]") {
  desk d;
  auto data = (d.dir / "data").string();
  for (const char* address : {"0.0.0.0:0", "[::]:0", "192.0.2.1:0"}) {
    INFO(address);
    auto refused = run("nacred", {"--dev", "--data-dir", data, "--http", address});
    CHECK(refused.code == 78);
    CHECK(names(refused, "loopback"));
    CHECK(refused.output.empty());
    auto issuer = run("nacred", {"--data-dir", data, "--http", address, "--set", "auth.dev_issuer=true", "--set",
                                 "keys.root=file:/x"});
    CHECK(issuer.code == 78);
    CHECK(names(issuer, "auth.dev_issuer"));
  }
  CHECK_FALSE(std::filesystem::exists(data));
}

TEST_CASE("wrong usage is 64 and says nothing of what was given", "[config]") {
  const std::vector<std::vector<std::string>> wrong = {{"--nonsense"},
                                                       {"pat_wsabcdef_secret"},
                                                       {"--data-dir"},
                                                       {"--http"},
                                                       {"--set"},
                                                       {"--data-dir", "a", "--data-dir", "b"},
                                                       {"--config", "a", "--check-config", "b"}};
  for (const auto& arguments : wrong) {
    auto a = run("nacred", arguments);
    INFO(arguments[0]);
    CHECK(a.code == 64);
    CHECK(a.output.empty());
    CHECK_FALSE(names(a, "pat_wsabcdef_secret"));
  }
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {}, {"nonsense"}, {"token"}, {"token", "mint"}, {"import"}, {"import", "pats"}, {"scan"}, {"--nonsense"}})
    CHECK(run("nacre", arguments).code == 64);
  for (const char* name : {"nacred", "nacre"})
    for (const char* flag : {"--help", "--version"}) {
      auto a = run(name, {flag});
      CHECK(a.code == 0);
      CHECK_FALSE(a.output.empty());
      CHECK(a.errors.empty());
    }
}

TEST_CASE("a directory that cannot be is an error, not a crash", "[config]") {
  desk d;
  write_whole(d.dir / "file", "not a directory");
  auto at_file = run("nacred", {"--dev", "--data-dir", (d.dir / "file").string(), "--http", "127.0.0.1:0"});
  CHECK((at_file.code == 74 || at_file.code == 78));
  CHECK(at_file.output.empty());
  auto below = run("nacred", {"--dev", "--data-dir", (d.dir / "file" / "x").string(), "--http", "127.0.0.1:0"});
  CHECK((below.code == 74 || below.code == 78));
  auto audit = run("nacred", {"--dev", "--data-dir", (d.dir / "data").string(), "--http", "127.0.0.1:0", "--set",
                              "audit.file=" + (d.dir / "file" / "x").string()});
  CHECK(audit.code == 78);
}

TEST_CASE("an import sends its token in clear text to this machine only", "[config]") {
  desk d;
  write_whole(d.dir / "rows", "\n");
  auto to = [&](std::vector<std::string> url) {
    std::vector<std::string> all{"import", "pats", "--file", (d.dir / "rows").string(), "--url"};
    all.insert(all.end(), url.begin(), url.end());
    child_options o;
    o.environment["NACRE_TOKEN"] = "a-token";
    return run("nacre", all, o);
  };
  for (const char* url : {"http://192.0.2.1", "http://nacre.example:80", "http://[2001:db8::1]:80"}) {
    auto refused = to({url});
    INFO(url);
    CHECK(refused.code == 64);
    CHECK(names(refused, "clear"));
    CHECK(to({url, "--insecure"}).code == 0);  // no rows, nothing is sent
  }
  for (const char* url : {"http://127.0.0.1:1", "http://localhost", "http://[::1]:1", "https://nacre.example"})
    CHECK(to({url}).code == 0);
  for (const char* url : {"http://127.0.0.1:1/api", "http://u@127.0.0.1", "http://127.0.0.1:x"})
    CHECK(to({url}).code == 64);
}

TEST_CASE("token mint keeps its bounds and its tokens work", "[config]") {
  auto& on = shared();
  auto data = on.node().data().string();
  auto user = new_uuid(), ws = new_uuid();
  auto mint_with = [&](std::vector<std::string> more) {
    std::vector<std::string> all{"token", "mint", "--data-dir", data};
    all.insert(all.end(), more.begin(), more.end());
    return run("nacre", all);
  };
  auto good =
      mint_with({"--sub", user, "--ws", ws, "--role", "owner", "--email", "u@example.com", "--ws-name", "Mine"});
  REQUIRE(good.code == 0);
  CHECK(good.errors.empty());
  person who(on.port(), good.output.substr(0, good.output.size() - 1), ws, user);
  CHECK(who.get("/api/v1/me").json()["data"]["email"].text() == "u@example.com");
  CHECK(who.get("/api/v1/workspaces/" + ws).json()["data"]["name"].text() == "Mine");
  for (const char* ttl : {"1s", "90s", "15m", "24h", "86400"})
    CHECK(mint_with({"--sub", user, "--ttl", ttl}).code == 0);
  for (const char* ttl : {"0", "-1", "0s", "2d", "", "x", "h", "1.5h", "1hh", "99999999999999999999"}) {
    INFO(ttl);
    CHECK(mint_with({"--sub", user, "--ttl", ttl}).code == 64);
  }
  for (const char* ttl : {"25h", "86401", "1441m"}) {
    INFO(ttl);
    auto refused = mint_with({"--sub", user, "--ttl", ttl});
    CHECK(refused.code == 64);
    CHECK(refused.output.empty());
  }
  CHECK(mint_with({"--sub", user, "--role", "boss"}).code == 64);
  for (const char* no_uuid : {"", "x", "11111111-1111-4111-8111-11111111111"}) {
    CHECK(mint_with({"--sub", no_uuid}).code == 64);
    CHECK(mint_with({"--sub", user, "--ws", no_uuid}).code == 64);
  }
  CHECK(run("nacre", {"token", "mint", "--data-dir", "/nowhere", "--sub", user}).code == 78);
}

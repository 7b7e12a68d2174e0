// The CA of a cluster, and a development cluster of real nodes that is started, wounded and ended.

#include <sys/stat.h>

#include <sstream>

#include "tests/e2e/command_line_kit.hpp"
#include "tests/support/free_ports.hpp"

using namespace nacre::e2e;
using nacre::test::child_process;
namespace fs = std::filesystem;

namespace {

unsigned mode_of(const std::string& file) {
  struct stat s {};
  return ::stat(file.c_str(), &s) == 0 ? s.st_mode & 0777u : 0;
}

struct line {
  int pid = 0;
  std::string url, restart;
};

// node N pid P url U restart: COMMAND
std::map<int, line> nodes_of(const std::string& output) {
  std::map<int, line> out;
  std::istringstream lines(output);
  for (std::string text; std::getline(lines, text);) {
    std::istringstream in(text);
    std::string node, pid, url, restart;
    int number = 0;
    line one;
    if (!(in >> node >> number >> pid >> one.pid >> url >> one.url >> restart) || node != "node" || pid != "pid" ||
        url != "url" || restart != "restart:")
      continue;
    std::getline(in >> std::ws, one.restart);
    out[number] = one;
  }
  return out;
}

bool gone(int pid) {
  return eventually([&] { return ::kill(pid, 0) != 0; }, std::chrono::seconds(15));
}

struct cluster : shell {
  explicit cluster(words more = {}) {
    words all{nacre::test::program("nacre").string(), "cluster", "dev", "--data-dir", path("c")};
    all.insert(all.end(), more.begin(), more.end());
    process = std::make_unique<child_process>(all, home / "errors", options());
  }
  bool ready() { return process->line("ready").has_value(); }
  std::unique_ptr<child_process> process;
};

// What `nacre cluster` is told of nodes 1 to `members`, of which so many vote.
std::string standing(int epoch, int members, int voting) {
  std::string all;
  for (int node = 1; node <= members; ++node)
    all += (all.empty() ? "" : ",") + ("{\"node\":" + std::to_string(node)) +
           ",\"address\":\"127.0.0.1:" + std::to_string(7'400 + node) +
           "\",\"votes\":" + (node <= voting ? "true" : "false") + "}";
  const auto number = std::to_string(epoch);
  return nacre::test::http_status(200, {},
                                  "{\"data\":{\"mode\":\"cluster\",\"node\":1,\"epoch\":" + number + ",\"members\":[" +
                                      all + "],\"groups\":[{\"group\":0,\"leader\":1,\"epoch\":" + number + "}]}}");
}

// A command at a node that answers so.
finished operate(const nacre::test::receiver::answering& answer, words what) {
  const nacre::test::receiver node(answer);
  shell me(node.url(""));
  me.environment["NACRE_TOKEN"] = "a-token-of-an-operator";
  what.insert(what.begin(), "cluster");
  return me.run(what);
}

}  // namespace

TEST_CASE("a change that came just before it was asked for again is no refusal", "[cli][cluster]") {
  const auto told = [](int epoch, int members) {
    return operate(
        [=](const nacre::test::received& r, std::size_t n) {
          if (r.line().starts_with("PUT"))
            return nacre::test::http_status(409, {}, R"({"code":"conflict","message":"changed meanwhile"})");
          return n == 0 ? standing(1, 3, 3) : standing(epoch, members, members);
        },
        {"add", "4=127.0.0.1:7404"});
  };
  CHECK(told(2, 4).code == 0);
  const auto other = told(2, 2);
  CHECK(other.code == 65);
  CHECK(has(other.errors, "by somebody else"));
  const auto none = told(1, 3);
  CHECK(none.code == 65);
  CHECK(has(none.errors, "nothing was changed"));
}

TEST_CASE("a node that goes while a change is awaited is told of at once, and not what it said before",
          "[cli][cluster]") {
  const auto told = [](std::size_t answered) {
    return operate(
        [=](const nacre::test::received& r, std::size_t n) {
          if (n >= answered) return std::string();
          if (r.line().starts_with("PUT")) return nacre::test::http_status(200, {}, "{}");
          return n == 0 ? standing(1, 3, 3) : standing(2, 4, 3);
        },
        {"add", "4=127.0.0.1:7404", "--timeout", "2s"});
  };
  const auto check = [](const finished& f, std::string_view last) {
    INFO(f.errors);
    CHECK(f.code == 69);
    const auto line = f.errors.find("asking again (another node may be asked with --url)");
    CHECK(line != std::string::npos);
    CHECK(f.errors.find("another node may be asked", line + 20) == std::string::npos);
    CHECK(has(f.errors, last));
    CHECK_FALSE(has(f.errors, "does not vote yet"));
  };
  check(told(4), "the members are changed; how far they are is not known: no answer from");
  check(told(1), "whether the members are changed is not known: no answer from");
  CHECK(has(told(1'000).errors, "does not vote yet: node 4"));
}

TEST_CASE("a member that knows no leader is no member to count on, whatever else it is", "[cli][cluster]") {
  const auto f = operate(
      [](const nacre::test::received&, std::size_t) {
        return nacre::test::http_status(
            200, {},
            R"({"data":{"mode":"cluster","node":1,"epoch":1,"members":[{"node":1,"address":"a:1","votes":true},)"
            R"({"node":2,"address":"b:2","role":"follower","connected":true,"votes":false,)"
            R"("trouble":"it knows no leader"}],"groups":[{"group":0,"leader":1,"epoch":1}]}})");
      },
      {"status"});
  CHECK(f.code == 69);
  CHECK(has(f.output, "it knows no leader"));
}

TEST_CASE("a number that was mistyped is told, and one that is named twice is one node", "[cli][cluster]") {
  const auto told = [](words what) {
    what.insert(what.end(), {"--timeout", "1s"});
    std::string asked;
    const auto f = operate(
        [&asked](const nacre::test::received& r, std::size_t) {
          if (!r.line().starts_with("PUT")) return asked.empty() ? standing(1, 3, 3) : standing(2, 2, 2);
          asked = r.body;
          return nacre::test::http_status(200, {}, "{}");
        },
        what);
    return std::pair(f, asked);
  };
  // It may have been replaced already: what is so is waited for.
  const auto replaced = told({"replace", "44", "3=127.0.0.1:7403"}).first;
  CHECK(replaced.code == 0);
  CHECK(has(replaced.errors, "node 44 is no member"));
  const auto [removed, body] = told({"remove", "3", "3", "--yes"});
  CHECK(removed.code == 0);
  CHECK_FALSE(has(removed.errors, "is no member"));
  CHECK(has(body, "7402"));
  CHECK_FALSE(has(body, "7403"));
}

TEST_CASE("a CA is made once, issues what nodes need, and tells what there is", "[cli][ca]") {
  shell me;
  const auto ca = me.path("ca");
  auto made = me.run({"ca", "init", "--dir", ca, "--cluster", "test"});
  CHECK(made.code == 0);
  CHECK(has(made.output, "sha256"));
  CHECK(mode_of(ca + "/ca.key") == 0600);
  const auto before = read_whole(ca + "/ca.crt");
  auto again = me.run({"ca", "init", "--dir", ca});
  CHECK(again.code == 65);
  CHECK(has(again.errors, "--force"));
  CHECK(read_whole(ca + "/ca.crt") == before);

  CHECK(me.run({"ca", "issue", "1", "--dir", ca, "--host", "node-1.internal", "--host", "10.0.0.1"}).code == 0);
  CHECK(mode_of(ca + "/node-1.key") == 0600);
  CHECK(me.run({"ca", "issue", "1", "--dir", ca}).code == 65);
  CHECK(me.run({"ca", "issue", "1", "--dir", ca, "--force"}).code == 0);
  CHECK(me.run({"ca", "issue", "2", "--dir", ca, "--out", me.path("two"), "--days", "30"}).code == 0);
  CHECK(mode_of(me.path("two") + "/node-2.key") == 0600);
  for (const char* wrong : {"0", "x", "-1", "1x", "01x"}) CHECK(me.run({"ca", "issue", wrong, "--dir", ca}).code == 64);
  CHECK(me.run({"ca", "issue", "3", "--dir", ca, "--host", "a b"}).code == 78);
  CHECK(me.run({"ca", "issue", "3", "--dir", me.path("none")}).code == 78);
  CHECK(me.run({"ca", "show", "--dir", me.path("none")}).code == 78);

  const auto shown = me.get({"ca", "show", "--dir", ca});
  CHECK(has(shown, "node 1"));
  const auto json = me.get({"ca", "show", "--dir", ca, "--json"});
  CHECK(has(json, "\"node\":1"));
  CHECK(has(json, "\"ca\":true"));
  for (const auto& text : {shown, json, made.output}) CHECK_FALSE(has(text, "PRIVATE"));

  // What is issued is what a node takes.
  const auto file = me.path("nacred.toml");
  const auto config = [&](const std::string& key) {
    write_whole(file, "[keys]\nroot = \"file:/k\"\n[cluster]\nnode = 1\nlisten = \"127.0.0.1:7400\"\nca = \"" + ca +
                          "/ca.crt\"\ncertificate = \"" + ca + "/node-1.crt\"\nkey = \"" + key +
                          "\"\npeers = [\"1=127.0.0.1:7400\"]\n");
    return nacre::test::run("nacred", {"--check-config", file});
  };
  CHECK(config(ca + "/node-1.key").code == 0);
  auto wrong = config(me.path("two") + "/node-2.key");
  CHECK(wrong.code == 78);
  CHECK(has(wrong.errors, "the node's key is not the one of its certificate"));
}

TEST_CASE("a development cluster serves on every node, and ends whole", "[cli][cluster]") {
  const auto port = nacre::test::free_ports(3);
  cluster c({"--nodes", "3", "--http-base-port", std::to_string(port)});
  INFO(read_whole(c.home / "errors"));
  REQUIRE(c.ready());
  auto nodes = nodes_of(c.process->output());
  REQUIRE(nodes.size() == 3);
  for (const auto& [number, one] : nodes) {
    CHECK(one.url == "http://127.0.0.1:" + std::to_string(port + number - 1));
    CHECK(::kill(one.pid, 0) == 0);
    CHECK(mode_of(c.path("c/ca/node-" + std::to_string(number) + ".key")) == 0600);
  }
  const auto user = new_uuid(), workspace = new_uuid();
  const auto token =
      c.get({"token", "mint", "--data-dir", c.path("c"), "--sub", user, "--ws", workspace, "--role", "owner"});
  for (const auto& [number, one] : nodes) {
    shell at(one.url);
    at.environment["NACRE_TOKEN"] = token;
    CHECK(at.run({"whoami"}).code == 0);
  }

  // A node that is killed comes back by the line that was printed for it, and by --restart.
  ::kill(nodes[2].pid, SIGKILL);
  REQUIRE(gone(nodes[2].pid));
  for (const words& command :
       {words{"/bin/sh", "-c", "exec " + nodes[2].restart},
        words{nacre::test::program("nacre").string(), "cluster", "dev", "--data-dir", c.path("c"), "--restart", "2"}}) {
    child_process again(command, c.home / "again", c.options());
    CHECK(again.line("ready " + nodes[2].url));
    again.signal(SIGTERM);
    CHECK(again.wait() == 0);
  }

  c.process->signal(SIGTERM);
  CHECK(c.process->wait() == 0);
  for (const auto& [number, one] : nodes) CHECK(gone(one.pid));

  // The directory holds three nodes from now on.
  cluster other({"--nodes", "1", "--data-dir", c.path("c"), "--http-base-port", std::to_string(port)});
  CHECK(other.process->wait() == 64);  // --data-dir twice
  auto fewer = c.run({"cluster", "dev", "--nodes", "5", "--data-dir", c.path("c")});
  CHECK(fewer.code == 78);
  CHECK(has(fewer.errors, "holds a cluster of 3 nodes"));
  CHECK(c.run({"cluster", "dev", "--data-dir", c.path("c"), "--restart", "4"}).code == 78);
  CHECK(c.run({"cluster", "dev", "--data-dir", c.path("c"), "--nodes", "0"}).code == 64);
  CHECK(c.run({"cluster", "dev"}).code == 64);
}

TEST_CASE("a development cluster goes on without a node that was taken out, and says so", "[cli][cluster]") {
  const auto port = std::to_string(nacre::test::free_ports(3));
  shell me;
  const words dev{
      nacre::test::program("nacre").string(), "cluster", "dev", "--data-dir", me.path("c"), "--http-base-port", port};
  {
    child_process first(dev, me.home / "errors", me.options());
    REQUIRE(first.line("ready"));
    me.environment["NACRE_TOKEN"] =
        me.get({"token", "mint", "--data-dir", me.path("c"), "--sub", new_uuid(), "--scope", "nacre.cluster"});
    me.environment["NACRE_URL"] = "http://127.0.0.1:" + port;
    CHECK(me.run({"cluster", "remove", "2", "3", "--yes"}).code == 0);
    first.signal(SIGTERM);
    CHECK(first.wait() == 0);
  }
  child_process again(dev, me.home / "again", me.options());
  CHECK(again.line("ready"));
  const auto told = read_whole(me.home / "again");
  INFO(told);
  for (const char* node : {"2", "3"})
    CHECK(has(told, "node " + std::string(node) + " does not serve: cluster: this node was taken out"));
  CHECK(nodes_of(again.output()).size() == 3);
  CHECK(me.run({"cluster", "status"}).code == 0);
  again.signal(SIGTERM);
  CHECK(again.wait() == 0);
}

TEST_CASE("a development cluster whose first start was cut short before it had nodes is begun again",
          "[cli][cluster]") {
  shell me;
  const auto dev = [&](const char* nodes) {
    return words{"cluster",    "dev",        "--nodes",          nodes,
                 "--data-dir", me.path("c"), "--http-base-port", std::to_string(nacre::test::free_ports(3))};
  };
  fs::create_directory(me.path("c"));
  write_whole(me.path("c/node2"), "in the way");
  CHECK(me.run(dev("3")).code == 74);
  fs::remove(me.path("c/node2"));
  write_whole(me.path("c/node4.toml"), "of more nodes, asked for first");
  auto again = dev("3");
  again.insert(again.begin(), nacre::test::program("nacre").string());
  child_process three(again, me.home / "errors", me.options());
  INFO(read_whole(me.home / "errors"));
  CHECK(three.line("ready"));
  CHECK_FALSE(fs::exists(me.path("c/node4.toml")));  // it would be counted at the next start
  three.signal(SIGTERM);
  CHECK(three.wait() == 0);
}

TEST_CASE("the nodes of a development cluster die with it, however it dies", "[cli][cluster]") {
  cluster c({"--nodes", "1", "--http-base-port", std::to_string(nacre::test::free_ports(3))});
  REQUIRE(c.ready());
  const auto nodes = nodes_of(c.process->output());
  REQUIRE(nodes.size() == 1);
  c.process->signal(SIGKILL);
  c.process->wait();
  CHECK(gone(nodes.at(1).pid));
}

// From the invitation of a node to its files and its section: what may be done twice, and what is refused.

#include <unistd.h>

#include "tests/e2e/command_line_kit.hpp"

using namespace nacre::e2e;
using nacre::test::child_process;
namespace fs = std::filesystem;

namespace {

// A machine with a root key and a CA, on which nodes come to be.
struct machine : shell {
  machine() {
    private_file(path("root.key"), std::string(64, 'a'));
    get({"ca", "init", "--dir", path("ca")});
  }
  static void private_file(const std::string& name, const std::string& text) {
    write_whole(name, text);
    fs::permissions(name, fs::perms(0600));
  }
  std::string root() const { return "file:" + path("root.key"); }
  std::string data(int node) const { return path("data" + std::to_string(node)); }
  std::string config(int node, const std::string& more = {}) const {
    const auto file = path("node" + std::to_string(node) + ".toml");
    private_file(file, "[data]\ndir = \"" + data(node) + "\"\n[keys]\nroot = \"" + root() + "\"\n" + more);
    return file;
  }
  finished invite(int node, int members) const {
    words all{"cluster",   "invite",      "--dir",      path("ca"), "--node", std::to_string(node),
              "--address", "127.0.0.1:1", "--root-key", root()};
    for (int other = 1; other <= members; ++other)
      for (const auto& word : {std::string("--member"), std::to_string(other) + "=127.0.0.1:1" + std::to_string(other)})
        all.push_back(word);
    return run(all);
  }
  std::string invitation(int node, int members = 1) const {
    auto made = invite(node, members);
    INFO(made.errors);
    REQUIRE(made.code == 0);
    made.output.pop_back();
    return made.output;
  }
  // A single node has lived there.
  void single(int node, const words& more = {}) const {
    node_process::options how;
    how.data = data(node);
    how.arguments = {"--set", "keys.root=" + root()};
    how.arguments.insert(how.arguments.end(), more.begin(), more.end());
    node_process one(how);
    REQUIRE(one.start());
    REQUIRE(one.stop() == 0);
  }
  words init_words(int node) const {
    return {"cluster",  "init",      "--data-dir",  data(node),   "--dir",
            path("ca"), "--address", "127.0.0.1:1", "--root-key", root()};
  }
  finished init(int node) const { return run(init_words(node)); }
  finished keys(int node, const std::string& ca) const {
    return run({"cluster", "keys", "--data-dir", data(node), "--dir", path(ca), "--root-key", root()});
  }
  finished join(int node, const std::string& token) const {
    return nacre::test::run("nacred", {"--config", config(node), "--join", token});
  }
};

}  // namespace

TEST_CASE("what nacred is asked to print was printed when it says so", "[cli][join]") {
  shell me;
  for (const char* what : {"--help", "--help-config", "--version"}) {
    const auto lost = me.printing_to("> /dev/full", {what}, "nacred");
    CHECK(lost.code == 74);
    CHECK(has(lost.errors, "standard output"));
  }
}

TEST_CASE("a node whose section could not be written joins by the same invitation", "[cli][join]") {
  machine here;
  const auto token = here.invitation(4);
  CHECK(here.printing_to("> /dev/full", {"--config", here.config(4), "--join", token}, "nacred").code == 74);
  const auto joined = here.join(4, token);
  INFO(joined.errors);
  CHECK(joined.code == 0);
  CHECK(has(joined.output, "[cluster]\nnode = 4\n"));

  // Killed between its files.
  const auto certificate = here.data(4) + "/cluster/node-4.crt";
  const auto before = read_whole(certificate);
  REQUIRE(fs::remove(certificate));
  const auto again = here.join(4, token);
  CHECK(again.code == 0);
  CHECK(again.output == joined.output);
  CHECK(read_whole(certificate) == before);

  const auto other = here.join(4, here.invitation(4));
  CHECK(other.code == 78);
  CHECK(has(other.errors, "remove " + here.data(4) + "/cluster and repeat"));
  CHECK(read_whole(certificate) == before);
}

TEST_CASE("a cluster whose section could not be written is told again to who founded it, and to nobody else",
          "[cli][join]") {
  machine here;
  here.single(1);
  CHECK(here.printing_to("> /dev/full", here.init_words(1)).code == 74);
  const auto again = here.init(1);
  INFO(again.errors);
  CHECK(again.code == 0);
  CHECK(has(again.output, "[cluster]\nnode = 1\n"));
  CHECK(nacre::test::run("nacred", {"--check-config", here.config(1, again.output)}).code == 0);

  const auto certificate = here.data(1) + "/cluster/node-1.crt";
  const auto before = read_whole(certificate);
  const auto refused = [&](const words& command, const char* why) {
    const auto done = here.run(command);
    CHECK(done.code == 78);
    CHECK(done.output.empty());
    CHECK(has(done.errors, why));
    CHECK(read_whole(certificate) == before);
  };
  auto command = here.init_words(1);
  command[7] = "127.0.0.1:2";
  refused(command, "belongs to a cluster already");
  command = here.init_words(1);
  command.insert(command.end(), {"--node", "2"});
  refused(command, "belongs to a cluster already");
  here.get({"ca", "init", "--dir", here.path("other")});
  command = here.init_words(1);
  command[5] = here.path("other");
  refused(command, "another CA");
  CHECK_FALSE(fs::exists(here.path("other") + "/service.keys"));
}

TEST_CASE("the directory of a single node in use does not join, by token or by configuration", "[cli][join]") {
  machine here;
  here.single(4);
  const auto joined = here.join(4, here.invitation(4));
  CHECK(joined.code == 78);
  CHECK(joined.output.empty());
  CHECK(has(joined.errors, "a node that joins begins with an empty directory"));
  CHECK_FALSE(fs::exists(here.data(4) + "/cluster"));

  const auto ca = here.path("ca");
  here.get({"ca", "issue", "4", "--dir", ca});
  const auto config = here.config(4, "[cluster]\nnode = 4\nlisten = \"127.0.0.1:1\"\nca = \"" + ca +
                                         "/ca.crt\"\ncertificate = \"" + ca + "/node-4.crt\"\nkey = \"" + ca +
                                         "/node-4.key\"\npeers = [\"4=127.0.0.1:1\"]\njoin = true\n");
  const auto started = nacre::test::run("nacred", {"--dev", "--http", "127.0.0.1:0", "--config", config});
  CHECK(started.code == 78);
  CHECK(has(started.errors, "a node that joins begins with an empty directory"));
  CHECK_FALSE(has(started.errors, "nacre cluster init"));
}

TEST_CASE("a CA keeps the service keys of one cluster, and another CA gets them from a node", "[cli][join]") {
  machine here;
  here.single(1);
  here.single(2);
  // Nothing is founded where nobody could read the section.
  CHECK(here.printing_to(">&-", here.init_words(1)).code == 74);
  REQUIRE(here.init(1).code == 0);
  const auto kept = here.path("ca") + "/service.keys";
  const auto before = read_whole(kept);
  const auto refused = here.init(2);
  CHECK(refused.code == 65);
  CHECK(refused.output.empty());
  CHECK(has(refused.errors, "another"));
  CHECK(read_whole(kept) == before);
  here.single(2);  // it has not become a cluster's

  CHECK(here.keys(1, "ca").code == 0);
  CHECK(read_whole(kept) == before);
  here.get({"ca", "init", "--dir", here.path("new")});
  const auto written = here.keys(1, "new");
  INFO(written.errors);
  CHECK(written.code == 0);
  CHECK(read_whole(here.path("new") + "/service.keys") == before);
  CHECK(mode_of(here.path("new") + "/service.keys") == "0600");

  const auto alone = here.keys(2, "ca");
  CHECK(alone.code == 78);
  CHECK(has(alone.errors, "nacre cluster init"));
  CHECK(here.keys(1, "none").code == 78);
  machine::private_file(kept, "00\n");
  CHECK(here.keys(1, "ca").code == 65);
  CHECK(read_whole(kept) == "00\n");
}

TEST_CASE("nothing is imported into one node of a cluster, which the others would not know of", "[cli][join]") {
  machine here;
  here.single(1);
  write_whole(here.path("rows"), R"({"workspaceId":")" + new_uuid() + R"(","userId":")" + new_uuid() +
                                     R"(","name":"CI","scopes":["read"],"tokenPrefix":"old","tokenHash":")" +
                                     hex_sha256("old") + R"(","createdAt":"2024-05-06T07:08:09Z","expiresAt":null})");
  REQUIRE(here.init(1).code == 0);
  const auto refused =
      here.run({"import", "pats", "--data-dir", here.data(1), "--root-key", here.root(), "--file", here.path("rows")});
  CHECK(refused.code == 78);
  CHECK(refused.output.empty());
  CHECK(has(refused.errors, "belongs to a cluster: import over its API, with --url"));
}

TEST_CASE("a data directory is written by whom it belongs to, by root no more than by others", "[cli][join]") {
  if (::geteuid() != 0) {
    WARN("SKIPPED: only root can give a directory to somebody else");
    return;
  }
  constexpr uid_t somebody = 54'321;  // whose name nobody knows
  machine here;
  here.single(1);
  const auto token = here.invitation(4);
  fs::create_directory(here.data(4));
  for (int node : {1, 4}) REQUIRE(::chown(here.data(node).c_str(), somebody, somebody) == 0);
  write_whole(here.path("rows"), "");
  for (const auto& refused : {here.init(1), here.join(4, token),
                              here.run({"import", "pats", "--data-dir", here.data(1), "--root-key", here.root(),
                                        "--file", here.path("rows")})}) {
    INFO(refused.errors);
    CHECK(refused.code == 78);
    CHECK(refused.output.empty());
    CHECK(has(refused.errors, "belongs to user 54321: run this as user 54321"));
  }
  for (int node : {1, 4}) CHECK_FALSE(fs::exists(here.data(node) + "/cluster"));
  CHECK_FALSE(fs::exists(here.path("ca") + "/service.keys"));
}

TEST_CASE("a path that cannot be looked at is refused with the reason", "[cli][join]") {
  machine here;
  fs::create_symlink("round", here.path("round"));  // as a directory of others would be, also for root
  const auto data = here.path("round") + "/data";
  constexpr const char* reason = "Too many levels of symbolic links";
  const auto node = nacre::test::run("nacred", {"--dev", "--http", "127.0.0.1:0", "--data-dir", data});
  CHECK(node.code == 78);
  CHECK(has(node.errors, reason));
  const auto fleet = here.run({"cluster", "dev", "--data-dir", data});
  CHECK(fleet.code == 74);
  CHECK(has(fleet.errors, reason));
  const auto restart = here.run({"cluster", "dev", "--data-dir", data, "--restart", "1"});
  CHECK(restart.code == 78);
  CHECK(has(restart.errors, reason));
  const auto import =
      here.run({"import", "pats", "--data-dir", data, "--root-key", here.root(), "--file", "/dev/null"});
  CHECK(import.code == 78);
  CHECK(has(import.errors, reason));

  for (const char* name : {"ca.crt", "node-4.crt", "service.keys"}) {
    fs::remove(here.path("ca") + "/" + name);
    fs::create_symlink(name, here.path("ca") + "/" + name);
  }
  CHECK(here.run({"ca", "init", "--dir", here.path("ca")}).code == 65);
  here.get({"ca", "init", "--dir", here.path("ca"), "--force"});
  CHECK(here.run({"ca", "issue", "4", "--dir", here.path("ca")}).code == 65);
  CHECK(here.invite(4, 1).code == 78);
}

TEST_CASE("who is invited to the largest cluster there can be has a section to start with", "[cli][join]") {
  machine here;
  const auto joined = here.join(9, here.invitation(9, 8));
  REQUIRE(joined.code == 0);
  const auto checked = nacre::test::run("nacred", {"--check-config", here.config(9, joined.output)});
  INFO(checked.errors);
  CHECK(checked.code == 0);
  const auto more = here.invite(10, 9);
  CHECK(more.code == 64);
  CHECK(more.output.empty());
  CHECK(has(more.errors, "at most 9 members"));
}

TEST_CASE("an invitation names each node and each address once", "[cli][join]") {
  machine here;
  const auto invited = [&](words members) {
    words all{"cluster", "invite",    "--dir",       here.path("ca"), "--node",
              "4",       "--address", "127.0.0.1:4", "--root-key",    here.root()};
    for (const auto& each : members) all.insert(all.end(), {"--member", each});
    const auto made = here.run(all);
    CHECK(made.code == (made.output.empty() ? 64 : 0));
    return made.output.empty() ? made.errors : std::string("invited");
  };
  CHECK(invited({"1=127.0.0.1:1", "2=127.0.0.1:2"}) == "invited");
  CHECK(has(invited({"1=127.0.0.1:1", "1=127.0.0.1:2"}), "node 1 is named twice"));
  CHECK(has(invited({"4=127.0.0.1:3"}), "node 4 is named twice"));
  CHECK(has(invited({"04=127.0.0.1:3"}), "ID=HOST:PORT"));
  CHECK(has(invited({"1=127.0.0.1:1", "2=127.0.0.1:1"}), "127.0.0.1:1 is named twice"));
  CHECK(has(invited({"1=127.0.0.1:4"}), "127.0.0.1:4 is named twice"));
}

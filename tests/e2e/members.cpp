// Nodes come and go while clients write and read; what would stop the cluster is refused; who may ask.

#include "tests/e2e/cluster_clients.hpp"
#include "tests/support/installation.hpp"

using namespace nacre::e2e;
using nacre::test::json_tree;
using words = std::vector<std::string>;

namespace {

bool has(const std::string& text, std::string_view what) { return text.find(what) != std::string::npos; }

std::string member(cluster& of, int node) { return std::to_string(node) + "=" + of.address(node); }

header_list as(const std::string& token) { return {{"Authorization", "Bearer " + token}}; }

json_tree standing(cluster& of, int node) {
  const auto a = of.send(node, "GET", "/api/v1/cluster", as(of.operator_token()));
  INFO(a.body);
  REQUIRE(a.status == 200);
  return a.json()["data"];
}

http_answer put_members(cluster& of, int node, const std::string& token, const std::string& body) {
  auto headers = as(token);
  headers.emplace_back("Content-Type", "application/json");
  return of.send(node, "PUT", "/api/v1/cluster/members", headers, body);
}

std::string body_of(cluster& of, std::int64_t epoch, const std::vector<int>& nodes) {
  std::string out;
  for (int node : nodes)
    out +=
        (out.empty() ? "" : ",") + ("{\"node\":" + std::to_string(node)) + ",\"address\":\"" + of.address(node) + "\"}";
  return "{\"epoch\":" + std::to_string(epoch) + ",\"members\":[" + out + "]}";
}

// Whether the node says that it cannot serve, for such a reason.
bool gives(cluster& of, int node, std::string_view reason) {
  const auto all = of.reasons(node);
  return std::any_of(all.begin(), all.end(), [&](const auto& each) { return has(each, reason); });
}

void succeed(const nacre::test::finished& f) {
  INFO(f.output);
  INFO(f.errors);
  CHECK(f.code == 0);
}

}  // namespace

TEST_CASE("three nodes become five and three again, and a lost disk another node, while clients write and read",
          "[cluster][members]") {
  const auto seed = std::random_device{}() % 1'000'000;
  CAPTURE(seed);
  cluster all;
  clients them(all, seed);
  CHECK(them.get_on());

  for (int node : {4, 5}) {
    CHECK(all.invite() == node);
    REQUIRE(all.start(node));
    const auto why = all.reasons(node);
    REQUIRE(why.size() == 1);
    CHECK(has(why[0], "waits to be taken in"));
  }
  succeed(all.operate(2, {"add", member(all, 4), member(all, 5)}));
  all.await_serving({1, 2, 3, 4, 5});
  all.ask_only({1, 2, 3, 4, 5});
  CHECK(them.get_on());
  CHECK(eventually([&] { return standing(all, 4)["canLose"].number() == 2; }));

  // Two of five may die, the leader among them.
  const auto leader = all.leader();
  REQUIRE(leader);
  const int other = *leader % 5 + 1;
  all.kill(*leader);
  all.kill(other);
  CHECK(them.get_on());
  REQUIRE(all.start(*leader));
  REQUIRE(all.start(other));
  all.await_serving({1, 2, 3, 4, 5});

  all.ask_only({3, 4, 5});
  succeed(all.operate(1, {"remove", "1", "2", "--yes"}));
  // Whoever lost the answer gives the same command again.
  const auto again = all.operate(3, {"remove", "1", "2", "--yes"});
  succeed(again);
  CHECK(has(again.errors, "node 2 is no member"));
  const auto outside = all.operate(1, {"remove", "1", "2", "--yes"});
  CHECK(outside.code == 65);
  CHECK(has(outside.errors, "node 1, which was asked, is no member"));
  all.await_serving({3, 4, 5});
  CHECK(them.get_on());
  CHECK(eventually([&] { return gives(all, 1, "taken out"); }));
  // Started again it stays out, and has what somebody may still need of it.
  CHECK(all.stop(1) == 0);
  REQUIRE(all.start(1));
  CHECK(eventually([&] { return gives(all, 1, "taken out"); }));
  for (int node : {1, 2}) CHECK(all.stop(node) == 0);

  // A disk is lost: its node comes back under a new number.
  all.ask_only({3, 4});
  all.kill(5);
  std::filesystem::remove_all(all.data() / "node5");
  CHECK(all.invite() == 6);
  {
    const bool started = all.start(6);
    INFO(all.errors(6));
    REQUIRE(started);
  }
  succeed(all.operate(4, {"replace", "5", member(all, 6)}));
  succeed(all.operate(3, {"replace", "5", member(all, 6)}));
  all.await_serving({3, 4, 6});
  all.ask_only({3, 4, 6});
  CHECK(them.get_on());
  them.stop();

  const auto now = standing(all, 6);
  CHECK(now["mode"].text() == "cluster");
  CHECK(now["epoch"].number() == 4);
  std::set<std::int64_t> nodes;
  for (const auto& m : now["members"].items()) {
    nodes.insert(m["node"].number());
    CHECK(m["votes"].flag());
    CHECK(m["connected"].flag());
    CHECK(is_time(m["certificateEndsAt"].text()));
  }
  CHECK(nodes == std::set<std::int64_t>{3, 4, 6});
  judge(them, seed);
}

TEST_CASE("a cluster of two groups changes its members in both, while clients write and read", "[cluster][members]") {
  const auto seed = std::random_device{}() % 1'000'000;
  CAPTURE(seed);
  cluster::options o;
  o.groups = 2;
  cluster all(o);
  const auto both = [&](int node, std::int64_t epoch) {
    const auto groups = standing(all, node)["groups"].items();
    return groups.size() == 2 && std::all_of(groups.begin(), groups.end(), [&](const auto& g) {
             return g["epoch"].number() == epoch && g["leader"].number() != 0;
           });
  };
  CHECK(both(1, 1));
  clients them(all, seed);
  CHECK(them.get_on());
  for (int node : {4, 5}) {
    CHECK(all.invite() == node);
    REQUIRE(all.start(node));
  }
  succeed(all.operate(2, {"add", member(all, 4), member(all, 5)}));
  all.await_serving({1, 2, 3, 4, 5});
  all.ask_only({1, 2, 3, 4, 5});
  CHECK(eventually([&] { return both(5, 2); }));
  CHECK(them.get_on());
  all.ask_only({3, 4, 5});
  succeed(all.operate(4, {"remove", "1", "2", "--yes"}));
  for (int node : {1, 2}) CHECK(eventually([&] { return gives(all, node, "taken out"); }));
  for (int node : {1, 2}) CHECK(all.stop(node) == 0);
  all.await_serving({3, 4, 5});
  CHECK(eventually([&] { return both(3, 3); }));
  CHECK(them.get_on());
  all.kill(5);
  std::filesystem::remove_all(all.data() / "node5");
  all.ask_only({3, 4});
  CHECK(all.invite() == 6);
  REQUIRE(all.start(6));
  succeed(all.operate(3, {"replace", "5", member(all, 6)}));
  all.await_serving({3, 4, 6});
  all.ask_only({3, 4, 6});
  CHECK(eventually([&] { return both(6, 4); }));
  CHECK(them.get_on());
  them.stop();
  judge(them, seed);
}

TEST_CASE("a node that loses its directory before it was taken in comes again under its number, later it does not",
          "[cluster][members]") {
  cluster three;
  CHECK(three.invite() == 4);
  REQUIRE(three.start(4));
  // Looked at, and not taken in: the other one is not there.
  CHECK(three.operate(1, {"add", member(three, 4), "9=" + three.address(9)}).code == 65);
  CHECK(has(three.errors(4), "node connected"));
  const auto again = [&] {
    three.kill(4);
    std::filesystem::remove_all(three.data() / "node4");
    CHECK(three.invite(4) == 4);
    REQUIRE(three.start(4));
  };
  again();
  succeed(three.operate(1, {"add", member(three, 4)}));
  three.await_serving({1, 2, 3, 4});
  const auto id = three.conceal(4, "a value");
  REQUIRE(id);
  CHECK(holds(three.reveal(2, *id), "a value"));
  again();
  CHECK(eventually([&] { return has(three.errors(1), "we know another data directory under its number"); }));
  // To be taken in under this number it would wait for ever.
  CHECK(eventually([&] { return gives(three, 4, "this data directory is not the one the others know"); }));
  CHECK_FALSE(gives(three, 4, "nacre cluster add"));
  CHECK(three.serves(1));
}

TEST_CASE("a node that was taken out while it was dead says so when it is started, soon or late",
          "[cluster][members]") {
  cluster three;
  three.await_serving({1, 2, 3});
  three.kill(3);
  succeed(three.operate(1, {"remove", "3", "--yes"}));
  const bool late = GENERATE(false, true);
  if (late) {  // by then the others no longer listen to it
    for (int node : {1, 2}) {
      CHECK(three.stop(node) == 0);
      REQUIRE(three.start(node));
    }
  }
  REQUIRE(three.start(3));
  INFO((late ? "late" : "soon"));
  CHECK(eventually([&] { return three.reasons(3) == std::vector<std::string>{"cluster: this node was taken out"}; }));
}

TEST_CASE("who comes is taken in at the address it answers at, and at no other", "[cluster][members]") {
  cluster three;
  for (int node : {4, 5}) {
    CHECK(three.invite() == node);
    REQUIRE(three.start(node));
  }
  const auto refused = [&](const std::string& wrong, std::string_view why) {
    const auto f = three.operate(2, {"add", member(three, 4), "5=" + wrong});
    INFO(f.errors);
    CHECK(f.code == 65);
    CHECK(has(f.errors, "Node 5 does not answer at " + wrong + ": " + std::string(why)));
    CHECK(standing(three, 2)["members"].size() == 3);
  };
  refused(three.address(9), "nothing answers at its address");
  // A member's, by another name.
  refused("localhost" + three.address(3).substr(std::string_view("127.0.0.1").size()), "it refuses us: it is another");
  succeed(three.operate(2, {"add", member(three, 4), member(three, 5)}));
  three.await_serving({1, 2, 3, 4, 5});
}

TEST_CASE("a used number is refused for what its node is now, not for what it last said", "[cluster][members]") {
  cluster three;
  CHECK(three.invite() == 4);
  REQUIRE(three.start(4));
  succeed(three.operate(1, {"add", member(three, 4)}));
  succeed(three.operate(1, {"remove", "4", "--yes"}));
  const auto refused = [&](std::string_view why) {
    const auto f = three.operate(1, {"add", member(three, 4)});
    INFO(f.errors);
    CHECK(f.code == 65);
    CHECK(has(f.errors, why));
  };
  refused("does not wait to be taken in");
  three.kill(4);
  refused("does not answer");
  std::filesystem::remove_all(three.data() / "node4");
  CHECK(three.invite(4) == 4);
  REQUIRE(three.start(4));
  refused("take it in under a new number");
}

TEST_CASE("a change that was cut short is on its way, and the same command again awaits it", "[cluster][members]") {
  cluster three;
  CHECK(three.invite() == 4);
  const auto token = three.operator_token();
  // Its answer goes to nobody, as after the command was killed. 503: the question below was there first.
  const auto wish = body_of(three, 1, {1, 2, 3, 4});
  std::jthread lost([&] { (void)eventually([&] { return put_members(three, 1, token, wish).status != 503; }); });
  CHECK(eventually([&] { return has(put_members(three, 1, token, body_of(three, 7, {1})).body, "on its way"); }));
  const auto errors = three.data() / "again";
  nacre::test::child_options how;
  how.environment = {{"NACRE_TOKEN", token}, {"XDG_CONFIG_HOME", three.data().string()}};
  nacre::test::child_process again({nacre::test::program("nacre").string(), "cluster", "add", member(three, 4), "--url",
                                    "http://127.0.0.1:" + std::to_string(three.port(1))},
                                   errors, how);
  CHECK(eventually([&] { return has(nacre::test::read_whole(errors), "on its way"); }));
  CHECK(again.running());
  REQUIRE(three.start(4));
  CHECK(again.wait() == 0);
  INFO(nacre::test::read_whole(errors));
  three.await_serving({1, 2, 3, 4});

  // A replacement that was decided still waits for the vote.
  CHECK(three.invite() == 5);
  REQUIRE(three.start(5));
  succeed(three.operate(2, {"replace", "4", member(three, 5)}));
  three.kill(5);
  const auto waits = three.operate(2, {"replace", "4", member(three, 5), "--timeout", "1s"});
  CHECK(waits.code == 69);
  CHECK(has(waits.errors, "node 5 "));
  REQUIRE(three.start(5));
  succeed(three.operate(2, {"replace", "4", member(three, 5)}));
  CHECK(three.operate(2, {"replace", "4", "5=" + three.address(9)}).code == 65);
}

TEST_CASE("a change that would stop the cluster is refused in words, and changes nothing", "[cluster][members]") {
  cluster three;
  const auto told = [&](int at, words what, std::string_view why) {
    const auto f = three.operate(at, std::move(what));
    INFO(f.errors);
    CHECK(f.code == 65);
    CHECK(has(f.errors, why));
    CHECK(standing(three, 1)["epoch"].number() == 1);
  };
  told(2, {"add", "9=" + three.address(9)}, "does not answer at " + three.address(9));
  told(1, {"replace", "7", member(three, 9)}, "node 7 is no member");
  told(1, {"add", "3=127.0.0.1:1"}, "a number is never given to a second node");
  told(1, {"replace", "1", member(three, 2)}, "is a member already");
  CHECK(three.operate(1, {"add", "x"}).code == 64);
  CHECK(three.operate(1, {"remove", "1"}).code == 64);  // nobody said yes

  // With one of three away, another one is needed.
  three.kill(3);
  told(1, {"remove", "2", "--yes"}, "would lose its majority");
  REQUIRE(three.start(3));
  three.await_serving({1, 2, 3});

  const auto token = three.operator_token();
  const auto refused = [&](const std::string& body, int status, std::string_view why) {
    const auto a = put_members(three, 2, token, body);
    INFO(a.body);
    CHECK(a.status == status);
    CHECK(has(a.body, why));
  };
  refused(body_of(three, 7, {1, 2}), 409, "changed meanwhile");
  refused("{\"epoch\":1,\"members\":[]}", 400, "1 to 9 members");
  refused("{\"epoch\":1,\"members\":[{\"node\":0,\"address\":\"a:1\"}]}", 400, "node must be");
  refused("{\"epoch\":1,\"members\":[{\"node\":1,\"address\":\"nowhere\"}]}", 400, "must be host:port");
  refused("{\"epoch\":1,\"members\":[{\"node\":1,\"address\":\"127.0.0.1:1\"}]}", 409, "is a member at");
  refused("{\"members\":[{\"node\":1,\"address\":\"a:1\"}]}", 400, "epoch is required");
  refused("{\"epoch\":1,\"members\":[{\"node\":1,\"address\":\"a:1\",\"x\":1}]}", 400, "only");
  CHECK(put_members(three, 2, token, body_of(three, 1, {1, 2, 3})).status == 200);  // it is so already
  CHECK(standing(three, 3)["epoch"].number() == 1);

  // Without a leader an operator is still told how it stands.
  three.kill(1);
  three.kill(2);
  CHECK(eventually([&] { return gives(three, 3, "no leader"); }));
  const auto alone = standing(three, 3);
  CHECK_FALSE(alone["ready"].flag());
  CHECK(alone["canLose"].number() == 0);
  const auto f = three.operate(3, {"status"});
  CHECK(f.code == 69);
  CHECK(has(f.output, "away"));
  CHECK(put_members(three, 3, token, body_of(three, 1, {3})).status == 503);
}

TEST_CASE("a member that reaches others but no leader does not vote, and is not counted on", "[cluster][members]") {
  if (const auto why = nacre::test::network::refusal()) {
    WARN("SKIPPED, THE KERNEL REFUSES NETWORKS: " << *why);
    return;
  }
  cluster::options o;
  o.apart = true;
  cluster three(o);
  const auto leader = three.leader();
  REQUIRE(leader);
  const int lost = *leader % 3 + 1, between = lost % 3 + 1;
  CHECK(eventually([&] { return standing(three, between)["canLose"].number() == 1; }));
  three.net().cut(*leader, lost);
  CHECK(eventually([&] { return gives(three, lost, "no leader"); }));
  const auto member_of = [](const json_tree& all, int node) {
    for (const auto& m : all["members"].items())
      if (m["node"].number() == node) return m;
    return json_tree();
  };
  CHECK(eventually([&] {
    const auto now = standing(three, between);
    const auto m = member_of(now, lost);
    return m["connected"].flag() && !m["votes"].flag() && m["trouble"].text() == "it knows no leader" &&
           now["canLose"].number() == 0;
  }));
  three.net().heal();
  CHECK(eventually([&] {
    const auto now = standing(three, between);
    return member_of(now, lost)["votes"].flag() && now["canLose"].number() == 1;
  }));
}

TEST_CASE("a node whose configuration has another address than the cluster says so when it starts",
          "[cluster][members]") {
  cluster three;
  constexpr std::string_view told = "cluster.peers has another address of this node than the cluster";
  for (int node : {1, 2, 3}) CHECK_FALSE(has(three.errors(node), told));
  CHECK(three.stop(3) == 0);
  const auto file = three.data() / "node3.toml";
  auto text = nacre::test::read_whole(file);
  const auto stored = three.address(3), moved = three.address(9);
  for (auto at = text.find(stored); at != std::string::npos; at = text.find(stored))
    text.replace(at, stored.size(), moved);
  nacre::test::write_whole(file, text);
  REQUIRE(three.start(3));
  const auto told_now = [&] {
    const auto log = three.errors(3);
    const auto at = std::min(log.find(told), log.size());
    const auto line = log.substr(at, log.find('\n', at) - at);
    return has(line, stored) && has(line, moved);
  };
  CHECK(eventually(told_now));
}

TEST_CASE("only operators see the cluster and change it", "[cluster][members]") {
  const auto workspace = new_uuid();
  cluster::options o;
  o.nodes = 1;
  o.arguments = {"--set", "limits.enabled=false", "--set", "cluster.operators=" + workspace};
  cluster one(o);
  const auto path = "/api/v1/cluster";
  const auto jwt = [&](const std::string& role, const std::string& ws) {
    return mint(one.data(), {.user = new_uuid(), .workspace = ws, .role = role});
  };
  const auto owner = jwt("owner", workspace), admin = jwt("admin", workspace), plain = jwt("member", workspace),
             foreign = jwt("owner", new_uuid());
  CHECK(one.send(1, "GET", path).status == 401);
  for (const auto& token : {plain, foreign}) {
    CHECK(one.send(1, "GET", path, as(token)).status == 403);
    CHECK(put_members(one, 1, token, body_of(one, 1, {1})).status == 403);
  }
  for (const auto& token : {owner, admin, one.operator_token()}) {
    CHECK(one.send(1, "GET", path, as(token)).status == 200);
    CHECK(put_members(one, 1, token, body_of(one, 1, {1})).status == 200);
  }
  // Of a token the scope counts, and whose it is.
  const auto pat = [&](const std::string& by, const std::string& ws, const std::string& scope) {
    auto headers = as(by);
    headers.emplace_back("X-Workspace-Id", ws);
    headers.emplace_back("Content-Type", "application/json");
    const auto a = one.send(1, "POST", "/api/v1/pats", headers, "{\"name\":\"a\",\"scopes\":[\"" + scope + "\"]}");
    REQUIRE(a.status == 201);
    return a.json()["data"]["token"].text();
  };
  const auto reads = pat(owner, workspace, "read"), manages = pat(owner, workspace, "admin"),
             members = pat(plain, workspace, "admin");
  CHECK(one.send(1, "GET", path, as(reads)).status == 200);
  CHECK(has(put_members(one, 1, reads, body_of(one, 1, {1})).body, "insufficient_scope"));
  CHECK(put_members(one, 1, manages, body_of(one, 1, {1})).status == 200);
  CHECK(one.send(1, "GET", path, as(members)).status == 403);
  CHECK(put_members(one, 1, members, body_of(one, 1, {1})).status == 403);

  // A single node says that it is one, and nothing more.
  auto& single = shared();
  auto minted = nacre::test::run("nacre", {"token", "mint", "--data-dir", single.node().data().string(), "--sub",
                                           new_uuid(), "--scope", "nacre.cluster"});
  minted.output.pop_back();
  http_client to(single.port());
  const auto a = to.send("GET", path, as(minted.output));
  CHECK(a.status == 200);
  CHECK(a.json()["data"]["mode"].text() == "single");
  auto headers = as(minted.output);
  headers.emplace_back("Content-Type", "application/json");
  const auto refused =
      to.send("PUT", "/api/v1/cluster/members", headers, R"({"epoch":0,"members":[{"node":1,"address":"a:1"}]})");
  CHECK(refused.status == 409);
  CHECK(has(refused.body, "single node"));
}

TEST_CASE("a single node becomes the first of a cluster, then of three, and loses nothing", "[cluster][members]") {
  cluster::options o;
  o.nodes = 1;
  std::string revealed, pats, audit, id, token, value, workspace = new_uuid(), user = new_uuid();
  std::filesystem::path data;
  header_list owner;
  // What `nacre cluster dev` laid out is put aside: a single node lives there first.
  o.laid_out = [&](const std::filesystem::path& whole) {
    data = whole / "node1";
    std::filesystem::remove_all(data / "db");
    for (const char* file : {"ca", "ca.crt"}) std::filesystem::remove_all(whole / file);
    const auto root = "file:" + (whole / "root.key").string();
    {
      node_process::options how;
      how.data = data;
      how.arguments = {"--set", "keys.root=" + root, "--set", "limits.enabled=false"};
      node_process solo(how);
      REQUIRE(solo.start());
      http_client to(solo.port());
      owner = {{"Authorization", "Bearer " + mint(data, {.user = user, .workspace = workspace, .role = "owner"})},
               {"X-Workspace-Id", workspace},
               {"Content-Type", "application/json"}};
      const auto made = to.send("POST", "/api/v1/pats", owner, R"({"name":"from before","scopes":["read"]})");
      REQUIRE(made.status == 201);
      id = made.json()["data"]["id"].text();
      token = made.json()["data"]["token"].text();
      const auto secret = to.send("POST", "/api/v2/guest/secret/conceal", {{"Content-Type", "application/json"}},
                                  R"({"secret":{"secret":"the value","ttl":3600}})");
      REQUIRE(secret.status == 200);
      value = secret.json()["record"]["secret"]["identifier"].text();
      pats = to.send("GET", "/api/v1/pats", owner).body;
      audit = to.send("GET", "/api/v1/audit", owner).body;
      REQUIRE(solo.stop() == 0);
    }
    const auto ca = (whole / "ca").string();
    succeed(nacre::test::run("nacre", {"ca", "init", "--dir", ca}));
    const words init{"cluster", "init", "--data-dir", data.string(), "--dir", ca, "--root-key", root};
    auto how = init;
    std::ifstream laid(whole / "node1.toml");
    std::string address;
    for (std::string line; std::getline(laid, line);)
      if (line.starts_with("listen = \"")) address = line.substr(10, line.size() - 11);
    REQUIRE(!address.empty());
    how.insert(how.end(), {"--address", address});
    CHECK(nacre::test::run("nacre", words{"cluster", "init", "--data-dir", data.string(), "--dir", ca, "--root-key",
                                          root, "--address", "nowhere"})
              .code == 64);
    auto done = nacre::test::run("nacre", how);
    succeed(done);
    CHECK(nacre::test::run("nacre", how).output == done.output);  // perhaps nobody read it
    const auto other = nacre::test::run("nacre", words{"cluster", "init", "--data-dir", data.string(), "--dir", ca,
                                                       "--root-key", root, "--address", "127.0.0.1:1"});
    CHECK(other.code == 78);
    CHECK(has(other.errors, "belongs to a cluster already"));
    const auto config = nacre::test::read_whole(whole / "node1.toml");
    nacre::test::write_whole(whole / "node1.toml", config.substr(0, config.find("[cluster]")) + done.output);
  };
  cluster all(o);
  CHECK(all.send(1, "GET", "/api/v1/pats", owner).body == pats);
  for (int node : {2, 3}) {
    CHECK(all.invite() == node);
    REQUIRE(all.start(node));
  }
  // A single node of a cluster may be joined by two at once.
  succeed(all.operate(1, {"add", member(all, 2), member(all, 3)}));
  all.await_serving({1, 2, 3});
  all.kill(1);
  all.await_serving({2, 3});
  const auto listed = all.send(3, "GET", "/api/v1/pats", owner);
  CHECK(has(listed.body, id));
  CHECK(all.send(2, "GET", "/api/v1/me", as(token)).status == 200);
  const auto shown = all.send(2, "POST", "/api/v1/pats/" + id + "/reveal", owner);
  INFO(shown.body);
  CHECK(has(shown.body, token));
  CHECK(holds(all.reveal(3, value), "the value"));
  const auto before = audit.substr(0, audit.find("],\"pagination\""));
  CHECK(all.send(2, "GET", "/api/v1/audit", owner).body.starts_with(before));
  CHECK(all.start(1));
  all.await_serving({1, 2, 3});
}

TEST_CASE("a cluster whose CA is lost goes on under another one, and takes nodes in", "[cluster][members]") {
  cluster all;
  const auto id = all.conceal(1, "from before");
  REQUIRE(id);
  for (int node : {1, 2, 3}) CHECK(all.stop(node) == 0);
  const auto ca = (all.data() / "ca").string(), root = "file:" + (all.data() / "root.key").string();
  succeed(nacre::test::run("nacre", {"ca", "init", "--dir", ca, "--force"}));
  for (const char* node : {"1", "2", "3"})
    succeed(nacre::test::run("nacre", {"ca", "issue", node, "--dir", ca, "--force"}));
  for (int node : {1, 2, 3}) REQUIRE(all.start(node));
  all.await_serving({1, 2, 3});

  // The keys of whoever comes are those of the cluster, not those of its CA.
  CHECK(all.invite() == 4);
  REQUIRE(all.start(4));
  const auto other = all.operate(1, {"add", member(all, 4)});
  CHECK(other.code == 65);
  CHECK(has(other.errors, "other service keys"));
  CHECK(all.stop(4) == 0);
  succeed(nacre::test::run(
      "nacre", {"cluster", "keys", "--data-dir", (all.data() / "node2").string(), "--dir", ca, "--root-key", root}));
  CHECK(all.invite() == 5);
  REQUIRE(all.start(5));
  succeed(all.operate(1, {"add", member(all, 5)}));
  all.await_serving({1, 2, 3, 5});
  CHECK(holds(all.reveal(5, *id), "from before"));
}

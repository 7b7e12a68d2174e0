#include "cli/dev_cluster.hpp"

#include <catch2/catch.hpp>

#include "app/config.hpp"

using namespace nacre;
using namespace nacre::cli;

TEST_CASE("a node of a development cluster is one command line, and what it names is a valid configuration", "[cli]") {
  const auto all = plan_dev_cluster("/data/my \"cluster\"", 3, 8'080);
  REQUIRE(all.nodes.size() == 3);
  const auto& two = all.nodes[1];
  CHECK(two.url() == "http://127.0.0.1:8081");
  CHECK(dev_node_command("/bin/nacred", two) ==
        std::vector<std::string>{"/bin/nacred", "--dev", "--config", "/data/my \"cluster\"/node2.toml"});
  app::config_sources s;
  s.file_text = dev_node_config(all, two);
  s.flags.dev = true;
  const auto c = app::load_config(s);
  INFO((c ? "" : c.error().text));
  REQUIRE(c);
  CHECK(c->http.port == 8'081);
  CHECK(c->data.dir == "/data/my \"cluster\"/node2");
  CHECK(c->keys.root == "file:/data/my \"cluster\"/root.key");
  CHECK(c->auth.dev_issuer);
  CHECK(c->cluster.node == 2);
  CHECK(c->cluster.listen == "127.0.0.1:9082");
  CHECK(c->cluster.key == "/data/my \"cluster\"/ca/node-2.key");
  const auto members = app::members_of(*c);
  REQUIRE(members.size() == 3);
  CHECK(members[0].address == "127.0.0.1:9081");
  CHECK(members[2].node == 3);
}

TEST_CASE("no two ports of a development cluster are the same", "[cli]") {
  const auto all = plan_dev_cluster("/d", dev_nodes_max, 8'080);
  std::vector<std::uint16_t> ports;
  for (const auto& each : all.nodes) {
    ports.push_back(each.http_port);
    ports.push_back(each.cluster_port);
  }
  std::sort(ports.begin(), ports.end());
  CHECK(std::adjacent_find(ports.begin(), ports.end()) == ports.end());
}

TEST_CASE("a printed command is what a shell reads as the same words", "[cli]") {
  CHECK(shell_line({"/bin/nacred", "--dev", "--config", "/a/b.toml"}) == "/bin/nacred --dev --config /a/b.toml");
  CHECK(shell_line({"a b", "it's", "$x", ""}) == "'a b' 'it'\\''s' '$x' ''");
}

#include "tests/e2e/cluster_kit.hpp"

#include "tests/support/free_ports.hpp"

namespace nacre::e2e {

namespace {

constexpr int nodes_max = 9;  // that one cluster can have in the course of a test

}  // namespace

cluster::cluster(options o) : options_(std::move(o)), base_port_(test::free_ports(nodes_max)) {
  {
    test::child_process layout({test::program("nacre").string(), "cluster", "dev", "--nodes", std::to_string(size()),
                                "--data-dir", data().string(), "--http-base-port", std::to_string(base_port_)},
                               home_ / "layout", surroundings());
    const auto ready = layout.line("ready");
    INFO(test::read_whole(home_ / "layout"));
    REQUIRE(ready);
    layout.signal(SIGTERM);
    REQUIRE(layout.wait() == 0);
  }
  if (options_.apart) net_ = std::make_unique<test::network>(size());
  if (options_.apart || options_.groups > 1) {
    // Founded anew: a cluster remembers its nodes' addresses and its groups, and here they are others.
    for (int node = 1; node <= size(); ++node)
      std::filesystem::remove_all(data() / ("node" + std::to_string(node)) / "db");
  }
  if (options_.laid_out) options_.laid_out(data());
  asked_ = options_.first;
  for (int node = 1; node <= size() && options_.first.empty(); ++node) asked_.push_back(node);
  for (int node : asked_) {
    const bool started = start(node);
    INFO(errors(node));
    REQUIRE(started);
  }
  await_serving(asked_);
}

test::child_options cluster::surroundings() const {
  test::child_options how;
  how.environment = options_.environment;
  return how;
}

std::vector<int> cluster::asked() {
  std::lock_guard lock(asking_);
  return asked_;
}

void cluster::ask_only(std::vector<int> nodes) {
  std::lock_guard lock(asking_);
  asked_ = std::move(nodes);
}

int cluster::invite(int node) {
  const auto name = "node" + std::to_string(node);
  const auto root = "file:" + (data() / "root.key").string();
  std::vector<std::string> words{"cluster",    "invite",
                                 "--dir",      (data() / "ca").string(),
                                 "--node",     std::to_string(node),
                                 "--address",  address(node),
                                 "--root-key", root,
                                 "--groups",   std::to_string(options_.groups)};
  for (int other = 1; other < node; ++other)
    for (const auto& word : {std::string("--member"), std::to_string(other) + "=" + address(other)})
      words.push_back(word);
  auto token = test::run("nacre", words, surroundings());
  INFO(token.errors);
  REQUIRE(token.code == 0);
  const auto directory = data() / name, config = data() / (name + ".toml");
  std::filesystem::create_directories(directory);
  for (const char* file : {"dev-issuer.jwk", "dev-issuer.jwks.json"})
    std::filesystem::copy_file(data() / file, directory / file);
  const auto text = "[http]\naddress = \"127.0.0.1\"\nport = " + std::to_string(port(node)) + "\n[data]\ndir = \"" +
                    directory.string() + "\"\n[keys]\nroot = \"" + root + "\"\n";
  test::write_whole(config, text);
  std::filesystem::permissions(config, std::filesystem::perms(0600));
  token.output.pop_back();
  auto joined = test::run("nacred", {"--dev", "--config", config.string(), "--join", token.output}, surroundings());
  INFO(joined.errors);
  REQUIRE(joined.code == 0);
  test::write_whole(config, text + joined.output);
  return node;
}

std::string cluster::operator_token() {
  if (!operator_token_.empty()) return operator_token_;
  auto minted = test::run("nacre",
                          {"token", "mint", "--data-dir", data().string(), "--sub", new_uuid(), "--scope",
                           "profile nacre.cluster", "--ttl", "12h"},
                          surroundings());
  REQUIRE(minted.code == 0);
  return operator_token_ = minted.output.substr(0, minted.output.size() - 1);
}

test::finished cluster::operate(int at, std::vector<std::string> words) {
  words.insert(words.begin(), "cluster");
  for (const auto& each : {std::string("--url"), "http://127.0.0.1:" + std::to_string(port(at))}) words.push_back(each);
  auto how = surroundings();
  how.environment["NACRE_TOKEN"] = operator_token();
  how.environment["XDG_CONFIG_HOME"] = (home_ / "profiles").string();
  return test::run("nacre", words, how);
}

std::vector<std::string> cluster::reasons(int node) {
  std::vector<std::string> out;
  const auto a = send(node, "GET", "/readyz");
  if (a.status == 0) return {"no answer"};
  const auto body = a.json();
  for (std::size_t i = 0; i < body["reasons"].size(); ++i) out.push_back(body["reasons"][i].text());
  return out;
}

bool cluster::start(int node) {
  std::vector<std::string> command{test::program("nacred").string(), "--dev", "--config",
                                   (data() / ("node" + std::to_string(node) + ".toml")).string()};
  command.insert(command.end(), options_.arguments.begin(), options_.arguments.end());
  command.insert(command.end(), {"--set", "cluster.groups=" + std::to_string(options_.groups)});
  if (net_) {
    std::string peers;
    for (int i = 1; i <= size(); ++i)
      peers += (i == 1 ? "" : ",") + std::to_string(i) + "=" + test::network::address(i) + ":7400";
    for (const auto& each : {std::string("--set"), "cluster.listen=" + test::network::address(node) + ":7400",
                             std::string("--set"), "cluster.peers=" + peers})
      command.push_back(each);
    command = net_->inside(node, std::move(command));
  }
  auto how = surroundings();
#ifdef NACRE_SHIFTED_CLOCK
  if (const auto ahead = options_.clocks_ahead_s.find(node); ahead != options_.clocks_ahead_s.end()) {
    how.environment["LD_PRELOAD"] = NACRE_SHIFTED_CLOCK;
    how.environment["SHIFTED_CLOCK_S"] = std::to_string(ahead->second);
  }
#endif
  children_[node] = std::make_unique<test::child_process>(command, home_ / ("errors" + std::to_string(node)), how);
  return children_[node]->line("ready http://").has_value();
}

void cluster::kill(int node) {
  children_[node]->signal(SIGKILL);
  children_[node]->wait();
}

int cluster::stop(int node) {
  children_[node]->signal(SIGTERM);
  return children_[node]->wait().value_or(-1);
}

http_answer cluster::send(int node, std::string_view verb, std::string_view target, const header_list& headers,
                          std::string_view body) {
  const auto ask = [&] { return http_client(port(node)).send(verb, target, headers, body); };
  return net_ ? net_->within(node, ask) : ask();
}

std::optional<int> cluster::leader() {
  for (int node = 1; node <= size(); ++node) {
    if (!running(node)) continue;
    if (send(node, "GET", "/metrics").body.find("nacre_cluster_leads{group=\"0\"} 1") != std::string::npos) return node;
  }
  return std::nullopt;
}

void cluster::await_serving(const std::vector<int>& nodes) {
  for (int node : nodes) {
    INFO("node " << node << ": " << errors(node));
    REQUIRE(eventually([&] { return serves(node); }));
  }
}

std::optional<std::string> cluster::conceal(int node, const std::string& value) {
  const auto a = send(node, "POST", "/api/v2/guest/secret/conceal", {{"Content-Type", "application/json"}},
                      R"({"secret":{"secret":")" + value + R"(","ttl":3600}})");
  if (a.status != 200) return std::nullopt;
  constexpr std::string_view before = R"("secret_identifier":")";
  const auto at = a.body.find(before) + before.size();
  return a.body.substr(at, a.body.find('"', at) - at);
}

http_answer cluster::reveal(int node, const std::string& id, const std::string& key) {
  header_list headers{{"Content-Type", "application/json"}};
  if (!key.empty()) headers.emplace_back("Idempotency-Key", key);
  return send(node, "POST", "/api/v2/guest/secret/" + id + "/reveal", headers, R"({"continue":"true"})");
}

}  // namespace nacre::e2e

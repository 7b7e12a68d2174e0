#include "app/config.hpp"

#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <string>

using namespace nacre;
using namespace nacre::app;

namespace {

// What makes an otherwise empty configuration complete.
config_sources with_file(std::string text) {
  config_sources s;
  s.file_text = std::move(text);
  s.file_name = "test.toml";
  s.sets = {"keys.root=credential:r"};
  return s;
}

std::string error_of(const config_sources& s) {
  auto loaded = load_config(s);
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().code == errc::invalid);
  return loaded.error().text;
}

using Catch::Contains;

}  // namespace

TEST_CASE("each source overrides the one before: default, file, environment, set, flag", "[app][config]") {
  auto s = with_file("");
  CHECK(load_config(s)->http.port == 8080);
  s.file_text = "[http]\nport = 1001\n";
  CHECK(load_config(s)->http.port == 1001);
  s.environment["NACRE_HTTP__PORT"] = "1002";
  CHECK(load_config(s)->http.port == 1002);
  s.sets.push_back("http.port=1003");
  CHECK(load_config(s)->http.port == 1003);
  s.sets.push_back("http.port=1004");
  CHECK(load_config(s)->http.port == 1004);
  s.flags.http = "127.0.0.2:1005";
  auto c = load_config(s);
  CHECK(c->http.port == 1005);
  CHECK(c->http.address == "127.0.0.2");
}

TEST_CASE("an unknown key is a start error that names it and the one probably meant", "[app][config]") {
  CHECK_THAT(error_of(with_file("[http]\nprot = 1\n")),
             Contains("test.toml") && Contains("http.prot") && Contains("http.port"));
  CHECK_THAT(error_of(with_file("[https]\nport = 1\n")), Contains("https"));
  CHECK_THAT(error_of(with_file("port = 1\n")), Contains("unknown key port; did you mean http.port?"));
  auto s = with_file("");
  s.sets.push_back("limits.enable=false");
  CHECK_THAT(error_of(s), Contains("--set") && Contains("limits.enabled"));
  s = with_file("");
  for (const char* its : {"NACRE_TOKEN", "NACRE_URL", "NACRE_WORKSPACE", "NACRE_CA_FILE"})
    s.environment[its] = "the command line's";
  CHECK(load_config(s));
  s.environment["NACRE_HTTP_PORT"] = "1";
  CHECK_THAT(error_of(s), Contains("NACRE_HTTP_PORT") && Contains("http.port"));
  s = with_file("");
  s.environment["PATH"] = "/bin";
  CHECK(load_config(s));
  CHECK_THAT(
      error_of(with_file("[[auth.issuers]]\nissuer=\"i\"\naudience=\"a\"\njwks_file=\"f\"\nalgoritms=[\"RS256\"]\n")),
      Contains("auth.issuers[0].algoritms") && Contains("algorithms"));
}

TEST_CASE("a value of another type or out of range is refused by name, with the range", "[app][config]") {
  CHECK_THAT(error_of(with_file("[http]\nport = 65536\n")),
             Contains("http.port") && Contains("65536") && Contains("0..65535"));
  CHECK_THAT(error_of(with_file("[http]\nport = \"80\"\n")), Contains("http.port") && Contains("whole number"));
  CHECK_THAT(error_of(with_file("[http]\nport = 80.5\n")), Contains("http.port"));
  CHECK_THAT(error_of(with_file("[data]\nephemeral = 1\n")), Contains("data.ephemeral") && Contains("true or false"));
  CHECK_THAT(error_of(with_file("[log]\nlevel = \"loud\"\n")),
             Contains("log.level") && Contains("debug, info, warn, error") && !Contains("loud"));
  CHECK_THAT(error_of(with_file("http = 3\n")), Contains("http") && Contains("section"));
  CHECK_THAT(error_of(with_file("[http]\naddress = \"localhost\"\n")),
             Contains("http.address") && Contains("IP address"));
  CHECK_THAT(error_of(with_file("[http]\ntrusted_proxies = [\"10.0.0.1\", \"proxy\"]\n")), Contains("proxy"));
  CHECK_THAT(error_of(with_file("[http]\ntrusted_proxies = \"10.0.0.1\"\n")), Contains("list"));
  CHECK_THAT(error_of(with_file("[http\n")), Contains("test.toml") && Contains("line 1"));
  for (const char* text : {"http.port=", "http.port=8080x", "http.port=99999999999999999999", "http.port=-1", "http=1",
                           "data.ephemeral=yes", "http.port", "=1", "log.level=", "http.trusted_proxies=[1",
                           "http.trusted_proxies=[\"10.0.0.1\"]\n[x]\ny=1", "auth.issuers=3", "data.dir="}) {
    INFO(text);
    auto s = with_file("");
    s.sets.push_back(text);
    CHECK_FALSE(load_config(s));
  }
}

TEST_CASE("every key can be set from the command line and the environment, lists too", "[app][config]") {
  auto defaults = *load_config(with_file(""));
  for (auto key : config_keys()) {
    if (key == "keys.root") continue;
    INFO(key);
    std::string value = show(defaults, key);
    if (value.starts_with('"')) value = value.substr(1, value.size() - 2);
    auto s = with_file("");
    s.sets.push_back(std::string(key) + "=" + value);
    auto loaded = load_config(s);
    REQUIRE(loaded);
    CHECK(show(*loaded, key) == show(defaults, key));
  }
  auto s = with_file("");
  s.sets.push_back("http.trusted_proxies=10.0.0.1,::1");
  s.environment["NACRE_AUTH__ISSUERS"] =
      R"([{issuer = "https://i", audience = "a", jwks_file = "f", algorithms = ["ES256"]}])";
  s.environment["NACRE_AUDIT__FILE"] = "a b=c";
  auto c = load_config(s);
  REQUIRE(c);
  CHECK(c->http.trusted_proxies == std::vector<std::string>{"10.0.0.1", "::1"});
  REQUIRE(c->auth.issuers.size() == 1);
  CHECK(c->auth.issuers[0].algorithms == std::vector{crypto::jwt_algorithm::es256});
  CHECK_FALSE(c->auth.issuers[0].trust_roles);
  CHECK(c->audit.file == "a b=c");
}

TEST_CASE("an issuer without audience or key file, twice, or with a foreign algorithm is refused", "[app][config]") {
  const std::string whole = "[[auth.issuers]]\nissuer=\"i\"\naudience=\"a\"\njwks_file=\"f\"\n";
  CHECK(load_config(with_file(whole)));
  CHECK_THAT(error_of(with_file(whole + whole)), Contains("twice"));
  CHECK_THAT(error_of(with_file("[[auth.issuers]]\nissuer=\"i\"\naudience=\"a\"\n")), Contains("no jwks_file"));
  CHECK_THAT(error_of(with_file("[[auth.issuers]]\naudience=\"a\"\njwks_file=\"f\"\n")), Contains("no issuer"));
  CHECK_THAT(error_of(with_file(whole + "algorithms=[\"none\"]\n")), Contains("none"));
  CHECK_THAT(error_of(with_file(whole + "algorithms=[]\n")), Contains("algorithms"));
  // Nobody is trusted with roles or scopes who is not said to be.
  const auto issuer = [&](const std::string& more) { return load_config(with_file(whole + more))->auth.issuers.at(0); };
  CHECK_FALSE(issuer("").trust_scopes);
  CHECK_FALSE(issuer("trust_roles=true\n").trust_scopes);
  CHECK(issuer("trust_scopes=true\n").trust_scopes);
  CHECK_FALSE(issuer("trust_scopes=true\n").trust_roles);
  for (const char* no : {"\"true\"", "1", "[]"})
    CHECK_THAT(error_of(with_file(whole + "trust_scopes=" + no + "\n")), Contains("trust_scopes: wants true or false"));
  CHECK_THAT(error_of(with_file("[[auth.issuers]]\nissuer=\"nacre-dev\"\naudience=\"a\"\njwks_file=\"f\"\n")),
             Contains("development"));
}

TEST_CASE("the console signs people in at an issuer that is trusted, over https, and asks no other hosts",
          "[app][config]") {
  const std::string issuers =
      "[[auth.issuers]]\nissuer=\"https://id.example.com/realms/x\"\naudience=\"a\"\njwks_file=\"f\"\n"
      "[[auth.issuers]]\nissuer=\"http://127.0.0.1:9/\"\naudience=\"a\"\njwks_file=\"f\"\n[console]\n";
  auto at = [&](std::string issuer, std::string more = "oidc_client_id = \"c\"\n") {
    return with_file(issuers + "oidc_issuer = \"" + issuer + "\"\n" + more);
  };
  CHECK(console_rules_of(*load_config(with_file(""))).sign_in.issuer.empty());
  CHECK(console_rules_of(*load_config(with_file(""))).served);
  auto c = load_config(at("https://id.example.com/realms/x",
                          "oidc_client_id = \"c\"\noidc_origins = [\"https://t.example.com:8443\", "
                          "\"https://id.example.com\"]\n"));
  REQUIRE(c);
  auto rules = console_rules_of(*c);
  CHECK(rules.sign_in.origins == std::vector<std::string>{"https://id.example.com", "https://t.example.com:8443"});
  CHECK(rules.sign_in.scopes == "openid email");
  c = load_config(at("http://127.0.0.1:9/"));
  REQUIRE(c);
  CHECK(console_rules_of(*c).sign_in.origins == std::vector<std::string>{"http://127.0.0.1:9"});
  CHECK_THAT(error_of(at("https://id.example.com/realms/x", "")), Contains("console.oidc_client_id"));
  CHECK_THAT(error_of(at("https://id.example.com")), Contains("none of auth.issuers"));
  // What would end a directive of the page's policy, or widen it, is no host.
  for (std::string host : {"http://id.example.com",
                           "https://",
                           "https://*",
                           "https://*.example.com",
                           "https://a b",
                           "https://a;script-src *",
                           "https://a,b",
                           "https://a:",
                           "https://a:99999",
                           "https://a:*",
                           "https://u@h",
                           "https://[::1]",
                           "data:",
                           "https://a?b",
                           "https://a#b",
                           "ftp://a",
                           "a",
                           "https:/a",
                           "https://-a",
                           "https://a'unsafe-inline'"}) {
    INFO(host);
    CHECK_THAT(error_of(at(host)), Contains("console.oidc_issuer"));
    CHECK_THAT(error_of(with_file("[console]\noidc_origins = [\"" + host + "\"]\n")), Contains("console.oidc_origins"));
  }
  for (std::string odd : {"https://a/", "https://A", "https://a:443", "https://a:0443"})
    CHECK_THAT(error_of(with_file("[console]\noidc_origins = [\"" + odd + "\"]\n")), Contains("without a path"));
  // An issuer's name is the issuer's to spell; its origin is compared with what browsers say.
  c = load_config(with_file(
      "[[auth.issuers]]\nissuer=\"https://ID.Example.com:443/R\"\naudience=\"a\"\njwks_file=\"f\"\n[console]\n"
      "oidc_client_id = \"c\"\noidc_issuer = \"https://ID.Example.com:443/R\"\n"));
  REQUIRE(c);
  CHECK(console_rules_of(*c).sign_in.origins == std::vector<std::string>{"https://id.example.com"});
  CHECK(console_rules_of(*c).sign_in.issuer == "https://ID.Example.com:443/R");
}

TEST_CASE("the root key's source is required, and no message repeats it", "[app][config]") {
  const std::string key(64, 'a');
  config_sources s;
  CHECK_THAT(error_of(s), Contains("keys.root"));
  s.sets = {"keys.root=" + key};
  CHECK_THAT(error_of(s), Contains("keys.root") && !Contains(key));
  s.sets.clear();
  s.environment["NACRE_KEYS__ROOT"] = key;
  CHECK_THAT(error_of(s), Contains("keys.root") && !Contains(key));
  s.environment.clear();
  s.file_text = "[keys]\nroot = \"" + key + "\"\n";
  CHECK_THAT(error_of(s), Contains("keys.root") && !Contains(key));
  s.file_text = "[keys]\nroot = \"" + key + "\n";
  CHECK_THAT(error_of(s), !Contains(key));

  s.file_text.reset();
  s.sets = {"keys.root=env:NACRE_ROOT"};
  s.environment["NACRE_ROOT"] = "";  // named by keys.root, so not an unknown key
  CHECK_THAT(error_of(s), Contains("keys.root") && Contains("--dev") && Contains("credential:"));
  s.flags.dev = true;
  auto c = load_config(s);
  REQUIRE(c);
  CHECK(c->keys.root == "env:NACRE_ROOT");
  CHECK(show(*c, "keys.root") == "\"env:...\"");
}

TEST_CASE("--dev makes a node of its own on loopback and nowhere else", "[app][config][dev-guard]") {
  config_sources s;
  s.flags.dev = true;
  auto c = load_config(s);
  REQUIRE(c);
  CHECK(c->dev);
  CHECK(c->data.dir == "data/dev");
  CHECK(c->keys.root == "file:data/dev/root.key");
  CHECK(c->auth.dev_issuer);

  s.flags.data_dir = "/x";
  CHECK(load_config(s)->keys.root == "file:/x/root.key");
  s.flags.http = "[::1]:0";
  c = load_config(s);
  CHECK(c->http.address == "::1");
  CHECK(listening_url(*c, 1234) == "http://[::1]:1234");
  c->http.public_url = "https://elsewhere";
  CHECK(listening_url(*c, 1234) == "http://[::1]:1234");
  for (const char* address : {"0.0.0.0:80", "192.0.2.1:80", "[::]:80", "[::ffff:192.0.2.1]:80", "[2001:db8::1]:80"}) {
    s.flags.http = address;
    INFO(address);
    CHECK_THAT(error_of(s), Contains("loopback"));
  }
  for (const char* text :
       {"127.0.0.1", "127.0.0.1:", "::1:80", ":80", "[::1]", "localhost:80", "127.0.0.1:80000", ""}) {
    s.flags.http = text;
    INFO(text);
    CHECK_THAT(error_of(s), Contains("--http"));
  }
}

TEST_CASE("T-dev-guard: the development issuer and a public address exclude each other", "[app][config][dev-guard]") {
  auto s = with_file("[auth]\ndev_issuer = true\n");
  CHECK(load_config(s));
  s.sets.push_back("http.address=0.0.0.0");
  CHECK_THAT(error_of(s), Contains("auth.dev_issuer"));
}

TEST_CASE("T-dev-guard: a development node is not reached through a proxy", "[app][config][dev-guard]") {
  for (bool dev : {false, true}) {
    auto s = with_file("[auth]\ndev_issuer = true\n");
    s.flags.dev = dev;
    const auto plain = s;
    for (const char* here : {"http://localhost:8080", "https://127.0.0.1", "http://[::1]:1/x"}) {
      INFO(here);
      s = plain;
      s.sets.push_back(std::string("http.public_url=") + here);
      CHECK(load_config(s));
    }
    for (const char* there :
         {"https://nacre.example", "http://192.0.2.1", "http://127.0.0.1@nacre.example",
          "http://127.0.0.1:80@nacre.example", "http://[2001:db8::1]", "http://localhost.example"}) {
      INFO(there);
      s = plain;
      s.sets.push_back(std::string("http.public_url=") + there);
      CHECK_THAT(error_of(s), Contains("auth.dev_issuer") && Contains("public_url"));
    }
    s = plain;
    s.sets.push_back("http.trusted_proxies=127.0.0.1");
    CHECK(load_config(s).has_value() == dev);  // a developer tries a proxy of their own
  }
  auto s = with_file("[http]\npublic_url = \"https://nacre.example\"\ntrusted_proxies = [\"127.0.0.1\"]\n");
  CHECK(load_config(s));
}

TEST_CASE("limits can be switched off only under --dev", "[app][config][dev-guard]") {
  auto s = with_file("[limits]\nenabled = false\n");
  CHECK_THAT(error_of(s), Contains("limits.enabled"));
  s.flags.dev = true;
  auto c = load_config(s);
  REQUIRE(c);
  CHECK_FALSE(c->limits.enabled);
}

TEST_CASE("only 127.0.0.0/8 and ::1, in any spelling, are loopback", "[app][config][dev-guard]") {
  for (const char* yes : {"127.0.0.1", "127.255.0.3", "::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1"})
    CHECK(is_loopback(yes));
  for (const char* no : {"0.0.0.0", "::", "128.0.0.1", "::2", "::ffff:10.0.0.1", "localhost", "", "127.1"}) {
    CHECK_FALSE(is_loopback(no));
  }
}

TEST_CASE("the example file is what --help-config prints and sets every key to its default", "[app][config]") {
  std::ifstream in(NACRE_SOURCE_DIR "/deploy/nacred.example.toml", std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  CHECK(text == example_config());  // after a change: nacred --help-config > deploy/nacred.example.toml

  config_sources s;
  s.file_text = text;
  auto loaded = load_config(s);
  REQUIRE(loaded);
  config defaults;
  for (auto key : config_keys()) {
    INFO(key);
    CHECK(text.find("\n" + std::string(key.substr(key.find('.') + 1)) + " = ") != std::string::npos);
    if (key != "keys.root") CHECK(show(*loaded, key) == show(defaults, key));
  }
}

TEST_CASE("the examples of a cluster have an issuer that makes operators, its key set, and a public URL",
          "[app][config]") {
  for (const std::string name : {"nacred-1.toml", "compose.yaml", "statefulset.yaml"}) {
    INFO(name);
    std::ifstream in(NACRE_SOURCE_DIR "/deploy/cluster/" + name, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    const bool by_file = name.ends_with(".toml");
    auto s = with_file(by_file ? text : "");
    if (!by_file) {
      const auto begin = text.find('\'', text.find("NACRE_AUTH__ISSUERS"));
      REQUIRE(begin < text.size());
      s.environment["NACRE_AUTH__ISSUERS"] = text.substr(begin + 1, text.find('\'', begin + 1) - begin - 1);
    }
    const auto c = load_config(s);
    REQUIRE(c);
    REQUIRE(c->auth.issuers.size() == 1);
    CHECK(c->auth.issuers[0].trust_scopes);
    CHECK_THAT(text, Contains(by_file ? "public_url = \"https://" : "NACRE_HTTP__PUBLIC_URL"));
    const auto folder = c->auth.issuers[0].jwks_file.parent_path().string();
    if (!by_file) CHECK_THAT(text, Contains(":" + folder + ":ro") || Contains("mountPath: " + folder + ","));
  }
}

TEST_CASE("the server gets every http setting", "[app][config]") {
  auto s = with_file(R"([http]
address = "::1"
port = 1
threads = 3
header_timeout_ms = 101
body_timeout_ms = 102
request_timeout_ms = 103
write_timeout_ms = 104
idle_timeout_ms = 105
connections_max = 106
connections_per_address_max = 107
large_bodies_mib = 108
trusted_proxies = ["10.0.0.1"]
)");
  auto c = server_config_of(*load_config(s));
  CHECK(c.address == "::1");
  CHECK(c.port == 1);
  CHECK(c.threads == 3);
  CHECK(c.header_timeout.count() == 101);
  CHECK(c.body_timeout.count() == 102);
  CHECK(c.request_timeout.count() == 103);
  CHECK(c.write_timeout.count() == 104);
  CHECK(c.idle_timeout.count() == 105);
  CHECK(c.connections_max == 106);
  CHECK(c.connections_per_address_max == 107);
  CHECK(c.large_bodies_bytes_max == 108u << 20);
  CHECK(c.trusted_proxies.size() == 1);
}

TEST_CASE("a node of a cluster has all it needs, or says in one line what is missing", "[app][config][cluster]") {
  const std::vector<std::string> whole = {
      "cluster.node=2",   "cluster.listen=127.0.0.1:7402",
      "cluster.ca=/ca",   "cluster.certificate=/crt",
      "cluster.key=/key", "cluster.peers=1=127.0.0.1:7401,2=127.0.0.1:7402,3=node-3:7403"};
  const auto with = [&](std::vector<std::string> more) {
    auto s = with_file("");
    s.sets.insert(s.sets.end(), whole.begin(), whole.end());
    s.sets.insert(s.sets.end(), more.begin(), more.end());
    return s;
  };
  auto c = load_config(with({}));
  REQUIRE(c);
  REQUIRE(members_of(*c).size() == 3);
  CHECK(members_of(*c)[2].node == 3);
  CHECK(members_of(*c)[2].address == "node-3:7403");
  for (std::string key : {"listen", "ca", "certificate", "key"})
    CHECK(error_of(with({"cluster." + key + "="})) == "cluster." + key + ": is required, for cluster.node is set");
  CHECK(error_of(with({"cluster.peers=1=a:1,3=b:1"})) == "cluster.peers: does not name this node, 2");
  CHECK(error_of(with({"cluster.peers=2=a:1,2=b:1"})) == "cluster.peers: names node 2 twice");
  CHECK(error_of(with({"cluster.peers=1=a:1,2=a:1"})) == "cluster.peers: gives a:1 to two nodes");
  CHECK(error_of(with({"cluster.peers=[]"})) == "cluster.peers: does not name this node, 2");
  CHECK_THAT(error_of(with({"cluster.peers=1=a:1,2=b:1,3=c:1,4=d:1,5=e:1,6=f:1,7=g:1,8=h:1,9=i:1,10=j:1"})),
             Contains("more than 9"));
  for (std::string wrong : {"2", "2=", "x=a:1", "0=a:1", "02=a:1", "2=a", "2=a:0", "2=a b:1", "2=::1:7"})
    CHECK_THAT(error_of(with({"cluster.peers=" + wrong})), Contains("cluster.peers") && Contains("wants ID=HOST:PORT"));
  for (std::string wrong : {"node-1:7400", "7400", "127.0.0.1", "127.0.0.1:0"})
    CHECK_THAT(error_of(with({"cluster.listen=" + wrong})), Contains("cluster.listen") && Contains("IP address"));
  CHECK_THAT(error_of(with({"cluster.election_ms=240"})), Contains("cluster.election_ms"));
  CHECK_THAT(error_of(with({"data.ephemeral=true"})), Contains("data.ephemeral"));
}

TEST_CASE("a node that was meant for a cluster does not start alone", "[app][config][cluster]") {
  for (std::string set : {"cluster.peers=1=a:1", "cluster.listen=127.0.0.1:1", "cluster.ca=/ca", "cluster.key=/key"}) {
    auto s = with_file("");
    s.sets.push_back(set);
    CHECK_THAT(error_of(s), Contains("cluster.node: is 0, a single node, but cluster."));
  }
  CHECK(members_of(*load_config(with_file(""))).empty());
}

TEST_CASE("hosts that webhooks may reach are hosts, not URLs or networks", "[app][config]") {
  auto c =
      load_config(with_file("[webhooks]\nallowed_hosts = [\"hooks.internal\", \"10.1.2.3:8443\", \"[fd00::1]\"]\n"));
  REQUIRE(c);
  CHECK(c->webhooks.allowed_hosts.size() == 3);
  CHECK(c->webhooks.enabled);
  CHECK_FALSE(c->webhooks.only_allowed_hosts);
  for (const char* bad : {"https://hooks.internal", "10.0.0.0/8", "*", ""}) {
    INFO(bad);
    CHECK_THAT(error_of(with_file("[webhooks]\nallowed_hosts = [\"" + std::string(bad) + "\"]\n")),
               Contains("webhooks.allowed_hosts") && Contains("host"));
  }
}

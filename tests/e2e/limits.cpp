// Limits per client address, local to the node.

#include <regex>

#include "tests/e2e/kit.hpp"

using namespace nacre::e2e;

namespace {

node_process::options with(std::vector<std::string> sets) {
  node_process::options o;
  for (auto& each : sets) {
    o.arguments.emplace_back("--set");
    o.arguments.push_back(std::move(each));
  }
  return o;
}

void check_limited(const http_answer& a, const std::string& name, int burst) {
  check_error(a, 429, "rate_limited");
  CHECK(std::regex_match(a.header("Retry-After"), std::regex("[1-9][0-9]*")));
  CHECK(a.header("RateLimit-Policy").starts_with("\"" + name + "\";q=" + std::to_string(burst) + ";"));
  CHECK(a.header("RateLimit").starts_with("\"" + name + "\";r=0;t="));
}

}  // namespace

TEST_CASE("an address gets its burst and then 429, whatever it asks for", "[limits]") {
  installation on(with({"limits.address_per_second=1", "limits.address_burst=5"}));
  person who(on.port(), on.token({new_uuid()}), "");
  int admitted = 0;
  http_answer last;
  for (int i = 0; i < 30 && last.status != 429; ++i) {
    last = who.get("/api/v1/me");
    admitted += last.status == 200;
  }
  CHECK(admitted >= 5);
  CHECK(admitted <= 10);  // a token a second comes back meanwhile
  check_limited(last, "address", 5);
  // Before routes and credentials are looked at; on any connection.
  auto spent = [&](std::string_view target, std::string_view verb = "GET") {
    int status = 0;
    for (int i = 0; i < 20 && status != 429; ++i) status = http_client(on.port()).send(verb, target).status;
    return status == 429;
  };
  CHECK(spent("/api/v1/pats"));
  CHECK(spent("/nowhere"));
  CHECK(spent("/api/v1/pats", "BREW"));
  for (int i = 0; i < 50; ++i)
    for (const char* probe : {"/healthz", "/readyz", "/version", "/metrics"})
      REQUIRE(http_client(on.port()).send("GET", probe).status == 200);
  CHECK(http_client(on.port()).send("GET", "/metrics").body.find("nacre_budget_refused_total{budget=\"address\"}") !=
        std::string::npos);
  // Waiting as told helps.
  REQUIRE(eventually([&] { return who.get("/api/v1/me").status == 200; }));
}

TEST_CASE("failed authentications are counted and then refused, good credentials too", "[limits]") {
  installation on(with({"limits.failed_auth_per_minute=5"}));
  person good(on.port(), on.token({new_uuid()}), "");
  auto bad = good.with("garbage");
  for (int i = 0; i < 20; ++i) REQUIRE(good.get("/api/v1/me").status == 200);  // successes are free
  for (int i = 0; i < 5; ++i) check_error(bad.get("/api/v1/me"), 401, "unauthorized");
  check_limited(bad.get("/api/v1/me"), "failed_auth", 5);
  check_limited(good.get("/api/v1/me"), "failed_auth", 5);
  CHECK(good.get("/healthz").status == 200);
}

TEST_CASE("being forbidden is not a failed authentication", "[limits]") {
  installation on(with({"limits.failed_auth_per_minute=3"}));
  team t(on);
  auto stranger = on.stranger(t.workspace);
  for (int i = 0; i < 10; ++i) check_error(stranger.get("/api/v1/pats"), 403, "forbidden");
  for (int i = 0; i < 10; ++i) check_error(stranger.in("x").get("/api/v1/pats"), 400, "invalid_request");
  CHECK(t.owner.get("/api/v1/pats").status == 200);
}

TEST_CASE("limits are switched off in development only", "[limits]") {
  installation on(with({"limits.enabled=false", "limits.address_per_second=1", "limits.address_burst=1",
                        "limits.failed_auth_per_minute=1"}));
  person who(on.port(), on.token({new_uuid()}), "");
  auto bad = who.with("garbage");
  for (int i = 0; i < 100; ++i) {
    REQUIRE(who.get("/api/v1/me").status == 200);
    REQUIRE(bad.get("/api/v1/me").status == 401);
  }
  nacre::test::temporary_directory dir;
  auto refused = nacre::test::run("nacred", {"--data-dir", (dir / "data").string(), "--set", "keys.root=file:/x",
                                             "--set", "limits.enabled=false", "--http", "127.0.0.1:0"});
  CHECK(refused.code == 78);
  CHECK(refused.errors.find("limits.enabled") != std::string::npos);
}

TEST_CASE("a client behind a proxy we do not trust cannot choose its address", "[limits]") {
  installation on(with({"limits.address_per_second=1", "limits.address_burst=3"}));
  http_client c(on.port());
  bool limited = false;
  for (int i = 0; i < 30 && !limited; ++i)
    limited = c.send("GET", "/x", {{"X-Forwarded-For", "192.0.2." + std::to_string(i)}}).status == 429;
  CHECK(limited);

  installation behind(
      with({"limits.address_per_second=1", "limits.address_burst=3", "http.trusted_proxies=127.0.0.1"}));
  http_client proxy(behind.port());
  for (int i = 0; i < 30; ++i)
    REQUIRE(proxy.send("GET", "/x", {{"X-Forwarded-For", "192.0.2." + std::to_string(i)}}).status == 404);
}

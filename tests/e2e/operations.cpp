// What operators and their tools see: probes, metrics, log lines, and HTTP's plain manners.

#include <regex>

#include "tests/e2e/kit.hpp"

using namespace nacre::e2e;

namespace {

// Request lines of the log, once a line about `request` is there.
std::vector<json_tree> log_lines(installation& on, const std::string& request) {
  REQUIRE(eventually([&] { return on.node().errors().find(request) != std::string::npos; }));
  std::vector<json_tree> out;
  auto text = on.node().errors();
  for (std::size_t at = 0, end; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
    auto line = nacre::test::parse_json_tree(std::string_view(text).substr(at, end - at));
    INFO(text.substr(at, end - at));
    REQUIRE(line);
    out.push_back(std::move(*line));
  }
  return out;
}

double metric(const std::string& text, const std::string& series) {
  auto at = text.find("\n" + series + " ");
  return at == std::string::npos ? -1 : std::stod(text.substr(at + series.size() + 2));
}

}  // namespace

TEST_CASE("probes answer anybody", "[operations]") {
  http_client c(shared().port());
  auto health = c.send("GET", "/healthz");
  CHECK(health.status == 200);
  CHECK(health.body == R"({"status":"ok"})");
  check_json_headers(health);
  auto ready = c.send("GET", "/readyz");
  CHECK(ready.status == 200);
  CHECK(ready.body == R"({"status":"ready","reasons":[]})");
  auto version = c.send("GET", "/version");
  CHECK(version.status == 200);
  CHECK(version.json().keys() == keys{"name", "version"});
  CHECK(version.json()["name"].text() == "nacre");
  CHECK(std::regex_match(version.json()["version"].text(), std::regex(R"(\d+\.\d+\.\d+.*)")));
  for (const char* path : {"/healthz", "/readyz", "/version", "/metrics"}) {
    CHECK(c.send("GET", path, {{"Authorization", "garbage"}, {"X-Workspace-Id", "x"}}).status == 200);
    CHECK(c.send("GET", std::string(path) + "?any=thing").status == 200);
    auto not_allowed = c.send("POST", path);
    check_error(not_allowed, 405, "method_not_allowed");
    CHECK(not_allowed.header("Allow").find("GET") != std::string::npos);
  }
}

TEST_CASE("metrics count requests by route template, and name nobody", "[operations]") {
  installation on;
  team t(on);
  auto id = t.owner.new_pat()["id"].text();
  for (int i = 0; i < 3; ++i) CHECK(t.owner.get(pat_path(id)).status == 200);
  CHECK(t.owner.get(pat_path("x")).status == 400);
  CHECK(t.owner.with("garbage").get(pat_path(id)).status == 401);
  CHECK(t.owner.get("/no/such/route").status == 404);
  auto scrape = t.owner.get("/metrics");
  REQUIRE(scrape.status == 200);
  CHECK(scrape.header("Content-Type").starts_with("text/plain; version=0.0.4"));
  CHECK(scrape.header("Cache-Control") == "no-store");
  const auto& text = scrape.body;
  auto requests = [&](const char* verb, const char* route, const char* status) {
    return metric(text, std::string("nacre_http_requests_total{method=\"") + verb + "\",route=\"" + route +
                            "\",status=\"" + status + "\"}");
  };
  CHECK(requests("GET", "/api/v1/pats/{id}", "200") == 3);
  CHECK(requests("GET", "/api/v1/pats/{id}", "400") == 1);
  CHECK(requests("GET", "/api/v1/pats/{id}", "401") == 1);
  CHECK(requests("POST", "/api/v1/pats", "201") == 1);
  CHECK(requests("GET", "unmatched", "404") == 1);
  CHECK(metric(text, "nacre_log_commands_total") >= 5);
  CHECK(metric(text, "nacre_log_sync_seconds_count") >= 1);
  CHECK(metric(text, "nacre_log_writable") == 1);
  CHECK(metric(text, "nacre_ready") == 1);
  CHECK(metric(text, "nacre_actor_queue_depth") == 0);
  CHECK(metric(text, "nacre_http_connections") >= 1);
  CHECK(text.find("nacre_authentication_failures_total{reason=\"") != std::string::npos);
  CHECK(text.find("nacre_build_info{") != std::string::npos);
  CHECK(metric(text, "process_resident_memory_bytes") > 0);
  for (const auto& secret : {id, t.workspace, t.owner.user(), std::string("no/such")})
    CHECK(text.find(secret) == std::string::npos);
  // Prometheus' own shape: comments, or a name, labels and a number.
  static const std::regex line(R"(# (HELP|TYPE) .+|[a-z_:]+(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? \S+)");
  std::size_t at = 0;
  for (std::size_t end; (end = text.find('\n', at)) != std::string::npos; at = end + 1)
    if (!std::regex_match(text.substr(at, end - at), line)) FAIL_CHECK(text.substr(at, end - at));
  CHECK(at == text.size());
}

TEST_CASE("HEAD answers a GET's head and no body", "[operations]") {
  team t(shared());
  auto id = t.owner.new_pat()["id"].text();
  for (const auto& path : {std::string("/healthz"), std::string("/version"), std::string("/api/v1/pats"), pat_path(id),
                           std::string("/api/v1/me"), pat_path(new_uuid()), std::string("/nowhere")}) {
    INFO(path);
    auto get = t.owner.get(path), head = t.owner.send("HEAD", path);
    CHECK(head.status == get.status);
    CHECK(head.header("Content-Length") == get.header("Content-Length"));
    CHECK(head.header("Content-Type") == get.header("Content-Type"));
    CHECK(t.owner.get("/healthz").body == R"({"status":"ok"})");  // nothing of a body is in the way
  }
}

TEST_CASE("what is not there is 404 in the family's shape", "[operations]") {
  team t(shared());
  for (const char* path :
       {"/api", "/api/v1", "/api/v1/", "/api/v1/pats/", "/api/v1/pats//reveal", "/api/v20/pats", "/API/v1/pats",
        "/healthz/", "/api/v1/pats/x/reveal/x", "//healthz", "/api/v1/workspace", "/.env", "/api/v1/pats/../me"}) {
    INFO(path);
    auto a = t.owner.get(path);
    check_error(a, 404, "not_found");
    CHECK(http_client(shared().port()).send("GET", path).status == 404);
  }
  CHECK(t.owner.get("/" + std::string(33'000, 'a')).status == 414);
  CHECK(t.owner.send("GET", "/healthz", "", {{"X-Long", std::string(50'000, 'a')}}).status == 431);
}

TEST_CASE("every answer has a fresh request id, whatever the client sends", "[operations]") {
  http_client c(shared().port());
  std::set<std::string> seen;
  for (const char* path : {"/healthz", "/nowhere", "/api/v1/me", "/healthz"}) {
    auto id = c.send("GET", path, {{"X-Request-Id", "00000000-0000-4000-8000-000000000000"}}).header("X-Request-Id");
    CHECK(is_uuid(id));
    CHECK(seen.insert(id).second);
  }
}

TEST_CASE("one JSON line tells of a request, by template and without identifiers", "[operations]") {
  installation on;
  team t(on);
  auto id = t.owner.new_pat()["id"].text();
  auto reveal = t.owner.post(pat_path(id, "reveal") + "?q=secret-query");
  CHECK(reveal.status == 200);
  CHECK(t.owner.get("/nowhere/secret-path").status == 404);
  auto last = t.owner.get("/healthz").header("X-Request-Id");
  const json_tree* line = nullptr;
  auto lines = log_lines(on, last);
  for (const auto& each : lines) {
    CHECK(is_time(each["time"].text()));
    CHECK_FALSE(each["level"].text().empty());
    if (const auto* r = each.find("request_id"); r && r->text() == reveal.header("X-Request-Id")) line = &each;
  }
  REQUIRE(line);
  CHECK(line->keys() == keys{"time", "level", "msg", "method", "route", "status", "us", "request_id", "workspace_id"});
  CHECK((*line)["level"].text() == "info");
  CHECK((*line)["method"].text() == "POST");
  CHECK((*line)["route"].text() == "/api/v1/pats/{id}/reveal");
  CHECK((*line)["status"].number() == 200);
  CHECK((*line)["us"].number() > 0);
  CHECK((*line)["workspace_id"].text() == t.workspace);
  auto text = on.node().errors();
  for (const auto& secret : {id, t.owner.user(), t.owner.credential(), std::string("secret-query"),
                             std::string("secret-path"), std::string("Bearer")})
    CHECK(text.find(secret) == std::string::npos);
}

TEST_CASE("a client cannot write log lines or headers of its own", "[operations]") {
  installation on;
  team t(on);
  constexpr const char* forged = R"({"level":"info","msg":"forged"})";
  // Through every value that could reach a log: names, ids, headers, paths, claims.
  CHECK(t.owner.post("/api/v1/pats", std::string(R"({"name":"a\r\n)") + "forged\"}").status == 400);
  auto quoted = t.owner.post("/api/v1/pats", "{\"name\":" + nacre::test::json_quoted(forged) + "}");
  CHECK(quoted.status == 201);
  CHECK(quoted.json()["data"]["name"].text() == forged);
  CHECK(t.owner.get("/api/v1/pats/%0d%0aX-Forged:%201").status == 400);
  CHECK(t.owner.get("/api/v1/pats?limit=%0d%0aX-Forged:%201").status == 400);
  nacre::test::raw_http raw(on.port());
  auto split = raw.exchange("GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: b\rX-Forged: 1\r\n\r\n");
  REQUIRE(split);
  CHECK(split->status == 400);
  CHECK(split->find("X-Forged") == nullptr);
  auto odd = on.someone(new_uuid(), new_uuid(), "owner");
  claim c{new_uuid(), new_uuid(), "owner"};
  c.workspace_name = "a\xe2\x80\xa8{\"forged\":1}";
  person named(on.port(), on.token(c), c.workspace, c.user);
  CHECK(named.get("/api/v1/me").status == 200);
  CHECK(named.get("/api/v1/workspaces/" + c.workspace).status == 200);
  auto last = named.get("/healthz").header("X-Request-Id");
  for (const auto& line : log_lines(on, last)) {
    CHECK(line["msg"].text() != "forged");
    CHECK(line.find("forged") == nullptr);
  }
  CHECK(on.node().errors().find("forged") == std::string::npos);
}

TEST_CASE("pipelined requests are answered in order", "[operations]") {
  team t(shared());
  std::string all;
  keys ids;
  for (int i = 0; i < 20; ++i) {
    ids.push_back(t.owner.new_pat("\"name\":\"p" + std::to_string(i) + "\"")["id"].text());
    all += http_client::message("GET", pat_path(ids.back()),
                                {{"Authorization", "Bearer " + t.owner.credential()}, {"X-Workspace-Id", t.workspace}},
                                "");
  }
  nacre::test::raw_http raw(shared().port());
  REQUIRE(raw.send(all));
  for (const auto& id : ids) {
    auto a = raw.receive();
    REQUIRE(a);
    auto tree = nacre::test::parse_json_tree(a->body);
    REQUIRE(tree);
    CHECK((*tree)["data"]["id"].text() == id);
  }
}

#include "app/metrics.hpp"

#include <catch2/catch.hpp>
#include <sstream>
#include <thread>
#include <vector>

using namespace nacre;
using namespace nacre::app;
using Catch::Contains;

namespace {

http::exchange one(std::string_view verb, std::string_view route, int status, std::int64_t us) {
  http::exchange e;
  e.verb = verb;
  e.route = route;
  e.status = status;
  e.microseconds = us;
  e.request_bytes = 10;
  e.response_bytes = 20;
  return e;
}

// The number behind a series, as the text shows it.
std::string value(const std::string& text, const std::string& series) {
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with(series + " ")) return line.substr(series.size() + 1);
  }
  return "absent";
}

}  // namespace

TEST_CASE("an exchange is counted by method, route template and status, and timed", "[app][metrics]") {
  metrics m("1.2.3");
  m.exchange(one("GET", "/a/{id}", 200, 70));
  m.exchange(one("GET", "/a/{id}", 200, 700));
  m.exchange(one("GET", "/a/{id}", 404, 9'000'000));
  m.exchange(one("POST", "/a/{id}", 201, 1));
  auto text = m.scrape();
  CHECK(value(text, "nacre_http_requests_total{method=\"GET\",route=\"/a/{id}\",status=\"200\"}") == "2");
  CHECK(value(text, "nacre_http_requests_total{method=\"GET\",route=\"/a/{id}\",status=\"404\"}") == "1");
  CHECK(value(text, "nacre_http_requests_total{method=\"POST\",route=\"/a/{id}\",status=\"201\"}") == "1");
  CHECK(value(text, "nacre_http_request_seconds_count{method=\"GET\",route=\"/a/{id}\"}") == "3");
  CHECK(value(text, "nacre_http_request_seconds_bucket{method=\"GET\",route=\"/a/{id}\",le=\"+Inf\"}") == "3");
  CHECK(value(text, "nacre_http_response_bytes_total{method=\"GET\",route=\"/a/{id}\"}") == "60");
  CHECK_THAT(text,
             Contains("nacre_build_info{version=\"1.2.3\"") && Contains("# TYPE nacre_http_request_seconds histogram"));
}

TEST_CASE("buckets are cumulative and a value on a bound belongs below it", "[app][metrics]") {
  metrics m("v");
  m.exchange(one("GET", "/", 200, 100));
  m.exchange(one("GET", "/", 200, 101));
  auto text = m.scrape();
  auto bucket = [&](const std::string& le) {
    return value(text, "nacre_http_request_seconds_bucket{method=\"GET\",route=\"/\",le=\"" + le + "\"}");
  };
  CHECK(bucket("0.0001") == "1");
  CHECK(bucket("0.00025") == "2");
  CHECK(bucket("5") == "2");
}

TEST_CASE("the same route at another address is the same series", "[app][metrics]") {
  metrics m("v");
  std::string a = "/same", b = "/same";
  m.exchange(one("GET", a, 200, 1));
  m.exchange(one("GET", b, 200, 1));
  CHECK(value(m.scrape(), "nacre_http_requests_total{method=\"GET\",route=\"/same\",status=\"200\"}") == "2");
}

TEST_CASE("whatever is thrown at it, the number of series is bounded and nothing is lost", "[app][metrics]") {
  metrics m("v");
  for (int i = 0; i < 5'000; ++i) {
    m.exchange(one("GET", "/" + std::to_string(i), i % 2 ? 200 : 7, 1));
    m.authentication_failed("reason" + std::to_string(i));
  }
  auto text = m.scrape();
  std::istringstream in(text);
  std::uint64_t requests = 0, failures = 0, series = 0;
  for (std::string line; std::getline(in, line);) {
    auto number = [&] { return std::stoull(line.substr(line.rfind(' ') + 1)); };
    if (line.starts_with("nacre_http_requests_total{")) requests += number(), ++series;
    if (line.starts_with("nacre_authentication_failures_total{")) failures += number(), ++series;
  }
  CHECK(requests == 5'000);
  CHECK(failures == 5'000);
  CHECK(series < 1'000);
}

TEST_CASE("nothing is lost when several threads count", "[app][metrics]") {
  metrics m("v");
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&m] {
      for (int i = 0; i < 10'000; ++i) {
        m.exchange(one("GET", i % 2 ? "/x" : "/y", 200, i));
        m.budget_refused("reveal_per_pat");
        m.round_committed(3, true, 100);
      }
    });
  }
  for (int i = 0; i < 20; ++i) CHECK_FALSE(m.scrape().empty());
  for (auto& each : threads) each.join();
  auto text = m.scrape();
  CHECK(value(text, "nacre_http_requests_total{method=\"GET\",route=\"/x\",status=\"200\"}") == "20000");
  CHECK(value(text, "nacre_budget_refused_total{budget=\"reveal_per_pat\"}") == "40000");
  CHECK(value(text, "nacre_log_commands_total") == "120000");
  CHECK(value(text, "nacre_log_rounds_total") == "40000");
  CHECK(value(text, "nacre_log_sync_seconds_count") == "40000");
}

TEST_CASE("a round without a sync counts none", "[app][metrics]") {
  metrics m("v");
  m.round_committed(5, false, 0);
  auto text = m.scrape();
  CHECK(value(text, "nacre_log_commands_total") == "5");
  CHECK(value(text, "nacre_log_round_commands_bucket{le=\"8\"}") == "1");
  CHECK(value(text, "nacre_log_sync_seconds_count") == "0");
}

TEST_CASE("levels are asked at scrape; what nobody tells is not shown", "[app][metrics]") {
  metrics m("v");
  CHECK(value(m.scrape(), "nacre_actor_queue_depth") == "absent");
  std::uint64_t depth = 3;
  m.add_probe([&](readings& r) { r.actors = readings::actor_levels{7, depth, 2}; });
  m.add_probe([](readings& r) {
    r.log = readings::log_levels{9, 1, false};
    r.ready = false;
    r.http = http::server::counters{};
    r.http->connections_open = 5;
  });
  auto text = m.scrape();
  CHECK(value(text, "nacre_actor_queue_depth") == "3");
  CHECK(value(text, "nacre_actor_busy_total") == "2");
  CHECK(value(text, "nacre_log_writable") == "0");
  CHECK(value(text, "nacre_ready") == "0");
  CHECK(value(text, "nacre_http_connections") == "5");
  depth = 4;
  CHECK(value(m.scrape(), "nacre_actor_queue_depth") == "4");
}

TEST_CASE("the process tells memory, descriptors and CPU time", "[app][metrics]") {
  auto text = metrics("v").scrape();
  for (const char* name : {"process_resident_memory_bytes", "process_open_fds", "process_max_fds",
                           "process_cpu_seconds_total", "process_start_time_seconds"}) {
    CHECK(value(text, name) != "absent");
  }
  CHECK(std::stod(value(text, "process_resident_memory_bytes")) > 1e6);
  CHECK(std::stod(value(text, "process_open_fds")) >= 1);
}

TEST_CASE("attempts to deliver are counted by outcome, and what waits is shown", "[app][metrics]") {
  metrics m("v");
  CHECK(value(m.scrape(), "nacre_webhook_deliveries_waiting") == "absent");
  m.add_probe([](readings& r) { r.webhooks = readings::webhook_levels{2, 30, 4}; });
  m.webhook_attempted("delivered");
  m.webhook_attempted("retry");
  m.webhook_attempted("retry");
  auto text = m.scrape();
  CHECK(value(text, "nacre_webhook_attempts_total{outcome=\"delivered\"}") == "1");
  CHECK(value(text, "nacre_webhook_attempts_total{outcome=\"retry\"}") == "2");
  CHECK(value(text, "nacre_webhooks_with_deliveries") == "2");
  CHECK(value(text, "nacre_webhook_deliveries_waiting") == "30");
  CHECK(value(text, "nacre_webhook_deliveries_under_way") == "4");
}

#include "bench/stand.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <stdexcept>

namespace nacre::bench {

namespace fs = std::filesystem;

bool options::wants(std::string_view part) const {
  return only.empty() || std::find(only.begin(), only.end(), part) != only.end();
}

fs::path own_path() { return fs::read_symlink("/proc/self/exe"); }

scratch::scratch(const options& o) : keep_(o.keep) {
  auto base = o.directory.empty() ? own_path().parent_path().parent_path() : fs::path(o.directory);
  auto pattern = (base / "bench-data.XXXXXX").string();
  if (!::mkdtemp(pattern.data())) throw std::runtime_error("no scratch directory in " + base.string());
  path_ = pattern;
}

scratch::~scratch() {
  std::error_code ignored;
  if (!keep_) fs::remove_all(path_, ignored);
}

std::unique_ptr<child> start_node(const options& o, const fs::path& data, const std::vector<std::string>& sets) {
  const auto program = o.node.empty() ? own_path().parent_path() / "nacred" : fs::path(o.node);
  std::vector<std::string> command = {
      program,       "--dev", "--data-dir",           data,    "--http",
      "127.0.0.1:0", "--set", "limits.enabled=false", "--set", "http.threads=" + std::to_string(o.threads)};
  for (const auto* some : {&sets, &o.sets})
    for (const auto& each : *some) command.insert(command.end(), {"--set", each});
  return std::make_unique<child>(command, o.log == "null" ? fs::path("/dev/null") : fs::path(data.string() + ".log"));
}

load_plan plan_for(const options& o, const child& target) {
  load_plan plan;
  plan.port = target.port();
  plan.connections = o.connections;
  plan.for_time = o.round_time();
  return plan;
}

sample measure(const child& target, const load_plan& plan, bool counts_syncs) {
  const std::string syncs_name = "nacre_log_sync_seconds_count";
  auto syncs = counts_syncs ? metric(target.port(), syncs_name) : 0;
  auto cpu = target.cpu_s();
  auto r = run_load(plan);
  sample s;
  auto operations = std::max(1.0, static_cast<double>(r.answered));
  s.cpu_us_per_op = (target.cpu_s() - cpu) / operations * 1e6;
  if (counts_syncs) s.syncs_per_op = (metric(target.port(), syncs_name) - syncs) / operations;
  s.per_second = r.per_second();
  s.p50_ms = r.percentile_ms(0.50);
  s.p99_ms = r.percentile_ms(0.99);
  s.generator_share = r.seconds > 0 ? r.generator_cpu_s / r.seconds : 0;
  s.failed = r.failed;
  for (auto [status, count] : r.unexpected)
    s.failures += std::to_string(count) + " x " +
                  (status > 0    ? "status " + std::to_string(status)
                   : status == 0 ? std::string("no answer")
                                 : std::string("wrong body")) +
                  " ";
  return s;
}

sample measure_puts(synced_puts& puts, const options& o) {
  auto r = puts.run(o.connections, o.round_time());
  load_result shape;
  shape.latency_ns = std::move(r.latency_ns);
  sample s;
  s.per_second = static_cast<double>(r.puts) / r.seconds;
  s.p50_ms = shape.percentile_ms(0.50);
  s.p99_ms = shape.percentile_ms(0.99);
  s.cpu_us_per_op = r.puts ? r.cpu_s / static_cast<double>(r.puts) * 1e6 : 0;
  s.failed = r.failed;
  if (r.failed) s.failures = "puts refused";
  return s;
}

std::string_view quoted_after(std::string_view body, std::string_view before) {
  auto at = body.find(before);
  if (at == std::string_view::npos) return {};
  at += before.size();
  return body.substr(at, body.find('"', at) - at);
}

void print_level(const char* what, double value, const char* unit, std::optional<double> below) {
  std::printf("%-34s %9.0f %s", what, value, unit);
  if (below) std::printf("   target < %.0f %s %s", *below, unit, value < *below ? "ok" : "MISSED");
  std::printf("\n");
}

}  // namespace nacre::bench

#include "bench/stand.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <stdexcept>

#include "crypto/jwt.hpp"
#include "model/time.hpp"

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

std::string mint(const fs::path& data, user_id user, std::optional<workspace_id> owns) {
  crypto::mint_request what;
  what.subject = to_string(user);
  what.seconds = 3600;
  if (owns) what.workspace = to_string(*owns), what.role = "owner";
  auto token = crypto::mint_dev_token(data, what, system_clock{}.now());
  if (!token) throw std::runtime_error("token: " + token.error().text);
  return *token;
}

load_plan plan_for(const options& o, const child& target) {
  load_plan plan;
  plan.port = target.port();
  plan.connections = o.connections;
  plan.for_time = o.round_time();
  return plan;
}

double syncs_of(const child& node) { return metric(node.port(), "nacre_log_sync_seconds_count"); }

sample measure(const child& target, const load_plan& plan, bool counts_syncs) {
  return measure({&target}, counts_syncs ? [&] { return syncs_of(target); } : std::function<double()>(),
                 [&] { return run_load(plan); });
}

sample measure(const std::vector<const child*>& targets, const std::function<double()>& syncs,
               const std::function<load_result()>& load) {
  auto cpu_so_far = [&] {
    double sum = 0;
    for (const auto* each : targets) sum += each->cpu_s();
    return sum;
  };
  const auto syncs_before = syncs ? syncs() : 0;
  auto cpu = cpu_so_far();
  auto r = load();
  sample s;
  auto operations = std::max(1.0, static_cast<double>(r.answered));
  s.cpu_us_per_op = (cpu_so_far() - cpu) / operations * 1e6;
  if (syncs) s.syncs_per_op = (syncs() - syncs_before) / operations;
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

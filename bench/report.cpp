#include "bench/report.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "bench/interrupt.hpp"

namespace nacre::bench {

namespace {

template <class Pick>
double median_of(const std::vector<sample>& samples, Pick pick) {
  std::vector<double> values;
  for (const auto& s : samples) values.push_back(pick(s));
  return median(std::move(values));
}

// Round by round: neighbours in time have seen the same machine.
double ratio_of(const scenario& row, const scenario& ceiling) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < row.samples.size() && i < ceiling.samples.size(); ++i)
    if (ceiling.samples[i].per_second > 0) ratios.push_back(row.samples[i].per_second / ceiling.samples[i].per_second);
  return median(std::move(ratios));
}

std::string number(const char* format, double value) {
  char text[64];
  (void)std::snprintf(text, sizeof text, format, value);
  return text;
}

}  // namespace

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  auto middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

void run_rounds(std::vector<scenario>& group, std::size_t rounds, const std::string& match) {
  for (std::size_t round = 0; round < rounds; ++round)
    for (auto& row : group) {
      if (row.name.find(match) == std::string::npos) continue;
      stop_if_interrupted();
      (void)std::fprintf(stderr, "\r  round %zu of %zu: %-40s", round + 1, rounds, row.name.c_str());
      ::sync();  // what the one before left to be written out is not this one's
      row.samples.push_back(row.run());
    }
  (void)std::fprintf(stderr, "\r%60s\r", "");
}

void print_heading() {
  std::printf("%-34s %9s %8s %8s %8s %7s %5s  %6s %s\n", "scenario", "ops/s", "p50 ms", "p99 ms", "syncs/op", "cpu us",
              "gen%", "ratio", "target");
}

std::uint64_t print_rows(const std::vector<scenario>& group) {
  std::uint64_t failed = 0;
  for (std::size_t i = 0; i < group.size(); ++i) {
    const auto& row = group[i];
    const auto& s = row.samples;
    if (s.empty()) continue;
    auto p99 = median_of(s, [](const sample& x) { return x.p99_ms; });
    auto syncs = median_of(s, [](const sample& x) { return x.syncs_per_op.value_or(0); });
    bool counts_syncs = s.front().syncs_per_op.has_value();
    std::string targets, ratio = "-";
    auto judge = [&](bool good, const std::string& text) { targets += text + (good ? " ok; " : " MISSED; "); };
    if (row.ceiling != i && !group[row.ceiling].samples.empty()) {
      auto r = ratio_of(row, group[row.ceiling]);
      ratio = number("%.2f", r);
      targets = "of \"" + group[row.ceiling].name + "\": ";
      if (row.ratio_at_least) judge(r >= *row.ratio_at_least, number(">= %.2f", *row.ratio_at_least));
    }
    if (row.syncs_below) judge(syncs < *row.syncs_below, number("syncs < %.1f", *row.syncs_below));
    if (row.p99_below_ms) judge(p99 < *row.p99_below_ms, number("p99 < %.0f ms", *row.p99_below_ms));
    if (row.beside && !group[*row.beside].samples.empty())
      targets += number("%.2f of ", ratio_of(row, group[*row.beside])) + '"' + group[*row.beside].name + '"';
    std::printf("%-34s %9.0f %8.3f %8.3f %8s %7.1f %5.0f  %6s %s\n", row.name.c_str(),
                median_of(s, [](const sample& x) { return x.per_second; }),
                median_of(s, [](const sample& x) { return x.p50_ms; }), p99,
                counts_syncs ? number("%.3f", syncs).c_str() : "-",
                median_of(s, [](const sample& x) { return x.cpu_us_per_op; }),
                100 * median_of(s, [](const sample& x) { return x.generator_share; }), ratio.c_str(), targets.c_str());
    for (const auto& each : s) {
      failed += each.failed;
      if (each.failed) std::printf("  FAILED: %s\n", each.failures.c_str());
    }
  }
  (void)std::fflush(stdout);
  return failed;
}

}  // namespace nacre::bench

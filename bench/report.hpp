#pragma once
// Samples of alternating rounds, and the table made of their medians.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace nacre::bench {

struct sample {
  double per_second = 0, p50_ms = 0, p99_ms = 0;
  std::optional<double> syncs_per_op;
  double cpu_us_per_op = 0;    // of the measured process
  double generator_share = 0;  // of one core; near 1: the generator set the pace
  std::uint64_t failed = 0;
  std::string failures;  // which, in words
};

struct scenario {
  std::string name;
  std::function<sample()> run;
  // Row of the same group it is compared with; itself: nothing.
  std::size_t ceiling = 0;
  std::optional<double> ratio_at_least, p99_below_ms, syncs_below;
  std::vector<sample> samples = {};
  std::optional<std::size_t> beside = {};  // another row whose ratio is told, without a target
};

// Runs every scenario once per round, in order, so that whatever disturbs the machine disturbs all alike.
// Only those whose name contains `match` run; the others are not shown.
void run_rounds(std::vector<scenario>& group, std::size_t rounds, const std::string& match);
double median(std::vector<double> values);
void print_heading();
// Prints the group's rows; answers how many requests failed.
std::uint64_t print_rows(const std::vector<scenario>& group);

}  // namespace nacre::bench

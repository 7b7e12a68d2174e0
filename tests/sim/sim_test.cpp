// Promises of the replicated log under everything that happens to machines (world.hpp). A failure prints its seed:
//   NACRE_SIM_SEED=4711 test_sim        replays one run
//   NACRE_SIM_SEEDS=100000 test_sim     tries more, from NACRE_SIM_FIRST (make sim SEEDS=100000)

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <cstdlib>
#include <iostream>

#include "tests/sim/plan.hpp"

using namespace nacre;

namespace {

using cluster::raft::guard_rules;

std::uint64_t setting(const char* name, std::uint64_t otherwise) {
  const char* given = std::getenv(name);
  return given == nullptr ? otherwise : std::strtoull(given, nullptr, 10);
}

// In a process of its own: libraft without the guard may take it down, which is one way to break a promise.
std::string broken_apart(const sim::plan& plan) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  std::cout.flush();
  const auto child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    for (int s : {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL}) std::signal(s, SIG_DFL);
    const auto told = sim::run(plan).broken;
    const bool whole = write(ends[1], told.data(), told.size()) == static_cast<ssize_t>(told.size());
    _exit(whole ? 0 : 1);
  }
  close(ends[1]);
  std::string told(4096, '\0');
  const auto size = read(ends[0], told.data(), told.size());
  told.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  close(ends[0]);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  if (WIFSIGNALED(status)) return "the process died of signal " + std::to_string(WTERMSIG(status));
  return told;
}

// The first seed, of so many, under which a promise is broken without these rules; 0: none.
std::uint64_t first_broken(const char* what, const guard_rules& rules, std::uint64_t first, std::uint64_t seeds) {
  for (auto seed = first; seed < first + seeds; ++seed) {
    sim::plan plan;
    plan.seed = seed;
    plan.rules = rules;
    plan.compaction = plan.membership = false;  // a shorter log leaves less to go wrong with
    plan.losses = plan.doors = plan.harder = false;
    if (const auto told = broken_apart(plan); !told.empty()) {
      std::cout << "sim: " << what << ", seed " << seed << ": " << told << std::endl;
      return seed;
    }
  }
  std::cout << "sim: " << what << ": nothing in " << seeds << " seeds" << std::endl;
  return 0;
}

guard_rules without(bool guard_rules::*rule) {
  guard_rules rules;
  rules.*rule = false;
  return rules;
}
guard_rules none() { return {false, false, false, false, false, false, false}; }

}  // namespace

TEST_CASE("whatever happens to machines, the promises of the replicated log are kept", "[sim]") {
  const auto one = setting("NACRE_SIM_SEED", 0);
  const auto first = one != 0 ? one : setting("NACRE_SIM_FIRST", 1);
  const auto count = one != 0 ? 1 : setting("NACRE_SIM_SEEDS", 2'000);
  sim::summary all;
  for (auto seed = first; seed < first + count; ++seed) {
    INFO("replay with NACRE_SIM_SEED=" << seed);
    sim::plan plan;
    plan.seed = seed;
    const auto told = sim::run(plan);
    if (!told.broken.empty()) FAIL_CHECK(told.broken);
    all.acknowledged += told.acknowledged;
    all.unknown += told.unknown;
    all.refused += told.refused;
    all.reveals += told.reveals;
    all.reads += told.reads;
    all.crashes += told.crashes;
    all.entries += told.entries;
    all.fetches += told.fetches;
    all.epochs += told.epochs;
    all.changes += told.changes;
    all.losses += told.losses;
  }
  std::cout << "sim: seeds " << first << ".." << first + count - 1 << ": " << all.acknowledged << " acknowledged, "
            << all.unknown << " unknown, " << all.refused << " refused, " << all.reveals << " reveals, " << all.reads
            << " current reads, " << all.crashes << " crashes, " << all.entries << " entries, " << all.epochs
            << " epochs, " << all.changes << " changes of members, " << all.losses << " disks lost, " << all.fetches
            << " states fetched" << std::endl;
}

TEST_CASE("what once went wrong does not any more", "[sim]") {
  // The leader offered the state for ever to one who had it: after a late refusal of a place that matched, or because
  // who needed no state did not say so. A node whose state was gone took none from before what it knew to be committed.
  constexpr std::uint64_t late_refusal = 501'093, unanswered = 700'863, unanswered_too = 708'606, older_state = 705'723;
  for (const auto seed : {late_refusal, unanswered, unanswered_too, older_state}) {
    INFO("seed " << seed);
    sim::plan plan;
    plan.harder = false;
    plan.seed = seed;
    CHECK(sim::run(plan).broken.empty());
  }
}

TEST_CASE("without a rule of the guard a promise is broken, and the simulator finds it", "[sim][guard]") {
  using r = guard_rules;
  CHECK(first_broken("without any rule", none(), 1, 50) != 0);
  CHECK(first_broken("without the gate", without(&r::gate), 1, 100) != 0);
  CHECK(first_broken("without own term first", without(&r::own_term_first), 1, 200) != 0);
  // Each of these alone is covered by the others; the paper's rule needs one of them.
  auto rules = without(&r::own_term_first);
  rules.silence_until_durable = rules.own_term_counts = rules.proved_match = false;
  CHECK(first_broken("without rules of terms and matches", rules, 1'200, 3'000) != 0);
}

TEST_CASE("where nodes do not remember each other's directories, a lost disk breaks a promise", "[sim][guard]") {
  std::uint64_t broken = 0;
  const auto seeds = setting("NACRE_SIM_SEEDS", 2'000);
  for (std::uint64_t seed = 1; seed <= seeds && broken == 0; ++seed) {
    sim::plan plan;
    plan.seed = seed;
    plan.doors = plan.membership = plan.harder = false;
    if (const auto told = broken_apart(plan); !told.empty()) {
      std::cout << "sim: without doors, seed " << seed << ": " << told << std::endl;
      broken = seed;
    }
  }
  CHECK(broken != 0);
}

TEST_CASE("what is told or applied falsely around the engine breaks a promise, and the simulator finds it", "[sim]") {
  using sim::lie;
  for (const auto& [what, lied] : {std::pair("unknown is told as refused", lie::unknown_is_refused),
                                   std::pair("probes are answered by links", lie::links_answer_probes),
                                   std::pair("what lies behind a seal is applied", lie::behind_the_seal)}) {
    sim::plan plan;
    plan.lie = lied;
    std::string told;
    for (plan.seed = 1; told.empty() && plan.seed < 2'000; ++plan.seed) told = broken_apart(plan);
    CHECK(!told.empty());
    std::cout << "sim: " << what << ", seed " << plan.seed - 1 << ": " << told << std::endl;
  }
}

// By hand: where each rule is missed.
TEST_CASE("which rule is missed when", "[.explore]") {
  const auto seeds = setting("NACRE_SIM_SEEDS", 200);
  using r = guard_rules;
  first_broken("none", none(), 1, seeds);
  first_broken("no gate", without(&r::gate), 1, seeds);
  auto only = none();
  only.gate = true;
  first_broken("gate only", only, 1, seeds);
  only.real_term = only.proved_match = true;
  first_broken("gate, real term and proved match only", only, 1, seeds);
  first_broken("no own term first", without(&r::own_term_first), 1, seeds);
  first_broken("no silence", without(&r::silence_until_durable), 1, seeds);
  first_broken("no real term", without(&r::real_term), 1, seeds);
  first_broken("no own term counts", without(&r::own_term_counts), 1, seeds);
  first_broken("no proved match", without(&r::proved_match), 1, seeds);
  auto no_term = without(&r::own_term_first);
  no_term.silence_until_durable = no_term.own_term_counts = false;
  first_broken("no term rules", no_term, 1, seeds);
  no_term.proved_match = false;
  first_broken("no term rules, no proved match", no_term, 1, seeds);
}

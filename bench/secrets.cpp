#include "bench/secrets.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <future>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>

#include "bench/fill.hpp"
#include "bench/fill_secrets.hpp"
#include "bench/guests.hpp"

namespace nacre::bench {

namespace {

using steady = std::chrono::steady_clock;

// How many reveals a second, in two scenarios, the fill provides for beside what is concealed meanwhile. A faster
// node ends its rounds early.
constexpr double reveals_per_second = 10'000;
constexpr std::size_t guarded_secrets = 10'000;  // five wrong passphrases lock one: more than a run can lock
constexpr std::size_t storm_connections = 32;    // the node's pool holds one job a thread and 16 that wait
// Of each connection between an answer and its next guess: far less than the second that refusals ask for.
constexpr std::chrono::milliseconds storm_pause{10};
// What "no slower" means beside the noise between two nodes.
constexpr double as_fast = 0.9;

// No limit of a guest's bytes: it is the disk that is measured.
const std::vector<std::string> unbounded = {"onetime.guest_bytes_max=0"};

bool tells_secret(std::string_view answer) { return answer.find(secret_text) != std::string_view::npos; }

// Guests who share texts and guests who read them, on one node.
class guests {
 public:
  guests(const options& o, std::vector<link> links) : options_(o), unread_(std::move(links)) {
    reveals_.assign(o.connections, reveal_request(R"({"continue":"true"})"));
    concealed_.resize(o.connections);
    for (std::size_t i = 0; i < concealed_.size(); i += 2) concealed_[i] = true;
  }

  sample conceals(const child& node) {
    auto plan = plan_for(options_, node);
    plan.next = [this](std::size_t) -> std::string_view { return conceal_; };
    plan.check = [this](std::size_t, std::string_view body) { return unread_.take_in(body); };
    return measure(node, plan, true);
  }

  sample reveals(const child& node) {
    if (unread_.count() == 0) throw std::runtime_error("no secret is left to reveal");
    auto plan = plan_for(options_, node);
    plan.requests_max = unread_.count();
    plan.next = [this](std::size_t i) { return reveals_[i].of(unread_.draw()); };
    plan.check = [](std::size_t, std::string_view body) { return tells_secret(body); };
    return measure(node, plan, true);
  }

  // On each connection a conceal, a reveal of any secret, and so on: there stay as many.
  sample both(const child& node, std::chrono::milliseconds for_time) {
    auto plan = plan_for(options_, node);
    plan.for_time = for_time;
    plan.next = [this](std::size_t i) -> std::string_view {
      concealed_[i] = !concealed_[i] || unread_.count() == 0;
      return concealed_[i] ? conceal_ : reveals_[i].of(unread_.draw());
    };
    plan.check = [this](std::size_t i, std::string_view body) {
      return concealed_[i] ? unread_.take_in(body) : tells_secret(body);
    };
    return measure(node, plan, true);
  }
  sample both(const child& node) { return both(node, options_.round_time()); }

 private:
  const options& options_;
  unread unread_;
  const std::string conceal_ = conceal_request(secret_text);
  std::vector<reveal_request> reveals_;  // by connection, as what follows
  std::vector<bool> concealed_;          // whether its last request was a conceal
};

// Wrong passphrases from a thread of their own, from construction until the end is asked for.
class storm {
 public:
  storm(const child& node, const std::vector<link>& guarded, std::chrono::milliseconds at_most,
        std::chrono::milliseconds pause)
      : guarded_(guarded),
        requests_(storm_connections, reveal_request(R"({"passphrase":"guessed","continue":"true"})")) {
    plan_.port = node.port();
    plan_.connections = storm_connections;
    plan_.for_time = at_most;
    plan_.stop = &stop_;
    plan_.pause = pause;
    plan_.expected_status = 422;
    plan_.next = [this](std::size_t i) { return requests_[i].of(guarded_[random_() % guarded_.size()]); };
    raging_ = std::async(std::launch::async, [this] { return run_load(plan_); });
  }
  ~storm() { stop_ = true; }  // and waits
  storm(const storm&) = delete;
  storm& operator=(const storm&) = delete;

  load_result end() {
    stop_ = true;
    return raging_.get();
  }

 private:
  const std::vector<link>& guarded_;
  std::vector<reveal_request> requests_;
  std::mt19937_64 random_{11};
  std::atomic<bool> stop_{false};
  load_plan plan_;
  std::future<load_result> raging_;
};

// What storms got, over all rounds.
struct weather {
  std::uint64_t wrong = 0, locked = 0, full = 0;
  double seconds = 0, generator_cpu_s = 0;

  void print(const char* name) const {
    if (seconds <= 0) return;
    auto rate = [this](std::uint64_t n) { return static_cast<double>(n) / seconds; };
    std::printf(
        "  the %s, per second: %.0f wrong (422), %.0f locked out (429), %.0f found the pool full (503); gen%% "
        "%.0f\n",
        name, rate(wrong), rate(locked), rate(full), 100 * generator_cpu_s / seconds);
  }
};

sample under_storm(const options& o, const child& node, guests& readers, const std::vector<link>& guarded,
                   weather& seen, std::chrono::milliseconds pause) {
  storm guesses(node, guarded, o.round_time() + std::chrono::seconds(60), pause);
  std::this_thread::sleep_for(std::chrono::milliseconds(300));  // until the pool is full
  auto s = readers.reveals(node);
  auto r = guesses.end();
  seen.wrong += r.answered;
  seen.seconds += r.seconds;
  seen.generator_cpu_s += r.generator_cpu_s;
  for (auto [status, count] : r.unexpected) {
    if (status == 429) {
      seen.locked += count;
    } else if (status == 503) {
      seen.full += count;
    } else {
      s.failed += count;
      s.failures += std::to_string(count) + " x status " + std::to_string(status) + " in the storm ";
    }
  }
  return s;
}

void note_filling(std::size_t secrets) { (void)std::fprintf(stderr, "  filling in %zu secrets", secrets); }
double noted_since(steady::time_point begin) {
  (void)std::fprintf(stderr, "\r%60s\r", "");
  return std::chrono::duration<double>(steady::now() - begin).count();
}

std::uint64_t run_beside_puts(const options& o, const scratch& dir) {
  auto reveals = static_cast<std::size_t>(2 * reveals_per_second * o.seconds * static_cast<double>(o.rounds));
  note_filling(reveals + guarded_secrets);
  auto begin = steady::now();
  auto links = fill_secrets(dir / "secrets", reveals, guarded_secrets);
  (void)noted_since(begin);
  synced_puts puts(dir / "secrets-ceiling");
  auto node = start_node(o, dir / "secrets", unbounded);
  guests all(o, std::move(links.open));
  weather seen, flood_seen;
  std::vector<scenario> group;
  group.push_back({"RocksDB synced puts", [&] { return measure_puts(puts, o); }, 0, {}, {}, {}});
  group.push_back({"conceal, guest", [&] { return all.conceals(*node); }, 0, 0.25, 20, {}});
  group.push_back({"reveal, guest", [&] { return all.reveals(*node); }, 0, 0.25, 20, {}});
  auto stormy = [&](weather& w, std::chrono::milliseconds pause) {
    return [&, pause] { return under_storm(o, *node, all, links.guarded, w, pause); };
  };
  group.push_back({"reveal, guest, passphrase storm", stormy(seen, storm_pause), 2, 0.5, {}, {}});
  // Without a pause it is refusing that costs: shown, not judged.
  group.push_back({"reveal, guest, passphrase flood", stormy(flood_seen, {}), 2, {}, {}, {}});
  print_heading();
  run_rounds(group, o.rounds, o.match);
  auto failed = print_rows(group);
  seen.print("storm"), flood_seen.print("flood");
  return failed;
}

std::uint64_t run_many(const options& o, const scratch& dir) {
  constexpr std::size_t few_secrets = 1'000;
  note_filling(o.secrets);
  auto begin = steady::now();
  auto few = fill_secrets(dir / "few-secrets", few_secrets);
  auto many = fill_secrets(dir / "many-secrets", o.secrets);
  std::printf("\n%zu live secrets (filled in %.0f s)\n", o.secrets, noted_since(begin));
  // As in run_scale (main.cpp): the first start replays what the fill left, the rounds compare sorted files.
  auto large = start_node(o, dir / "many-secrets", unbounded);
  print_level("start to ready", static_cast<double>(large->start_time().count()), "ms", {});
  print_level("RSS after ready", large->rss_mib(), "MiB", 600);
  large->stop();
  settle(dir / "few-secrets"), settle(dir / "many-secrets");
  auto small = start_node(o, dir / "few-secrets", unbounded);
  large = start_node(o, dir / "many-secrets", unbounded);
  guests at_few(o, std::move(few.open)), at_many(o, std::move(many.open));
  std::vector<scenario> group;
  auto named = [](std::size_t n) { return "conceal + reveal, " + std::to_string(n) + " live"; };
  group.push_back({named(few_secrets), [&] { return at_few.both(*small); }, 0, {}, {}, {}});
  group.push_back({named(o.secrets), [&] { return at_many.both(*large); }, 0, as_fast, 20, {}});
  auto warm = std::chrono::seconds(o.quick ? 2 : 10);
  auto failed = at_few.both(*small, warm).failed + at_many.both(*large, warm).failed;
  print_heading();
  run_rounds(group, o.rounds, o.match);
  failed += print_rows(group);
  print_level("RSS after that", large->rss_mib(), "MiB", 600);
  large->kill();
  large = start_node(o, dir / "many-secrets", unbounded);
  print_level("start to ready after kill -9", static_cast<double>(large->start_time().count()), "ms", {});
  return failed;
}

}  // namespace

std::uint64_t run_secrets(const options& o, const scratch& dir) {
  auto failed = run_beside_puts(o, dir);
  return failed + run_many(o, dir);
}

}  // namespace nacre::bench

#include "bench/cluster.hpp"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "bench/catch_up.hpp"
#include "bench/fleet.hpp"
#include "bench/grpc_puts.hpp"
#include "bench/guests.hpp"
#include "bench/interrupt.hpp"
#include "crypto/random.hpp"

namespace nacre::bench {

namespace {

using steady = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t value_bytes = 256;  // of a put, and of a secret
constexpr double p99_ms_max = 25, idle_percent_max = 2, idle_mib_max = 80, failover_ms_max = 1'500;

const std::string& text() {
  static const std::string all(value_bytes, 'x');
  return all;
}

// How etcd is asked.
struct door {
  std::string name;
  std::size_t connections, streams;
  bool leader_only;
};

class etcd_side {
 public:
  etcd_side(const options& o, const scratch& dir) : options_(o), all_(o.etcd, dir / "etcd") {}

  // As nacre is asked: as many connections, over all members.
  sample puts() { return puts({{}, options_.connections, 1, false}, options_.round_time()); }
  sample fastest_puts() { return puts(fastest_, options_.round_time()); }

  // Which way of asking reaches the highest rate.
  void find_fastest() {
    const auto n = options_.connections;
    std::vector<door> doors;
    for (bool leader_only : {false, true}) {
      const std::string where = leader_only ? ", all to the leader" : ", over all members";
      doors.push_back({std::to_string(n) + " connections" + where, n, 1, leader_only});
      if (n >= 16)
        doors.push_back({"8 connections of " + std::to_string(n / 8) + " streams" + where, 8, n / 8, leader_only});
      if (n >= 6)
        doors.push_back({"3 connections of " + std::to_string(n / 3) + " streams" + where, 3, n / 3, leader_only});
    }
    (void)puts(doors.front(), milliseconds(options_.quick ? 1'000 : 3'000));  // warm
    double best = 0;
    for (const auto& each : doors) {
      const auto s = puts(each, milliseconds(options_.quick ? 700 : 2'000));
      std::printf("  etcd by %-52s %8.0f puts/s\n", each.name.c_str(), s.per_second);
      if (s.per_second > best) best = s.per_second, fastest_ = each;
    }
    std::printf("  fastest: %s\n", fastest_.name.c_str());
  }

  etcd_fleet& fleet() { return all_; }

 private:
  sample puts(const door& by, milliseconds for_time) {
    put_plan plan;
    plan.ports = all_.ports();
    if (by.leader_only) plan.ports = {all_.leader_port()};
    plan.connections = by.connections;
    plan.streams = by.streams;
    plan.for_time = for_time;
    plan.value_bytes = value_bytes;
    return measure(
        all_.members(), [&] { return all_.syncs(); }, [&] { return run_puts(plan, key_); });
  }

  const options& options_;
  etcd_fleet all_;
  door fastest_;
  std::uint64_t key_ = 0;
};

class nacre_side {
 public:
  nacre_side(const options& o, const scratch& dir) : options_(o), all_(o, dir / "cluster"), unread_({}) {
    reveals_.assign(o.connections, reveal_request(R"({"continue":"true"})"));
  }

  node_fleet& fleet() { return all_; }

  sample conceals(milliseconds for_time) {
    auto p = plan(for_time);
    p.next = [this](std::size_t) -> std::string_view { return conceal_; };
    p.check = [this](std::size_t, std::string_view body) { return unread_.take_in(body); };
    return run(p);
  }

  sample reveals() {
    if (unread_.count() == 0) throw std::runtime_error("no secret is left to reveal");
    auto p = plan(options_.round_time());
    p.requests_max = unread_.count();
    p.next = [this](std::size_t i) { return reveals_[i].of(unread_.draw()); };
    p.check = [](std::size_t, std::string_view body) { return body.find(text()) != std::string_view::npos; };
    return run(p);
  }

  // Each asks its node for what every node has committed: a node that does not lead asks the leader.
  sample gets() {
    if (get_.empty()) make_pat();
    auto p = plan(options_.round_time());
    p.next = [this](std::size_t) -> std::string_view { return get_; };
    p.check = [this](std::size_t, std::string_view body) { return body.find(pat_) != std::string_view::npos; };
    return run(p);
  }

  // Kills the leader; answers how long until both others have acknowledged a secret they were sent after that.
  double kill_leader() {
    const auto victim = all_.leader();
    std::atomic<steady::rep> killed{0};
    auto probe = [&](std::uint16_t port) {
      steady::rep at = 0, now = 0;
      const auto acknowledged = [&] {
        at = killed.load();
        const bool good = ask(port, conceal_).status == 200;
        now = steady::now().time_since_epoch().count();
        return good && at != 0;
      };
      await("going on after the leader's death", acknowledged, std::chrono::minutes(1), milliseconds(1));
      return std::chrono::duration<double, std::milli>(steady::duration(now - at)).count();
    };
    std::vector<std::future<double>> probes;
    for (std::size_t i = 0; i < fleet_size; ++i)
      if (i != victim) probes.push_back(std::async(std::launch::async, probe, all_.at(i).port()));
    std::this_thread::sleep_for(milliseconds(100));
    const auto now = steady::now().time_since_epoch().count();
    all_.at(victim).kill();
    killed = now;
    double slowest = 0;
    for (auto& each : probes) slowest = std::max(slowest, each.get());
    all_.start(victim);
    all_.await_serving();
    return slowest;
  }

 private:
  load_plan plan(milliseconds for_time) const {
    load_plan p;
    p.ports = all_.ports();
    p.connections = options_.connections;
    p.for_time = for_time;
    return p;
  }
  sample run(const load_plan& p) {
    return measure(
        all_.members(), [&] { return all_.syncs(); }, [&] { return run_load(p); });
  }

  void make_pat() {
    const workspace_id ws{crypto::random_uuid()};
    const auto token = mint(all_.directory(), user_id{crypto::random_uuid()}, ws);
    const auto made = ask(all_.ports().front(), make_request("POST", "/api/v1/pats", token, to_string(ws),
                                                             R"({"name":"bench","scopes":["read"]})"));
    pat_ = quoted_after(made.body, R"("id":")");
    if (made.status != 201 || pat_.empty()) throw std::runtime_error("a PAT could not be created: " + made.body);
    get_ = make_request("GET", "/api/v1/pats/" + pat_, token, to_string(ws));
  }

  const options& options_;
  node_fleet all_;
  unread unread_;
  const std::string conceal_ = conceal_request(text());
  std::vector<reveal_request> reveals_;  // by connection
  std::string pat_, get_;
};

// The largest share of a core, in percent, that a member uses while nobody asks it anything.
double idle_percent(const fleet& of, std::chrono::seconds watched) {
  std::vector<double> before;
  for (const auto* each : of.members()) before.push_back(each->cpu_s());
  const auto until = steady::now() + watched;
  while (steady::now() < until) {
    stop_if_interrupted();
    std::this_thread::sleep_for(milliseconds(100));
  }
  double most = 0;
  std::size_t i = 0;
  for (const auto* each : of.members())
    most = std::max(most, 100 * (each->cpu_s() - before[i++]) / static_cast<double>(watched.count()));
  return most;
}

void print_percent(const char* what, double value, std::optional<double> below) {
  std::printf("%-34s %9.2f %%", what, value);
  if (below) std::printf("     target < %.0f %% %s", *below, value < *below ? "ok" : "MISSED");
  std::printf("\n");
}

void print_idle(const options& o, nacre_side& nacre, etcd_side* etcd) {
  // What the load before has left to flush is over then.
  std::this_thread::sleep_for(std::chrono::seconds(2));
  const std::chrono::seconds watched(o.quick ? 5 : 15);
  print_percent("idle node, of a core", idle_percent(nacre.fleet(), watched), idle_percent_max);
  print_level("idle node, RSS", nacre.fleet().rss_mib(), "MiB", idle_mib_max);
  if (etcd == nullptr) return;
  print_percent("  idle member of etcd", idle_percent(etcd->fleet(), watched), {});
  print_level("  idle member of etcd, RSS", etcd->fleet().rss_mib(), "MiB", {});
}

void print_kills(const options& o, nacre_side& nacre) {
  const std::size_t kills = o.quick ? 5 : 20;
  std::vector<double> took;
  for (std::size_t i = 0; i < kills; ++i) {
    stop_if_interrupted();
    (void)std::fprintf(stderr, "\r  leader killed %zu of %zu", i + 1, kills);
    took.push_back(nacre.kill_leader());
  }
  (void)std::fprintf(stderr, "\r%60s\r", "");
  std::printf("leader killed %zu times; until both others acknowledged again:\n", kills);
  print_level("  median", median(took), "ms", {});
  print_level("  p99 (the slowest)", *std::max_element(took.begin(), took.end()), "ms", failover_ms_max);
}

bool wanted(const options& o, std::string_view name) { return name.find(o.match) != std::string_view::npos; }

}  // namespace

std::uint64_t run_cluster(const options& o, const scratch& dir) {
  constexpr const char *puts = "etcd put, 3 members", *fastest = "etcd put, 3 members, fastest",
                       *conceal = "conceal, guest, 3 nodes", *reveal = "reveal, guest, 3 nodes",
                       *get = "GET one PAT (JWT), 3 nodes", *idle = "idle", *kill = "leader killed";
  const auto all = {puts, fastest, conceal, reveal, get, idle, kill};
  if (std::none_of(all.begin(), all.end(), [&](const char* each) { return wanted(o, each); })) {
    return wanted(o, catch_up_name) ? run_catch_up(o, dir) : 0;
  }
  std::optional<etcd_side> etcd;
  if (wanted(o, puts) || wanted(o, fastest)) etcd.emplace(o, dir);
  std::optional<nacre_side> three(std::in_place, o, dir);
  auto& nacre = *three;
  std::printf(
      "three nodes and three members of etcd on one machine, %zu connections over all nodes, values of %zu bytes\n",
      o.connections, value_bytes);
  if (wanted(o, idle)) print_idle(o, nacre, etcd ? &*etcd : nullptr);
  if (etcd) etcd->find_fastest();

  std::vector<scenario> group;
  constexpr std::size_t as_we_are = 1;  // row of the group; the first is what targets compare with
  group.push_back({fastest, [&] { return etcd->fastest_puts(); }, 0, {}, {}, {}});
  group.push_back({puts, [&] { return etcd->puts(); }, 0, {}, {}, {}});
  group.push_back({conceal, [&] { return nacre.conceals(o.round_time()); }, 0, 1, p99_ms_max, {}, {}, as_we_are});
  group.push_back({reveal, [&] { return nacre.reveals(); }, 0, 1, p99_ms_max, {}, {}, as_we_are});
  group.push_back({get, [&] { return nacre.gets(); }, 0, 2, p99_ms_max, {}});
  std::uint64_t failed = 0;
  if (wanted(o, conceal) || wanted(o, reveal)) {
    // What one reveals was concealed by the rounds before; a fast reader must not run out of secrets.
    const auto first = nacre.conceals(2 * o.round_time());
    failed += first.failed;
    if (first.failed) std::printf("  FAILED: %s\n", first.failures.c_str());
  }
  print_heading();
  run_rounds(group, o.rounds, o.match);
  failed += print_rows(group);
  print_level("RSS of a node after that", nacre.fleet().rss_mib(), "MiB", {});
  if (etcd) print_level("RSS of a member of etcd after that", etcd->fleet().rss_mib(), "MiB", {});
  etcd.reset();
  if (wanted(o, kill)) print_kills(o, nacre);
  three.reset();
  if (wanted(o, catch_up_name)) failed += run_catch_up(o, dir);
  return failed;
}

}  // namespace nacre::bench

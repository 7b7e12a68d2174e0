// nacre_bench: one node under load, beside ceilings measured in the same run. See README.md.
//
// Exit codes: 0; 1 if a request failed or an answer was wrong; 64 usage; 69 a program would not start; 130 interrupted.
// Speed never decides it.

#include <sys/utsname.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <random>
#include <stdexcept>
#include <thread>

#include "app/config.hpp"
#include "bench/ceilings.hpp"
#include "bench/child.hpp"
#include "bench/cluster.hpp"
#include "bench/fill.hpp"
#include "bench/interrupt.hpp"
#include "bench/load.hpp"
#include "bench/report.hpp"
#include "bench/secrets.hpp"
#include "bench/stand.hpp"
#include "bench/verify.hpp"
#include "crypto/jwt.hpp"
#include "crypto/random.hpp"
#include "model/time.hpp"

namespace {

namespace fs = std::filesystem;
using namespace nacre;
using namespace nacre::bench;

// A user and a token of theirs, on a workspace.
struct seat {
  std::string token, workspace;
  struct pat {
    std::string id, full_token, reveal;  // `reveal`: the request
  };
  std::vector<pat> pats;
  std::string create;  // the request
};

std::vector<seat> take_seats(const child& node, const fs::path& data, std::size_t count, bool one_workspace) {
  std::vector<seat> seats;
  workspace_id shared{crypto::random_uuid()};
  for (std::size_t i = 0; i < count; ++i) {
    auto ws = one_workspace ? shared : workspace_id{crypto::random_uuid()};
    seat s;
    s.token = mint(data, user_id{crypto::random_uuid()}, ws);
    s.workspace = to_string(ws);
    s.create = make_request("POST", "/api/v1/pats", s.token, s.workspace, R"({"name":"bench","scopes":["read"]})");
    for (int n = 0; n < 2; ++n) {
      auto made = ask(node.port(), s.create);
      seat::pat p{std::string(quoted_after(made.body, R"("id":")")),
                  std::string(quoted_after(made.body, R"("fullToken":")")), ""};
      if (made.status != 201 || p.id.empty() || p.full_token.empty())
        throw std::runtime_error("a PAT could not be created: " + std::to_string(made.status) + " " + made.body);
      p.reveal = make_request("POST", "/api/v1/pats/" + p.id + "/reveal", s.token, s.workspace);
      s.pats.push_back(std::move(p));
    }
    seats.push_back(std::move(s));
  }
  return seats;
}

sample creates(const options& o, const child& node, const std::vector<seat>& seats) {
  auto plan = plan_for(o, node);
  plan.expected_status = 201;
  plan.next = [&](std::size_t i) -> std::string_view { return seats[i % seats.size()].create; };
  plan.check = [](std::size_t, std::string_view body) { return body.find(R"("fullToken":"pat_ws)") != body.npos; };
  return measure(node, plan, true);
}

sample reveals(const options& o, const child& node, const std::vector<seat>& seats) {
  auto plan = plan_for(o, node);
  std::vector<std::size_t> turn(o.connections);
  auto pat_of = [&](std::size_t i) -> const seat::pat& {
    const auto& pats = seats[i % seats.size()].pats;
    return pats[turn[i] % pats.size()];
  };
  plan.next = [&](std::size_t i) -> std::string_view { return ++turn[i], pat_of(i).reveal; };
  plan.check = [&](std::size_t i, std::string_view body) { return body.find(pat_of(i).full_token) != body.npos; };
  return measure(node, plan, true);
}

sample fixed(const options& o, const child& target, const std::string& request, const std::string& in_body) {
  auto plan = plan_for(o, target);
  plan.next = [&](std::size_t) -> std::string_view { return request; };
  if (!in_body.empty())
    plan.check = [&](std::size_t, std::string_view body) { return body.find(in_body) != body.npos; };
  return measure(target, plan);
}

// GETs of PATs drawn at random from all of them.
class random_gets {
 public:
  random_gets(const options& o, const fs::path& data, const filled& from)
      : options_(o), from_(from), token_(mint(data, from.user)), lines_(o.connections) {}

  sample run(const child& node) { return measure(node, plan(node)); }
  load_plan plan(const child& node) {
    auto p = plan_for(options_, node);
    p.next = [this](std::size_t i) -> std::string_view {
      const auto& row = from_.pats[random_() % from_.pats.size()];
      auto& l = lines_[i];
      l.id = to_string(row.pat);
      l.request = "GET /api/v1/pats/";
      l.request.append(l.id).append(" HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ").append(token_);
      l.request.append("\r\nX-Workspace-Id: ").append(to_string(row.workspace)).append("\r\n\r\n");
      return l.request;
    };
    p.check = [this](std::size_t i, std::string_view body) { return body.find(lines_[i].id) != body.npos; };
    return p;
  }

 private:
  struct line {
    std::string id, request;
  };
  const options& options_;
  const filled& from_;
  std::string token_;
  std::vector<line> lines_;
  std::mt19937_64 random_{7};
};

std::uint64_t run_edge(const options& o, const scratch& dir) {
  child bare({own_path(), "--bare-listener", std::to_string(o.threads)}, dir / "bare.log");
  auto node = start_node(o, dir / "edge");
  auto seats = take_seats(*node, dir / "edge", 1, true);
  const auto& pat = seats[0].pats[0];
  auto healthz = make_request("GET", "/healthz"), root = make_request("GET", "/");
  auto get = make_request("GET", "/api/v1/pats/" + pat.id, seats[0].token, seats[0].workspace);
  std::vector<scenario> group;
  group.push_back({"bare listener", [&] { return fixed(o, bare, root, ""); }, 0, {}, {}, {}});
  group.push_back({"GET /healthz", [&] { return fixed(o, *node, healthz, "ok"); }, 0, 0.8, {}, {}});
  group.push_back({"GET one PAT (JWT)", [&] { return fixed(o, *node, get, pat.id); }, 1, 0.5, 20, {}});
  run_rounds(group, o.rounds, o.match);
  return print_rows(group);
}

std::uint64_t run_durable(const options& o, const scratch& dir) {
  synced_puts puts(dir / "ceiling");
  auto node = start_node(o, dir / "durable");
  auto together = take_seats(*node, dir / "durable", o.connections, true);
  auto apart = take_seats(*node, dir / "durable", o.connections, false);
  std::vector<scenario> group;
  group.push_back({"RocksDB synced puts", [&] { return measure_puts(puts, o); }, 0, {}, {}, {}});
  group.push_back({"create, 1 workspace", [&] { return creates(o, *node, together); }, 0, 0.25, 20, 0.2});
  group.push_back({"create, 64 workspaces", [&] { return creates(o, *node, apart); }, 0, 0.25, 20, 0.2});
  group.push_back({"reveal, 1 workspace", [&] { return reveals(o, *node, together); }, 0, 0.25, 20, 0.2});
  group.push_back({"reveal, 64 workspaces", [&] { return reveals(o, *node, apart); }, 0, 0.25, 20, 0.2});
  run_rounds(group, o.rounds, o.match);
  auto failed = print_rows(group);
  std::printf("RSS of that node afterwards: %.0f MiB\n", node->rss_mib());
  return failed;
}

std::uint64_t run_scale(const options& o, const scratch& dir) {
  (void)std::fprintf(stderr, "  filling %zu workspaces with %zu PATs each", o.workspaces, o.pats_each);
  auto begin = std::chrono::steady_clock::now();
  auto few = fill(dir / "few", 10, o.pats_each);
  auto many = fill(dir / "many", o.workspaces, o.pats_each);
  auto took = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  (void)std::fprintf(stderr, "\r%60s\r", "");
  std::printf("%zu workspaces x %zu PATs (filled in %.0f s)\n", o.workspaces, o.pats_each, took);
  // The fill ends like a crash: nothing is flushed, the start has the log of writes to replay.
  auto small = start_node(o, dir / "few");
  auto large = start_node(o, dir / "many");
  print_level("start to ready", static_cast<double>(large->start_time().count()), "ms", 3000);
  print_level("RSS after ready", large->rss_mib(), "MiB", 400);
  // What follows compares how much there is, not how it was filled: both are read from sorted files.
  small->stop(), large->stop();
  settle(dir / "few"), settle(dir / "many");
  small = start_node(o, dir / "few"), large = start_node(o, dir / "many");
  std::printf("both compacted and started again for the GETs\n");
  random_gets from_few(o, dir / "few", few), from_many(o, dir / "many", many);
  std::vector<scenario> group;
  group.push_back({"GET random PAT, 10 workspaces", [&] { return from_few.run(*small); }, 0, {}, {}, {}});
  group.push_back({"GET random PAT, " + std::to_string(o.workspaces) + " workspaces",
                   [&] { return from_many.run(*large); },
                   0,
                   {},
                   20,
                   {}});
  group[0].run();
  auto warm = from_many.plan(*large);
  warm.for_time = std::chrono::seconds(o.quick ? 5 : 20);
  auto reads = measure(*large, warm);
  print_level("RSS after random GETs", large->rss_mib(), "MiB", 400);
  std::printf("  (%.0f of them in %lld s)\n", reads.per_second * static_cast<double>(warm.for_time.count()) / 1000,
              static_cast<long long>(warm.for_time.count() / 1000));
  print_heading();
  run_rounds(group, o.rounds, o.match);
  auto failed = print_rows(group) + reads.failed;
  large->kill();
  auto again = start_node(o, dir / "many");
  print_level("start to ready after kill -9", static_cast<double>(again->start_time().count()), "ms", 3000);
  return failed;
}

int run(const options& o) {
  scratch dir(o);
  utsname system{};
  ::uname(&system);
  std::printf("nacre_bench: %u cores, Linux %s, %zu connections, %zu reactor thread%s, access log to %s\n",
              std::thread::hardware_concurrency(), system.release, o.connections, o.threads, o.threads == 1 ? "" : "s",
              o.log == "null" ? "/dev/null" : "a file");
  std::printf(
      "Medians of %zu rounds of %.1f s, scenarios in turn. cpu us: of the process per operation. gen%%: the load\n"
      "generator's share of a core. A ratio is the median of the rounds' ratios.\n\n",
      o.rounds, o.seconds);
  std::uint64_t failed = 0;
  if (o.wants("edge") || o.wants("durable")) print_heading();
  if (o.wants("edge")) failed += run_edge(o, dir);
  if (o.wants("durable")) failed += run_durable(o, dir);
  if (o.wants("scale")) {
    std::printf("\n");
    failed += run_scale(o, dir);
  }
  if (o.wants("secrets")) {
    std::printf("\n");
    failed += run_secrets(o, dir);
  }
  if (o.wants("verify")) {
    std::printf("\n");
    failed += run_verify(o, dir);
  }
  // With other programs and two more nodes: only when it is asked for.
  if (!o.only.empty() && o.wants("cluster")) {
    std::printf("\n");
    failed += run_cluster(o, dir);
  }
  std::printf("\nfailed requests or wrong answers: %llu\n", static_cast<unsigned long long>(failed));
  return failed == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  options o;
  std::size_t bare = 0;
  CLI::App cli{"Measures one nacre node beside ceilings of the same machine (see bench/README.md)."};
  cli.add_flag("--quick", o.quick, "about two minutes: rounds of 1 s, 10,000 workspaces, 50,000 secrets");
  cli.add_option("--only", o.only, "parts to run: edge, durable, scale, secrets, verify (default: these), cluster")
      ->check(CLI::IsMember({"edge", "durable", "scale", "secrets", "verify", "cluster"}));
  cli.add_option("--match", o.match, "only scenarios whose name contains this, to profile one of them");
  cli.add_option("--rounds", o.rounds, "rounds per scenario")->capture_default_str();
  cli.add_option("--seconds", o.seconds, "length of a round (default: 3, quick: 1)");
  cli.add_option("--connections", o.connections, "connections, and threads of the RocksDB ceiling")
      ->capture_default_str()
      ->check(CLI::Range(1, 1024));
  cli.add_option("--threads", o.threads, "reactor threads of node and bare listener (default: the node's default)");
  cli.add_option("--workspaces", o.workspaces, "workspaces of the large node (default: 100000, quick: 10000)");
  cli.add_option("--pats", o.pats_each, "PATs in each")->capture_default_str();
  cli.add_option("--secrets", o.secrets,
                 "live secrets of a large node, minutes to fill a million (default: 1000000, quick: 50000)");
  cli.add_option("--log", o.log, "where the node's access log goes: file (as in production) or null")
      ->capture_default_str()
      ->check(CLI::IsMember({"file", "null"}));
  cli.add_option("--set", o.sets, "a configuration key for the node, as of nacred --set (repeatable)");
  cli.add_option("--node", o.node, "the nacred to measure (default: the one beside this program)");
  cli.add_option("--etcd", o.etcd, "the etcd that cluster measures beside")->capture_default_str();
  cli.add_option("--dir", o.directory, "where to make the scratch directory (default: beside the binaries)");
  cli.add_flag("--keep", o.keep, "leave the scratch directory behind");
  cli.add_option("--bare-listener", bare, "be the bare listener with so many threads (used by the bench itself)");
  try {
    cli.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return cli.exit(e) == 0 ? 0 : 64;
  }
  if (bare != 0) return run_bare_listener(bare);
  if (o.seconds <= 0) o.seconds = o.quick ? 1 : 3;
  if (o.workspaces == 0) o.workspaces = o.quick ? 10'000 : 100'000;
  if (o.secrets == 0) o.secrets = o.quick ? 50'000 : 1'000'000;
  if (o.threads == 0) o.threads = app::http_threads({});
  catch_interrupts();
  try {
    return run(o);
  } catch (const interrupted&) {
    (void)std::fprintf(stderr, "\nnacre_bench: interrupted\n");
    return 130;
  } catch (const std::exception& e) {
    (void)std::fprintf(stderr, "\nnacre_bench: %s\n", e.what());
    return 69;
  }
}

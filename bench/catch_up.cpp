#include "bench/catch_up.hpp"

#include <atomic>
#include <cstdio>
#include <fstream>
#include <future>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "app/maintenance.hpp"
#include "bench/command_writer.hpp"
#include "bench/fill.hpp"
#include "bench/fill_secrets.hpp"
#include "bench/fleet.hpp"
#include "bench/guests.hpp"
#include "cluster/founding.hpp"
#include "crypto/jwt.hpp"
#include "crypto/random.hpp"
#include "model/time.hpp"
#include "storage/rocks_store.hpp"

namespace nacre::bench {

namespace {

namespace fs = std::filesystem;
using steady = std::chrono::steady_clock;

constexpr double seconds_max = 120;
constexpr std::chrono::seconds patience{900};  // for what is measured
constexpr std::size_t newcomer = fleet_size + 1;
// The load meanwhile: so many guests, each with a rest after every answer.
constexpr std::size_t guests = 8;
constexpr std::chrono::milliseconds rest{25};

double seconds_since(steady::time_point t) { return std::chrono::duration<double>(steady::now() - t).count(); }

std::string contents(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// What a program prints until it ends.
std::string output_of(const std::vector<std::string>& command, const fs::path& into) {
  fs::remove(into);
  child program(command, into, 0);
  await("a program's end", [&] { return !program.alive(); });
  return contents(into);
}

std::string name_of(std::size_t node) { return "node" + std::to_string(node); }

double mebibytes_in(const fs::path& directory) {
  double bytes = 0;
  for (const auto& each : fs::recursive_directory_iterator(directory))
    if (each.is_regular_file()) bytes += static_cast<double>(each.file_size());
  return bytes / (1 << 20);
}

class growing_cluster {
 public:
  growing_cluster(const options& o, const fs::path& directory, const fs::path& filled)
      : directory_(directory), filled_(filled), all_(o, directory, [this] { found(); }) {}

  // Until the newcomer serves; what it began with is nothing.
  double take_in() {
    prepare();
    const auto begun = steady::now();
    child fourth(all_.command(config()), directory_ / "node4.bench.log", all_.port(newcomer));
    static const auto ready = make_request("GET", "/readyz");
    await("the start of an empty node",
          [&] { return ask(fourth.port(), ready).body.find("waits to be taken in") != std::string::npos; });
    const auto change = make_request("PUT", "/api/v1/cluster/members", operator_token(), {}, members());
    // It is so already when it is asked for again.
    one_answer said;
    const auto until = steady::now() + std::chrono::seconds(20);
    await("taking a node in", [&] {
      said = ask(all_.ports().front(), change);
      return said.status == 200 || steady::now() > until;
    });
    if (said.status != 200) throw std::runtime_error("catch-up: the node is not taken in: " + said.body);
    await(
        "the catch-up", [&] { return ask(fourth.port(), ready).status == 200; }, patience);
    const auto took = seconds_since(begun);
    held_mib_ = mebibytes_in(data());
    return took;
  }

  std::vector<std::uint16_t> ports() const { return all_.ports(); }
  double held_mib() const { return held_mib_; }  // by the newcomer, caught up
  double rss_mib() const { return all_.rss_mib(); }

 private:
  fs::path config() const { return directory_ / (name_of(newcomer) + ".toml"); }
  fs::path data() const { return directory_ / name_of(newcomer); }
  std::string root_key() const { return "file:" + (directory_ / "root.key").string(); }

  // The three begin with the state that was filled, as members founded alike on equal states; whoever comes later gets
  // its service keys with the invitation.
  void found() {
    fs::copy_file(filled_ / "root.key", directory_ / "root.key", fs::copy_options::overwrite_existing);
    std::vector<cluster::peers::neighbour> members;
    for (std::size_t node = 1; node <= fleet_size; ++node) members.push_back({node, all_.address(node)});
    {
      auto single = app::open_single_node({filled_, {}}, {});
      if (!single) throw std::runtime_error("catch-up: " + single.error().text);
      auto keys = (*single)->export_service_keys(directory_ / "ca" / "service.keys");
      if (!keys) throw std::runtime_error("catch-up: " + keys.error().text);
    }
    const auto whole = open_directory(filled_);
    for (const auto& m : members) {
      const auto db = directory_ / name_of(m.node) / "db";
      fs::remove_all(db);
      auto copied = whole.store->checkpoint(db);
      if (!copied) throw std::runtime_error("catch-up: " + copied.error().text);
      auto opened = storage::open_rocks_store(db, {});
      if (!opened) throw std::runtime_error("catch-up: " + opened.error().text);
      if (auto done = cluster::found_cluster(**opened, 1, members); !done)
        throw std::runtime_error("catch-up: " + done.error().text);
    }
  }

  // As docs/operations.md has a node join.
  void prepare() {
    fs::create_directory(data());
    fs::permissions(data(), fs::perms::owner_all);
    for (const char* file : {"dev-issuer.jwk", "dev-issuer.jwks.json"}) fs::copy_file(directory_ / file, data() / file);
    std::vector<std::string> invite = {own_path().parent_path() / "nacre",
                                       "cluster",
                                       "invite",
                                       "--dir",
                                       directory_ / "ca",
                                       "--node",
                                       std::to_string(newcomer),
                                       "--address",
                                       all_.address(newcomer),
                                       "--root-key",
                                       root_key()};
    for (std::size_t node = 1; node <= fleet_size; ++node)
      invite.insert(invite.end(), {"--member", std::to_string(node) + "=" + all_.address(node)});
    auto token = output_of(invite, directory_ / "invitation");
    token.erase(token.find_last_not_of('\n') + 1);
    const auto base = "[http]\naddress = \"127.0.0.1\"\nport = " + std::to_string(all_.port(newcomer)) +
                      "\n[data]\ndir = \"" + data().string() + "\"\n[keys]\nroot = \"" + root_key() + "\"\n";
    std::ofstream(config()) << base;
    fs::permissions(config(), fs::perms::owner_read | fs::perms::owner_write);
    auto join = all_.command(config());
    join.insert(join.end(), {"--join", token});
    const auto section = output_of(join, directory_ / "section");
    if (section.find("[cluster]") == std::string::npos)
      throw std::runtime_error("catch-up: the invitation was refused: " + section);
    std::ofstream(config()) << base << section;
  }

  std::string operator_token() const {
    crypto::mint_request who;
    who.subject = to_string(user_id{crypto::random_uuid()});
    who.scope = "nacre.cluster";
    auto token = crypto::mint_dev_token(directory_, who, system_clock{}.now());
    if (!token) throw std::runtime_error("token: " + token.error().text);
    return *token;
  }

  std::string members() const {
    std::string each;
    for (std::size_t node = 1; node <= newcomer; ++node)
      each += std::string(each.empty() ? "" : ",") + "{\"node\":" + std::to_string(node) + ",\"address\":\"" +
              all_.address(node) + "\"}";
    return "{\"epoch\":1,\"members\":[" + each + "]}";
  }

  const fs::path directory_, filled_;
  node_fleet all_;
  double held_mib_ = 0;
};

}  // namespace

std::uint64_t run_catch_up(const options& o, const scratch& dir) {
  (void)std::fprintf(stderr, "  filling %zu secrets", o.secrets);
  const auto begun = steady::now();
  const auto filled = dir / "catch-up-filled";
  (void)fill_secrets(filled, o.secrets);
  settle(filled);
  const auto took = seconds_since(begun);
  (void)std::fprintf(stderr, "\r%60s\r", "");
  growing_cluster all(o, dir / "catch-up", filled);

  const auto conceal = conceal_request(secret_text);
  std::atomic<bool> stop{false};
  load_plan plan;
  plan.ports = all.ports();
  plan.connections = guests;
  plan.for_time = 2 * patience;
  plan.pause = rest;
  plan.stop = &stop;
  plan.next = [&](std::size_t) -> std::string_view { return conceal; };
  struct ended {
    std::atomic<bool>& stop;
    ~ended() { stop = true; }
  };
  auto load = std::async(std::launch::async, [&] { return run_load(plan); });
  double caught_up_s = 0;
  {
    ended whatever_happens{stop};
    caught_up_s = all.take_in();
  }
  auto served = load.get();
  std::printf(
      "three nodes with %zu secrets each (filled in %.0f s); an empty one is started and taken in, while guests\n"
      "conceal at the three\n",
      o.secrets, took);
  print_level("from its start until it serves", caught_up_s, "s", seconds_max);
  print_level("  its data directory then", all.held_mib(), "MiB", {});
  print_level("  concealed meanwhile, per second", served.per_second(), "", {});
  print_level("  p99 of those", served.percentile_ms(0.99), "ms", {});
  print_level("  RSS of the largest of the three", all.rss_mib(), "MiB", {});
  return served.failed;
}

}  // namespace nacre::bench

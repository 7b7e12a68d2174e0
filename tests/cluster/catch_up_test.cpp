// By hand, for its time: how long an empty node takes until it has what a serving cluster has.
//   NACRE_RECORDS=1000000 test_cluster_log "[catch-up]"

#include <cstdlib>
#include <iostream>

#include "cluster/founding.hpp"
#include "cluster/raft_log.hpp"
#include "tests/cluster/support.hpp"
#include "tests/storage/support.hpp"
#include "tests/support/memory_peers.hpp"

using namespace nacre;
using namespace nacre::cluster;
using namespace nacre::cluster::testing;
using std::chrono::milliseconds;
using steady = std::chrono::steady_clock;

namespace {

double seconds_since(steady::time_point t) { return std::chrono::duration<double>(steady::now() - t).count(); }

std::vector<peers::neighbour> list_of(const std::vector<node_id>& ids) {
  std::vector<peers::neighbour> all;
  for (auto id : ids) all.push_back({id, ""});
  return all;
}

std::unique_ptr<storage::store> opened(const std::filesystem::path& at) {
  auto store = storage::open_rocks_store(at, {});
  REQUIRE(store);
  return std::move(*store);
}

void fill(storage::store& store, std::uint64_t records) {
  constexpr std::uint64_t per_workspace = 9'000;
  auto log = make_solo_log(store, eager(), {});
  found(*log);
  for (std::uint64_t w = 2; w <= records / per_workspace + 1; ++w) {
    answers box;
    propose(*log, box, w, {context_of(workspace_no(w), owner, w), model::create_workspace{"W", "", "wrapped"}});
    REQUIRE(box.await(1));
  }
  std::mutex mutex;
  std::condition_variable changed;
  std::uint64_t under_way = 0, failures = 0;
  for (std::uint64_t n = 1; n <= records; ++n) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return under_way < 8'192; });
    ++under_way;
    lock.unlock();
    auto c = making(n);
    std::get<model::create_pat>(c.what).sealed.assign(300, 's');
    c.ctx.workspace = workspace_no(n / per_workspace + 1);
    std::get<model::create_pat>(c.what).name = "record " + std::to_string(n);
    log->propose({std::move(c), in_a_while(), [&](settled s) {
                    std::lock_guard inner(mutex);
                    failures += s.how != fate::committed || s.outcome.refused;
                    if (--under_way < 4'096) changed.notify_one();
                  }});
  }
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return under_way == 0; });
  lock.unlock();
  log->stop();
  CHECK(failures == 0);
}

}  // namespace

TEST_CASE("an empty node catches up with a serving cluster", "[.catch-up]") {
  const char* given = std::getenv("NACRE_RECORDS");
  const std::uint64_t records = given == nullptr ? 100'000 : std::strtoull(given, nullptr, 10);
  storage::testing::scratch dir;
  std::map<node_id, std::unique_ptr<storage::store>> stores;
  const auto at = [&](node_id id) { return dir / std::to_string(id).c_str(); };
  auto began = steady::now();
  stores[1] = opened(at(1));
  fill(*stores[1], records);
  for (node_id id : {2, 3}) {
    REQUIRE(stores[1]->checkpoint(at(id)));
    stores[id] = opened(at(id));
  }
  for (node_id id : {1, 2, 3}) REQUIRE(found_cluster(*stores[id], 1, list_of({1, 2, 3})));
  std::cout << records << " records made in " << seconds_since(began) << " s" << std::endl;

  memory_network network;
  std::map<node_id, std::unique_ptr<peers>> connections;
  std::map<node_id, std::unique_ptr<cluster::log>> logs;
  auto start = [&](node_id id) {
    connections[id] = network.join(id);
    raft_options o;
    o.self = id;
    o.contacts = list_of({1, 2, 3});
    auto made = make_raft_log(*stores[id], o, *connections[id], {});
    REQUIRE(made);
    logs[id] = std::move(*made);
  };
  for (node_id id : {1, 2, 3}) start(id);

  std::atomic<bool> over{false};
  std::atomic<std::uint64_t> served{0};
  std::vector<double> waits;
  std::thread client([&] {
    for (std::uint64_t n = 10'000'000; !over; ++n) {
      inbox<bool> done;
      const auto asked = steady::now();
      logs[1 + n % 3]->propose(
          {refused_by_rules(n), in_a_while(), [&](settled s) { done.put(s.how == fate::committed); }});
      if (done.await(1) && done.take()[0]) ++served;
      waits.push_back(seconds_since(asked) * 1e3);
    }
  });
  const bool serves = eventually([&] { return served > 100; });
  stores[4] = opened(at(4));
  REQUIRE(join_cluster(*stores[4], 1));
  start(4);
  began = steady::now();
  inbox<result<void>> changed;
  logs[1]->reconfigure(list_of({1, 2, 3, 4}), steady::now() + milliseconds(10'000),
                       [&](result<void> how) { changed.put(std::move(how)); });
  const bool asked = changed.await(1) && changed.take()[0].has_value();
  const auto served_before = served.load();
  const bool there = eventually(
      [&] {
        const auto g = logs[4]->standing().groups[0];
        return g.epoch == 2 && g.applied_index + 200 >= logs[1]->standing().groups[0].applied_index;
      },
      milliseconds(170'000), milliseconds(20));
  const auto took = seconds_since(began);
  std::cout << "caught up: " << there << " in " << took << " s; meanwhile " << served - served_before << " served"
            << std::endl;
  over = true;
  client.join();
  std::sort(waits.begin(), waits.end());
  std::cout << "a caller waited " << waits[waits.size() / 2] << " ms at the median, " << waits[waits.size() * 99 / 100]
            << " at p99, " << waits.back() << " at most" << std::endl;
  for (auto& [id, log] : logs) log->stop();
  CHECK(serves);
  CHECK(asked);
  CHECK(there);
  CHECK(took < 120);
}

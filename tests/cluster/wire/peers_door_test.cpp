// Who is let in under a number by what its data directory says, over real connections.

#include <map>
#include <mutex>

#include "cluster/raft/door.hpp"
#include "storage/memory_store.hpp"
#include "tests/cluster/wire/node.hpp"

using namespace nacre;
using namespace nacre::cluster;
using nacre::testing::certificate_files;
using nacre::testing::eventually;
using nacre::testing::node;

namespace {

// What a node has on its disk, and how often it was started on it.
struct data_directory {
  std::unique_ptr<storage::store> store = storage::make_memory_store();
  uuid id = crypto::random_uuid();
  std::uint64_t boot = 0;

  std::unique_ptr<doorkeeper> start(node_id self) {
    auto made = std::make_unique<raft::door>(self, credential{id, ++boot, {}},
                                             [this](storage::batch rows, unique_function<void()> then) {
                                               if (store->apply(rows, storage::durability::synced)) then();
                                             });
    REQUIRE(made->load(*store->snapshot()));
    return made;
  }
};

struct nodes_with_data {
  certificate_files files;
  std::map<node_id, data_directory> data;
  std::map<node_id, std::unique_ptr<node>> nodes;

  node& start(node_id id) {
    files.issue(id);
    auto& n = nodes[id];
    if (n) n->peers->stop();
    n = std::make_unique<node>(files, id);
    n->door = data[id].start(id);
    REQUIRE(n->start());
    return *n;
  }
  void meet(node_id higher, node_id lower) {
    nodes[lower]->peers->set_neighbours({{higher, "127.0.0.1:9"}});
    nodes[higher]->peers->set_neighbours({{lower, nodes[lower]->address()}});
  }
};

// Whichever of the two notices first, both are told, each in its words.
bool refuses(const node& at, node_id other) {
  return eventually([&] {
    const auto why = at.of(other).trouble;
    return why.find("data directory") != std::string::npos && why.find("under a new") != std::string::npos;
  });
}

}  // namespace

TEST_CASE("a node that comes back with another data directory is refused, and told so", "[wire][door]") {
  nodes_with_data all;
  const bool dialler_lost_it = GENERATE(true, false);
  const node_id lost = dialler_lost_it ? 2 : 1, other = 3 - lost;
  all.start(1);
  all.start(2);
  all.meet(2, 1);
  REQUIRE(all.nodes[1]->connects(2));
  REQUIRE(all.nodes[2]->connects(1));
  // Started again on what it had, it is welcome.
  all.start(lost);
  all.meet(2, 1);
  REQUIRE(all.nodes[other]->connects(lost));
  REQUIRE(all.nodes[lost]->connects(other));

  all.nodes[lost]->peers->stop();
  all.data[lost] = {};
  all.start(lost);
  all.start(other);  // it remembers over a start of its own
  all.meet(2, 1);
  CHECK(refuses(*all.nodes[other], lost));
  CHECK(refuses(*all.nodes[lost], other));
  CHECK(eventually([&] { return all.nodes[lost]->of(other).disowns == peer_status::disowned::directory; }));
  CHECK(all.nodes[other]->of(lost).disowns == peer_status::disowned::nothing);
  CHECK_FALSE(all.nodes[lost]->peers->send(other, "vote for me"));
  CHECK_FALSE(all.nodes[other]->of(lost).connected);
  CHECK(all.nodes[other]->frames.size() == 0);
}

TEST_CASE("an older copy of a data directory is refused, and so is a second one of the same start", "[wire][door]") {
  nodes_with_data all;
  for (int i = 0; i < 3; ++i) all.start(2);
  all.start(1);
  all.meet(2, 1);
  REQUIRE(all.nodes[1]->connects(2));
  REQUIRE(all.nodes[2]->connects(1));
  all.data[2].boot = GENERATE(0, 2);  // as it was before; the start is counted on it
  all.start(2);
  all.meet(2, 1);
  CHECK(refuses(*all.nodes[1], 2));
  CHECK(refuses(*all.nodes[2], 1));
  CHECK(eventually([&] { return all.nodes[2]->of(1).disowns == peer_status::disowned::directory; }));
  all.data[2].boot = 3;
  all.start(2);
  all.meet(2, 1);
  CHECK(all.nodes[1]->connects(2));
}

TEST_CASE("who is new learns from the others whom not to take", "[wire][door]") {
  nodes_with_data all;
  all.start(1);
  all.start(2);
  all.meet(2, 1);
  REQUIRE(all.nodes[1]->connects(2));
  REQUIRE(all.nodes[2]->connects(1));
  all.start(3);  // it has never met 2
  all.meet(3, 1);
  REQUIRE(all.nodes[3]->connects(1));
  all.data[2] = {};
  all.start(2);
  all.meet(3, 2);
  CHECK(refuses(*all.nodes[3], 2));
  CHECK(refuses(*all.nodes[2], 3));
}

TEST_CASE("nobody is let in before it is on the disk who it was", "[wire][door]") {
  nodes_with_data all;
  all.files.issue(1);
  auto& one = all.nodes[1] = std::make_unique<node>(all.files, 1);
  std::mutex mutex;
  std::vector<unique_function<void()>> waiting;
  one->door = std::make_unique<raft::door>(1, credential{crypto::random_uuid(), 1, {}},
                                           [&](storage::batch, unique_function<void()> then) {
                                             std::lock_guard lock(mutex);
                                             waiting.push_back(std::move(then));
                                           });
  REQUIRE(one->start());
  all.start(2);
  all.meet(2, 1);
  REQUIRE(eventually([&] {
    std::lock_guard lock(mutex);
    return !waiting.empty();
  }));
  CHECK_FALSE(one->of(2).connected);
  CHECK_FALSE(all.nodes[2]->of(1).connected);
  {
    std::lock_guard lock(mutex);
    for (auto& each : waiting) each();
    waiting.clear();
  }
  CHECK(one->connects(2));
  CHECK(all.nodes[2]->connects(1));
  one->peers->stop();
  waiting.clear();
}

// What a node promises when its disk is full, or a file that it once wrote well does not read as it did.

#include <sys/mount.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <fstream>
#include <map>

#include "storage/rocks_store.hpp"
#include "tests/e2e/cluster_clients.hpp"

using namespace nacre::e2e;
namespace storage = nacre::storage;

namespace {

const header_list json_body = {{"Content-Type", "application/json"}};
constexpr int secrets = 100;  // fill several blocks

// Flips a bit in the middle of the one table that `sealed` is put into. While the node is down. The table's name.
std::string damage_sealed(const std::filesystem::path& database) {
  {
    // Or RocksDB might do so as soon as the node starts, and meet the damage before anybody asks.
    auto store = storage::open_rocks_store(database, {});
    REQUIRE(store);
    REQUIRE((*store)->compact(storage::space::sealed, {}, {}));
  }
  for (const auto& file : std::filesystem::directory_iterator(database)) {
    if (file.path().extension() != ".sst") continue;
    auto bytes = nacre::test::read_whole(file.path());
    if (bytes.find("namesealed") == std::string::npos) continue;  // among the table's properties
    bytes.at(bytes.size() / 2) ^= 4;
    nacre::test::write_whole(file.path(), bytes);
    return file.path().filename().string();
  }
  FAIL("no table of `sealed`");
  return {};
}

std::string status_of(const std::string& identifier) { return "/api/v2/secret/" + identifier + "/status"; }

}  // namespace

TEST_CASE("a node that meets damage in an answer takes no more changes, and has told of the file when it ends",
          "[faults][damage]") {
  node_process::options o;
  o.arguments = {"--set", "limits.enabled=false"};
  installation on(o);
  const auto conceal = [&] {
    return http_client(on.port()).send("POST", "/api/v2/guest/secret/conceal", json_body,
                                       R"({"secret":{"secret":"x","ttl":3600}})");
  };
  std::vector<std::string> ids;
  for (int i = 0; i < secrets; ++i) ids.push_back(conceal().json()["record"]["secret"]["identifier"].text());
  REQUIRE(on.node().stop() == 0);
  const auto damaged = damage_sealed(on.node().data() / "db");
  REQUIRE(on.node().start());
  http_client by(on.port());
  CHECK(by.send("GET", "/readyz").status == 200);
  std::map<int, int> answers;
  for (const auto& id : ids) ++answers[by.send("GET", status_of(id)).status];
  CHECK(answers[200] > 0);
  CHECK(answers[503] > 0);
  CHECK(answers[200] + answers[503] == secrets);
  const auto ready = by.send("GET", "/readyz");
  REQUIRE(ready.status == 503);
  CHECK(ready.json()["reasons"][0].text().starts_with("storage: "));
  CHECK(conceal().status == 503);
  CHECK(on.node().stop() == 0);
  CHECK(on.node().errors().find("stored bytes are damaged (" + damaged + ")") != std::string::npos);
}

TEST_CASE("a node of three that meets damage in an answer stands aside and counts for nothing; the others go on",
          "[cluster][damage]") {
  cluster three;
  std::vector<std::string> ids;
  for (int i = 0; i < secrets; ++i) ids.push_back(three.conceal(1, "before").value());
  const auto leader = three.leader();
  REQUIRE(leader);
  const int damaged = *leader % 3 + 1, third = 6 - *leader - damaged;
  REQUIRE(three.stop(damaged) == 0);
  damage_sealed(three.data() / ("node" + std::to_string(damaged)) / "db");
  REQUIRE(three.start(damaged));
  three.await_serving({1, 2, 3});
  CHECK(std::any_of(ids.begin(), ids.end(),
                    [&](const auto& id) { return three.send(damaged, "GET", status_of(id)).status == 503; }));
  const auto why = three.reasons(damaged);
  REQUIRE_FALSE(why.empty());
  CHECK(why.back().starts_with("storage: "));
  three.pause(third);  // nobody has written anything: it is no majority with the leader all the same
  CHECK(eventually([&] { return !three.serves(*leader); }));
  three.resume(third);
  three.await_serving({*leader, third});
  CHECK(three.conceal(*leader, "on we go"));
  CHECK(three.reveal(third, ids.front()).status == 200);
}

TEST_CASE("a node whose disk is full says so and stands aside; the others go on, and it comes back",
          "[cluster][faults]") {
  struct small_disk {
    std::filesystem::path at;
    bool mounted = false;
    ~small_disk() {
      if (mounted) ::umount2(at.c_str(), MNT_DETACH);
    }
  };
  small_disk disk;  // outlives the nodes
  cluster::options o;
  o.arguments.insert(o.arguments.end(), {"--set", "storage.write_buffer_mib=4"});  // room is taken beforehand
  o.laid_out = [&](const std::filesystem::path& whole) {
    // The same directory on another disk: with an empty one the others would not let it in.
    disk.at = whole / "node3" / "db";
    const auto aside = whole / "node3" / "db-before";
    std::filesystem::rename(disk.at, aside);
    std::filesystem::create_directory(disk.at);
    disk.mounted = ::mount("tmpfs", disk.at.c_str(), "tmpfs", 0, "size=96m,mode=0700") == 0;
    std::filesystem::copy(aside, disk.at, std::filesystem::copy_options::recursive);
  };
  cluster three(o);
  if (!disk.mounted) {
    WARN("SKIPPED, THE KERNEL MOUNTS NO SMALL DISK HERE: needs root");
    return;
  }
  const auto before = three.conceal(3, "before");
  REQUIRE(before);
  {
    struct statvfs s {};
    REQUIRE(::statvfs(disk.at.c_str(), &s) == 0);
    std::ofstream filler(disk.at / "filler", std::ios::binary);
    const std::string page(4096, 'x');
    while (filler.write(page.data(), static_cast<std::streamsize>(page.size())).flush()) {
    }
  }
  // What it cannot write it does not acknowledge, and says why; the others do not wait for it.
  std::optional<std::string> between;
  CHECK(eventually([&] {
    between = three.conceal(1, "between" + std::string(9'000, '.'));
    const auto why = three.reasons(3);
    return between && !why.empty() && why.back().find("storage") != std::string::npos;
  }));
  for (int i = 0; i < 5; ++i) CHECK(three.conceal(1 + i % 2, "on we go"));
  CHECK(three.serves(1));
  CHECK(three.serves(2));
  CHECK(eventually([&] { return three.operate(1, {"status"}).code == 69; }));
  CHECK(three.send(3, "GET", "/healthz").status == 200);
  (void)three.stop(3);
  std::filesystem::remove(disk.at / "filler");
  REQUIRE(three.start(3));
  three.await_serving({1, 2, 3});
  CHECK(holds(three.reveal(3, *before), "before"));
  REQUIRE(between);
  CHECK(holds(three.reveal(3, *between), "between"));
}

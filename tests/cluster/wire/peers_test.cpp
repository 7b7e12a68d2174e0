// Real connections on loopback, between transports of this process and with processes that are killed and stopped.

#include <arpa/inet.h>
#include <sys/socket.h>

#include "tests/cluster/wire/node.hpp"

using namespace nacre;
using namespace nacre::cluster;
using nacre::test::child_process;
using nacre::test::temporary_directory;
using nacre::testing::certificate_files;
using nacre::testing::eventually;
using nacre::testing::node;
using std::chrono::milliseconds;
using steady = std::chrono::steady_clock;

namespace {

struct pair_of_nodes {
  certificate_files files;
  std::unique_ptr<node> one, two;
  explicit pair_of_nodes(std::string root_of_two = "root") {
    files.issue(1);
    files.issue(2);
    one = std::make_unique<node>(files, 1);
    two = std::make_unique<node>(files, 2, std::move(root_of_two));
  }
  void start() {
    REQUIRE(one->start());
    REQUIRE(two->start());
    introduce();
  }
  void introduce() {
    one->peers->set_neighbours({{2, "127.0.0.1:9"}});
    two->peers->set_neighbours({{1, one->address()}});
  }
};

std::vector<std::string> child(const std::vector<std::string>& words) {
  std::vector<std::string> out{(std::filesystem::path(NACRE_BIN_DIR) / "wire_child").string()};
  out.insert(out.end(), words.begin(), words.end());
  return out;
}

std::size_t resident_bytes() {
  std::ifstream in("/proc/self/statm");
  std::size_t all = 0, resident = 0;
  in >> all >> resident;
  return resident * 4096;
}

}  // namespace

TEST_CASE("three peers exchange frames in order under load", "[wire]") {
  certificate_files files;
  for (std::uint64_t id : {1, 2, 3}) files.issue(id);
  node a(files, 1), b(files, 2), c(files, 3);
  std::vector<node*> all{&a, &b, &c};
  // A machine that is busy with other tests may pause a thread; nothing may be lost here.
  for (auto* each : all) each->settings.silence = milliseconds(30'000);
  for (auto* each : all) REQUIRE(each->start());
  for (auto* each : all) {
    std::vector<peers::neighbour> others;
    for (auto* other : all) others.push_back({other->settings.self, other->address()});
    each->peers->set_neighbours(others);
  }
  for (auto* each : all)
    for (auto* other : all)
      if (each != other) REQUIRE(each->connects(other->settings.self));

  constexpr int count = 5'000;
  std::vector<std::thread> senders;
  for (auto* each : all)
    senders.emplace_back([&, each] {
      for (int i = 0; i < count; ++i)
        for (auto* other : all)
          if (each != other)
            // What finds no room is sent again: nothing may be lost in this test.
            while (!each->peers->send(other->settings.self, std::to_string(i) + std::string(i % 2'000, '.')))
              std::this_thread::yield();
    });
  for (auto& each : senders) each.join();
  for (auto* each : all) {
    REQUIRE(each->frames.await(2 * count));
    std::map<node_id, int> next;
    for (const auto& got : each->frames.take())
      if (std::stoi(got.frame) != next[got.from]++) FAIL("out of order");
    CHECK(next.size() == 2);
    for (const auto& e : each->events.take()) CHECK(e.what != caf_peers_event::kind::disconnected);
  }
  CHECK(eventually([&] { return a.of(2).queued_bytes == 0; }));
}

TEST_CASE("the largest frame arrives whole, and a larger one is not sent", "[wire]") {
  pair_of_nodes pair;
  pair.start();
  REQUIRE(pair.two->connects(1));
  std::string largest(frame_bytes_max, 'x');
  largest.back() = 'y';
  CHECK(pair.two->peers->send(1, largest));
  CHECK(pair.one->frames.next().frame == largest);
  CHECK_FALSE(pair.two->peers->send(1, largest + 'z'));
  CHECK(pair.two->of(1).dropped == 1);
  CHECK_FALSE(pair.two->peers->send(3, "nobody"));
}

TEST_CASE("a peer that starts again is connected again", "[wire]") {
  pair_of_nodes pair;
  pair.start();
  REQUIRE(pair.two->connects(1));
  const auto port = pair.one->peers->port();
  pair.one = std::make_unique<node>(pair.files, 1);
  CHECK(eventually([&] { return !pair.two->of(1).connected; }));
  CHECK_FALSE(pair.two->peers->send(1, "lost"));
  pair.one->settings.port = port;
  REQUIRE(pair.one->start());
  pair.one->peers->set_neighbours({{2, "127.0.0.1:9"}});
  REQUIRE(pair.two->connects(1));
  REQUIRE(pair.one->connects(2));
  CHECK(pair.two->peers->send(1, "again"));
  CHECK(pair.one->frames.next().frame == "again");
}

TEST_CASE("a killed peer is noticed, and taken back when it returns", "[wire]") {
  pair_of_nodes pair;
  temporary_directory errors;
  REQUIRE(pair.one->start());
  pair.one->peers->set_neighbours({{2, "127.0.0.1:9"}});
  const auto dir = std::filesystem::path(pair.files.at("ca.crt")).parent_path().string();
  const auto command = child({"echo", "2", dir, "root", "1", pair.one->address()});
  for (int round = 0; round < 3; ++round) {
    child_process other(command, errors / "child");
    REQUIRE(pair.one->connects(2));
    CHECK(eventually([&] { return pair.one->peers->send(2, "echo"); }));
    CHECK(pair.one->frames.next().frame == "echo");
    const auto killed = steady::now();
    other.signal(SIGKILL);
    CHECK(eventually([&] { return !pair.one->of(2).connected; }));
    CHECK(steady::now() - killed < milliseconds(2'500));
  }
}

TEST_CASE("a stopped peer is noticed within two and a half seconds, and comes back", "[wire]") {
  pair_of_nodes pair;
  temporary_directory errors;
  REQUIRE(pair.one->start());
  pair.one->peers->set_neighbours({{2, "127.0.0.1:9"}});
  const auto dir = std::filesystem::path(pair.files.at("ca.crt")).parent_path().string();
  child_process other(child({"echo", "2", dir, "root", "1", pair.one->address()}), errors / "child");
  REQUIRE(pair.one->connects(2));
  other.signal(SIGSTOP);
  const auto stopped = steady::now();
  CHECK(eventually([&] { return !pair.one->of(2).connected; }));
  CHECK(steady::now() - stopped < milliseconds(2'600));
  CHECK_FALSE(pair.one->of(2).trouble.empty());
  other.signal(SIGCONT);
  CHECK(pair.one->connects(2));
  CHECK(eventually([&] { return pair.one->peers->send(2, "echo"); }));
  CHECK(pair.one->frames.next().frame == "echo");
}

TEST_CASE("a stopped peer is told to be silent, and does not keep others from being dialled", "[wire]") {
  certificate_files files;
  for (std::uint64_t id : {1, 2, 3}) files.issue(id);
  temporary_directory errors;
  const auto dir = std::filesystem::path(files.at("ca.crt")).parent_path().string();
  node third(files, 3), second(files, 2), first(files, 1);
  third.settings.beat = milliseconds(GENERATE(250, 3'000));  // with the longer one our own patience ends first
  REQUIRE(first.start());
  const auto address = first.address();
  REQUIRE(second.start());
  REQUIRE(third.start());
  // A socket that takes connections and says nothing stands for the stopped node.
  const int mute = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::bind(mute, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
  REQUIRE(::listen(mute, 16) == 0);
  socklen_t size = sizeof at;
  ::getsockname(mute, reinterpret_cast<sockaddr*>(&at), &size);
  second.peers->set_neighbours({{3, "127.0.0.1:9"}});
  third.peers->set_neighbours({{1, "127.0.0.1:" + std::to_string(ntohs(at.sin_port))}, {2, second.address()}});
  REQUIRE(third.connects(2));
  const std::string silent = "it takes connections but does not answer";
  CHECK(third.says(1, silent));
  for (const auto& e : third.events.take())
    if (e.node == 1) CHECK(e.reason == silent);
  const auto port = second.peers->port();
  second.peers->stop();
  second.peers.reset();
  CHECK(eventually([&] { return !third.of(2).connected; }));
  second.settings.port = port;
  REQUIRE(second.start());
  second.peers->set_neighbours({{3, "127.0.0.1:9"}});
  const auto back = steady::now();
  CHECK(third.connects(2));
  CHECK(steady::now() - back < milliseconds(10'000));
  ::close(mute);
}

TEST_CASE("a peer that does not read does not grow our memory", "[wire]") {
  pair_of_nodes pair;
  temporary_directory errors;
  REQUIRE(pair.one->start());
  pair.one->peers->set_neighbours({{2, "127.0.0.1:9"}});
  const auto dir = std::filesystem::path(pair.files.at("ca.crt")).parent_path().string();
  child_process other(child({"deaf", "2", dir, "root", "1", pair.one->address()}), errors / "child");
  REQUIRE(pair.one->connects(2));
  [[maybe_unused]] const auto before = resident_bytes();
  const std::string frame(256 * 1024, 'x');
  std::size_t taken = 0, most = 0;
  for (int i = 0; i < 8'192; ++i) {  // 2 GiB, if it took them
    taken += pair.one->peers->send(2, frame) ? 1 : 0;
    most = std::max(most, pair.one->of(2).queued_bytes);
  }
  CHECK(taken * frame.size() <= 2 * pair.one->settings.window_bytes);
  CHECK(most <= pair.one->settings.window_bytes);
  CHECK(most > pair.one->settings.window_bytes / 2);
  CHECK(pair.one->of(2).dropped >= 8'192 - taken);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // these take memory as they like
  CHECK(resident_bytes() - std::min(resident_bytes(), before) < 6 * pair.one->settings.window_bytes);
#endif
  // It answers nothing any more, so it counts as gone.
  CHECK(eventually([&] { return !pair.one->of(2).connected || pair.one->events.size() > 1; }));
}

TEST_CASE("a node of another CA is kept out, also under the same cluster id", "[wire]") {
  pair_of_nodes pair;
  certificate_files other(pair.files.cluster());
  other.issue(2);
  pair.two = std::make_unique<node>(other, 2);
  pair.start();
  CHECK(pair.two->says(1, "no TLS connection with it: another CA, an expired certificate, or no node of nacre"));
  CHECK_FALSE(pair.one->of(2).connected);
  CHECK(pair.one->frames.size() == 0);
}

TEST_CASE("whoever comes without a certificate, or without TLS, is kept out", "[wire]") {
  pair_of_nodes pair;
  temporary_directory errors;
  REQUIRE(pair.one->start());
  for (const auto* mode : {"anonymous", "plain"}) {
    INFO(mode);
    child_process knocking(child({mode, std::to_string(pair.one->peers->port())}), errors / "child");
    CHECK(knocking.line("kept out", milliseconds(20'000)));
  }
  // And the node goes on.
  REQUIRE(pair.two->start());
  pair.introduce();
  CHECK(pair.two->connects(1));
}

TEST_CASE("strangers who come and go do not end the connections of others", "[wire]") {
  certificate_files files;
  for (std::uint64_t id : {1, 2, 3}) files.issue(id);
  node one(files, 1), two(files, 2), three(files, 3);
  for (auto* each : {&one, &two, &three}) REQUIRE(each->start());
  one.peers->set_neighbours({{2, "127.0.0.1:9"}, {3, "127.0.0.1:9"}});
  two.peers->set_neighbours({{1, one.address()}, {3, "127.0.0.1:9"}});
  three.peers->set_neighbours({{1, one.address()}, {2, two.address()}});
  REQUIRE((one.connects(2) && one.connects(3) && two.connects(3)));
  REQUIRE((two.connects(1) && three.connects(1)));  // each end learns it for itself
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(one.peers->port());
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  for (int i = 0; i < 200; ++i) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(::connect(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
    if (i % 2 == 0) REQUIRE(::send(fd, "GET / HTTP/1.1\r\n\r\n", 18, MSG_NOSIGNAL) == 18);
    ::close(fd);
    // Frames go on meanwhile, so that a connection's turn comes right after a stranger's.
    CHECK(two.peers->send(1, "frame"));
    CHECK(three.peers->send(1, "frame"));
    REQUIRE(one.frames.await(static_cast<std::size_t>(i + 1) * 2));
  }
  for (const auto* each : {&one, &two, &three})
    for (const auto& e : const_cast<node*>(each)->events.take()) CHECK(e.what != caf_peers_event::kind::disconnected);
}

TEST_CASE("with a certificate alone nothing but a hello is handled", "[wire]") {
  pair_of_nodes pair;
  pair.files.issue(3);
  temporary_directory errors;
  pair.start();
  REQUIRE(pair.two->connects(1));
  const auto dir = std::filesystem::path(pair.files.at("ca.crt")).parent_path().string();
  child_process rude(child({"rude", "3", dir, std::to_string(pair.one->peers->port())}), errors / "child");
  CHECK(rude.line("it refuses us: what we sent is not of its protocol"));
  CHECK(rude.line("still there"));
  CHECK(pair.one->frames.size() == 0);
  CHECK(pair.two->peers->send(1, "still"));
  CHECK(pair.one->frames.next().frame == "still");
}

TEST_CASE("another root key is told by both sides", "[wire]") {
  pair_of_nodes pair("another root");
  pair.start();
  CHECK(pair.two->says(1, "refused: its root key is another one"));
  CHECK(pair.one->says(2, "it refuses us: our root key is another one"));
  const auto told = pair.one->events.next();
  CHECK(told.what == caf_peers_event::kind::refused);
  CHECK(told.node == 2);
  CHECK_FALSE(pair.one->of(2).connected);
}

TEST_CASE("a second live process with the same node id is refused, and the first goes on", "[wire]") {
  pair_of_nodes pair;
  pair.start();
  REQUIRE(pair.two->connects(1));
  node twin(pair.files, 2);
  REQUIRE(twin.start());
  twin.peers->set_neighbours({{1, pair.one->address()}});
  CHECK(twin.says(1, "it refuses us: another live process already has our node id"));
  CHECK(eventually([&] {
    for (const auto& e : pair.one->events.take())
      if (e.what == caf_peers_event::kind::refused && e.node == 2 &&
          e.reason == "refused: another live process already is the node it says to be")
        return true;
    return false;
  }));
  CHECK(pair.two->peers->send(1, "first"));
  CHECK(pair.one->frames.next().frame == "first");
  // Once the first is gone, the second may be the node.
  pair.two->peers->stop();
  CHECK(twin.connects(1));
}

TEST_CASE("who is not a member, or another than it was looked for, is told so", "[wire]") {
  certificate_files files;
  for (std::uint64_t id : {1, 2, 3}) files.issue(id);
  node one(files, 1), two(files, 2), three(files, 3);
  REQUIRE(one.start());
  REQUIRE(two.start());
  REQUIRE(three.start());
  one.peers->set_neighbours({{2, "127.0.0.1:9"}});
  three.peers->set_neighbours({{1, one.address()}, {2, one.address()}});
  CHECK(three.says(1, "it refuses us: we are not among its cluster's members"));
  CHECK(three.of(1).disowns == peer_status::disowned::number);
  CHECK(three.says(2, "it refuses us: it is another node than we look for at its address"));
  // A member from now on.
  one.peers->set_neighbours({{2, "127.0.0.1:9"}, {3, "127.0.0.1:9"}});
  CHECK(three.connects(1));
  CHECK(three.of(1).disowns == peer_status::disowned::nothing);
  // And no longer.
  one.peers->set_neighbours({{2, "127.0.0.1:9"}});
  CHECK(eventually([&] { return !three.of(1).connected; }));
  CHECK(one.peers->status().size() == 1);
}

TEST_CASE("who has dialled us is looked for at its address, and nobody is connected by that", "[wire]") {
  certificate_files files;
  for (std::uint64_t id : {1, 2, 3}) files.issue(id);
  node one(files, 1), two(files, 2), three(files, 3);
  for (auto* each : {&one, &two, &three}) REQUIRE(each->start());
  const auto found = [&](node_id who, const std::string& address) {
    const auto there = one.peers->finds({who, address});
    return there ? std::string("there") : there.error().text;
  };
  CHECK(found(2, two.address()) == "it refuses us: we are not among its cluster's members");
  two.peers->set_neighbours({{1, one.address()}});
  CHECK(found(2, two.address()) == "there");
  CHECK(one.peers->status().empty());
  one.peers->set_neighbours({{2, "127.0.0.1:9"}});
  CHECK(two.connects(1));
  CHECK(one.of(2).connected);
  CHECK(found(2, two.address()) == "there");
  CHECK(found(2, "127.0.0.1:9") == "nothing answers at its address: Connection refused");
  CHECK(found(2, three.address()) == "it refuses us: it is another node than we look for at its address");
  CHECK(found(2, one.address()) == "the hello was not answered in time");
  CHECK(found(2, "nowhere") == "its address must be host:port");
  // The connection that was there has not been given up for it.
  const auto seen = one.events.take();
  CHECK(std::count_if(seen.begin(), seen.end(),
                      [](const auto& e) { return e.what == caf_peers_event::kind::connected; }) == 1);
  CHECK(one.of(2).connected);
}

TEST_CASE("no transport is made of files that are missing or do not fit", "[wire]") {
  certificate_files files, other;
  for (std::uint64_t id : {1, 2}) files.issue(id);
  other.issue(1);
  const auto refused = [&](auto change) {
    node n(files, 1);
    change(n.settings);
    auto made = make_caf_peers(n.settings);
    REQUIRE_FALSE(made);
    CHECK(made.error().code == errc::invalid);
    return made.error().text;
  };
  CHECK(refused([](auto& s) { s.ca.clear(); }) == "there is no file for the CA's certificate");
  CHECK(refused([](auto& s) { s.certificate.clear(); }) == "there is no file for the node's certificate");
  CHECK(refused([](auto& s) { s.key.clear(); }) == "there is no file for the node's key");
  CHECK(refused([](auto& s) { s.key += ".not"; }).ends_with("there is no such file"));
  CHECK(refused([&](auto& s) { s.key = files.at("2.key"); }) == "the node's key is not the one of its certificate");
  CHECK(refused([&](auto& s) { s.ca = other.at("ca.crt"); }) ==
        "the node's own certificate: the certificate is not signed by the cluster's CA");
  CHECK(refused([](auto& s) { s.self = 2; }) == "cluster.node is 2, but cluster.certificate is node 1's");
  std::filesystem::permissions(files.at("2.key"), std::filesystem::perms(0644));
  CHECK(refused([&](auto& s) { s.key = files.at("2.key"); }).ends_with("accessible to its owner only (mode 0600)"));
}

TEST_CASE("a port that is taken is told", "[wire]") {
  pair_of_nodes pair;
  REQUIRE(pair.one->start());
  pair.two->settings.port = pair.one->peers->port();
  const auto started = pair.two->start();
  REQUIRE_FALSE(started);
  CHECK(started.error().code == errc::busy);
}

TEST_CASE("after stop() no frame is handed over", "[wire]") {
  pair_of_nodes pair;
  pair.start();
  REQUIRE(pair.two->connects(1));
  for (int i = 0; i < 100; ++i) pair.two->peers->send(1, "frame");
  pair.one->peers->stop();
  const auto had = pair.one->frames.size();
  for (int i = 0; i < 100; ++i) pair.two->peers->send(1, "frame");
  CHECK(eventually([&] { return !pair.two->of(1).connected; }));
  CHECK(pair.one->frames.size() == had);
  CHECK_FALSE(pair.one->peers->send(2, "frame"));
}

// What nodes tell each other of themselves, and whom they stay connected to for it.

#include "app/standings.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

#include "model/limits.hpp"
#include "tests/support/random_source.hpp"

using namespace nacre;
using namespace nacre::app;
using cluster::node_id;

namespace {

node_word some_word() {
  node_word w;
  w.version = "1.2.3";
  w.certificate_end = 1'900'000'000;
  w.groups = 2;
  w.keys_check = std::string("\x00\xff 16 bytes long", 16);
  w.waits = true;
  w.failed = true;
  w.members = {{1, "127.0.0.1:7400"}, {9, "node-9.internal:7400"}};
  w.of = {{2, 1, 3, 4, 500, 499, false, 0}, {0, 9, 3, 5, 70, 7, true, 1 << 20}};
  w.clock = timestamp{1'900'000'000'123};
  return w;
}

bool same(const node_word& a, const node_word& b) { return encode(a) == encode(b); }

// What the log's connections were told, and frames as they come.
class fake_peers final : public cluster::peers {
 public:
  result<void> start(receiver on_frame) override {
    come = std::move(on_frame);
    return {};
  }
  bool send(node_id to, std::string frame) override {
    sent.emplace_back(to, std::move(frame));
    return true;
  }
  void set_neighbours(std::vector<neighbour> all) override { wanted = std::move(all); }
  std::vector<cluster::peer_status> status() const override { return connections; }
  void stop() override {}

  std::vector<node_id> nodes() const {
    std::vector<node_id> out;
    for (const auto& each : wanted) out.push_back(each.node);
    return out;
  }

  receiver come;
  std::vector<std::pair<node_id, std::string>> sent;
  std::vector<neighbour> wanted;
  std::vector<cluster::peer_status> connections;
};

}  // namespace

TEST_CASE("a word is read as it was written, and what a newer node says behind it is passed over", "[app][standings]") {
  const auto bytes = encode(some_word());
  const auto read = decode_word(bytes);
  REQUIRE(read);
  CHECK(read->version == "1.2.3");
  CHECK(read->certificate_end == 1'900'000'000);
  CHECK(read->groups == 2);
  CHECK(read->keys_check == some_word().keys_check);
  CHECK(read->waits);
  CHECK(read->failed);
  REQUIRE(read->members.size() == 2);
  CHECK(read->members[1].node == 9);
  CHECK(read->members[1].address == "node-9.internal:7400");
  REQUIRE(read->of.size() == 2);
  CHECK(read->of[0].role == 2);
  CHECK(read->of[1].fetching);
  CHECK(read->of[1].fetched_bytes == 1 << 20);
  CHECK(read->clock == timestamp{1'900'000'000'123});
  CHECK(same(*read, some_word()));
  auto older = some_word();
  older.clock.reset();
  CHECK_FALSE(decode_word(encode(older))->clock);
  CHECK(same(decode_word(bytes + "more").value(), some_word()));
  CHECK(same(decode_word(encode(node_word{})).value(), node_word{}));
}

TEST_CASE("half a word, or bytes that are none, are nothing", "[app][standings][property]") {
  const auto bytes = encode(some_word());
  const auto of_older = bytes.size() - sizeof(std::int64_t);  // which say no time
  for (std::size_t size = 0; size < bytes.size(); ++size)
    CHECK(decode_word(bytes.substr(0, size)).has_value() == (size == of_older));
  testing::random_source random(testing::announced_seed("words"));
  for (int i = 0; i < 20'000; ++i) {
    auto changed = bytes;
    for (auto times = 1 + random.below(4); times > 0; --times)
      changed[random.below(changed.size())] = static_cast<char>(random.below(256));
    // Whatever comes of it can be shown, and is within bounds.
    const auto read = decode_word(changed);
    if (!read) continue;
    CHECK(std::all_of(read->version.begin(), read->version.end(), [](char c) { return c > ' ' && c < 0x7f; }));
    CHECK(read->members.size() <= 16);
    CHECK(read->of.size() <= limits::cluster_groups_max);
  }
}

TEST_CASE("a word beyond its bounds, or with a version that cannot be shown, is nothing", "[app][standings]") {
  const auto refused = [](auto change) {
    auto w = some_word();
    change(w);
    return !decode_word(encode(w));
  };
  CHECK(refused([](auto& w) { w.version = "1 2"; }));
  CHECK(refused([](auto& w) { w.version = "<\n>"; }));
  CHECK(refused([](auto& w) { w.version.assign(65, 'v'); }));
  CHECK(refused([](auto& w) { w.keys_check.assign(65, 'k'); }));
  CHECK(refused([](auto& w) { w.members.assign(17, {1, "a:1"}); }));
  CHECK(refused([](auto& w) { w.members[0].address.assign(301, 'a'); }));
  CHECK(refused([](auto& w) { w.of.resize(limits::cluster_groups_max + 1); }));
  CHECK_FALSE(refused([](auto& w) { w.version.assign(64, 'v'); }));
  CHECK_FALSE(refused([](auto& w) { w.members.assign(16, {1, std::string(300, 'a')}); }));
  CHECK_FALSE(refused([](auto& w) { w.of.resize(limits::cluster_groups_max); }));
}

TEST_CASE("words are kept by who said them and told to whoever is connected; other frames go on to the log",
          "[app][standings]") {
  fake_peers below;
  standings words(below);
  std::vector<std::pair<node_id, std::string>> to_the_log;
  REQUIRE(words.start([&](node_id from, std::string frame) { to_the_log.emplace_back(from, std::move(frame)); }));
  below.come(2, encode(some_word()));
  below.come(3, "\x01 a frame of the log");
  auto later = some_word();
  later.version = "2";
  below.come(2, encode(later));
  CHECK(to_the_log == std::vector<std::pair<node_id, std::string>>{{3, "\x01 a frame of the log"}});
  const auto heard = words.heard();
  REQUIRE(heard.size() == 1);
  CHECK(heard.at(2).version == "2");
  CHECK(words.heard(std::chrono::steady_clock::now() + std::chrono::seconds(1)).empty());
  // However many say something, so many are kept.
  for (node_id node = 10; node < 500; ++node) below.come(node, encode(some_word()));
  CHECK(words.heard().size() <= 64);
  below.come(2, encode(some_word()));
  CHECK(words.heard().at(2).version == "1.2.3");

  cluster::peer_status connected, away;
  connected.node = 2, connected.connected = true;
  away.node = 3;
  below.connections = {connected, away};
  words.tell(later);
  CHECK(below.sent == std::vector<std::pair<node_id, std::string>>{{2, encode(later)}});
}

TEST_CASE("guests are connected beside the log's neighbours, and who is let go of stays for a while",
          "[app][standings]") {
  fake_peers below;
  standings words(below);
  words.set_neighbours({{1, "a:1"}, {2, "b:2"}});
  words.invite({{4, "d:4"}, {2, "elsewhere:2"}});
  CHECK(below.nodes() == std::vector<node_id>{1, 2, 4});
  CHECK(below.wanted[1].address == "b:2");
  words.set_neighbours({{2, "b:2"}});  // it must hear that it was taken out
  CHECK(below.nodes() == std::vector<node_id>{2, 4, 1});
  words.invite({});
  words.set_neighbours({{2, "b:2"}, {4, "d:4"}});
  auto now = below.nodes();
  std::sort(now.begin(), now.end());
  CHECK(now == std::vector<node_id>{1, 2, 4});
}

TEST_CASE("what is past is what most clocks say, and never what only the own one does", "[app][standings]") {
  const auto at = [](std::int64_t ms) { return timestamp{ms}; };
  CHECK(agreed_time(at(100), {}, 1) == at(100));
  CHECK(agreed_time(at(100), {at(103), at(98)}, 3) == at(100));
  // Ahead, by however much and however many are heard; behind, it waits.
  CHECK(agreed_time(at(9'000), {at(103), at(98)}, 3) == at(103));
  CHECK(agreed_time(at(9'000), {at(103)}, 3) == at(103));
  CHECK(agreed_time(at(9'000), {at(9'001), at(100)}, 3) == at(9'000));
  CHECK(agreed_time(at(7), {at(103), at(98)}, 3) == at(7));
  CHECK(agreed_time(at(9'000), {at(9'001), at(100), at(101)}, 5) == at(101));
  // Two of five are no majority, whoever else is silent.
  CHECK(agreed_time(at(9'000), {at(9'001), at(100)}, 5) == at(100));
  CHECK(agreed_time(at(9'000), {at(9'001), at(9'002), at(100)}, 5) == at(9'000));
  // Too few are heard to say.
  CHECK_FALSE(agreed_time(at(100), {}, 2));
  CHECK_FALSE(agreed_time(at(100), {}, 3));
  CHECK_FALSE(agreed_time(at(100), {at(100)}, 4));
  CHECK_FALSE(agreed_time(at(100), {at(100)}, 5));
}

TEST_CASE("a clock that was told has gone on since", "[app][standings]") {
  fake_peers below;
  standings words(below);
  REQUIRE(words.start([](node_id, std::string) {}));
  below.come(2, encode(some_word()));
  const auto first = words.heard().at(2).clock;
  REQUIRE(first);
  CHECK(*first >= *some_word().clock);
  const auto begin = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() < begin + std::chrono::milliseconds(3)) {
  }
  CHECK(words.heard().at(2).clock.value() >= after(*first, 3));
}

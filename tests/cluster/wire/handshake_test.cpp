#include "cluster/wire/handshake.hpp"

#include <catch2/catch.hpp>

#include "cluster/wire/channel.hpp"
#include "tests/cluster/wire/support.hpp"

using namespace nacre;
using namespace nacre::cluster::wire;
using nacre::testing::authority;
using nacre::testing::seconds_now;

namespace {

struct node {
  crypto::node_identity identity;
  self_description self;
  node(const authority& ca, std::uint64_t id, std::string root = "root check")
      : identity(ca.identity(id)), self{identity, crypto::random_uuid(), std::move(root)} {}
  node(const node&) = delete;
  node& operator=(const node&) = delete;
};

bool everybody(nacre::cluster::node_id) { return true; }

std::optional<refusal> why(const auto& r) { return r ? std::nullopt : std::optional(r.error()); }

}  // namespace

TEST_CASE("two nodes of a cluster know each other after a hello and can talk", "[wire]") {
  const authority ca;
  const node one(ca, 1), two(ca, 2);
  dialling d(two.self, 1);
  accepting a(one.self);
  const auto answer = a.on_hello(d.hello(), seconds_now(), everybody);
  REQUIRE(answer);
  const auto proof = d.on_answer(*answer, seconds_now());
  REQUIRE(proof);
  REQUIRE(a.on_proof(*proof));
  CHECK(a.peer() == 2);
  CHECK(a.peer_instance() == two.self.instance);
  CHECK(d.peer_instance() == one.self.instance);

  auto of_two = d.take_keys(), of_one = a.take_keys();
  sealer to_one(std::move(of_two.out)), to_two(std::move(of_one.out));
  opener at_one(std::move(of_one.in)), at_two(std::move(of_two.in));
  CHECK(at_one.open(to_one.frames(bundle("a")))->frames == std::vector<std::string>{"a"});
  CHECK(at_two.open(to_two.frames(bundle("b")))->frames == std::vector<std::string>{"b"});
  CHECK(at_one.open(to_one.beat(7))->acknowledged == 7);
  // Nobody's own message comes back as the other's.
  CHECK_FALSE(at_two.open(to_one.frames(bundle("mine"))));
}

TEST_CASE("a hello is refused for the reason that is so", "[wire]") {
  const authority ca, same_id_other_ca(ca.cluster), other;
  const node one(ca, 1), two(ca, 2), foreign(other, 2), forged(same_id_other_ca, 2), first_again(ca, 1);
  const auto answer_to = [&](const std::string& hello, auto is_member) {
    accepting a(one.self);
    return why(a.on_hello(hello, seconds_now(), is_member));
  };
  CHECK(answer_to(dialling(two.self, 1).hello(), everybody) == std::nullopt);
  CHECK(answer_to(dialling(foreign.self, 1).hello(), everybody) == refusal::other_cluster);
  CHECK(answer_to(dialling(forged.self, 1).hello(), everybody) == refusal::certificate);
  CHECK(answer_to(dialling(first_again.self, 1).hello(), everybody) == refusal::own_id);
  CHECK(answer_to(dialling(two.self, 3).hello(), everybody) == refusal::misdirected);
  CHECK(answer_to(dialling(two.self, 1).hello(), [](nacre::cluster::node_id n) { return n != 2; }) ==
        refusal::not_member);
  CHECK(answer_to("what?", everybody) == refusal::malformed);
  auto hello = dialling(two.self, 1).hello();
  hello[2] = 9;
  CHECK(answer_to(hello, everybody) == refusal::newer);
  hello[2] = 0;
  CHECK(answer_to(hello, everybody) == refusal::older);
  // Its certificate says 2, it says 3.
  auto said = *decode_hello(dialling(two.self, 1).hello());
  said.from = 3;
  CHECK(answer_to(encode(said), everybody) == refusal::certificate);
  accepting late(one.self);
  CHECK(why(late.on_hello(dialling(two.self, 1).hello(), seconds_now() + 3 * 365 * 86'400, everybody)) ==
        refusal::certificate);
}

TEST_CASE("another root key is noticed by both sides, without telling it", "[wire]") {
  const authority ca;
  const node one(ca, 1, "root one"), two(ca, 2, "root two");
  dialling d(two.self, 1);
  accepting a(one.self);
  const auto answer = a.on_hello(d.hello(), seconds_now(), everybody);
  REQUIRE(answer);
  CHECK(answer->find("root one") == std::string::npos);
  CHECK(why(d.on_answer(*answer, seconds_now())) == refusal::root_key);
  // A dialler that goes on all the same.
  const node liar(ca, 2, "root one");
  dialling honest(liar.self, 1), other(two.self, 1);
  accepting b(one.self);
  const auto second = b.on_hello(honest.hello(), seconds_now(), everybody);
  auto proof = *decode_proof(*honest.on_answer(*second, seconds_now()));
  proof.root.assign(root_proof_bytes, 'x');
  CHECK(why(b.on_proof(encode(proof))) == refusal::root_key);
}

TEST_CASE("what was said in one hello is worth nothing in another", "[wire]") {
  const authority ca;
  const node one(ca, 1), two(ca, 2), three(ca, 3);
  dialling d(two.self, 1), again(two.self, 1);
  accepting a(one.self), b(one.self), c(one.self);
  const auto first = a.on_hello(d.hello(), seconds_now(), everybody);
  const auto second = b.on_hello(again.hello(), seconds_now(), everybody);
  REQUIRE((first && second));
  // The answer to another hello, then the proof of another hello.
  CHECK(why(again.on_answer(*first, seconds_now())) == refusal::signature);
  const auto proof = d.on_answer(*first, seconds_now());
  REQUIRE(proof);
  CHECK(why(b.on_proof(*proof)) == refusal::signature);
  CHECK(a.on_proof(*proof));
  // A hello that was overheard and is said again: whoever says it cannot prove it.
  REQUIRE(c.on_hello(d.hello(), seconds_now(), everybody));
  CHECK(why(c.on_proof(*proof)) == refusal::signature);
  // A proof before a hello.
  accepting e(one.self);
  CHECK(why(e.on_proof(*proof)) == refusal::malformed);
  // Another node than the one that is looked for.
  dialling wanted(three.self, 1);
  accepting wrong(two.self);
  CHECK(why(wrong.on_hello(wanted.hello(), seconds_now(), everybody)) == refusal::misdirected);
}

TEST_CASE("a node in between cannot put in a key of its own", "[wire]") {
  const authority ca;
  const node one(ca, 1), two(ca, 2);
  dialling d(two.self, 1);
  accepting a(one.self);
  const crypto::key_agreement mine;
  auto hello = *decode_hello(d.hello());
  hello.share = mine.public_key();
  const auto answer = a.on_hello(encode(hello), seconds_now(), everybody);
  REQUIRE(answer);
  CHECK(why(d.on_answer(*answer, seconds_now())) == refusal::signature);
  auto changed = *decode_answer(*answer);
  changed.hello.share = mine.public_key();
  CHECK(why(d.on_answer(encode(changed), seconds_now())) == refusal::signature);
}

#include "cluster/wire/flow.hpp"

#include <catch2/catch.hpp>

using namespace nacre::cluster::wire;
using std::chrono::milliseconds;

TEST_CASE("no more is under way than the window holds", "[wire]") {
  credit c(1'000);
  CHECK(c.take(600));
  CHECK_FALSE(c.take(401));
  CHECK(c.take(400));
  CHECK(c.in_flight() == 1'000);
  CHECK_FALSE(c.take(1));
  CHECK(c.acknowledge(600));
  CHECK(c.in_flight() == 400);
  CHECK(c.take(600));
}

TEST_CASE("a peer cannot acknowledge what was never sent, nor take back what it has", "[wire]") {
  credit c(1'000);
  CHECK(c.take(500));
  CHECK_FALSE(c.acknowledge(501));
  CHECK(c.acknowledge(300));
  CHECK_FALSE(c.acknowledge(299));
  CHECK(c.in_flight() == 200);
}

TEST_CASE("what was taken is told in steps", "[wire]") {
  receipt r(100);
  CHECK_FALSE(r.taken(99));
  CHECK(r.taken(1));
  CHECK(r.tell() == 100);
  CHECK_FALSE(r.taken(50));
  CHECK(r.tell() == 150);
}

TEST_CASE("pauses between attempts grow, have an end, and are spread", "[wire]") {
  backoff b(milliseconds(100), milliseconds(2'000));
  CHECK(b.next(0) == milliseconds(50));
  CHECK(b.next(0) == milliseconds(100));
  CHECK(b.next(200) == milliseconds(400));
  for (std::uint32_t n = 0; n < 100; ++n) {
    const auto pause = b.next(n * 0x9e3779b9u);
    CHECK(pause >= milliseconds(400));
    CHECK(pause <= milliseconds(2'000));
  }
  b.reset();
  CHECK(b.next(50) == milliseconds(100));
}

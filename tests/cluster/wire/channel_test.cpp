#include "cluster/wire/channel.hpp"

#include <catch2/catch.hpp>

#include "crypto/digest.hpp"

using namespace nacre::cluster::wire;
using nacre::crypto::secure_bytes;

namespace {

secure_bytes key() { return secure_bytes{std::string_view("0123456789abcdef0123456789abcdef")}; }

}  // namespace

TEST_CASE("sealed messages have the bytes they always had", "[wire]") {
  sealer out(key());
  CHECK(nacre::crypto::to_hex(out.frame("hi")).substr(0, 28) == "4e57020500000000000000016869");
  CHECK(nacre::crypto::to_hex(out.beat(258)).substr(0, 40) ==
        "4e570206000000000000000200000000000001"
        "02");
}

TEST_CASE("a sealed message is taken once and in its turn", "[wire]") {
  sealer out(key());
  const auto first = out.frame("first"), second = out.frame("second"), third = out.frame("third");
  opener in(key());
  CHECK(in.open(first)->payload == "first");
  CHECK_FALSE(in.open(first));
  CHECK_FALSE(in.open(third));
  CHECK(in.open(second)->payload == "second");
  CHECK(in.open(third)->payload == "third");
}

TEST_CASE("not one byte of a sealed message can change", "[wire]") {
  for (std::size_t at = 0; at < 33; ++at) {
    auto message = sealer(key()).frame("hello");
    REQUIRE(message.size() == 33);
    message[at] = static_cast<char>(message[at] ^ 1);
    CHECK_FALSE(opener(key()).open(message));
  }
  const auto whole = sealer(key()).frame("hello");
  for (std::size_t size = 0; size < whole.size(); ++size) CHECK_FALSE(opener(key()).open(whole.substr(0, size)));
}

TEST_CASE("a frame may be empty and as large as a frame may be, and no larger", "[wire]") {
  CHECK(opener(key()).open(sealer(key()).frame(""))->payload.empty());
  const std::string largest(nacre::cluster::frame_bytes_max, 'x');
  CHECK(opener(key()).open(sealer(key()).frame(largest))->payload == largest);
  CHECK_FALSE(opener(key()).open(sealer(key()).frame(largest + 'x')));
}

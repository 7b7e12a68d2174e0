#include "cluster/wire/channel.hpp"

#include <catch2/catch.hpp>

#include "crypto/digest.hpp"

using namespace nacre::cluster::wire;
using nacre::crypto::secure_bytes;

namespace {

secure_bytes key() { return secure_bytes{std::string_view("0123456789abcdef0123456789abcdef")}; }

using frames = std::vector<std::string>;

}  // namespace

TEST_CASE("sealed messages have the bytes they always had", "[wire]") {
  sealer out(key());
  bundle several("hi");
  CHECK(several.add("you"));
  CHECK(nacre::crypto::to_hex(out.frames(std::move(several))).substr(0, 50) ==
        "4e570605"
        "0000000000000001"
        "000000026869"
        "00000003796f75");
  CHECK(nacre::crypto::to_hex(out.beat(258)).substr(0, 40) ==
        "4e570606000000000000000200000000000001"
        "02");
}

TEST_CASE("a sealed message is taken once and in its turn", "[wire]") {
  sealer out(key());
  const auto first = out.frames(bundle("first")), second = out.frames(bundle("second")),
             third = out.frames(bundle("third"));
  opener in(key());
  CHECK(in.open(first)->frames == frames{"first"});
  CHECK_FALSE(in.open(first));
  CHECK_FALSE(in.open(third));
  CHECK(in.open(second)->frames == frames{"second"});
  CHECK(in.open(third)->frames == frames{"third"});
}

TEST_CASE("not one byte of a sealed message can change", "[wire]") {
  for (std::size_t at = 0; at < 37; ++at) {
    auto message = sealer(key()).frames(bundle("hello"));
    REQUIRE(message.size() == 37);
    message[at] = static_cast<char>(message[at] ^ 1);
    CHECK_FALSE(opener(key()).open(message));
  }
  const auto whole = sealer(key()).frames(bundle("hello"));
  for (std::size_t size = 0; size < whole.size(); ++size) CHECK_FALSE(opener(key()).open(whole.substr(0, size)));
}

TEST_CASE("a frame may be empty and as large as a frame may be, and no larger", "[wire]") {
  CHECK(opener(key()).open(sealer(key()).frames(bundle("")))->frames == frames{""});
  const std::string largest(nacre::cluster::frame_bytes_max, 'x');
  CHECK(opener(key()).open(sealer(key()).frames(bundle(largest)))->frames == frames{largest});
  CHECK_FALSE(opener(key()).open(sealer(key()).frames(bundle(largest + 'x'))));
}

TEST_CASE("frames that travelled together arrive one by one, in order and whole", "[wire]") {
  const frames said = {"first", "", std::string(1'000, 'x'), "last"};
  bundle all(said.front());
  for (std::size_t i = 1; i < said.size(); ++i) CHECK(all.add(said[i]));
  CHECK(opener(key()).open(sealer(key()).frames(std::move(all)))->frames == said);
}

TEST_CASE("several frames travel together up to a bound", "[wire]") {
  bundle all("12");
  CHECK_FALSE(all.add(std::string(bundle::bytes_max - 9, 'x')));
  const std::string rest(bundle::bytes_max - 10, 'x');
  CHECK(all.add(rest));
  CHECK_FALSE(all.add(""));
  CHECK(opener(key()).open(sealer(key()).frames(std::move(all)))->frames == frames{"12", rest});
  bundle large(std::string(bundle::bytes_max, 'x'));
  CHECK_FALSE(large.add(""));
}

TEST_CASE("what is sealed and no whole frames is not taken", "[wire]") {
  auto sealed = [](std::string body) {
    auto message = header_for(kind::frames) + std::string("\0\0\0\0\0\0\0\1", number_bytes) + body;
    const auto tag = nacre::crypto::hmac_sha256(key().view(), message);
    return message += nacre::crypto::view(tag).substr(0, tag_bytes);
  };
  using namespace std::string_literals;
  REQUIRE(opener(key()).open(sealed("\0\0\0\1x\0\0\0\0"s))->frames == frames{"x", ""});
  for (const auto& body : {""s, "\0\0\0"s, "\0\0\0\2x"s, "\0\0\0\1x\0"s, "\0\0\0\1x\0\0\0\1"s, "\xff\xff\xff\xffx"s})
    CHECK_FALSE(opener(key()).open(sealed(body)));
  // Many empty ones cost more here than they did on the way.
  std::string many;
  for (std::size_t i = 0; i <= bundle::bytes_max / length_bytes; ++i) many += "\0\0\0\0"s;
  CHECK_FALSE(opener(key()).open(sealed(many)));
  many.resize(bundle::bytes_max);
  CHECK(opener(key()).open(sealed(many))->frames.size() == bundle::bytes_max / length_bytes);
}

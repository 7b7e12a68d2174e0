#include "cluster/wire/message.hpp"

#include <catch2/catch.hpp>

#include "crypto/digest.hpp"

using namespace nacre;
using namespace nacre::cluster::wire;

namespace {

hello sample() {
  hello h;
  h.cluster = *parse_uuid("11111111-2222-4333-8444-555555555555");
  h.from = 2;
  h.to = 1;
  h.instance = *parse_uuid("aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee");
  h.nonce = std::string(nonce_bytes, 'n');
  h.share = std::string(share_bytes, 's');
  h.certificate = "der";
  h.directory = *parse_uuid("bbbbbbbb-cccc-4ddd-8eee-ffffffffffff");
  h.boot = 3;
  h.known = {{1, {h.cluster, 4, h.instance}}, {7, {}}};
  return h;
}
proof sample_proof() { return {"signature", std::string(root_proof_bytes, 'r')}; }

}  // namespace

TEST_CASE("messages between nodes have the bytes they always had", "[wire]") {
  CHECK(crypto::to_hex(encode(sample())) ==
        "4e57060111111111222243338444555555555555"
        "00000000000000020000000000000001"
        "aaaaaaaabbbb4ccc8dddeeeeeeeeeeee"
        "6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e"
        "7373737373737373737373737373737373737373737373737373737373737373"
        "00000003646572"
        "bbbbbbbbcccc4ddd8eeeffffffffffff0000000000000003"
        "02"
        "0000000000000001"
        "11111111222243338444555555555555"
        "0000000000000004"
        "aaaaaaaabbbb4ccc8dddeeeeeeeeeeee"
        "0000000000000007"
        "00000000000000000000000000000000"
        "0000000000000000"
        "00000000000000000000000000000000");
  CHECK(crypto::to_hex(encode(sample_proof())) ==
        "4e570603000000097369676e6174757265"
        "72727272727272727272727272727272");
  CHECK(crypto::to_hex(encode(refusal::root_key)) == "4e57060407");
}

TEST_CASE("a message reads as what was written", "[wire]") {
  CHECK(decode_hello(encode(sample())) == sample());
  CHECK(decode_proof(encode(sample_proof())) == sample_proof());
  const answer a{sample(), sample_proof()};
  CHECK(decode_answer(encode(a)) == a);
  for (int r = 1; r <= 15; ++r) CHECK(decode_refusal(encode(static_cast<refusal>(r))) == static_cast<refusal>(r));
}

TEST_CASE("what is cut off, too long, or of another kind is nothing", "[wire]") {
  const answer a{sample(), sample_proof()};
  for (const auto& whole : {encode(sample()), encode(a), encode(sample_proof()), encode(refusal::busy)}) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const auto part = whole.substr(0, size);
      CHECK_FALSE((decode_hello(part) || decode_answer(part) || decode_proof(part) || decode_refusal(part)));
    }
    const auto longer = whole + 'x';
    CHECK_FALSE((decode_hello(longer) || decode_answer(longer) || decode_proof(longer) || decode_refusal(longer)));
  }
  CHECK_FALSE(decode_answer(encode(sample())));
  CHECK_FALSE(decode_hello(encode(a)));
  auto nobody = sample();
  nobody.from = 0;
  CHECK_FALSE(decode_hello(encode(nobody)));
  auto unordered = sample();
  unordered.known = {{7, {}}, {7, {}}};
  CHECK_FALSE(decode_hello(encode(unordered)));
  unordered.known.assign(nacre::cluster::acquaintances_max + 1, {});
  for (std::size_t i = 0; i < unordered.known.size(); ++i) unordered.known[i].node = i + 1;
  CHECK_FALSE(decode_hello(encode(unordered)));
  auto large = sample();
  large.certificate.assign(5'000, 'c');
  CHECK_FALSE(decode_hello(encode(large)));
  CHECK_FALSE(header_of("XW\x01\x01"));
  CHECK_FALSE(header_of(std::string_view("NW\x01\x00", 4)));
  CHECK_FALSE(header_of("NW\x01\x07"));
}

TEST_CASE("a refusal is understood in every version, anything else in ours alone", "[wire]") {
  auto r = encode(refusal::older);
  auto h = encode(sample());
  r[2] = h[2] = 9;
  CHECK(decode_refusal(r) == refusal::older);
  CHECK_FALSE(decode_hello(h));
  CHECK(header_of(h)->version == 9);
  CHECK_FALSE(decode_refusal(std::string_view("NW\x01\x04\x00", 5)));
  CHECK_FALSE(decode_refusal(std::string_view("NW\x01\x04\x10", 5)));
}

TEST_CASE("both sides have words for every refusal", "[wire]") {
  for (int r = 1; r <= 15; ++r) {
    CHECK(why_we_refuse(static_cast<refusal>(r)).starts_with("refused: "));
    CHECK(why_it_refuses(static_cast<refusal>(r)).starts_with("it refuses us"));
  }
}

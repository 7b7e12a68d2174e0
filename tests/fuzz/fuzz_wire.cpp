// Any bytes as a message between nodes: what decodes encodes to the same bytes, and nothing opens that was not sealed.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "cluster/wire/channel.hpp"
#include "cluster/wire/message.hpp"
#include "cluster/wire/reach.hpp"
#include "crypto/certificates.hpp"
#include "tests/fuzz/check.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nacre::cluster::wire;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto h = decode_hello(bytes)) NACRE_FUZZ_CHECK(encode(*h) == bytes);
  if (const auto a = decode_answer(bytes)) NACRE_FUZZ_CHECK(encode(*a) == bytes);
  if (const auto p = decode_proof(bytes)) NACRE_FUZZ_CHECK(encode(*p) == bytes);
  if (const auto r = decode_refusal(bytes)) {
    NACRE_FUZZ_CHECK(!why_we_refuse(*r).empty() && !why_it_refuses(*r).empty());
    if (header_of(bytes)->version == protocol_version) NACRE_FUZZ_CHECK(encode(*r) == bytes);
  }
  static const std::string_view key = "0123456789abcdef0123456789abcdef";
  opener in{nacre::crypto::secure_bytes{key}};
  NACRE_FUZZ_CHECK(!in.open(std::string(bytes)));
  if (const auto at = parse_endpoint(bytes)) NACRE_FUZZ_CHECK(!at->host.empty() && at->port != 0);
  (void)nacre::crypto::read_certificate(bytes);
  return 0;
}

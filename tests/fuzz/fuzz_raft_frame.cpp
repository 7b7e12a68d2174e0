// Any bytes as a frame of another node, and as the payload of an entry: what decodes is written back as the same bytes.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "cluster/raft/frames.hpp"
#include "tests/fuzz/check.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nacre::cluster::raft;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto of = peek_instance(bytes);
  if (const auto f = decode_frame(bytes)) {
    NACRE_FUZZ_CHECK(encode(*f) == bytes);
    NACRE_FUZZ_CHECK(of && *of == f->of);
  }
  if (const auto batch = decode_batch(bytes)) {
    std::vector<std::string> items;
    for (const auto& c : *batch) items.push_back(encode_item(c.from, c.command));
    NACRE_FUZZ_CHECK(encode_batch(items) == bytes);
  }
  if (const auto s = decode_seal(bytes)) NACRE_FUZZ_CHECK(encode_seal(*s) == bytes);
  return 0;
}

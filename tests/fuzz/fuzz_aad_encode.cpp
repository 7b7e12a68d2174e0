// encode(binding) is injective: two bindings made of the same bytes, cut differently, have equal
// encodings exactly when they are equal; and a reader written here gets every part back.

#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <array>
#include <string>

#include "crypto/aead.hpp"
#include "tests/fuzz/check.hpp"

namespace {

struct parts {
  std::array<std::string, 6> text;
  std::uint32_t version = 0;
  bool operator==(const parts&) const = default;
};

parts cut(const std::string& bytes, std::array<std::size_t, 5> cuts, std::uint32_t version) {
  std::sort(cuts.begin(), cuts.end());
  parts out;
  out.version = version;
  std::size_t from = 0;
  for (std::size_t i = 0; i < out.text.size(); ++i) {
    const auto to = i < cuts.size() ? cuts[i] : bytes.size();
    out.text[i] = bytes.substr(from, to - from);
    from = to;
  }
  return out;
}

std::string encoded(const parts& p) {
  return nacre::crypto::encode({.cluster = p.text[0],
                                .workspace = p.text[1],
                                .record = p.text[2],
                                .kind = p.text[3],
                                .field = p.text[4],
                                .record_version = p.version,
                                .policy_hash = p.text[5]});
}

std::uint32_t number(const std::string& in, std::size_t at) {
  NACRE_FUZZ_CHECK(in.size() >= at + 4);
  std::uint32_t n = 0;
  for (std::size_t i = 0; i < 4; ++i) n = n * 256 + static_cast<unsigned char>(in[at + i]);
  return n;
}

parts decoded(const std::string& in) {
  std::size_t at = 0;
  const auto next = [&] {
    const std::size_t size = number(in, at);
    at += 4;
    NACRE_FUZZ_CHECK(in.size() - at >= size);
    at += size;
    return in.substr(at - size, size);
  };
  NACRE_FUZZ_CHECK(next() == "nacre/aad/v1");
  parts out;
  for (std::size_t i = 0; i < 5; ++i) out.text[i] = next();
  const auto version = next();
  NACRE_FUZZ_CHECK(version.size() == 4);
  out.version = number(version, 0);
  out.text[5] = next();
  NACRE_FUZZ_CHECK(at == in.size());
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzedDataProvider input{data, size};
  std::array<std::uint16_t, 10> raw;
  for (auto& r : raw) r = input.ConsumeIntegral<std::uint16_t>();
  const auto version_a = input.ConsumeIntegral<std::uint32_t>();
  const auto version_b = input.ConsumeBool() ? version_a : input.ConsumeIntegral<std::uint32_t>();
  const auto bytes = input.ConsumeRemainingBytesAsString();

  std::array<std::size_t, 5> cuts_a, cuts_b;
  for (std::size_t i = 0; i < 5; ++i) {
    cuts_a[i] = raw[i] % (bytes.size() + 1);
    cuts_b[i] = raw[i + 5] % (bytes.size() + 1);
  }
  const auto a = cut(bytes, cuts_a, version_a);
  const auto b = cut(bytes, cuts_b, version_b);
  const auto encoded_a = encoded(a);
  const auto encoded_b = encoded(b);
  NACRE_FUZZ_CHECK((a == b) == (encoded_a == encoded_b));
  NACRE_FUZZ_CHECK(decoded(encoded_a) == a);
  NACRE_FUZZ_CHECK(decoded(encoded_b) == b);
  return 0;
}

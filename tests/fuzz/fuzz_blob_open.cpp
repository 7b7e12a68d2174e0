// Bytes from a disk or a peer never open unless we sealed them, whatever they look like: blob v1,
// sealed v1 and the service key record. What we seal opens, and one change anywhere stops that.
//
// The payload stands first in the input, how to treat it in the last nine bytes (FuzzedDataProvider
// takes numbers from the end). It is tried as it is, then sealed and changed in one place.
// The root key is not the one of tests/golden: the samples among the seeds must not open either.

#include <fuzzer/FuzzedDataProvider.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "crypto/aead.hpp"
#include "crypto/keyring.hpp"
#include "tests/fuzz/check.hpp"

namespace {

using namespace nacre;
using namespace nacre::crypto;

struct world {
  std::shared_ptr<const key_provider> root;
  keyring keys;
  data_key key;
};

world make_world() {
  ::setenv("NACRE_FUZZ_ROOT_KEY", "f0f1f2f3f4f5f6f7f8f90a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", 1);
  auto opened = open_key_provider("env:NACRE_FUZZ_ROOT_KEY");
  NACRE_FUZZ_CHECK(opened);
  std::shared_ptr<const key_provider> root = std::move(*opened);
  keyring keys{root, make_service_keys()};
  auto key = keys.open_data_key({}, 1, keys.make_data_key({}, 1));
  NACRE_FUZZ_CHECK(key);
  return {root, std::move(keys), std::move(*key)};
}

// Flips, cuts, extends or overwrites; always yields something else.
std::string changed(std::string blob, std::uint32_t where, std::uint32_t how) {
  const auto at = where % blob.size();
  switch (how % 4) {
    case 0:
      blob[at] = static_cast<char>(blob[at] ^ (1 << (how >> 8) % 8));
      break;
    case 1:
      blob.resize(at);
      break;
    case 2:
      blob.insert(at, 1, static_cast<char>(how >> 8));
      break;
    default:
      blob.erase(at, 1);
  }
  return blob;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const world w = make_world();
  FuzzedDataProvider input{data, size};
  const auto what = input.ConsumeIntegral<std::uint8_t>();
  const auto where = input.ConsumeIntegral<std::uint32_t>();
  const auto how = input.ConsumeIntegral<std::uint32_t>();
  const auto payload = input.ConsumeRemainingBytesAsString();
  const seal_context place{{}, {}, "pat", "token", std::string_view{payload}.substr(0, what % 8)};

  NACRE_FUZZ_CHECK(!open(w.key.key, "aad", payload));
  NACRE_FUZZ_CHECK(!w.keys.open(w.key, place, payload));
  NACRE_FUZZ_CHECK(!unwrap_service_keys(*w.root, payload));
  NACRE_FUZZ_CHECK(!w.keys.open_data_key({}, 1, payload));
  if (const auto version = key_version_of(payload))
    NACRE_FUZZ_CHECK(payload.size() >= blob_overhead_bytes && payload.starts_with(std::string_view{"N1\1", 3}) &&
                     static_cast<unsigned char>(payload[3]) == *version >> 24 &&
                     static_cast<unsigned char>(payload[6]) == (*version & 0xff));
  if (keyring::data_key_version(payload)) NACRE_FUZZ_CHECK(payload.starts_with("S1"));

  if (what % 2 == 0) {
    const auto blob = seal(w.key.key, how, payload, payload);
    const auto opened = open(w.key.key, payload, blob);
    NACRE_FUZZ_CHECK(opened && opened->view() == payload && key_version_of(blob) == how);
    const auto other = changed(blob, where, how);
    NACRE_FUZZ_CHECK(other == blob || !open(w.key.key, payload, other));
    NACRE_FUZZ_CHECK(!open(w.key.key, payload + "x", blob));
  } else {
    const auto sealed = w.keys.seal(w.key, place, payload);
    const auto opened = w.keys.open(w.key, place, sealed);
    NACRE_FUZZ_CHECK(opened && opened->view() == payload && keyring::data_key_version(sealed) == 1u);
    const auto other = changed(sealed, where, how);
    NACRE_FUZZ_CHECK(other == sealed || !w.keys.open(w.key, place, other));
    NACRE_FUZZ_CHECK(!open(w.key.key, "aad", sealed));
  }
  return 0;
}

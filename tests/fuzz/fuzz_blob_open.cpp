// Bytes from a disk or a peer never open unless we sealed them, whatever they look like: blob v1,
// sealed v1 and the service key record. What we seal opens, and one change anywhere stops that.
//
// The payload stands first in the input, how to treat it in the last nine bytes (FuzzedDataProvider
// takes numbers from the end). It is tried as it is, then sealed and changed in one place.

#include <fuzzer/FuzzedDataProvider.h>

#include <memory>
#include <string>

#include "crypto/aead.hpp"
#include "crypto/keyring.hpp"
#include "tests/fuzz/check.hpp"
#include "tests/fuzz/sealed.hpp"

namespace {

using namespace nacre;
using namespace nacre::crypto;
using fuzz::changed;

struct world {
  std::shared_ptr<const key_provider> root = fuzz::make_root();
  keyring keys{root, make_service_keys()};
  data_key key = fuzz::make_key(keys);
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const world w;
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

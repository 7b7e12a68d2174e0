// Link-sealed bytes from a disk or a peer never open unless we sealed them, and never ask for a passphrase to be
// stretched at a cost out of bounds. What we seal opens, and one change anywhere stops that. Base62 reads back
// only what it writes.
//
// The payload stands first in the input, how to treat it in the last nine bytes (FuzzedDataProvider
// takes numbers from the end). It is tried as it is, then sealed and changed in one place.

#include <fuzzer/FuzzedDataProvider.h>

#include <string>

#include "crypto/base62.hpp"
#include "crypto/one_time.hpp"
#include "tests/fuzz/check.hpp"
#include "tests/fuzz/sealed.hpp"

namespace {

using namespace nacre;
using namespace nacre::crypto;
using fuzz::changed;

struct world {
  keyring keys{fuzz::make_root(), make_service_keys()};
  data_key key = fuzz::make_key(keys);
  secure_bytes identifier = make_identifier();
  std::string salt = make_salt();
  secure_bytes passphrase_key{std::string(key_bytes, 'p')};
};

void check_needs(std::string_view sealed) {
  const auto needs = read_link_kdf(sealed);
  NACRE_FUZZ_CHECK(needs.has_value() == link_data_key_version(sealed).has_value());
  if (!needs) return;
  NACRE_FUZZ_CHECK(needs->has_passphrase == is_acceptable(needs->cost));
  NACRE_FUZZ_CHECK(needs->salt == sealed.substr(2, kdf_salt_bytes));
}

void check_base62(std::string_view text) {
  secure_bytes value(32);
  const bool read = read_base62(text, value.data(), value.size());
  NACRE_FUZZ_CHECK(read == is_identifier(text));
  std::string again(identifier_chars, '?');
  write_base62(value.view(), again.data());
  if (read) NACRE_FUZZ_CHECK(again == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const world w;
  FuzzedDataProvider input{data, size};
  const auto what = input.ConsumeIntegral<std::uint8_t>();
  const auto where = input.ConsumeIntegral<std::uint32_t>();
  const auto how = input.ConsumeIntegral<std::uint32_t>();
  const auto payload = input.ConsumeRemainingBytesAsString();
  const seal_context place{{}, {}, "ots", "secret", std::string_view{payload}.substr(0, what % 8)};
  const auto* passphrase_key = what % 2 == 0 ? nullptr : &w.passphrase_key;
  const auto link_key = [&](std::string_view identifier, std::string_view sealed) {
    return open_link_key(w.keys, w.key, place, identifier, passphrase_key, sealed);
  };

  check_base62(payload);
  check_needs(payload);
  const auto foreign = link_key(w.identifier.view(), payload);
  NACRE_FUZZ_CHECK(!foreign && foreign.error().code != errc::unauthenticated);
  NACRE_FUZZ_CHECK(!open_with_key(w.keys, place, w.passphrase_key, payload));

  const auto sealed = seal_under_link(w.keys, w.key, place, w.identifier.view(), passphrase_key, w.salt, {}, payload);
  check_needs(sealed);
  const auto record_key = link_key(w.identifier.view(), sealed);
  NACRE_FUZZ_CHECK(record_key);
  const auto opened = open_with_key(w.keys, place, *record_key, sealed);
  NACRE_FUZZ_CHECK(opened && opened->view() == payload);
  const auto stranger = link_key(payload, sealed);
  NACRE_FUZZ_CHECK(!stranger && stranger.error().code == errc::unauthenticated);

  const auto other = changed(sealed, where, how);
  check_needs(other);
  if (other != sealed) {
    const auto key = link_key(w.identifier.view(), other);
    NACRE_FUZZ_CHECK(key || key.error().code != errc::unauthenticated);
    NACRE_FUZZ_CHECK(!key || !open_with_key(w.keys, place, *key, other));
  }
  return 0;
}

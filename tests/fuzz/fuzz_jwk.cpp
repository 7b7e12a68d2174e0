// The input is a key set. Whatever is kept has the one algorithm of its type, the sizes the rules name,
// and verifies none of the signatures that a weak key would take for any message.

#include <cstdlib>
#include <string>

#include "crypto/jws.hpp"
#include "tests/fuzz/check.hpp"

namespace {

using namespace nacre;
using namespace nacre::crypto;

std::string any_name(const verification_key& key) {
  if (!key.alg.empty()) return key.alg;
  switch (key.algorithm) {
    case jwt_algorithm::rs256:
      return "RS256";
    case jwt_algorithm::es256:
      return "ES256";
    case jwt_algorithm::eddsa:
      return "EdDSA";
    case jwt_algorithm::hs256:
      return "HS256";
  }
  return {};
}

void check_key(const key_set& set, const verification_key& key) {
  NACRE_FUZZ_CHECK(key.owns(any_name(key)));
  for (const char* name : {"none", "", "PS256", "RS1", "ES256K", "HS384", "rs256"}) NACRE_FUZZ_CHECK(!key.owns(name));
  NACRE_FUZZ_CHECK((key.key != nullptr) == (key.algorithm != jwt_algorithm::hs256));
  NACRE_FUZZ_CHECK(key.secret.size() >= 32 || key.algorithm != jwt_algorithm::hs256);
  if (key.kid) NACRE_FUZZ_CHECK(set.find(key.kid) == &key && !key.kid->empty() && key.kid->size() <= 128);
  if (key.algorithm == jwt_algorithm::rs256)
    NACRE_FUZZ_CHECK(key.signature_bytes >= 256 && key.signature_bytes <= 512);
  else
    NACRE_FUZZ_CHECK(key.signature_bytes == (key.algorithm == jwt_algorithm::hs256 ? 32U : 64U));

  compact_jws jws;
  jws.signing_input = "e30.e30";
  jws.alg = any_name(key);
  const auto verifies = [&](std::string signature) {
    jws.signature = std::move(signature);
    return check_signature(jws, key) == jwt_refusal::none;
  };
  for (const char fill : {'\0', '\1', '\xff'}) NACRE_FUZZ_CHECK(!verifies(std::string(key.signature_bytes, fill)));
  if (key.signature_bytes != 64) return;
  const std::string one = '\1' + std::string(31, '\0');
  NACRE_FUZZ_CHECK(!verifies(one + std::string(32, '\0')));             // R = identity, S = 0
  NACRE_FUZZ_CHECK(!verifies('\x58' + std::string(31, '\x66') + one));  // R = base point, S = 1
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string json{reinterpret_cast<const char*>(data), size};
  const auto file = key_set::parse(json, true);
  const auto remote = key_set::parse(json, false);
  if (file && remote) NACRE_FUZZ_CHECK((*remote)->size() <= (*file)->size());
  if (size > jwks_bytes_max) NACRE_FUZZ_CHECK(!file && !remote);
  if (file && size < jwks_bytes_max) {
    const auto again = key_set::parse(json + " ", true);
    NACRE_FUZZ_CHECK(again && (*again)->size() == (*file)->size());
  }
  if (file)
    for (const auto& key : (*file)->keys()) check_key(**file, key);
  if (remote)
    for (const auto& key : (*remote)->keys()) {
      NACRE_FUZZ_CHECK(key.algorithm != jwt_algorithm::hs256);
      check_key(**remote, key);
    }
  return 0;
}

// Ours against others: what we accept, libcjose (RS256, ES256, HS256) and libsodium (Ed25519) verify too.
#include <cjose/cjose.h>
#include <sodium.h>

#include <catch2/catch.hpp>

#include "crypto/jws.hpp"
#include "jose_kit.hpp"
#include "support.hpp"

using namespace nacre;
using namespace nacre::crypto;
using namespace nacre::crypto::test;

namespace {

bool cjose_verifies(const std::string& compact, const cjose_jwk_t* key) {
  cjose_err ignored;
  cjose_jws_t* jws = cjose_jws_import(compact.data(), compact.size(), &ignored);
  if (jws == nullptr) return false;
  const bool verified = cjose_jws_verify(jws, key, &ignored);
  cjose_jws_release(jws);
  return verified;
}

bool sodium_verifies(const std::string& compact, const std::string& x) {
  const auto dot = compact.rfind('.');
  if (dot == std::string::npos) return false;
  const auto signature = base64url_decode(std::string_view{compact}.substr(dot + 1));
  const auto raw = [](const std::string& s) { return reinterpret_cast<const unsigned char*>(s.data()); };
  return signature && signature->size() == crypto_sign_BYTES &&
         crypto_sign_verify_detached(raw(*signature), raw(compact), dot, raw(x)) == 0;
}

bool ours_verifies(const std::string& compact, const key_set& keys) {
  compact_jws jws;
  if (parse_compact(compact, jws) != jwt_refusal::none) return false;
  const auto* key = keys.find(jws.kid);
  return key != nullptr && check_signature(jws, *key) == jwt_refusal::none;
}

std::string random_payload(random_source& random) {
  std::string out = R"({"sub":")";
  for (std::size_t n = 1 + random.below(60); n > 0; --n) out.push_back(static_cast<char>('a' + random.below(26)));
  out += R"(","exp":)" + std::to_string(random.below(2'000'000'000)) + R"(,"x":")";
  out += base64url_encode(random.bytes(random.below(200))) + "\"}";
  return out;
}

const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ ";

// One to three small changes anywhere, or parts of two tokens put together.
std::string mutated(std::string token, const std::string& other, random_source& random) {
  for (std::size_t n = 1 + random.below(3); n > 0 && !token.empty(); --n) {
    const auto at = random.below(token.size());
    const auto digit = alphabet[random.below(alphabet.size())];
    switch (random.below(9)) {
      case 0:
        token[at] = digit;
        break;
      case 1:
        token.insert(at, 1, digit);
        break;
      case 2:
        token.erase(at, 1 + random.below(4));
        break;
      case 3:
        token.resize(at);
        break;
      case 4:
        token += digit;
        break;
      case 5:
        std::swap(token[at], token[random.below(token.size())]);
        break;
      case 6:
        token = token.substr(0, token.rfind('.') + 1) + other.substr(other.rfind('.') + 1);
        break;
      case 7:
        token = other.substr(0, other.find('.')) + token.substr(std::min(token.find('.'), token.size()));
        break;
      case 8: {  // a bit of the decoded signature
        const auto dot = token.rfind('.');
        auto signature = base64url_decode(std::string_view{token}.substr(dot == std::string::npos ? 0 : dot + 1));
        if (!signature || signature->empty() || dot == std::string::npos) break;
        auto& byte = (*signature)[random.below(signature->size())];
        byte = static_cast<char>(byte ^ (1 << random.below(8)));
        token = token.substr(0, dot + 1) + base64url_encode(*signature);
        break;
      }
      default:
        break;
    }
  }
  return token;
}

template <class Other>
void compare(const signer& key, random_source& random, Other&& other_verifies) {
  const auto set = key_set::parse(key_set_json({key.jwk()}), true);
  REQUIRE(set);
  std::vector<std::string> good;
  for (int i = 0; i < 60; ++i) {
    good.push_back(
        key.sign(random.below(2) == 0 ? key.header() : R"({"alg":")" + key.alg() + "\"}", random_payload(random)));
    REQUIRE(ours_verifies(good.back(), **set));
    REQUIRE(other_verifies(good.back()));
  }
  std::size_t accepted = 0;
  for (int i = 0; i < 2500; ++i) {
    const auto& from = good[random.below(good.size())];
    const std::string token = mutated(from, good[random.below(good.size())], random);
    if (!ours_verifies(token, **set)) continue;
    ++accepted;
    INFO(key.kid() << ", mutation " << i);
    REQUIRE(other_verifies(token));
    // Nobody but the key's owner makes a signing input; a signature may come back unchanged.
    REQUIRE(std::any_of(good.begin(), good.end(), [&](const std::string& each) { return each == token; }));
  }
  CHECK(accepted < 250);  // the mutations do mutate
}

}  // namespace

TEST_CASE("what we accept, libcjose verifies, and both accept what is well-formed", "[crypto][jwt][differential]") {
  random_source random{"jwt differential"};
  for (const auto& key : {signer::rsa("r"), signer::p256("e"), signer::hmac("h", random.bytes(48))}) {
    const std::string jwk = key.jwk();
    cjose_err error;
    cjose_jwk_t* theirs = cjose_jwk_import(jwk.data(), jwk.size(), &error);
    REQUIRE(theirs != nullptr);
    compare(key, random, [&](const std::string& token) { return cjose_verifies(token, theirs); });
    cjose_jwk_release(theirs);
  }
}

TEST_CASE("what we accept as Ed25519, libsodium verifies", "[crypto][jwt][differential]") {
  random_source random{"jwt differential Ed25519"};
  const auto key = signer::ed25519("d");
  const auto x = *base64url_decode(key.members().at("x").substr(1, 43));
  compare(key, random, [&](const std::string& token) { return sodium_verifies(token, x); });
}

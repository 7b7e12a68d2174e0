// Key sets as an attacker, or a careless issuer, would write them.
#include <openssl/evp.h>

#include <catch2/catch.hpp>

#include "crypto/jws.hpp"
#include "jose_kit.hpp"
#include "support.hpp"

using namespace nacre;
using namespace nacre::crypto;
using namespace nacre::crypto::test;

namespace {

// How many keys of the set are kept, or nothing if the set is refused.
std::optional<std::size_t> kept(const std::string& json, bool allow_symmetric = true) {
  const auto set = parse_jwks(json, allow_symmetric);
  if (!set) {
    CHECK(set.error().code == errc::invalid);
    return std::nullopt;
  }
  return (*set)->size();
}
std::size_t kept_of(const std::string& jwk, bool allow_symmetric = true) {
  return kept(key_set_json({jwk}), allow_symmetric).value_or(999);
}

const signer& rsa() {
  static const signer key = signer::rsa("rsa");
  return key;
}
const signer& ec() {
  static const signer key = signer::p256("ec");
  return key;
}
const signer& ed() {
  static const signer key = signer::ed25519("ed");
  return key;
}
const signer mac = signer::hmac("mac", std::string(32, 'm'));

}  // namespace

TEST_CASE("every supported kind of key is kept, and its declared algorithm must be its own", "[crypto][jwks]") {
  for (const auto* key : {&rsa(), &ec(), &ed(), &mac}) {
    INFO(key->kid());
    CHECK(kept_of(key->jwk()) == 1);
    CHECK(kept_of(key->jwk({{"use", R"("sig")"}, {"alg", in_quotes(key->alg())}, {"key_ops", R"(["verify"])"}})) == 1);
    CHECK(kept_of(key->jwk({{"x5c", R"(["AAAA"])"}, {"x5t", R"("AA")"}, {"unknown", "{}"}})) == 1);
    for (const char* alg :
         {"RS256", "ES256", "EdDSA", "HS256", "PS256", "RS1", "ES256K", "none", "", "rs256", "RSA-OAEP"})
      if (key->alg() != alg) CHECK(kept_of(key->jwk({{"alg", in_quotes(alg)}})) == 0);
    CHECK(kept_of(key->jwk({{"alg", "1"}})) == 0);
  }
}

TEST_CASE("keys meant for something else are dropped", "[crypto][jwks]") {
  for (const auto* key : {&rsa(), &ec(), &ed(), &mac}) {
    INFO(key->kid());
    for (const char* use : {R"("enc")", R"("SIG")", R"("")", "null", R"(["sig"])"})
      CHECK(kept_of(key->jwk({{"use", use}})) == 0);
    for (const char* ops : {"[]", R"(["encrypt"])", R"("verify")", "null", "[1]"})
      CHECK(kept_of(key->jwk({{"key_ops", ops}})) == 0);
    for (const char* kid : {"null", "1", R"("")", R"(["a"])"}) CHECK(kept_of(key->jwk({{"kid", kid}})) == 0);
    CHECK(kept_of(key->jwk({{"kid", in_quotes(std::string(128, 'k'))}})) == 1);
    CHECK(kept_of(key->jwk({{"kid", in_quotes(std::string(129, 'k'))}})) == 0);
    for (const char* kty : {"", R"("")", R"("rsa")", R"("OKPX")", "null", "7"})
      CHECK(kept_of(key->jwk({{"kty", kty}})) == 0);
  }
}

TEST_CASE("a key that shows private members is dropped", "[crypto][jwks]") {
  for (const auto* key : {&rsa(), &ec(), &ed()})
    for (const char* name : {"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
      for (const char* value : {R"("AQAB")", "null", "[]"}) CHECK(kept_of(key->jwk({{name, value}})) == 0);
}

TEST_CASE("symmetric keys come from operator files only and have 32 bytes or more", "[crypto][jwks]") {
  const auto with_bytes = [](std::size_t n) { return signer::hmac("m", std::string(n, 'x')).jwk(); };
  CHECK(kept_of(mac.jwk(), false) == 0);
  CHECK(kept_of(with_bytes(31)) == 0);
  CHECK(kept_of(with_bytes(32)) == 1);
  CHECK(kept_of(with_bytes(512)) == 1);
  for (const char* k : {"", "null", R"("")", R"("====")", R"("AAAA+AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")"})
    CHECK(kept_of(mac.jwk({{"k", k}})) == 0);
}

TEST_CASE("RSA keys have 2048 to 4096 bits and the exponent 65537", "[crypto][jwks]") {
  for (const int bits : {1024, 2040, 2047}) CHECK(kept_of(signer::rsa("r", bits).jwk()) == 0);
  CHECK(kept_of(signer::rsa("r", 3072).jwk()) == 1);
  const auto n = *base64url_decode(rsa().members().at("n").substr(1, 342));
  REQUIRE(n.size() == 256);
  const auto with_n = [](const std::string& bytes) { return rsa().jwk({{"n", in_quotes(base64url_encode(bytes))}}); };
  CHECK(kept_of(with_n(n)) == 1);
  CHECK(kept_of(with_n('\0' + n)) == 0);                   // RFC 7518 section 2: no leading zero octets
  CHECK(kept_of(with_n(n.substr(0, 255) + '\x02')) == 0);  // even
  CHECK(kept_of(with_n(std::string(256, '\xff'))) == 0);   // divisible by 3
  CHECK(kept_of(with_n(std::string(513, '\xff'))) == 0);   // 4104 bits
  CHECK(kept_of(with_n("")) == 0);
  for (const char* e : {R"("Aw")", R"("AQ")", R"("AAEAAQ")", R"("AQAA")", R"("AQAB=")", "65537", ""})
    CHECK(kept_of(rsa().jwk({{"e", e}})) == 0);
  CHECK(kept_of(rsa().jwk({{"n", ""}})) == 0);
  // Prime: nobody's modulus.
  CHECK(kept_of(with_n(
            bytes("ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b139b22514a08798e3404"
                  "ddef9519b3cd3a431b302b0a6df25f14374fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b0bff5cb6f4"
                  "06b7edee386bfb5a899fa5ae9f24117c4b1fe649286651ece45b3dc2007cb8a163bf0598da48361c55d39a69163f"
                  "a8fd24cf5f83655d23dca3ad961c62f356208552bb9ed529077096966d670c354e4abc9804f1746c08ca18217c32"
                  "905e462e36ce3be39e772c180e86039b2783a2ec07a28fb5c55df06f4c52c9de2bcbf6955817183995497cea956a"
                  "e515d2261898fa051015728e5a8aacaa68ffffffffffffffff"))) == 0);
}

TEST_CASE("a 4096 bit RSA key is kept and verifies", "[crypto][jwks]") {
  const auto key = signer::rsa("big", 4096);
  const auto set = key_set::parse(key_set_json({key.jwk()}), false);
  REQUIRE(set);
  compact_jws jws;
  const std::string token = key.sign("payload");
  REQUIRE(parse_compact(token, jws) == jwt_refusal::none);
  REQUIRE((*set)->find(jws.kid) != nullptr);
  CHECK(check_signature(jws, *(*set)->find(jws.kid)) == jwt_refusal::none);
}

TEST_CASE("P-256 keys are points of the curve with full-length coordinates", "[crypto][jwks]") {
  auto x = *base64url_decode(ec().members().at("x").substr(1, 43));
  const auto y = *base64url_decode(ec().members().at("y").substr(1, 43));
  const auto with = [](const char* name, const std::string& value) {
    return ec().jwk({{name, in_quotes(base64url_encode(value))}});
  };
  CHECK(kept_of(with("x", '\0' + x)) == 0);
  CHECK(kept_of(with("x", x.substr(1))) == 0);
  CHECK(kept_of(with("y", '\0' + y)) == 0);
  CHECK(kept_of(with("y", x)) == 0);  // off the curve
  CHECK(kept_of(with("x", std::string(32, '\xff'))) == 0);
  CHECK(kept_of(ec().jwk({{"x", in_quotes(base64url_encode(std::string(32, '\0')))},
                          {"y", in_quotes(base64url_encode(std::string(32, '\0')))}})) == 0);
  x[31] = static_cast<char>(x[31] ^ 1);
  CHECK(kept_of(with("x", x)) == 0);
  for (const char* crv : {R"("P-384")", R"("secp256k1")", R"("p-256")", "", "null"})
    CHECK(kept_of(ec().jwk({{"crv", crv}})) == 0);
  CHECK(kept_of(ec().jwk({{"y", ""}})) == 0);
}

TEST_CASE("Ed25519 keys are canonical points of the prime-order group", "[crypto][jwks]") {
  const auto with_x = [](const std::string& hex) {
    return kept_of(ed().jwk({{"x", in_quotes(base64url_encode(bytes(hex)))}}));
  };
  // Every small-order point in every spelling (the list of Cremers and Jackson, 2019).
  for (const char* hex : {"0100000000000000000000000000000000000000000000000000000000000000",
                          "0100000000000000000000000000000000000000000000000000000000000080",
                          "0000000000000000000000000000000000000000000000000000000000000000",
                          "0000000000000000000000000000000000000000000000000000000000000080",
                          "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                          "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
                          "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                          "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
                          "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                          "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
                          "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
                          "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
                          "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
                          "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85"})
    CHECK(with_x(hex) == 0);
  CHECK(with_x(std::string(62, 'f')) == 0);                                                // 31 bytes
  CHECK(with_x(std::string(66, '1')) == 0);                                                // 33 bytes
  CHECK(with_x("0200000000000000000000000000000000000000000000000000000000000000") == 0);  // on no curve
  for (const char* crv : {R"("Ed448")", R"("X25519")", R"("ed25519")", "", "null"})
    CHECK(kept_of(ed().jwk({{"crv", crv}})) == 0);
}

TEST_CASE("under the identity point anybody can sign, so such a key is never loaded", "[crypto][jwks]") {
  const std::string identity = bytes("01" + std::string(62, '0'));
  // R = the base point, S = 1: OpenSSL takes it for every message. This is why the filter exists.
  verification_key weak;
  weak.algorithm = jwt_algorithm::eddsa;
  weak.signature_bytes = 64;
  weak.key.reset(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr,
                                             reinterpret_cast<const unsigned char*>(identity.data()), identity.size()));
  compact_jws forged;
  const std::string token = join(R"({"alg":"EdDSA","kid":"ed"})", "anything",
                                 bytes("58" + std::string(62, '6') + "01" + std::string(62, '0')));
  REQUIRE(parse_compact(token, forged) == jwt_refusal::none);
  CHECK(check_signature(forged, weak) == jwt_refusal::none);

  const auto set = key_set::parse(key_set_json({ed().jwk({{"x", in_quotes(base64url_encode(identity))}})}), false);
  REQUIRE(set);
  CHECK((*set)->find(forged.kid) == nullptr);
}

TEST_CASE("a set is one JSON object with an array of objects, and at most 64 KiB", "[crypto][jwks]") {
  CHECK(kept(R"({"keys":[]})") == 0U);
  CHECK(kept(R"({"keys":[{}]})") == 0U);
  CHECK(kept(" {\"keys\":[" + ed().jwk() + "],\"more\":[1]}\n") == 1U);
  for (const char* bad :
       {"", " ", "null", "[]", "{}", R"({"keys":{}})", R"({"keys":null})", R"({"keys":["x"]})", R"({"keys":[null]})",
        R"({"keys":[[]]})", R"({"keys":[]}{"keys":[]})", R"({"keys":[]} x)", R"({"keys":[],"keys":[]})",
        R"({"keys":[{"kty":"oct","kty":"RSA"}]})", R"({"keys":[)", "{\"keys\":[],\"a\":\"\xff\"}"})
    CHECK_FALSE(kept(bad));
  CHECK_FALSE(kept(ed().jwk()));  // a bare key is no set
  const std::string set = key_set_json({ed().jwk()});
  CHECK(kept(set + std::string(64 * 1024 - set.size(), ' ')) == 1U);
  CHECK_FALSE(kept(set + std::string(64 * 1024 + 1 - set.size(), ' ')));
  CHECK_FALSE(kept(R"({"keys":[],"deep":)" + std::string(20, '[') + std::string(20, ']') + "}"));
}

TEST_CASE("a set in which two usable keys share a kid is refused as a whole", "[crypto][jwks]") {
  CHECK_FALSE(kept(key_set_json({ed().jwk(), ec().jwk({{"kid", R"("ed")"}})})));
  CHECK_FALSE(kept(key_set_json({ed().jwk(), ed().jwk()})));
  CHECK(kept(key_set_json({ed().jwk(), ec().jwk({{"kid", R"("ed")"}, {"use", R"("enc")"}})})) == 1U);
  CHECK(kept(key_set_json({ed().jwk({{"kid", ""}}), ec().jwk({{"kid", ""}})})) == 2U);
}

TEST_CASE("one unusable key does not spoil its neighbours", "[crypto][jwks]") {
  CHECK(kept(key_set_json({ed().jwk({{"use", R"("enc")"}}), ec().jwk(), R"({"kty":"future"})",
                           rsa().jwk({{"d", R"("AA")"}}), mac.jwk()})) == 2U);
}

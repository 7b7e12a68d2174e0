// SHA-256, HMAC and HKDF against the published vectors and against OpenSSL.

#include "crypto/digest.hpp"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "crypto/random.hpp"
#include "tests/crypto/support.hpp"

namespace nacre::crypto {
namespace {

using test::bytes;

std::string hex(const digest& d) { return to_hex(view(d)); }

const unsigned char* raw(std::string_view s) { return reinterpret_cast<const unsigned char*>(s.data()); }

std::string openssl_hmac(std::string_view key, std::string_view data) {
  std::string out(32, '\0');
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), raw(data), data.size(),
       reinterpret_cast<unsigned char*>(out.data()), &size);
  return out;
}

std::string openssl_hkdf(std::string key, std::string salt, std::string info, std::size_t size) {
  std::string out(size, '\0');
  char name[] = "SHA256";
  EVP_KDF* kdf = EVP_KDF_fetch(nullptr, "HKDF", nullptr);
  EVP_KDF_CTX* context = EVP_KDF_CTX_new(kdf);
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, name, 0),
                               OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, key.data(), key.size()),
                               OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, salt.data(), salt.size()),
                               OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info.data(), info.size()),
                               OSSL_PARAM_construct_end()};
  const int done = EVP_KDF_derive(context, reinterpret_cast<unsigned char*>(out.data()), size, params);
  EVP_KDF_CTX_free(context);
  EVP_KDF_free(kdf);
  REQUIRE(done == 1);
  return out;
}

TEST_CASE("SHA-256 gives the values of FIPS 180-4's examples", "[crypto][digest]") {
  CHECK(hex(sha256("")) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(hex(sha256("abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(hex(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")) ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST_CASE("HMAC-SHA-256 gives the values of RFC 4231", "[crypto][digest]") {
  struct vector {
    std::string key, data, mac;
  };
  const vector vectors[] = {
      {std::string(20, '\x0b'), "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
      {"Jefe", "what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {std::string(20, '\xaa'), std::string(50, '\xdd'),
       "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
      {bytes("0102030405060708090a0b0c0d0e0f10111213141516171819"), std::string(50, '\xcd'),
       "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
      {std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First",
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
      {std::string(131, '\xaa'),
       "This is a test using a larger than block-size key and a larger than block-size data. The key needs to be "
       "hashed before being used by the HMAC algorithm.",
       "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
  };
  for (const auto& v : vectors) CHECK(hex(hmac_sha256(v.key, v.data)) == v.mac);
  // Case 5 is published cut to 128 bits.
  CHECK(hex(hmac_sha256(std::string(20, '\x0c'), "Test With Truncation")).substr(0, 32) ==
        "a3b6167473100ee06e0c796c2955552b");
}

TEST_CASE("HKDF-SHA-256 gives the values of RFC 5869", "[crypto][digest]") {
  CHECK(to_hex(
            hkdf_sha256(std::string(22, '\x0b'), bytes("000102030405060708090a0b0c"), bytes("f0f1f2f3f4f5f6f7f8f9"), 42)
                .view()) == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
  const auto run = [](int from, int to) {
    std::string out;
    for (int i = from; i <= to; ++i) out.push_back(static_cast<char>(i));
    return out;
  };
  CHECK(to_hex(hkdf_sha256(run(0x00, 0x4f), run(0x60, 0xaf), run(0xb0, 0xff), 82).view()) ==
        "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
        "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87");
  CHECK(to_hex(hkdf_sha256(std::string(22, '\x0b'), {}, {}, 42).view()) ==
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

TEST_CASE("digests equal OpenSSL's on random inputs", "[crypto][digest][cross]") {
  test::random_source random{"digests equal OpenSSL's"};
  for (int round = 0; round < 2000; ++round) {
    const auto key = random.bytes(random.below(200));
    const auto data = random.bytes(random.below(600));
    std::string openssl(32, '\0');
    EVP_Digest(data.data(), data.size(), reinterpret_cast<unsigned char*>(openssl.data()), nullptr, EVP_sha256(),
               nullptr);
    REQUIRE(view(sha256(data)) == openssl);
    REQUIRE(view(hmac_sha256(key, data)) == openssl_hmac(key, data));
    const std::string_view whole = data;
    const auto cut = random.below(data.size() + 1);
    REQUIRE(hmac_sha256(key, {whole.substr(0, cut), "", whole.substr(cut)}) == hmac_sha256(key, data));
    const auto ikm = random.bytes(1 + random.below(80));
    const auto size = 1 + random.below(255);
    REQUIRE(hkdf_sha256(ikm, key, data, size).view() == openssl_hkdf(ikm, key, data, size));
  }
}

TEST_CASE("hex is written in lower case, read in either, and refuses all else", "[crypto][digest]") {
  CHECK(to_hex("") == "");
  CHECK(to_hex(std::string_view("\x00\x9f\xff", 3)) == "009fff");
  CHECK(from_hex("009fFF") == std::string("\x00\x9f\xff", 3));
  CHECK(from_hex("") == "");
  for (const auto* bad : {"0", "0g", "g0", "0x00", " 00", "00 ", "-1", "00\n", "\xc3\xa9"}) CHECK_FALSE(from_hex(bad));
  test::random_source random{"hex"};
  for (int round = 0; round < 500; ++round) {
    const auto data = random.bytes(random.below(64));
    REQUIRE(from_hex(to_hex(data)) == data);
  }
}

TEST_CASE("equal compares contents, and lengths first", "[crypto][secure_bytes]") {
  CHECK(equal("", ""));
  CHECK(equal("same", "same"));
  CHECK_FALSE(equal("same", "sam"));
  CHECK_FALSE(equal("", "x"));
  for (std::size_t i = 0; i < 32; ++i) {
    std::string a(32, 'k');
    auto b = a;
    b[i] = static_cast<char>(b[i] ^ 1);
    CHECK_FALSE(equal(a, b));
  }
}

TEST_CASE("moved-from secure and guarded bytes are empty, clones are independent", "[crypto][secure_bytes]") {
  secure_bytes a{std::string_view{"key material"}};
  auto b = std::move(a);
  CHECK(a.empty());
  CHECK(b.view() == "key material");
  auto c = b.clone();
  c.data()[0] = 'K';
  CHECK(b.view() == "key material");
  b = std::move(c);
  CHECK(b.view() == "Key material");

  guarded_bytes g{"long-lived"};
  auto h = std::move(g);
  CHECK(g.size() == 0);
  CHECK(h.view() == "long-lived");
  g = std::move(h);
  CHECK(g.view() == "long-lived");
}

TEST_CASE("random bytes do not repeat and random uuids are version 4", "[crypto][random]") {
  CHECK(random_bytes(0).empty());
  CHECK(random_bytes(32).view() != random_bytes(32).view());
  CHECK(random_bytes(1 << 20).size() == 1 << 20);  // more than one getrandom call may give
  for (int i = 0; i < 100; ++i) {
    const auto id = random_uuid();
    CHECK((id.bytes[6] & 0xf0) == 0x40);
    CHECK((id.bytes[8] & 0xc0) == 0x80);
    CHECK(id != random_uuid());
  }
}

}  // namespace
}  // namespace nacre::crypto

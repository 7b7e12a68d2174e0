// Blob v1: what opens, what must not, and that nothing comes out of what does not.

#include "crypto/aead.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <set>

#include "crypto/gcm.hpp"
#include "crypto/random.hpp"
#include "tests/crypto/support.hpp"

namespace nacre::crypto {
namespace {

using test::bytes;
using test::bytes_of;

const unsigned char* raw(std::string_view s) { return reinterpret_cast<const unsigned char*>(s.data()); }
unsigned char* raw(std::string& s) { return reinterpret_cast<unsigned char*>(s.data()); }

struct message {
  std::string key, nonce, aad, plaintext, ciphertext, tag;
  std::size_t cut = 0;  // ours is given the aad in pieces: before, nothing, and from here on

  std::string_view before() const { return std::string_view{aad}.substr(0, cut); }
  std::string_view behind() const { return std::string_view{aad}.substr(cut); }
};

std::pair<std::string, std::string> ours(const message& m) {
  std::string ciphertext(m.plaintext.size(), '\0'), tag(gcm::tag_bytes, '\0');
  gcm::encrypt(gcm::key_span{raw(m.key), 32}, gcm::nonce_span{raw(m.nonce), 12}, {m.before(), "", m.behind()},
               m.plaintext, raw(ciphertext), std::span<std::uint8_t, 16>{raw(tag), 16});
  return {ciphertext, tag};
}

// Returns whether it authenticated; `out` is what the buffer holds afterwards.
bool ours_open(const message& m, std::string& out) {
  out.assign(m.ciphertext.size(), '\x5a');
  return gcm::decrypt(gcm::key_span{raw(m.key), 32}, gcm::nonce_span{raw(m.nonce), 12}, {m.before(), "", m.behind()},
                      m.ciphertext, std::span<const std::uint8_t, 16>{raw(m.tag), 16}, raw(out));
}

std::pair<std::string, std::string> openssl(const message& m) {
  std::string ciphertext(m.plaintext.size(), '\0'), tag(16, '\0');
  EVP_CIPHER_CTX* c = EVP_CIPHER_CTX_new();
  int n = 0;
  EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), nullptr, raw(m.key), raw(m.nonce));
  if (!m.aad.empty()) EVP_EncryptUpdate(c, nullptr, &n, raw(m.aad), static_cast<int>(m.aad.size()));
  if (!m.plaintext.empty())
    EVP_EncryptUpdate(c, raw(ciphertext), &n, raw(m.plaintext), static_cast<int>(m.plaintext.size()));
  unsigned char rest[16];
  EVP_EncryptFinal_ex(c, rest, &n);
  EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, 16, tag.data());
  EVP_CIPHER_CTX_free(c);
  return {ciphertext, tag};
}

secure_bytes key_of(char c) { return secure_bytes{std::string(key_bytes, c)}; }

TEST_CASE("AES-256-GCM gives the published values", "[crypto][aead]") {
  const std::string key15 = bytes("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
  const std::string text15 = bytes(
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657"
      "ba637b391aafd255");
  const std::string cipher15 = bytes(
      "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0a"
      "bcc9f662898015ad");
  const message vectors[] = {
      // McGrew and Viega, "The Galois/Counter Mode of Operation", test cases 13 to 16 (cited by SP 800-38D).
      {std::string(32, '\0'), std::string(12, '\0'), "", "", "", bytes("530f8afbc74536b9a963b4f1c4cb738b")},
      {std::string(32, '\0'), std::string(12, '\0'), "", std::string(16, '\0'),
       bytes("cea7403d4d606b6e074ec5d3baf39d18"), bytes("d0d1c8a799996bf0265b98b5d48ab919")},
      {key15, bytes("cafebabefacedbaddecaf888"), "", text15, cipher15, bytes("b094dac5d93471bdec1a502270e3cc6c")},
      {key15, bytes("cafebabefacedbaddecaf888"), bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2"),
       text15.substr(0, 60), cipher15.substr(0, 60), bytes("76fc6ece0f4e1768cddf8853bb2d551b")},
      // CAVP gcmEncryptExtIV256.rsp, the first vector of PTlen 0, of PTlen 128, and of PTlen 128 with AADlen 128.
      {bytes("b52c505a37d78eda5dd34f20c22540ea1b58963cf8e5bf8ffa85f9f2492505b4"), bytes("516c33929df5a3284ff463d7"), "",
       "", "", bytes("bdc1ac884d332457a1d2664f168c76f0")},
      {bytes("31bdadd96698c204aa9ce1448ea94ae1fb4a9a0b3c9d773b51bb1822666b8f22"), bytes("0d18e06c7c725ac9e362e1ce"), "",
       bytes("2db5168e932556f8089a0622981d017d"), bytes("fa4362189661d163fcd6a56d8bf0405a"),
       bytes("d636ac1bbedd5cc3ee727dc2ab4a9489")},
      {bytes("92e11dcdaa866f5ce790fd24501f92509aacf4cb8b1339d50c9c1240935dd08b"), bytes("ac93a1a6145299bde902f21a"),
       bytes("1e0889016f67601c8ebea4943bc23ad6"), bytes("2d71bcfa914e4ac045b2aa60955fad24"),
       bytes("8995ae2e6df3dbf96fac7b7137bae67f"), bytes("eca5aa77d51d4a0a14d9c51e1da474ab")},
  };
  for (const auto& v : vectors) {
    CHECK(ours(v) == std::pair{v.ciphertext, v.tag});
    std::string out;
    CHECK(ours_open(v, out));
    CHECK(out == v.plaintext);
  }
}

TEST_CASE("AES-256-GCM equals OpenSSL's on random inputs", "[crypto][aead][cross]") {
  test::random_source random{"AES-256-GCM equals OpenSSL's"};
  for (int round = 0; round < 4000; ++round) {
    message m{
        random.bytes(32), random.bytes(12), random.bytes(random.below(100)), random.bytes(random.below(500)), "", ""};
    std::tie(m.ciphertext, m.tag) = openssl(m);
    m.cut = random.below(m.aad.size() + 1);
    REQUIRE(ours(m) == std::pair{m.ciphertext, m.tag});
    std::string out;
    m.cut = random.below(m.aad.size() + 1);
    REQUIRE(ours_open(m, out));
    REQUIRE(out == m.plaintext);
  }
}

TEST_CASE("T-no-release: after a bad tag the output buffer holds zeros, not plaintext", "[crypto][aead]") {
  test::random_source random{"T-no-release"};
  for (int round = 0; round < 200; ++round) {
    message m{random.bytes(32), random.bytes(12), "aad", random.bytes(1 + random.below(300)), "", ""};
    std::tie(m.ciphertext, m.tag) = ours(m);
    m.tag[random.below(16)] ^= static_cast<char>(1 << random.below(8));
    std::string out;
    REQUIRE_FALSE(ours_open(m, out));
    REQUIRE(out == std::string(m.ciphertext.size(), '\0'));
  }
}

TEST_CASE("what is sealed opens under the same key and binding, at every length", "[crypto][aead]") {
  const auto key = random_bytes(key_bytes);
  const guarded_bytes same_key{key.view()};
  for (std::size_t size = 0; size < 130; ++size) {
    const std::string text(size, 'p');
    const auto blob = seal(key, 7, "aad", text);
    CHECK(blob.size() == blob_overhead_bytes + size);
    CHECK(key_version_of(blob) == 7u);
    const auto opened = open(key, "aad", blob);
    REQUIRE(opened);
    CHECK(bytes_of(*opened) == text);
    CHECK(open(same_key, "aad", blob));
    CHECK(open(key, "aad", seal(same_key, 7, "aad", text)));
  }
}

TEST_CASE("blob v1 has the written layout, checked with OpenSSL alone", "[crypto][aead]") {
  const auto key = bytes("a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf");
  const std::string aad = "bound to this", text = "the plaintext";
  const auto blob = seal(secure_bytes{key}, 0x01020304, aad, text);
  CHECK(blob.substr(0, 7) == bytes("4e310101020304"));
  const auto nonce = blob.substr(7, 12);

  const auto committed = "nacre/commit/v1" + aad;
  std::string commit(32, '\0');
  HMAC(EVP_sha256(), key.data(), 32, raw(committed), committed.size(), raw(commit), nullptr);
  CHECK(blob.substr(19, 32) == commit);
  const auto [ciphertext, tag] = openssl({key, nonce, blob.substr(0, 7) + aad, text, "", ""});
  CHECK(blob.substr(51) == ciphertext + tag);
}

TEST_CASE("every flipped bit of a blob is refused", "[crypto][aead]") {
  const auto key = random_bytes(key_bytes);
  for (const std::string text : {"", "x", "a plaintext of more than one cipher block"}) {
    const auto blob = seal(key, 1, "aad", text);
    for (std::size_t bit = 0; bit < 8 * blob.size(); ++bit) {
      auto changed = blob;
      changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ 1 << bit % 8);
      const auto opened = open(key, "aad", changed);
      REQUIRE_FALSE(opened);
      REQUIRE(opened.error().code == errc::corrupt);
    }
  }
}

TEST_CASE("T-short-tag: every truncation and every extension of a blob is refused", "[crypto][aead]") {
  const auto key = random_bytes(key_bytes);
  for (const std::string text : {"", "a plaintext of more than one cipher block"}) {
    const auto blob = seal(key, 1, "aad", text);
    for (std::size_t size = 0; size < blob.size(); ++size) {
      REQUIRE_FALSE(open(key, "aad", blob.substr(0, size)));
      REQUIRE_FALSE(open(key, "aad", blob.substr(blob.size() - size)));
    }
    CHECK_FALSE(open(key, "aad", blob + '\0'));
    CHECK_FALSE(open(key, "aad", '\0' + blob));
    CHECK_FALSE(open(key, "aad", blob + blob));
  }
}

TEST_CASE("a wrong key or binding gives nothing back and does not say which it was", "[crypto][aead]") {
  const auto blob = seal(key_of('k'), 1, "aad", "plaintext");
  std::set<std::string> texts;
  const auto refused = [&](const result<secure_bytes>& r) {
    REQUIRE_FALSE(r);
    CHECK(r.error().code == errc::corrupt);
    texts.insert(r.error().text);
  };
  refused(open(key_of('K'), "aad", blob));
  refused(open(key_of('k'), "aaD", blob));
  refused(open(key_of('k'), "", blob));
  refused(open(key_of('k'), "aad", "N1"));
  refused(open(key_of('k'), "aad", ""));
  refused(open(secure_bytes{std::string(16, 'k')}, "aad", blob));
  refused(open(secure_bytes{}, "aad", blob));
  auto bad_tag = blob;
  bad_tag.back() = static_cast<char>(bad_tag.back() ^ 1);
  refused(open(key_of('k'), "aad", bad_tag));
  CHECK(texts.size() == 1);
}

TEST_CASE("a blob that GCM accepts under a second key is refused: it commits to its key", "[crypto][aead]") {
  // What an attacker with both keys could build: right tag under the other key, commitment of the first.
  const std::string first(32, '1'), second(32, '2'), aad = "aad", text = "text";
  const auto honest = seal(secure_bytes{first}, 1, aad, text);
  const auto [ciphertext, tag] = openssl({second, honest.substr(7, 12), honest.substr(0, 7) + aad, text, "", ""});
  const auto forged = honest.substr(0, 51) + ciphertext + tag;
  CHECK_FALSE(open(secure_bytes{second}, aad, forged));
  CHECK_FALSE(open(secure_bytes{first}, aad, forged));
}

TEST_CASE("unknown magic and suites fail closed, also for the key version", "[crypto][aead]") {
  const auto key = key_of('k');
  const auto blob = seal(key, 1, "aad", "text");
  for (int c = 0; c < 256; ++c)
    for (const std::size_t at : {0, 1, 2}) {
      auto changed = blob;
      changed[at] = static_cast<char>(c);
      if (changed == blob) continue;
      CHECK_FALSE(open(key, "aad", changed));
      CHECK_FALSE(key_version_of(changed));
    }
  CHECK_FALSE(key_version_of(""));
  CHECK_FALSE(key_version_of("N1\x01"));
}

TEST_CASE("sealing twice never gives the same nonce or the same bytes", "[crypto][aead]") {
  const auto key = key_of('k');
  std::set<std::string> nonces;
  for (int i = 0; i < 2000; ++i) nonces.insert(seal(key, 1, "aad", "text").substr(7, 12));
  CHECK(nonces.size() == 2000);
}

TEST_CASE("the binding is encoded as documented", "[crypto][aead]") {
  const auto encoded = encode({.cluster = "cc",
                               .workspace = "",
                               .record = "r",
                               .kind = "pat",
                               .field = "token",
                               .record_version = 0x01020304,
                               .policy_hash = "h"});
  CHECK(to_hex(encoded) ==
        "0000000c6e616372652f6161642f7631"
        "000000026363"
        "00000000"
        "0000000172"
        "00000003706174"
        "00000005746f6b656e"
        "0000000401020304"
        "0000000168");
}

TEST_CASE("T-aad-injective: moving bytes between neighbouring parts changes the encoding", "[crypto][aead]") {
  test::random_source random{"T-aad-injective"};
  // A tiny alphabet, so that equal concatenations are common and only the lengths tell them apart.
  std::map<std::string, std::array<std::string, 6>> seen;
  for (int round = 0; round < 20000; ++round) {
    std::array<std::string, 6> parts;
    for (auto& p : parts)
      for (auto n = random.below(3); n > 0; --n) p.push_back(random.below(2) ? '\1' : '\0');
    const auto [at, fresh] = seen.try_emplace(encode({.cluster = parts[0],
                                                      .workspace = parts[1],
                                                      .record = parts[2],
                                                      .kind = parts[3],
                                                      .field = parts[4],
                                                      .record_version = 1,
                                                      .policy_hash = parts[5]}),
                                              parts);
    REQUIRE(at->second == parts);
  }
}

}  // namespace
}  // namespace nacre::crypto

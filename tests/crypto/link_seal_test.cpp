// Sealing under a link: opens with data key, identifier and passphrase together, in its own place, and not otherwise.
// T-ots-needs-link, T-aad-swap for one-time secrets.

#include <sys/resource.h>

#include <vector>

#include "crypto/one_time.hpp"
#include "crypto/random.hpp"
#include "model/limits.hpp"
#include "tests/crypto/support.hpp"

namespace nacre::crypto {
namespace {

using test::bytes;
using test::record;
using test::workspace;

constexpr kdf_cost cheap{.memory_kib = 8, .passes = 1};
constexpr std::size_t head_bytes = 30, wrapped_at = head_bytes + 4;
constexpr std::size_t ciphertext_at = wrapped_at + 2 * blob_overhead_bytes + 32;

struct world {
  keyring keys = test::fresh_keyring();
  data_key key = test::value(keys.open_data_key(workspace(1), 9, keys.make_data_key(workspace(1), 9)));
  seal_context where{workspace(1), record(7), "ots", "secret", "ttl=60"};
  secure_bytes identifier = make_identifier();
  std::string salt = make_salt();
  secure_bytes passphrase_key = test::value(stretch("correct horse", salt, cheap));

  std::string sealed(bool with_passphrase, std::string_view text = "the secret") const {
    return seal_under_link(keys, key, where, identifier.view(), with_passphrase ? &passphrase_key : nullptr, salt,
                           cheap, text);
  }
  result<secure_bytes> link_key(const std::string& bytes_sealed, bool with_passphrase) const {
    return open_link_key(keys, key, where, identifier.view(), with_passphrase ? &passphrase_key : nullptr,
                         bytes_sealed);
  }
  // All the way to the text.
  result<secure_bytes> opened(const std::string& bytes_sealed, bool with_passphrase) const {
    auto record_key = link_key(bytes_sealed, with_passphrase);
    if (!record_key) return record_key;
    return open_with_key(keys, where, *record_key, bytes_sealed);
  }
};

template <class T>
errc refusal(const result<T>& opened) {
  REQUIRE_FALSE(opened);
  return opened.error().code;
}

TEST_CASE("stretch is Argon2id v19 with one lane: published and independently made values", "[crypto][kdf]") {
  // hashcat's example of mode 34000, $argon2id$v=19$m=65536,t=3,p=1$...
  CHECK(to_hex(test::value(
                   stretch("hashcat", bytes("14132323844906123290282897528424"), {.memory_kib = 65536, .passes = 3}))
                   .view()) == "da4cb91807614f5907e242203cdfe81111374da8b2e37bcd37bd1adc7a622905");
  // Made with the reference implementation, libargon2 20171227.
  CHECK(to_hex(test::value(stretch("correct horse", bytes("000102030405060708090a0b0c0d0e0f"), {})).view()) ==
        "b6da2075dd7ec84d92f3fa3453fa226a403991a09cfec1777da0c29b39e4fdb1");
  CHECK(to_hex(test::value(stretch("p\xc3\xa4ssw\xc3\xb6rd", std::string(16, '\xff'), cheap)).view()) ==
        "26aedd07a89c071f528147ec309f973150dd44846acde9aefd9616a4b7d9a5ee");
}

TEST_CASE("stretch depends on each of its arguments", "[crypto][kdf]") {
  const auto salt = make_salt();
  CHECK(salt.size() == kdf_salt_bytes);
  CHECK(make_salt() != salt);
  const auto key = test::value(stretch("passphrase", salt, cheap));
  CHECK(key.size() == key_bytes);
  CHECK(test::value(stretch("passphrase", salt, cheap)).view() == key.view());
  CHECK(test::value(stretch("passphrase ", salt, cheap)).view() != key.view());
  CHECK(test::value(stretch("Passphrase", salt, cheap)).view() != key.view());
  CHECK(test::value(stretch(std::string_view{"passphrase\0", 11}, salt, cheap)).view() != key.view());
  CHECK(test::value(stretch("", salt, cheap)).view() != key.view());
  CHECK(test::value(stretch("passphrase", make_salt(), cheap)).view() != key.view());
  CHECK(test::value(stretch("passphrase", salt, {.memory_kib = 9, .passes = 1})).view() != key.view());
  CHECK(test::value(stretch("passphrase", salt, {.memory_kib = 8, .passes = 2})).view() != key.view());
}

TEST_CASE("a cost out of bounds is refused before any memory is taken", "[crypto][kdf]") {
  const std::vector<kdf_cost> refused{{0, 2},
                                      {limits::kdf_memory_kib_min - 1, 2},
                                      {limits::kdf_memory_kib_max + 1, 2},
                                      {0xffffffff, 2},
                                      {8, 0},
                                      {8, limits::kdf_passes_max + 1},
                                      {8, 0xffffffff}};
  for (const auto cost : refused) {
    CHECK_FALSE(is_acceptable(cost));
    CHECK(refusal(stretch("passphrase", make_salt(), cost)) == errc::invalid);
  }
  CHECK(is_acceptable({}));
  CHECK(is_acceptable({limits::kdf_memory_kib_max, limits::kdf_passes_max}));
  CHECK(is_acceptable({limits::kdf_memory_kib_min, limits::kdf_passes_min}));
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // these take address space as they like
TEST_CASE("no memory for a passphrase is busy, and passes", "[crypto][kdf]") {
  const auto salt = make_salt();
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_AS, &before) == 0);
  rlimit tight = before;
  tight.rlim_cur = 64 * 1024 * 1024;  // less than what is asked for, whatever else this process has
  REQUIRE(setrlimit(RLIMIT_AS, &tight) == 0);
  const auto starved = stretch("passphrase", salt, {.memory_kib = 128 * 1024, .passes = 1});
  REQUIRE(setrlimit(RLIMIT_AS, &before) == 0);
  CHECK(refusal(starved) == errc::busy);
  CHECK(stretch("passphrase", salt, {.memory_kib = 128 * 1024, .passes = 1}));
}
#endif

TEST_CASE("what is sealed under a link opens with link and passphrase, and says what it needs", "[crypto][link_seal]") {
  const world w;
  for (const bool protect : {false, true})
    for (const std::size_t size : {0u, 1u, 77u, 10'000u}) {
      const std::string text(size, 't');
      const auto sealed = w.sealed(protect, text);
      const auto needs = read_link_kdf(sealed);
      REQUIRE(needs);
      CHECK(needs->has_passphrase == protect);
      CHECK(needs->salt == w.salt);
      CHECK(needs->cost.memory_kib == (protect ? cheap.memory_kib : 0));
      CHECK(needs->cost.passes == (protect ? cheap.passes : 0));
      CHECK(link_data_key_version(sealed) == 9u);
      const auto opened = w.opened(sealed, protect);
      REQUIRE(opened);
      CHECK(opened->view() == text);
      const auto again = w.sealed(protect, text);  // a fresh record key each time
      CHECK(again != sealed);
      CHECK(test::value(w.link_key(again, protect)).view() != test::value(w.link_key(sealed, protect)).view());
    }
}

TEST_CASE("the layers are the documented ones", "[crypto][link_seal]") {
  const world w;
  for (const bool protect : {false, true}) {
    const auto sealed = w.sealed(protect);
    const auto aad = [&](std::string kind) {
      const digest policy = sha256(w.where.policy);
      return encode({.cluster = w.keys.cluster_id(),
                     .workspace = w.where.workspace.value().view(),
                     .record = w.where.record.view(),
                     .kind = kind,
                     .field = "secret",
                     .record_version = 1,
                     .policy_hash = view(policy)});
    };
    const auto wrapped = sealed.substr(wrapped_at, ciphertext_at - wrapped_at);
    const auto inner = test::value(open(w.key.key, aad("ots-wrap") + sealed.substr(0, head_bytes), wrapped));
    const auto input = test::bytes_of(w.identifier) + (protect ? test::bytes_of(w.passphrase_key) : "");
    const auto record_key =
        test::value(open(hkdf_sha256(input, w.salt, aad("ots-link"), 32), aad("ots-link"), inner.view()));
    CHECK(test::value(open(record_key, aad("ots"), sealed.substr(ciphertext_at))).view() == "the secret");
    CHECK(test::value(w.link_key(sealed, protect)).view() == record_key.view());
  }
}

TEST_CASE("T-ots-needs-link: wrong link, wrong or missing passphrase is unauthenticated", "[crypto][link_seal]") {
  const world w;
  const auto open_by = [&](const std::string& sealed, std::string_view identifier, const secure_bytes* passphrase) {
    return refusal(open_link_key(w.keys, w.key, w.where, identifier, passphrase, sealed));
  };
  const auto wrong_passphrase = test::value(stretch("correct horsE", w.salt, cheap));
  const auto other_salt = test::value(stretch("correct horse", make_salt(), cheap));
  const auto own = test::bytes_of(w.identifier);

  const auto open_to_link = w.sealed(false);
  CHECK(open_by(open_to_link, make_identifier().view(), nullptr) == errc::unauthenticated);
  CHECK(open_by(open_to_link, "", nullptr) == errc::unauthenticated);
  CHECK(open_by(open_to_link, own.substr(1), nullptr) == errc::unauthenticated);
  CHECK(open_by(open_to_link, own + "0", nullptr) == errc::unauthenticated);
  CHECK(open_by(open_to_link, own, &w.passphrase_key) == errc::unauthenticated);

  const auto with_both = w.sealed(true);
  CHECK(open_by(with_both, own, nullptr) == errc::unauthenticated);
  CHECK(open_by(with_both, own, &wrong_passphrase) == errc::unauthenticated);
  CHECK(open_by(with_both, own, &other_salt) == errc::unauthenticated);
  CHECK(open_by(with_both, make_identifier().view(), &w.passphrase_key) == errc::unauthenticated);
  CHECK(open_by(with_both, make_identifier().view(), nullptr) == errc::unauthenticated);

  // Every single character of the identifier counts.
  for (std::size_t at = 0; at < own.size(); ++at) {
    auto near = own;
    near[at] = near[at] == 'b' ? 'a' : 'b';
    REQUIRE(open_by(open_to_link, near, nullptr) == errc::unauthenticated);
  }
}

TEST_CASE("T-ots-needs-link: the data key alone opens neither layer nor text", "[crypto][link_seal]") {
  const world w;
  const auto sealed = w.sealed(false);
  const auto aad = [&](const char* kind) {
    auto where = w.where;
    where.kind = kind;
    return encode(w.keys.cluster_id(), where);
  };
  const auto wrapped = sealed.substr(wrapped_at, ciphertext_at - wrapped_at);
  const auto inner = test::value(open(w.key.key, aad("ots-wrap") + sealed.substr(0, head_bytes), wrapped));
  CHECK(inner.size() == blob_overhead_bytes + key_bytes);  // still a blob, no key
  for (const auto* kind : {"ots", "ots-link", "ots-wrap"}) {
    CHECK(refusal(open(w.key.key, aad(kind), inner.view())) == errc::corrupt);
    CHECK(refusal(open(w.key.key, aad(kind), sealed.substr(ciphertext_at))) == errc::corrupt);
    CHECK(refusal(open(hkdf_sha256("", w.salt, aad("ots-link"), 32), aad(kind), inner.view())) == errc::corrupt);
  }
  CHECK(refusal(open_with_key(w.keys, w.where, w.key.key, sealed)) == errc::corrupt);
  CHECK(refusal(w.keys.open(w.key, w.where, sealed)) == errc::corrupt);
  CHECK(sealed.find(w.identifier.view()) == std::string::npos);
}

TEST_CASE("link and passphrase without the data key open nothing", "[crypto][link_seal]") {
  world w;
  const auto sealed = w.sealed(true);
  auto right = std::move(w.key);
  w.key = test::value(w.keys.open_data_key(workspace(1), 9, w.keys.make_data_key(workspace(1), 9)));
  CHECK(refusal(w.link_key(sealed, true)) == errc::corrupt);
  w.key = data_key{};
  CHECK(refusal(w.link_key(sealed, true)) == errc::corrupt);
  w.key = std::move(right);
  CHECK(w.link_key(sealed, true));
  CHECK(refusal(open_with_key(w.keys, w.where, random_bytes(32), sealed)) == errc::corrupt);
  CHECK(refusal(open_with_key(w.keys, w.where, secure_bytes{}, sealed)) == errc::corrupt);
}

TEST_CASE("T-aad-swap: under a link, too, nothing opens in another place", "[crypto][link_seal]") {
  const auto root = test::provider(test::root_hex_a);
  auto service = make_service_keys();
  const auto stored = wrap_service_keys(*root, service);
  world w;
  w.keys = keyring{root, std::move(service)};
  const auto sealed = w.sealed(true);
  const auto record_key = test::value(w.link_key(sealed, true));
  REQUIRE(w.opened(sealed, true));
  const auto own = w.where;

  std::vector<seal_context> elsewhere(8, own);
  elsewhere[0].workspace = workspace(2);
  elsewhere[1].record = record(8);
  elsewhere[2].kind = "otr";
  elsewhere[3].field = "memo";
  elsewhere[4].policy = "ttl=61";
  elsewhere[5].policy = "";
  elsewhere[6].kind = "ots-wrap";
  elsewhere[7].kind = "otss";  // bytes moved between two parts
  elsewhere[7].field = "ecret";
  for (const auto& moved : elsewhere) {
    w.where = moved;
    CHECK(refusal(w.link_key(sealed, true)) == errc::corrupt);
    CHECK(refusal(open_with_key(w.keys, moved, record_key, sealed)) == errc::corrupt);
  }
  w.where = own;
  auto foreign = test::value(unwrap_service_keys(*root, stored));
  foreign.cluster_id[0] = static_cast<char>(foreign.cluster_id[0] ^ 1);
  w.keys = keyring{root, std::move(foreign)};
  CHECK(refusal(w.link_key(sealed, true)) == errc::corrupt);
  CHECK(refusal(open_with_key(w.keys, own, record_key, sealed)) == errc::corrupt);
}

TEST_CASE("link-sealed bytes with any bit changed, cut, added or spliced do not open", "[crypto][link_seal]") {
  const world w;
  for (const bool protect : {false, true}) {
    const auto sealed = w.sealed(protect, "some text");
    for (std::size_t bit = 0; bit < 8 * sealed.size(); ++bit) {
      auto changed = sealed;
      changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ 1 << bit % 8);
      // Never "wrong link": whoever damaged the bytes must not make it look like a guess.
      const auto code = refusal(w.opened(changed, protect));
      REQUIRE((code == errc::corrupt || (bit < 8 && code == errc::unsupported)));
      // What a reader is told of the cost stays within the limits, whatever the bytes are.
      if (const auto needs = read_link_kdf(changed)) REQUIRE(needs->has_passphrase == is_acceptable(needs->cost));
    }
    for (std::size_t size = 0; size < sealed.size(); ++size)
      REQUIRE(refusal(w.opened(sealed.substr(0, size), protect)) == errc::corrupt);
    CHECK(refusal(w.opened(sealed + '\0', protect)) == errc::corrupt);

    // The wrapped key of one and the ciphertext of another, both for this very place.
    const auto other = w.sealed(protect, "some text");
    const auto spliced = sealed.substr(0, ciphertext_at) + other.substr(ciphertext_at);
    CHECK(refusal(w.opened(spliced, protect)) == errc::corrupt);
  }
}

TEST_CASE("a later version of link-sealed bytes is refused by name", "[crypto][link_seal]") {
  const world w;
  auto sealed = w.sealed(false);
  sealed[0] = 2;
  CHECK(refusal(read_link_kdf(sealed)) == errc::unsupported);
  CHECK(refusal(link_data_key_version(sealed)) == errc::unsupported);
  CHECK(refusal(w.link_key(sealed, false)) == errc::unsupported);
  CHECK(refusal(open_with_key(w.keys, w.where, random_bytes(32), sealed)) == errc::unsupported);
  sealed[0] = 0;
  CHECK(refusal(read_link_kdf(sealed)) == errc::corrupt);
}

TEST_CASE("a stored cost out of bounds, or without a passphrase, is corrupt", "[crypto][link_seal]") {
  const world w;
  const auto with_cost = [&](bool protect, std::uint32_t memory_kib, std::uint32_t passes) {
    auto sealed = w.sealed(protect);
    for (std::size_t i = 0; i < 4; ++i) {
      sealed[18 + i] = static_cast<char>(memory_kib >> (24 - 8 * i) & 0xff);
      sealed[22 + i] = static_cast<char>(passes >> (24 - 8 * i) & 0xff);
    }
    return read_link_kdf(sealed);
  };
  CHECK(with_cost(true, limits::kdf_memory_kib_max, limits::kdf_passes_max));
  CHECK(refusal(with_cost(true, limits::kdf_memory_kib_max + 1, 2)) == errc::corrupt);
  CHECK(refusal(with_cost(true, 32 * 1024, limits::kdf_passes_max + 1)) == errc::corrupt);
  CHECK(refusal(with_cost(true, 7, 2)) == errc::corrupt);
  CHECK(refusal(with_cost(true, 8, 0)) == errc::corrupt);
  CHECK(refusal(with_cost(true, 0, 0)) == errc::corrupt);
  CHECK(with_cost(false, 0, 0));
  CHECK(refusal(with_cost(false, 8, 1)) == errc::corrupt);
  CHECK(refusal(with_cost(false, 0, 1)) == errc::corrupt);
}

TEST_CASE("a secret's identifier can be kept under its receipt's", "[crypto][link_seal]") {
  const world w;
  const auto receipt = make_identifier();
  const seal_context where{workspace(1), record(8), "otr", "secret-identifier", ""};
  const auto sealed =
      seal_under_link(w.keys, w.key, where, receipt.view(), nullptr, make_salt(), {}, w.identifier.view());
  const auto record_key = test::value(open_link_key(w.keys, w.key, where, receipt.view(), nullptr, sealed));
  CHECK(test::value(open_with_key(w.keys, where, record_key, sealed)).view() == w.identifier.view());
  CHECK(refusal(open_link_key(w.keys, w.key, where, w.identifier.view(), nullptr, sealed)) == errc::unauthenticated);
}

TEST_CASE("lookups of links are keyed and no two labels share one", "[crypto][keyring]") {
  const auto root = test::provider(test::root_hex_a);
  const auto service = make_service_keys();
  const keyring keys{root, test::value(unwrap_service_keys(*root, wrap_service_keys(*root, service)))};
  const auto prefixed = std::string("\0\0\0\3ots", 7) + "text";
  CHECK(keys.link_lookup("ots", "text") == hmac_sha256(service.pepper.view(), prefixed));
  CHECK(keys.link_lookup("ots", "text") == keys.link_lookup("ots", "text"));
  CHECK(keys.link_lookup("ots", "text") != keys.link_lookup("otr", "text"));
  CHECK(keys.link_lookup("ots", "text") != keys.link_lookup("retry", "text"));
  CHECK(keys.link_lookup("ots", "text") != keys.link_lookup("ots", "texT"));
  CHECK(keys.link_lookup("ots", "text") != keys.link_lookup("otst", "ext"));
  CHECK(keys.link_lookup("ots", "text") != keys.token_lookup("text"));
  CHECK(keys.link_lookup("ots", "text") != test::fresh_keyring().link_lookup("ots", "text"));
  CHECK(keys.link_lookup("ots", "") != keys.link_lookup("", "ots"));
}

}  // namespace
}  // namespace nacre::crypto

// Service, data and record keys: each opens what it wrapped, where it wrapped it, and nothing else.

#include "crypto/keyring.hpp"

#include <algorithm>
#include <vector>

#include "crypto/random.hpp"
#include "tests/crypto/support.hpp"

namespace nacre::crypto {
namespace {

using test::record;
using test::root_hex_a;
using test::root_hex_b;
using test::workspace;

// Whether `opened` is a refusal with one of the two codes a damaged format may have.
template <class T>
bool refused(const result<T>& opened) {
  return !opened && (opened.error().code == errc::corrupt || opened.error().code == errc::unsupported);
}

data_key open_new_data_key(const keyring& keys, workspace_id where, std::uint32_t version) {
  return test::value(keys.open_data_key(where, version, keys.make_data_key(where, version)));
}

TEST_CASE("service keys are fresh, and come back from their record", "[crypto][keyring]") {
  const auto root = test::provider(root_hex_a);
  auto keys = make_service_keys();
  keys.pepper_version = 3;
  CHECK(keys.cluster_id.size() == 16);
  CHECK(keys.cluster_id != make_service_keys().cluster_id);
  CHECK(keys.pepper.view() != make_service_keys().pepper.view());
  CHECK(keys.pepper.view() != keys.checksum.view());

  const auto stored = wrap_service_keys(*root, keys);
  CHECK(stored.find(keys.pepper.view()) == std::string::npos);
  CHECK(stored.find(keys.checksum.view()) == std::string::npos);
  const auto back = unwrap_service_keys(*root, stored);
  REQUIRE(back);
  CHECK(back->cluster_id == keys.cluster_id);
  CHECK(back->pepper_version == 3);
  CHECK(back->pepper.view() == keys.pepper.view());
  CHECK(back->checksum.view() == keys.checksum.view());
}

TEST_CASE("T-kek-mismatch: another root key has another check value and finds the record corrupt",
          "[crypto][keyring]") {
  const auto stored = wrap_service_keys(*test::provider(root_hex_a), make_service_keys());
  const auto other = test::provider(root_hex_b);
  CHECK(other->check_value() != test::provider(root_hex_a)->check_value());
  const auto opened = unwrap_service_keys(*other, stored);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == errc::corrupt);
}

TEST_CASE("a service key record with any byte changed, cut or added is refused", "[crypto][keyring]") {
  const auto root = test::provider(root_hex_a);
  const auto stored = wrap_service_keys(*root, make_service_keys());
  for (std::size_t i = 0; i < stored.size(); ++i) {
    for (const int change : {0x01, 0x80, 0x03}) {
      auto changed = stored;
      changed[i] = static_cast<char>(changed[i] ^ change);
      REQUIRE(refused(unwrap_service_keys(*root, changed)));
    }
    REQUIRE(refused(unwrap_service_keys(*root, stored.substr(0, i))));
  }
  CHECK(refused(unwrap_service_keys(*root, stored + '\0')));
  // Pepper and checksum key are wrapped in the same shape, but not for the same place.
  const auto half = (stored.size() - 22) / 2;
  CHECK(refused(unwrap_service_keys(*root, stored.substr(0, 22) + stored.substr(22 + half) + stored.substr(22, half))));
}

TEST_CASE("formats newer than this program are refused by name", "[crypto][keyring]") {
  const auto keys = test::fresh_keyring();
  const auto key = open_new_data_key(keys, workspace(1), 1);
  auto sealed = keys.seal(key, {workspace(1), record(1), "pat", "token", ""}, "text");
  sealed[1] = '2';
  CHECK(keys.open(key, {workspace(1), record(1), "pat", "token", ""}, sealed).error().code == errc::unsupported);
  CHECK(keyring::data_key_version(sealed).error().code == errc::unsupported);
  const auto root = test::provider(root_hex_a);
  auto stored = wrap_service_keys(*root, make_service_keys());
  stored[1] = '2';
  CHECK(unwrap_service_keys(*root, stored).error().code == errc::unsupported);
}

TEST_CASE("a data key opens in its workspace, version, cluster and root key only", "[crypto][keyring]") {
  const auto root = test::provider(root_hex_a);
  const auto stored = wrap_service_keys(*root, make_service_keys());
  const keyring keys{root, test::value(unwrap_service_keys(*root, stored))};
  const keyring again{test::provider(root_hex_a), test::value(unwrap_service_keys(*root, stored))};
  const auto wrapped = keys.make_data_key(workspace(1), 4);

  const auto opened = keys.open_data_key(workspace(1), 4, wrapped);
  REQUIRE(opened);
  CHECK(opened->version == 4);
  CHECK(opened->key.size() == key_bytes);
  const auto elsewhere = again.open_data_key(workspace(1), 4, wrapped);  // another node of the cluster
  REQUIRE(elsewhere);
  CHECK(elsewhere->key.view() == opened->key.view());

  CHECK(refused(keys.open_data_key(workspace(2), 4, wrapped)));
  CHECK(refused(keys.open_data_key(workspace(1), 5, wrapped)));
  CHECK(refused(keyring(root, make_service_keys()).open_data_key(workspace(1), 4, wrapped)));
  auto same_cluster = make_service_keys();
  same_cluster.cluster_id = keys.cluster_id();
  CHECK(refused(keyring(test::provider(root_hex_b), std::move(same_cluster)).open_data_key(workspace(1), 4, wrapped)));
  for (std::size_t i = 0; i < wrapped.size(); ++i) {
    auto changed = wrapped;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    REQUIRE(refused(keys.open_data_key(workspace(1), 4, changed)));
    REQUIRE(refused(keys.open_data_key(workspace(1), 4, wrapped.substr(0, i))));
  }
  CHECK(keys.make_data_key(workspace(1), 4) != wrapped);
}

TEST_CASE("a sealed value opens where it was sealed and names its data key version", "[crypto][keyring]") {
  const auto keys = test::fresh_keyring();
  const auto key = open_new_data_key(keys, workspace(1), 9);
  const seal_context where{workspace(1), record(7), "pat", "token", "owner=1"};
  for (const std::size_t size : {0u, 1u, 77u, 5000u}) {
    const std::string text(size, 't');
    const auto sealed = keys.seal(key, where, text);
    CHECK(keyring::data_key_version(sealed) == 9u);
    const auto opened = keys.open(key, where, sealed);
    REQUIRE(opened);
    CHECK(test::bytes_of(*opened) == text);
    CHECK(keys.seal(key, where, text) != sealed);  // a fresh record key each time
  }
}

TEST_CASE("T-aad-swap: a sealed value moved anywhere else does not open", "[crypto][keyring]") {
  const auto root = test::provider(root_hex_a);
  const auto stored = wrap_service_keys(*root, make_service_keys());
  const keyring keys{root, test::value(unwrap_service_keys(*root, stored))};
  const auto key = open_new_data_key(keys, workspace(1), 1);
  const seal_context where{workspace(1), record(7), "pat", "token", "owner=1"};
  const auto sealed = keys.seal(key, where, "text");
  REQUIRE(keys.open(key, where, sealed));

  std::vector<seal_context> elsewhere(7, where);
  elsewhere[0].workspace = workspace(2);
  elsewhere[1].record = record(8);
  elsewhere[2].kind = "secret";
  elsewhere[3].field = "metadata";
  elsewhere[4].policy = "owner=2";
  elsewhere[5].policy = "";
  elsewhere[6].kind = "patt";  // bytes moved between two parts
  elsewhere[6].field = "oken";
  for (const auto& moved : elsewhere) CHECK(refused(keys.open(key, moved, sealed)));

  // The same keys in another cluster.
  auto foreign = test::value(unwrap_service_keys(*root, stored));
  foreign.cluster_id[0] = static_cast<char>(foreign.cluster_id[0] ^ 1);
  CHECK(refused(keyring(root, std::move(foreign)).open(key, where, sealed)));
}

TEST_CASE("a sealed value under another data key, changed, cut or spliced does not open", "[crypto][keyring]") {
  const auto keys = test::fresh_keyring();
  const auto key = open_new_data_key(keys, workspace(1), 1);
  const seal_context where{workspace(1), record(7), "pat", "token", "owner=1"};
  const auto sealed = keys.seal(key, where, "some text");

  CHECK(refused(keys.open(open_new_data_key(keys, workspace(1), 1), where, sealed)));
  CHECK(refused(keys.open(data_key{}, where, sealed)));
  for (std::size_t bit = 0; bit < 8 * sealed.size(); ++bit) {
    auto changed = sealed;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ 1 << bit % 8);
    REQUIRE(refused(keys.open(key, where, changed)));
  }
  for (std::size_t size = 0; size < sealed.size(); ++size) {
    REQUIRE(refused(keys.open(key, where, sealed.substr(0, size))));
    (void)keyring::data_key_version(sealed.substr(0, size));
  }
  CHECK(refused(keys.open(key, where, sealed + '\0')));

  // The record key of one and the ciphertext of another, both for this very place.
  const auto other = keys.seal(key, where, "some text");
  const auto ciphertext_at = sealed.size() - blob_overhead_bytes - 9;
  CHECK(refused(keys.open(key, where, sealed.substr(0, ciphertext_at) + other.substr(ciphertext_at))));
}

TEST_CASE("token lookups agree for tokens and for imported hashes, and depend on the pepper", "[crypto][keyring]") {
  const auto root = test::provider(root_hex_a);
  const auto service = make_service_keys();
  const keyring keys{root, test::value(unwrap_service_keys(*root, wrap_service_keys(*root, service)))};
  const std::string token = "pat_wsa3f8c2_whatever";
  CHECK(keys.token_lookup(token) == hmac_sha256(service.pepper.view(), view(sha256(token))));
  CHECK(keys.token_lookup(token) == keys.token_lookup_from_hash(view(sha256(token))));
  CHECK(keys.token_lookup(token) != keys.token_lookup(token + "x"));
  CHECK(keys.token_lookup(token) != test::fresh_keyring().token_lookup(token));

  const auto checksum = keys.token_checksum("before");
  const auto full = hmac_sha256(service.checksum.view(), "before");
  CHECK(std::equal(checksum.begin(), checksum.end(), full.begin()));
  CHECK(keys.pepper_version() == service.pepper_version);
  CHECK(keys.cluster_id() == service.cluster_id);
}

}  // namespace
}  // namespace nacre::crypto

// Sample bytes of every stored format, which every later program must still open.
// tests/golden/crypto/*.hex are never edited: a new format version adds files beside them.
// "[.write-golden]" and "[.write-golden-link]" made them; run one in an empty directory only for a new version.

#include <cstdlib>
#include <fstream>

#include "crypto/one_time.hpp"
#include "crypto/token.hpp"
#include "tests/crypto/support.hpp"

namespace nacre::crypto {
namespace {

using test::bytes;
using test::record;
using test::root_hex_a;
using test::workspace;

const std::filesystem::path golden_directory{NACRE_GOLDEN_DIR};

std::string golden(const char* name) {
  std::ifstream in{golden_directory / name};
  std::string hex, line;
  while (std::getline(in, line)) hex += line;
  REQUIRE_FALSE(hex.empty());
  return bytes(hex);
}

const std::string pepper(32, '\x11'), checksum(32, '\x22'), cluster(16, '\x33');
const seal_context where{workspace(4), record(5), "pat", "token", "owner=golden"};
constexpr std::string_view text = "what must still be readable";

secure_bytes blob_key() { return secure_bytes{std::string(32, '\x77')}; }
std::string blob_binding() {
  return encode({.cluster = cluster,
                 .workspace = workspace(4).value().view(),
                 .record = "golden",
                 .kind = "pat",
                 .field = "token",
                 .record_version = 2,
                 .policy_hash = ""});
}

keyring golden_keyring() {
  const auto root = test::provider(root_hex_a);
  auto keys = unwrap_service_keys(*root, golden("service-keys-v1.hex"));
  REQUIRE(keys);
  return keyring{root, std::move(*keys)};
}

TEST_CASE("the sample of blob v1 still opens", "[crypto][golden]") {
  const auto blob = golden("blob-v1.hex");
  CHECK(key_version_of(blob) == 5u);
  const auto opened = open(blob_key(), blob_binding(), blob);
  REQUIRE(opened);
  CHECK(opened->view() == text);
}

TEST_CASE("the sample of the service key record v1 still opens", "[crypto][golden]") {
  const auto keys = unwrap_service_keys(*test::provider(root_hex_a), golden("service-keys-v1.hex"));
  REQUIRE(keys);
  CHECK(keys->cluster_id == cluster);
  CHECK(keys->pepper.view() == pepper);
  CHECK(keys->pepper_version == 6);
  CHECK(keys->checksum.view() == checksum);
}

TEST_CASE("the samples of a wrapped data key and of sealed v1 still open", "[crypto][golden]") {
  const auto keys = golden_keyring();
  const auto key = keys.open_data_key(workspace(4), 8, golden("data-key-v1.hex"));
  REQUIRE(key);
  const auto sealed = golden("sealed-v1.hex");
  CHECK(keyring::data_key_version(sealed) == 8u);
  const auto opened = keys.open(*key, where, sealed);
  REQUIRE(opened);
  CHECK(opened->view() == text);
}

const seal_context linked{workspace(4), record(6), "ots", "secret", "ttl=golden"};
const std::string identifier = "003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf", salt(16, '\x44');
constexpr kdf_cost cost{.memory_kib = 64, .passes = 3};
constexpr std::string_view passphrase = "golden passphrase";

TEST_CASE("the samples of link-sealed v1 still open", "[crypto][golden]") {
  const auto keys = golden_keyring();
  const auto key = test::value(keys.open_data_key(workspace(4), 8, golden("data-key-v1.hex")));
  for (const bool protect : {false, true}) {
    const auto sealed = golden(protect ? "link-sealed-passphrase-v1.hex" : "link-sealed-v1.hex");
    const auto needs = test::value(read_link_kdf(sealed));
    CHECK(needs.has_passphrase == protect);
    CHECK(needs.salt == salt);
    CHECK(needs.cost.memory_kib == (protect ? cost.memory_kib : 0));
    CHECK(needs.cost.passes == (protect ? cost.passes : 0));
    CHECK(link_data_key_version(sealed) == 8u);
    const auto stretched = test::value(stretch(passphrase, needs.salt, cost));
    const auto record_key =
        test::value(open_link_key(keys, key, linked, identifier, protect ? &stretched : nullptr, sealed));
    CHECK(test::value(open_with_key(keys, linked, record_key, sealed)).view() == text);
  }
  CHECK(view(keys.link_lookup("ots", identifier)) == golden("link-lookup.hex"));
}

TEST_CASE("bindings, check values, lookups and checksums are what they always were", "[crypto][golden]") {
  const auto keys = golden_keyring();
  CHECK(blob_binding() == golden("binding-v1.hex"));
  CHECK(test::provider(root_hex_a)->check_value() == golden("check-value.hex"));
  CHECK(view(keys.token_lookup("a token")) == golden("token-lookup.hex"));
  CHECK(check_token(keys, golden("token.hex")).is_ours(model::token_family::alephant));
  CHECK(check_token(keys, golden("token-unleash.hex")).is_ours(model::token_family::unleash));
  CHECK(check_token(keys, golden("token-service.hex")).is_ours(model::token_family::service));
}

// What a rotation makes again for who comes with the same key.
TEST_CASE("the same bytes make the same token in every version", "[crypto][golden]") {
  const auto keys = golden_keyring();
  const secure_bytes random{std::string(token_random_bytes, '\x5a')};
  const auto id = pat_id{workspace(7).value()};
  CHECK(make_token(keys, model::token_family::alephant, "Golden", id, random).view() == golden("token-made.hex"));
  CHECK(make_token(keys, model::token_family::unleash, "", id, random).view() == golden("token-unleash.hex"));
  CHECK(make_token(keys, model::token_family::service, "", id, random).view() == golden("token-service.hex"));
}

void put(const char* name, std::string_view data) {
  const auto path = golden_directory / name;
  if (std::filesystem::exists(path)) FAIL(path << " exists; samples are never rewritten");
  const auto hex = to_hex(data);
  std::ofstream out{path};
  for (std::size_t at = 0; at < hex.size(); at += 96) out << hex.substr(at, 96) << '\n';
}

TEST_CASE("write the samples of link-sealed v1", "[.write-golden-link]") {
  const auto keys = golden_keyring();
  const auto key = test::value(keys.open_data_key(workspace(4), 8, golden("data-key-v1.hex")));
  const auto stretched = test::value(stretch(passphrase, salt, cost));
  put("link-sealed-v1.hex", seal_under_link(keys, key, linked, identifier, nullptr, salt, cost, text));
  put("link-sealed-passphrase-v1.hex", seal_under_link(keys, key, linked, identifier, &stretched, salt, cost, text));
  put("link-lookup.hex", view(keys.link_lookup("ots", identifier)));
}

TEST_CASE("write the samples of tokens of all families", "[.write-golden-tokens]") {
  const auto keys = golden_keyring();
  const secure_bytes random{std::string(token_random_bytes, '\x5a')};
  const auto id = pat_id{workspace(7).value()};
  put("token-made.hex", make_token(keys, model::token_family::alephant, "Golden", id, random).view());
  put("token-unleash.hex", make_token(keys, model::token_family::unleash, "", id, random).view());
  put("token-service.hex", make_token(keys, model::token_family::service, "", id, random).view());
}

TEST_CASE("write the samples", "[.write-golden]") {
  const auto root = test::provider(root_hex_a);
  service_keys service;
  service.cluster_id = cluster;
  service.pepper = secure_bytes{pepper};
  service.pepper_version = 6;
  service.checksum = secure_bytes{checksum};
  put("service-keys-v1.hex", wrap_service_keys(*root, service));
  put("blob-v1.hex", seal(blob_key(), 5, blob_binding(), text));
  put("binding-v1.hex", blob_binding());
  put("check-value.hex", root->check_value());
  const keyring keys{root, std::move(service)};
  const auto wrapped = keys.make_data_key(workspace(4), 8);
  put("data-key-v1.hex", wrapped);
  put("sealed-v1.hex", keys.seal(test::value(keys.open_data_key(workspace(4), 8, wrapped)), where, text));
  put("token-lookup.hex", view(keys.token_lookup("a token")));
  put("token.hex", make_token(keys, model::token_family::alephant, "Golden", pat_id{}).view());
}

}  // namespace
}  // namespace nacre::crypto

#include "crypto/keyring.hpp"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <utility>

#include "crypto/big_endian.hpp"
#include "crypto/ed25519.hpp"
#include "crypto/random.hpp"

namespace nacre::crypto {
namespace {

// service keys v1 = "K1" | cluster id 16 | pepper_version u32be | u32be length, wrapped pepper
//                   | u32be length, wrapped checksum key
constexpr std::string_view service_keys_magic = "K1";
// sealed v1 = "S1" | u32be length, wrapped record key (blob v1 under the data key) | blob v1 under the record key
constexpr std::string_view sealed_magic = "S1";

constexpr std::size_t cluster_id_bytes = 16;
constexpr std::size_t wrapped_key_bytes = blob_overhead_bytes + key_bytes;
constexpr std::size_t record_key_at = 2 + 4;
constexpr std::size_t ciphertext_at = record_key_at + wrapped_key_bytes;
constexpr std::uint32_t record_key_version = 1;  // a record key is used once and never rotated

auto not_authentic(const char* what) { return fail(errc::corrupt, std::string{what} + " does not authenticate"); }

// `corrupt`, unless the bytes claim to be a later version of the same format.
tl::unexpected<error> wrong_format(std::string_view bytes, std::string_view magic, const char* what) {
  if (bytes.size() >= magic.size() && bytes[0] == magic[0] && bytes[1] > magic[1] && bytes[1] <= '9')
    return fail(errc::unsupported, std::string{what} + " is of version " + bytes[1] + ", newer than this program");
  return fail(errc::corrupt, std::string{what} + " does not decode");
}

std::string service_key_aad(const key_provider& root, std::string_view cluster, std::string_view field,
                            std::uint32_t version) {
  const auto root_id = root.check_value();
  return encode({.cluster = cluster,
                 .workspace = {},
                 .record = root_id,
                 .kind = "service-key",
                 .field = field,
                 .record_version = version,
                 .policy_hash = {}});
}

void put_wrapped(std::string& out, const std::string& wrapped) {
  put_u32(out, static_cast<std::uint32_t>(wrapped.size()));
  out.append(wrapped);
}

// Takes one length-prefixed wrapped key off the front.
std::optional<std::string_view> take_wrapped(std::string_view& rest) {
  if (rest.size() < 4 + wrapped_key_bytes || get_u32(rest, 0) != wrapped_key_bytes) return std::nullopt;
  const auto wrapped = rest.substr(4, wrapped_key_bytes);
  rest.remove_prefix(4 + wrapped_key_bytes);
  return wrapped;
}

std::string data_key_aad(const key_provider& root, std::string_view cluster, workspace_id workspace,
                         std::uint32_t version) {
  const auto root_id = root.check_value();
  return encode({.cluster = cluster,
                 .workspace = workspace.value().view(),
                 .record = root_id,
                 .kind = "dek",
                 .field = "key",
                 .record_version = version,
                 .policy_hash = {}});
}

// The record key belongs to the same place as what it opens; the label keeps the two roles apart.
std::string record_key_aad(std::string_view sealed_aad) { return "nacre/record-key/v1" + std::string{sealed_aad}; }

bool is_sealed_v1(std::string_view sealed) {
  return sealed.size() >= ciphertext_at + blob_overhead_bytes && sealed.starts_with(sealed_magic) &&
         get_u32(sealed, sealed_magic.size()) == wrapped_key_bytes;
}

}  // namespace

std::string encode(std::string_view cluster, const seal_context& where) {
  return encode(cluster, where, sha256(where.policy));
}

std::string encode(std::string_view cluster, const seal_context& where, const digest& policy) {
  return encode({.cluster = cluster,
                 .workspace = where.workspace.value().view(),
                 .record = where.record.view(),
                 .kind = where.kind,
                 .field = where.field,
                 .record_version = 1,
                 .policy_hash = view(policy)});
}

service_keys make_service_keys() {
  std::string cluster_id(cluster_id_bytes, '\0');
  fill_random({reinterpret_cast<std::uint8_t*>(cluster_id.data()), cluster_id.size()});
  return {.cluster_id = std::move(cluster_id),
          .pepper = random_bytes(key_bytes),
          .pepper_version = 1,
          .checksum = random_bytes(key_bytes)};
}

service_keys derive_service_keys(const key_provider& root, std::string_view cluster_id) {
  if (cluster_id.size() != cluster_id_bytes) std::abort();
  const std::string id(cluster_id);
  return {.cluster_id = id,
          .pepper = root.derive("nacre/pepper/v1/" + id),
          .pepper_version = 1,
          .checksum = root.derive("nacre/checksum/v1/" + id)};
}

std::string wrap_service_keys(const key_provider& root, const service_keys& keys) {
  if (keys.cluster_id.size() != cluster_id_bytes || keys.pepper.size() != key_bytes ||
      keys.checksum.size() != key_bytes)
    std::abort();  // such a record could never be read back
  std::string out{service_keys_magic};
  out.append(keys.cluster_id);
  put_u32(out, keys.pepper_version);
  put_wrapped(out,
              root.wrap(service_key_aad(root, keys.cluster_id, "pepper", keys.pepper_version), keys.pepper.view()));
  put_wrapped(out, root.wrap(service_key_aad(root, keys.cluster_id, "checksum", 1), keys.checksum.view()));
  return out;
}

result<service_keys> unwrap_service_keys(const key_provider& root, std::string_view record) {
  constexpr auto head_bytes = service_keys_magic.size() + cluster_id_bytes + 4;
  if (!record.starts_with(service_keys_magic) || record.size() < head_bytes)
    return wrong_format(record, service_keys_magic, "the service key record");
  service_keys keys;
  keys.cluster_id = record.substr(service_keys_magic.size(), cluster_id_bytes);
  keys.pepper_version = get_u32(record, service_keys_magic.size() + cluster_id_bytes);
  auto rest = record.substr(head_bytes);
  const auto wrapped_pepper = take_wrapped(rest);
  const auto wrapped_checksum = wrapped_pepper ? take_wrapped(rest) : std::nullopt;
  if (!wrapped_checksum || !rest.empty()) return wrong_format(record, service_keys_magic, "the service key record");

  auto pepper = root.unwrap(service_key_aad(root, keys.cluster_id, "pepper", keys.pepper_version), *wrapped_pepper);
  auto checksum = root.unwrap(service_key_aad(root, keys.cluster_id, "checksum", 1), *wrapped_checksum);
  if (!pepper || !checksum || pepper->size() != key_bytes || checksum->size() != key_bytes)
    return not_authentic("the service key record");
  keys.pepper = std::move(*pepper);
  keys.checksum = std::move(*checksum);
  return keys;
}

keyring::keyring(std::shared_ptr<const key_provider> root, service_keys keys)
    : root_(std::move(root)),
      cluster_id_(std::move(keys.cluster_id)),
      pepper_version_(keys.pepper_version),
      pepper_(keys.pepper.view()),
      checksum_(keys.checksum.view()) {}

std::string_view keyring::cluster_id() const { return cluster_id_; }
bool keyring::made_of_these(std::string_view service_keys_record) const {
  const auto keys = unwrap_service_keys(*root_, service_keys_record);
  return keys && keys->cluster_id == cluster_id_;  // it names them: drawn with them, or what they are derived from
}
std::uint32_t keyring::pepper_version() const { return pepper_version_; }

std::string keyring::make_data_key(workspace_id workspace, std::uint32_t version) const {
  return root_->wrap(data_key_aad(*root_, cluster_id_, workspace, version), random_bytes(key_bytes).view());
}

result<data_key> keyring::open_data_key(workspace_id workspace, std::uint32_t version, std::string_view wrapped) const {
  auto key = root_->unwrap(data_key_aad(*root_, cluster_id_, workspace, version), wrapped);
  if (!key || key->size() != key_bytes) return not_authentic("the workspace data key");
  return data_key{.key = std::move(*key), .version = version};
}

std::string keyring::seal(const data_key& key, const seal_context& where, std::string_view plaintext) const {
  const auto aad = encode(cluster_id_, where);
  const auto record_key = random_bytes(key_bytes);
  std::string out;
  out.reserve(ciphertext_at + blob_overhead_bytes + plaintext.size());
  out.append(sealed_magic);
  put_wrapped(out, crypto::seal(key.key, key.version, record_key_aad(aad), record_key.view()));
  out.append(crypto::seal(record_key, record_key_version, aad, plaintext));
  return out;
}

result<secure_bytes> keyring::open(const data_key& key, const seal_context& where, std::string_view sealed) const {
  if (!is_sealed_v1(sealed)) return wrong_format(sealed, sealed_magic, "the sealed value");
  const auto aad = encode(cluster_id_, where);
  auto record_key = crypto::open(key.key, record_key_aad(aad), sealed.substr(record_key_at, wrapped_key_bytes));
  if (!record_key) return not_authentic("the sealed value");
  auto plaintext = crypto::open(*record_key, aad, sealed.substr(ciphertext_at));
  if (!plaintext) return not_authentic("the sealed value");
  return plaintext;
}

result<std::uint32_t> keyring::data_key_version(std::string_view sealed) {
  if (!is_sealed_v1(sealed)) return wrong_format(sealed, sealed_magic, "the sealed value");
  return key_version_of(sealed.substr(record_key_at, wrapped_key_bytes));
}

digest keyring::token_lookup(std::string_view token) const { return token_lookup_from_hash(view(sha256(token))); }

digest keyring::token_lookup_from_hash(std::string_view sha256_of_token) const {
  return hmac_sha256(pepper_.view(), sha256_of_token);
}

digest keyring::link_lookup(std::string_view label, std::string_view text) const {
  std::string length;
  put_u32(length, static_cast<std::uint32_t>(label.size()));
  return hmac_sha256(pepper_.view(), pieces{length, label, text});
}

std::array<std::uint8_t, 6> keyring::token_checksum(std::string_view before) const {
  const digest mac = hmac_sha256(checksum_.view(), before);
  std::array<std::uint8_t, 6> head;
  std::copy_n(mac.begin(), head.size(), head.begin());
  return head;
}

audit_signature keyring::sign_audit_head(std::string_view head_bytes) const {
  const auto secret = hkdf_sha256(pepper_.view(), {}, "nacre/audit-head/v1/" + cluster_id_, ed25519_key_bytes);
  const auto key = ed25519_key::from_secret(secret.view());
  if (!key) std::abort();  // any 32 bytes are one
  return {key->public_part(), key->sign(head_bytes)};
}

}  // namespace nacre::crypto

#include <sodium.h>

#include <cstdlib>

#include "crypto/big_endian.hpp"
#include "crypto/digest.hpp"
#include "crypto/one_time.hpp"
#include "crypto/random.hpp"
#include "model/limits.hpp"

namespace nacre::crypto {
namespace {

constexpr char format_version = 1;
constexpr std::size_t passphrase_at = 1;
constexpr std::size_t salt_at = passphrase_at + 1;
constexpr std::size_t memory_at = salt_at + kdf_salt_bytes;
constexpr std::size_t passes_at = memory_at + 4;
constexpr std::size_t key_version_at = passes_at + 4;
constexpr std::size_t head_bytes = key_version_at + 4;
constexpr std::size_t wrapped_key_bytes = 2 * blob_overhead_bytes + key_bytes;
constexpr std::size_t wrapped_key_at = head_bytes + 4;
constexpr std::size_t ciphertext_at = wrapped_key_at + wrapped_key_bytes;
constexpr std::uint32_t used_once = 1;  // the key version in blobs under keys that are never rotated

static_assert(kdf_salt_bytes == crypto_pwhash_argon2id_SALTBYTES);
static_assert(std::size_t{limits::kdf_memory_kib_min} * 1024 >= crypto_pwhash_argon2id_MEMLIMIT_MIN);
static_assert(limits::kdf_passes_min >= crypto_pwhash_argon2id_OPSLIMIT_MIN);

constexpr const char* what = "the link-sealed value";
auto not_authentic() { return fail(errc::corrupt, std::string{what} + " does not authenticate"); }

// What each layer is bound to. The head is fixed in size and stands behind an encoding that ends itself, so
// that together they are still unambiguous.
class layers {
 public:
  layers(const keyring& keys, const seal_context& where)
      : cluster_(keys.cluster_id()), where_(where), policy_(sha256(where.policy)) {}
  std::string text() const { return encode(cluster_, where_, policy_); }
  std::string link() const { return named("-link"); }
  std::string wrap(std::string_view head) const { return named("-wrap").append(head); }

 private:
  std::string named(const char* layer) const {
    const auto kind = std::string{where_.kind} + layer;
    auto where = where_;
    where.kind = kind;
    return encode(cluster_, where, policy_);
  }

  std::string_view cluster_;
  seal_context where_;
  digest policy_;
};

secure_bytes inner_key(std::string_view identifier, const secure_bytes* passphrase_key, std::string_view salt,
                       std::string_view link_aad) {
  const std::string_view stretched = passphrase_key != nullptr ? passphrase_key->view() : std::string_view{};
  secure_bytes input(identifier.size() + stretched.size());
  auto* out = reinterpret_cast<char*>(input.data());
  stretched.copy(out + identifier.copy(out, identifier.size()), stretched.size());
  return hkdf_sha256(input.view(), salt, link_aad, key_bytes);
}

kdf_cost cost_in(std::string_view sealed) { return {get_u32(sealed, memory_at), get_u32(sealed, passes_at)}; }

result<void> check_layout(std::string_view sealed) {
  if (!sealed.empty() && sealed[0] > format_version && sealed[0] <= 9)
    return fail(errc::unsupported, std::string{what} + " is of a version newer than this program");
  const auto refused = [] { return fail(errc::corrupt, std::string{what} + " does not decode"); };
  if (sealed.size() < ciphertext_at + blob_overhead_bytes || sealed[0] != format_version ||
      get_u32(sealed, head_bytes) != wrapped_key_bytes)
    return refused();
  const auto cost = cost_in(sealed);
  if (sealed[passphrase_at] == 1 && is_acceptable(cost)) return {};
  if (sealed[passphrase_at] == 0 && cost.memory_kib == 0 && cost.passes == 0) return {};
  return refused();
}

}  // namespace

bool is_acceptable(kdf_cost cost) {
  return cost.memory_kib >= limits::kdf_memory_kib_min && cost.memory_kib <= limits::kdf_memory_kib_max &&
         cost.passes >= limits::kdf_passes_min && cost.passes <= limits::kdf_passes_max;
}

std::string make_salt() {
  std::string salt(kdf_salt_bytes, '\0');
  fill_random({reinterpret_cast<std::uint8_t*>(salt.data()), salt.size()});
  return salt;
}

result<secure_bytes> stretch(std::string_view passphrase, std::string_view salt, kdf_cost cost) {
  if (salt.size() != kdf_salt_bytes) std::abort();
  if (!is_acceptable(cost)) return fail(errc::invalid, "the cost of the passphrase is out of bounds");
  if (sodium_init() < 0) std::abort();  // chooses the vector code; repeating it is harmless
  secure_bytes key(key_bytes);
  if (crypto_pwhash(key.data(), key.size(), passphrase.data(), passphrase.size(),
                    reinterpret_cast<const unsigned char*>(salt.data()), cost.passes,
                    std::size_t{cost.memory_kib} * 1024, crypto_pwhash_ALG_ARGON2ID13) != 0)
    return fail(errc::busy, "there is no memory to check a passphrase");  // with such a cost the only failure
  return key;
}

std::string seal_under_link(const keyring& keys, const data_key& key, const seal_context& where,
                            std::string_view identifier, const secure_bytes* passphrase_key, std::string_view salt,
                            kdf_cost cost, std::string_view plaintext) {
  if (!is_identifier(identifier) || salt.size() != kdf_salt_bytes) std::abort();
  if (passphrase_key == nullptr)
    cost = {0, 0};
  else if (passphrase_key->size() != key_bytes || !is_acceptable(cost))
    std::abort();

  std::string out;
  out.reserve(ciphertext_at + blob_overhead_bytes + plaintext.size());
  out.push_back(format_version);
  out.push_back(passphrase_key != nullptr ? 1 : 0);
  out.append(salt);
  put_u32(out, cost.memory_kib);
  put_u32(out, cost.passes);
  put_u32(out, key.version);

  const auto record_key = random_bytes(key_bytes);
  const layers bound(keys, where);
  const auto link_aad = bound.link();
  const auto inner =
      seal(inner_key(identifier, passphrase_key, salt, link_aad), used_once, link_aad, record_key.view());
  const auto wrapped = seal(key.key, key.version, bound.wrap(out), inner);
  put_u32(out, static_cast<std::uint32_t>(wrapped.size()));
  out.append(wrapped);
  out.append(seal(record_key, used_once, bound.text(), plaintext));
  return out;
}

result<link_kdf> read_link_kdf(std::string_view sealed) {
  if (auto layout = check_layout(sealed); !layout) return fail(std::move(layout.error()));
  return link_kdf{.has_passphrase = sealed[passphrase_at] == 1,
                  .salt = std::string{sealed.substr(salt_at, kdf_salt_bytes)},
                  .cost = cost_in(sealed)};
}

result<std::uint32_t> link_data_key_version(std::string_view sealed) {
  if (auto layout = check_layout(sealed); !layout) return fail(std::move(layout.error()));
  return get_u32(sealed, key_version_at);
}

result<secure_bytes> open_link_key(const keyring& keys, const data_key& key, const seal_context& where,
                                   std::string_view identifier, const secure_bytes* passphrase_key,
                                   std::string_view sealed) {
  if (auto layout = check_layout(sealed); !layout) return fail(std::move(layout.error()));
  const layers bound(keys, where);
  const auto inner =
      open(key.key, bound.wrap(sealed.substr(0, head_bytes)), sealed.substr(wrapped_key_at, wrapped_key_bytes));
  if (!inner) return not_authentic();
  const auto link_aad = bound.link();
  auto record_key = open(inner_key(identifier, passphrase_key, sealed.substr(salt_at, kdf_salt_bytes), link_aad),
                         link_aad, inner->view());
  if (!record_key) return fail(errc::unauthenticated, "the link or the passphrase is not the right one");
  return record_key;
}

result<secure_bytes> open_with_key(const keyring& keys, const seal_context& where, const secure_bytes& record_key,
                                   std::string_view sealed) {
  if (auto layout = check_layout(sealed); !layout) return fail(std::move(layout.error()));
  auto plaintext = open(record_key, encode(keys.cluster_id(), where), sealed.substr(ciphertext_at));
  if (!plaintext) return not_authentic();
  return plaintext;
}

}  // namespace nacre::crypto

#pragma once
// The keys of an installation and the only places where they are used.
//
//   root key (32 bytes, outside nacre) --HKDF "nacre/wrap/v1"--> wrapping key
//     |- service keys: pepper, checksum key        wrapped in space::meta
//     |    |- what signs heads of audit logs: pepper --HKDF "nacre/audit-head/v1/" and the cluster's id--> Ed25519
//     |- workspace data key, version v             wrapped in space::sealed
//          |- record key, fresh per sealed value, wrapped beside its ciphertext
//
// `key_provider` hides where the root key lives (file, systemd credential, environment; PKCS#11
// fits the same three calls). `keyring` never hands a root or service key out.
// Threads: all const members are safe from any thread. Errors: `corrupt` for a blob that does not
// authenticate, `invalid` for an unusable source (with a text an operator can act on).

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "crypto/aead.hpp"
#include "crypto/audit_signature.hpp"
#include "crypto/digest.hpp"
#include "crypto/guarded_bytes.hpp"
#include "crypto/secure_bytes.hpp"
#include "model/error.hpp"
#include "model/ids.hpp"

namespace nacre::crypto {

class key_provider {
 public:
  virtual ~key_provider() = default;
  virtual std::string wrap(std::string_view aad, std::string_view key) const = 0;
  virtual result<secure_bytes> unwrap(std::string_view aad, std::string_view blob) const = 0;
  // HMAC(root key, "nacre/kcv") cut to 8 bytes: names the root key without telling it.
  virtual std::string check_value() const = 0;
  // 32 bytes that only who has the root key can make, others for every purpose, the same every time.
  virtual secure_bytes derive(std::string_view purpose) const = 0;
};

// source: "file:PATH" | "credential:NAME" ($CREDENTIALS_DIRECTORY/NAME) | "env:NAME" (development
// only; the variable is wiped and unset after reading). A file is 32 raw bytes or 64 hex digits with an
// optional newline, a variable 64 hex digits. A file is regular, no symlink, owned by this user, mode
// 0400 or 0600, else refused by name; a credential may also be root's, then mode 0440 too (systemd's ACL).
result<std::unique_ptr<key_provider>> open_key_provider(std::string_view source);
// Makes a new root key file (mode 0600, on disk when this returns, whole or not at all). For --dev. `conflict` if there
// is one, `storage_failed` if it cannot be written.
result<void> create_root_key_file(const std::filesystem::path& path);

// Secrets of the installation, made once when a data directory is born. Stored wrapped; the
// record is one versioned byte string that storage keeps under a meta key.
struct service_keys {
  std::string cluster_id;  // 16 random bytes
  secure_bytes pepper;     // 32 bytes, version `pepper_version`
  std::uint32_t pepper_version = 1;
  secure_bytes checksum;  // 32 bytes: token checksums
};
service_keys make_service_keys();
// The same on every node of a cluster that begins empty: each makes them from the root key and `cluster_id` (16 bytes).
service_keys derive_service_keys(const key_provider& root, std::string_view cluster_id);
std::string wrap_service_keys(const key_provider& root, const service_keys& keys);
// `corrupt` when the root key is another one; ask check_value() first for a clear message.
result<service_keys> unwrap_service_keys(const key_provider& root, std::string_view record);

// What a sealed value belongs to. policy: canonical bytes of what must never change
// (owner, scopes ...); hashed into the AAD.
struct seal_context {
  workspace_id workspace;
  uuid record;
  std::string_view kind;
  std::string_view field;
  std::string_view policy;
};
// The AAD of what is sealed there.
std::string encode(std::string_view cluster, const seal_context& where);
// The same where the policy's SHA-256 is known.
std::string encode(std::string_view cluster, const seal_context& where, const digest& policy);

// An unwrapped workspace data key. Cheap to keep while its actor lives.
struct data_key {
  secure_bytes key;
  std::uint32_t version = 1;
};

class keyring {
 public:
  keyring(std::shared_ptr<const key_provider> root, service_keys keys);

  std::string_view cluster_id() const;
  std::uint32_t pepper_version() const;
  // key_provider::check_value() of the root key.
  std::string root_check_value() const { return root_->check_value(); }
  // Whether wrap_service_keys() made this record of the service keys held here, under the root key held here.
  bool made_of_these(std::string_view service_keys_record) const;

  // A fresh data key, wrapped under the root key, ready for space::sealed.
  std::string make_data_key(workspace_id workspace, std::uint32_t version) const;
  result<data_key> open_data_key(workspace_id workspace, std::uint32_t version, std::string_view wrapped) const;

  // Seals under a fresh record key that travels wrapped under the data key in the same bytes.
  std::string seal(const data_key& key, const seal_context& where, std::string_view plaintext) const;
  result<secure_bytes> open(const data_key& key, const seal_context& where, std::string_view sealed) const;
  // Which data key version opens this sealed value.
  static result<std::uint32_t> data_key_version(std::string_view sealed);

  // Lookup of a token: HMAC(pepper, SHA-256(token)), so that hash-only imports can be indexed too.
  digest token_lookup(std::string_view token) const;
  digest token_lookup_from_hash(std::string_view sha256_of_token) const;

  // Lookup of what a caller names and nacre does not keep: HMAC(pepper, u32be length || label || text).
  // label: "ots" for identifiers of secrets, "otl" from a receipt's to its secret's, "retry" for idempotency keys, ...
  digest link_lookup(std::string_view label, std::string_view text) const;

  // First 6 bytes of HMAC(checksum key, everything before the checksum).
  std::array<std::uint8_t, 6> token_checksum(std::string_view before) const;

  // Of audit_head_bytes(). The same key on every node of a cluster.
  audit_signature sign_audit_head(std::string_view head_bytes) const;

 private:
  std::shared_ptr<const key_provider> root_;
  std::string cluster_id_;
  std::uint32_t pepper_version_;
  guarded_bytes pepper_;
  guarded_bytes checksum_;
};

}  // namespace nacre::crypto

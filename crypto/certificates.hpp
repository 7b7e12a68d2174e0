#pragma once
// The certificates of one cluster: a CA made for it alone, and a leaf for each of its nodes.
//
// The names are in the subject alternative names, as URIs, and nowhere else:
//   CA    nacre:cluster:UUID
//   node  nacre:cluster:UUID:node:N     beside the DNS names and addresses it was issued for
// Keys are Ed25519; a node's key and a CA's may also be P-256, for who issues with other tools. A node's
// certificate may be used by both ends of TLS and signs nothing but its own messages; a CA has no CA below it.
//
// Errors: `invalid` with a text an operator can act on. No text names a key. Threads: const members are safe from
// any thread. Times are seconds since 1970.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/digest.hpp"
#include "crypto/secure_bytes.hpp"
#include "model/error.hpp"
#include "model/ids.hpp"

struct evp_pkey_st;
struct x509_st;

namespace nacre::crypto {

inline constexpr std::size_t certificate_bytes_max = 4 * 1024;       // DER
inline constexpr std::size_t certificate_file_bytes_max = 8 * 1024;  // PEM
inline constexpr std::size_t signature_bytes_max = 80;               // DER of P-256; Ed25519 has 64
inline constexpr std::int64_t node_certificate_days = 2 * 365;
inline constexpr std::int64_t ca_certificate_days = 10 * 365;
inline constexpr std::size_t certificate_hosts_max = 16;

struct member_name {
  uuid cluster;
  std::uint64_t node = 0;  // never 0
  friend bool operator==(const member_name&, const member_name&) = default;
};

// A fresh pair. The key is PKCS#8 in PEM.
struct issued_certificate {
  std::string certificate;  // PEM
  secure_bytes key;
};

struct ca_request {
  uuid cluster;
  std::string name;  // for people: 1 to 64 letters, digits, space, '.', '-', '_'
  std::int64_t now = 0;
  std::int64_t days = ca_certificate_days;
};
result<issued_certificate> make_cluster_ca(const ca_request& what);

struct node_request {
  std::uint64_t node = 0;
  std::vector<std::string> hosts;  // DNS names or IP addresses
  std::int64_t now = 0;
  std::int64_t days = node_certificate_days;  // cut to what the CA has left
};
result<issued_certificate> issue_node_certificate(std::string_view ca_certificate, std::string_view ca_key,
                                                  const node_request& what);

// What a certificate says, checked by nobody: for people to look at.
struct certificate_facts {
  std::optional<uuid> cluster;
  std::optional<std::uint64_t> node;  // none: not a node's
  bool ca = false;
  std::string name;  // the subject's common name
  std::vector<std::string> hosts;
  std::int64_t not_before = 0, not_after = 0;
  digest fingerprint{};  // SHA-256 of its DER
};
result<certificate_facts> read_certificate(std::string_view pem);

struct x509_free {
  void operator()(x509_st* certificate) const noexcept;
};
struct pkey_free {
  void operator()(evp_pkey_st* key) const noexcept;
};

// A peer whose certificate was verified.
class verified_member {
 public:
  const member_name& name() const { return name_; }
  bool signed_by(std::string_view message, std::string_view signature) const;

 private:
  friend class cluster_trust;
  member_name name_;
  std::unique_ptr<evp_pkey_st, pkey_free> key_;
};

// The CA's certificate: who belongs to the cluster.
class cluster_trust {
 public:
  static result<cluster_trust> read(std::string_view ca_pem);
  const uuid& cluster() const { return cluster_; }
  const digest& fingerprint() const { return fingerprint_; }
  // Signed by this CA, valid now, for both ends of TLS, of this cluster, with one node's name.
  result<verified_member> verify(std::string_view der, std::int64_t now) const;

 private:
  friend class node_identity;
  uuid cluster_;
  digest fingerprint_{};
  std::unique_ptr<x509_st, x509_free> ca_;
};

// Who this node is: certificate and key that belong together, and the CA that they chain to.
class node_identity {
 public:
  static result<node_identity> read(std::string_view ca_pem, std::string_view certificate_pem, std::string_view key_pem,
                                    std::int64_t now);
  struct files {
    std::string ca, certificate, key;  // PEM; the key accessible to its owner only
  };
  // A file that is not named is refused as well.
  static result<node_identity> read_files(const files& where, std::int64_t now);
  const member_name& name() const { return name_; }
  const cluster_trust& trust() const { return trust_; }
  const std::string& certificate() const { return der_; }
  std::int64_t not_after() const { return not_after_; }
  std::string sign(std::string_view message) const;

 private:
  member_name name_;
  cluster_trust trust_;
  std::string der_;
  std::int64_t not_after_ = 0;
  std::unique_ptr<evp_pkey_st, pkey_free> key_;
};

// One use of X25519: what two nodes agree on although others read along.
class key_agreement {
 public:
  static constexpr std::size_t public_bytes = 32;
  key_agreement();  // fresh
  const std::string& public_key() const { return public_; }
  // Nothing for a key that leads nowhere (a point of small order).
  std::optional<secure_bytes> agree(std::string_view other_public) const;

 private:
  std::string public_;
  std::unique_ptr<evp_pkey_st, pkey_free> key_;
};

}  // namespace nacre::crypto

#include "crypto/certificates.hpp"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <ctime>
#include <limits>

#include "crypto/openssl_handles.hpp"
#include "crypto/operator_file.hpp"
#include "crypto/random.hpp"

namespace nacre::crypto {

void x509_free::operator()(x509_st* certificate) const noexcept { X509_free(certificate); }
void pkey_free::operator()(evp_pkey_st* key) const noexcept { EVP_PKEY_free(key); }

namespace {

using x509 = std::unique_ptr<X509, x509_free>;
using pkey = std::unique_ptr<EVP_PKEY, pkey_free>;
using bio = std::unique_ptr<BIO, openssl_free<BIO_free_all>>;
using general_names = std::unique_ptr<GENERAL_NAMES, openssl_free<GENERAL_NAMES_free>>;
using extension = std::unique_ptr<X509_EXTENSION, openssl_free<X509_EXTENSION_free>>;
using x509_store = std::unique_ptr<X509_STORE, openssl_free<X509_STORE_free>>;
using x509_store_ctx = std::unique_ptr<X509_STORE_CTX, openssl_free<X509_STORE_CTX_free>>;

constexpr std::string_view cluster_prefix = "nacre:cluster:", node_part = ":node:";

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

// A key file that needs a passphrase would otherwise ask for it at the terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

bio reading(std::string_view text) { return bio{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))}; }

x509 certificate_from(std::string_view pem) {
  if (pem.size() > certificate_file_bytes_max) return {};
  const auto in = reading(pem);
  return x509{in ? PEM_read_bio_X509(in.get(), nullptr, no_passphrase, nullptr) : nullptr};
}

pkey key_from(std::string_view pem) {
  if (pem.size() > certificate_file_bytes_max) return {};
  const auto in = reading(pem);
  return pkey{in ? PEM_read_bio_PrivateKey(in.get(), nullptr, no_passphrase, nullptr) : nullptr};
}

bool is_ed25519(const EVP_PKEY* key) { return EVP_PKEY_is_a(key, "ED25519") == 1; }

bool may_sign(const EVP_PKEY* key) {
  if (is_ed25519(key)) return true;
  char group[32] = {};
  std::size_t size = 0;
  return EVP_PKEY_is_a(key, "EC") == 1 && EVP_PKEY_get_group_name(key, group, sizeof group, &size) == 1 &&
         std::string_view(group, size) == "prime256v1";
}

// Ed25519 hashes by itself.
const EVP_MD* digest_for(const EVP_PKEY* key) { return is_ed25519(key) ? nullptr : EVP_sha256(); }

std::string der_of(const X509* certificate) {
  const int size = i2d_X509(certificate, nullptr);
  if (size <= 0) return {};
  std::string out(static_cast<std::size_t>(size), '\0');
  auto* to = reinterpret_cast<unsigned char*>(out.data());
  i2d_X509(certificate, &to);
  return out;
}

std::string text_of_asn1(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

std::int64_t seconds_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return 0;
  return static_cast<std::int64_t>(timegm(&parts));
}

struct names {
  std::vector<std::string> uris, hosts;
};

names names_of(const X509* certificate) {
  names out;
  const general_names all{
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr))};
  if (!all) return out;
  for (int i = 0; i < sk_GENERAL_NAME_num(all.get()); ++i) {
    const GENERAL_NAME* each = sk_GENERAL_NAME_value(all.get(), i);
    if (each->type == GEN_URI) out.uris.push_back(text_of_asn1(each->d.uniformResourceIdentifier));
    if (each->type == GEN_DNS) out.hosts.push_back(text_of_asn1(each->d.dNSName));
    if (each->type == GEN_IPADD) {
      const int size = ASN1_STRING_length(each->d.iPAddress);
      char text[INET6_ADDRSTRLEN] = {};
      if ((size == 4 || size == 16) &&
          inet_ntop(size == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(each->d.iPAddress), text, sizeof text) !=
              nullptr)
        out.hosts.emplace_back(text);
    }
  }
  return out;
}

struct full_name {
  uuid cluster;
  std::optional<std::uint64_t> node;
};

// Exactly what we write: anything else is no name.
std::optional<full_name> parse_name(std::string_view uri) {
  if (!uri.starts_with(cluster_prefix)) return std::nullopt;
  uri.remove_prefix(cluster_prefix.size());
  const auto id = parse_uuid(uri.substr(0, 36));
  if (!id) return std::nullopt;
  uri.remove_prefix(36);
  if (uri.empty()) return full_name{*id, std::nullopt};
  if (!uri.starts_with(node_part)) return std::nullopt;
  uri.remove_prefix(node_part.size());
  std::uint64_t node = 0;
  const auto [end, failed] = std::from_chars(uri.data(), uri.data() + uri.size(), node);
  if (failed != std::errc() || end != uri.data() + uri.size() || node == 0 || uri.front() == '0') return std::nullopt;
  return full_name{*id, node};
}

// The one name of a certificate; two would leave open which one counts.
std::optional<full_name> name_of(const X509* certificate) {
  const auto all = names_of(certificate);
  if (all.uris.size() != 1) return std::nullopt;
  return parse_name(all.uris.front());
}

bool is_ca(X509* certificate) { return X509_check_ca(certificate) == 1; }

std::string uri_of(const uuid& cluster, std::optional<std::uint64_t> node) {
  std::string out = std::string(cluster_prefix) + to_string(cluster);
  if (node) out += std::string(node_part) + std::to_string(*node);
  return out;
}

bool is_address(const std::string& text) {
  unsigned char ignored[16];
  return inet_pton(AF_INET, text.c_str(), ignored) == 1 || inet_pton(AF_INET6, text.c_str(), ignored) == 1;
}

bool is_host(const std::string& text) {
  if (is_address(text)) return true;
  return !text.empty() && text.size() <= 253 &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '.'; });
}

bool is_label(const std::string& text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '-' || c == '.' || c == '_' || c == ' ';
  });
}

bool add_extension(X509* to, X509* issuer, int what, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, to, nullptr, nullptr, 0);
  const extension made{X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str())};
  return made && X509_add_ext(to, made.get(), -1) == 1;
}

bool set_times(X509* certificate, std::int64_t from, std::int64_t until) {
  return ASN1_TIME_set(X509_getm_notBefore(certificate), static_cast<std::time_t>(from)) != nullptr &&
         ASN1_TIME_set(X509_getm_notAfter(certificate), static_cast<std::time_t>(until)) != nullptr;
}

bool set_serial(X509* certificate) {
  auto serial = random_bytes(16);
  serial.data()[0] &= 0x7f;  // a positive number
  serial.data()[0] |= 0x40;  // and never a shorter one
  const bignum number{BN_bin2bn(serial.data(), static_cast<int>(serial.size()), nullptr)};
  return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool set_common_name(X509* certificate, const std::string& name) {
  return X509_NAME_add_entry_by_NID(X509_get_subject_name(certificate), NID_commonName, MBSTRING_UTF8, bytes_of(name),
                                    static_cast<int>(name.size()), -1, 0) == 1;
}

result<issued_certificate> written(const X509* certificate, const EVP_PKEY* key) {
  const bio out{BIO_new(BIO_s_mem())};
  const bio secret{BIO_new(BIO_s_secmem())};
  if (!out || !secret || PEM_write_bio_X509(out.get(), certificate) != 1 ||
      PEM_write_bio_PKCS8PrivateKey(secret.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1)
    return fail(errc::internal, "a certificate could not be written");
  char* text = nullptr;
  const auto size = BIO_get_mem_data(out.get(), &text);
  char* hidden = nullptr;
  const auto hidden_size = BIO_get_mem_data(secret.get(), &hidden);
  return issued_certificate{std::string(text, static_cast<std::size_t>(size)),
                            secure_bytes{std::string_view(hidden, static_cast<std::size_t>(hidden_size))}};
}

std::string valid_until(const X509* certificate) {
  char text[32] = {};
  const auto at = static_cast<std::time_t>(seconds_of(X509_get0_notAfter(certificate)));
  std::tm parts{};
  gmtime_r(&at, &parts);
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

bool outlived(const X509* certificate, std::int64_t now) { return seconds_of(X509_get0_notAfter(certificate)) < now; }

result<secure_bytes> read_named(std::string_view what, const std::string& file, file_privacy privacy) {
  if (file.empty()) return fail(errc::invalid, "there is no file for " + std::string(what));
  auto content = read_operator_file(file, certificate_file_bytes_max, privacy);
  if (!content) return fail(errc::invalid, std::string(what) + ", " + file + ": " + content.error().text);
  return std::move(content->content);
}

auto not_made() { return fail(errc::internal, "a certificate could not be made"); }

}  // namespace

result<issued_certificate> make_cluster_ca(const ca_request& what) {
  const error_mark mark;
  if (!is_label(what.name))
    return fail(errc::invalid, "a cluster's name has 1 to 64 letters, digits, spaces, '.', '-' or '_'");
  const pkey key{EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")};
  const x509 made{X509_new()};
  if (!key || !made || X509_set_version(made.get(), X509_VERSION_3) != 1 || !set_serial(made.get()) ||
      // An hour back, for machines whose clocks are behind.
      !set_times(made.get(), what.now - 3'600, what.now + what.days * 86'400) ||
      !set_common_name(made.get(), "nacre " + what.name) ||
      X509_set_issuer_name(made.get(), X509_get_subject_name(made.get())) != 1 ||
      X509_set_pubkey(made.get(), key.get()) != 1 ||
      !add_extension(made.get(), made.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
      !add_extension(made.get(), made.get(), NID_key_usage, "critical,keyCertSign") ||
      !add_extension(made.get(), made.get(), NID_subject_key_identifier, "hash") ||
      !add_extension(made.get(), made.get(), NID_subject_alt_name, "URI:" + uri_of(what.cluster, std::nullopt)) ||
      X509_sign(made.get(), key.get(), digest_for(key.get())) <= 0)
    return not_made();
  return written(made.get(), key.get());
}

result<issued_certificate> issue_node_certificate(std::string_view ca_certificate, std::string_view ca_key,
                                                  const node_request& what) {
  const error_mark mark;
  const auto trust = cluster_trust::read(ca_certificate);
  if (!trust) return fail(trust.error());
  const auto ca = certificate_from(ca_certificate);
  const auto signer = key_from(ca_key);
  if (!signer || !may_sign(signer.get())) return fail(errc::invalid, "the CA's key is no Ed25519 or P-256 key in PEM");
  if (X509_check_private_key(ca.get(), signer.get()) != 1)
    return fail(errc::invalid, "the CA's key is not the one of its certificate");
  if (outlived(ca.get(), what.now)) return fail(errc::invalid, "the CA's certificate ended " + valid_until(ca.get()));
  if (what.node == 0) return fail(errc::invalid, "a node's id is a number from 1");
  if (what.hosts.size() > certificate_hosts_max)
    return fail(errc::invalid, "more than " + std::to_string(certificate_hosts_max) + " hosts");
  std::string names = "URI:" + uri_of(trust->cluster(), what.node);
  for (const auto& host : what.hosts) {
    if (!is_host(host)) return fail(errc::invalid, "a host is a DNS name or an IP address");
    names += (is_address(host) ? ",IP:" : ",DNS:") + host;
  }
  const pkey key{EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")};
  const x509 made{X509_new()};
  const auto until = std::min(what.now + what.days * 86'400, seconds_of(X509_get0_notAfter(ca.get())));
  if (!key || !made || X509_set_version(made.get(), X509_VERSION_3) != 1 || !set_serial(made.get()) ||
      !set_times(made.get(), what.now - 3'600, until) ||
      !set_common_name(made.get(), "nacre node " + std::to_string(what.node)) ||
      X509_set_issuer_name(made.get(), X509_get_subject_name(ca.get())) != 1 ||
      X509_set_pubkey(made.get(), key.get()) != 1 ||
      !add_extension(made.get(), ca.get(), NID_basic_constraints, "critical,CA:FALSE") ||
      !add_extension(made.get(), ca.get(), NID_key_usage, "critical,digitalSignature") ||
      !add_extension(made.get(), ca.get(), NID_ext_key_usage, "serverAuth,clientAuth") ||
      !add_extension(made.get(), ca.get(), NID_subject_key_identifier, "hash") ||
      !add_extension(made.get(), ca.get(), NID_authority_key_identifier, "keyid") ||
      !add_extension(made.get(), ca.get(), NID_subject_alt_name, names) ||
      X509_sign(made.get(), signer.get(), digest_for(signer.get())) <= 0)
    return not_made();
  return written(made.get(), key.get());
}

result<certificate_facts> read_certificate(std::string_view pem) {
  const error_mark mark;
  const auto certificate = certificate_from(pem);
  if (!certificate) return fail(errc::invalid, "there is no certificate in it");
  certificate_facts out;
  if (const auto name = name_of(certificate.get())) {
    out.cluster = name->cluster;
    out.node = name->node;
  }
  out.ca = is_ca(certificate.get());
  out.hosts = names_of(certificate.get()).hosts;
  out.not_before = seconds_of(X509_get0_notBefore(certificate.get()));
  out.not_after = seconds_of(X509_get0_notAfter(certificate.get()));
  out.fingerprint = sha256(der_of(certificate.get()));
  const X509_NAME* subject = X509_get_subject_name(certificate.get());
  if (const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1); at >= 0)
    out.name = text_of_asn1(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  return out;
}

bool verified_member::signed_by(std::string_view message, std::string_view signature) const {
  const error_mark mark;
  if (signature.size() > signature_bytes_max) return false;
  const md_ctx context{EVP_MD_CTX_new()};
  return context && EVP_DigestVerifyInit(context.get(), nullptr, digest_for(key_.get()), nullptr, key_.get()) == 1 &&
         EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(message), message.size()) == 1;
}

result<cluster_trust> cluster_trust::read(std::string_view ca_pem) {
  const error_mark mark;
  cluster_trust out;
  out.ca_ = certificate_from(ca_pem);
  if (!out.ca_) return fail(errc::invalid, "the CA's file holds no certificate");
  const auto name = name_of(out.ca_.get());
  if (!is_ca(out.ca_.get()) || !name || name->node)
    return fail(errc::invalid, "the CA's certificate is not one that `nacre ca init` makes");
  out.cluster_ = name->cluster;
  out.fingerprint_ = sha256(der_of(out.ca_.get()));
  return out;
}

result<verified_member> cluster_trust::verify(std::string_view der, std::int64_t now) const {
  const error_mark mark;
  if (der.size() > certificate_bytes_max) return fail(errc::invalid, "the certificate is too large");
  const auto* at = bytes_of(der);
  const x509 leaf{d2i_X509(nullptr, &at, static_cast<long>(der.size()))};
  if (!leaf || at != bytes_of(der) + der.size()) return fail(errc::invalid, "it is no certificate");
  const x509_store store{X509_STORE_new()};
  const x509_store_ctx context{X509_STORE_CTX_new()};
  if (!store || !context || X509_STORE_add_cert(store.get(), ca_.get()) != 1 ||
      X509_STORE_CTX_init(context.get(), store.get(), leaf.get(), nullptr) != 1)
    return fail(errc::internal, "certificates cannot be verified");
  X509_VERIFY_PARAM* rules = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_time(rules, static_cast<std::time_t>(now));
  X509_VERIFY_PARAM_set_depth(rules, 1);
  X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_X509_STRICT);
  // A certificate that is good for one end of TLS only is not a node's.
  for (const int purpose : {X509_PURPOSE_SSL_CLIENT, X509_PURPOSE_SSL_SERVER})
    if (X509_check_purpose(leaf.get(), purpose, 0) != 1)
      return fail(errc::invalid, "the certificate is not for both ends of TLS");
  if (X509_verify_cert(context.get()) != 1) {
    const int why = X509_STORE_CTX_get_error(context.get());
    if (why == X509_V_ERR_CERT_HAS_EXPIRED)
      return fail(errc::invalid, X509_STORE_CTX_get_error_depth(context.get()) == 0
                                     ? "the certificate ended " + valid_until(leaf.get())
                                     : "the CA's certificate ended " + valid_until(ca_.get()));
    if (why == X509_V_ERR_CERT_NOT_YET_VALID)
      return fail(errc::invalid, "the certificate is not valid yet; is the clock right?");
    return fail(errc::invalid, "the certificate is not signed by the cluster's CA");
  }
  const auto name = name_of(leaf.get());
  if (!name || !name->node || is_ca(leaf.get())) return fail(errc::invalid, "the certificate names no node");
  if (name->cluster != cluster_) return fail(errc::invalid, "the certificate is of another cluster");
  verified_member out;
  out.name_ = {name->cluster, *name->node};
  out.key_.reset(X509_get_pubkey(leaf.get()));
  if (!out.key_ || !may_sign(out.key_.get()))
    return fail(errc::invalid, "the certificate's key is neither Ed25519 nor P-256");
  return out;
}

result<node_identity> node_identity::read(std::string_view ca_pem, std::string_view certificate_pem,
                                          std::string_view key_pem, std::int64_t now) {
  const error_mark mark;
  node_identity out;
  auto trust = cluster_trust::read(ca_pem);
  if (!trust) return fail(trust.error());
  out.trust_ = std::move(*trust);
  const auto certificate = certificate_from(certificate_pem);
  if (!certificate) return fail(errc::invalid, "the node's certificate file holds no certificate");
  out.key_ = key_from(key_pem);
  if (!out.key_) return fail(errc::invalid, "the node's key file holds no key (PEM, without a passphrase)");
  if (X509_check_private_key(certificate.get(), out.key_.get()) != 1)
    return fail(errc::invalid, "the node's key is not the one of its certificate");
  out.der_ = der_of(certificate.get());
  auto self = out.trust_.verify(out.der_, now);
  if (!self) return fail(errc::invalid, "the node's own certificate: " + self.error().text);
  out.name_ = self->name();
  out.not_after_ =
      std::min(seconds_of(X509_get0_notAfter(certificate.get())), seconds_of(X509_get0_notAfter(out.trust_.ca_.get())));
  return out;
}

result<node_identity> node_identity::read_files(const files& where, std::int64_t now) {
  const auto ca = read_named("the CA's certificate", where.ca, file_privacy::owner_writes);
  if (!ca) return fail(ca.error());
  const auto certificate = read_named("the node's certificate", where.certificate, file_privacy::owner_writes);
  if (!certificate) return fail(certificate.error());
  const auto key = read_named("the node's key", where.key, file_privacy::owner_only);
  if (!key) return fail(key.error());
  return read(ca->view(), certificate->view(), key->view(), now);
}

std::string node_identity::sign(std::string_view message) const {
  const error_mark mark;
  std::string out(signature_bytes_max, '\0');
  std::size_t size = out.size();
  const md_ctx context{EVP_MD_CTX_new()};
  if (!context || EVP_DigestSignInit(context.get(), nullptr, digest_for(key_.get()), nullptr, key_.get()) != 1 ||
      EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size, bytes_of(message),
                     message.size()) != 1)
    std::abort();  // the key was checked when it was read
  out.resize(size);
  return out;
}

key_agreement::key_agreement() {
  key_.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "X25519"));
  public_.resize(public_bytes);
  std::size_t size = public_bytes;
  if (!key_ || EVP_PKEY_get_raw_public_key(key_.get(), reinterpret_cast<unsigned char*>(public_.data()), &size) != 1 ||
      size != public_bytes)
    std::abort();
}

std::optional<secure_bytes> key_agreement::agree(std::string_view other_public) const {
  const error_mark mark;
  if (other_public.size() != public_bytes) return std::nullopt;
  const pkey other{EVP_PKEY_new_raw_public_key_ex(nullptr, "X25519", nullptr, bytes_of(other_public), public_bytes)};
  const pkey_ctx context{EVP_PKEY_CTX_new(key_.get(), nullptr)};
  secure_bytes out{32};
  std::size_t size = out.size();
  if (!other || !context || EVP_PKEY_derive_init(context.get()) != 1 ||
      EVP_PKEY_derive_set_peer(context.get(), other.get()) != 1 ||
      EVP_PKEY_derive(context.get(), out.data(), &size) != 1 || size != out.size())
    return std::nullopt;
  return out;
}

}  // namespace nacre::crypto

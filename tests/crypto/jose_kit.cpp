#include "jose_kit.hpp"

#include <openssl/core_names.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <stdexcept>

#include "crypto/digest.hpp"
#include "crypto/openssl_handles.hpp"

namespace nacre::crypto::test {
namespace {

void must(bool done) {
  if (!done) throw std::runtime_error("OpenSSL refused to make test data");
}

const unsigned char* raw(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

std::string number(const BIGNUM* n, int bytes) {
  std::string out(static_cast<std::size_t>(bytes), '\0');
  must(BN_bn2binpad(n, reinterpret_cast<unsigned char*>(out.data()), bytes) == bytes);
  return out;
}

std::string parameter(const evp_key& key, const char* name, int bytes) {
  BIGNUM* n = nullptr;
  must(EVP_PKEY_get_bn_param(key.get(), name, &n) == 1);
  const bignum owned{n};
  return number(n, bytes == 0 ? BN_num_bytes(n) : bytes);
}

}  // namespace

signer signer::rsa(std::string kid, int bits) {
  signer out;
  out.algorithm_ = jwt_algorithm::rs256;
  out.kid_ = std::move(kid);
  const pkey_ctx context{EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr)};
  EVP_PKEY* key = nullptr;
  must(context && EVP_PKEY_keygen_init(context.get()) == 1 &&
       EVP_PKEY_CTX_set_rsa_keygen_bits(context.get(), bits) == 1 && EVP_PKEY_generate(context.get(), &key) == 1);
  out.key_.reset(key);
  return out;
}

signer signer::p256(std::string kid) {
  signer out;
  out.algorithm_ = jwt_algorithm::es256;
  out.kid_ = std::move(kid);
  out.key_.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  must(out.key_ != nullptr);
  return out;
}

signer signer::ed25519(std::string kid) {
  signer out;
  out.algorithm_ = jwt_algorithm::eddsa;
  out.kid_ = std::move(kid);
  out.key_.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  must(out.key_ != nullptr);
  return out;
}

signer signer::hmac(std::string kid, std::string secret) {
  signer out;
  out.kid_ = std::move(kid);
  out.secret_ = std::move(secret);
  return out;
}

std::string signer::alg() const {
  switch (algorithm_) {
    case jwt_algorithm::rs256:
      return "RS256";
    case jwt_algorithm::es256:
      return "ES256";
    case jwt_algorithm::eddsa:
      return "EdDSA";
    case jwt_algorithm::hs256:
      return "HS256";
  }
  return {};
}

std::map<std::string, std::string> signer::members() const {
  std::map<std::string, std::string> out{{"kid", in_quotes(kid_)}};
  const auto add = [&](const char* name, std::string_view bytes) { out[name] = in_quotes(base64url_encode(bytes)); };
  switch (algorithm_) {
    case jwt_algorithm::rs256:
      out["kty"] = in_quotes("RSA");
      add("n", parameter(key_, OSSL_PKEY_PARAM_RSA_N, 0));
      add("e", parameter(key_, OSSL_PKEY_PARAM_RSA_E, 0));
      break;
    case jwt_algorithm::es256:
      out["kty"] = in_quotes("EC");
      out["crv"] = in_quotes("P-256");
      add("x", parameter(key_, OSSL_PKEY_PARAM_EC_PUB_X, 32));
      add("y", parameter(key_, OSSL_PKEY_PARAM_EC_PUB_Y, 32));
      break;
    case jwt_algorithm::eddsa: {
      std::string x(32, '\0');
      std::size_t size = x.size();
      must(EVP_PKEY_get_raw_public_key(key_.get(), reinterpret_cast<unsigned char*>(x.data()), &size) == 1);
      out["kty"] = in_quotes("OKP");
      out["crv"] = in_quotes("Ed25519");
      add("x", x);
      break;
    }
    case jwt_algorithm::hs256:
      out["kty"] = in_quotes("oct");
      add("k", secret_);
      break;
  }
  return out;
}

std::string signer::jwk(const std::map<std::string, std::string>& changes) const {
  auto all = members();
  for (const auto& [name, value] : changes) all[name] = value;
  return object(all);
}

std::string signer::header() const { return R"({"alg":")" + alg() + R"(","kid":)" + in_quotes(kid_) + "}"; }

std::string signer::signature(std::string_view input) const {
  switch (algorithm_) {
    case jwt_algorithm::rs256:
      return evp_sign(key_.get(), "SHA256", input);
    case jwt_algorithm::eddsa:
      return evp_sign(key_.get(), nullptr, input);
    case jwt_algorithm::hs256:
      return hs256(secret_, input);
    case jwt_algorithm::es256:
      break;
  }
  const std::string der = evp_sign(key_.get(), "SHA256", input);
  const unsigned char* at = raw(der);
  const ecdsa_sig pair{d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()))};
  must(pair != nullptr);
  return number(ECDSA_SIG_get0_r(pair.get()), 32) + number(ECDSA_SIG_get0_s(pair.get()), 32);
}

std::string signer::sign(std::string_view header_json, std::string_view payload) const {
  const std::string input = base64url_encode(header_json) + "." + base64url_encode(payload);
  return input + "." + base64url_encode(signature(input));
}

std::string signer::spki_der() const {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key_.get(), &der);
  must(size > 0);
  std::string out{reinterpret_cast<const char*>(der), static_cast<std::size_t>(size)};
  OPENSSL_free(der);
  return out;
}

std::string signer::spki_pem() const {
  const std::string der = spki_der();
  std::string base64(der.size() * 2, '\0');
  base64.resize(static_cast<std::size_t>(
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(base64.data()), raw(der), static_cast<int>(der.size()))));
  std::string out = "-----BEGIN PUBLIC KEY-----\n";
  for (std::size_t at = 0; at < base64.size(); at += 64) out += base64.substr(at, 64) + "\n";
  return out + "-----END PUBLIC KEY-----\n";
}

std::string evp_sign(evp_pkey_st* key, const char* digest_name, std::string_view input, bool pss) {
  const md_ctx context{EVP_MD_CTX_new()};
  EVP_PKEY_CTX* options = nullptr;
  must(context && EVP_DigestSignInit_ex(context.get(), &options, digest_name, nullptr, nullptr, key, nullptr) == 1);
  if (pss) must(EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1);
  std::size_t size = 0;
  must(EVP_DigestSign(context.get(), nullptr, &size, raw(input), input.size()) == 1);
  std::string out(size, '\0');
  must(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size, raw(input), input.size()) ==
       1);
  out.resize(size);
  return out;
}

std::string hs256(std::string_view secret, std::string_view input) {
  return std::string{view(hmac_sha256(secret, input))};
}

std::string object(const std::map<std::string, std::string>& members) {
  std::string out = "{";
  for (const auto& [name, value] : members) {
    if (value.empty()) continue;
    if (out.size() > 1) out += ",";
    out += in_quotes(name) + ":" + value;
  }
  return out + "}";
}

std::string key_set_json(const std::vector<std::string>& jwks) {
  std::string out = R"({"keys":[)";
  for (std::size_t i = 0; i < jwks.size(); ++i) out += (i == 0 ? "" : ",") + jwks[i];
  return out + "]}";
}

std::string in_quotes(std::string_view text) { return "\"" + std::string{text} + "\""; }

std::string join(std::string_view header_json, std::string_view payload, std::string_view signature) {
  return base64url_encode(header_json) + "." + base64url_encode(payload) + "." + base64url_encode(signature);
}

}  // namespace nacre::crypto::test

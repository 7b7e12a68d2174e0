#include "crypto/jws.hpp"

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "crypto/digest.hpp"
#include "crypto/openssl_handles.hpp"
#include "crypto/strict_json.hpp"
#include "model/limits.hpp"

namespace nacre::crypto {
namespace {

bool equals_ignoring_case(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) != lower[i]) return false;
  }
  return true;
}

// `jku`, `x5u`, `jwk`, `x5c` and whatever else a header may carry are not looked at: keys come from
// the issuer's file. `crit` and `b64` would change what is signed, `cty` what the payload is.
jwt_refusal read_header(std::string_view json, compact_jws& out) {
  thread_local json_reader reader{jws_header_bytes_max};
  const auto header = reader.read(json);
  if (!header) return jwt_refusal::header;
  for (const std::string_view refused : {"crit", "b64", "cty"})
    if (has(*header, refused)) return jwt_refusal::header;
  const auto alg = string_member(*header, "alg");
  if (!alg) return jwt_refusal::header;
  if (has(*header, "typ")) {
    const auto typ = string_member(*header, "typ");
    if (!typ || !(equals_ignoring_case(*typ, "jwt") || equals_ignoring_case(*typ, "at+jwt")))
      return jwt_refusal::header;
  }
  out.kid.reset();
  if (has(*header, "kid")) {
    const auto kid = string_member(*header, "kid");
    if (!kid || kid->size() > kid_bytes_max) return jwt_refusal::header;
    out.kid.emplace(*kid);
  }
  out.alg = *alg;
  return jwt_refusal::none;
}

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

bool evp_verifies(evp_pkey_st* key, const char* digest_name, std::string_view input, std::string_view signature) {
  const md_ctx context{EVP_MD_CTX_new()};
  return context && EVP_DigestVerifyInit_ex(context.get(), nullptr, digest_name, nullptr, nullptr, key, nullptr) == 1 &&
         EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(input), input.size()) == 1;
}

// RFC 7518 section 3.4 puts R || S on the wire; OpenSSL reads DER.
bool es256_verifies(evp_pkey_st* key, std::string_view input, std::string_view signature) {
  const ecdsa_sig pair{ECDSA_SIG_new()};
  bignum r{BN_bin2bn(bytes_of(signature), 32, nullptr)};
  bignum s{BN_bin2bn(bytes_of(signature) + 32, 32, nullptr)};
  if (!pair || !r || !s || ECDSA_SIG_set0(pair.get(), r.get(), s.get()) != 1) return false;
  (void)r.release();  // owned by `pair` now
  (void)s.release();
  std::array<unsigned char, 80> der{};  // 2 + 2 * (2 + 33) at most
  unsigned char* to = der.data();
  const int size = i2d_ECDSA_SIG(pair.get(), &to);
  if (size <= 0) return false;
  return evp_verifies(key, "SHA256", input,
                      {reinterpret_cast<const char*>(der.data()), static_cast<std::size_t>(size)});
}

bool verifies(const verification_key& key, std::string_view input, std::string_view signature) {
  switch (key.algorithm) {
    case jwt_algorithm::rs256:
      return evp_verifies(key.key.get(), "SHA256", input, signature);
    case jwt_algorithm::es256:
      return es256_verifies(key.key.get(), input, signature);
    case jwt_algorithm::eddsa:
      return evp_verifies(key.key.get(), nullptr, input, signature);
    case jwt_algorithm::hs256: {
      const digest expected = hmac_sha256(key.secret.view(), input);
      return CRYPTO_memcmp(expected.data(), signature.data(), expected.size()) == 0;
    }
  }
  return false;
}

}  // namespace

void evp_key_free::operator()(evp_pkey_st* key) const noexcept { EVP_PKEY_free(key); }

jwt_refusal parse_compact(std::string_view compact, compact_jws& out) {
  if (compact.size() > limits::bearer_bytes_max) return jwt_refusal::malformed;
  const auto first = compact.find('.');
  if (first == std::string_view::npos) return jwt_refusal::malformed;
  const auto second = compact.find('.', first + 1);
  if (second == std::string_view::npos || compact.find('.', second + 1) != std::string_view::npos)
    return jwt_refusal::malformed;

  const auto header = base64url_decode(compact.substr(0, first));
  auto payload = base64url_decode(compact.substr(first + 1, second - first - 1));
  auto signature = base64url_decode(compact.substr(second + 1));
  if (!header || !payload || !signature) return jwt_refusal::malformed;

  out.signing_input = compact.substr(0, second);
  out.payload = std::move(*payload);
  out.signature = std::move(*signature);
  return read_header(*header, out);
}

bool verification_key::owns(std::string_view header_alg) const {
  if (!alg.empty()) return header_alg == alg;
  switch (algorithm) {
    case jwt_algorithm::rs256:
      return header_alg == "RS256";
    case jwt_algorithm::es256:
      return header_alg == "ES256";
    case jwt_algorithm::eddsa:
      return header_alg == "EdDSA" || header_alg == "Ed25519";  // RFC 8037, RFC 9864
    case jwt_algorithm::hs256:
      return header_alg == "HS256";
  }
  return false;
}

std::optional<secure_bytes> decode_secret(std::string_view text) {
  auto decoded = base64url_decode(text);
  if (!decoded) return std::nullopt;
  std::string& plain = *decoded;
  secure_bytes out{plain};
  OPENSSL_cleanse(plain.data(), plain.size());
  return out;
}

jwt_refusal check_signature(const compact_jws& jws, const verification_key& key) {
  if (!key.owns(jws.alg)) return jwt_refusal::algorithm;
  if (jws.signature.size() != key.signature_bytes) return jwt_refusal::signature;
  // A refused signature leaves entries in this thread's OpenSSL queue, where TLS would misread them.
  const error_mark mark;
  return verifies(key, jws.signing_input, jws.signature) ? jwt_refusal::none : jwt_refusal::signature;
}

}  // namespace nacre::crypto

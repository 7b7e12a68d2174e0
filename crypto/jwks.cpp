// Key sets as untrusted input: a key is kept only if everything about it is known to be right.
#include <openssl/core_names.h>
#include <sodium.h>

#include <algorithm>

#include "crypto/jws.hpp"
#include "crypto/openssl_handles.hpp"
#include "crypto/strict_json.hpp"

namespace nacre::crypto {
namespace {

namespace dom = simdjson::dom;

constexpr int rsa_modulus_bits_min = 2048;
constexpr int rsa_modulus_bits_max = 4096;
constexpr std::size_t p256_coordinate_bytes = 32;
constexpr std::size_t ed25519_key_bytes = 32;

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

std::optional<std::string> bytes_member(const dom::object& jwk, std::string_view name) {
  const auto text = string_member(jwk, name);
  return text ? base64url_decode(*text) : std::nullopt;
}

// Absent, or the string expected.
bool absent_or(const dom::object& jwk, std::string_view name, std::string_view expected) {
  return !has(jwk, name) || string_member(jwk, name) == expected;
}

bool may_verify(const dom::object& jwk) {
  if (!absent_or(jwk, "use", "sig")) return false;
  if (!has(jwk, "key_ops")) return true;
  dom::array operations;
  if (jwk.at_key("key_ops").get(operations) != simdjson::SUCCESS) return false;
  return std::any_of(operations.begin(), operations.end(), [](const dom::element& e) {
    std::string_view name;
    return e.get(name) == simdjson::SUCCESS && name == "verify";
  });
}

bool has_private_member(const dom::object& jwk) {
  static constexpr std::string_view names[] = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};
  return std::any_of(std::begin(names), std::end(names), [&](std::string_view name) { return has(jwk, name); });
}

evp_key checked(evp_key key) {
  if (!key) return nullptr;
  const pkey_ctx context{EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr)};
  if (!context || EVP_PKEY_public_check(context.get()) != 1) return nullptr;
  return key;
}

evp_key from_params(const char* type, OSSL_PARAM* from) {
  const pkey_ctx context{EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr)};
  EVP_PKEY* key = nullptr;
  if (!context || !from || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, from) != 1)
    return nullptr;
  return checked(evp_key{key});
}

evp_key rsa_key(const dom::object& jwk) {
  const auto n = bytes_member(jwk, "n");
  if (!n || n->empty() || n->front() == '\0' || string_member(jwk, "e") != "AQAB") return nullptr;  // e = 65537
  if (n->size() > rsa_modulus_bits_max / 8) return nullptr;
  const bignum modulus{BN_bin2bn(bytes_of(*n), static_cast<int>(n->size()), nullptr)};
  if (!modulus || BN_num_bits(modulus.get()) < rsa_modulus_bits_min) return nullptr;
  const param_builder builder{OSSL_PARAM_BLD_new()};
  if (!builder || OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1 ||
      OSSL_PARAM_BLD_push_ulong(builder.get(), OSSL_PKEY_PARAM_RSA_E, 65537) != 1)
    return nullptr;
  const params from{OSSL_PARAM_BLD_to_param(builder.get())};
  return from_params("RSA", from.get());
}

evp_key p256_key(const dom::object& jwk) {
  const auto x = bytes_member(jwk, "x");
  const auto y = bytes_member(jwk, "y");
  if (string_member(jwk, "crv") != "P-256" || !x || !y || x->size() != p256_coordinate_bytes ||
      y->size() != p256_coordinate_bytes)
    return nullptr;
  const std::string point = '\x04' + *x + *y;
  const param_builder builder{OSSL_PARAM_BLD_new()};
  if (!builder || OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) != 1)
    return nullptr;
  const params from{OSSL_PARAM_BLD_to_param(builder.get())};
  return from_params("EC", from.get());
}

// OpenSSL accepts any 32 bytes, and a forged signature under the identity point verifies. libsodium's
// check wants the canonical encoding of a point of the prime-order group, so none of the eight
// small-order points (nor their other spellings, nor mixtures) pass.
evp_key ed25519_key(const dom::object& jwk) {
  const auto x = bytes_member(jwk, "x");
  if (string_member(jwk, "crv") != "Ed25519" || !x || x->size() != ed25519_key_bytes) return nullptr;
  if (crypto_core_ed25519_is_valid_point(bytes_of(*x)) != 1) return nullptr;
  return checked(evp_key{EVP_PKEY_new_raw_public_key_ex(nullptr, "ED25519", nullptr, bytes_of(*x), x->size())});
}

std::optional<verification_key> parse_key(const dom::object& jwk, bool allow_symmetric) {
  verification_key out;
  if (has(jwk, "kid")) {
    const auto kid = string_member(jwk, "kid");
    if (!kid || kid->empty() || kid->size() > kid_bytes_max) return std::nullopt;
    out.kid.emplace(*kid);
  }
  if (has(jwk, "alg")) {
    const auto alg = string_member(jwk, "alg");
    if (!alg || alg->empty()) return std::nullopt;
    out.alg = *alg;
  }
  if (!may_verify(jwk)) return std::nullopt;

  const auto kty = string_member(jwk, "kty");
  if (kty == "oct") {
    const auto text = string_member(jwk, "k");
    if (!allow_symmetric || !text || has(jwk, "d")) return std::nullopt;
    auto secret = decode_secret(*text);
    if (!secret || secret->size() < hs256_secret_bytes_min) return std::nullopt;
    out.secret = std::move(*secret);
    out.algorithm = jwt_algorithm::hs256;
    out.signature_bytes = 32;
  } else {
    if (has_private_member(jwk)) return std::nullopt;
    if (kty == "RSA") {
      out.algorithm = jwt_algorithm::rs256;
      out.key = rsa_key(jwk);
      if (out.key) out.signature_bytes = static_cast<std::size_t>(EVP_PKEY_get_size(out.key.get()));
    } else if (kty == "EC") {
      out.algorithm = jwt_algorithm::es256;
      out.key = p256_key(jwk);
      out.signature_bytes = 64;
    } else if (kty == "OKP") {
      out.algorithm = jwt_algorithm::eddsa;
      out.key = ed25519_key(jwk);
      out.signature_bytes = 64;
    }
    if (!out.key) return std::nullopt;
  }
  // A declared `alg` must be a name of the one algorithm this type of key is for.
  if (!out.alg.empty()) {
    const std::string declared = std::exchange(out.alg, {});
    if (!out.owns(declared)) return std::nullopt;
    out.alg = declared;
  }
  return out;
}

}  // namespace

result<std::shared_ptr<const key_set>> key_set::parse(std::string_view json, bool allow_symmetric) {
  if (json.size() > jwks_bytes_max) return fail(errc::invalid, "the key set is larger than 64 KiB");
  const error_mark mark;
  json_reader reader{jwks_bytes_max};
  const auto document = reader.read(json);
  if (!document) return fail(errc::invalid, "the key set is not one JSON object without repeated members");
  dom::array jwks_array;
  if (document->at_key("keys").get(jwks_array) != simdjson::SUCCESS)
    return fail(errc::invalid, "the key set has no array `keys`");

  const auto set = std::make_shared<key_set>();
  for (const dom::element each : jwks_array) {
    dom::object jwk;
    if (each.get(jwk) != simdjson::SUCCESS) return fail(errc::invalid, "the key set holds something that is no key");
    if (auto key = parse_key(jwk, allow_symmetric)) set->keys_.push_back(std::move(*key));
  }
  for (const auto& key : set->keys_)
    if (key.kid && !set->by_kid_.emplace(*key.kid, &key).second)
      return fail(errc::invalid, "two keys of the set have the same `kid`");
  return std::shared_ptr<const key_set>{set};
}

const verification_key* key_set::find(const std::optional<std::string>& kid) const {
  if (!kid) return keys_.size() == 1 ? &keys_.front() : nullptr;
  const auto found = by_kid_.find(*kid);
  return found == by_kid_.end() ? nullptr : found->second;
}

result<std::shared_ptr<const jwks>> parse_jwks(std::string_view json, bool allow_symmetric) {
  auto set = key_set::parse(json, allow_symmetric);
  if (!set) return tl::make_unexpected(std::move(set.error()));
  return std::shared_ptr<const jwks>{std::move(*set)};
}

}  // namespace nacre::crypto

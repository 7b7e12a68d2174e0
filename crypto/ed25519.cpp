#include "crypto/ed25519.hpp"

#include <cstdlib>

#include "crypto/openssl_handles.hpp"

namespace nacre::crypto {

namespace {
const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }
}  // namespace

std::optional<ed25519_key> ed25519_key::from_secret(std::string_view secret) {
  const error_mark mark;
  if (secret.size() != ed25519_key_bytes) return std::nullopt;
  evp_key key{EVP_PKEY_new_raw_private_key_ex(nullptr, "ED25519", nullptr, bytes_of(secret), secret.size())};
  std::string x(ed25519_key_bytes, '\0');
  std::size_t size = x.size();
  if (!key || EVP_PKEY_get_raw_public_key(key.get(), bytes_of(x), &size) != 1 || size != x.size()) return std::nullopt;
  return ed25519_key(std::move(key), std::move(x));
}

std::string ed25519_key::sign(std::string_view message) const {
  const error_mark mark;
  std::string out(ed25519_signature_bytes, '\0');
  std::size_t size = out.size();
  const md_ctx context{EVP_MD_CTX_new()};
  if (!context || EVP_DigestSignInit_ex(context.get(), nullptr, nullptr, nullptr, nullptr, key_.get(), nullptr) != 1 ||
      EVP_DigestSign(context.get(), bytes_of(out), &size, bytes_of(message), message.size()) != 1)
    std::abort();  // the key was checked when it was made
  return out;
}

bool ed25519_verifies(std::string_view public_part, std::string_view message, std::string_view signature) {
  const error_mark mark;
  if (public_part.size() != ed25519_key_bytes || signature.size() != ed25519_signature_bytes) return false;
  const evp_key key{
      EVP_PKEY_new_raw_public_key_ex(nullptr, "ED25519", nullptr, bytes_of(public_part), public_part.size())};
  const md_ctx context{EVP_MD_CTX_new()};
  return key && context &&
         EVP_DigestVerifyInit_ex(context.get(), nullptr, nullptr, nullptr, nullptr, key.get(), nullptr) == 1 &&
         EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(message), message.size()) == 1;
}

}  // namespace nacre::crypto

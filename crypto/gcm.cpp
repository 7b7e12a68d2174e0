#include "crypto/gcm.hpp"

#include <cryptopp/aes.h>
#include <cryptopp/gcm.h>
#include <cryptopp/misc.h>

namespace nacre::crypto::gcm {
namespace {

const CryptoPP::byte* bytes(std::string_view s) { return reinterpret_cast<const CryptoPP::byte*>(s.data()); }

}  // namespace

void encrypt(key_span key, nonce_span nonce, std::string_view aad, std::string_view plaintext, std::uint8_t* ciphertext,
             std::span<std::uint8_t, tag_bytes> tag) noexcept {
  CryptoPP::GCM<CryptoPP::AES>::Encryption cipher;
  cipher.SetKeyWithIV(key.data(), key.size(), nonce.data(), nonce.size());
  cipher.EncryptAndAuthenticate(ciphertext, tag.data(), tag.size(), nonce.data(), static_cast<int>(nonce.size()),
                                bytes(aad), aad.size(), bytes(plaintext), plaintext.size());
}

bool decrypt(key_span key, nonce_span nonce, std::string_view aad, std::string_view ciphertext,
             std::span<const std::uint8_t, tag_bytes> tag, std::uint8_t* plaintext) noexcept {
  bool authentic = false;
  try {
    CryptoPP::GCM<CryptoPP::AES>::Decryption cipher;
    cipher.SetKeyWithIV(key.data(), key.size(), nonce.data(), nonce.size());
    authentic = cipher.DecryptAndVerify(plaintext, tag.data(), tag.size(), nonce.data(), static_cast<int>(nonce.size()),
                                        bytes(aad), aad.size(), bytes(ciphertext), ciphertext.size());
  } catch (const CryptoPP::Exception&) {
    authentic = false;  // what it cannot process (a length beyond GCM's limit) is not authentic either
  }
  if (!authentic && !ciphertext.empty()) CryptoPP::SecureWipeBuffer(plaintext, ciphertext.size());
  return authentic;
}

}  // namespace nacre::crypto::gcm

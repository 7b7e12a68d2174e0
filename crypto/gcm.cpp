#include "crypto/gcm.hpp"

#include <cryptopp/aes.h>
#include <cryptopp/gcm.h>
#include <cryptopp/misc.h>

namespace nacre::crypto::gcm {
namespace {

const CryptoPP::byte* bytes(std::string_view s) { return reinterpret_cast<const CryptoPP::byte*>(s.data()); }

void begin(CryptoPP::GCM_Base& cipher, key_span key, nonce_span nonce, aad_parts aad) {
  cipher.SetKeyWithIV(key.data(), key.size(), nonce.data(), nonce.size());
  for (const auto part : aad) cipher.Update(bytes(part), part.size());
}

}  // namespace

// Not EncryptAndAuthenticate() and DecryptAndVerify(): those begin anew with the nonce that the key was just set with.
void encrypt(key_span key, nonce_span nonce, aad_parts aad, std::string_view plaintext, std::uint8_t* ciphertext,
             std::span<std::uint8_t, tag_bytes> tag) noexcept {
  CryptoPP::GCM<CryptoPP::AES>::Encryption cipher;
  begin(cipher, key, nonce, aad);
  cipher.ProcessData(ciphertext, bytes(plaintext), plaintext.size());
  cipher.TruncatedFinal(tag.data(), tag.size());
}

bool decrypt(key_span key, nonce_span nonce, aad_parts aad, std::string_view ciphertext,
             std::span<const std::uint8_t, tag_bytes> tag, std::uint8_t* plaintext) noexcept {
  bool authentic = false;
  try {
    CryptoPP::GCM<CryptoPP::AES>::Decryption cipher;
    begin(cipher, key, nonce, aad);
    cipher.ProcessData(plaintext, bytes(ciphertext), ciphertext.size());
    authentic = cipher.TruncatedVerify(tag.data(), tag.size());
  } catch (const CryptoPP::Exception&) {
    authentic = false;  // what it cannot process (a length beyond GCM's limit) is not authentic either
  }
  if (!authentic && !ciphertext.empty()) CryptoPP::SecureWipeBuffer(plaintext, ciphertext.size());
  return authentic;
}

}  // namespace nacre::crypto::gcm

#pragma once
// AES-256-GCM (NIST SP 800-38D) with every length fixed by its type. Only aead.cpp, sealed_text.cpp
// and sealed_answer.cpp (layouts shared with browsers) and the known-answer tests include this: whoever else needs a
// ciphertext calls aead.hpp, which picks the nonce itself and commits to the key.

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

namespace nacre::crypto::gcm {

inline constexpr std::size_t key_bytes = 32;
inline constexpr std::size_t nonce_bytes = 12;
inline constexpr std::size_t tag_bytes = 16;

using key_span = std::span<const std::uint8_t, key_bytes>;
using nonce_span = std::span<const std::uint8_t, nonce_bytes>;
using aad_parts = std::initializer_list<std::string_view>;  // authenticated as if they were one

// `ciphertext` holds plaintext.size() bytes and does not overlap the plaintext.
void encrypt(key_span key, nonce_span nonce, aad_parts aad, std::string_view plaintext, std::uint8_t* ciphertext,
             std::span<std::uint8_t, tag_bytes> tag) noexcept;

// `plaintext` holds ciphertext.size() bytes and does not overlap the ciphertext. On false it holds
// zeros: Crypto++ itself leaves the unauthenticated plaintext there.
[[nodiscard]] bool decrypt(key_span key, nonce_span nonce, aad_parts aad, std::string_view ciphertext,
                           std::span<const std::uint8_t, tag_bytes> tag, std::uint8_t* plaintext) noexcept;

}  // namespace nacre::crypto::gcm

#pragma once
// Bytes that are wiped when freed: keys, plaintext, tokens. Move-only; there is no way to print,
// format, compare with == or turn one into a std::string by accident. `view()` lends the bytes;
// whoever copies them out takes over the duty to wipe.

#include <cryptopp/secblock.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace nacre::crypto {

class secure_bytes {
 public:
  secure_bytes() = default;
  explicit secure_bytes(std::size_t size) : block_(size) {}
  explicit secure_bytes(std::string_view copy_of)
      : block_(reinterpret_cast<const CryptoPP::byte*>(copy_of.data()), copy_of.size()) {}
  secure_bytes(secure_bytes&& other) noexcept { block_.swap(other.block_); }
  secure_bytes& operator=(secure_bytes&& other) noexcept {
    if (this != &other) {
      CryptoPP::SecByteBlock emptied;  // swapped-out bytes are wiped here, not in `other`
      block_.swap(emptied);
      block_.swap(other.block_);
    }
    return *this;
  }
  secure_bytes(const secure_bytes&) = delete;
  secure_bytes& operator=(const secure_bytes&) = delete;

  secure_bytes clone() const { return secure_bytes{view()}; }
  std::size_t size() const noexcept { return block_.size(); }
  bool empty() const noexcept { return block_.empty(); }
  std::uint8_t* data() noexcept { return block_.data(); }
  const std::uint8_t* data() const noexcept { return block_.data(); }
  std::string_view view() const noexcept { return {reinterpret_cast<const char*>(block_.data()), block_.size()}; }

 private:
  CryptoPP::SecByteBlock block_;
};

// Constant time in the contents; lengths are public.
bool equal(std::string_view a, std::string_view b) noexcept;

}  // namespace nacre::crypto

#include "crypto/secure_bytes.hpp"

#include <cryptopp/misc.h>

namespace nacre::crypto {

bool equal(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  if (a.empty()) return true;
  return CryptoPP::VerifyBufsEqual(reinterpret_cast<const CryptoPP::byte*>(a.data()),
                                   reinterpret_cast<const CryptoPP::byte*>(b.data()), a.size());
}

}  // namespace nacre::crypto

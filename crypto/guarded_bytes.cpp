#include "crypto/guarded_bytes.hpp"

#include <sodium.h>

#include <cstdlib>
#include <cstring>

namespace nacre::crypto {

guarded_bytes::guarded_bytes(std::string_view copy_of) : size_(copy_of.size()) {
  if (sodium_init() < 0) std::abort();  // repeating it is harmless
  bytes_.reset(static_cast<std::uint8_t*>(sodium_malloc(size_)));
  if (!bytes_) std::abort();
  if (size_ != 0) std::memcpy(bytes_.get(), copy_of.data(), size_);
  if (sodium_mprotect_readonly(bytes_.get()) != 0) std::abort();
}

void guarded_bytes::release::operator()(std::uint8_t* bytes) const noexcept { sodium_free(bytes); }

}  // namespace nacre::crypto

#include "crypto/random.hpp"

#include <sys/random.h>

#include <cerrno>
#include <cstdlib>

namespace nacre::crypto {

void fill_random(std::span<std::uint8_t> out) noexcept {
  while (!out.empty()) {
    const ssize_t got = getrandom(out.data(), out.size(), 0);
    if (got < 0) {
      if (errno == EINTR) continue;
      std::abort();
    }
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

secure_bytes random_bytes(std::size_t size) {
  secure_bytes out(size);
  fill_random({out.data(), out.size()});
  return out;
}

uuid random_uuid() {
  std::array<std::uint8_t, 16> bytes;
  fill_random(bytes);
  return make_uuid_v4(bytes);
}

}  // namespace nacre::crypto

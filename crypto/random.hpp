#pragma once
// Randomness comes from getrandom(2) and nowhere else. It cannot fail on Linux once seeded; if it
// does, the process aborts: there is no safe way on.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "crypto/secure_bytes.hpp"
#include "model/ids.hpp"

namespace nacre::crypto {

void fill_random(std::span<std::uint8_t> out) noexcept;
secure_bytes random_bytes(std::size_t size);
uuid random_uuid();  // version 4

}  // namespace nacre::crypto

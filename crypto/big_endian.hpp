#pragma once
// Numbers in the byte layouts of this folder: big-endian, four bytes.

#include <cstdint>
#include <string>
#include <string_view>

namespace nacre::crypto {

inline void put_u32(std::string& out, std::uint32_t n) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(n >> shift & 0xff));
}

// `at + 4` must lie within `in`.
inline std::uint32_t get_u32(std::string_view in, std::size_t at) {
  std::uint32_t n = 0;
  for (std::size_t i = 0; i < 4; ++i) n = n << 8 | static_cast<std::uint8_t>(in[at + i]);
  return n;
}

}  // namespace nacre::crypto

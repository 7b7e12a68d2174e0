#include "http/outbound/public_address.hpp"

#include <cstddef>

namespace nacre::http {

namespace {

// IANA's registries of special-purpose addresses.
struct v4_network {
  std::uint32_t base;
  unsigned bits;
};
constexpr std::uint32_t v4(unsigned a, unsigned b, unsigned c = 0, unsigned d = 0) {
  return a << 24 | b << 16 | c << 8 | d;
}
constexpr v4_network special_v4[] = {
    {v4(0, 0), 8},           // this network
    {v4(10, 0), 8},          // private
    {v4(100, 64), 10},       // shared by carriers
    {v4(127, 0), 8},         // loopback
    {v4(169, 254), 16},      // link-local, cloud metadata
    {v4(172, 16), 12},       // private
    {v4(192, 0, 0), 24},     // protocol assignments
    {v4(192, 0, 2), 24},     // documentation
    {v4(192, 31, 196), 24},  // AS112
    {v4(192, 52, 193), 24},  // AMT
    {v4(192, 88, 99), 24},   // 6to4 relays
    {v4(192, 168), 16},      // private
    {v4(192, 175, 48), 24},  // AS112
    {v4(198, 18), 15},       // benchmarking
    {v4(198, 51, 100), 24},  // documentation
    {v4(203, 0, 113), 24},   // documentation
    {v4(224, 0), 4},         // multicast
    {v4(240, 0), 4},         // reserved, broadcast
};

struct v6_network {
  std::uint32_t head;  // the first 32 bits are enough for all of them
  unsigned bits;
};
constexpr v6_network global_v6{0x20000000, 3};
constexpr v6_network special_v6[] = {
    {0x20010000, 23},  // protocol assignments, Teredo among them
    {0x20010db8, 32},  // documentation
    {0x20020000, 16},  // 6to4
    {0x3fff0000, 20},  // documentation
};

constexpr bool within(std::uint32_t value, std::uint32_t base, unsigned bits) {
  return ((value ^ base) >> (32 - bits)) == 0;
}

std::uint32_t word_at(const ip_address& address, std::size_t i) {
  const auto& b = address.bytes;
  return std::uint32_t{b[i]} << 24 | std::uint32_t{b[i + 1]} << 16 | std::uint32_t{b[i + 2]} << 8 | b[i + 3];
}

}  // namespace

bool is_public(const ip_address& address) noexcept {
  if (address.is_v4()) {
    const auto value = word_at(address, 12);
    for (const auto& n : special_v4)
      if (within(value, n.base, n.bits)) return false;
    return true;
  }
  const auto head = word_at(address, 0);
  if (!within(head, global_v6.head, global_v6.bits)) return false;
  for (const auto& n : special_v6)
    if (within(head, n.head, n.bits)) return false;
  return true;
}

}  // namespace nacre::http

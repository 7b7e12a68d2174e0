#pragma once
// Whether an address is one of the public internet, or could be a machine nobody outside should make us
// talk to: loopback, link-local, private, shared (RFC 6598), multicast, documentation, benchmarking, reserved,
// and everything that wraps an IPv4 address (mapped, 6to4, Teredo, NAT64). Unknown ranges are not public.

#include "http/address.hpp"

namespace nacre::http {

bool is_public(const ip_address& address) noexcept;

}  // namespace nacre::http

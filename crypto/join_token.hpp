#pragma once
// What a new node of a cluster needs, in one text: its certificate and key, the CA's certificate, and where the others
// are. Made where the CA is, opened by the new node; nobody has to be online.
//
//   "nacre-join-2." | base64url( u32 length | open part | key and certificates, sealed under the root key )
//
// A new node must have the root key before it can be one, so that is what the token is sealed with, and the open part
// (cluster, node, end, members) is bound to it. Without the root key the token tells where the cluster is and nothing
// else. The end is what an honest node checks; whoever has both token and root key has the certificate.
//
// Errors of open: `invalid` with words for an operator. Times are seconds since 1970. Threads: any.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/keyring.hpp"
#include "crypto/secure_bytes.hpp"
#include "model/error.hpp"
#include "model/ids.hpp"

namespace nacre::crypto {

inline constexpr std::size_t join_token_bytes_max = 32 * 1024;
inline constexpr std::int64_t join_seconds_max = 7 * 86'400;

struct join_offer {
  uuid cluster;
  std::uint64_t node = 0;
  std::int64_t expires = 0;
  std::vector<std::string> members;         // "ID=host:port"
  std::string ca_certificate, certificate;  // PEM
  secure_bytes key;                         // PEM
  std::uint32_t groups = 1;                 // of the cluster
  // Wrapped under the root key, as text; of a cluster that grew out of a single node. Empty: it began empty.
  std::string service_keys;
};

std::string make_join_token(const key_provider& root, const join_offer& offer);
result<join_offer> open_join_token(const key_provider& root, std::string_view token, std::int64_t now);

}  // namespace nacre::crypto

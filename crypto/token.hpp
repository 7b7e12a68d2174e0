#pragma once
// Token shapes and their offline check.
//
//   Alephant PAT: pat_ws + 6 hex + _ + 64 hex. The 6 hex are the head of SHA-256 of the normalised
//   workspace name; of the 64 hex, 26 bytes are random and the last 6 are the keyed checksum of
//   everything before (DESIGN section 9). A mistyped or foreign token is refused before any read.
// Source: contracts/alephant-pats.md section 3.

#include <string>
#include <string_view>

#include "crypto/keyring.hpp"
#include "crypto/secure_bytes.hpp"

namespace nacre::crypto {

inline constexpr std::size_t alephant_token_chars = 77;
inline constexpr std::size_t alephant_prefix_chars = 12;

// Lower case, every non-alphanumeric (ASCII) byte to '-', runs collapsed, ends trimmed.
std::string normalise_workspace_name(std::string_view name);
// "pat_ws" + 6 hex, 12 characters.
std::string alephant_prefix(std::string_view workspace_name);
secure_bytes make_alephant_token(const keyring& keys, std::string_view workspace_name);

enum class token_check : std::uint8_t {
  ours,       // right shape, right checksum
  foreign,    // right shape, wrong checksum: mistyped, or issued elsewhere (an imported one!)
  malformed,  // not a token of a shape we know
};
token_check check_alephant_token(const keyring& keys, std::string_view text);

}  // namespace nacre::crypto

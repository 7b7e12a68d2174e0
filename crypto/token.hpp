#pragma once
// Token shapes and their offline check.
//
//   Alephant PAT: pat_ws + 6 hex + _ + 64 hex. The 6 hex are the head of SHA-256 of the normalised
//   workspace name; of the 64 hex, 26 bytes are random and the last 6 are the keyed checksum of
//   everything before (DESIGN section 9). A mistyped or foreign token is refused before any read.
//   Unleash: user: + 56 hex, of which 22 bytes are random and 6 the keyed checksum.
//   Service users: nacre_pat_ + 22 base62 (the id) + _ + 43 base62 (32 random bytes) + 6 base62 (CRC-32 of
//   everything before, which everybody can check).
// Sources: contracts/alephant-pats.md section 3, unleash-tokens.md section 3, SECURITY-DESIGN section 2.

#include <optional>
#include <string>
#include <string_view>

#include "crypto/keyring.hpp"
#include "crypto/secure_bytes.hpp"
#include "model/ids.hpp"
#include "model/tokens.hpp"

namespace nacre::crypto {

inline constexpr std::size_t alephant_token_chars = 77;
inline constexpr std::size_t alephant_prefix_chars = 12;
inline constexpr std::size_t unleash_token_chars = 61;
inline constexpr std::size_t service_token_chars = 82;

// Lower case, every non-alphanumeric (ASCII) byte to '-', runs collapsed, ends trimmed.
std::string normalise_workspace_name(std::string_view name);
// "pat_ws" + 6 hex, 12 characters.
std::string alephant_prefix(std::string_view workspace_name);
// Fresh randomness, or, where a token must be made again, the same 32 bytes; each shape takes what it needs.
secure_bytes make_token(const keyring& keys, model::token_family family, std::string_view workspace_name, pat_id id,
                        const secure_bytes& random);
secure_bytes make_token(const keyring& keys, model::token_family family, std::string_view workspace_name, pat_id id);
inline constexpr std::size_t token_random_bytes = 32;
// How much of a token of this family may be shown to tell it from others.
std::size_t prefix_chars(model::token_family family);

enum class token_check : std::uint8_t {
  ours,       // right shape, right checksum
  foreign,    // right shape, wrong checksum: mistyped, or issued elsewhere (an imported one!)
  malformed,  // not a token of a shape we know
};
// `family` is that of the shape; nothing for a text that has none.
struct checked_token {
  std::optional<model::token_family> family;
  token_check check = token_check::malformed;
  bool is_ours(model::token_family f) const { return check == token_check::ours && family == f; }
};
checked_token check_token(const keyring& keys, std::string_view text);

// Where a token of some family may begin, and how long it would be: for who searches text.
struct token_shape {
  std::string_view head;
  std::size_t chars;
};
token_shape shape_of(model::token_family family);

}  // namespace nacre::crypto

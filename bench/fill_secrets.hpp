#pragma once
// A data directory with many live secrets of guests, made as fill.hpp makes PATs; they are sealed on every core.

#include <array>
#include <cstddef>
#include <filesystem>
#include <string_view>
#include <vector>

#include "crypto/one_time.hpp"

namespace nacre::bench {

// What every secret says, those made during a run too.
inline constexpr std::string_view secret_text = "a short text for one reader";
// Of the protected ones.
inline constexpr std::string_view right_passphrase = "the right one";

// What a link says of its secret; a million of them are 41 MiB.
using link = std::array<char, crypto::identifier_chars>;

struct filled_secrets {
  std::vector<link> open, guarded;  // without a passphrase, with one
};

// Each lives for a week. The protected ones share one salt, so that one stretched passphrase serves them all; who
// guesses wrong meets the same work as ever. Throws std::runtime_error. The directory is then a development node's.
filled_secrets fill_secrets(const std::filesystem::path& directory, std::size_t open, std::size_t guarded = 0);

}  // namespace nacre::bench

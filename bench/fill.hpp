#pragma once
// A data directory with many workspaces, made through the model's own rules without a node: every row,
// index and audit entry is what the API would have left, only the syncs are saved.

#include <array>
#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "crypto/token.hpp"
#include "model/ids.hpp"

namespace nacre::bench {

struct filled {
  user_id user;  // owner of every workspace and token
  struct row {
    workspace_id workspace;
    pat_id pat;
  };
  std::vector<row> pats;
  std::vector<std::array<char, crypto::alephant_token_chars>> tokens;  // of `pats`, if they were asked for
  std::string list_token;                                              // of Unleash: its owner has a few of that family
};

// Throws std::runtime_error. The directory is then a development node's.
filled fill(const std::filesystem::path& directory, std::size_t workspaces, std::size_t pats_each,
            bool with_tokens = false);

// Writes out and sorts what a directory holds, as a node left alone would in time. Without it a large one is
// read through the half-sorted files of its fill and a small one through a single file. No node may run on it.
void settle(const std::filesystem::path& directory);

}  // namespace nacre::bench

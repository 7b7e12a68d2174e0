#pragma once
// A data directory with many workspaces, made through the model's own rules without a node: every row,
// index and audit entry is what the API would have left, only the syncs are saved.

#include <cstddef>
#include <filesystem>
#include <vector>

#include "model/ids.hpp"

namespace nacre::bench {

struct filled {
  user_id user;  // owner of every workspace and token
  struct row {
    workspace_id workspace;
    pat_id pat;
  };
  std::vector<row> pats;
};

// Throws std::runtime_error. The directory is then a development node's.
filled fill(const std::filesystem::path& directory, std::size_t workspaces, std::size_t pats_each);

}  // namespace nacre::bench

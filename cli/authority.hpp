#pragma once
// A cluster's CA as a directory: ca.crt, ca.key, and what was issued, node-N.crt and node-N.key.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "cli/refusal.hpp"
#include "crypto/certificates.hpp"

namespace nacre::cli {

// Files that are there stay and are an error (65) unless `replace`. Keys have mode 0600; each file lands whole.
outcome<uuid> make_authority(const std::filesystem::path& directory, const std::string& name, bool replace);

struct issue_request {
  std::uint64_t node = 0;
  std::vector<std::string> hosts;
  std::int64_t days = crypto::node_certificate_days;
};
outcome<crypto::issued_certificate> issue_from(const std::filesystem::path& directory, const issue_request& what);
// Into `out`/node-N.crt and .key.
outcome<bool> write_node_files(const std::filesystem::path& out, std::uint64_t node,
                               const crypto::issued_certificate& made, bool replace);

outcome<std::string> read_authority_certificate(const std::filesystem::path& directory);

}  // namespace nacre::cli

#pragma once
// What the command line does on a data directory itself, without a running node.
//
// Opening a directory for writing takes its lock, so an import beside a running node is refused, and is for the user it
// belongs to; a scan only reads and works beside one. Nothing here prints a token.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <istream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/error.hpp"
#include "model/ids.hpp"

namespace nacre::app {

std::string_view program_version();

// Where the root key of a directory is: `root_key` if given, else DIR/root.key (development).
struct directory_access {
  std::filesystem::path directory;
  std::optional<std::string> root_key;
};

struct import_report {
  std::uint64_t imported = 0;
  struct refusal {
    std::uint64_t line = 0;
    std::string why;
  };
  std::vector<refusal> refused;
  // Where no more was taken. Whether this line and those waiting behind it were taken is unknown, and the rest
  // was not read.
  std::optional<refusal> stopped;
};
// The workspace a row names, if the row is well formed: what an import into a running node asks per line.
result<workspace_id> check_import_row(const std::string& row);
// One hash-only PAT a line (DESIGN section 8). A line that is refused does not stop the others.
result<import_report> import_pats(const directory_access& where, std::istream& rows);

// Of a directory that was restored from a copy: burns every one-time secret and cancels every request for one, for what
// was opened since the copy was made could be opened again. How many; none the second time. `storage_failed`: some may
// be left, and the same again goes on. That of a cluster's node becomes a single node's first if it is to leave, and is
// refused otherwise (`invalid`): what one node burns alone the others would still open.
result<std::uint64_t> burn_restored(const directory_access& where, bool leave_cluster);

struct sighting {
  std::uint64_t line = 0, column = 0;  // from 1
  std::string prefix;                  // what tells tokens of its kind apart (crypto::prefix_chars), never more
};
class token_scanner {
 public:
  virtual ~token_scanner() = default;
  // Tokens of this installation in the text, by shape and keyed checksum, in order. Those of service users have a
  // checksum everybody can make, so one of another installation is told as well.
  virtual std::vector<sighting> scan(std::istream& text) const = 0;
};
result<std::unique_ptr<token_scanner>> open_scanner(const directory_access& where);

// A single node's directory that is to be the first of a cluster. Nothing it holds is changed but that it says so from
// then on; no node may be running on it.
class single_node {
 public:
  virtual ~single_node() = default;
  struct place {
    std::uint64_t node = 0;
    std::string address;  // host:port
    std::uint32_t groups = 1;
    std::string directory;  // of ca.crt, node-N.crt, node-N.key
  };
  // That was done before, and nobody may have seen the section.
  virtual bool founded() const = 0;
  // As export_cluster_keys().
  virtual result<void> export_service_keys(const std::filesystem::path& to) const = 0;
  // Answers the section [cluster] that its configuration needs from now on. Once founded, changes nothing.
  virtual result<std::string> found_cluster() = 0;
};
// `invalid`: it belongs to a cluster already, and to another than that of this node alone.
result<std::unique_ptr<single_node>> open_single_node(const directory_access& where, const single_node::place& at);

// Writes a cluster's service keys, which every node that is to come needs, from one of its directories; wrapped under
// the root key and useless without it. `conflict`: the file is there and holds others.
result<void> export_cluster_keys(const directory_access& where, const std::filesystem::path& to);

}  // namespace nacre::app

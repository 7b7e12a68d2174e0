#pragma once
// Small files an operator put beside us (key sets, the development key), read whole or not at all.

#include <cstddef>
#include <cstdint>
#include <filesystem>

#include "crypto/secure_bytes.hpp"
#include "model/error.hpp"

namespace nacre::crypto {

// What changes when a file is replaced or written to. Equal stamps: the same content, unless it was
// rewritten within one tick of the file system's clock.
struct file_stamp {
  std::uint64_t device = 0, inode = 0;
  std::int64_t bytes = -1;
  std::int64_t modified_s = 0, modified_ns = 0, changed_s = 0, changed_ns = 0;
  friend bool operator==(const file_stamp&, const file_stamp&) = default;
};

struct operator_file {
  secure_bytes content;
  file_stamp stamp;   // default if the file changed while it was read
  unsigned mode = 0;  // permission bits
};

enum class file_privacy : std::uint8_t {
  owner_writes,  // group and others may read, not write
  owner_only,    // no rights for group or others, no symlink
};

// Answers a default stamp if there is no such file.
file_stamp stamp_of(const std::filesystem::path& path);
// not_found: no such file. invalid: not a regular file, too large, or accessible to others.
result<operator_file> read_operator_file(const std::filesystem::path& path, std::size_t bytes_max,
                                         file_privacy privacy);

// Lands whole, synced, with `mode`, or not at all. `replace` false: an existing file stays, `conflict`.
result<void> write_operator_file(const std::filesystem::path& path, std::string_view content, unsigned mode,
                                 bool replace);

}  // namespace nacre::crypto

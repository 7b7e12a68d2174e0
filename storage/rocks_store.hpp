#pragma once
// The embedded default: one RocksDB, one column family per space.

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>

#include "storage/store.hpp"

namespace nacre::storage {

struct rocks_options {
  // Memory for cached blocks, indexes and filters. Too small: reads go to the page cache or disk.
  std::size_t block_cache_bytes = 96u << 20;
  // Memory for single rows that are asked for often, beside the blocks. 0: none.
  std::size_t row_cache_bytes = 192u << 20;
  // Memory for unflushed writes over all spaces. Too small: many small files; too large: RSS.
  std::size_t write_buffer_bytes = 48u << 20;
  // Opens an existing directory without its lock, for reading only (`nacre scan` beside a live node).
  // Shows the moment of opening; apply(), compact() and checkpoint() fail, closed_reason() says why.
  bool read_only = false;
};

// Asked of what a directory holds, unless that is nothing, before anything is written there, an upgrade included; its
// refusal is the opener's.
using rocks_check = std::function<result<void>(const model::view&)>;

// Creates the directory (mode 0700) if it is absent; refuses one that holds other files.
// `storage_failed`: absent for a reader, no database, in use, unreadable. `corrupt`: damaged, the log
// of writes included. `unsupported`: a format newer than this program, or not upgradable from.
result<std::unique_ptr<store>> open_rocks_store(const std::filesystem::path& directory, const rocks_options& options,
                                                const rocks_check& check = {});

}  // namespace nacre::storage

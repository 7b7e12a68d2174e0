#pragma once
// How an older data directory becomes a current one, apart from rocks_store.hpp because only the
// opener and its tests need it. A release that bumps `format_version` adds one step here.
//
// A step's batch and the new version number are one synced batch: after a crash the directory is
// wholly the old version or wholly the next one, and opening again goes on from there.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include "storage/rocks_store.hpp"

namespace nacre::storage {

struct upgrade_step {
  std::uint32_t from = 0;  // turns `from` into `from + 1`
  std::function<result<batch>(const model::view&)> rewrite;
};

// open_rocks_store() as if this program's format were `version`.
result<std::unique_ptr<store>> open_rocks_store_as(const std::filesystem::path& directory, const rocks_options& options,
                                                   std::uint32_t version, const std::vector<upgrade_step>& steps);

}  // namespace nacre::storage

#pragma once
// How an older data directory becomes a current one, apart from rocks_store.hpp because only the
// opener and its tests need it. A release that bumps `format_version` adds one step here.
//
// A step rewrites part by part, each part and the next version number in one synced batch; as long as parts are to
// come the directory says so beside the number. After a crash opening again begins the step anew, so going over what
// was rewritten must change nothing more; programs of before refuse the directory from the first part on.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "storage/rocks_store.hpp"

namespace nacre::storage {

struct upgrade_part {
  batch writes;
  std::string next;  // where the following part begins, in the step's own terms; empty: this was the last
};
struct upgrade_step {
  std::uint32_t from = 0;  // turns `from` into `from + 1`
  std::function<result<upgrade_part>(const model::view&, const std::string& next)> rewrite;  // `next` empty: the first
};

// open_rocks_store() as if this program's format were `version`.
result<std::unique_ptr<store>> open_rocks_store_as(const std::filesystem::path& directory, const rocks_options& options,
                                                   std::uint32_t version, const std::vector<upgrade_step>& steps,
                                                   const rocks_check& check = {});

}  // namespace nacre::storage

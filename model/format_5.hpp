#pragma once
// What became of the rows of guest partitions with format 5 (storage/README.md): how far a partition's audit log is lay
// in a row of its own, as a workspace's still does, and lies in the partition's. Going over it again changes nothing.
// Threads: any. Errors: a row it cannot read marks the view (trustworthy()).

#include <vector>

#include "model/row_change.hpp"

namespace nacre::model {

std::vector<row_change> to_format_5(const view& v);

}  // namespace nacre::model

#pragma once
// The same contract in ordered trees, for tests and `--ephemeral`. Nothing survives the process, and
// checkpoint() is `unsupported`. Snapshots cost one pointer a space, writes O(log n).

#include <memory>

#include "storage/store.hpp"

namespace nacre::storage {

std::unique_ptr<store> make_memory_store();

}  // namespace nacre::storage

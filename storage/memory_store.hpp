#pragma once
// The same contract in ordered maps, for tests and `--ephemeral`. Nothing survives the process.

#include <memory>

#include "storage/store.hpp"

namespace nacre::storage {

std::unique_ptr<store> make_memory_store();

}  // namespace nacre::storage

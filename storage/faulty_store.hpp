#pragma once
// Wraps a store and fails on purpose: the n-th write, the n-th sync, a disk with n bytes left.
// For tests of everything above storage; the wrapped store stays as the real one would be left.

#include <cstdint>
#include <memory>
#include <optional>

#include "storage/store.hpp"

namespace nacre::storage {

struct fault_plan {
  std::optional<std::uint64_t> fail_write;       // 1-based apply(); nothing of that batch lands
  std::optional<std::uint64_t> fail_sync;        // 1-based synced apply(); the batch lands, the answer is an error
  std::optional<std::uint64_t> disk_bytes_left;  // the batch that would exceed it does not land
};

std::unique_ptr<store> make_faulty_store(std::unique_ptr<store> inner, fault_plan plan);

}  // namespace nacre::storage

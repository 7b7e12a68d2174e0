#pragma once
// Whose a data directory is.

#include <filesystem>

#include "model/error.hpp"

namespace nacre::app {

// `invalid` if it belongs to another user than the one this process acts as: what that one, root above all, left in it
// its node could not open. A directory that is not there yet is everybody's.
result<void> check_owner(const std::filesystem::path& data);

}  // namespace nacre::app

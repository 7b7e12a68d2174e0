#pragma once
// What a process that holds keys does first: no core files, no reading its memory through ptrace
// or /proc by others of the same user. Children inherit the core limit, not the other (execve
// resets it), so every program calls this itself.

#include "model/error.hpp"

namespace nacre::crypto {

// `internal`, naming the call that failed. Call it before any key is read.
result<void> harden_process();

}  // namespace nacre::crypto

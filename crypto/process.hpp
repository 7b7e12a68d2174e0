#pragma once
// What a process that holds keys does first: no file of its own where others print, no core files, no reading its
// memory through ptrace or /proc by others of the same user. Children inherit the core limit, not the other (execve
// resets it), so every program calls this itself.

#include "model/error.hpp"

namespace nacre::crypto {

// A standard descriptor that came closed would go to the next file or socket, which then took in what is printed. It
// is held by one that, as if it were closed, fails to be read or written. Call it before anything is opened.
result<void> hold_standard_descriptors();

// `internal`, naming the call that failed. Call it before any key is read.
result<void> harden_process();

}  // namespace nacre::crypto

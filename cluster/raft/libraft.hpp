#pragma once
// The only place that includes libraft (C-Raft, Debian's 0.15). Its header has no guards against C++; `raft_apply`,
// `raft_barrier` and others are a function and a struct at once, so types are written `struct raft_apply`.

extern "C" {
#include <raft.h>
}

namespace nacre::cluster::raft {
using apply_request = struct raft_apply;
using barrier_request = struct raft_barrier;
}  // namespace nacre::cluster::raft

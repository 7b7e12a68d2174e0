#pragma once
// What must hold of a state after every command, recounted from its rows. No Catch here: the fuzz
// targets use it too.

#include <string>
#include <vector>

#include "model/audit.hpp"
#include "tests/support/map_state.hpp"

namespace nacre::model::testing {

// RFC 9162 section 2.1.1, word for word: slow and obviously right.
hash naive_root(const std::vector<hash>& leaves);

// The first thing that is wrong, or nothing: counters equal a recount, list and index rows name exactly
// the objects they should, ciphertext is there exactly where a record says so, the audit log
// has no gap and its head is the root of its entries.
std::string broken(const map_state& st);

}  // namespace nacre::model::testing

#pragma once
// The share of invariants.hpp that is about one-time secrets.

#include <set>
#include <string>

#include "model/ids.hpp"
#include "tests/support/map_state.hpp"

namespace nacre::model::testing {

// The first thing that is wrong in `ws`, or nothing. Adds the rows that space::index must hold for it:
// to `index` those that must be there exactly, to `dues` those that must be there among others.
std::string secrets_wrong(const map_state& st, workspace_id ws, std::set<std::string>& index,
                          std::set<std::string>& dues);

// Whether what is due when (all 'e' rows) fits what must be there; a due may outlive what it was about, but not
// a receipt's or a PAT claim's.
std::string dues_wrong(const map_state& st, const std::set<std::string>& expected);

// What may not have happened between two states: a receipt or an ask that had ended and ended again or otherwise, a
// secret that changed in what was fixed when it was made.
std::string history_wrong(const map_state::contents& before, const map_state::contents& after);

}  // namespace nacre::model::testing

#pragma once
// How what records and commands both say of a token is written.

#include <vector>

#include "model/ids.hpp"
#include "model/tokens.hpp"
#include "model/wire.hpp"

namespace nacre::model {

void put(writer& w, const restrictions& v);
restrictions read_restrictions(reader& r);

void put_grants(writer& w, const std::vector<permission>& permissions, bool all_projects,
                const std::vector<project_id>& projects);
void read_grants(reader& r, std::vector<permission>& permissions, bool& all_projects,
                 std::vector<project_id>& projects);

}  // namespace nacre::model

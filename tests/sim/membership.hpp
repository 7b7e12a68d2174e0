#pragma once
// Changes of members: whichever while anything may happen, and those that must be made once nothing stands in the way.

#include <vector>

namespace nacre::sim {

class node;
class world;

// Of the newest epoch any node is in.
std::vector<const node*> members(const world& w);

// Another set of members, asked for at any node, and `more` changes after it, before or after it is decided.
void change_members(world& w, unsigned more);

// To five, then to three without whoever leads. Whose disk is lost is replaced first of all.
void change_in_peace(world& w);

}  // namespace nacre::sim

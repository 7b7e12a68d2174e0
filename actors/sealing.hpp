#pragma once
// How a PAT's token is bound to its record when it is sealed: to the workspace, the id and what must
// never change (owner, scopes, prefix, time of creation). A disk writer who moves ciphertext between
// records, or edits those fields, makes it unreadable.

#include <string>

#include "crypto/keyring.hpp"
#include "model/records.hpp"
#include "model/wire.hpp"

namespace nacre::actors {

inline std::string pat_policy(const model::pat_record& pat) {
  return model::writer{}.id(pat.owner).u8(pat.scopes).time(pat.created).bytes(pat.prefix).take();
}

inline crypto::seal_context pat_sealing(workspace_id ws, pat_id id, std::string_view policy) {
  return {ws, id.value(), "pat", "token", policy};
}

}  // namespace nacre::actors

#pragma once
// The full token of a PAT, revealed so that a lost answer does not cost it: asked for under one Idempotency-Key until
// it is known what became of it, confirmed by the caller when the token is where it should be.

#include <string>

#include "cli/server.hpp"

namespace nacre::cli {

struct revealed_pat {
  crypto::secure_bytes token;
  std::string key;  // to confirm with
};
outcome<revealed_pat> reveal_pat(server& at, const std::string& id);
void confirm_reveal(server& at, const std::string& id, const std::string& key);

}  // namespace nacre::cli

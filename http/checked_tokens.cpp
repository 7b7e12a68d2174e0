#include "http/checked_tokens.hpp"

#include <cstring>
#include <utility>

namespace nacre::http {

checked_tokens::checked_tokens(std::size_t entries) : places_((entries + ways - 1) / ways) {}

std::size_t checked_tokens::set_of(const crypto::digest& token) const {
  std::uint64_t h;
  std::memcpy(&h, token.data(), sizeof h);
  return static_cast<std::size_t>(h % places_.size());
}

checked_tokens::entry checked_tokens::find(const crypto::digest& token, const actors::changes& since) const {
  if (places_.empty()) return nullptr;
  auto at = set_of(token);
  entry found;
  {
    std::lock_guard lock(locks_[at % locks]);
    for (const auto& p : places_[at].of) {
      if (!p.what || p.token != token) continue;
      p.asked_for = true;
      found = p.what;
    }
  }
  if (found && !since.untouched_since(found->token.workspace, found->stamp)) found.reset();
  return found;
}

void checked_tokens::keep(const crypto::digest& token, entry what) {
  if (places_.empty()) return;
  auto at = set_of(token);
  entry gone;  // ends outside the lock
  std::lock_guard lock(locks_[at % locks]);
  auto& here = places_[at];
  place* into = nullptr;
  for (auto& p : here.of)
    if (p.what && p.token == token) into = &p;
  if (into && into->what->stamp > what->stamp) return;  // somebody read something newer meanwhile
  // Twice around at most: who is passed loses what spared it.
  while (!into) {
    auto& p = here.of[here.next++ % ways];
    if (!p.what || !std::exchange(p.asked_for, false)) into = &p;
  }
  gone = std::move(into->what);
  into->token = token;
  into->what = std::move(what);
}

}  // namespace nacre::http

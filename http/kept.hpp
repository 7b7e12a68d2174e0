#pragma once
// Things made from a view that are kept in memory for as long as a view would say the same.
//
// A thing is kept with the stamp that was taken before its view (cluster/changes.hpp) and is found only while nothing
// was changed in its workspace since, in the respect that matters for it: what was acknowledged before a look begins is
// seen by that look, like without this table. Who asks makes sure first that this node is current
// (service::when_current).
//
// Things are found by a SHA-256; what it was taken of is not kept. Bounded: eight places for each short hash; a
// newcomer takes the place of one that was not asked for since the last newcomers passed it, so that many things that
// are asked for once do not drive out those in use. Threads: any.
//
// Memory is what a look waits for, so places tell apart by a few bytes of the name, side by side; the whole of it
// stands with the thing.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "actors/service.hpp"
#include "crypto/digest.hpp"

namespace nacre::http {

// Thing: `name`, `workspace`, `stamp` and a constant `depends_on`, the respect.
template <class Thing>
class kept {
 public:
  explicit kept(std::size_t entries) : sets_((entries + ways - 1) / ways) {}  // 0: nothing is kept

  using entry = std::shared_ptr<const Thing>;
  bool keeps() const { return !sets_.empty(); }

  // Null if it is not here, or no longer surely true.
  entry find(const crypto::digest& name, const actors::changes& since) const {
    if (sets_.empty()) return nullptr;
    const auto tag = tag_of(name);
    const auto at = set_of(name);
    entry found;
    {
      std::lock_guard lock(locks_[at % locks]);
      auto& here = sets_[at];
      for (std::size_t i = 0; i < ways; ++i) {
        if (here.tags[i] != tag || !here.of[i] || here.of[i]->name != name) continue;
        here.asked_for[i] = true;
        found = here.of[i];
        break;
      }
    }
    if (found && !since.untouched_since(Thing::depends_on, found->workspace, found->stamp)) found.reset();
    return found;
  }

  void keep(entry what) {
    if (sets_.empty()) return;
    const auto tag = tag_of(what->name);
    const auto at = set_of(what->name);
    entry gone;  // ends outside the lock
    std::lock_guard lock(locks_[at % locks]);
    auto& here = sets_[at];
    auto into = ways;
    for (std::size_t i = 0; i < ways; ++i)
      if (here.of[i] && here.tags[i] == tag && here.of[i]->name == what->name) into = i;
    if (into != ways && here.of[into]->stamp > what->stamp) return;  // somebody read something newer meanwhile
    // Twice around at most: who is passed loses what spared it.
    while (into == ways) {
      auto i = here.next++ % ways;
      if (!here.of[i] || !std::exchange(here.asked_for[i], false)) into = i;
    }
    here.tags[into] = tag;
    gone = std::exchange(here.of[into], std::move(what));
  }

 private:
  static constexpr std::size_t ways = 8, locks = 64;
  struct alignas(64) set {  // tags and the rest in a line of their own
    std::array<std::uint32_t, ways> tags{};
    mutable std::array<bool, ways> asked_for{};  // since a newcomer passed there; under the lock
    std::uint8_t next = 0;
    std::array<entry, ways> of;
  };
  template <class Number>
  static Number number_at(const crypto::digest& name, std::size_t at) {
    Number n;
    std::memcpy(&n, name.data() + at, sizeof n);
    return n;
  }
  static std::uint32_t tag_of(const crypto::digest& name) { return number_at<std::uint32_t>(name, 8); }
  std::size_t set_of(const crypto::digest& name) const {
    return static_cast<std::size_t>(number_at<std::uint64_t>(name, 0) % sets_.size());
  }

  std::vector<set> sets_;
  mutable std::array<std::mutex, locks> locks_;
};

}  // namespace nacre::http

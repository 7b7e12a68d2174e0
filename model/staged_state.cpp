#include "model/staged_state.hpp"

#include <utility>

namespace nacre::model {

std::optional<std::string> staged_state::get(space in, std::string_view key) const {
  const auto& mine = written(in);
  if (auto it = mine.find(key); it != mine.end()) return it->second;
  return base_.get(in, key);
}

void staged_state::scan(space in, std::string_view from, std::string_view to, const visitor& visit) const {
  const auto& mine = written(in);
  auto next = mine.lower_bound(from);
  auto end = from < to ? mine.lower_bound(to) : next;
  bool more = true;
  auto mine_before = [&](const std::string_view* key) {  // null: all that is left
    while (more && next != end && (!key || next->first < *key)) {
      if (next->second) more = visit(next->first, *next->second);
      ++next;
    }
  };
  base_.scan(in, from, to, [&](std::string_view key, std::string_view value) {
    mine_before(&key);
    if (!more) return false;
    if (next != end && next->first == key) {
      if (next->second) more = visit(key, *next->second);
      ++next;
      return more;
    }
    more = visit(key, value);
    return more;
  });
  mine_before(nullptr);
}

void staged_state::put(space in, std::string key, std::string value) {
  changes_[static_cast<std::size_t>(in)].insert_or_assign(std::move(key), std::move(value));
}

void staged_state::erase(space in, std::string key) {
  changes_[static_cast<std::size_t>(in)].insert_or_assign(std::move(key), std::nullopt);
}

staged_state::changes staged_state::take(space in) { return std::exchange(changes_[static_cast<std::size_t>(in)], {}); }

bool staged_state::changed() const {
  for (const auto& space_changes : changes_)
    if (!space_changes.empty()) return true;
  return false;
}

void staged_state::lay_into(state& below) && {
  auto* round = dynamic_cast<staged_state*>(&below);  // a round of commands: rows go over as they are
  for (std::size_t i = 0; i < space_count; ++i) {
    if (round) {
      for (auto& theirs = round->changes_[i]; !changes_[i].empty();) {
        auto put = theirs.insert(changes_[i].extract(changes_[i].begin()));
        if (!put.inserted) put.position->second = std::move(put.node.mapped());
      }
      continue;
    }
    for (auto& [key, value] : changes_[i]) {
      if (value)
        below.put(static_cast<space>(i), key, std::move(*value));
      else
        below.erase(static_cast<space>(i), key);
    }
    changes_[i].clear();
  }
}

}  // namespace nacre::model

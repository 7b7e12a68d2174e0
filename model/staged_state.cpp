#include "model/staged_state.hpp"

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

void staged_state::put(space in, std::string_view key, std::string value) {
  changes_[static_cast<std::size_t>(in)].insert_or_assign(std::string(key), std::move(value));
}

void staged_state::erase(space in, std::string_view key) {
  changes_[static_cast<std::size_t>(in)].insert_or_assign(std::string(key), std::nullopt);
}

bool staged_state::changed() const {
  for (const auto& space_changes : changes_)
    if (!space_changes.empty()) return true;
  return false;
}

void staged_state::lay_into(state& below) && {
  for (std::size_t i = 0; i < space_count; ++i) {
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

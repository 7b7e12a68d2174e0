#include "cluster/raft/parted_view.hpp"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "cluster/raft/state_rows.hpp"

namespace nacre::cluster::raft {

namespace {

using model::space;
constexpr std::size_t rows_at_once = 256;
constexpr std::size_t workspace_bytes = 16;

// The rows of one view that count, a few at a time.
class cursor {
 public:
  using row = std::pair<std::string, std::string>;
  using counts = std::function<bool(std::string_view key, std::string_view value)>;

  cursor(const model::view& v, space in, std::string from, std::string to, counts which)
      : view_(v), in_(in), next_(std::move(from)), to_(std::move(to)), which_(std::move(which)) {}

  const row* peek() {
    if (at_ == rows_.size() && !over_) read();
    return at_ < rows_.size() ? &rows_[at_] : nullptr;
  }
  void skip() { ++at_; }

 private:
  void read() {
    rows_.clear();
    at_ = 0;
    over_ = true;
    view_.scan(in_, next_, to_, [&](std::string_view key, std::string_view value) {
      if (rows_.size() == rows_at_once) {
        next_ = key;
        over_ = false;
        return false;
      }
      if (which_(key, value)) rows_.emplace_back(key, value);
      return true;
    });
  }

  const model::view& view_;
  const space in_;
  std::string next_;
  const std::string to_;
  const counts which_;
  std::vector<row> rows_;
  std::size_t at_ = 0;
  bool over_ = false;
};

}  // namespace

std::optional<std::string> parted_view::get(space in, std::string_view key) const {
  auto found = live_->get(in, key);
  if (in == space::meta || in == space::log) return found;
  // The value tells the group of some rows of `index`; of the others it is in the key, and any value will do.
  const auto group = group_of_row(in, key, found ? *found : std::string_view{}, groups_);
  if (group && !before_.contains(*group)) return found;
  for (const auto& [hidden, before] : before_) {
    if (group && in != space::index && hidden != *group) continue;
    auto had = before->get(in, key);
    if (had && group_of_row(in, key, *had, groups_) == hidden) return had;
  }
  return std::nullopt;
}

void parted_view::scan(space in, std::string_view from, std::string_view to, const visitor& visit) const {
  if (in == space::meta || in == space::log) return live_->scan(in, from, to, visit);
  if (in != space::index && from.size() >= workspace_bytes &&
      from.substr(0, workspace_bytes) == to.substr(0, workspace_bytes)) {
    const auto group = group_of_row(in, from, {}, groups_);
    const auto hidden = group ? before_.find(*group) : before_.end();
    return (hidden == before_.end() ? *live_ : *hidden->second).scan(in, from, to, visit);
  }
  std::vector<cursor> all;
  auto add = [&](const model::view& v, cursor::counts which) {
    all.emplace_back(v, in, std::string(from), std::string(to), std::move(which));
  };
  add(*live_, [this, in](std::string_view key, std::string_view value) {
    const auto group = group_of_row(in, key, value, groups_);
    return !group || !before_.contains(*group);
  });
  for (const auto& [hidden, before] : before_)
    add(*before, [this, in, of = hidden](std::string_view key, std::string_view value) {
      return group_of_row(in, key, value, groups_) == of;
    });
  for (;;) {
    cursor* least = nullptr;
    for (auto& each : all)
      if (each.peek() != nullptr && (least == nullptr || each.peek()->first < least->peek()->first)) least = &each;
    if (least == nullptr || !visit(least->peek()->first, least->peek()->second)) return;
    least->skip();
  }
}

bool parted_view::failed() const {
  return live_->failed() ||
         std::any_of(before_.begin(), before_.end(), [](const auto& each) { return each.second->failed(); });
}

}  // namespace nacre::cluster::raft

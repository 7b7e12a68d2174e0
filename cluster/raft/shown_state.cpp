#include "cluster/raft/shown_state.hpp"

namespace nacre::cluster::raft {
namespace {

class no_state final : public model::view {
 public:
  std::optional<std::string> get(model::space, std::string_view) const override { return std::nullopt; }
  void scan(model::space, std::string_view, std::string_view, const visitor&) const override {}
  bool failed() const override { return false; }
};

}  // namespace

void shown_state::hide_half(group_id group) {
  hidden_[group] = std::make_shared<no_state>();
  any_hidden_ = true;
}

result<void> shown_state::begin(instance of) {
  {
    std::lock_guard lock(mutex_);
    // Fetched anew, it stays as it was before the first time.
    if (!hidden_.contains(of.group)) hidden_[of.group] = store_.snapshot();
    any_hidden_ = true;
  }
  return installer_.begin(of.group);
}

result<loaded_log> shown_state::end(instance of, log_mark at, bool keep_log, const member_list& begins) {
  auto log_after = installer_.end(of, at, keep_log, begins);
  if (!log_after) return log_after;
  if (auto opened = applier_.open(of); !opened) return fail(opened.error());
  // Anything may be another than before.
  const auto round = changes_.stamp() + 1;
  changes_.begin_all(round);
  {
    std::lock_guard lock(mutex_);
    hidden_.erase(of.group);
    any_hidden_ = !hidden_.empty();
  }
  changes_.end(round);
  applier_.tell_replaced(at.index);
  return log_after;
}

std::shared_ptr<const model::view> shown_state::now() const {
  auto live = store_.snapshot();
  if (!any_hidden_) return live;  // nor was it when the snapshot was taken: nothing is erased before it is hidden
  std::lock_guard lock(mutex_);
  return under_lock();
}

std::shared_ptr<const model::view> shown_state::whole(workspace_id ws) const {
  std::lock_guard lock(mutex_);
  if (ws == workspace_id{} ? !hidden_.empty() : hidden_.contains(group_of(ws, groups_))) return nullptr;
  return under_lock();
}

std::shared_ptr<const model::view> shown_state::under_lock() const {
  if (hidden_.empty()) return store_.snapshot();
  if (groups_ == 1) return hidden_.begin()->second;
  return std::make_shared<parted_view>(store_.snapshot(), hidden_, groups_);
}

}  // namespace nacre::cluster::raft

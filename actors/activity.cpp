#include "actors/activity.hpp"

#include <algorithm>
#include <iterator>

#include "model/limits.hpp"

namespace nacre::actors {

namespace {
constexpr std::int64_t minute_ms = 60'000, hour_ms = 3'600'000, use_period_ms = 10'000;
constexpr std::size_t remembered_acts_max = 65'536;

// Hands over full portions until what is left fits one command.
template <class T, class Take>
void cut(std::vector<T>& list, Take take) {
  while (list.size() > limits::touches_per_command_max) {
    auto from = list.end() - static_cast<std::ptrdiff_t>(limits::touches_per_command_max);
    take(std::vector<T>(std::make_move_iterator(from), std::make_move_iterator(list.end())));
    list.erase(from, list.end());
  }
}
}  // namespace

void activity::use(workspace_id ws, pat_id pat, timestamp at) {
  auto& s = shards_[std::hash<pat_id>{}(pat) % shards];
  std::lock_guard lock(s.mutex);
  auto it = s.uses.find({ws, pat});
  if (it != s.uses.end()) {
    it->second.at = std::max(it->second.at, at);
    it->second.waits = true;
  } else if (s.uses.size() < per_shard_max) {
    s.uses.emplace(std::pair{ws, pat}, last_use{at});
  }
}

bool activity::first_this_hour(std::string key, std::int64_t hour) {
  auto it = act_hours_.find(key);
  if (it != act_hours_.end() && it->second == hour) return false;
  if (acts_count_ >= per_shard_max) return false;
  if (it == act_hours_.end()) {
    if (act_hours_.size() >= remembered_acts_max && acts_forgotten_hour_ != hour) {
      std::erase_if(act_hours_, [hour](const auto& known) { return known.second != hour; });
      acts_forgotten_hour_ = hour;
    }
    if (act_hours_.size() >= remembered_acts_max) return false;
    it = act_hours_.emplace(std::move(key), hour).first;
  }
  it->second = hour;
  ++acts_count_;
  return true;
}

void activity::act(workspace_id ws, std::string_view action, std::string_view object, timestamp at,
                   std::string_view reason) {
  std::string key(ws.value().view());
  key.append(action).append("\0", 1).append(object).append("\0", 1).append(reason);
  std::lock_guard lock(acts_mutex_);
  if (first_this_hour(std::move(key), at.value() / hour_ms))
    acts_[ws].push_back({std::string(action), std::string(object), std::string(reason), 1});
}

void activity::reuse(workspace_id ws, pat_id pat, timestamp at) {
  std::string key(ws.value().view());
  key.append("\0reuse", 6).append(pat.value().view());
  std::lock_guard lock(acts_mutex_);
  if (first_this_hour(std::move(key), at.value() / hour_ms)) reused_[ws].push_back(pat);
}

void activity::auth_failure(std::string_view reason) {
  std::lock_guard lock(acts_mutex_);
  auto it = failures_.find(reason);
  if (it == failures_.end()) it = failures_.emplace(reason, 0).first;
  ++it->second;
}

void activity::drain_uses(std::map<workspace_id, model::note_activity>& into, std::int64_t period, bool last) {
  const auto first = next_shard_;
  for (std::size_t i = 0; i < shards; ++i) {
    next_shard_ = (first + i) % shards;
    auto& s = shards_[next_shard_];
    std::lock_guard lock(s.mutex);
    // Without room for newcomers, what was written is forgotten early.
    bool crowded = s.uses.size() > per_shard_max / 2;
    for (auto it = s.uses.begin(); it != s.uses.end();) {
      auto& [what, use] = *it;
      if (use.waits && (last || use.written != period)) {
        auto [to, fresh] = into.try_emplace(what.first);
        if (fresh && !last && into.size() > workspaces_per_drain) {
          into.erase(to);
          return;
        }
        to->second.uses.push_back({what.second, use.at});
        use.waits = false;
        use.written = period;
      }
      bool idle = !use.waits && (crowded || use.written != period);
      it = idle ? s.uses.erase(it) : std::next(it);
    }
  }
  next_shard_ = (first + 1) % shards;
}

std::vector<activity::noted> activity::drain(timestamp now, bool last) {
  std::map<workspace_id, model::note_activity> gathered;
  drain_uses(gathered, now.value() / use_period_ms, last);
  {
    std::lock_guard lock(acts_mutex_);
    for (auto& [ws, acts] : acts_) gathered[ws].acts = std::move(acts);
    for (auto& [ws, pats] : reused_) gathered[ws].reused = std::move(pats);
    acts_.clear();
    reused_.clear();
    acts_count_ = 0;
    auto minute = now.value() / minute_ms;
    if (failures_minute_ == 0) failures_minute_ = minute;
    if (last || minute != failures_minute_) {
      failures_minute_ = minute;
      for (auto& [reason, count] : failures_)
        gathered[system_workspace].acts.push_back({"auth.failures", "", reason, count});
      failures_.clear();
    }
  }
  std::vector<noted> out;
  for (auto& [ws, what] : gathered) {
    // A command is bounded; one busy workspace may need several.
    cut(what.uses, [&out, to = ws](auto some) { out.push_back({to, {std::move(some), {}, {}}}); });
    cut(what.acts, [&out, to = ws](auto some) { out.push_back({to, {{}, std::move(some), {}}}); });
    cut(what.reused, [&out, to = ws](auto some) { out.push_back({to, {{}, {}, std::move(some)}}); });
    if (!what.uses.empty() || !what.acts.empty() || !what.reused.empty()) out.push_back({ws, std::move(what)});
  }
  return out;
}

}  // namespace nacre::actors

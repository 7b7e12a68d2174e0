#include "actors/activity.hpp"

#include "model/limits.hpp"

namespace nacre::actors {

namespace {
constexpr std::int64_t minute_ms = 60'000, hour_ms = 3'600'000;
constexpr std::size_t remembered_acts_max = 65'536;
}  // namespace

void activity::use(workspace_id ws, pat_id pat, timestamp at) {
  auto& s = shards_[std::hash<pat_id>{}(pat) % shards];
  std::lock_guard lock(s.mutex);
  auto it = s.uses.find(pat);
  if (it != s.uses.end())
    it->second.second = at;
  else if (s.uses.size() < per_shard_max)
    s.uses.emplace(pat, std::pair{ws, at});
}

void activity::act(workspace_id ws, std::string_view action, std::string_view object, timestamp at) {
  std::string key(ws.value().view());
  key.append(action).append("\0", 1).append(object);
  auto hour = at.value() / hour_ms;
  std::lock_guard lock(acts_mutex_);
  if (act_hours_.size() >= remembered_acts_max) act_hours_.clear();
  auto [it, fresh] = act_hours_.try_emplace(std::move(key), hour);
  if (!fresh && it->second == hour) return;
  it->second = hour;
  if (acts_count_ >= per_shard_max) return;
  acts_[ws].push_back({std::string(action), std::string(object), "", 1});
  ++acts_count_;
}

void activity::auth_failure(std::string_view reason) {
  std::lock_guard lock(acts_mutex_);
  auto it = failures_.find(reason);
  if (it == failures_.end()) it = failures_.emplace(reason, 0).first;
  ++it->second;
}

std::vector<activity::noted> activity::drain(timestamp now) {
  std::map<workspace_id, model::note_activity> gathered;
  for (auto& s : shards_) {
    decltype(s.uses) uses;
    {
      std::lock_guard lock(s.mutex);
      uses.swap(s.uses);
    }
    for (auto& [pat, where] : uses) gathered[where.first].uses.push_back({pat, where.second});
  }
  {
    std::lock_guard lock(acts_mutex_);
    for (auto& [ws, acts] : acts_) gathered[ws].acts = std::move(acts);
    acts_.clear();
    acts_count_ = 0;
    auto minute = now.value() / minute_ms;
    if (failures_minute_ == 0) failures_minute_ = minute;
    if (minute != failures_minute_) {
      failures_minute_ = minute;
      for (auto& [reason, count] : failures_)
        gathered[system_workspace].acts.push_back({"auth.failures", "", reason, count});
      failures_.clear();
    }
  }
  std::vector<noted> out;
  for (auto& [ws, what] : gathered) {
    // A command is bounded; one busy workspace may need several.
    while (what.uses.size() > limits::touches_per_command_max) {
      auto cut = what.uses.end() - static_cast<std::ptrdiff_t>(limits::touches_per_command_max);
      model::note_activity part;
      part.uses.assign(cut, what.uses.end());
      what.uses.erase(cut, what.uses.end());
      out.push_back({ws, std::move(part)});
    }
    if (what.acts.size() > limits::touches_per_command_max) what.acts.resize(limits::touches_per_command_max);
    out.push_back({ws, std::move(what)});
  }
  return out;
}

}  // namespace nacre::actors

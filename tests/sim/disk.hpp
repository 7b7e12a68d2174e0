#pragma once
// A store on a disk that can lose power: batches that were not synced may vanish, the last ones first and each whole.
// It may fail for good, or to read a row once, which whoever looks at a view has to notice.
// Views are free while nothing is written; one that is held across a write keeps a copy. A sum of the replicated rows
// is kept with every write, so that whole states are compared at no cost.

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/store.hpp"

namespace nacre::sim {

class disk final : public storage::store {
 public:
  using rows = std::map<std::string, std::string, std::less<>>;
  using contents = std::array<rows, model::space_count>;

  result<void> apply(const storage::batch& writes, storage::durability how) override {
    if (failing || misread) return fail(errc::storage_failed, closed_reason());
    if (auto held = held_.lock()) {
      held->copy = now_;
      held->frozen = true;
      held_.reset();
    }
    undo u;
    for (const auto& w : writes) {
      auto& in = now_[static_cast<std::size_t>(w.in)];
      auto keep = [&](rows::iterator at) {
        state_sum_ -= sum_of(w.in, at->first, at->second);
        u.push_back({w.in, at->first, std::move(at->second), true});
      };
      switch (w.what) {
        case storage::write::kind::put: {
          auto at = in.lower_bound(w.key);
          if (at != in.end() && at->first == w.key) {
            keep(at);
            at->second = w.value;
          } else {
            u.push_back({w.in, w.key, {}, false});
            in.emplace_hint(at, w.key, w.value);
          }
          state_sum_ += sum_of(w.in, w.key, w.value);
          break;
        }
        case storage::write::kind::erase:
          if (auto at = in.find(w.key); at != in.end()) {
            keep(at);
            in.erase(at);
          }
          break;
        case storage::write::kind::erase_range:
          for (auto at = in.lower_bound(w.key); at != in.end() && at->first < w.value; at = in.erase(at)) keep(at);
          break;
      }
    }
    unsynced_.push_back(std::move(u));
    if (how == storage::durability::synced) unsynced_.clear();
    if (wrote) wrote(writes);
    return {};
  }

  std::shared_ptr<const model::view> snapshot() const override {
    auto core = held_.lock();
    if (!core) {
      core = std::make_shared<held_view>();
      core->live = &now_;
      held_ = core;
    }
    return std::make_shared<view_of>(*this, std::move(core));
  }
  result<void> checkpoint(const std::filesystem::path&) const override { return fail(errc::unsupported, "no files"); }
  result<void> compact(storage::space, std::string_view, std::string_view) override { return {}; }
  void stop_compacting() override {}
  storage::store_stats stats() const override { return {}; }
  std::string closed_reason() const override { return failing ? "the disk fails" : misread ? "a read failed" : ""; }

  std::size_t unsynced() const { return unsynced_.size(); }
  // Power is lost: all but the first `kept` of the batches that were not synced are gone.
  void lose_power(std::size_t kept) {
    while (unsynced_.size() > kept) {
      auto& u = unsynced_.back();
      for (auto it = u.rbegin(); it != u.rend(); ++it) {
        auto& in = now_[static_cast<std::size_t>(it->in)];
        if (auto at = in.find(it->key); at != in.end()) {
          state_sum_ -= sum_of(it->in, at->first, at->second);
          in.erase(at);
        }
        if (!it->was_there) continue;
        state_sum_ += sum_of(it->in, it->key, it->value);
        in.emplace(it->key, std::move(it->value));
      }
      unsynced_.pop_back();
    }
    unsynced_.clear();  // what is left lies on the disk
  }
  const contents& all() const { return now_; }
  const rows& in(storage::space which) const { return now_[static_cast<std::size_t>(which)]; }
  // Equal on disks that hold the same state, and which proposals have acted.
  std::uint64_t state_sum() const { return state_sum_; }
  // Another disk in its place, empty or an older copy.
  void replace(contents by) {
    now_ = std::move(by);
    unsynced_.clear();
    held_.reset();
    state_sum_ = 0;
    for (std::size_t i = 0; i < now_.size(); ++i)
      for (const auto& [key, value] : now_[i]) state_sum_ += sum_of(static_cast<storage::space>(i), key, value);
  }

  void misread_after(std::uint64_t reads) { reads_left_ = reads + 1; }
  void mend() { failing = misread = false, reads_left_ = 0; }

  bool failing = false;
  mutable bool misread = false;                      // since the start
  std::function<void(const storage::batch&)> wrote;  // what lies there now

 private:
  struct undone {
    storage::space in;
    std::string key, value;
    bool was_there;
  };
  using undo = std::vector<undone>;
  struct held_view {
    const contents* live = nullptr;
    bool frozen = false;
    contents copy;
    const rows& of(storage::space in) const { return (frozen ? copy : *live)[static_cast<std::size_t>(in)]; }
  };
  class view_of final : public model::view {
   public:
    view_of(const disk& of, std::shared_ptr<held_view> core) : disk_(of), core_(std::move(core)) {}
    std::optional<std::string> get(storage::space in, std::string_view key) const override {
      if (fails()) return std::nullopt;
      const auto& rows = core_->of(in);
      auto at = rows.find(key);
      return at == rows.end() ? std::nullopt : std::optional(at->second);
    }
    void scan(storage::space in, std::string_view from, std::string_view to, const visitor& visit) const override {
      if (fails()) return;
      const auto& rows = core_->of(in);
      for (auto at = rows.lower_bound(from); at != rows.end() && at->first < to; ++at)
        if (!visit(at->first, at->second)) return;
    }
    bool failed() const override { return failed_; }

   private:
    bool fails() const {
      const bool now = disk_.reads_left_ != 0 && --disk_.reads_left_ == 0;
      if (now) failed_ = disk_.misread = true;
      return now;
    }

    const disk& disk_;
    mutable bool failed_ = false;
    std::shared_ptr<held_view> core_;
  };

  static std::uint64_t sum_of(storage::space in, std::string_view key, std::string_view value) {
    if (in == storage::space::log || (in == storage::space::meta && !key.starts_with("log.seen/"))) return 0;
    constexpr std::hash<std::string_view> hash;
    const auto mixed = (hash(key) ^ static_cast<std::uint64_t>(in)) * 0x9fb21c651e98df25u + hash(value);
    return (mixed ^ mixed >> 29) * 0x9fb21c651e98df25u;
  }

  mutable std::uint64_t reads_left_ = 0;  // until one fails; 0: none will
  contents now_;
  std::uint64_t state_sum_ = 0;
  std::vector<undo> unsynced_;
  mutable std::weak_ptr<held_view> held_;
};

}  // namespace nacre::sim

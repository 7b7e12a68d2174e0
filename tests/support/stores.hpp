#pragma once
// Stores around a store, for tests of what stands above: one that only lends, one that holds every
// write until it is let through, and views that fail.

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "storage/store.hpp"
#include "tests/support/inbox.hpp"
#include "tests/support/map_state.hpp"

namespace nacre::testing {

// Another's store, so that a wrapper which wants to own one can be thrown away.
class lent_store : public storage::store {
 public:
  explicit lent_store(storage::store& inner) : inner_(inner) {}
  result<void> apply(const storage::batch& writes, storage::durability how) override {
    return inner_.apply(writes, how);
  }
  std::shared_ptr<const model::view> snapshot() const override { return inner_.snapshot(); }
  result<void> checkpoint(const std::filesystem::path& to) const override { return inner_.checkpoint(to); }
  result<void> compact(storage::space in, std::string_view from, std::string_view to) override {
    return inner_.compact(in, from, to);
  }
  void stop_compacting() override { inner_.stop_compacting(); }
  storage::store_stats stats() const override { return inner_.stats(); }
  std::string closed_reason() const override { return inner_.closed_reason(); }

 private:
  storage::store& inner_;
};

// While held, every apply() waits for one let_through().
class held_store final : public lent_store {
 public:
  using lent_store::lent_store;
  result<void> apply(const storage::batch& writes, storage::durability how) override {
    {
      std::unique_lock lock(mutex_);
      ++waiting_;
      changed_.notify_all();
      changed_.wait(lock, [&] { return !holding_ || permits_ > 0; });
      if (permits_ > 0) --permits_;
      --waiting_;
    }
    return lent_store::apply(writes, how);
  }
  void hold() {
    std::lock_guard lock(mutex_);
    holding_ = true;
  }
  void let_through() {
    std::lock_guard lock(mutex_);
    ++permits_;
    changed_.notify_all();
  }
  void release() {
    std::lock_guard lock(mutex_);
    holding_ = false;
    changed_.notify_all();
  }
  // Whether a write has arrived and waits.
  bool await_write() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [&] { return waiting_ > 0 && permits_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool holding_ = false;
  std::size_t permits_ = 0, waiting_ = 0;
};

// Reads fail once `broken` is set, as on a bad disk: "absent", and the view remembers.
class unreadable_store final : public lent_store {
 public:
  using lent_store::lent_store;
  std::shared_ptr<const model::view> snapshot() const override {
    return std::make_shared<failing_view>(lent_store::snapshot(), broken.load());
  }
  std::atomic<bool> broken{false};

 private:
  class failing_view final : public model::view {
   public:
    failing_view(std::shared_ptr<const model::view> below, bool broken) : below_(std::move(below)), broken_(broken) {}
    std::optional<std::string> get(model::space in, std::string_view key) const override {
      return broken_ ? std::nullopt : below_->get(in, key);
    }
    void scan(model::space in, std::string_view from, std::string_view to, const visitor& visit) const override {
      if (!broken_) below_->scan(in, from, to, visit);
    }
    bool failed() const override { return broken_ || below_->failed(); }

   private:
    std::shared_ptr<const model::view> below_;
    bool broken_;
  };
};

// Everything a view holds, but for `meta`: what the invariants of the model are checked on.
inline void copy_into(model::testing::map_state& to, const model::view& v) {
  for (std::size_t i = 0; i < model::space_count; ++i) {
    auto in = static_cast<model::space>(i);
    if (in == model::space::meta) continue;
    v.scan(in, {}, std::string(64, '\xff'), [&](std::string_view key, std::string_view value) {
      to.put(in, std::string(key), std::string(value));
      return true;
    });
  }
}

}  // namespace nacre::testing

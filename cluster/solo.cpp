#include "cluster/solo.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "cluster/hot_rows.hpp"
#include "cluster/stage.hpp"

namespace nacre::cluster {

namespace {

using steady = std::chrono::steady_clock;
constexpr std::size_t hot_bytes_max = 4u << 20;

void refuse(proposal& p, errc code, std::string text) {
  settled s;
  s.how = settled::fate::refused;
  s.why = error{code, std::move(text)};
  p.done(std::move(s));
}

// The cause names files: status() tells it to the operator, callers learn only that it is so.
void refuse_closed(proposal& p) { refuse(p, errc::storage_failed, "The node takes no changes at present"); }

class solo_log final : public log {
 public:
  solo_log(storage::store& store, solo_options options, commit_listener on_commit)
      : store_(store), options_(options), on_commit_(std::move(on_commit)) {
    options_.round_max = std::max<std::size_t>(1, options_.round_max);
    auto view = store_.snapshot();
    index_ = read_applied_index(*view);
    if (!view->trustworthy()) closed_reason_ = "the applied index could not be read";
    writer_ = std::thread([this] { write_rounds(); });
  }

  ~solo_log() override { stop(); }

  void propose(proposal p) override {
    bool closed = false;
    {
      std::lock_guard lock(mutex_);
      closed = !closed_reason_.empty();
      if (!closed && !stopping_ && pending_.size() < options_.pending_max) {
        pending_.push_back(std::move(p));
        // The writer is woken for the first of a round and when the round it gathers is complete.
        if (pending_.size() == 1 || pending_.size() == awaited_) wake_.notify_one();
        return;
      }
    }
    if (closed) return refuse_closed(p);
    refuse(p, errc::busy, "The log has too much to do");
  }

  // One node orders all commands, and answers leave after the store holds them: any snapshot is current.
  void read_barrier(workspace_id, deadline,
                    unique_function<void(result<std::shared_ptr<const model::view>>)> done) override {
    done(store_.snapshot());
  }

  void when_current(deadline, unique_function<void(result<void>)> done) override { done({}); }

  std::shared_ptr<const model::view> applied_view() const override { return store_.snapshot(); }
  std::chrono::milliseconds applied_age() const override { return {}; }
  const cluster::changes& changes() const override { return changes_; }

  log_status status() const override {
    // It closes by itself when a flush or somebody's read fails, before a write of ours does; and it names the file.
    auto why = store_.closed_reason();
    std::lock_guard lock(mutex_);
    if (why.empty()) why = closed_reason_;
    return {why.empty(), why, index_, pending_.size()};
  }

  void stop() override {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
      wake_.notify_one();
    }
    std::lock_guard lock(joining_);  // whoever comes second waits too: for both, all is settled
    if (writer_.joinable()) writer_.join();
  }

 private:
  bool closed() const {
    std::lock_guard lock(mutex_);
    return !closed_reason_.empty();
  }

  void write_rounds() {
    std::size_t last_size = 0;
    for (;;) {
      auto round = gather(last_size);
      if (round.empty()) return;
      last_size = round.size();
      write(std::move(round));
    }
  }

  // The next round in order; empty when stopping and all is settled.
  std::vector<proposal> gather(std::size_t last_size) {
    std::unique_lock lock(mutex_);
    awaited_ = 0;
    wake_.wait(lock, [this] { return stopping_ || !pending_.empty(); });
    if (last_size > 1 && pending_.size() < last_size && options_.gather.count() > 0) {
      awaited_ = std::min(last_size, options_.round_max);
      wake_.wait_for(lock, options_.gather, [this] { return stopping_ || pending_.size() >= awaited_; });
    }
    std::vector<proposal> round;
    if (pending_.size() <= options_.round_max) {
      round.swap(pending_);
    } else {
      auto cut = pending_.begin() + static_cast<std::ptrdiff_t>(options_.round_max);
      round.assign(std::make_move_iterator(pending_.begin()), std::make_move_iterator(cut));
      pending_.erase(pending_.begin(), cut);
    }
    return round;
  }

  void write(std::vector<proposal> round) {
    // Nothing was ordered for a caller who has given up already.
    auto now = steady::now();
    auto late = std::stable_partition(round.begin(), round.end(), [now](const auto& p) { return p.deadline > now; });
    for (auto it = late; it != round.end(); ++it)
      refuse(*it, errc::deadline_exceeded, "The deadline passed before the command was ordered");
    round.erase(late, round.end());
    if (round.empty()) return;
    if (closed()) {
      for (auto& p : round) refuse_closed(p);
      return;
    }

    std::vector<const model::command*> commands;
    commands.reserve(round.size());
    for (const auto& p : round) commands.push_back(&p.what);
    auto view = store_.snapshot();
    auto staged = stage(warm_view(*view, hot_), commands, index_ + 1);
    view.reset();
    if (!staged.trustworthy) return give_up(std::move(round), "a read of stored state failed");

    std::int64_t sync_microseconds = 0;
    bool writes = !staged.writes.empty();
    if (writes) {
      auto before = steady::now();
      const auto round_number = changes_.stamp() + 1;
      for (const auto* c : commands) changes_.begin(*c, round_number);
      if (auto done = store_.apply(staged.writes, storage::durability::synced); !done)
        return give_up(std::move(round), done.error().text);
      sync_microseconds = std::chrono::duration_cast<std::chrono::microseconds>(steady::now() - before).count();
      changes_.end(round_number);
      hot_.written(staged.writes);
      std::lock_guard lock(mutex_);
      index_ += round.size();
    }
    if (on_commit_) on_commit_({index_, round.size(), writes, sync_microseconds, staged.writes});
    for (std::size_t i = 0; i < round.size(); ++i) {
      settled s;
      s.how = settled::fate::committed;
      s.outcome = std::move(staged.outcomes[i]);
      round[i].done(std::move(s));
    }
  }

  void give_up(std::vector<proposal> round, const std::string& why) {
    {
      std::lock_guard lock(mutex_);
      closed_reason_ = why.empty() ? "storage failed" : why;
    }
    for (auto& p : round) {
      settled s;
      s.how = settled::fate::unknown;
      s.why = error{errc::storage_failed, "The node could not persist the change"};
      p.done(std::move(s));
    }
  }

  storage::store& store_;
  hot_rows hot_{hot_bytes_max};  // the writer's alone; after a failed write it applies nothing any more
  cluster::changes changes_;
  solo_options options_;  // as given, made usable; not changed after construction
  const commit_listener on_commit_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<proposal> pending_;
  std::size_t awaited_ = 0;  // how many the writer gathers for; 0 while it does not
  std::string closed_reason_;
  std::uint64_t index_ = 0;  // written by the writer only
  bool stopping_ = false;
  std::mutex joining_;
  std::thread writer_;
};

}  // namespace

std::unique_ptr<log> make_solo_log(storage::store& store, solo_options options, commit_listener on_commit) {
  return std::make_unique<solo_log>(store, options, std::move(on_commit));
}

}  // namespace nacre::cluster

#include "cluster/raft/store_writer.hpp"

#include <utility>

#include "cluster/raft/log_store.hpp"

namespace nacre::cluster::raft {

store_writer::store_writer(storage::store& store, applier& applies, listener& to)
    : store_(store), applies_(applies), to_(to) {}

void store_writer::start() {
  thread_ = std::thread([this] { run(); });
}

void store_writer::write(instance of, std::uint64_t ticket, log_write what) {
  std::lock_guard lock(mutex_);
  if (next_.empty()) wake_.notify_one();
  next_.writes.push_back({of, ticket, std::move(what)});
}

void store_writer::apply(instance of, committed_entry entry) {
  std::lock_guard lock(mutex_);
  if (next_.empty()) wake_.notify_one();
  auto& at = next_.entries[of.group];
  at.first = of;
  at.second.push_back(std::move(entry));
}

void store_writer::then(std::function<result<void>()> step) {
  std::lock_guard lock(mutex_);
  if (next_.empty()) wake_.notify_one();
  next_.steps.push_back(std::move(step));
}

void store_writer::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void store_writer::run() {
  bool sound = true;
  for (;;) {
    round r;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !next_.empty(); });
      if (next_.empty()) return;
      r = std::exchange(next_, {});
    }
    if (sound) sound = work(std::move(r));
  }
}

bool store_writer::work(round r) {
  for (auto& [group, at] : r.entries) {
    auto report = applies_.apply(at.first, std::move(at.second));
    if (!report) return to_.failed(report.error().text), false;
    to_.applied(group, std::move(*report));
  }
  if (!r.writes.empty()) {
    storage::batch all;
    for (const auto& job : r.writes)
      if (!applies_.is_over(job.of)) add(all, job.of, job.what);
    if (auto done = store_.apply(all, storage::durability::synced); !done) return to_.failed(done.error().text), false;
    for (const auto& job : r.writes) to_.written(job.of, job.ticket);
  }
  for (auto& step : r.steps)
    if (auto done = step(); !done) return to_.failed(done.error().text), false;
  return true;
}

}  // namespace nacre::cluster::raft

// The writer of a node: what is applied, written and installed, in which order, and when.

#include <utility>

#include "cluster/raft/entries.hpp"
#include "cluster/raft/log_store.hpp"
#include "tests/sim/node.hpp"
#include "tests/sim/trace.hpp"
#include "tests/sim/world.hpp"

namespace nacre::sim {

void node::write(raft::instance of, std::uint64_t ticket, raft::log_write what) {
  jobs_.push_back({of, ticket, std::move(what)});
  work();
}
void node::apply(raft::instance of, raft::committed_entry entry) {
  w.promises.saw_committed(*this, of, entry);
  trace(w.now, id, "commits ", entry.index, "/", entry.term, " of ", entry.payload.size());
  entries_.emplace_back(of, std::move(entry));
  work();
}
void node::install_begin(raft::instance of) {
  ++w.told.fetches;
  trace(w.now, id, "begins to fetch");
  installs_.push_back([this, of] { return installer_->begin(of.group); });
  work();
}
void node::install_rows(raft::instance, storage::batch rows) {
  installs_.push_back([this, all = std::move(rows)]() -> result<void> {
    if (auto done = installer_->add_rows(all); !done) return done;
    replica->rows_installed();
    return {};
  });
  work();
}
void node::install_end(raft::instance of, raft::log_mark at, bool keep_log, raft::member_list begins) {
  installs_.push_back([this, of, at, keep_log, begins]() -> result<void> {
    auto log = installer_->end(of, at, keep_log, begins);
    if (!log) return nacre::fail(log.error());
    if (auto opened = applier_->open(of); !opened) return nacre::fail(opened.error());
    trace(w.now, id, "has fetched ", at.index, "/", at.term, keep_log ? " and keeps its log" : "");
    replica->installed(std::move(*log), at, [&](auto seq) { return applier_->decided(of.group, seq); });
    return {};
  });
  work();
}

// What is to be applied first, then log rows, which take the time of a sync.
void node::work() {
  if (working_ || work_planned_) return;
  work_planned_ = true;
  // A fetch may be given up over rows that wait to be written.
  const auto stuck = w.plan.harder && w.chaos && !installs_.empty() && w.more.one_in(8) ? w.more.below(1'200) : 0;
  w.at(stuck + (w.chance(w.slow_disk) ? w.between(0, 20) : 0), [this, l = life] {
    if (!up || life != l) return;
    work_planned_ = false;
    working_ = true;
    if (!entries_.empty()) {
      // Of one instance at a time.
      auto of = entries_.front().first;
      std::vector<raft::committed_entry> all;
      for (bool sealed = false; !sealed && !entries_.empty() && entries_.front().first == of; entries_.pop_front()) {
        sealed = w.plan.lie == lie::behind_the_seal && raft::is_seal(entries_.front().second.payload);
        all.push_back(std::move(entries_.front().second));
      }
      if (w.plan.lie == lie::behind_the_seal && applier_->is_over(of)) ++of.epoch;
      auto report = applier_->apply(of, std::move(all));
      if (!report) {
        if (!disk.failing && !disk.misread) w.fail("node " + std::to_string(id) + ": " + report.error().text);
        return crash();
      }
      trace(w.now, id, "applied ", report->at.index, ", decides ", report->decided.size());
      replica->applied(std::move(*report));
      after();
      if (!up || life != l) return;
    }
    writing_ = std::exchange(jobs_, {});
    due_installs_ = std::exchange(installs_, {});
    if (writing_.empty()) {
      if (!install(l)) return;
      working_ = false;
      if (!entries_.empty() || !jobs_.empty() || !installs_.empty()) work();
      return;
    }
    const auto delay = w.chance(w.slow_disk) ? w.between(1, 250) : w.between(0, 5);
    w.at(delay, [this, l] {
      if (up && life == l) finish_writes();
    });
  });
}

storage::batch node::rows_in_flight() const {
  storage::batch all;
  for (const auto& job : writing_)
    if (!applier_->is_over(job.of)) raft::add(all, job.of, job.what);
  return all;
}

void node::finish_writes() {
  if (!disk.apply(rows_in_flight(), storage::durability::synced)) return crash();
  auto done = std::exchange(writing_, {});
  const auto l = life;
  for (const auto& job : done) {
    replica->written(job.of, job.ticket);
    after();
    if (!up || life != l) return;
  }
  if (!install(l)) return;
  working_ = false;
  if (!entries_.empty() || !jobs_.empty() || !installs_.empty()) work();
}

// Parts of a fetched state, after the log rows that were given before them.
bool node::install(std::uint64_t in_life) {
  for (auto& f : std::exchange(due_installs_, {})) {
    if (auto done = f(); !done) {
      if (!disk.failing && !disk.misread) w.fail("node " + std::to_string(id) + ": " + done.error().text);
      crash();
      return false;
    }
    after();
    if (!up || life != in_life) return false;
  }
  return true;
}

}  // namespace nacre::sim

#include "tests/sim/world.hpp"

#include <algorithm>
#include <utility>

#include "cluster/raft/state_rows.hpp"
#include "tests/sim/chaos.hpp"
#include "tests/sim/membership.hpp"
#include "tests/sim/node.hpp"

namespace nacre::sim {

namespace {

// Bounds and patience that are met within seconds.
void make_narrow(raft::group_options& group, testing::random_source& more) {
  if (more.one_in(3)) group.queue_commands_max = 3;
  if (more.one_in(2)) group.frame_entries_max = 2;
  if (more.one_in(3)) group.frame_bytes_max = 200 + more.below(600);
  if (more.one_in(2)) {
    group.ask_again = std::chrono::milliseconds(20 + more.below(200));
    // Asked for a few times: with a lost frame in ten, less would come to an end by luck only.
    group.give_up = 4 * group.ask_again + std::chrono::milliseconds(more.below(500));
    group.newer_after = std::chrono::milliseconds(20 + more.below(400));
  }
}

}  // namespace

world::world(const sim::plan& p)
    : plan(p), random(p.seed), more(p.seed ^ 0x4a7de5), network(*this), ledger(*this), promises(*this), clients(*this) {
  node_id size = chance(0.3) ? 5 : 3;
  group.of = {0, 1};
  node_id spares = plan.membership && chance(0.5) ? between(2, 4) : 0;
  if (plan.losses && spares == 0 && chance(0.5)) {
    victim = between(1, size);
    older_copy = chance(0.5);
  }
  if (plan.harder && victim != 0 && plan.membership && more.one_in(2)) spares = 2 + more.below(3);
  if (plan.harder && victim == 0 && spares != 0 && more.one_in(5)) size = 1;
  for (node_id id = 1; id <= size; ++id) founders.push_back({id, ""});
  group.heartbeat = std::chrono::milliseconds(50);
  group.election = std::chrono::milliseconds(200);
  group.offer_again = std::chrono::milliseconds(600);
  group.batch_commands_max = chance(0.5) ? 2 : 64;
  group.unsettled_entries_max = chance(0.5) ? 4 : 64;
  if (plan.compaction) {
    group.compact_entries = between(8, 40);
    group.tail_entries = between(1, 10);
    if (chance(0.5)) group.cut_after = std::chrono::milliseconds(between(50, 2'000));
    // Chosen apart, so that seeds stay the histories they were before files were cut by bytes.
    testing::random_source apart(p.seed ^ 0xf11e5);
    if (apart.one_in(2)) {
      group.files_bytes_max = 1 + apart.below(4'000);
      group.files_tail_bytes = apart.below(1'500);
    }
  }
  if (plan.harder) {
    make_narrow(group, more);
    if (more.one_in(3)) pending_max = 3;
    groups = more.one_in(3) ? 1 + static_cast<std::uint32_t>(more.below(4)) : 1;
    group.of.group = raft::group_of(home, groups);
  }
  network.loss = chance(0.5) ? 0 : 0.1;
  network.doubled = chance(0.5) ? 0 : 0.05;
  network.late = chance(0.5) ? 0.02 : 0.3;
  slow_disk = chance(0.5) ? 0.01 : 0.2;
  const node_id all = size + (spares != 0 ? spares : victim != 0 ? 1 : 0);
  for (node_id id = 1; id <= all; ++id) nodes.push_back(std::make_unique<node>(*this, id));
  network.heal();
}

world::~world() {
  for (auto& n : nodes) n->replica.reset();
}

void world::at(std::uint64_t delay, std::function<void()> f) { events_.push({now + delay, ++order_, std::move(f)}); }

void world::fail(const std::string& what) {
  if (told.broken.empty()) told.broken = "at " + std::to_string(now) + " ms: " + what;
}

void world::run_until(std::uint64_t end) {
  while (!events_.empty() && events_.top().at <= end && told.broken.empty()) {
    auto e = std::move(const_cast<event&>(events_.top()));
    events_.pop();
    now = e.at;
    e.f();
  }
}

bool world::at_rest() const {
  std::uint64_t lowest = ~std::uint64_t{0}, highest = 0, epoch = 0;
  bool led = false;
  for (const auto& n : nodes)
    if (!n->up) return false;
  for (const auto* n : members(*this)) {
    led = led || n->replica->group().knows_commits();
    if (n->lost) continue;
    if (epoch != 0 && epoch != n->replica->status().epoch) return false;
    epoch = n->replica->status().epoch;
    const auto s = n->replica->status();
    lowest = std::min(lowest, s.applied_index);
    highest = std::max(highest, s.applied_index);
    if (s.pending > 0 || s.fetching) return false;
  }
  return led && lowest == highest && highest >= promises.highest();
}

std::string world::standing() const {
  std::string text;
  for (const auto& n : nodes) {
    text += "\n  node " + std::to_string(n->id);
    if (!n->up) {
      text += " down";
      continue;
    }
    const auto s = n->replica->status();
    const auto& g = n->replica->group();
    text += " epoch " + std::to_string(s.epoch) + " role " + std::to_string(static_cast<int>(s.role)) + " term " +
            std::to_string(s.term) + " leader " + std::to_string(s.leader) + " commit " +
            std::to_string(s.commit_index) + " applied " + std::to_string(s.applied_index) + " last " +
            std::to_string(g.last_index()) + "/" + std::to_string(g.term_of(g.last_index())) + " pending " +
            std::to_string(s.pending) + (s.fetching ? " fetching" : "") + (g.writing() ? " writing" : "");
    for (const auto& p : s.peers)
      text += " [" + std::to_string(p.node) + " match " + std::to_string(p.match) + (p.fetching ? " fetching]" : "]");
  }
  return text;
}

void world::await_rest() {
  const auto began = now;
  for (auto end = now; told.broken.empty() && !at_rest(); end += 250) {
    run_until(end);
    if (now < end) now = end;
    if (end > began + 30'000) fail("no rest 30 s after all was healed:" + standing());
  }
}

summary world::run() {
  for (auto& n : nodes) n->boot();
  at(300, [this] { step_chaos(*this); });
  if (plan.harder) at(300, [this] { step_more_chaos(*this); });
  at(100, [this] { clients.step(); });
  const auto healed = 1'000 + plan.chaos_ms;
  run_until(healed);
  chaos = false;
  network.loss = network.doubled = 0;
  network.late = slow_disk = 0.01;
  network.heal();
  for (auto& n : nodes) {
    n->pause_until(0);
    if (plan.harder) n->disk.mend();
  }
  run_until(healed + 2'000);
  await_rest();
  if (told.broken.empty() && nodes.size() > founders.size() && (victim != 0 || chance(0.3))) change_in_peace(*this);
  if (told.broken.empty()) promises.check_end();
  told.entries = promises.entries();
  return told;
}

summary run(const plan& p) {
  world w(p);
  return w.run();
}

}  // namespace nacre::sim

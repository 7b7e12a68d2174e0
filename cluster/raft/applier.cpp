#include "cluster/raft/applier.hpp"

#include <utility>

#include "cluster/raft/entries.hpp"
#include "cluster/stage.hpp"
#include "model/policy.hpp"

namespace nacre::cluster::raft {

namespace {
constexpr std::size_t hot_bytes_max = 4u << 20;
}

applier::applier(storage::store& store, node_id self, std::uint64_t boot, cluster::changes& changes,
                 commit_listener on_commit)
    : store_(store),
      self_(self),
      boot_(boot),
      changes_(changes),
      on_commit_(std::move(on_commit)),
      hot_(hot_bytes_max) {}

applier::group_state& applier::of(group_id group) { return groups_.try_emplace(group, group).first->second; }

result<applied_record> applier::open(instance of_group) {
  auto& g = of(of_group.group);
  auto v = store_.snapshot();
  auto applied = load_applied(*v, of_group.group);
  if (!applied) return fail(applied.error());
  g.applied = *applied;
  g.epoch = of_group.epoch;
  hot_.forget();
  if (auto loaded = g.seen.load(*v); !loaded) return fail(loaded.error());
  return g.applied;
}

void applier::tell_replaced(std::uint64_t index) const {
  if (!on_commit_) return;
  storage::batch all;
  for (auto in : {model::space::state, model::space::sealed, model::space::audit, model::space::index})
    all.push_back({storage::write::kind::erase_range, in, {}, {}});
  on_commit_({index, 0, true, 0, all});
}

bool applier::is_over(instance which) const {
  auto found = groups_.find(which.group);
  return found != groups_.end() && which.epoch < found->second.epoch;
}

bool applier::decided(group_id group, std::uint64_t seq) const {
  auto found = groups_.find(group);
  return found != groups_.end() && found->second.seen.decided(self_, boot_, seq);
}

result<apply_report> applier::apply(instance of_group, std::vector<committed_entry> entries) {
  auto& g = of(of_group.group);
  apply_report report;
  std::vector<model::command> commands;
  std::vector<std::pair<std::size_t, std::uint64_t>> ours;  // place among the commands, and number
  for (const auto& entry : entries) {
    if (entry.index <= g.applied.at.index || g.epoch != of_group.epoch) continue;  // or behind the end of an epoch
    g.applied = {of_group.epoch, {entry.index, entry.term}};
    if (entry.payload.empty()) continue;
    if (is_seal(entry.payload)) {
      report.sealed = decode_seal(entry.payload);
      if (!report.sealed || report.sealed->next_epoch != of_group.epoch + 1)
        return fail(errc::corrupt, "an entry of the replicated log does not decode");
      g.epoch = report.sealed->next_epoch;
      continue;
    }
    auto batch = decode_batch(entry.payload);
    if (!batch) return fail(errc::corrupt, "an entry of the replicated log does not decode");
    for (const auto& each : *batch) {
      if (!g.seen.first_time(each.from)) continue;
      auto command = model::decode_command(each.command);
      // Passing it over here would part this node from those that know it.
      if (!command) return fail(errc::unsupported, "the replicated log holds a command this program does not know");
      if (each.from.node == self_ && each.from.boot == boot_) ours.emplace_back(commands.size(), each.from.seq);
      commands.push_back(std::move(*command));
    }
  }
  report.at = g.applied.at;

  std::vector<const model::command*> pointers;
  pointers.reserve(commands.size());
  for (const auto& c : commands) pointers.push_back(&c);
  auto view = store_.snapshot();
  auto staged = stage(warm_view(*view, hot_), pointers);
  view.reset();
  if (!staged.trustworthy) return fail(errc::storage_failed, "a read of stored state failed");

  const bool acted = !staged.writes.empty();
  const auto round = changes_.stamp() + 1;
  if (acted)
    for (const auto& c : commands) changes_.begin(c, round);
  g.seen.add_changed(staged.writes);
  if (report.sealed) {
    const instance next{of_group.group, report.sealed->next_epoch};
    for (auto& w : found(next, report.sealed->members, report.at)) staged.writes.push_back(std::move(w));
    for (auto& w : erase_older(next)) staged.writes.push_back(std::move(w));
  }
  staged.writes.push_back(applied_row(of_group.group, g.applied));
  if (auto done = store_.apply(staged.writes, storage::durability::buffered); !done) return fail(done.error());
  if (acted) changes_.end(round);
  hot_.written(staged.writes);
  if (on_commit_ && !commands.empty()) on_commit_({report.at.index, commands.size(), acted, 0, staged.writes});

  report.decided.reserve(ours.size());
  for (const auto& [place, seq] : ours) report.decided.push_back({seq, std::move(staged.outcomes[place])});
  return report;
}

}  // namespace nacre::cluster::raft

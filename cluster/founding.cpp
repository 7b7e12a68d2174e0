#include "cluster/founding.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "cluster/changes.hpp"
#include "cluster/raft/applier.hpp"
#include "cluster/raft/door.hpp"
#include "cluster/raft/log_store.hpp"
#include "cluster/raft/state_installer.hpp"
#include "cluster/stage.hpp"
#include "crypto/random.hpp"
#include "model/limits.hpp"
#include "model/wire.hpp"

namespace nacre::cluster {
namespace {

using namespace raft;

constexpr std::string_view groups_key = "log.groups", leaving_key = "log.leaving";

// What the group's log holds, of a node that has the state it goes on from.
result<std::pair<instance, loaded_log>> load_whole(const model::view& v, group_id id) {
  auto now = load_epoch(v, id);
  if (!now) return fail(now.error());
  auto half = state_installer::unfinished(v, id);
  if (!half) return fail(half.error());
  if (!*now || (*now)->members.empty() || *half)
    return fail(errc::conflict, "the node had not the whole state of its cluster yet");
  const instance of{id, (*now)->epoch};
  auto log = load_log(v, of);
  if (!log) return fail(log.error());
  auto applied = load_applied(v, id);
  if (!applied) return fail(applied.error());
  if (applied->epoch != 0 && applied->at.index < log->mark.index)
    return fail(errc::corrupt, "the state ends before the replicated log begins");
  return std::pair(of, std::move(*log));
}

// Applies what the group's log holds beyond its state, from epoch to epoch; answers the index it comes to.
result<std::uint64_t> apply_rest(storage::store& store, applier& to, group_id id) {
  for (;;) {
    auto whole = load_whole(*store.snapshot(), id);
    if (!whole) return fail(whole.error());
    auto& [of, log] = *whole;
    if (auto opened = to.open(of); !opened) return fail(opened.error());
    std::vector<committed_entry> rest;
    auto index = log.first;
    for (auto& e : log.entries)
      rest.push_back({index++, e.term, e.kind == entry_kind::commands ? std::move(e.payload) : std::string()});
    auto applied = to.apply(of, std::move(rest));
    if (!applied) return fail(applied.error());
    if (!applied->sealed) return std::max(log.mark.index, applied->at.index);
  }
}

}  // namespace

result<std::uint32_t> groups_of_cluster(const storage::store& store) {
  auto v = store.snapshot();
  auto bytes = v->get(model::space::meta, groups_key);
  if (!v->trustworthy()) return fail(errc::storage_failed, "the data directory could not be read");
  if (!bytes) return 0u;
  model::reader r(*bytes);
  const auto groups = r.u32();
  if (!r.finished() || groups == 0 || groups > limits::cluster_groups_max)
    return fail(errc::corrupt, "the number of groups is damaged");
  return groups;
}

result<void> found_cluster(storage::store& store, std::uint32_t groups, const std::vector<peers::neighbour>& members) {
  if (groups == 0 || groups > limits::cluster_groups_max || members.empty() ||
      members.size() > limits::cluster_members_max)
    return fail(errc::invalid, "a cluster has 1 to 64 groups and 1 to 9 members");
  auto existing = groups_of_cluster(store);
  if (!existing) return fail(existing.error());
  if (*existing != 0) return fail(errc::conflict, "the data directory belongs to a cluster already");
  auto v = store.snapshot();
  const auto applied = read_applied_index(*v);
  if (!v->trustworthy()) return fail(errc::corrupt, "the applied index could not be read");
  storage::batch all{
      {storage::write::kind::put, model::space::meta, std::string(groups_key), model::writer{}.u32(groups).take()},
      directory_row(crypto::random_uuid())};
  for (group_id id = 0; id < groups; ++id)
    for (auto& w : found({id, 1}, members, {std::max<std::uint64_t>(1, applied), 1})) all.push_back(std::move(w));
  return store.apply(all, storage::durability::synced);
}

result<bool> was_founded(const storage::store& store, std::uint32_t groups,
                         const std::vector<peers::neighbour>& members) {
  auto existing = groups_of_cluster(store);
  if (!existing) return fail(existing.error());
  bool same = *existing == groups;
  auto v = store.snapshot();
  for (group_id id = 0; id < groups && same; ++id) {
    auto now = load_epoch(*v, id);
    if (!now) return fail(now.error());
    same = *now && (*now)->epoch == 1 &&
           std::equal(members.begin(), members.end(), (*now)->members.begin(), (*now)->members.end(),
                      [](const auto& a, const auto& b) { return a.node == b.node && a.address == b.address; });
  }
  if (!v->trustworthy()) return fail(errc::storage_failed, "the data directory could not be read");
  return same;
}

result<void> join_cluster(storage::store& store, std::uint32_t groups) {
  if (groups == 0 || groups > limits::cluster_groups_max) return fail(errc::invalid, "a cluster has 1 to 64 groups");
  auto existing = groups_of_cluster(store);
  if (!existing) return fail(existing.error());
  if (*existing != 0 || read_applied_index(*store.snapshot()) != 0)
    return fail(errc::conflict, "the data directory holds something already");
  storage::batch all{
      {storage::write::kind::put, model::space::meta, std::string(groups_key), model::writer{}.u32(groups).take()},
      directory_row(crypto::random_uuid())};
  for (group_id id = 0; id < groups; ++id) {
    for (auto& w : found({id, 1}, {}, {1, 1})) all.push_back(std::move(w));
    all.push_back(state_installer::unfinished_row(id));
  }
  return store.apply(all, storage::durability::synced);
}

result<std::vector<log_end>> ends_of_logs(const storage::store& store) {
  auto groups = groups_of_cluster(store);
  if (!groups) return fail(groups.error());
  std::vector<log_end> ends;
  const auto v = store.snapshot();
  for (group_id id = 0; id < *groups; ++id) {
    auto whole = load_whole(*v, id);
    if (!whole) return fail(whole.error());
    const auto& [of, log] = *whole;
    const auto term = log.entries.empty() ? log.mark.term : log.entries.back().term;
    ends.push_back({of.epoch, term, log.first + log.entries.size() - 1});
  }
  return ends;
}

result<void> leave_cluster(storage::store& store) {
  auto ends = ends_of_logs(store);
  if (!ends) return fail(ends.error());
  if (!ends->empty()) {
    using kind = storage::write::kind;
    // From here on it holds what the others may never have: it is no node of that cluster any more, finished or not.
    if (auto done = store.apply({{kind::put, model::space::meta, std::string(leaving_key), "\x01"}},
                                storage::durability::synced);
        !done)
      return done;
    changes unread;
    applier rest(store, 0, 0, unread, {});
    std::uint64_t index = 0;
    for (group_id id = 0; id < ends->size(); ++id) {
      auto came_to = apply_rest(store, rest, id);
      if (!came_to) return fail(came_to.error());
      index = std::max(index, *came_to);
    }
    const storage::batch all{
        {kind::erase_range, model::space::log, "", "\xff"},       // keys begin with a group, of four bytes
        {kind::erase_range, model::space::meta, "log.", "log/"},  // all of a cluster, and the single node's own place:
        {kind::put, model::space::meta, std::string(applied_index_key), model::writer{}.u64(index).take()}};
    if (auto done = store.apply(all, storage::durability::synced); !done) return done;
  }
  // Out of the files, too: a single node never looks there again.
  return store.compact(model::space::log, {}, {});
}

result<bool> is_leaving(const storage::store& store) {
  auto v = store.snapshot();
  const bool there = v->get(model::space::meta, leaving_key).has_value();
  if (!v->trustworthy()) return fail(errc::storage_failed, "the data directory could not be read");
  return there;
}

}  // namespace nacre::cluster

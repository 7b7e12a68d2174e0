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

constexpr std::string_view groups_key = "log.groups";
constexpr std::uint32_t groups_max = 256;

// Applies what the group's log holds beyond its state, from epoch to epoch; answers the index it comes to.
result<std::uint64_t> apply_rest(storage::store& store, applier& to, group_id id) {
  for (;;) {
    auto v = store.snapshot();
    auto now = load_epoch(*v, id);
    if (!now) return fail(now.error());
    auto half = state_installer::unfinished(*v, id);
    if (!half) return fail(half.error());
    if (!*now || (*now)->members.empty() || *half)
      return fail(errc::conflict, "the node had not the whole state of its cluster yet");
    const instance of{id, (*now)->epoch};
    auto log = load_log(*v, of);
    if (!log) return fail(log.error());
    auto stands = to.open(of);
    if (!stands) return fail(stands.error());
    if (stands->epoch != 0 && stands->at.index < log->mark.index)
      return fail(errc::corrupt, "the state ends before the replicated log begins");
    std::vector<committed_entry> rest;
    auto index = log->first;
    for (auto& e : log->entries)
      rest.push_back({index++, e.term, e.kind == entry_kind::commands ? std::move(e.payload) : std::string()});
    auto applied = to.apply(of, std::move(rest));
    if (!applied) return fail(applied.error());
    if (!applied->sealed) return std::max(log->mark.index, applied->at.index);
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
  if (!r.finished() || groups == 0 || groups > groups_max)
    return fail(errc::corrupt, "the number of groups is damaged");
  return groups;
}

result<void> found_cluster(storage::store& store, std::uint32_t groups, const std::vector<peers::neighbour>& members) {
  if (groups == 0 || groups > groups_max || members.empty() || members.size() > limits::cluster_members_max)
    return fail(errc::invalid, "a cluster has 1 to 256 groups and 1 to 9 members");
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
  if (groups == 0 || groups > groups_max) return fail(errc::invalid, "a cluster has 1 to 256 groups");
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

result<void> leave_cluster(storage::store& store) {
  auto groups = groups_of_cluster(store);
  if (!groups) return fail(groups.error());
  changes unread;
  applier rest(store, 0, 0, unread, {});
  std::uint64_t index = 0;
  for (group_id id = 0; id < *groups; ++id) {
    auto came_to = apply_rest(store, rest, id);
    if (!came_to) return fail(came_to.error());
    index = std::max(index, *came_to);
  }
  if (*groups != 0) {
    using kind = storage::write::kind;
    const storage::batch all{
        {kind::erase_range, model::space::log, "", "\xff"},       // keys begin with a group, of four bytes
        {kind::erase_range, model::space::meta, "log.", "log/"},  // all of a cluster, and the single node's own place:
        {kind::put, model::space::meta, std::string(applied_index_key), model::writer{}.u64(index).take()}};
    if (auto done = store.apply(all, storage::durability::synced); !done) return done;
  }
  // Out of the files, too: a single node never looks there again.
  return store.compact(model::space::log, {}, {});
}

}  // namespace nacre::cluster

#include "tests/sim/membership.hpp"

#include <algorithm>
#include <memory>

#include "tests/sim/node.hpp"
#include "tests/sim/world.hpp"

namespace nacre::sim {

std::vector<const node*> members(const world& w) {
  const node* newest = nullptr;
  for (const auto& n : w.nodes)
    if (n->up && !n->lost && !n->replica->members().empty() &&
        (newest == nullptr || n->replica->status().epoch > newest->replica->status().epoch))
      newest = n.get();
  std::vector<const node*> all;
  if (newest != nullptr)
    for (const auto& m : newest->replica->members()) all.push_back(w.nodes[m.node - 1].get());
  return all;
}

void change_members(world& w, unsigned more) {
  std::vector<node_id> inside, outside;
  node_id leads = 0;
  for (const auto* n : members(w)) {
    inside.push_back(n->id);
    if (n->up && n->replica->group().role() == raft::role::leader) leads = n->id;
  }
  for (const auto& n : w.nodes)
    if (!n->lost && std::find(inside.begin(), inside.end(), n->id) == inside.end()) outside.push_back(n->id);
  auto take = [&](std::vector<node_id>& from) {
    const auto at = from.begin() + static_cast<std::ptrdiff_t>(w.below(from.size()));
    const auto id = *at;
    from.erase(at);
    return id;
  };
  switch (w.below(5)) {
    case 0:  // to five
      while (inside.size() < 5 && !outside.empty()) inside.push_back(take(outside));
      break;
    case 1:  // to three
      while (inside.size() > 3) (void)take(inside);
      break;
    case 2:  // without the leader
      if (inside.size() > 1) std::erase(inside, leads);
      break;
    case 3:  // one for another, at once
      if (inside.empty() || outside.empty()) break;
      (void)take(inside);
      inside.push_back(take(outside));
      break;
    default: {  // whoever
      inside.clear();
      for (const auto& n : w.nodes)
        if (!n->lost && inside.size() < 5 && !w.chance(0.25)) inside.push_back(n->id);
    }
  }
  raft::member_list next;
  for (auto id : inside) next.push_back({id, ""});
  auto& n = *w.nodes[w.below(w.nodes.size())];
  // A cluster of two does not outlive the loss of a disk.
  if (n.up && next.size() >= (w.victim != 0 ? 3 : 1))
    n.change_members(next, 2'000, [&w](bool done) { w.told.changes += done ? 1 : 0; });
  if (more > 0)
    w.at(w.between(1, 400), [&w, more] {
      if (w.chaos) change_members(w, more - 1);
    });
}

namespace {

enum class asked_for { nobody_there, unanswered, made, refused };

asked_for as_many_in_peace(world& w, std::size_t size) {
  const auto now_in = members(w);
  raft::member_list next;
  for (const auto* n : now_in)
    if (w.victim != 0 ? !n->lost : size == 5 || n->replica->group().role() != raft::role::leader)
      next.push_back({n->id, ""});
  for (const auto& n : w.nodes)
    if (std::none_of(now_in.begin(), now_in.end(), [&](const auto* m) { return m->id == n->id; }))
      next.push_back({n->id, ""});
  // A majority holds the state already, but for a node that is alone.
  const auto whole =
      static_cast<std::size_t>(std::count_if(now_in.begin(), now_in.end(), [](const auto* n) { return !n->lost; }));
  const auto most = now_in.size() == 1 ? size : 2 * whole - 1;
  next.resize(std::min({next.size(), size, most}));
  node* asked = nullptr;
  for (const auto* n : now_in)
    if (!n->lost && std::any_of(next.begin(), next.end(), [&](const auto& m) { return m.node == n->id; }))
      asked = &w.of(n->id);
  if (asked == nullptr) return asked_for::nobody_there;
  auto how = std::make_shared<asked_for>(asked_for::unanswered);
  asked->change_members(next, 8'000, [how](bool done) { *how = done ? asked_for::made : asked_for::refused; });
  for (const auto end = w.now + 10'000; w.told.broken.empty() && *how == asked_for::unanswered && w.now < end;)
    w.run_until(w.now + 50), w.now += 50;
  return *how;
}

std::uint64_t epoch_of(const world& w) {
  std::uint64_t newest = 0;
  for (const auto& n : w.nodes)
    if (n->up) newest = std::max(newest, n->replica->status().epoch);
  return newest;
}

}  // namespace

void change_in_peace(world& w) {
  for (const std::size_t size : {5u, 3u}) {
    if (size == 3 && w.victim != 0) return;
    const auto before = epoch_of(w);
    auto how = as_many_in_peace(w, size);
    if (how == asked_for::refused && epoch_of(w) > before) {  // a change that was asked for in the chaos came first
      w.await_rest();
      how = as_many_in_peace(w, size);
    }
    if (how == asked_for::nobody_there) return;
    if (w.told.broken.empty() && how != asked_for::made)
      w.fail("a change of members in peace was not made:" + w.standing());
    w.told.changes += how == asked_for::made ? 1 : 0;
    w.await_rest();
  }
}

}  // namespace nacre::sim

#include "tests/sim/promises.hpp"

#include <algorithm>
#include <string_view>

#include "cluster/raft/entries.hpp"
#include "model/keys.hpp"
#include "tests/model/invariants.hpp"
#include "tests/sim/clients.hpp"
#include "tests/sim/membership.hpp"
#include "tests/sim/node.hpp"
#include "tests/sim/world.hpp"
#include "tests/support/stores.hpp"

namespace nacre::sim {

namespace {

using model::space;

// With its secret, or alone once that has ended.
bool holds_receipt(const model::view& v, std::uint64_t n) {
  return v.get(space::sealed, model::keys::secret(home, secret_no(n))) ||
         v.get(space::state, model::keys::receipt(home, receipt_id{secret_no(n).value()}));
}

}  // namespace

void promises::saw_committed(node_id by, raft::instance of, const raft::committed_entry& e) {
  if (raft::is_seal(e.payload)) ends_.try_emplace(of.epoch, e.index);
  const auto end = ends_.find(of.epoch);
  if (end == ends_.end() || e.index <= end->second) highest_ = std::max(highest_, e.index);
  auto [at, fresh] = history_.try_emplace(place{of.epoch, e.index}, e.term, e.payload);
  if (!fresh && at->second != std::pair(e.term, e.payload))
    w_.fail("node " + std::to_string(by) + " applies another entry at " + std::to_string(e.index) +
            " than a node before it");
}

void promises::saw_role(const node& n) {
  if (!n.replica || n.replica->group().role() != raft::role::leader) return;
  const auto term = n.replica->group().term();
  const auto epoch = n.replica->status().epoch;
  w_.told.epochs = std::max(w_.told.epochs, epoch);
  auto [at, fresh] = leaders_.try_emplace(place{epoch, term}, n.id);
  if (!fresh && at->second != n.id) w_.fail("two leaders in term " + std::to_string(term));
}

void promises::saw_shown(std::uint64_t secret, std::uint64_t request) {
  auto [at, fresh] = shown_.try_emplace(secret, request);
  if (!fresh && at->second != request) w_.fail("secret " + std::to_string(secret) + " was shown to two readers");
}

void promises::saw_pat_shown(std::uint64_t pat, std::uint64_t request) {
  auto& got = reveals_[pat];
  got.insert(request);
  if (got.size() > budget_per_pat) w_.fail("the budget of a PAT was exceeded");
}

std::vector<std::uint64_t> promises::latest() const {
  std::vector<std::uint64_t> all;
  for (auto it = created_.rbegin(); it != created_.rend() && all.size() < 20; ++it) all.push_back(*it);
  return all;
}

void promises::saw_current_read(const node& n, const std::vector<std::uint64_t>& before) {
  auto v = n.disk.snapshot();
  for (auto s : before)
    if (!holds_receipt(*v, s))
      w_.fail("a current read on node " + std::to_string(n.id) + " misses secret " + std::to_string(s));
}

void promises::check_end() {
  auto all = members(w_);
  std::erase_if(all, [](const auto* n) { return n->lost; });
  const auto& first = all.front()->disk.all();
  for (const auto* n : all)
    for (auto in : {space::state, space::sealed, space::audit, space::index})
      if (n->disk.all()[static_cast<std::size_t>(in)] != first[static_cast<std::size_t>(in)])
        return w_.fail("node " + std::to_string(n->id) + " holds another state than another");
  for (auto s : created_)
    if (!holds_receipt(*all.front()->disk.snapshot(), s))
      return w_.fail("acknowledged secret " + std::to_string(s) + " is lost");
  // The key of a row of the log: group(4), kind, epoch(8).
  for (const auto& n : w_.nodes)
    for (const auto& [key, value] : n->disk.all()[static_cast<std::size_t>(space::log)]) {
      if (key.size() < 13) continue;
      model::reader epoch(std::string_view(key).substr(5, 8));
      if (epoch.u64() < n->replica->status().epoch)
        return w_.fail("node " + std::to_string(n->id) + " keeps a row of an epoch that is over");
    }
  model::testing::map_state copy;
  testing::copy_into(copy, *all.front()->disk.snapshot());
  if (auto wrong = model::testing::broken(copy); !wrong.empty()) w_.fail("the state is broken: " + wrong);
}

}  // namespace nacre::sim

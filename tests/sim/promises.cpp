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

using model::space;

bool holds_receipt(const disk& d, std::uint64_t n) {
  return d.in(space::sealed).contains(model::keys::secret(home, secret_no(n))) ||
         d.in(space::state).contains(model::keys::receipt(home, receipt_id{secret_no(n).value()}));
}

void promises::saw_committed(const node& by, raft::instance of, const raft::committed_entry& e) {
  if (raft::is_seal(e.payload)) ends_.try_emplace(of.epoch, e.index);
  const auto end = end_of(of.epoch);
  const bool counts = end == 0 || e.index <= end;
  if (counts) highest_ = std::max(highest_, e.index);
  const auto term = by.replica->group().term();
  auto [at, fresh] = history_.try_emplace(place{of.epoch, e.index}, decided{e.term, e.payload, term});
  if (fresh && counts) w_.ledger.saw_first_commit(by, of, e);
  if (at->second.term != e.term || at->second.payload != e.payload)
    w_.fail("node " + std::to_string(by.id) + " applies another entry at " + std::to_string(e.index) +
            " than a node before it");
}

std::uint64_t promises::end_of(std::uint64_t epoch) const {
  const auto found = ends_.find(epoch);
  return found == ends_.end() ? 0 : found->second;
}

void promises::saw_role(const node& n) {
  if (!n.replica || n.replica->group().role() != raft::role::leader) return;
  const auto term = n.replica->group().term();
  const auto epoch = n.replica->status().epoch;
  w_.told.epochs = std::max(w_.told.epochs, epoch);
  auto [at, fresh] = leaders_.try_emplace(place{epoch, term}, n.id);
  if (at->second != n.id) w_.fail("two leaders in term " + std::to_string(term));
  if (!fresh) return;
  // It has whatever a leader before it has decided.
  for (auto it = history_.lower_bound(place{epoch + 1, 0}); it != history_.begin();) {
    const auto& [where, what] = *--it;
    if (where.first != epoch) return;
    if (what.in_term >= term) continue;
    const auto its = n.replica->group().term_of(where.second);
    if (n.replica->group().last_index() < where.second || (its != 0 && its != what.term))
      w_.fail("node " + std::to_string(n.id) + " leads in term " + std::to_string(term) + " and lacks entry " +
              std::to_string(where.second));
    return;
  }
}

void promises::saw_created(const node& by, std::uint64_t secret) {
  if (!holds_receipt(by.disk, secret)) w_.fail("a node tells of a secret that it does not hold");
  created_.insert(secret);
  w_.ledger.must_keep(secret);
}

bool promises::was_shown_to(std::uint64_t secret, std::uint64_t reader) const {
  const auto found = shown_.find(secret);
  return found != shown_.end() && found->second == reader;
}

void promises::saw_shown(std::uint64_t secret, std::uint64_t reader) {
  auto [at, fresh] = shown_.try_emplace(secret, reader);
  if (!fresh && at->second != reader) w_.fail("secret " + std::to_string(secret) + " was shown to two readers");
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
  for (auto s : before)
    if (!holds_receipt(n.disk, s))
      w_.fail("a current read on node " + std::to_string(n.id) + " misses secret " + std::to_string(s));
}

void promises::check_end() {
  auto all = members(w_);
  std::erase_if(all, [](const auto* n) { return n->lost; });
  for (const auto* n : all)
    for (auto in : {space::state, space::sealed, space::audit, space::index})
      if (n->disk.in(in) != all.front()->disk.in(in))
        return w_.fail("node " + std::to_string(n->id) + " holds another state than another");
  for (auto s : created_)
    if (!holds_receipt(all.front()->disk, s)) return w_.fail("acknowledged secret " + std::to_string(s) + " is lost");
  // The key of a row of the log: group(4), kind, epoch(8).
  for (const auto& n : w_.nodes)
    for (const auto& [key, value] : n->disk.in(space::log)) {
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

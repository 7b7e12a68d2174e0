#include "cluster/raft/read_index.hpp"

#include <algorithm>
#include <utility>

namespace nacre::cluster::raft {

namespace {
constexpr std::size_t askers_max = 4096;
}

read_index::read_index(port& to, node_id self, std::uint64_t boot, std::vector<node_id> members,
                       std::uint64_t again_after_ms)
    : port_(to),
      self_(self),
      members_(std::move(members)),
      again_after_ms_(again_after_ms),
      ask_id_(boot << 32),
      round_(boot << 32) {}

void read_index::read(std::uint64_t deadline_ms, done then) {
  next_.push_back({deadline_ms, port_.now_ms(), std::move(then)});
  if (asked_.empty()) ask();
}

void read_index::settle(waiting_read r, result<void> how) {
  if (how) port_.current_as_of(r.began);
  port_.finish([then = std::move(r.then), how = std::move(how)]() mutable { then(std::move(how)); });
}

// ---------------------------------------------------------------- as the one who reads

void read_index::ask() {
  if (next_.empty() || !asked_.empty()) return;
  const auto* g = port_.raft();
  const auto leader = g == nullptr ? 0 : g->leader();
  if (leader == 0) return;  // leader_changed() or tick() comes back
  asked_ = std::exchange(next_, {});
  ++ask_id_;
  asked_at_ = port_.now_ms();
  if (leader == self_) return asked(self_, ask_id_);
  if (!port_.send(leader, ask_index{ask_id_})) {
    next_ = std::exchange(asked_, {});
  }
}

void read_index::told(std::uint64_t id, bool known, std::uint64_t index) {
  if (id != ask_id_ || asked_.empty()) return;
  auto reads = std::exchange(asked_, {});
  if (!known) {
    for (auto& r : reads) next_.push_back(std::move(r));
    return;  // tick() or leader_changed() asks again
  }
  for (auto& r : reads) {
    if (index <= applied_)
      settle(std::move(r), {});
    else
      applying_.emplace(index, std::move(r));
  }
  ask();
}

void read_index::applied(std::uint64_t index) {
  applied_ = std::max(applied_, index);
  while (!applying_.empty() && applying_.begin()->first <= applied_) {
    auto first = applying_.extract(applying_.begin());
    settle(std::move(first.mapped()), {});
  }
}

// ---------------------------------------------------------------- as leader

void read_index::asked(node_id from, std::uint64_t id) {
  if (askers_.size() >= askers_max) return answer({from, id}, false, 0);
  askers_.push_back({from, id});
  if (!running_) begin_round();
}

void read_index::begin_round() {
  if (askers_.empty() || running_) return;
  const auto* g = port_.raft();
  if (g == nullptr || g->role() != role::leader) {
    for (const auto& each : std::exchange(askers_, {})) answer(each, false, 0);
    return;
  }
  if (!g->knows_commits()) return;  // committed() or leader_changed() comes back
  running_ = true;
  round_askers_ = std::exchange(askers_, {});
  ++round_;
  round_term_ = g->term();
  round_index_ = g->commit_index();
  round_at_ = port_.now_ms();
  confirmed_ = {self_};
  for (auto node : members_)
    if (node != self_) port_.send(node, probe{round_, round_term_});
  if (confirmed_.size() > members_.size() / 2) end_round(true);
}

void read_index::confirm(node_id from, std::uint64_t term) {
  if (!running_ || term != round_term_ || std::find(members_.begin(), members_.end(), from) == members_.end()) return;
  const auto* g = port_.raft();
  if (g == nullptr || g->role() != role::leader || g->term() != round_term_) return end_round(false);
  confirmed_.insert(from);
  if (confirmed_.size() > members_.size() / 2) end_round(true);
}

void read_index::end_round(bool known) {
  running_ = false;
  for (const auto& each : std::exchange(round_askers_, {})) answer(each, known, round_index_);
  begin_round();
}

void read_index::answer(const asker& to, bool known, std::uint64_t index) {
  if (to.node == self_) return told(to.id, known, index);
  port_.send(to.node, index_reply{to.id, known, index});
}

void read_index::committed() {
  if (!running_ && !askers_.empty()) begin_round();
}

// ----------------------------------------------------------------

void read_index::receive(node_id from, const message& m) {
  const auto* g = port_.raft();
  if (const auto* p = std::get_if<probe>(&m)) {
    if (g != nullptr) port_.send(from, probe_reply{p->round, g->term()});
  } else if (const auto* r = std::get_if<probe_reply>(&m)) {
    if (r->round == round_) confirm(from, r->term);
  } else if (const auto* a = std::get_if<ask_index>(&m)) {
    asked(from, a->id);
  } else if (const auto* t = std::get_if<index_reply>(&m)) {
    told(t->id, t->known, t->index);
  }
}

void read_index::leader_changed() {
  if (running_) end_round(false);
  begin_round();
  for (auto& r : std::exchange(asked_, {})) next_.push_back(std::move(r));
  ask();
}

void read_index::begin_anew(std::vector<node_id> members) {
  members_ = std::move(members);
  running_ = false;
  round_askers_.clear();  // they ask again
  askers_.clear();
  ++round_;
  for (auto& r : std::exchange(asked_, {})) next_.push_back(std::move(r));
  while (!applying_.empty()) next_.push_back(std::move(applying_.extract(applying_.begin()).mapped()));
}

void read_index::tick() {
  const auto now = port_.now_ms();
  auto late = [now](const waiting_read& r) { return r.deadline <= now; };
  auto drop_late = [&](std::vector<waiting_read>& reads) {
    auto first = std::stable_partition(reads.begin(), reads.end(), [&](const auto& r) { return !late(r); });
    for (auto it = first; it != reads.end(); ++it)
      settle(std::move(*it), fail(errc::deadline_exceeded, "No majority of the cluster answered in time"));
    reads.erase(first, reads.end());
  };
  drop_late(next_);
  drop_late(asked_);
  for (auto it = applying_.begin(); it != applying_.end();) {
    auto at = it++;
    if (!late(at->second)) continue;
    auto gone = applying_.extract(at);
    settle(std::move(gone.mapped()), fail(errc::deadline_exceeded, "This node lags behind the cluster"));
  }
  // Frames get lost.
  if (!asked_.empty() && now - asked_at_ >= again_after_ms_)
    for (auto& r : std::exchange(asked_, {})) next_.push_back(std::move(r));
  ask();
  if (running_ && now - round_at_ >= again_after_ms_) {
    round_at_ = now;
    for (auto node : members_)
      if (!confirmed_.contains(node)) port_.send(node, probe{round_, round_term_});
  }
}

void read_index::stop() {
  auto refuse = [&](waiting_read r) { settle(std::move(r), fail(errc::busy, "The node is stopping")); };
  for (auto& r : std::exchange(next_, {})) refuse(std::move(r));
  for (auto& r : std::exchange(asked_, {})) refuse(std::move(r));
  while (!applying_.empty()) refuse(std::move(applying_.extract(applying_.begin()).mapped()));
}

}  // namespace nacre::cluster::raft

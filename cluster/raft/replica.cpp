#include "cluster/raft/replica.hpp"

#include <algorithm>
#include <utility>

namespace nacre::cluster::raft {

namespace {

settled refused(errc code, std::string text) {
  settled s;
  s.how = settled::fate::refused;
  s.why = error{code, std::move(text)};
  return s;
}

constexpr std::size_t forward_bytes_max = 1u << 20;

}  // namespace

replica::replica(replica_host& host, replica_options options, const guard_rules& rules)
    : host_(host),
      options_(std::move(options)),
      rules_(rules),
      group_(std::make_unique<raft_group>(static_cast<group_host&>(*this), options_.group, rules)),
      reads_(*this, options_.group.self, options_.boot, options_.group.members,
             static_cast<std::uint64_t>(options_.group.election.count()) / 2),
      seq_(options_.boot << 32) {}

replica::~replica() = default;

settled replica::unknown(std::string text) {
  settled s;
  s.how = settled::fate::unknown;
  s.why = error{errc::outcome_unknown, std::move(text)};
  return s;
}

result<void> replica::start(loaded_log from, log_mark applied, bool stateless) {
  applied_ = applied;
  stateless_ = stateless;
  began_ = from.mark;
  group_->hold(stateless);
  if (!stateless) reads_.applied(applied.index);
  in_after_ = true;
  auto started = group_->start(std::move(from));
  in_after_ = false;
  if (started) after();
  return started;
}

bool replica::send(node_id to, message what) {
  return host_.send(to, encode(frame{options_.group.of, std::move(what)}));
}

void replica::current_as_of(std::uint64_t began) { current_as_of_ = std::max(current_as_of_.value_or(0), began); }

void replica::receive(node_id from, std::string_view bytes) {
  if (stopped_) return;
  auto f = decode_frame(bytes);
  if (!f || f->of.group != options_.group.of.group || from == options_.group.self) return;
  if (of_another_epoch(from, *f)) return after();
  const auto& members = options_.group.members;
  if (std::find(members.begin(), members.end(), from) == members.end()) return heard_waiting(from, f->what);
  if (auto* commands = std::get_if<forward>(&f->what))
    forwarded(from, std::move(*commands));
  else if (const auto* r = std::get_if<forward_refused>(&f->what))
    forward_refused_by(*r);
  else if (const auto* offer = std::get_if<snapshot_offer>(&f->what); offer != nullptr && stateless_)
    offered_ = {f->of, from, *offer};
  else if (f->what.index() < 5) {
    if (!fetching_ || !fetching_->ending) group_->receive(from, std::move(f->what));
  } else if (const auto* asked = std::get_if<fetch>(&f->what))
    chunk_asked(from, *asked);
  else if (auto* c = std::get_if<chunk>(&f->what))
    chunk_arrived(from, std::move(*c));
  else if (const auto* asked_change = std::get_if<reconfigure>(&f->what))
    (void)changed_by(asked_change->members);
  else
    reads_.receive(from, f->what);
  after();
}

void replica::tick() {
  if (stopped_) return;
  if (!fetching_ || !fetching_->ending) group_->tick();
  tick_fetch();
  tick_epoch();
  const auto now = host_.now_ms();
  for (auto it = pending_.begin(); it != pending_.end();) {
    auto at = it++;
    auto& p = at->second;
    if (p.deadline <= now) {
      settle(at, p.unrefused > 0
                     ? unknown("No decision in time; the change may still be made")
                     : refused(errc::deadline_exceeded, "No leader of the cluster took the change in time"));
      continue;
    }
    // A forwarded command or the entry it went into can get lost; repeating it is harmless.
    const auto patience = options_.retry_ms << std::min(p.sent == 0 ? 0u : p.sent - 1, 3u);
    if (!p.waiting && now - p.sent_at >= patience) p.waiting = true;
  }
  hand_on_waiting();
  reads_.tick();
  after();
}

void replica::written(instance of, std::uint64_t ticket) {
  if (stopped_ || !(of == options_.group.of)) return;
  group_->written(ticket);
  after();
}

void replica::applied(apply_report report) {
  applied_ = report.at;
  for (auto& each : report.decided) {
    auto found = pending_.find(each.seq);
    if (found == pending_.end()) continue;
    settled s;
    s.how = settled::fate::committed;
    s.outcome = std::move(each.outcome);
    settle(found, std::move(s));
  }
  if (stopped_) return;
  if (report.sealed) epoch_ended(std::move(*report.sealed), report.at);
  if (!stateless_) reads_.applied(applied_.index);
  after();
}

void replica::propose(std::string command, std::uint64_t deadline_ms, decided done) {
  auto refuse = [&](settled how) {
    finish([done = std::move(done), how = std::move(how)]() mutable { done(std::move(how)); });
  };
  if (stopped_) return refuse(refused(errc::busy, "The node is stopping"));
  if (deadline_ms <= host_.now_ms())
    return refuse(refused(errc::deadline_exceeded, "The deadline passed before the command was ordered"));
  if (pending_.size() >= options_.pending_max || pending_bytes_ + command.size() > options_.pending_bytes_max)
    return refuse(refused(errc::busy, "The log has too much to do"));
  pending_bytes_ += command.size();
  auto at = pending_.emplace(++seq_, pending{std::move(command), deadline_ms, std::move(done)}).first;
  hand_on({at});
  after();
}

void replica::read(std::uint64_t deadline_ms, read_index::done done) {
  if (stopped_) {
    finish([done = std::move(done)]() mutable { done(fail(errc::busy, "The node is stopping")); });
    return;
  }
  reads_.read(deadline_ms, std::move(done));
  after();
}

void replica::stop() {
  if (stopped_) return;
  stopped_ = true;
  while (!pending_.empty()) {
    auto at = pending_.begin();
    settle(at, at->second.unrefused > 0 ? unknown("The node is stopping; the change may still be made")
                                        : refused(errc::busy, "The node is stopping"));
  }
  reads_.stop();
  for (auto& c : std::exchange(changes_, {}))
    finish([done = std::move(c.done)]() mutable { done(fail(errc::outcome_unknown, "The node is stopping")); });
}

replica_status replica::status() const {
  replica_status s;
  s.role = group_->role();
  s.leader = group_->leader();
  s.epoch = options_.group.of.epoch;
  s.term = group_->term();
  s.commit_index = group_->commit_index();
  s.applied_index = applied_.index;
  s.pending = pending_.size();
  s.fetching = stateless_ || fetching_;
  if (fetching_) s.fetched_bytes = fetching_->bytes;
  s.peers = group_->peers();
  return s;
}

// A call into the group can change its role or what is committed; what follows may again.
void replica::after() {
  if (in_after_) return;
  in_after_ = true;
  for (;;) {
    if (std::exchange(leader_changed_, false)) {
      ending_with_.clear();
      reads_.leader_changed();
      for (auto& [seq, p] : pending_) p.waiting = true;
      hand_on_waiting();
      continue;
    }
    if (group_->role() == role::leader && group_->commit_index() != told_commit_) {
      told_commit_ = group_->commit_index();
      reads_.committed();
      continue;
    }
    if (offered_) {
      const auto offer = *std::exchange(offered_, {});
      begin_fetch(offer.of, offer.from, offer.what);
      continue;
    }
    if (fetching_ && fetching_->whole && fetching_->unwritten == 0 && !fetching_->ending && !group_->writing()) {
      end_fetch();
      continue;
    }
    break;
  }
  in_after_ = false;
}

// ---------------------------------------------------------------- proposals

std::uint64_t replica::floor() const { return pending_.empty() ? seq_ + 1 : pending_.begin()->first; }

void replica::settle(pending_by_seq::iterator which, settled how) {
  auto p = std::move(which->second);
  pending_bytes_ -= p.command.size();
  pending_.erase(which);
  finish([done = std::move(p.done), how = std::move(how)]() mutable { done(std::move(how)); });
}

void replica::hand_on_waiting() {
  if (group_->leader() == 0) return;
  std::vector<pending_by_seq::iterator> all;
  for (auto it = pending_.begin(); it != pending_.end(); ++it)
    if (it->second.waiting) all.push_back(it);
  hand_on(std::move(all));
}

// To the leader, whoever that is now.
void replica::hand_on(std::vector<pending_by_seq::iterator> which) {
  const auto leader = group_->leader();
  if (leader == 0) return;
  const auto& self = options_.group.self;
  const auto lowest = floor();
  const auto now = host_.now_ms();
  auto sent = [now](pending& p) {
    p.waiting = false;
    p.sent_at = now;
    ++p.sent;
    ++p.unrefused;
  };
  if (leader == self) {
    for (auto at : which) {
      const auto verdict = group_->propose(encode_item({self, options_.boot, at->first, lowest}, at->second.command));
      if (verdict == raft_group::verdict::taken) {
        sent(at->second);
      } else if (verdict == raft_group::verdict::busy && at->second.unrefused == 0) {
        settle(at, refused(errc::busy, "The log has too much to do"));
      }
    }
    return;
  }
  std::size_t next = 0;
  while (next < which.size()) {
    forward f;
    const auto first = next;
    for (std::size_t bytes = 0; next < which.size() && f.commands.size() < commands_per_entry_max; ++next) {
      const auto& p = which[next]->second;
      if (!f.commands.empty() && bytes + p.command.size() > forward_bytes_max) break;
      bytes += p.command.size();
      f.commands.push_back({{self, options_.boot, which[next]->first, lowest}, p.command});
    }
    if (!send(leader, std::move(f))) return;  // tick() tries again
    for (auto i = first; i < next; ++i) sent(which[i]->second);
  }
}

void replica::forwarded(node_id from, forward f) {
  forward_refused busy{refusal::busy, {}}, elsewhere{refusal::not_leader, {}};
  for (auto& c : f.commands) {
    if (c.from.node != from) continue;  // nobody speaks for another
    // What does not decode would stop every node once it is in the log.
    if (!model::decode_command(c.command)) {
      busy.seqs.push_back(c.from.seq);
      continue;
    }
    const auto verdict = group_->propose(encode_item(c.from, c.command));
    if (verdict == raft_group::verdict::not_leader) elsewhere.seqs.push_back(c.from.seq);
    if (verdict == raft_group::verdict::busy) busy.seqs.push_back(c.from.seq);
  }
  if (!busy.seqs.empty()) send(from, std::move(busy));
  if (!elsewhere.seqs.empty()) send(from, std::move(elsewhere));
}

void replica::forward_refused_by(const forward_refused& r) {
  for (auto seq : r.seqs) {
    auto found = pending_.find(seq);
    if (found == pending_.end() || found->second.unrefused == 0) continue;
    auto& p = found->second;
    --p.unrefused;
    if (r.why == refusal::busy && p.unrefused == 0)
      settle(found, refused(errc::busy, "The log has too much to do"));
    else
      p.waiting = true;  // for a change of leader, or the next tick
  }
}

}  // namespace nacre::cluster::raft

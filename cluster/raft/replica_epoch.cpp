// Membership by epochs: the last entry of one names the members of the next, which begins with a new instance of raft
// on the state at that place. libraft's own changes of membership are not used: they dereference NULL in rare runs.
//
// Who was there when the entry was applied goes on at once. Who hears of the new epoch otherwise (a frame of it, or an
// answer to one of the old) either has that entry in its log, which then is committed, or fetches the state.

#include <algorithm>
#include <string>
#include <utility>

#include "cluster/raft/replica.hpp"
#include "model/limits.hpp"

namespace nacre::cluster::raft {

namespace {

constexpr std::uint64_t again_ms = 500;
constexpr std::uint64_t notice_again_ms = 100;
constexpr std::uint64_t patience_ms = 2'000;  // with members that do not answer or lag

std::vector<node_id> ids_of(const member_list& members) {
  std::vector<node_id> ids;
  for (const auto& m : members) ids.push_back(m.node);
  return ids;
}
bool holds(const member_list& members, node_id node) {
  return std::any_of(members.begin(), members.end(), [node](const auto& m) { return m.node == node; });
}
// Those of now and those to be: whoever goes is let go of when the next epoch begins, and not before.
member_list both(member_list now, const member_list& next) {
  for (const auto& m : next)
    if (!holds(now, m.node)) now.push_back(m);
  return now;
}
// One that is named without a directory is whichever has its number.
bool fits(const member& a, const member& b) {
  return a.node == b.node && (a.directory == b.directory || a.directory.is_nil() || b.directory.is_nil());
}
result<void> keep_their_directories(const member_list& to_be, const member_list& now) {
  for (const auto& m : to_be)
    for (const auto& was : now)
      if (was.node == m.node && !fits(was, m))
        return fail(errc::conflict, "Node " + std::to_string(m.node) + " is a member with another data directory");
  return {};
}
bool same_members(const member_list& a, const member_list& b) {
  return a.size() == b.size() && std::all_of(a.begin(), a.end(), [&](const auto& m) {
           return std::any_of(b.begin(), b.end(), [&](const auto& other) { return fits(m, other); });
         });
}

}  // namespace

void replica::send_as(instance of, node_id to, message what) { host_.send(to, encode(frame{of, std::move(what)})); }

// True: the frame is dealt with.
bool replica::of_another_epoch(node_id from, frame& f) {
  if (f.of == options_.group.of) {
    return std::holds_alternative<epoch_notice>(f.what);
  }
  const auto now = host_.now_ms();
  if (f.of.epoch < options_.group.of.epoch) {
    heard_waiting(from, f.what);
    // Whoever is behind learns what counts now, from whoever has it.
    if (stateless_ || options_.members.empty() || std::holds_alternative<epoch_notice>(f.what)) return true;
    auto& at = noticed_at_[from];
    if (at != 0 && now - at < notice_again_ms) return true;
    at = now;
    send(from, epoch_notice{began_, options_.groups, options_.members});
    return true;
  }
  if (auto* n = std::get_if<epoch_notice>(&f.what)) {
    noticed(from, f.of, std::move(*n));
  } else if (wanted_ && wanted_->of == f.of && (holds(wanted_->what.members, from) || from == wanted_->told_by)) {
    if (const auto* offer = std::get_if<snapshot_offer>(&f.what)) offered_ = {f.of, from, *offer};
    if (auto* c = std::get_if<chunk>(&f.what)) chunk_arrived(from, std::move(*c));
  } else {
    auto& at = noticed_at_[from];
    if (at != 0 && now - at < notice_again_ms) return true;
    at = now;
    send(from, fetch{0, 0});  // of our epoch: answered by what counts now
  }
  return true;
}

// Between a cluster and who is to be taken in: it says that it is there.
void replica::heard_waiting(node_id from, const message& what) {
  const bool asks = std::holds_alternative<fetch>(what);
  if (options_.members.empty()) {
    auto& at = noticed_at_[from];
    if (asks || (at != 0 && host_.now_ms() - at < notice_again_ms)) return;
    at = host_.now_ms();
    send(from, fetch{0, 0});
  } else if (asks || std::holds_alternative<probe_reply>(what)) {  // as does who was taken out when this epoch began
    if (waiting_at_.size() >= 4 * limits::cluster_members_max) waiting_at_.clear();
    waiting_at_[from] = host_.now_ms();
  }
}

void replica::noticed(node_id from, instance of, epoch_notice n) {
  if (n.groups != options_.groups) return;
  if (wanted_ && wanted_->of == of && !holds(n.members, from)) wanted_->told_by = from;  // it has the state, too
  if (wanted_ && wanted_->of.epoch >= of.epoch) return;
  // The entry that ended our epoch is in our log: it is committed, whether or not we heard so.
  if (of.epoch == options_.group.of.epoch + 1 && !stateless_ && applied_.index < n.mark.index &&
      group_->term_of(n.mark.index) == n.mark.term) {
    for (auto via : options_.group.members) {
      if (via == options_.group.self) continue;
      // The leader of an epoch that is over may have nobody left to commit with: it steps down first.
      if (group_->role() == role::leader) group_->receive(via, append_reply{group_->term() + 1, 0, 0});
      if (group_->role() != role::leader)
        group_->receive(via, append{group_->term(), n.mark.index, n.mark.term, n.mark.index, true, {}});
      break;
    }
    return;
  }
  // Taken out, or not in yet, or another directory was taken in under our number: two may wait under one, and were each
  // of them let in by somebody both would vote. Who was in has nothing left but to say so.
  const member us{options_.group.self, {}, options_.directory};
  if (std::none_of(n.members.begin(), n.members.end(), [&](const auto& m) { return fits(m, us); })) {
    if (!options_.members.empty() && (!gone_on_ || gone_on_->epoch < of.epoch))
      gone_on_ = {of.epoch, std::move(n.members)};
    return;
  }
  gone_on_.reset();
  host_.members_are(of, both(options_.members, n.members));
  wanted_ = wanted_epoch{of, std::move(n), from, 0};
  if (fetching_ && !fetching_->ending) give_up_fetch();  // nobody needs that epoch's any more
  tick_epoch();
}

void replica::tick_epoch() {
  const auto now = host_.now_ms();
  if (wanted_ && !fetching_ && (wanted_->asked_at == 0 || now - wanted_->asked_at >= again_ms)) {
    wanted_->asked_at = now;
    for (const auto& m : wanted_->what.members)
      if (m.node != options_.group.self) send_as(wanted_->of, m.node, fetch{0, 0});
    if (!holds(wanted_->what.members, wanted_->told_by)) send_as(wanted_->of, wanted_->told_by, fetch{0, 0});
  }
  for (auto& c : changes_)
    if (now - c.asked_at >= again_ms) ask_change(c);
  for (std::size_t i = 0; i < changes_.size();) {
    auto& c = changes_[i];
    // Followers catch up within moments, or not for long.
    const bool refused = c.why_not && now - c.began_at >= patience_ms;
    if (!refused && c.deadline > now) {
      ++i;
      continue;
    }
    auto how = refused
                   ? *c.why_not
                   : error{errc::outcome_unknown, "The change of members was not decided in time; it may still come"};
    finish([done = std::move(c.done), how = std::move(how)]() mutable { done(fail(std::move(how))); });
    changes_.erase(changes_.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

void replica::begin_instance(instance of, member_list members, loaded_log log) {
  const bool another_epoch = !(of == options_.group.of);
  if (another_epoch) began_ = log.mark;
  options_.group.of = of;
  options_.members = std::move(members);
  options_.group.members = ids_of(options_.members);
  if (wanted_ && wanted_->of.epoch <= of.epoch) wanted_.reset();
  if (gone_on_ && gone_on_->epoch <= of.epoch) gone_on_.reset();
  in_after_ = true;
  group_.reset();
  group_ = std::make_unique<raft_group>(static_cast<group_host&>(*this), options_.group, rules_);
  group_->hold(stateless_);
  if (auto started = group_->start(std::move(log)); !started) host_.failed(started.error().text);
  in_after_ = false;
  reads_.begin_anew(options_.group.members);
  leader_changed_ = true;
  told_commit_ = 0;
  host_.members_are(of, options_.members);
  if (another_epoch) settle_changes();
}

// The state is at `at`, and so is everybody's who begins here.
void replica::epoch_ended(seal by, log_mark at) {
  loaded_log log;
  log.mark = at;
  log.vote = {at.term, 0};
  log.first = at.index + 1;
  give_up_fetch();
  begin_instance({options_.group.of.group, by.next_epoch}, std::move(by.members), std::move(log));
}

// ---------------------------------------------------------------- changes

void replica::change_members(member_list members, std::uint64_t deadline_ms, unique_function<void(result<void>)> done) {
  auto refuse = [&](errc code, std::string why) {
    finish([done = std::move(done), code, why = std::move(why)]() mutable { done(fail(code, std::move(why))); });
  };
  if (stopped_) return refuse(errc::busy, "The node is stopping");
  if (members.empty() || members.size() > limits::cluster_members_max)
    return refuse(errc::invalid, "A cluster has 1 to " + std::to_string(limits::cluster_members_max) + " members");
  if (same_members(members, options_.members)) return finish([done = std::move(done)]() mutable { done({}); });
  if (auto kept = keep_their_directories(members, options_.members); !kept)
    return refuse(kept.error().code, std::move(kept.error().text));
  changes_.push_back({std::move(members), deadline_ms, host_.now_ms(), 0, {}, std::move(done)});
  ask_change(changes_.back());
  after();
}

void replica::ask_change(change& c) {
  c.asked_at = host_.now_ms();
  const auto leader = group_->leader();
  c.why_not.reset();
  if (leader == options_.group.self) {
    if (auto allowed = changed_by(c.members); !allowed) c.why_not = allowed.error();
  } else if (leader != 0) {
    send(leader, reconfigure{c.members});
  }
}

// As leader. A majority of the next epoch must hold the state already: those who come fetch it from them. A single node
// cannot have that: those who come are there, at least, and nothing is decided until enough of them have fetched it.
result<void> replica::changed_by(member_list members) {
  if (group_->role() != role::leader || stateless_) return fail(errc::busy, "This node does not lead at present");
  if (same_members(members, options_.members)) return {};
  if (auto kept = keep_their_directories(members, options_.members); !kept) return kept;
  for (auto& m : members)
    for (const auto& was : options_.members)
      if (was.node == m.node && !was.directory.is_nil()) m.directory = was.directory;
  const bool stays = holds(members, options_.group.self);
  // Who is taken out stops and speaks no more: were it the only one who holds the state, whoever comes could miss the
  // one frame that tells, and nobody would ever send another.
  if (options_.members.size() == 1 && !stays)
    return fail(errc::conflict, "The only member cannot go at once: take others in first, and then it out");
  std::size_t ready = stays ? 1 : 0;
  for (const auto& p : group_->peers())
    if (holds(members, p.node) && p.heard && !p.fetching && p.match >= group_->commit_index()) ++ready;
  if (options_.members.size() == 1) {
    host_.members_are(options_.group.of, both(options_.members, members));  // else they are not reached
    for (const auto& m : members) {
      if (m.node == options_.group.self) continue;
      const auto said = waiting_at_.find(m.node);
      if (said != waiting_at_.end() && host_.now_ms() - said->second < patience_ms) ++ready;
      send(m.node, probe{0, group_->term()});
    }
  }
  if (ready <= members.size() / 2)
    return fail(errc::conflict, "Too few of the members to be hold the state and answer; the cluster could not go on");
  host_.members_are(options_.group.of, both(options_.members, members));
  const auto verdict = group_->end_epoch(encode_seal({options_.group.of.epoch + 1, members}));
  if (verdict == raft_group::verdict::busy && !same_members(members, ending_with_))
    return fail(errc::conflict, "Another change of members is on its way");
  ending_with_ = members;
  return {};
}

void replica::settle_changes() {
  for (auto& c : std::exchange(changes_, {})) {
    const bool as_asked = same_members(c.members, options_.members);
    finish([done = std::move(c.done), as_asked]() mutable {
      done(as_asked ? result<void>{} : fail(errc::conflict, "Another change of members came first"));
    });
  }
}

}  // namespace nacre::cluster::raft

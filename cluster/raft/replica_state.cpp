// A state from the leader, for a node its log does not reach any more; and giving one, as leader.

#include <utility>

#include "cluster/raft/replica.hpp"

namespace nacre::cluster::raft {

namespace {
std::uint64_t ms(std::chrono::milliseconds d) { return static_cast<std::uint64_t>(d.count()); }
}  // namespace

// ---------------------------------------------------------------- fetching

void replica::begin_fetch(instance of, node_id from, const snapshot_offer& offer) {
  const auto now = host_.now_ms();
  if (fetching_ && (fetching_->ending || fetching_->offer.stream == offer.stream ||
                    now - fetching_->heard_at < ms(options_.group.newer_after)))
    return;
  const bool begins = !(of == options_.group.of);
  if (begins && (!wanted_ || !(wanted_->of == of))) return;
  // One from before our mark would let go of entries we have answered for. Without a state any will do that our log
  // goes on from: there may be no newer one until this node takes entries again.
  const bool goes_on = stateless_ && group_->term_of(offer.at.index) == offer.at.term;
  if (group_->role() == role::leader || (!begins && !goes_on && offer.at.index < group_->commit_index())) return;
  give_up_fetch();
  group_->hold(true);
  stateless_ = true;
  if (offer.at.index < applied_.index) current_as_of_.reset();  // what will be shown was all there is before that
  reads_.nothing_applied();
  fetching_.emplace();
  fetching_->of = of;
  if (begins) fetching_->begins = wanted_->what.members;
  fetching_->from = from;
  fetching_->offer = offer;
  fetching_->heard_at = now;
  host_.install_begin(options_.group.of);
  ask_chunk();
}

void replica::ask_chunk() {
  fetching_->asked_at = host_.now_ms();
  send_as(fetching_->of, fetching_->from, fetch{fetching_->offer.stream, fetching_->next});
}

void replica::chunk_arrived(node_id from, chunk c) {
  if (!fetching_ || from != fetching_->from || c.stream != fetching_->offer.stream || fetching_->whole) return;
  auto& f = *fetching_;
  if (!c.known) {  // the leader was started again, or has forgotten us: tick() asks for a state anew
    if (c.number == f.next) give_up_fetch();
    return;
  }
  if (c.number != f.next) return;
  const auto digest = digest_of(f.digest, c.rows);
  auto rows = writes_of(c.rows, options_.group.of.group, options_.groups);
  if (digest != c.digest || !rows) return;  // damaged on its way: asked for again
  f.digest = digest;
  f.bytes += c.rows.size();
  f.heard_at = host_.now_ms();
  ++f.next;
  f.whole = c.last;
  ++f.unwritten;
  host_.install_rows(options_.group.of, std::move(*rows));
  if (!f.whole && f.unwritten < 2) ask_chunk();
}

void replica::give_up_fetch() {
  if (fetching_) stale_rows_ += fetching_->unwritten;
  fetching_.reset();
}

void replica::rows_installed() {
  if (stale_rows_ > 0) {
    --stale_rows_;
    return;
  }
  if (stopped_ || !fetching_ || fetching_->unwritten == 0) return;
  // One more is on its way while one is written.
  if (fetching_->unwritten-- == 2 && !fetching_->whole) ask_chunk();
  after();
}

// The instance that only voted ends here, with nothing of it unwritten; until the new one begins nothing is handled.
void replica::end_fetch() {
  fetching_->ending = true;
  const auto at = fetching_->offer.at;
  const auto of = fetching_->of;
  const bool keeps_log = of == options_.group.of && group_->term_of(at.index) == at.term;
  host_.install_end(of, at, keeps_log, fetching_->begins);
}

void replica::installed(loaded_log log, log_mark at, const std::function<bool(std::uint64_t seq)>& holds) {
  if (stopped_ || !fetching_) return;
  auto ended = std::move(*fetching_);
  fetching_.reset();
  stateless_ = false;
  applied_ = at;
  begin_instance(ended.of, ended.begins.empty() ? options_.members : std::move(ended.begins), std::move(log));
  // What was decided up to there is not told by any entry any more. The others keep their numbers: they may be in the
  // log that follows.
  for (auto it = pending_.begin(); it != pending_.end();) {
    auto at_hand = it++;
    if (holds(at_hand->first))
      settle(at_hand, unknown("The change was decided while this node was fetching the state"));
  }
  reads_.applied(at.index);
  send(ended.from, append_reply{group_->term(), 0, at.index});
  after();
}

void replica::tick_fetch() {
  const auto now = host_.now_ms();
  if (fetching_ && !fetching_->ending) {
    auto& f = *fetching_;
    if (now - f.heard_at >= ms(options_.group.give_up))
      give_up_fetch();
    else if (!f.whole && f.unwritten < 2 && now - f.asked_at >= ms(options_.group.ask_again))
      ask_chunk();
  }
  if (stateless_ && group_->role() == role::leader) host_.failed("a node without a state was elected");
  if (wanted_ || !stateless_ || fetching_ || now - asked_for_state_at_ < ms(options_.group.ask_again)) return;
  asked_for_state_at_ = now;
  // Of the leader, or of whoever has it: without this node there may be no leader.
  const auto leader = group_->leader();
  for (auto node : options_.group.members)
    if (node != options_.group.self && (leader == 0 || node == leader)) send(node, fetch{0, 0});
}

// ---------------------------------------------------------------- giving, to followers and to who is to be one

void replica::chunk_asked(node_id from, const fetch& asked) {
  if (asked.stream != 0) return host_.give_chunk(options_.group.of, from, asked);
  // Any state of this epoch will do: what was applied is committed.
  if (stateless_) return;
  if (const auto state = host_.open_state(options_.group.of, from))
    send(from, snapshot_offer{group_->term(), state->at, state->stream});
}

}  // namespace nacre::cluster::raft

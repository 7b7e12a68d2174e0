#include "cluster/raft/group.hpp"

#include <algorithm>
#include <utility>

#include "cluster/raft/group_impl.hpp"

namespace nacre::cluster::raft {

namespace {

std::uint64_t term_in(const message& m) {
  if (const auto* a = std::get_if<append>(&m)) return a->term;
  if (const auto* r = std::get_if<append_reply>(&m)) return r->term;
  if (const auto* v = std::get_if<vote>(&m)) return v->term;
  if (const auto* r = std::get_if<vote_reply>(&m)) return r->term;
  if (const auto* o = std::get_if<snapshot_offer>(&m)) return o->term;
  return 0;
}

std::size_t bytes_of(const message& m) {
  std::size_t bytes = 64;
  if (const auto* a = std::get_if<append>(&m))
    for (const auto& e : a->entries) bytes += 64 + e.payload.size();
  return bytes;
}

}  // namespace

raft_group::impl::impl(group_host& host, group_options options, const guard_rules& rules)
    : host_(host), options_(std::move(options)), rules_(rules) {}

raft_group::impl::~impl() {
  if (!initialised_) return;
  stopped_ = true;
  auto finish_sends = [this] {
    for (; !later_.empty(); later_.pop_front()) std::exchange(later_.front(), {})();
  };
  finish_sends();
  raft_close(&raft_, nullptr);  // our close() gives back what is in flight
  finish_sends();
}

void raft_group::impl::fail(const std::string& why) {
  if (stopped_) return;
  stopped_ = true;
  host_.failed(why);
}

result<void> raft_group::impl::start(loaded_log from) {
  terms_.load(from);
  vote_ = from.vote;
  told_applied_ = from.mark.index;
  first_on_disk_ = from.first;
  if (!from.entries.empty()) cut_due_at_ = host_.now_ms();  // nobody knows how long they have been there
  durable_term_ = terms_.term_of(terms_.next() - 1);
  told_commit_.assign(options_.members.size(), 0);
  heard_at_.assign(options_.members.size(), 0);
  for (const auto& e : from.entries) durable_term_ = std::max(durable_term_, e.term);
  loaded_ = std::move(from);
  connect();
  const auto address = std::to_string(options_.self);
  if (int rv = raft_init(&raft_, &io_, &fsm_, options_.self, address.c_str()); rv != 0)
    return nacre::fail(errc::internal, std::string("raft: ") + raft_strerror(rv));
  initialised_ = true;
  raft_set_election_timeout(&raft_, static_cast<unsigned>(options_.election.count()));
  raft_set_heartbeat_timeout(&raft_, static_cast<unsigned>(options_.heartbeat.count()));
  raft_set_install_snapshot_timeout(&raft_, static_cast<unsigned>(options_.offer_again.count()));
  raft_set_snapshot_threshold(&raft_, static_cast<unsigned>(options_.compact_entries));
  raft_set_snapshot_trailing(&raft_, static_cast<unsigned>(std::max<std::uint64_t>(1, options_.tail_entries)));
  raft_set_pre_vote(&raft_, true);
  if (int rv = raft_start(&raft_); rv != 0)
    return nacre::fail(errc::internal, std::string("raft: ") + raft_strerror(rv));
  settle();
  return {};
}

void raft_group::impl::receive(node_id from, message what) {
  if (stopped()) return;
  inbound m{from, std::move(what), 0};
  m.bytes = bytes_of(m.what);
  // Raft lives with loss, a node not with a queue without end.
  if (inbox_.size() >= options_.inbox_messages_max || inbox_bytes_ + m.bytes > options_.inbox_bytes_max) return;
  if (!sound(m)) return;
  inbox_bytes_ += m.bytes;
  inbox_.push_back(std::move(m));
  settle();
}

void raft_group::impl::tick() {
  if (stopped()) return;
  if (!rules_.gate || guard::may_tick(raft_, writing())) tick_cb_(&io_);
  settle();
  cut_files();
}

void raft_group::impl::written(std::uint64_t ticket) {
  if (stopped()) return;
  if (inflight_.empty() || inflight_.front().ticket != ticket) return fail("a write was finished out of order");
  auto w = std::move(inflight_.front());
  inflight_.pop_front();
  if (w.vote && --votes_inflight_ == 0) {
    while (!held_.empty()) {
      host_.send(held_.front().first, std::move(held_.front().second));
      held_.pop_front();
    }
  }
  const bool begins = w.last_term == raft_.current_term && durable_term_ != raft_.current_term;
  durable_term_ = std::max(durable_term_, w.last_term);
  if (w.complete) w.complete(0);
  note_applied();
  // The first entry of our term is durable: replicate it now, not with the next tick.
  if (begins && is_leader()) tick_cb_(&io_);
  settle();
}

raft_group::verdict raft_group::impl::propose(std::string item) {
  if (!is_leader()) return verdict::not_leader;
  if (queue_.size() >= options_.queue_commands_max || queue_bytes_ + item.size() > options_.queue_bytes_max)
    return verdict::busy;
  queue_bytes_ += item.size();
  queue_.push_back(std::move(item));
  settle();
  return verdict::taken;
}

raft_group::verdict raft_group::impl::end_epoch(std::string payload) {
  if (!is_leader()) return verdict::not_leader;
  if (ending_ || !last_entry_.empty()) return verdict::busy;
  last_entry_ = std::move(payload);
  settle();
  return verdict::taken;
}

// Runs until nothing is left to do at present.
void raft_group::impl::settle() {
  if (settling_) return;
  settling_ = true;
  while (!stopped_ && settle_once()) {
  }
  if (!stopped_ && is_leader()) tell_commit();
  settling_ = false;
}

bool raft_group::impl::settle_once() {
  if (!later_.empty()) {
    auto f = std::move(later_.front());
    later_.pop_front();
    f();
    return true;
  }
  note_applied();
  if (raft_.state == RAFT_UNAVAILABLE) {
    fail("raft gave up: " + std::string(raft_errmsg(&raft_)));
    return false;
  }
  const auto leads = raft_.state == RAFT_LEADER     ? options_.self
                     : raft_.state == RAFT_FOLLOWER ? raft_.follower_state.current_leader.id
                                                    : 0;
  if (raft_.state != seen_state_ || leads != seen_leader_ || raft_.current_term != seen_term_) {
    const bool told = leads != seen_leader_ || raft_.state != seen_state_;
    seen_state_ = raft_.state;
    seen_leader_ = leads;
    seen_term_ = raft_.current_term;
    if (raft_.state == RAFT_LEADER) {
      told_commit_.assign(options_.members.size(), 0);
    } else {
      queue_.clear();  // whoever proposed them tries again
      queue_bytes_ = 0;
      ending_ = false;
      last_entry_.clear();
    }
    if (told) host_.leader_changed();
    return true;
  }
  if (guard::must_propose_first(raft_, proposed_term_)) {
    proposed_term_ = raft_.current_term;
    if (rules_.own_term_first) {
      submit_barrier();
      return true;
    }
  }
  if (may_submit()) {
    submit_batch();
    return true;
  }
  if (!inbox_.empty() && (!rules_.gate || guard::may_handle(raft_, writing(), term_in(inbox_.front().what)))) {
    auto m = std::move(inbox_.front());
    inbox_.pop_front();
    inbox_bytes_ -= m.bytes;
    deliver(m);
    return true;
  }
  return false;
}

// ---------------------------------------------------------------- what comes in

// Whether libraft may see it: its own checks are asserts, which Debian compiles out.
bool raft_group::impl::sound(const inbound& m) const {
  return m.from != options_.self && place_of(m.from) < options_.members.size() && term_in(m.what) != 0;
}

void raft_group::impl::hand_over(node_id from, raft_message& m) {
  const auto address = std::to_string(from);
  m.server_id = from;
  m.server_address = address.c_str();
  recv_cb_(&io_, &m);
  note_applied();
}

void raft_group::impl::deliver(inbound& m) {
  if (auto* a = std::get_if<append>(&m.what)) return deliver_append(m.from, *a);
  if (auto* r = std::get_if<append_reply>(&m.what)) return deliver_append_reply(m.from, *r);
  if (auto* v = std::get_if<vote>(&m.what)) return deliver_vote(m.from, *v);
  if (auto* r = std::get_if<vote_reply>(&m.what)) return deliver_vote_reply(m.from, *r);
  if (auto* o = std::get_if<snapshot_offer>(&m.what)) return deliver_offer(m.from, *o);
}

void raft_group::impl::deliver_append(node_id from, append& a) {
  // There is one leader in a term. libraft would take the fields of a leader for those of a follower.
  if (raft_.state == RAFT_LEADER && a.term == raft_.current_term) return;
  if (held_back_) {
    a.entries.clear();
    a.commit = std::min<std::uint64_t>(a.commit, raft_.commit_index);
  }
  // What is committed here is in the log of every leader to come. One that has lost our answers asks for places our log
  // does not reach back to any more; libraft would refuse them one by one.
  const std::uint64_t settled_here = raft_.commit_index;
  if (a.prev_index < settled_here && terms_.term_of(settled_here) != 0) {
    const auto known = std::min<std::uint64_t>(a.entries.size(), settled_here - a.prev_index);
    a.entries.erase(a.entries.begin(), a.entries.begin() + static_cast<std::ptrdiff_t>(known));
    a.prev_index = settled_here;
    a.prev_term = terms_.term_of(settled_here);
  }
  raft_message m{};
  m.type = RAFT_IO_APPEND_ENTRIES;
  auto& args = m.append_entries;
  args.term = a.term;
  args.prev_log_index = a.prev_index;
  args.prev_log_term = a.prev_term;
  // What is committed is told as far as this message reaches: beyond, our log may be another's.
  args.leader_commit = std::min<std::uint64_t>(a.commit, a.prev_index + a.entries.size());
  args.n_entries = static_cast<unsigned>(a.entries.size());
  if (!a.entries.empty()) {
    // libraft owns one array and one buffer, in which every entry begins at a multiple of 8.
    auto padded = [](std::size_t n) { return (n + 7) / 8 * 8; };
    std::size_t total = 0;
    for (const auto& e : a.entries) total += padded(e.payload.size());
    auto* batch = static_cast<char*>(raft_calloc(1, total));
    args.entries = static_cast<struct raft_entry*>(raft_calloc(a.entries.size(), sizeof(struct raft_entry)));
    std::size_t at = 0;
    for (std::size_t i = 0; i < a.entries.size(); ++i) {
      const auto& e = a.entries[i];
      e.payload.copy(batch + at, e.payload.size());
      args.entries[i] = {e.term, static_cast<unsigned short>(e.kind), {batch + at, e.payload.size()}, batch};
      at += padded(e.payload.size());
    }
  }
  shown_up_to_ = a.prev_index + a.entries.size();
  quiet_ = a.quiet;
  hand_over(from, m);
  shown_up_to_.reset();
  quiet_ = false;
}

// As leader: up to where its log is ours.
std::uint64_t raft_group::impl::match_of(node_id node) const {
  for (unsigned i = 0; i < raft_.configuration.n; ++i)
    if (raft_.configuration.servers[i].id == node) return raft_.leader_state.progress[i].match_index;
  return 0;
}

void raft_group::impl::deliver_append_reply(node_id from, const append_reply& r) {
  if (const auto place = place_of(from); place < heard_at_.size()) heard_at_[place] = host_.now_ms();
  raft_message m{};
  m.type = RAFT_IO_APPEND_ENTRIES_RESULT;
  m.append_entries_result = {r.term, r.rejected, r.last_index};
  // Refusing a place that is proved to match is news from before. While it probes libraft would go back to it, below
  // what the log may be cut to, and offer the state for ever to one who has it.
  if (rules_.proved_match && raft_.state == RAFT_LEADER && r.term == raft_.current_term && r.rejected != 0)
    if (const auto match = match_of(from); r.rejected <= match) m.append_entries_result = {r.term, 0, match};
  if (!rules_.own_term_counts || raft_.state != RAFT_LEADER) return hand_over(from, m);
  const auto stored = raft_.last_stored;
  raft_.last_stored = guard::countable(raft_, terms_, from, m.append_entries_result);
  hand_over(from, m);
  raft_.last_stored = stored;
}

void raft_group::impl::deliver_vote(node_id from, const vote& v) {
  raft_message m{};
  m.type = RAFT_IO_REQUEST_VOTE;
  m.request_vote = {v.term, from, v.last_index, v.last_term, false, v.pre};
  hand_over(from, m);
}

void raft_group::impl::deliver_vote_reply(node_id from, const vote_reply& v) {
  raft_message m{};
  m.type = RAFT_IO_REQUEST_VOTE_RESULT;
  m.request_vote_result = {v.term, v.granted, v.pre ? raft_tribool_true : raft_tribool_false};
  hand_over(from, m);
}

// libraft never sees an offer: a fetched state is put beneath a new instance (replica.hpp), because installing one
// into a running 0.15 races with elections (2a38d3d, 4fbd3c0) and gets stuck on entries of a higher term (cowsql
// af243f81).
void raft_group::impl::deliver_offer(node_id from, const snapshot_offer& o) {
  if (o.term < raft_.current_term || raft_.state == RAFT_LEADER) return;
  if (o.at.index > raft_.commit_index) return host_.state_offered(from, o);
  // What is committed here is in the log of every leader; else it would offer the same again and again.
  if (o.term == raft_.current_term && !held_back_) emit(from, append_reply{o.term, 0, raft_.commit_index});
}

// ---------------------------------------------------------------- what goes into the log

bool raft_group::impl::may_submit() const {
  if ((queue_.empty() && last_entry_.empty()) || ending_ || !is_leader()) return false;
  if (rules_.own_term_first && !guard::may_replicate(raft_.current_term, durable_term_)) return false;
  // One append in flight; meanwhile the next batch gathers.
  if (rules_.gate && writing()) return false;
  return terms_.next() - 1 - raft_.commit_index < options_.unsettled_entries_max;
}

void raft_group::impl::submit_barrier() {
  auto* req = new barrier_request{};
  const int rv = raft_barrier(&raft_, req, [](barrier_request* r, int) { delete r; });
  if (rv != 0) delete req;
}

// A whole batch in one entry: libraft would call back for the first of several only.
void raft_group::impl::submit_batch() {
  if (!last_entry_.empty()) {
    ending_ = true;
    return submit(std::exchange(last_entry_, {}));
  }
  std::vector<std::string> items;
  std::size_t bytes = 0;
  while (!queue_.empty() && items.size() < std::min(options_.batch_commands_max, commands_per_entry_max)) {
    if (!items.empty() && bytes + queue_.front().size() > options_.batch_bytes_max) break;
    bytes += queue_.front().size();
    queue_bytes_ -= queue_.front().size();
    items.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  submit(encode_batch(items));
}

void raft_group::impl::submit(const std::string& payload) {
  struct raft_buffer buf {
    raft_malloc(payload.size()), payload.size()
  };
  payload.copy(static_cast<char*>(buf.base), payload.size());
  auto* req = new apply_request{};
  const int rv = raft_apply(&raft_, req, &buf, 1, [](apply_request* r, int, void*) { delete r; });
  if (rv != 0) {
    raft_free(buf.base);
    delete req;
  }
}

// ---------------------------------------------------------------- what is committed

// Places that hold no command (barriers) are told too: readers wait for them.
void raft_group::impl::note_applied() {
  if (!initialised_ || raft_.last_applied <= told_applied_) return;
  told_applied_ = raft_.last_applied;
  host_.committed({told_applied_, terms_.term_of(told_applied_), {}});
}

// The files keep no entry for longer than they must: it holds what may have been erased since, and what the store has
// not written out by the time it is cut never costs a file or its compaction. libraft has entries in memory as long as
// it wants to; after a restart the log begins with what is left here.
void raft_group::impl::cut_files() {
  const auto now = host_.now_ms();
  const bool aged = options_.cut_after.count() != 0 && cut_due_at_ != 0 && now >= cut_due_at_;
  const bool heavy = files_bytes_ >= options_.files_tail_bytes + options_.files_bytes_max;
  if (stopped() || held_back_ || !(aged || heavy)) return;
  if (!guard::may_mark(raft_) || raft_.last_applied < first_on_disk_) return;
  note_applied();  // what the mark covers is given to the host before the mark
  const std::uint64_t at = raft_.last_applied;
  std::uint64_t keeps_from = at + 1;
  files_bytes_ = 0;
  // A follower that went down a moment before its leader did must not need the whole state.
  for (auto it = sizes_.rbegin(); !aged && it != sizes_.rend() && it->first >= first_on_disk_; ++it) {
    if (files_bytes_ + it->second > options_.files_tail_bytes) break;
    files_bytes_ += it->second;
    keeps_from = it->first;
  }
  log_write w;
  w.mark = log_mark{at, terms_.term_of(at)};
  w.drop_below = first_on_disk_ = keeps_from;
  terms_.drop_below(keeps_from - 1);  // a fetched state goes on from what the files hold
  put(std::move(w), 0, nullptr);
  if (aged) cut_due_at_ = terms_.next() - 1 > at ? now + static_cast<std::uint64_t>(options_.cut_after.count()) : 0;
}

// Followers learn what is committed with the next append. Where none follows at once, they are told by one without
// entries: its place and term are those of the committed entry itself, which they are known to have.
void raft_group::impl::tell_commit() {
  const auto commit = raft_.commit_index;
  const auto term = terms_.term_of(commit);
  if (term != raft_.current_term) return;
  for (unsigned i = 0; i < raft_.configuration.n; ++i) {
    const auto to = raft_.configuration.servers[i].id;
    const auto place = place_of(to);
    if (to == options_.self || place >= told_commit_.size() || told_commit_[place] >= commit) continue;
    if (raft_.leader_state.progress[i].match_index < commit) continue;
    append a;
    a.term = raft_.current_term;
    a.prev_index = a.commit = commit;
    a.prev_term = term;
    a.quiet = true;
    if (emit(to, std::move(a))) told_commit_[place] = commit;
  }
}

// ---------------------------------------------------------------- raft_group

raft_group::raft_group(group_host& host, group_options options, const guard_rules& rules)
    : impl_(std::make_unique<impl>(host, std::move(options), rules)) {}
raft_group::~raft_group() = default;

result<void> raft_group::start(loaded_log from) { return impl_->start(std::move(from)); }
void raft_group::receive(node_id from, message what) { impl_->receive(from, std::move(what)); }
void raft_group::tick() { impl_->tick(); }
void raft_group::written(std::uint64_t ticket) { impl_->written(ticket); }
raft_group::verdict raft_group::propose(std::string item) { return impl_->propose(std::move(item)); }
raft_group::verdict raft_group::end_epoch(std::string payload) { return impl_->end_epoch(std::move(payload)); }
void raft_group::hold(bool held) { impl_->held_back_ = held; }

role raft_group::role() const {
  if (impl_->stopped()) return raft::role::stopped;
  switch (impl_->raft().state) {
    case RAFT_LEADER:
      return raft::role::leader;
    case RAFT_CANDIDATE:
      return raft::role::candidate;
    default:
      return raft::role::follower;
  }
}
node_id raft_group::leader() const {
  const auto& r = impl_->raft();
  if (impl_->stopped()) return 0;
  if (r.state == RAFT_LEADER) return impl_->options_.self;
  return r.state == RAFT_FOLLOWER ? r.follower_state.current_leader.id : 0;
}
std::uint64_t raft_group::term() const { return impl_->raft().current_term; }
std::uint64_t raft_group::commit_index() const { return impl_->raft().commit_index; }
std::uint64_t raft_group::last_index() const { return impl_->terms_.next() - 1; }
std::uint64_t raft_group::term_of(std::uint64_t index) const { return impl_->terms_.term_of(index); }
bool raft_group::knows_commits() const { return impl_->knows_commits(); }
bool raft_group::writing() const { return impl_->writing(); }
std::size_t raft_group::queued() const { return impl_->queue_.size(); }

std::vector<peer_progress> raft_group::peers() const {
  std::vector<peer_progress> all;
  if (!impl_->is_leader()) return all;
  const auto& r = impl_->raft();
  constexpr unsigned short snapshot_state = 2;  // after probe and pipeline, in libraft's private progress.h
  for (unsigned i = 0; i < r.configuration.n; ++i) {
    const auto& p = r.leader_state.progress[i];
    if (r.configuration.servers[i].id != impl_->options_.self)
      all.push_back({r.configuration.servers[i].id, p.match_index, p.state == snapshot_state,
                     impl_->heard(r.configuration.servers[i].id)});
  }
  return all;
}

}  // namespace nacre::cluster::raft

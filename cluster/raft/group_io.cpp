// What libraft asks of its disk, its network and its state machine, answered by the host without waiting.

#include <algorithm>

#include "cluster/raft/group_impl.hpp"

namespace nacre::cluster::raft {

namespace {

std::string_view bytes_of(const struct raft_buffer& b) { return {static_cast<const char*>(b.base), b.len}; }

// libraft carries a snapshot about; ours lies in the store, and this stands for it.
struct raft_buffer token_of_state() {
  return {raft_calloc(1, 8), 8};
}

}  // namespace

void raft_group::impl::connect() {
  io_ = {};
  io_.version = 1;
  io_.impl = this;
  io_.init = [](struct raft_io*, raft_id, const char*) { return 0; };
  io_.close = [](struct raft_io* io, raft_io_close_cb cb) {
    auto& self = of(io);
    while (!self.inflight_.empty()) {
      auto w = std::move(self.inflight_.front());
      self.inflight_.pop_front();
      if (w.complete) w.complete(RAFT_CANCELED);
    }
    cb(io);
  };
  io_.load = [](struct raft_io* io, raft_term* term, raft_id* voted, struct raft_snapshot** s, raft_index* first,
                struct raft_entry** entries, size_t* n) { return of(io).io_load(term, voted, s, first, entries, n); };
  io_.start = [](struct raft_io* io, unsigned, raft_io_tick_cb on_tick, raft_io_recv_cb on_message) {
    of(io).tick_cb_ = on_tick;
    of(io).recv_cb_ = on_message;
    return 0;
  };
  io_.bootstrap = [](struct raft_io*, const struct raft_configuration*) { return RAFT_CANTBOOTSTRAP; };
  io_.recover = [](struct raft_io*, const struct raft_configuration*) { return RAFT_INVALID; };
  io_.set_term = [](struct raft_io* io, raft_term term) {
    of(io).vote_ = {term, 0};
    return of(io).io_vote();
  };
  io_.set_vote = [](struct raft_io* io, raft_id node) {
    of(io).vote_.vote = node;
    return of(io).io_vote();
  };
  io_.send = [](struct raft_io* io, struct raft_io_send* req, const struct raft_message* m, raft_io_send_cb cb) {
    return of(io).io_send(req, m, cb);
  };
  io_.append = [](struct raft_io* io, struct raft_io_append* req, const struct raft_entry* entries, unsigned n,
                  raft_io_append_cb cb) { return of(io).io_append(req, entries, n, cb); };
  io_.truncate = [](struct raft_io* io, raft_index from) { return of(io).io_truncate(from); };
  io_.snapshot_put = [](struct raft_io* io, unsigned trailing, struct raft_io_snapshot_put* req,
                        const struct raft_snapshot* s,
                        raft_io_snapshot_put_cb cb) { return of(io).io_snapshot_put(trailing, req, s, cb); };
  io_.snapshot_get = [](struct raft_io* io, struct raft_io_snapshot_get* req, raft_io_snapshot_get_cb cb) {
    return of(io).io_snapshot_get(req, cb);
  };
  io_.time = [](struct raft_io* io) -> raft_time { return of(io).host_.now_ms(); };
  io_.random = [](struct raft_io* io, int low, int high) { return of(io).host_.random(low, high); };

  fsm_ = {};
  fsm_.version = 1;
  fsm_.data = this;
  fsm_.apply = [](struct raft_fsm* fsm, const struct raft_buffer* buf, void** outcome) {
    *outcome = nullptr;
    return of(fsm).fsm_apply(buf);
  };
  fsm_.snapshot = [](struct raft_fsm* fsm, struct raft_buffer** bufs, unsigned* n) {
    return of(fsm).fsm_snapshot(bufs, n);
  };
  fsm_.restore = [](struct raft_fsm*, struct raft_buffer* buf) {  // the state is in the store already
    raft_free(buf->base);
    return 0;
  };
}

unsigned raft_group::impl::place_of(node_id node) const {
  const auto found = std::find(options_.members.begin(), options_.members.end(), node);
  return static_cast<unsigned>(found - options_.members.begin());
}

// ---------------------------------------------------------------- disk

struct raft_snapshot* raft_group::impl::make_snapshot(log_mark at) {
  auto* s = static_cast<struct raft_snapshot*>(raft_calloc(1, sizeof(struct raft_snapshot)));
  s->index = at.index;
  s->term = at.term;
  s->configuration_index = at.index;
  raft_configuration_init(&s->configuration);
  for (auto node : options_.members)
    raft_configuration_add(&s->configuration, node, std::to_string(node).c_str(), RAFT_VOTER);
  s->bufs = static_cast<struct raft_buffer*>(raft_malloc(sizeof(struct raft_buffer)));
  s->bufs[0] = token_of_state();
  s->n_bufs = 1;
  return s;
}

int raft_group::impl::io_load(raft_term* term, raft_id* voted, struct raft_snapshot** snapshot, raft_index* first,
                              struct raft_entry** entries, size_t* n) {
  const auto log = std::move(*loaded_);
  loaded_.reset();
  *term = log.vote.term;
  *voted = log.vote.vote;
  *snapshot = make_snapshot(log.mark);
  *first = log.first;
  *n = log.entries.size();
  *entries = nullptr;
  if (log.entries.empty()) return 0;
  *entries = static_cast<struct raft_entry*>(raft_calloc(log.entries.size(), sizeof(struct raft_entry)));
  for (std::size_t i = 0; i < log.entries.size(); ++i) {
    const auto& e = log.entries[i];
    struct raft_buffer buf {
      raft_malloc(e.payload.size()), e.payload.size()
    };
    e.payload.copy(static_cast<char*>(buf.base), e.payload.size());
    (*entries)[i] = {e.term, static_cast<unsigned short>(e.kind), buf, nullptr};
  }
  return 0;
}

void raft_group::impl::put(log_write w, std::uint64_t last_term, std::function<void(int)> complete) {
  const bool vote = w.vote.has_value();
  inflight_.push_back({++tickets_, last_term, std::move(complete), vote});
  if (vote) ++votes_inflight_;
  host_.write(tickets_, std::move(w));
}

// libraft takes these for durable when the call returns. They are as good as that: nothing that follows from them
// leaves this node before they are, and until then it handles no message.
int raft_group::impl::io_vote() {
  log_write w;
  w.vote = vote_;
  put(std::move(w), 0, nullptr);
  return 0;
}

int raft_group::impl::io_append(struct raft_io_append* req, const struct raft_entry* entries, unsigned n,
                                raft_io_append_cb cb) {
  log_write w;
  w.truncate_from = std::exchange(truncate_pending_, 0);
  w.first = terms_.next();  // libraft does not say where
  w.append.reserve(n);
  for (unsigned i = 0; i < n; ++i) {
    w.append.push_back(
        {entries[i].term, static_cast<entry_kind>(entries[i].type), std::string(bytes_of(entries[i].buf))});
    terms_.append(entries[i].term);
  }
  if (cut_due_at_ == 0) cut_due_at_ = host_.now_ms() + static_cast<std::uint64_t>(options_.cut_after.count());
  put(std::move(w), entries[n - 1].term, [req, cb](int status) { cb(req, status); });
  return 0;
}

// Lands with the append that follows: libraft truncates only to write something else there.
int raft_group::impl::io_truncate(raft_index from) {
  truncate_pending_ = truncate_pending_ == 0 ? from : std::min<std::uint64_t>(truncate_pending_, from);
  terms_.truncate(from);
  return 0;
}

// Only ever of our own state: an offered one is never given to libraft.
int raft_group::impl::io_snapshot_put(unsigned trailing, struct raft_io_snapshot_put* req,
                                      const struct raft_snapshot* s, raft_io_snapshot_put_cb cb) {
  log_write w;
  w.mark = log_mark{s->index, s->term};
  if (s->index > trailing) w.drop_below = s->index - trailing + 1;
  if (w.drop_below != 0) terms_.drop_below(w.drop_below);
  first_on_disk_ = std::max(first_on_disk_, w.drop_below);
  put(std::move(w), 0, [req, cb](int status) { cb(req, status); });
  return 0;
}

// Which state is offered is settled when the offer is sent, to the one who gets it.
int raft_group::impl::io_snapshot_get(struct raft_io_snapshot_get* req, raft_io_snapshot_get_cb cb) {
  later([this, req, cb] { cb(req, make_snapshot({raft_.last_applied, raft_.current_term}), 0); });
  return 0;
}

// ---------------------------------------------------------------- network

bool raft_group::impl::emit(node_id to, message what) {
  if (place_of(to) == options_.members.size()) return true;  // libraft answers nobody after some changes of role
  if (votes_inflight_ == 0) return host_.send(to, std::move(what));
  held_.emplace_back(to, std::move(what));
  return true;
}

bool raft_group::impl::send_append(const struct raft_message& m) {
  const auto& args = m.append_entries;
  append a;
  a.term = args.term;
  a.prev_index = args.prev_log_index;
  a.prev_term = args.prev_log_term;
  std::size_t bytes = 0;
  unsigned n = 0;
  for (; n < args.n_entries && n < options_.frame_entries_max; ++n) {
    const auto& e = args.entries[n];
    if (n > 0 && bytes + e.buf.len > options_.frame_bytes_max) break;
    bytes += e.buf.len;
    a.entries.push_back({e.term, static_cast<entry_kind>(e.type), std::string(bytes_of(e.buf))});
  }
  // A message that does not reach the end of the log speaks only of what it reaches.
  a.commit = std::min<std::uint64_t>(args.leader_commit, a.prev_index + n);
  const auto to = m.server_id;
  const auto commit = a.commit;
  const auto reached = a.prev_index + n;
  if (!emit(to, std::move(a))) return false;
  if (const auto place = place_of(to); place < told_commit_.size())
    told_commit_[place] = std::max<std::uint64_t>(told_commit_[place], commit);
  if (n == args.n_entries) return true;
  // libraft takes everything for sent. What did not fit is next.
  const auto believed = args.prev_log_index + 1 + args.n_entries;
  later([this, to, believed, reached] {
    if (raft_.state != RAFT_LEADER) return;
    for (unsigned i = 0; i < raft_.configuration.n; ++i) {
      auto& p = raft_.leader_state.progress[i];
      if (raft_.configuration.servers[i].id == to && p.next_index >= believed && p.match_index <= reached)
        p.next_index = reached + 1;
    }
  });
  return true;
}

int raft_group::impl::io_send(struct raft_io_send* req, const struct raft_message* m, raft_io_send_cb cb) {
  bool sent = true;
  switch (m->type) {
    case RAFT_IO_APPEND_ENTRIES:
      if (rules_.silence_until_durable && !guard::may_replicate(m->append_entries.term, durable_term_))
        return RAFT_NOCONNECTION;
      if (!send_append(*m)) return RAFT_NOCONNECTION;
      break;
    case RAFT_IO_APPEND_ENTRIES_RESULT: {
      const auto& r = m->append_entries_result;
      append_reply reply{r.term, r.rejected, r.last_log_index};
      if (r.rejected == 0 && shown_up_to_ && rules_.proved_match)
        reply.last_index = guard::match_to_claim(r.last_log_index, *shown_up_to_);
      if (!(quiet_ && r.rejected == 0)) sent = emit(m->server_id, reply);
      break;
    }
    case RAFT_IO_REQUEST_VOTE: {
      const auto& v = m->request_vote;
      sent = emit(m->server_id, vote{v.term, v.last_log_index, v.last_log_term, v.pre_vote});
      break;
    }
    case RAFT_IO_REQUEST_VOTE_RESULT: {
      const auto& v = m->request_vote_result;
      const auto term = rules_.real_term ? guard::term_to_tell(raft_, v) : v.term;
      sent = emit(m->server_id, vote_reply{term, v.vote_granted, v.pre_vote == raft_tribool_true});
      break;
    }
    case RAFT_IO_INSTALL_SNAPSHOT: {
      const auto state = host_.offer_state(m->server_id);
      sent = state && emit(m->server_id, snapshot_offer{m->install_snapshot.term, state->at, state->stream});
      if (!sent) {  // else libraft waits for an answer
        later([req, cb] { cb(req, RAFT_NOCONNECTION); });
        return 0;
      }
      break;
    }
    default:
      break;  // nothing of ours moves the leader on purpose
  }
  // A lost answer is like one lost on the way: an error would make libraft free it twice (cowsql 0f46098a).
  (void)sent;
  if (cb != nullptr) later([req, cb] { cb(req, 0); });  // never from within send()
  return 0;
}

// ---------------------------------------------------------------- state machine

// libraft counts an entry as applied after this returns.
int raft_group::impl::fsm_apply(const struct raft_buffer* buf) {
  const auto index = raft_.last_applied + 1;
  // Those before hold no command.
  told_applied_ = index;
  applied_bytes_ += buf->len;
  files_bytes_ += buf->len;
  sizes_.emplace_back(index, buf->len);
  if (applied_bytes_ >= options_.compact_bytes) raft_set_snapshot_threshold(&raft_, 1);
  host_.committed({index, terms_.term_of(index), std::string(bytes_of(*buf))});
  return 0;
}

// Our snapshot is the state as it is in the store; libraft keeps a place and a term of it.
int raft_group::impl::fsm_snapshot(struct raft_buffer** bufs, unsigned* n) {
  if (rules_.settled_configuration && !guard::may_mark(raft_)) return RAFT_BUSY;
  if (held_back_) return RAFT_BUSY;  // a mark speaks of a state
  if (host_.keep_log() && applied_bytes_ < 4 * options_.compact_bytes) return RAFT_BUSY;
  note_applied();  // what the mark covers is given to the host before the mark
  *bufs = static_cast<struct raft_buffer*>(raft_malloc(sizeof(struct raft_buffer)));
  (*bufs)[0] = token_of_state();
  *n = 1;
  // The tail for slow followers: so many entries, but not more bytes than allowed.
  std::uint64_t tail = 0, bytes = 0;
  for (auto it = sizes_.rbegin(); it != sizes_.rend() && tail < options_.tail_entries; ++it) {
    bytes += it->second;
    if (bytes > options_.tail_bytes) break;
    tail = raft_.last_applied - it->first + 1;
  }
  raft_set_snapshot_trailing(&raft_,
                             static_cast<unsigned>(std::max<std::uint64_t>(1, std::min(tail, options_.tail_entries))));
  while (!sizes_.empty() && sizes_.front().first + tail <= raft_.last_applied) sizes_.pop_front();
  raft_set_snapshot_threshold(&raft_, static_cast<unsigned>(options_.compact_entries));
  applied_bytes_ = 0;
  return 0;
}

}  // namespace nacre::cluster::raft

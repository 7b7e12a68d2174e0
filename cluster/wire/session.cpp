#include "cluster/wire/session.hpp"

#include <algorithm>
#include <utility>

namespace nacre::cluster::wire {
namespace {

using steady = std::chrono::steady_clock;

constexpr std::chrono::milliseconds hello_patience{3'000};

// Where the doorkeeper's word reaches a session, as long as there is one.
struct waiting_room {
  std::mutex mutex;
  caf::actor who;
};

struct session_state {
  session_host* host = nullptr;
  caf::actor remote;  // the other side's session; before the answer, of a dialler: the gateway
  peer_ptr with;
  std::optional<dialling> dialler;
  std::optional<accepting> acceptor;
  std::optional<opener> in;
  std::optional<sealer> out;
  std::optional<receipt> taken;
  uuid instance;
  std::uint64_t number = 0, attempt = 0;
  steady::time_point begun = steady::now(), heard = begun;
  bool established = false, over_and_out = false, beginning = false;
  std::shared_ptr<waiting_room> room;  // the other side is verified, and the doorkeeper asked
  std::vector<opened> early;           // what came until it had spoken

  session_state() = default;
  ~session_state();
  session_state(const session_state&) = delete;
  session_state& operator=(const session_state&) = delete;
};

using session_actor = caf::stateful_actor<session_state, lasting_actor>;

session_state::~session_state() {
  if (room) {
    std::lock_guard lock(room->mutex);
    room->who = nullptr;
  }
  if (beginning) host->begun();
}

// Whether another live process has the peer's node id: it stays, and whoever comes is not even remembered.
bool in_use(const session_host& host, peer& p, const uuid& instance) {
  std::lock_guard lock(p.mutex);
  return p.session && p.session->instance != instance && p.heard && steady::now() - *p.heard < host.settings().silence;
}

// Makes a verified connection the peer's. False: the node id is in use by another live process.
bool establish(session_actor* self) {
  auto& s = self->state;
  auto& p = *s.with;
  caf::actor replaced;
  {
    std::lock_guard lock(p.mutex);
    if (p.leaving) return true;  // closed with the next tick
    const auto now = steady::now();
    if (p.session && p.session->instance != s.instance && p.heard && now - *p.heard < s.host->settings().silence)
      return false;
    if (p.session) replaced = p.session->local;
    s.number = s.host->next_number();
    p.session.emplace(live{
        s.number, s.instance, caf::actor_cast<caf::actor>(self), credit(s.host->settings().window_bytes), {}, false});
    p.heard = now;
    p.trouble.clear();
    p.disowns = peer_status::disowned::nothing;
    p.told.clear();
    s.established = true;
    s.taken.emplace(std::max<std::size_t>(s.host->settings().window_bytes / 32, 1));
  }
  // The first sealed message tells the dialler that it was accepted. No frame comes before it: those are sent by
  // `self`.
  self->send(s.remote, s.out->beat(s.taken->tell()));
  if (replaced) caf::anon_send(replaced, local_order{order::close});
  s.host->connected(p);
  return true;
}

void disowned(const session_host& host, node_id by, peer_status::disowned what) {
  if (const auto p = host.find(by)) {
    std::lock_guard lock(p->mutex);
    p->disowns = what;
  }
}

// The end of a session. A refusal that was sent must arrive before we are gone: the actor stays for one tick.
void finish(session_actor* self, std::string why, std::optional<refusal> to_tell = std::nullopt) {
  auto& s = self->state;
  if (std::exchange(s.over_and_out, true)) return;
  if (to_tell && s.remote) self->send(s.remote, encode(*to_tell));
  if (s.with) s.host->over(*s.with, s.number, s.attempt, std::move(why));
}

void refuse_peer(session_actor* self, refusal r) {
  auto& s = self->state;
  if (s.acceptor) s.host->not_taken(s.acceptor->peer(), why_we_refuse(r));
  finish(self, std::string(why_we_refuse(r)), r);
}

void on_opened(session_actor* self, opened said);

// The connection stands.
void let_in(session_actor* self) {
  auto& s = self->state;
  if (s.acceptor) {
    auto keys = s.acceptor->take_keys();
    s.in.emplace(std::move(keys.in));
    s.out.emplace(std::move(keys.out));
  }
  if (!establish(self)) return refuse_peer(self, refusal::duplicate);
  if (std::exchange(s.beginning, false)) s.host->begun();
  for (auto& said : std::exchange(s.early, {}))
    if (!s.over_and_out) on_opened(self, std::move(said));
}

void on_judged(session_actor* self, admission how) {
  switch (how) {
    case admission::welcome:
      return let_in(self);
    case admission::other_directory:
      return refuse_peer(self, refusal::other_directory);
    case admission::older_start:
      return refuse_peer(self, refusal::older_start);
    case admission::ours_older:
      disowned(*self->state.host, self->state.with->node, peer_status::disowned::directory);
      return refuse_peer(self, refusal::own_older);
  }
}

void ask_doorkeeper(session_actor* self, const introduction& in) {
  auto& s = self->state;
  auto* door = s.host->door();
  if (door == nullptr) return let_in(self);
  s.room = std::make_shared<waiting_room>();
  s.room->who = caf::actor_cast<caf::actor>(self);
  door->admit(s.with->node, in.shown, in.knows, [room = s.room](admission how) {
    std::lock_guard lock(room->mutex);
    if (room->who) caf::anon_send(room->who, local_order{order::judged, how});
  });
}

void on_unsealed(session_actor* self, const std::string& message) {
  auto& s = self->state;
  if (const auto r = decode_refusal(message)) {
    const auto by = s.acceptor ? s.acceptor->peer() : s.with->node;
    if (*r == refusal::other_directory || *r == refusal::older_start)
      disowned(*s.host, by, peer_status::disowned::directory);
    if (*r == refusal::not_member) disowned(*s.host, by, peer_status::disowned::number);
    if (s.acceptor) s.host->not_taken(s.acceptor->peer(), why_it_refuses(*r));
    return finish(self, std::string(why_it_refuses(*r)));
  }
  if (s.room) return;  // nothing is to be said until the doorkeeper has spoken
  if (s.dialler) {
    // The answer comes from the actor that will be our other end.
    auto from = self->current_sender();
    if (!from) return;
    s.remote = caf::actor_cast<caf::actor>(from);
    self->monitor(s.remote);
    auto proof = s.dialler->on_answer(message, seconds_now());
    if (!proof) return refuse_peer(self, proof.error());
    // We remember it once it has let us in: that comes with the first sealed message.
    const auto& in = s.dialler->introduced();
    s.instance = in.shown.process;
    if (in_use(*s.host, *s.with, s.instance)) return refuse_peer(self, refusal::duplicate);
    if (const auto* door = s.host->door())
      if (const auto how = door->judge(s.with->node, in.shown, in.knows); how != admission::welcome)
        return on_judged(self, how);
    auto keys = s.dialler->take_keys();
    s.in.emplace(std::move(keys.in));
    s.out.emplace(std::move(keys.out));
    self->send(s.remote, std::move(*proof));
    return;
  }
  if (auto proved = s.acceptor->on_proof(message); !proved) return refuse_peer(self, proved.error());
  s.with = s.host->find(s.acceptor->peer());
  if (!s.with) return refuse_peer(self, refusal::not_member);
  s.instance = s.acceptor->introduced().shown.process;
  if (in_use(*s.host, *s.with, s.instance)) return refuse_peer(self, refusal::duplicate);
  ask_doorkeeper(self, s.acceptor->introduced());
}

void on_sealed(session_actor* self, std::string message) {
  auto& s = self->state;
  auto said = s.in->open(std::move(message));
  if (!said) return finish(self, "a message that is not the next one of this connection");
  s.heard = steady::now();
  if (s.established) return on_opened(self, std::move(*said));
  s.early.push_back(std::move(*said));
  if (s.early.size() == 1) ask_doorkeeper(self, s.dialler->introduced());
}

void send_beat(session_actor* self) {
  auto& s = self->state;
  self->send(s.remote, s.out->beat(s.taken->tell()));
}

void on_opened(session_actor* self, opened said) {
  auto& s = self->state;
  {
    std::lock_guard lock(s.with->mutex);
    if (!s.with->current(s.number)) return;
    s.with->heard = s.heard;
    if (said.kind == kind::beat && s.with->session->window.acknowledge(said.acknowledged)) return;
  }
  if (said.kind == kind::beat) return finish(self, "it acknowledges what was never sent");
  std::size_t cost = 0;
  for (const auto& each : said.frames) cost += cost_of(each.size());
  s.host->hand_over(*s.with, s.number, std::move(said.frames));
  if (s.taken->taken(cost)) send_beat(self);
}

void on_flush(session_actor* self) {
  auto& s = self->state;
  std::vector<bundle> all;
  {
    std::lock_guard lock(s.with->mutex);
    if (!s.with->current(s.number)) return;
    all.swap(s.with->session->waiting);
    s.with->session->flushing = false;
  }
  for (auto& each : all) self->send(s.remote, s.out->frames(std::move(each)));
}

void on_tick(session_actor* self) {
  auto& s = self->state;
  const auto now = steady::now();
  if (s.host->halted()) return self->quit();
  if (!s.established && now - s.begun > hello_patience)
    finish(self, "the hello was not finished in time");
  else if (s.established && now - s.heard > s.host->settings().silence)
    finish(self, "it has been silent for " + std::to_string(s.host->settings().silence.count()) + " ms");
  if (s.over_and_out || !s.established) return;
  {
    std::lock_guard lock(s.with->mutex);
    if (!s.with->current(s.number)) s.over_and_out = true;
  }
  if (!s.over_and_out) send_beat(self);
}

// One connection with one peer. `first`: the hello of a peer that dialled us; empty: we dial.
caf::behavior session(session_actor* self, session_host* host, peer_ptr with, caf::actor remote, std::uint64_t attempt,
                      std::string first) {
  auto& s = self->state;
  s.host = host;
  s.with = std::move(with);
  s.remote = std::move(remote);
  s.attempt = attempt;
  self->set_default_handler(caf::drop);
  self->set_error_handler([](caf::scheduled_actor*, caf::error&) {});
  self->set_down_handler([self](caf::down_msg& down) {
    if (self->state.remote && down.source == self->state.remote.address()) finish(self, "the connection is gone");
  });
  self->monitor(s.remote);
  if (first.empty()) {
    s.dialler.emplace(host->self(), s.with->node);
    self->send(s.remote, s.dialler->hello());
  } else {
    s.beginning = true;
    s.acceptor.emplace(host->self());
    auto answer = s.acceptor->on_hello(first, seconds_now(), [host](node_id n) { return host->find(n) != nullptr; });
    if (answer)
      self->send(s.remote, std::move(*answer));
    else
      refuse_peer(self, answer.error());
  }
  self->delayed_send(self, host->settings().beat, local_order{order::tick});
  return {
      [self](std::string& message) {
        auto& st = self->state;
        if (st.over_and_out) return;
        if (!st.in) return on_unsealed(self, message);
        if (const auto head = header_of(message); head && head->kind == kind::refusal && !st.established)
          return on_unsealed(self, message);
        on_sealed(self, std::move(message));
      },
      [self](local_order o) {
        if (o.what == order::close) {
          finish(self, {});
          return self->quit();
        }
        if (o.what == order::judged) {
          if (!self->state.over_and_out) on_judged(self, o.how);
          return;
        }
        if (o.what == order::flush) {
          if (!self->state.over_and_out) on_flush(self);
          return;
        }
        if (self->state.over_and_out) return self->quit();
        on_tick(self);
        self->delayed_send(self, self->state.host->settings().beat, local_order{order::tick});
      },
  };
}

}  // namespace

caf::actor spawn_dialling(caf::actor_system& by, session_host& host, peer_ptr with, caf::actor gate,
                          std::uint64_t attempt) {
  return by.spawn(session, &host, std::move(with), std::move(gate), attempt, std::string());
}

void spawn_accepting(lasting_actor& by, session_host& host, caf::actor remote, std::string hello) {
  by.spawn(session, &host, peer_ptr(), std::move(remote), std::uint64_t{0}, std::move(hello));
}

std::int64_t seconds_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace nacre::cluster::wire

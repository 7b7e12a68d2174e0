// The only file of this folder that knows CAF.

#include "cluster/wire/caf_peers.hpp"

#include <unistd.h>

#include <atomic>
#include <caf/all.hpp>
#include <caf/io/all.hpp>
#include <caf/openssl/all.hpp>
#include <condition_variable>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <thread>
#include <utility>

#include "cluster/wire/channel.hpp"
#include "cluster/wire/flow.hpp"
#include "cluster/wire/handshake.hpp"
#include "cluster/wire/reach.hpp"
#include "crypto/random.hpp"
#include "crypto/tls_errors.hpp"

namespace nacre::cluster::wire {
namespace {

// What actors of this process tell each other. It cannot be serialized, so no other process can say it.
enum class order : std::uint8_t { tick, close, judged, flush };
struct local_order {
  order what = order::tick;
  admission how = admission::welcome;  // of `judged`
};

}  // namespace
}  // namespace nacre::cluster::wire

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(nacre::cluster::wire::local_order)

namespace nacre::cluster::wire {
namespace {

using steady = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds reach_patience{1'000}, connect_patience{2'500}, hello_patience{3'000}, steady_after{5'000},
    told_again_after{10'000};
constexpr std::size_t beginning_max = 64;  // connections whose hello is not verified yet

std::int64_t seconds_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::uint32_t random_number() {
  std::array<std::uint8_t, 4> bytes{};
  crypto::fill_random(bytes);
  return static_cast<std::uint32_t>(bytes[0]) << 24 | static_cast<std::uint32_t>(bytes[1]) << 16 |
         static_cast<std::uint32_t>(bytes[2]) << 8 | bytes[3];
}

// A connection whose peer is verified.
struct live {
  std::uint64_t number = 0;
  uuid instance;
  caf::actor local;
  credit window;
  std::vector<bundle> waiting;  // for the session to seal and send it
  bool flushing = false;        // and it has been told to
};

struct peer {
  peer(node_id n, std::string a, endpoint w) : node(n), address(std::move(a)), where(std::move(w)) {}
  const node_id node;
  const std::string address;
  const endpoint where;

  std::mutex mutex;
  std::condition_variable changed;
  std::optional<live> session;
  std::optional<steady::time_point> heard;
  std::uint64_t dropped = 0;
  std::uint64_t attempts = 0, attempts_over = 0;  // of dialling
  std::string trouble, told;                      // `told`: the last one reported
  bool leaving = false;
  bool disowned = false;  // it refuses our data directory

  std::mutex handing;  // one frame at a time, also while one connection takes the place of another
  std::thread dialler;
  std::atomic<bool> dialled = false;  // and that has nothing left to do

  bool current(std::uint64_t number) const { return session && session->number == number; }
};
using peer_ptr = std::shared_ptr<peer>;

class transport;

// Where the doorkeeper's word reaches a session, as long as there is one.
struct waiting_room {
  std::mutex mutex;
  caf::actor who;
};

struct session_state {
  transport* over = nullptr;
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

// CAF ends an actor that is told to be killed, whatever its handlers say, and every peer can tell it. Ours end by
// their own decision alone.
// What they have to do is mostly worth less than the waking of one of CAF's workers: what the thread of the sockets
// gives them it handles itself.
class lasting_actor : public caf::event_based_actor {
 public:
  using caf::event_based_actor::event_based_actor;
  subtype_t subtype() const override { return io_actor; }
  void enqueue(caf::mailbox_element_ptr what, caf::execution_unit* by) override {
    if (what && !what->content().match_elements<caf::exit_msg>()) event_based_actor::enqueue(std::move(what), by);
  }
};
using session_actor = caf::stateful_actor<session_state, lasting_actor>;

caf::behavior session(session_actor* self, transport* over, peer_ptr with, caf::actor remote, std::uint64_t attempt,
                      std::string first);
caf::behavior gateway(lasting_actor* self, transport* over);

class transport final : public caf_peers {
 public:
  transport(caf_peers_settings s, crypto::node_identity identity)
      : settings_(std::move(s)),
        identity_(std::move(identity)),
        self_{identity_, crypto::random_uuid(), settings_.root_check} {}

  ~transport() override { stop(); }

  void set_doorkeeper(doorkeeper* at_the_door) override {
    self_.door = door_ = at_the_door;
    if (door_ != nullptr && !door_->ours().process.is_nil()) self_.instance = door_->ours().process;
  }

  result<void> start(receiver on_frame) override {
    on_frame_ = std::move(on_frame);
    configure();
    try {
      system_ = std::make_unique<caf::actor_system>(config_);
      gateway_ = system_->spawn(gateway, this);
      auto port = caf::openssl::publish(gateway_, settings_.port, settings_.listen_address.c_str(), true);
      if (!port) {
        auto why = fail(errc::busy, "the cluster port " + std::to_string(settings_.port) + " of " +
                                        settings_.listen_address + " cannot be listened on");
        stop();
        return why;
      }
      port_ = *port;
    } catch (const std::exception&) {
      // CAF's texts hold file names at best.
      stop();
      return fail(errc::invalid, "TLS between nodes cannot be set up with these files");
    }
    return {};
  }

  bool send(node_id to, std::string frame) override {
    const auto p = find(to);
    if (!p) return false;
    std::lock_guard lock(p->mutex);
    if (!p->session || frame.size() > frame_bytes_max || !p->session->window.take(cost_of(frame.size()))) {
      ++p->dropped;
      return false;
    }
    auto& s = *p->session;
    if (s.waiting.empty() || !s.waiting.back().add(frame)) s.waiting.emplace_back(frame);
    // By the thread of the sockets: what is sent until it comes to that goes with it.
    if (!std::exchange(s.flushing, true))
      s.local->enqueue(nullptr, caf::make_message_id(), caf::make_message(local_order{order::flush}),
                       &system_->middleman().backend());
    return true;
  }

  void set_neighbours(std::vector<neighbour> all) override {
    std::map<node_id, peer_ptr> wanted;
    std::vector<peer_ptr> leaving;
    {
      std::unique_lock lock(peers_mutex_);
      if (stopping_ || !system_) return;
      std::erase_if(left_, [](const peer_ptr& p) {
        if (p->dialled && p->dialler.joinable()) p->dialler.join();
        const std::unique_lock idle(p->handing, std::try_to_lock);
        return !p->dialler.joinable() && idle.owns_lock();
      });
      for (auto& each : all) {
        const auto where = parse_endpoint(each.address);
        if (each.node == 0 || each.node == settings_.self || !where) continue;
        auto was = peers_.find(each.node);
        if (was != peers_.end() && was->second->address == each.address) {
          wanted.insert(peers_.extract(was));
        } else if (!wanted.contains(each.node)) {
          auto fresh = std::make_shared<peer>(each.node, each.address, *where);
          if (each.node < settings_.self)
            fresh->dialler = std::thread([this, fresh] {
              dial_for_ever(fresh);
              fresh->dialled = true;
            });
          wanted.emplace(each.node, std::move(fresh));
        }
      }
      for (auto& [node, p] : peers_) leaving.push_back(p), left_.push_back(p);
      peers_ = std::move(wanted);
    }
    for (const auto& p : leaving) dismiss(*p);
  }

  std::vector<peer_status> status() const override {
    std::vector<peer_status> out;
    std::shared_lock lock(peers_mutex_);
    const auto now = steady::now();
    for (const auto& [node, p] : peers_) {
      std::lock_guard inner(p->mutex);
      peer_status s;
      s.node = node;
      s.address = p->address;
      s.connected = p->session.has_value();
      if (p->heard) s.silent_for = std::chrono::duration_cast<milliseconds>(now - *p->heard);
      s.queued_bytes = p->session ? p->session->window.in_flight() : 0;
      s.dropped = p->dropped;
      s.trouble = p->session ? std::string() : p->trouble;
      s.disowned = !p->session && p->disowned;
      out.push_back(std::move(s));
    }
    return out;
  }

  void stop() override {
    std::vector<peer_ptr> all;
    {
      std::unique_lock lock(peers_mutex_);
      if (std::exchange(stopping_, true)) return;
      for (auto& [node, p] : peers_) all.push_back(p);
    }
    halted_ = true;
    for (const auto& p : all) dismiss(*p);
    {
      std::shared_lock lock(peers_mutex_);
      for (const auto& p : left_) all.push_back(p);
    }
    for (const auto& p : all) {
      if (p->dialler.joinable()) p->dialler.join();
      std::lock_guard wait_for_the_last_frame(p->handing);
    }
    if (!system_) return;
    if (gateway_) {
      caf::anon_send(gateway_, local_order{order::close});
      gateway_ = nullptr;
    }
    system_.reset();  // waits for the sessions, which see `halted_` with their next tick
  }

  std::uint16_t port() const override { return port_; }
  const uuid& cluster_id() const override { return identity_.name().cluster; }
  std::int64_t certificate_end() const override { return identity_.not_after(); }

  // ---- for the actors ----------------------------------------------------------------------------

  const caf_peers_settings& settings() const { return settings_; }
  const self_description& self() const { return self_; }
  bool halted() const { return halted_; }
  doorkeeper* door() const { return door_; }

  peer_ptr find(node_id node) const {
    std::shared_lock lock(peers_mutex_);
    auto at = peers_.find(node);
    return at == peers_.end() ? nullptr : at->second;
  }

  // A place among the connections that begin.
  bool begin() {
    if (beginning_.fetch_add(1) < beginning_max) return true;
    --beginning_;
    return false;
  }
  void begun() { --beginning_; }

  // Whether another live process has the peer's node id: it stays, and whoever comes is not even remembered.
  bool in_use(peer& p, const uuid& instance) const {
    std::lock_guard lock(p.mutex);
    return p.session && p.session->instance != instance && p.heard && steady::now() - *p.heard < settings_.silence;
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
      if (p.session && p.session->instance != s.instance && p.heard && now - *p.heard < settings_.silence) return false;
      if (p.session) replaced = p.session->local;
      s.number = ++sessions_;
      p.session.emplace(
          live{s.number, s.instance, caf::actor_cast<caf::actor>(self), credit(settings_.window_bytes), {}, false});
      p.heard = now;
      p.trouble.clear();
      p.disowned = false;
      p.told.clear();
      s.established = true;
      s.taken.emplace(std::max<std::size_t>(settings_.window_bytes / 32, 1));
    }
    // The first sealed message tells the dialler that it was accepted. No frame comes before it: those are sent by
    // `self`.
    self->send(s.remote, s.out->beat(s.taken->tell()));
    if (replaced) caf::anon_send(replaced, local_order{order::close});
    tell({caf_peers_event::kind::connected, p.node, {}});
    return true;
  }

  void hand_over(peer& p, std::uint64_t number, std::vector<std::string> frames) {
    std::lock_guard one(p.handing);
    for (auto& each : frames) {
      if (halted_) return;
      {
        std::lock_guard lock(p.mutex);
        if (!p.current(number)) return;
      }
      on_frame_(p.node, std::move(each));
    }
  }

  // A connection or an attempt is over.
  void over(peer& p, std::uint64_t number, std::uint64_t attempt, std::string why) {
    bool was_connected = false, news = false;
    {
      std::lock_guard lock(p.mutex);
      was_connected = number != 0 && p.current(number);
      if (was_connected) p.session.reset();
      if (!p.session && !why.empty()) p.trouble = why;
      if (attempt != 0) p.attempts_over = std::max(p.attempts_over, attempt);
      news = !p.session && !p.leaving && !why.empty() && p.told != why;
      if (news) p.told = why;
    }
    p.changed.notify_all();
    if (was_connected)
      tell({caf_peers_event::kind::disconnected, p.node, std::move(why)});
    else if (news)
      tell({caf_peers_event::kind::refused, p.node, std::move(why)});
  }

  // It does not take our data directory for ours.
  void disowned(node_id by) {
    if (const auto p = find(by)) {
      std::lock_guard lock(p->mutex);
      p->disowned = true;
    }
  }

  // Who dialled us, and no connection came of it. `claimed` is what it says to be, perhaps nobody we know.
  void not_taken(node_id claimed, std::string_view why) {
    if (const auto p = find(claimed)) {
      std::lock_guard lock(p->mutex);
      if (!p->session) p->trouble = why;
    }
    {
      std::lock_guard lock(strangers_mutex_);
      const auto now = steady::now();
      if (last_stranger_ == std::pair(claimed, std::string(why)) && now - last_told_ < told_again_after) return;
      last_stranger_ = {claimed, std::string(why)};
      last_told_ = now;
    }
    tell({caf_peers_event::kind::refused, claimed, std::string(why)});
  }

 private:
  void configure() {
    config_.module_factories.emplace_back([](caf::actor_system& system) -> caf::actor_system::module* {
      // CAF takes two systems for one if process id and network cards agree, which they do in containers of
      // different machines. So the name is chosen here, before anything of CAF's has asked for it.
      caf::node_id::default_data::host_id_type name{};
      crypto::fill_random(name);
      const_cast<caf::node_id&>(system.node()) = caf::make_node_id(static_cast<std::uint32_t>(::getpid()), name);
      return caf::io::middleman::make(system, caf::detail::type_list<>{});
    });
    config_.load<caf::openssl::manager>();
    config_.openssl_cafile = settings_.ca;
    config_.openssl_certificate = settings_.certificate;
    config_.openssl_key = settings_.key;
    config_.set("scheduler.policy", caf::atom("sharing"));
    config_.set("scheduler.max-threads", std::size_t{2});
    // By default an actor goes on while it has messages: CAF's broker would not touch a socket while anybody sends.
    config_.set("scheduler.max-throughput", std::size_t{32});
    config_.set("middleman.workers", std::size_t{0});
    config_.set("middleman.heartbeat-interval", caf::timespan{settings_.beat});
    config_.set("middleman.connection-timeout", caf::timespan{settings_.silence});
    config_.set("middleman.app-identifiers", std::vector<std::string>{"nacre"});
  }

  void tell(const caf_peers_event& e) {
    if (settings_.on_event) settings_.on_event(e);
  }

  void dismiss(peer& p) {
    caf::actor closing;
    {
      std::lock_guard lock(p.mutex);
      p.leaving = true;
      if (p.session) closing = p.session->local;
      p.session.reset();
    }
    p.changed.notify_all();
    if (closing) caf::anon_send(closing, local_order{order::close});
  }

  void dial_for_ever(const peer_ptr& p) {
    backoff pause(settings_.redial_least, settings_.redial_most);
    for (;;) {
      const auto began = steady::now();
      dial_once(p);
      if (steady::now() - began > steady_after) pause.reset();
      std::unique_lock lock(p->mutex);
      if (p->changed.wait_for(lock, pause.next(random_number()), [&] { return p->leaving; })) return;
    }
  }

  // Returns when the connection is over, or there is none.
  void dial_once(const peer_ptr& p) {
    const auto at = reach(p->where, reach_patience);
    if (!at) return over(*p, 0, 0, at.error().text);
    caf::strong_actor_ptr found;
    {
      caf::scoped_actor asking{*system_};
      asking
          ->request(system_->openssl_manager().actor_handle(), caf::timespan{connect_patience},
                    caf::connect_atom::value, at->host, at->port)
          .receive(
              [&](const caf::node_id&, caf::strong_actor_ptr& gate, const std::set<std::string>&) { found = gate; },
              [](const caf::error&) {});
    }
    if (!found)
      return over(*p, 0, 0, "no TLS connection with it: another CA, an expired certificate, or no node of nacre");
    std::unique_lock lock(p->mutex);
    if (p->leaving) return;
    const auto attempt = ++p->attempts;
    lock.unlock();
    auto made = system_->spawn(session, this, p, caf::actor_cast<caf::actor>(found), attempt, std::string());
    lock.lock();
    p->changed.wait(lock, [&] { return p->leaving || p->attempts_over >= attempt; });
    if (p->leaving) caf::anon_send(made, local_order{order::close});
  }

  const caf_peers_settings settings_;
  const crypto::node_identity identity_;
  self_description self_;
  doorkeeper* door_ = nullptr;
  receiver on_frame_;
  mutable std::shared_mutex peers_mutex_;
  std::map<node_id, peer_ptr> peers_;
  std::vector<peer_ptr> left_;  // whose threads are still to be joined
  bool stopping_ = false;
  std::atomic<bool> halted_{false};
  std::atomic<std::uint64_t> sessions_{0};
  std::atomic<std::size_t> beginning_{0};
  std::mutex strangers_mutex_;
  std::pair<node_id, std::string> last_stranger_;
  steady::time_point last_told_;
  std::uint16_t port_ = 0;
  caf::actor_system_config config_;
  std::unique_ptr<caf::actor_system> system_;
  caf::actor gateway_;
};

session_state::~session_state() {
  if (room) {
    std::lock_guard lock(room->mutex);
    room->who = nullptr;
  }
  if (beginning) over->begun();
}

// The end of a session. A refusal that was sent must arrive before we are gone: the actor stays for one tick.
void finish(session_actor* self, std::string why, std::optional<refusal> to_tell = std::nullopt) {
  auto& s = self->state;
  if (std::exchange(s.over_and_out, true)) return;
  if (to_tell && s.remote) self->send(s.remote, encode(*to_tell));
  if (s.with) s.over->over(*s.with, s.number, s.attempt, std::move(why));
}

void refuse_peer(session_actor* self, refusal r) {
  auto& s = self->state;
  if (s.acceptor) s.over->not_taken(s.acceptor->peer(), why_we_refuse(r));
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
  if (!s.over->establish(self)) return refuse_peer(self, refusal::duplicate);
  if (std::exchange(s.beginning, false)) s.over->begun();
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
      self->state.over->disowned(self->state.with->node);
      return refuse_peer(self, refusal::own_older);
  }
}

void ask_doorkeeper(session_actor* self, const introduction& in) {
  auto& s = self->state;
  auto* door = s.over->door();
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
    if (*r == refusal::other_directory || *r == refusal::older_start)
      s.over->disowned(s.acceptor ? s.acceptor->peer() : s.with->node);
    if (s.acceptor) s.over->not_taken(s.acceptor->peer(), why_it_refuses(*r));
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
    if (s.over->in_use(*s.with, s.instance)) return refuse_peer(self, refusal::duplicate);
    if (const auto* door = s.over->door())
      if (const auto how = door->judge(s.with->node, in.shown, in.knows); how != admission::welcome)
        return on_judged(self, how);
    auto keys = s.dialler->take_keys();
    s.in.emplace(std::move(keys.in));
    s.out.emplace(std::move(keys.out));
    self->send(s.remote, std::move(*proof));
    return;
  }
  if (auto proved = s.acceptor->on_proof(message); !proved) return refuse_peer(self, proved.error());
  s.with = s.over->find(s.acceptor->peer());
  if (!s.with) return refuse_peer(self, refusal::not_member);
  s.instance = s.acceptor->introduced().shown.process;
  if (s.over->in_use(*s.with, s.instance)) return refuse_peer(self, refusal::duplicate);
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
  s.over->hand_over(*s.with, s.number, std::move(said.frames));
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
  if (s.over->halted()) return self->quit();
  if (!s.established && now - s.begun > hello_patience)
    finish(self, "the hello was not finished in time");
  else if (s.established && now - s.heard > s.over->settings().silence)
    finish(self, "it has been silent for " + std::to_string(s.over->settings().silence.count()) + " ms");
  if (s.over_and_out || !s.established) return;
  {
    std::lock_guard lock(s.with->mutex);
    if (!s.with->current(s.number)) s.over_and_out = true;
  }
  if (!s.over_and_out) send_beat(self);
}

// One connection with one peer. `first`: the hello of a peer that dialled us; empty: we dial.
caf::behavior session(session_actor* self, transport* over, peer_ptr with, caf::actor remote, std::uint64_t attempt,
                      std::string first) {
  auto& s = self->state;
  s.over = over;
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
    s.dialler.emplace(over->self(), s.with->node);
    self->send(s.remote, s.dialler->hello());
  } else {
    s.beginning = true;
    s.acceptor.emplace(over->self());
    auto answer = s.acceptor->on_hello(first, seconds_now(), [over](node_id n) { return over->find(n) != nullptr; });
    if (answer)
      self->send(s.remote, std::move(*answer));
    else
      refuse_peer(self, answer.error());
  }
  self->delayed_send(self, over->settings().beat, local_order{order::tick});
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
        self->delayed_send(self, self->state.over->settings().beat, local_order{order::tick});
      },
  };
}

// What other nodes reach by the port: begins a session for whoever says hello.
caf::behavior gateway(lasting_actor* self, transport* over) {
  self->set_default_handler(caf::drop);
  self->set_error_handler([](caf::scheduled_actor*, caf::error&) {});
  self->set_down_handler([](caf::down_msg&) {});
  return {
      [self, over](std::string& message) {
        auto from = self->current_sender();
        if (!from || from->node() == self->node() || message.size() > hello_bytes_max || over->halted()) return;
        auto remote = caf::actor_cast<caf::actor>(from);
        if (!over->begin()) return self->send(remote, encode(refusal::busy));
        self->spawn(session, over, peer_ptr(), std::move(remote), std::uint64_t{0}, std::move(message));
      },
      [self](local_order o) {
        if (o.what == order::close) self->quit();
      },
  };
}

}  // namespace
}  // namespace nacre::cluster::wire

namespace nacre::cluster {

result<std::unique_ptr<caf_peers>> make_caf_peers(caf_peers_settings settings) {
  auto identity =
      crypto::node_identity::read_files({settings.ca, settings.certificate, settings.key}, wire::seconds_now());
  if (!identity) return fail(identity.error());
  if (identity->name().node != settings.self)
    return fail(errc::invalid, "cluster.node is " + std::to_string(settings.self) +
                                   ", but cluster.certificate is node " + std::to_string(identity->name().node) + "'s");
  if (auto apart = crypto::tls_errors_are_kept_apart(); !apart) return fail(apart.error());
  if (settings.root_check.empty()) return fail(errc::internal, "no check value of the root key");
  // A frame that can never be sent would be tried for ever.
  if (settings.window_bytes < wire::cost_of(frame_bytes_max))
    return fail(errc::internal, "the window is smaller than a frame");
  return std::make_unique<wire::transport>(std::move(settings), std::move(*identity));
}

}  // namespace nacre::cluster

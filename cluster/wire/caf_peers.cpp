// The transport: who is a neighbour, dialling, the gateway at the port, what is told of it. The life of one connection
// is in session.cpp; this file and session.* are the only ones of this folder that know CAF.

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

#include "cluster/wire/flow.hpp"
#include "cluster/wire/handshake.hpp"
#include "cluster/wire/reach.hpp"
#include "cluster/wire/session.hpp"
#include "crypto/random.hpp"
#include "crypto/tls_errors.hpp"

namespace nacre::cluster::wire {
namespace {

using steady = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds reach_patience{1'000}, connect_patience{2'500}, steady_after{5'000}, told_again_after{10'000};
constexpr std::size_t beginning_max = 64;  // connections whose hello is not verified yet

std::uint32_t random_number() {
  std::array<std::uint8_t, 4> bytes{};
  crypto::fill_random(bytes);
  return static_cast<std::uint32_t>(bytes[0]) << 24 | static_cast<std::uint32_t>(bytes[1]) << 16 |
         static_cast<std::uint32_t>(bytes[2]) << 8 | bytes[3];
}

class transport;
caf::behavior gateway(lasting_actor* self, transport* over);

class transport final : public caf_peers, public session_host {
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
      s.disowns = p->session ? peer_status::disowned::nothing : p->disowns;
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

  result<void> finds(const neighbour& who) const override {
    const auto where = parse_endpoint(who.address);
    if (!where) return fail(errc::invalid, "its address must be host:port");
    const auto gate = gate_at(*where);
    if (!gate) return fail(gate.error());
    dialling ask(self_, who.node);
    caf::scoped_actor asking{*system_};
    asking->send(*gate, ask.hello());
    std::string why = "the hello was not answered in time";
    asking->receive(
        [&](const std::string& message) {
          if (const auto refused = decode_refusal(message))
            why = why_it_refuses(*refused);
          else if (const auto proof = ask.on_answer(message, seconds_now()); !proof)
            why = why_we_refuse(proof.error());
          else
            why.clear();
        },
        caf::after(caf::timespan{connect_patience}) >> [] {});
    if (!why.empty()) return fail(errc::busy, std::move(why));
    return {};
  }

  // ---- session_host, and begin() for the gateway ------------------------------------------------

  const caf_peers_settings& settings() const override { return settings_; }
  const self_description& self() const override { return self_; }
  bool halted() const override { return halted_; }
  doorkeeper* door() const override { return door_; }

  peer_ptr find(node_id node) const override {
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
  void begun() override { --beginning_; }

  std::uint64_t next_number() override { return ++sessions_; }
  void connected(const peer& p) override { tell({caf_peers_event::kind::connected, p.node, {}}); }

  void hand_over(peer& p, std::uint64_t number, std::vector<std::string> frames) override {
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

  void over(peer& p, std::uint64_t number, std::uint64_t attempt, std::string why) override {
    bool was_connected = false, news = false;
    {
      std::lock_guard lock(p.mutex);
      was_connected = number != 0 && p.current(number);
      if (was_connected) p.session.reset();
      if (!p.session && !why.empty()) p.trouble = why;
      if (number == 0 && attempt == 0) p.disowns = peer_status::disowned::nothing;  // nobody was there to refuse
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

  void not_taken(node_id claimed, std::string_view why) override {
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

  // What takes hellos at an address.
  result<caf::actor> gate_at(const endpoint& where) const {
    const auto at = reach(where, reach_patience);
    if (!at) return fail(at.error());
    caf::strong_actor_ptr found;
    caf::scoped_actor asking{*system_};
    // CAF's heartbeat takes a connection for silent that has only just begun.
    bool again = true, silent = false;
    for (const auto end = steady::now() + connect_patience; again && !halted_ && steady::now() < end;) {
      again = false;
      asking
          ->request(system_->openssl_manager().actor_handle(), caf::timespan{connect_patience},
                    caf::connect_atom::value, at->host, at->port)
          .receive(
              [&](const caf::node_id&, caf::strong_actor_ptr& gate, const std::set<std::string>&) { found = gate; },
              [&](const caf::error& e) {
                again = e == caf::sec::connection_timeout;
                silent = again || e == caf::sec::request_timeout;  // it loses patience by its heartbeats, or we do
              });
    }
    if (!found)
      return fail(errc::busy,
                  silent ? "it takes connections but does not answer"
                         : "no TLS connection with it: another CA, an expired certificate, or no node of nacre");
    return caf::actor_cast<caf::actor>(found);
  }

  // Returns when the connection is over, or there is none.
  void dial_once(const peer_ptr& p) {
    auto gate = gate_at(p->where);
    if (!gate) return over(*p, 0, 0, gate.error().text);
    std::unique_lock lock(p->mutex);
    if (p->leaving) return;
    const auto attempt = ++p->attempts;
    lock.unlock();
    auto made = spawn_dialling(*system_, *this, p, std::move(*gate), attempt);
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
        spawn_accepting(*self, *over, std::move(remote), std::move(message));
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

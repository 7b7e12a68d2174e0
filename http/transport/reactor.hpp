#pragma once
// One reactor thread's connections, on Pistache's Tcp::Transport.
//
// Pistache accepts, polls and hands over new peers; everything after that is here. Its own reading
// loop, write queue and timers are not used: the write queue names connections by fd number, and a
// reused number once delivered one client's answer to another (docs/adr, DESIGN section 3). Here a
// completion names its connection by object.
//
// Threads: everything runs on the reactor thread except inbox::post() and inbox::wake().

#include <pistache/peer.h>
#include <pistache/tcp.h>
#include <pistache/transport.h>

#include <array>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "actors/home.hpp"
#include "http/pending.hpp"
#include "http/session.hpp"

namespace nacre::http::transport {

class reactor;
class inbox;
class connection;

// What the reactors of one server share.
struct shared_state {
  server_config config;
  proxy_list trusted;
  handler handle;
  observer observe;
  edge_counters counters;
  body_budget bodies{limits::large_bodies_bytes_default};
  std::atomic<bool> draining{false};

  // Connections per address: touched when one opens or closes, only if that cap can bind at all.
  bool admit(const std::string& address);
  void leave(const std::string& address);

  void enlist(const std::shared_ptr<inbox>& box);
  void wake_all();
  // Waits until no connection is open; what still was unanswered is in `unquiet`.
  bool wait_closed(clock::time_point until);
  void reported(std::size_t reactor_index, std::size_t open, std::size_t unquiet);
  bool all_quiet();
  std::size_t next_index();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::unordered_map<std::string, std::size_t> per_address_;
  std::vector<std::shared_ptr<inbox>> inboxes_;
  struct report {
    std::size_t open = 0, unquiet = 0;
    bool seen = false;
  };
  std::vector<report> reports_;
};

// One request waiting for its answer.
class ticket final : public detail::pending, public std::enable_shared_from_this<ticket> {
 public:
  ticket(std::shared_ptr<inbox> box, std::weak_ptr<connection> to) : box_(std::move(box)), to_(std::move(to)) {}
  ~ticket() override;
  void answer(response&& r) noexcept override;

 private:
  friend class reactor;
  std::shared_ptr<inbox> box_;
  std::weak_ptr<connection> to_;
  std::optional<response> given_;
};

// Answers on their way to the reactor, and work that its requests asked for elsewhere and is done here. Outlives it by
// shared_ptr; closed when it goes.
class inbox final : public actors::home {
 public:
  void bind(Pistache::Polling::Epoll& poller);
  ~inbox() override;
  std::uint64_t tag() const { return wake_.tag().value(); }
  void post(std::shared_ptr<ticket> answered) noexcept;
  void post(unique_function<void()> work) noexcept override;
  void wake() noexcept;
  void take(std::vector<std::shared_ptr<ticket>>& answered, std::vector<unique_function<void()>>& work);
  void close();

 private:
  std::mutex mutex_;
  template <class T>
  void post_to(std::vector<T> inbox::*list, T what) noexcept;

  std::vector<std::shared_ptr<ticket>> answered_;
  std::vector<unique_function<void()>> work_;
  Pistache::NotifyFd wake_;
  bool open_ = true;
};

class connection final : public session, public std::enable_shared_from_this<connection> {
 public:
  connection(const server_config& config, session_host& host, const ip_address& peer_address, clock::time_point now,
             std::shared_ptr<Pistache::Tcp::Peer> p)
      : session(config, host, peer_address, now), peer(std::move(p)), fd(peer->fd()) {}

  std::shared_ptr<Pistache::Tcp::Peer> peer;
  int fd;
  std::shared_ptr<ticket> inflight;
  std::string counted_as;  // the per-address count to give back
  bool unread = false;     // the socket may hold bytes nobody asked for yet
  bool hangup = false;     // the other side has sent its last byte: read up to it
  bool want_write = false;
  bool again = false;
};

class peer_handler final : public Pistache::Tcp::Handler {
  PROTOTYPE_OF(Pistache::Tcp::Handler, peer_handler)
  void onConnection(const std::shared_ptr<Pistache::Tcp::Peer>& peer) override;
  void onInput(const char*, std::size_t, const std::shared_ptr<Pistache::Tcp::Peer>&) override {}  // never called
};

class reactor final : public Pistache::Tcp::Transport, public session_host {
 public:
  reactor(std::shared_ptr<shared_state> shared, const std::shared_ptr<Pistache::Tcp::Handler>& handler);
  ~reactor() override;

  void registerPoller(Pistache::Polling::Epoll& poller) override;
  std::shared_ptr<Pistache::Aio::Handler> clone() const override;
  void onReady(const Pistache::Aio::FdSet& fds) override;
  void adopt(const std::shared_ptr<Pistache::Tcp::Peer>& peer) noexcept;

  std::optional<response> dispatch(session& from, request&& r) override;
  void abandon(session& from) override;
  request_id next_id() override;
  std::string_view date_line() override;
  clock::time_point now() override { return clock::now(); }
  bool draining() override { return shared_->draining.load(std::memory_order_relaxed); }
  void finished(const exchange& e) override;
  edge_counters& counters() override { return shared_->counters; }
  const body_budget& bodies() override { return shared_->bodies; }
  const proxy_list& trusted_proxies() override { return shared_->trusted; }

 private:
  void serve(const Pistache::Aio::FdSet& fds);
  void pass_on(std::uint64_t tag);
  void work(connection& c);
  void take_in(connection& c);
  void send_out();
  void read(connection& c);
  bool flush(connection& c);
  void close(connection& c) noexcept;
  bool deliver();
  void tick();
  void refuse(const std::shared_ptr<Pistache::Tcp::Peer>& peer, bool tell) noexcept;
  void bury() noexcept;

  std::shared_ptr<shared_state> shared_;
  std::shared_ptr<inbox> inbox_;
  std::size_t index_ = 0;
  int timer_ = -1;
  std::uint64_t peer_queue_ = 0;  // tag of Pistache's new-peer queue, once seen
  bool adopted_ = false;
  clock::time_point now_;
  std::vector<std::shared_ptr<connection>> table_;  // by fd
  std::size_t open_ = 0;
  std::vector<std::shared_ptr<connection>> closed_, again_;
  std::vector<connection*> served_;  // within serve(): read from, not yet sent to
  std::vector<std::shared_ptr<Pistache::Tcp::Peer>> refused_;
  std::vector<std::shared_ptr<ticket>> answered_;
  std::vector<unique_function<void()>> came_;
  std::deque<unique_function<void()>> work_;
  std::unique_ptr<char[]> scratch_;
  std::array<unsigned char, 4096> randomness_{};
  std::size_t random_used_ = sizeof randomness_;
  std::int64_t date_second_ = -1;
  std::string date_line_;
};

}  // namespace nacre::http::transport

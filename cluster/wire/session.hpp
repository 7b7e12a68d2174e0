#pragma once
// The life of one connection between two nodes: the hello, the doorkeeper's word, then sealed frames and beats, until
// it is refused, silent, replaced or closed.
//
// Private to this folder: session.* and caf_peers.cpp are its only files that know CAF. A session is an actor; of the
// transport it sees `session_host`, and shares `peer` with its other threads.
//
// Threads: a session runs on CAF's workers or the thread of the sockets, one at a time. Locks, in this order:
// peer::handing (held while a frame is handled, which may send), the transport's own, peer::mutex. Errors: whatever
// goes wrong ends the session, and the host is told why in words without secrets.

#include <atomic>
#include <caf/all.hpp>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "cluster/wire/caf_peers.hpp"
#include "cluster/wire/channel.hpp"
#include "cluster/wire/endpoint.hpp"
#include "cluster/wire/flow.hpp"
#include "cluster/wire/handshake.hpp"

namespace nacre::cluster::wire {

// What actors of this process tell each other. It cannot be serialized, so no other process can say it.
enum class order : std::uint8_t { tick, close, judged, flush };
struct local_order {
  order what = order::tick;
  admission how = admission::welcome;  // of `judged`
};

}  // namespace nacre::cluster::wire

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(nacre::cluster::wire::local_order)

namespace nacre::cluster::wire {

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
  std::optional<std::chrono::steady_clock::time_point> heard;
  std::uint64_t dropped = 0;
  std::uint64_t attempts = 0, attempts_over = 0;  // of dialling
  std::string trouble, told;                      // `told`: the last one reported
  bool leaving = false;
  peer_status::disowned disowns = peer_status::disowned::nothing;

  std::mutex handing;  // one frame at a time, also while one connection takes the place of another
  std::thread dialler;
  std::atomic<bool> dialled = false;  // and that has nothing left to do

  bool current(std::uint64_t number) const { return session && session->number == number; }
};
using peer_ptr = std::shared_ptr<peer>;

// What sessions ask of the transport, which outlives them. No lock of a peer is held, but for settings() and
// next_number().
class session_host {
 public:
  virtual ~session_host() = default;
  virtual const caf_peers_settings& settings() const = 0;
  virtual const self_description& self() const = 0;
  virtual doorkeeper* door() const = 0;           // may be null
  virtual bool halted() const = 0;                // sessions end with their next tick
  virtual peer_ptr find(node_id node) const = 0;  // null: not one we are to be connected to
  // Gives back the place a connection that was accepted had among those that begin.
  virtual void begun() = 0;
  // Of a verified connection; never the same twice.
  virtual std::uint64_t next_number() = 0;
  virtual void connected(const peer& p) = 0;
  // Frames of the connection `number`, as long as it is the peer's.
  virtual void hand_over(peer& p, std::uint64_t number, std::vector<std::string> frames) = 0;
  // A connection or an attempt is over. 0: there was none.
  virtual void over(peer& p, std::uint64_t number, std::uint64_t attempt, std::string why) = 0;
  // Who dialled us, and no connection came of it. `claimed` is what it says to be, perhaps nobody we know.
  virtual void not_taken(node_id claimed, std::string_view why) = 0;
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

// A session with a peer we dialled: `gate` is what was found there. host.over() ends the attempt.
caf::actor spawn_dialling(caf::actor_system& by, session_host& host, peer_ptr with, caf::actor gate,
                          std::uint64_t attempt);
// One with whoever dialled us and said this hello; it has a place among the connections that begin.
void spawn_accepting(lasting_actor& by, session_host& host, caf::actor remote, std::string hello);

std::int64_t seconds_now();  // since 1970, for certificates

}  // namespace nacre::cluster::wire

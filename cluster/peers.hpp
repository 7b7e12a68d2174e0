#pragma once
// Bytes between the nodes of one cluster. Whoever sends must live with loss: a frame arrives once or not at all, and
// frames of one peer arrive in the order they were sent while one connection lasts.
//
// A frame is at most frame_bytes_max bytes. `from` is the identity the peer has proved, not what a frame says. Frames
// of a peer are handed over one at a time, by a thread of the transport that must not be blocked; they come from
// another machine and are checked by whoever takes them.
// Threads: any, once started. After stop() no frame is handed over any more.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "model/error.hpp"
#include "model/ids.hpp"
#include "model/unique_function.hpp"

namespace nacre::cluster {

// Never used twice in one cluster: a node that lost its disk comes back under a new one. 0 is nobody.
using node_id = std::uint64_t;

inline constexpr std::size_t frame_bytes_max = 4u << 20;

struct peer_status {
  node_id node = 0;
  std::string address;  // host:port it is dialled at
  bool connected = false;
  std::optional<std::chrono::milliseconds> silent_for;  // since its last frame or heartbeat; nothing: never heard
  std::size_t queued_bytes = 0;
  std::uint64_t dropped = 0;  // frames, since the start
  std::string trouble;        // why it is not connected, in words without secrets; empty: it is, or nobody tried yet
  enum class disowned : std::uint8_t {
    nothing,
    directory,  // it does not take our data directory for the one our number had
    number,     // it knows no member of our number
  } disowns = disowned::nothing;
};

// What shows that a node still has all it has promised under its number: the data directory that was made when it was
// founded or joined, how often it was started on it, and the process that counted so.
struct credential {
  uuid directory;
  std::uint64_t boot = 0;
  uuid process;
  friend bool operator==(const credential&, const credential&) = default;
};
struct acquaintance {
  node_id node = 0;
  credential last;
  friend bool operator==(const acquaintance&, const acquaintance&) = default;
};
inline constexpr std::size_t acquaintances_max = 32;  // told at once

// `ours_older`: what it knows of us shows that our own directory is not the newest of our number.
enum class admission : std::uint8_t { welcome, other_directory, older_start, ours_older };

// Decides who of the nodes that have proved their number may take part; asked by both ends of every new connection,
// before anything else is handled. Threads: any.
class doorkeeper {
 public:
  virtual ~doorkeeper() = default;
  virtual credential ours() const = 0;                  // a nil `process`: the transport makes one
  virtual std::vector<acquaintance> known() const = 0;  // by ascending number, at most acquaintances_max
  // Without remembering anything: for whoever must not be the only one of two that remembers the other.
  virtual admission judge(node_id who, const credential& shown, const std::vector<acquaintance>& knows) const = 0;
  // Remembers whom it lets in. `done` is called once, at once or later on any thread; or never, and then nobody is let
  // in.
  virtual void admit(node_id who, const credential& shown, const std::vector<acquaintance>& knows,
                     unique_function<void(admission)> done) = 0;
};

class peers {
 public:
  using receiver = std::function<void(node_id from, std::string frame)>;

  virtual ~peers() = default;
  // Before start(); outlives it. Without one everybody is welcome who proves a member's number.
  virtual void set_doorkeeper(doorkeeper* /*at_the_door*/) {}
  virtual result<void> start(receiver on_frame) = 0;
  // False: dropped, for there is no connection or its queue is full.
  virtual bool send(node_id to, std::string frame) = 0;
  // Who is to be connected to from now on, this node not among them; the others are disconnected.
  struct neighbour {
    node_id node = 0;
    std::string address;
    uuid directory = {};  // which has this number, as far as the members have agreed on one; nil: they have not
    friend bool operator==(const neighbour&, const neighbour&) = default;
  };
  virtual void set_neighbours(std::vector<neighbour> all) = 0;
  virtual std::vector<peer_status> status() const = 0;
  virtual void stop() = 0;
};

}  // namespace nacre::cluster

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
};

class peers {
 public:
  using receiver = std::function<void(node_id from, std::string frame)>;

  virtual ~peers() = default;
  virtual result<void> start(receiver on_frame) = 0;
  // False: dropped, for there is no connection or its queue is full.
  virtual bool send(node_id to, std::string frame) = 0;
  // Who is to be connected to from now on, this node not among them; the others are disconnected.
  struct neighbour {
    node_id node = 0;
    std::string address;
  };
  virtual void set_neighbours(std::vector<neighbour> all) = 0;
  virtual std::vector<peer_status> status() const = 0;
  virtual void stop() = 0;
};

}  // namespace nacre::cluster

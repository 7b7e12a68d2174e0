#pragma once
// cluster::peers over CAF remoting with mutual TLS, and a signed hello inside it (handshake.hpp).
//
// CAF's TLS is anonymous when files are missing, so without a CA, a certificate and a key that fit together nothing is
// made. Of two nodes the one with the higher id dials. What a peer has not taken is at most `window_bytes`, on both
// ends; what finds no room is dropped and counted. A peer that is silent for `silence` is disconnected and dialled
// again, with pauses that grow to `redial_most`.
//
// It has an actor system of its own (docs/adr/0020). Threads: any. start() fails with `invalid` (what an operator must
// mend) or `busy` (the port is taken). Blocking: start(), stop() and finds() up to a few seconds; nothing else.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "cluster/peers.hpp"
#include "model/ids.hpp"

namespace nacre::cluster {

struct caf_peers_event {
  enum class kind : std::uint8_t { connected, disconnected, refused };  // refused: also not reached
  kind what = kind::connected;
  node_id node = 0;    // as it says itself if it was refused
  std::string reason;  // in words without secrets
};

struct caf_peers_settings {
  node_id self = 0;  // must be what the certificate says
  std::string listen_address = "127.0.0.1";
  std::uint16_t port = 0;            // 0: any, see caf_peers::port()
  std::string ca, certificate, key;  // files, PEM
  std::string root_check;            // names the root key (key_provider::check_value); never sent
  std::size_t window_bytes = 16u << 20;
  std::chrono::milliseconds beat{250};
  std::chrono::milliseconds silence{2'000};
  std::chrono::milliseconds redial_least{100}, redial_most{1'000};
  std::function<void(const caf_peers_event&)> on_event;  // for the log; any thread, must not block
};

class caf_peers : public peers {
 public:
  virtual std::uint16_t port() const = 0;            // listened on, after start()
  virtual const uuid& cluster_id() const = 0;        // as the CA's certificate says
  virtual std::int64_t certificate_end() const = 0;  // of our certificate or the CA's, seconds since 1970
  // Whether it is that node who answers at that address: a node that dialled us has not shown that. It must know us.
  // Nothing comes of it. Errors say why in words without secrets. Once started; not while or after it stops.
  virtual result<void> finds(const neighbour& who) const = 0;
};

result<std::unique_ptr<caf_peers>> make_caf_peers(caf_peers_settings settings);

}  // namespace nacre::cluster

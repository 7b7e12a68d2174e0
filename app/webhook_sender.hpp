#pragma once
// Delivers what waits for webhooks: finds what is due, signs and posts it, and has the log settle it.
//
// A delivery stays in the log's state until its settling is committed, so that a crash at any moment costs
// at most a second sending under the same id. Results are settled per workspace, many in one command, one
// command under way at a time. Nothing of a URL but its host is told to anybody.
// Threads: wake() any; one thread of its own works, and never waits for the network.

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "cluster/log.hpp"
#include "crypto/keyring.hpp"
#include "http/outbound/poster.hpp"
#include "model/time.hpp"
#include "model/webhooks.hpp"

namespace nacre::app {

// One attempt, for the log and the metrics.
struct webhook_attempt {
  workspace_id workspace;
  webhook_id webhook;
  uuid delivery;
  std::string_view type;     // "pat.revealed"
  std::string host;          // and port, unless it is the scheme's own
  std::string_view outcome;  // "delivered", "retry", "given_up", "gone"
  std::string_view reason;   // of the poster
  int status = 0;            // HTTP; 0: not answered
  std::uint32_t number = 1;
};

struct webhook_sender_settings {
  std::size_t at_once = 64;  // posts under way
  std::size_t per_host = 4;  // of those, to one host and port
  std::size_t per_workspace = 16;
  std::string node = "solo";                                               // named in audit entries
  std::function<void(const webhook_attempt&)> attempted;                   // on the sender's thread
  std::function<void(workspace_id, webhook_id, const error&)> unsendable;  // its secret does not open; a defect
};

class webhook_sender {
 public:
  struct levels {
    std::uint64_t webhooks = 0;  // for which something waits
    std::uint64_t waiting = 0;   // deliveries
    std::uint64_t under_way = 0;
  };

  virtual ~webhook_sender() = default;
  // Something may be due: cheap, for the log's commit listener.
  virtual void wake() = 0;
  virtual levels stats() const = 0;
  // Begins nothing more, and settles what is under way for at most that long. The log must still run.
  virtual void stop(std::chrono::milliseconds at_most) = 0;
};

// `log`, `keys`, `time` and `out` must outlive the sender; so must it `out`'s and the log's stop().
std::unique_ptr<webhook_sender> make_webhook_sender(cluster::log& log, const crypto::keyring& keys, const clock& time,
                                                    http::poster& out, webhook_sender_settings s);

}  // namespace nacre::app

#pragma once
// What /metrics answers: Prometheus text, format 0.0.4.
//
// Happenings are counted where they happen, with relaxed atomics and no lock (an exchange costs well
// under 200 ns); levels such as queue depth are asked of probes at scrape. Labels come from closed sets
// of ours (route templates, refusal reasons), never from input; each table is bounded all the same and
// counts the rest under "other".
// Threads: everything is safe from any thread. A probe runs on the scraping thread and must not block.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/server.hpp"

namespace nacre::app {

// Levels and totals kept elsewhere. What no probe fills is not shown.
struct readings {
  std::optional<http::server::counters> http;
  struct actor_levels {
    std::uint64_t awake = 0;       // workspaces with a running actor
    std::uint64_t under_way = 0;   // orders waiting or being carried out
    std::uint64_t busy_total = 0;  // refused because a queue was full
  };
  std::optional<actor_levels> actors;
  struct log_levels {
    std::uint64_t commit_index = 0;
    std::uint64_t pending = 0;  // proposed, not yet settled
    bool writable = true;       // false: closed after a storage error
  };
  std::optional<log_levels> log;
  struct group_levels {
    std::uint32_t group = 0;
    bool leads = false;       // this node
    bool has_leader = false;  // as far as this node knows
    std::uint64_t term = 0, commit_index = 0, applied_index = 0;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> behind;  // node, and entries it lacks; as leader
  };
  struct peer_levels {
    std::uint64_t node = 0;
    bool connected = false;
    std::uint64_t queued_bytes = 0, dropped = 0;
    std::optional<double> silent_for_s;  // nothing: never heard of
  };
  struct cluster_levels {
    std::vector<group_levels> groups;
    std::vector<peer_levels> peers;
  };
  std::optional<cluster_levels> cluster;
  struct webhook_levels {
    std::uint64_t webhooks = 0;   // for which something waits
    std::uint64_t waiting = 0;    // deliveries
    std::uint64_t under_way = 0;  // of those, being sent
  };
  std::optional<webhook_levels> webhooks;
  std::optional<std::uint64_t> audit_sink_failures;
  std::optional<std::uint64_t> audit_sink_queue_bytes;
  std::optional<std::uint64_t> log_lines_dropped;
  std::optional<std::uint64_t> storage_bytes;  // on disk
  std::optional<bool> ready;
};

class metrics {
 public:
  explicit metrics(std::string_view version);
  ~metrics();

  void exchange(const http::exchange& done);

  // One durable round of the log: how many commands it carried; how long its sync took, if it had one.
  void round_committed(std::size_t commands, bool synced, std::int64_t sync_us);
  // As http::probes::budget_refused names them.
  void budget_refused(std::string_view budget);
  // As http::probes::auth_failed: the gate's word for why.
  void authentication_failed(std::string_view reason);

  // An attempt to deliver: "delivered", "retry", "given_up", "gone".
  void webhook_attempted(std::string_view outcome);

  using probe = std::function<void(readings&)>;
  void add_probe(probe p);

  std::string scrape() const;
  static constexpr std::string_view content_type = "text/plain; version=0.0.4; charset=utf-8";

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace nacre::app

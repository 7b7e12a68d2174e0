#include "app/metrics.hpp"

#include <dirent.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <ctime>
#include <mutex>
#include <utility>
#include <vector>

namespace nacre::app {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using labels = std::vector<ClientMetric::Label>;
using counter = std::atomic<std::uint64_t>;

void add(counter& to, std::uint64_t n = 1) { to.fetch_add(n, std::memory_order_relaxed); }
std::uint64_t value_of(const counter& c) { return c.load(std::memory_order_relaxed); }

// Fixed upper bounds, ascending; one more bucket for the rest.
template <std::size_t N>
struct histogram {
  const std::array<std::uint64_t, N>& bounds;
  std::array<counter, N + 1> buckets{};
  counter sum{0};

  void observe(std::uint64_t value) {
    std::size_t i = 0;
    while (i < N && value > bounds[i]) ++i;
    add(buckets[i]);
    add(sum, value);
  }
  // `per`: how many of the counted unit make one of the shown unit.
  ClientMetric collect(labels with, double per) const {
    ClientMetric out;
    out.label = std::move(with);
    std::uint64_t cumulative = 0;
    for (std::size_t i = 0; i < N; ++i) {
      cumulative += value_of(buckets[i]);
      out.histogram.bucket.push_back({cumulative, static_cast<double>(bounds[i]) / per});
    }
    // The count is the sum of the buckets read, so that a scrape in the middle of it all stays consistent.
    cumulative += value_of(buckets[N]);
    out.histogram.sample_count = cumulative;
    out.histogram.sample_sum = static_cast<double>(value_of(sum)) / per;
    return out;
  }
};

constexpr std::array<std::uint64_t, 15> latency_us = {
    50, 100, 250, 500, 1'000, 2'500, 5'000, 10'000, 20'000, 50'000, 100'000, 250'000, 500'000, 1'000'000, 5'000'000};
constexpr std::array<std::uint64_t, 11> round_sizes = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1'024};
constexpr double us_per_s = 1e6;  // dividing rounds 100 us to 0.0001, multiplying does not

// Cells found by text, without a lock: slots are only ever filled, each once, under the mutex. At most
// half of the slots are used; what comes later is counted in the cell made first, for "other".
template <class Cell, std::size_t Slots>
class table {
 public:
  template <class... Other>
  explicit table(Other... other) : other_(own(std::make_unique<Cell>(std::string(other)...))) {}

  template <class... Text>
  Cell& at(Text... text) {
    static_assert((Slots & (Slots - 1)) == 0);
    std::size_t at = hash(text...) & (Slots - 1);
    for (std::size_t probe = 0; probe < Slots; ++probe) {
      Cell* cell = slots_[at].load(std::memory_order_acquire);
      if (!cell) return insert(text...);
      if (cell->is(text...)) return *cell;
      at = (at + 1) & (Slots - 1);
    }
    return *other_;
  }

  template <class Visit>
  void each(Visit visit) const {
    std::lock_guard lock(mutex_);
    for (const auto& cell : cells_) visit(*cell);
  }

 private:
  template <class... Text>
  static std::size_t hash(Text... text) {
    std::size_t h = 0;
    ((h = h * 31 + std::hash<std::string_view>{}(text)), ...);
    return h;
  }
  Cell* own(std::unique_ptr<Cell> cell) {
    cells_.push_back(std::move(cell));
    return cells_.back().get();
  }
  template <class... Text>
  Cell& insert(Text... text) {
    std::lock_guard lock(mutex_);
    if (cells_.size() > Slots / 2) return *other_;
    std::size_t at = hash(text...) & (Slots - 1);
    while (Cell* cell = slots_[at].load(std::memory_order_relaxed)) {  // another thread may have been first
      if (cell->is(text...)) return *cell;
      at = (at + 1) & (Slots - 1);
    }
    Cell* made = own(std::make_unique<Cell>(std::string(text)...));
    slots_[at].store(made, std::memory_order_release);
    return *made;
  }

  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<Cell>> cells_;
  std::array<std::atomic<Cell*>, Slots> slots_{};
  Cell* other_;
};

struct route_cell {
  route_cell(std::string v, std::string r) : verb(std::move(v)), route(std::move(r)) {}
  bool is(std::string_view v, std::string_view r) const { return r == route && v == verb; }
  const std::string verb, route;
  std::array<counter, 500> statuses{};  // 100..599
  histogram<latency_us.size()> latency{latency_us};
  counter request_bytes{0}, response_bytes{0};
};

struct named_cell {
  explicit named_cell(std::string n) : name(std::move(n)) {}
  bool is(std::string_view n) const { return n == name; }
  const std::string name;
  counter count{0};
};
using named_table = table<named_cell, 64>;

ClientMetric number(double value, labels with, MetricType type) {
  ClientMetric out;
  out.label = std::move(with);
  (type == MetricType::Counter ? out.counter.value : out.gauge.value) = value;
  return out;
}

class families {
 public:
  MetricFamily& family(std::string name, std::string help, MetricType type) {
    return all_.emplace_back(MetricFamily{std::move(name), std::move(help), type, {}});
  }
  template <class Number>
  void gauge(std::string name, std::string help, Number value) {
    one(std::move(name), std::move(help), static_cast<double>(value), MetricType::Gauge);
  }
  template <class Number>
  void count(std::string name, std::string help, Number value) {
    one(std::move(name), std::move(help), static_cast<double>(value), MetricType::Counter);
  }
  std::string text() const { return prometheus::TextSerializer{}.Serialize(all_); }

 private:
  void one(std::string name, std::string help, double value, MetricType type) {
    family(std::move(name), std::move(help), type).metric.push_back(number(value, {}, type));
  }
  std::vector<MetricFamily> all_;
};

void add_named(families& out, std::string name, std::string help, const std::string& label, const named_table& from) {
  auto& family = out.family(std::move(name), std::move(help), MetricType::Counter);
  from.each([&](const named_cell& cell) {
    if (cell.name == "other" && value_of(cell.count) == 0) return;
    family.metric.push_back(
        number(static_cast<double>(value_of(cell.count)), {{label, cell.name}}, MetricType::Counter));
  });
}

// The names every Prometheus client library uses for these.
void add_process(families& out, double started_s) {
  if (std::FILE* statm = std::fopen("/proc/self/statm", "re")) {
    unsigned long long size = 0, resident = 0;
    if (std::fscanf(statm, "%llu %llu", &size, &resident) == 2) {  // NOLINT(cert-err34-c): the kernel wrote it
      auto page = static_cast<unsigned long long>(sysconf(_SC_PAGESIZE));
      out.gauge("process_virtual_memory_bytes", "Virtual memory size.", size * page);
      out.gauge("process_resident_memory_bytes", "Resident memory size.", resident * page);
    }
    (void)std::fclose(statm);  // only read from
  }
  if (DIR* fds = opendir("/proc/self/fd")) {
    long open = -3;  // ".", ".." and the directory itself
    while (readdir(fds)) ++open;
    closedir(fds);
    out.gauge("process_open_fds", "Open file descriptors.", open);
  }
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    out.gauge("process_max_fds", "Limit of open file descriptors.", files.rlim_cur);
  }
  rusage used{};
  if (getrusage(RUSAGE_SELF, &used) == 0) {
    auto seconds = [](const timeval& t) {
      return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / us_per_s;
    };
    out.count("process_cpu_seconds_total", "CPU time, user and system.",
              seconds(used.ru_utime) + seconds(used.ru_stime));
  }
  out.gauge("process_start_time_seconds", "Start, in seconds since 1970.", started_s);
}

// One family with a value for each of `all`; `with` tells labels and value.
template <class List, class With>
void each_gauge(families& out, std::string name, std::string help, const List& all, With with,
                MetricType type = MetricType::Gauge) {
  auto& family = out.family(std::move(name), std::move(help), type);
  for (const auto& one : all) {
    auto [labelled, value] = with(one);
    family.metric.push_back(number(static_cast<double>(value), std::move(labelled), type));
  }
}

void add_cluster(families& out, const readings::cluster_levels& c) {
  const auto per_group = [&](std::string name, std::string help, auto value) {
    each_gauge(out, std::move(name), std::move(help), c.groups, [&](const readings::group_levels& g) {
      return std::pair{labels{{"group", std::to_string(g.group)}}, value(g)};
    });
  };
  per_group("nacre_cluster_leads", "1 on the node that leads the group.",
            [](const auto& g) { return g.leads ? 1 : 0; });
  per_group("nacre_cluster_has_leader", "0 while this node knows of no leader: it takes no changes.",
            [](const auto& g) { return g.has_leader ? 1 : 0; });
  per_group("nacre_cluster_term", "Rises with every election.", [](const auto& g) { return g.term; });
  per_group("nacre_cluster_commit_index", "Last entry this node knows a majority to have.",
            [](const auto& g) { return g.commit_index; });
  per_group("nacre_cluster_applied_index", "Last entry whose effect this node shows.",
            [](const auto& g) { return g.applied_index; });
  struct lag {
    std::uint32_t group;
    std::uint64_t node, entries;
  };
  std::vector<lag> behind;
  for (const auto& g : c.groups)
    for (auto [node, entries] : g.behind) behind.push_back({g.group, node, entries});
  each_gauge(out, "nacre_cluster_behind", "Entries another node lacks, as the leader knows.", behind, [](const lag& l) {
    return std::pair{labels{{"group", std::to_string(l.group)}, {"node", std::to_string(l.node)}}, l.entries};
  });
  const auto per_peer = [&](std::string name, std::string help, auto value, MetricType type = MetricType::Gauge) {
    each_gauge(
        out, std::move(name), std::move(help), c.peers,
        [&](const readings::peer_levels& p) {
          return std::pair{labels{{"node", std::to_string(p.node)}}, value(p)};
        },
        type);
  };
  per_peer("nacre_cluster_connected", "1 while the node is connected to that one.",
           [](const auto& p) { return p.connected ? 1 : 0; });
  per_peer("nacre_cluster_silent_seconds", "Since that node was last heard of; -1: never.",
           [](const auto& p) { return p.silent_for_s.value_or(-1); });
  per_peer("nacre_cluster_queued_bytes", "Sent to that node and not taken yet.",
           [](const auto& p) { return p.queued_bytes; });
  per_peer(
      "nacre_cluster_frames_dropped_total", "Not sent for want of room or connection; what mattered is sent again.",
      [](const auto& p) { return p.dropped; }, MetricType::Counter);
}

void add_readings(families& out, const readings& r) {
  if (r.http) {
    out.gauge("nacre_http_connections", "Open client connections.", r.http->connections_open);
    out.count("nacre_http_connections_total", "Accepted client connections.", r.http->connections_total);
    out.count("nacre_http_connections_refused_total", "Connections closed on accept.", r.http->connections_refused);
    out.count("nacre_http_bodies_refused_total", "Large bodies refused for want of memory (http.large_bodies_mib).",
              r.http->bodies_refused);
    out.count("nacre_http_parse_errors_total", "Messages that were not strict HTTP/1.1.", r.http->parse_errors);
    out.count("nacre_http_timeouts_total", "Connections closed by a deadline.", r.http->timeouts);
    out.gauge("nacre_http_requests_in_flight", "Requests being answered.", r.http->inflight);
  }
  if (r.actors) {
    out.gauge("nacre_workspaces_awake", "Workspaces with a running actor.", r.actors->awake);
    out.gauge("nacre_actor_queue_depth", "Orders waiting for their workspace or being carried out.",
              r.actors->under_way);
    out.count("nacre_actor_busy_total", "Orders refused because a queue was full.", r.actors->busy_total);
  }
  if (r.log) {
    out.gauge("nacre_log_commit_index", "Last committed command.", r.log->commit_index);
    out.gauge("nacre_log_pending", "Commands proposed and not yet settled.", r.log->pending);
    out.gauge("nacre_log_writable", "0 after a storage error: the node takes no more writes.", r.log->writable ? 1 : 0);
  }
  if (r.cluster) add_cluster(out, *r.cluster);
  if (r.webhooks) {
    out.gauge("nacre_webhooks_with_deliveries", "Webhooks for which deliveries wait.", r.webhooks->webhooks);
    out.gauge("nacre_webhook_deliveries_waiting", "Deliveries not settled yet, counted every five seconds.",
              r.webhooks->waiting);
    out.gauge("nacre_webhook_deliveries_under_way", "Deliveries being sent.", r.webhooks->under_way);
  }
  if (r.audit_sink_failures) {
    out.count("nacre_audit_sink_failures_total", "Lines lost to the audit sink (never to the log).",
              *r.audit_sink_failures);
  }
  if (r.audit_sink_queue_bytes) {
    out.gauge("nacre_audit_sink_queue_bytes", "Waiting for the audit sink.", *r.audit_sink_queue_bytes);
  }
  if (r.log_lines_dropped) {
    out.count("nacre_log_lines_dropped_total", "Log lines nobody read in time.", *r.log_lines_dropped);
  }
  if (r.storage_bytes) out.gauge("nacre_storage_bytes", "Bytes of the store on disk.", *r.storage_bytes);
  if (r.ready) out.gauge("nacre_ready", "1 while /readyz answers 200.", *r.ready ? 1 : 0);
}

}  // namespace

struct metrics::impl {
  explicit impl(std::string_view v) : version(v) {}

  const std::string version;
  const double started_s = static_cast<double>(std::time(nullptr));
  table<route_cell, 1024> routes{"OTHER", "other"};
  counter commands{0}, rounds{0};
  histogram<round_sizes.size()> round{round_sizes};
  histogram<latency_us.size()> sync{latency_us};
  named_table budgets{"other"}, authentications{"other"}, webhooks{"other"};
  mutable std::mutex probes_mutex;
  std::vector<probe> probes;
};

metrics::metrics(std::string_view version) : impl_(std::make_unique<impl>(version)) {}
metrics::~metrics() = default;

void metrics::exchange(const http::exchange& done) {
  route_cell& cell = impl_->routes.at(done.verb, done.route);
  auto status = static_cast<std::size_t>(done.status >= 100 && done.status <= 599 ? done.status : 599);
  add(cell.statuses[status - 100]);
  cell.latency.observe(static_cast<std::uint64_t>(done.microseconds < 0 ? 0 : done.microseconds));
  add(cell.request_bytes, done.request_bytes);
  add(cell.response_bytes, done.response_bytes);
}

void metrics::round_committed(std::size_t commands, bool synced, std::int64_t sync_us) {
  add(impl_->rounds);
  add(impl_->commands, commands);
  impl_->round.observe(commands);
  if (synced) impl_->sync.observe(static_cast<std::uint64_t>(sync_us < 0 ? 0 : sync_us));
}

void metrics::budget_refused(std::string_view budget) { add(impl_->budgets.at(budget).count); }
void metrics::authentication_failed(std::string_view reason) { add(impl_->authentications.at(reason).count); }

void metrics::webhook_attempted(std::string_view outcome) { add(impl_->webhooks.at(outcome).count); }

void metrics::add_probe(probe p) {
  std::lock_guard lock(impl_->probes_mutex);
  impl_->probes.push_back(std::move(p));
}

std::string metrics::scrape() const {
  readings now;
  {
    std::lock_guard lock(impl_->probes_mutex);
    for (const auto& each : impl_->probes) each(now);
  }

  families out;
  out.family("nacre_build_info", "The program; always 1.", MetricType::Gauge)
      .metric.push_back(number(1, {{"version", impl_->version}, {"compiler", __VERSION__}}, MetricType::Gauge));

  MetricFamily requests{"nacre_http_requests_total", "Answered requests.", MetricType::Counter, {}};
  MetricFamily seconds{"nacre_http_request_seconds", "From the first byte to the answer.", MetricType::Histogram, {}};
  MetricFamily received{"nacre_http_request_bytes_total", "Bytes of requests.", MetricType::Counter, {}};
  MetricFamily sent{"nacre_http_response_bytes_total", "Bytes of answers.", MetricType::Counter, {}};
  impl_->routes.each([&](const route_cell& cell) {
    labels route = {{"method", cell.verb}, {"route", cell.route}};
    bool used = false;
    for (std::size_t i = 0; i < cell.statuses.size(); ++i) {
      auto n = value_of(cell.statuses[i]);
      if (n == 0) continue;
      used = true;
      labels with = route;
      with.push_back({"status", std::to_string(i + 100)});
      requests.metric.push_back(number(static_cast<double>(n), std::move(with), MetricType::Counter));
    }
    if (!used) return;
    seconds.metric.push_back(cell.latency.collect(route, us_per_s));
    received.metric.push_back(number(static_cast<double>(value_of(cell.request_bytes)), route, MetricType::Counter));
    sent.metric.push_back(number(static_cast<double>(value_of(cell.response_bytes)), route, MetricType::Counter));
  });
  for (auto* family : {&requests, &seconds, &received, &sent}) {
    if (!family->metric.empty()) out.family(family->name, family->help, family->type).metric = family->metric;
  }

  out.count("nacre_log_commands_total", "Committed commands.", value_of(impl_->commands));
  out.count("nacre_log_rounds_total", "Rounds: commands that became durable together.", value_of(impl_->rounds));
  out.family("nacre_log_round_commands", "Commands in one round.", MetricType::Histogram)
      .metric.push_back(impl_->round.collect({}, 1));
  // Its _count is the number of syncs.
  out.family("nacre_log_sync_seconds", "Synced writes of the log.", MetricType::Histogram)
      .metric.push_back(impl_->sync.collect({}, us_per_s));

  add_named(out, "nacre_budget_refused_total", "Requests answered 429, by the budget that was spent.", "budget",
            impl_->budgets);
  add_named(out, "nacre_authentication_failures_total", "Refused credentials.", "reason", impl_->authentications);
  add_named(out, "nacre_webhook_attempts_total", "Attempts to deliver to webhooks.", "outcome", impl_->webhooks);
  add_readings(out, now);
  add_process(out, impl_->started_s);
  return out.text();
}

}  // namespace nacre::app

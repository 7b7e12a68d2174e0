#include "app/engine.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "cluster/founding.hpp"
#include "cluster/raft_log.hpp"
#include "cluster/solo.hpp"
#include "cluster/stage.hpp"
#include "cluster/wire/endpoint.hpp"
#include "crypto/certificates.hpp"

namespace nacre::app {

namespace {

std::int64_t now_in_seconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

void log_connection(logger& log, const cluster::caf_peers_event& e) {
  using kind = cluster::caf_peers_event::kind;
  auto line = e.what == kind::connected      ? log.info("node connected")
              : e.what == kind::disconnected ? log.warn("node disconnected")
                                             : log.warn("node refused or not reached");
  std::move(line).number("node", e.node).text("reason", e.reason);
}

// The others dial what the cluster keeps, whatever the configuration has come to say.
void compare_address(const std::vector<cluster::peers::neighbour>& kept,
                     const std::vector<cluster::peers::neighbour>& configured, cluster::node_id self, logger& log) {
  const auto own = [self](const auto& all) {
    return std::find_if(all.begin(), all.end(), [self](const auto& m) { return m.node == self; });
  };
  const auto is = own(kept), says = own(configured);
  if (is == kept.end() || says == configured.end() || is->address == says->address) return;
  log.warn("cluster.peers has another address of this node than the cluster: the others look for it at the cluster's")
      .number("node", self)
      .text("cluster", is->address)
      .text("configured", says->address);
}

// The directory's own word on whose it is, against the configuration's.
result<void> settle_ownership(const config& c, storage::store& store) {
  auto groups = cluster::groups_of_cluster(store);
  if (!groups) return fail(groups.error());
  const auto& k = c.cluster;
  if (k.node == 0) {
    if (*groups == 0) return {};
    return fail(errc::conflict,
                "the data directory belongs to a cluster: a single node must not go on from it "
                "(cluster.node is 0)");
  }
  if (*groups == k.groups) return {};
  if (*groups != 0) {
    return fail(errc::conflict, "the data directory's cluster has " + std::to_string(*groups) +
                                    " groups, cluster.groups is " + std::to_string(k.groups));
  }
  if (cluster::read_applied_index(*store.snapshot()) != 0) {
    return fail(errc::conflict, std::string("the data directory is a single node's: ") +
                                    (k.join ? "a node that joins begins with an empty directory"
                                            : "`nacre cluster init` makes a cluster of it"));
  }
  const auto count = static_cast<std::uint32_t>(k.groups);
  return k.join ? cluster::join_cluster(store, count) : cluster::found_cluster(store, count, members_of(c));
}

result<engine> open_raft(const config& c, const installation& at, cluster::commit_listener on_commit, const clock& time,
                         logger& log) {
  const auto& k = c.cluster;
  const auto listen = cluster::wire::parse_endpoint(k.listen);
  if (!listen) return fail(errc::invalid, "cluster.listen is no address:port");
  cluster::caf_peers_settings wires;
  wires.self = k.node;
  wires.listen_address = listen->host;
  wires.port = listen->port;
  wires.ca = k.ca;
  wires.certificate = k.certificate;
  wires.key = k.key;
  wires.root_check = at.keys->root_check_value();
  wires.on_event = [&log](const cluster::caf_peers_event& e) { log_connection(log, e); };
  auto connections = cluster::make_caf_peers(std::move(wires));
  if (!connections) return fail(connections.error());

  cluster::raft_options options;
  options.self = k.node;
  options.contacts = members_of(c);
  options.heartbeat = k.heartbeat;
  options.election = k.election;
  // The shredder goes over the files every third of the deadline, and must find it cut by then.
  options.cut_after = c.storage.shred_deadline / 4;
  engine out;
  out.connections = std::move(*connections);
  out.words = std::make_unique<standings>(*out.connections);
  auto ordered = cluster::make_raft_log(*at.store, std::move(options), *out.words, std::move(on_commit));
  if (!ordered) return fail(ordered.error());
  out.ordered = std::move(*ordered);
  compare_address(out.ordered->standing().members_reached, members_of(c), k.node, log);
  out.membership = std::make_unique<members>(*out.ordered, *out.words, *out.connections, *at.keys, time);
  return out;
}

readings::cluster_levels levels_of(const cluster::cluster_status& s, const std::vector<cluster::peer_status>& peers) {
  readings::cluster_levels out;
  for (const auto& g : s.groups) {
    readings::group_levels level;
    level.group = g.group;
    level.leads = g.role == cluster::group_role::leader;
    level.has_leader = g.leader != 0;
    level.term = g.term;
    level.commit_index = g.commit_index;
    level.applied_index = g.applied_index;
    for (const auto& other : g.others)
      level.behind.emplace_back(other.node, g.commit_index - std::min(g.commit_index, other.match_index));
    out.groups.push_back(std::move(level));
  }
  for (const auto& p : peers) {
    out.peers.push_back(
        {p.node, p.connected, p.queued_bytes, p.dropped,
         p.silent_for ? std::optional(static_cast<double>(p.silent_for->count()) / 1e3) : std::nullopt});
  }
  return out;
}

}  // namespace

std::string node_name_of(const config& c) {
  return c.cluster.node == 0 ? "solo" : "node-" + std::to_string(c.cluster.node);
}

result<std::string> cluster_id_of(const config& c) {
  const auto& k = c.cluster;
  if (k.node == 0) return std::string();
  auto identity = crypto::node_identity::read_files({k.ca, k.certificate, k.key}, now_in_seconds());
  if (!identity) return fail(identity.error());
  if (identity->name().node != k.node) {
    return fail(errc::invalid, "cluster.certificate is node " + std::to_string(identity->name().node) +
                                   "'s, cluster.node is " + std::to_string(k.node));
  }
  return std::string(identity->name().cluster.view());
}

result<engine> open_engine(const config& c, const installation& at, cluster::commit_listener on_commit,
                           const clock& time, logger& log) {
  if (auto ours = settle_ownership(c, *at.store); !ours) return fail(ours.error());
  if (c.cluster.node != 0) return open_raft(c, at, std::move(on_commit), time, log);
  cluster::solo_options options;
  options.gather = c.commit.delay;
  options.round_max = c.commit.batch_max;
  engine out;
  out.ordered = cluster::make_solo_log(*at.store, options, std::move(on_commit));
  return out;
}

void engine::stop() {
  if (membership) membership->stop();
  if (ordered) ordered->stop();
}

std::vector<std::string> not_ready_reasons(const engine& of) {
  const auto here = of.ordered->standing();
  return reasons_of(here, of.connections ? of.connections->status() : std::vector<cluster::peer_status>{});
}

void read_levels(const engine& of, readings& into) {
  const auto status = of.ordered->status();
  into.log = readings::log_levels{status.commit_index, status.pending, status.writable};
  if (of.connections) into.cluster = levels_of(of.ordered->standing(), of.connections->status());
}

}  // namespace nacre::app

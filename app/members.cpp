#include "app/members.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "app/options.hpp"
#include "cluster/wire/endpoint.hpp"

namespace nacre::app {

namespace {

using cluster::cluster_status;
using cluster::node_id;
using neighbour = cluster::peers::neighbour;
using steady = std::chrono::steady_clock;

constexpr std::chrono::milliseconds guest_patience{6'000};  // for whoever comes to connect and say who they are
constexpr std::chrono::milliseconds look_every{50};
constexpr std::int64_t certificate_end_max = 253'402'300'799;  // of the year 9999: what a peer says may be anything

bool holds(const std::vector<neighbour>& all, node_id node) {
  return std::any_of(all.begin(), all.end(), [node](const auto& m) { return m.node == node; });
}

std::string_view name_of(cluster::group_role role) {
  switch (role) {  // No default, on purpose.
    case cluster::group_role::follower:
      return "follower";
    case cluster::group_role::candidate:
      return "candidate";
    case cluster::group_role::leader:
      return "leader";
    case cluster::group_role::stopped:
      return "stopped";
  }
  return "unknown";  // as a peer may say
}

// Of all its groups.
std::string role_of(const node_word& w) {
  if (w.of.empty()) return "unknown";
  if (w.failed) return std::string(name_of(cluster::group_role::stopped));
  auto most = static_cast<cluster::group_role>(w.of.front().role);
  for (const auto& g : w.of)
    if (static_cast<cluster::group_role>(g.role) == cluster::group_role::leader) most = cluster::group_role::leader;
  return std::string(name_of(most));
}

bool holds_state(const node_word& w) {
  return std::none_of(w.of.begin(), w.of.end(), [](const auto& g) { return g.fetching; });
}

bool knows_leaders(const node_word& w) {
  return std::none_of(w.of.begin(), w.of.end(), [](const auto& g) { return g.leader == 0; });
}

// Takes part in what is the present epoch of each group here.
bool is_up_to_date(const node_word& w, const cluster_status& here) {
  if (w.failed || !holds_state(w) || !knows_leaders(w) || w.of.size() != here.groups.size()) return false;
  for (std::size_t i = 0; i < w.of.size(); ++i)
    if (w.of[i].epoch < here.groups[i].epoch) return false;
  return !w.waits;
}

std::string mebibytes(std::uint64_t bytes) {
  const auto tenths = bytes * 10 / (1u << 20);
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " MiB";
}

auto unheard(const neighbour& who, const std::string& trouble) {
  return fail(errc::conflict, "Node " + std::to_string(who.node) + " does not answer at " + who.address +
                                  (trouble.empty() ? "" : ": " + trouble) +
                                  ". It must run, with a certificate of this cluster, and wait to be taken in");
}

std::string trouble_with(node_id node, const std::vector<cluster::peer_status>& connections) {
  for (const auto& p : connections)
    if (p.node == node) return p.trouble;
  return {};
}

}  // namespace

std::vector<std::string> reasons_of(const cluster_status& s, const std::vector<cluster::peer_status>& connections) {
  using disowned = cluster::peer_status::disowned;
  const auto disown = [&](disowned what) {
    return static_cast<std::size_t>(std::count_if(connections.begin(), connections.end(), [&](const auto& p) {
      // An empty directory knows no members: there whoever is asked counts.
      return p.disowns == what &&
             (s.members.empty() || std::find(s.members.begin(), s.members.end(), p.node) != s.members.end());
    }));
  };
  constexpr auto other_directory =
      "cluster: this data directory is not the one the others know under this node's number";
  std::vector<std::string> out;
  const auto& groups = s.groups;
  if (groups.empty()) return out;
  std::uint64_t fetched = 0;
  std::size_t fetching = 0;
  for (const auto& g : groups) {
    fetched += g.fetched_bytes;
    if (g.fetching) ++fetching;
  }
  if (s.members.empty() && fetched == 0) {
    out.emplace_back(disown(disowned::directory) > 0 ? other_directory
                                                     : "cluster: waits to be taken in: `nacre cluster add`");
    return out;
  }
  if (fetching > 0) out.push_back("cluster: fetches the state, " + mebibytes(fetched) + " so far");
  const bool gone = std::find(s.members.begin(), s.members.end(), s.self) == s.members.end();
  // While it fetches it was in the cluster's mind not long ago.
  if (!s.members.empty() && (gone || (fetching == 0 && disown(disowned::number) > s.members.size() / 2))) {
    out.emplace_back("cluster: this node was taken out");
    return out;
  }
  const auto leaderless = std::count_if(groups.begin(), groups.end(), [](const auto& g) { return g.leader == 0; });
  if (leaderless > 0 && !s.members.empty()) {
    out.push_back("cluster: no leader" + (groups.size() == 1 ? std::string()
                                                             : " for " + std::to_string(leaderless) + " of " +
                                                                   std::to_string(groups.size()) + " groups"));
  }
  if (disown(disowned::directory) > 0) out.emplace_back(other_directory);
  return out;
}

struct members::impl {
  cluster::log& log;
  standings& words;
  const cluster::caf_peers& connections;
  const clock& time;
  const std::string keys_check;  // no token: it names keys to who has the same ones

  struct task {
    http::cluster_wish wish;
    cluster::deadline by;
    unique_function<void(result<void>)> done;
  };
  std::mutex mutex;
  std::condition_variable wake;
  std::optional<task> next;
  bool busy = false, stopping = false;
  std::thread worker, teller;

  impl(cluster::log& l, standings& w, const cluster::caf_peers& c, const crypto::keyring& keys, const clock& t)
      : log(l),
        words(w),
        connections(c),
        time(t),
        keys_check(crypto::view(keys.token_lookup("nacre/cluster/service-keys")).substr(0, 16)) {}

  node_word own_word(const cluster_status& s) const {
    auto w = word_of(s);
    w.version = program_version();
    w.certificate_end = connections.certificate_end();
    w.keys_check = keys_check;
    w.failed = !log.status().writable;
    w.clock = time.now();
    return w;
  }

  std::vector<neighbour> known_members() const {
    std::vector<neighbour> out;
    for (const auto& [node, word] : words.heard())
      for (const auto& m : word.members)
        if (cluster::wire::parse_endpoint(m.address) && !holds(out, m.node)) out.push_back(m);
    return out;
  }

  void work() {
    std::unique_lock lock(mutex);
    for (;;) {
      wake.wait(lock, [this] { return stopping || next; });
      if (!next) return;
      auto t = std::move(*next);
      next.reset();
      lock.unlock();
      auto going = prepare(t);
      if (!going) {
        finish(std::move(t.done), fail(going.error()));
      } else if (log.standing().groups.front().epoch != t.wish.epoch) {  // while who comes was waited for
        finish(std::move(t.done), fail(changed_meanwhile(log.standing().groups.front().epoch)));
      } else {
        log.reconfigure(std::move(*going), t.by, [this, done = std::move(t.done)](result<void> how) mutable {
          finish(std::move(done), std::move(how));
        });
      }
      lock.lock();
    }
  }

  void finish(unique_function<void(result<void>)> done, result<void> how) {
    words.invite({});
    {
      std::lock_guard lock(mutex);
      busy = false;
    }
    done(std::move(how));
  }

  // Until it is so, the time is up or the node stops.
  template <class Good>
  bool await(steady::time_point until, Good good) {
    std::unique_lock lock(mutex);
    while (!stopping && steady::now() < until) {
      lock.unlock();
      const bool now = good();
      lock.lock();
      if (now) return true;
      wake.wait_for(lock, look_every, [this] { return stopping; });
    }
    return false;
  }

  static error changed_meanwhile(std::uint64_t epoch) {
    return {errc::conflict,
            "The members have changed meanwhile: this is epoch " + std::to_string(epoch) + ". Look again, then decide"};
  }

  result<std::vector<neighbour>> prepare(const task& t) {
    const auto here = log.standing();
    std::vector<neighbour> wanted, guests;
    for (const auto& m : t.wish.members) {
      if (!cluster::wire::parse_endpoint(m.address))
        return fail(errc::invalid, "The address of node " + std::to_string(m.node) + " must be host:port");
      wanted.push_back({m.node, m.address});
    }
    if (here.members.empty()) return fail(errc::busy, "This node belongs to no cluster yet; ask one of its members");
    const auto epoch = here.groups.front().epoch;
    if (t.wish.epoch != epoch) return fail(changed_meanwhile(epoch));
    for (const auto& g : here.groups)
      if (g.leader == 0) return fail(errc::busy, "There is no leader at present: too few members reach each other");
    for (const auto& m : wanted) {
      const auto& present = here.members_reached;
      const auto was = std::find_if(present.begin(), present.end(), [&](const auto& p) { return p.node == m.node; });
      if (was == present.end())
        guests.push_back(m);
      else if (was->address != m.address)
        return fail(errc::conflict, "Node " + std::to_string(m.node) + " is a member at " + was->address +
                                        "; at another address it is another node: replace it");
    }
    if (auto come = welcome(guests, t.by, here.groups.size()); !come) return fail(come.error());
    if (auto enough = go_on_with(wanted, guests, here); !enough) return fail(enough.error());
    return wanted;
  }

  // Whoever comes must be there, be of this cluster, and hold nothing.
  result<void> welcome(const std::vector<neighbour>& guests, cluster::deadline by, std::size_t groups) {
    if (guests.empty()) return {};
    words.invite(guests);
    const auto asked = steady::now();  // what was said before may be of another who had that number
    (void)await(std::min<steady::time_point>(by, asked + guest_patience), [&] {
      const auto heard = words.heard(asked);
      return std::all_of(guests.begin(), guests.end(), [&](const auto& g) { return heard.contains(g.node); });
    });
    const auto heard = words.heard(asked);
    for (const auto& g : guests) {
      const auto at = heard.find(g.node);
      if (at == heard.end()) return unheard(g, trouble_with(g.node, words.status()));
      if (!at->second.waits)
        return fail(errc::conflict, "Node " + std::to_string(g.node) +
                                        " does not wait to be taken in: it belongs to a cluster already. A node that "
                                        "comes begins with an empty directory and cluster.join");
      if (at->second.keys_check != keys_check)
        return fail(
            errc::conflict,
            "Node " + std::to_string(g.node) +
                " has other service keys: it was not begun with those of this cluster "
                "(cluster.service_keys; after a change of the CA `nacre cluster keys` gives them to the new one). "
                "Begin again there: another number, a new invitation, an empty directory");
      if (at->second.groups != groups)
        return fail(errc::conflict, "Node " + std::to_string(g.node) + " was made for " +
                                        std::to_string(at->second.groups) + " groups, the cluster has " +
                                        std::to_string(groups));
      // It may be heard because it dialled us: the others, and who comes later, dial the address.
      if (auto there = connections.finds(g); !there) return unheard(g, there.error().text);
    }
    return {};
  }

  // A majority of them must hold the state already; a single one has no such majority to grow with.
  result<void> go_on_with(const std::vector<neighbour>& wanted, const std::vector<neighbour>& guests,
                          const cluster_status& here) {
    std::size_t ready = 0;
    std::string missing;
    // Who has only just died has said something of late: what counts is said after it was asked.
    const auto asked = steady::now();
    (void)await(asked + 3 * word_every, [&] {
      ready = 0;
      missing.clear();
      const auto heard = words.heard(asked);
      for (const auto& m : wanted) {
        if (holds(guests, m.node)) continue;
        const auto at = heard.find(m.node);
        const bool good = m.node == here.self ? holds_state(own_word(log.standing()))
                                              : at != heard.end() && is_up_to_date(at->second, here);
        if (good)
          ++ready;
        else
          missing += (missing.empty() ? "" : ", ") + std::to_string(m.node);
      }
      return missing.empty();
    });
    const bool from_one = here.members.size() == 1 && ready == 1;
    if (ready > wanted.size() / 2 || from_one) return {};
    std::string why = "The cluster would lose its majority: of the " + std::to_string(wanted.size()) +
                      " members to be only " + std::to_string(ready) + " hold the state and answer";
    if (!missing.empty()) why += " (missing: " + missing + ")";
    return fail(errc::conflict, why + ". Bring those back first, or change fewer at a time");
  }
};

members::members(cluster::log& log, standings& words, const cluster::caf_peers& connections,
                 const crypto::keyring& keys, const clock& time)
    : impl_(std::make_unique<impl>(log, words, connections, keys, time)) {
  auto& i = *impl_;
  i.worker = std::thread([&i] { i.work(); });
  i.teller = std::thread([&i] {
    std::unique_lock lock(i.mutex);
    for (bool looking = false; !i.stopping;) {
      lock.unlock();
      const auto here = i.log.standing();
      i.words.tell(i.own_word(here));
      // Who waits knows those that it was told of beforehand; the leader may be another one.
      if (here.members.empty() || looking)
        i.words.invite(here.members.empty() ? i.known_members() : std::vector<neighbour>{});
      looking = here.members.empty();
      lock.lock();
      i.wake.wait_for(lock, word_every, [&i] { return i.stopping; });
    }
  });
}

members::~members() { stop(); }

void members::stop() {
  auto& i = *impl_;
  {
    std::lock_guard lock(i.mutex);
    if (std::exchange(i.stopping, true)) return;
  }
  i.wake.notify_all();
  i.worker.join();
  i.teller.join();
}

void members::change(http::cluster_wish wish, cluster::deadline by, unique_function<void(result<void>)> done) {
  auto& i = *impl_;
  {
    std::lock_guard lock(i.mutex);
    if (!i.stopping && !i.busy) {
      i.busy = true;
      i.next.emplace(impl::task{std::move(wish), by, std::move(done)});
      i.wake.notify_all();
      return;
    }
    if (i.stopping) return done(fail(errc::busy, "The node is stopping"));
  }
  done(fail(errc::busy, "Another change of members is on its way"));
}

std::optional<timestamp> members::agreed_time() const {
  const auto& i = *impl_;
  const auto here = i.log.standing();
  const auto own = i.time.now();
  std::vector<timestamp> others;
  for (const auto& [node, word] : i.words.heard())
    if (word.clock && node != here.self &&
        std::find(here.members.begin(), here.members.end(), node) != here.members.end())
      others.push_back(*word.clock);
  return app::agreed_time(own, std::move(others), here.members.size());
}

http::cluster_view members::show() const {
  const auto& i = *impl_;
  const auto here = i.log.standing();
  const auto heard = i.words.heard();
  const auto connections = i.words.status();
  http::cluster_view out;
  out.single = false;
  out.node = here.self;
  out.id = to_string(i.connections.cluster_id());
  out.epoch = here.groups.empty() ? 0 : here.groups.front().epoch;
  const auto mine = i.own_word(here);

  std::uint64_t committed = 0;
  for (std::size_t g = 0; g < here.groups.size(); ++g) {
    auto most = here.groups[g].commit_index;
    for (const auto& [node, word] : heard)
      if (g < word.of.size() && holds(here.members_reached, node)) most = std::max(most, word.of[g].commit_index);
    committed += most;
  }
  std::size_t good = 0;
  for (const auto& m : here.members_reached) {
    http::cluster_member one;
    one.node = m.node;
    one.address = m.address;
    one.self = m.node == here.self;
    const auto at = heard.find(m.node);
    const node_word* word = one.self ? &mine : at != heard.end() ? &at->second : nullptr;
    for (const auto& p : connections) {
      if (p.node != m.node) continue;
      one.connected = p.connected;
      one.last_contact = p.silent_for;
      one.trouble = p.trouble;
    }
    if (one.self) {
      one.connected = true;
      one.last_contact = std::chrono::milliseconds(0);
    }
    one.role = "unknown";
    if (word && (one.self || one.connected)) {
      one.role = role_of(*word);
      one.votes = is_up_to_date(*word, here);
      if (!word->waits && !word->failed && holds_state(*word) && !knows_leaders(*word))
        one.trouble = "it knows no leader";
      std::uint64_t applied = 0;
      for (const auto& g : word->of) {
        applied += g.applied_index;
        one.fetching = one.fetching || g.fetching;
        one.fetched_bytes += g.fetched_bytes;
      }
      one.applied = applied;
      one.behind = committed - std::min(committed, applied);
      one.certificate_end = timestamp{std::clamp<std::int64_t>(word->certificate_end, 0, certificate_end_max) * 1000};
      one.version = word->version;
      if (word->clock && mine.clock) one.clock_ahead_ms = word->clock->value() - mine.clock->value();
      if (one.votes) ++good;
    }
    out.members.push_back(std::move(one));
  }
  std::sort(out.members.begin(), out.members.end(), [](const auto& a, const auto& b) { return a.node < b.node; });
  const auto majority = here.members.size() / 2 + 1;
  out.can_lose = good > majority ? good - majority : 0;
  for (const auto& g : here.groups) {
    http::cluster_group one;
    one.group = g.group;
    one.role = name_of(g.role);
    if (g.leader != 0) one.leader = g.leader;
    one.epoch = g.epoch;
    one.term = g.term;
    one.commit_index = g.commit_index;
    one.applied_index = g.applied_index;
    one.pending = g.pending;
    out.groups.push_back(std::move(one));
  }
  return out;
}

}  // namespace nacre::app

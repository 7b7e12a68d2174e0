#pragma once
// A cluster in one thread: real replicas, appliers and log rows over a virtual disk, network and clock, all of one
// seed.
//
// Frames are lost, late, doubled and overtake each other; links are cut in one direction or both; nodes lose power with
// what was not synced, their disks are slow or fail, their clocks jump. Clients create and reveal secrets and PATs
// through any node and come again with the same request until they know. After every step the promises are checked;
// the first broken one ends the run.

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <vector>

#include "cluster/raft/door.hpp"
#include "cluster/raft/guard.hpp"
#include "cluster/raft/replica.hpp"
#include "cluster/raft/state_installer.hpp"
#include "cluster/raft/state_server.hpp"
#include "tests/sim/disk.hpp"
#include "tests/support/random_source.hpp"

namespace nacre::sim {

namespace raft = cluster::raft;
using cluster::node_id;

struct plan {
  std::uint64_t seed = 1;
  raft::guard_rules rules;
  std::uint64_t chaos_ms = 5'000;
  bool compaction = true;
  bool membership = true;
  bool losses = true;  // a node loses its disk, or gets an older copy of it, and comes back under its number
  bool doors = true;   // nodes remember each other's directories
};

struct summary {
  std::string broken;  // empty: every promise was kept
  std::uint64_t acknowledged = 0, unknown = 0, reveals = 0, reads = 0, crashes = 0, entries = 0, fetches = 0,
                epochs = 0, changes = 0, losses = 0;
};

class world;

class node final : public raft::replica_host {
 public:
  node(world& w, node_id id);

  void boot();
  void crash();
  void pause_until(std::uint64_t when) { paused_until_ = when; }

  std::uint64_t now_ms() override;
  int random(int low, int high) override;
  bool send(node_id to, std::string frame) override;
  void write(raft::instance of, std::uint64_t ticket, raft::log_write what) override;
  void apply(raft::instance of, raft::committed_entry entry) override;
  void install_begin(raft::instance of) override;
  void install_rows(raft::instance of, storage::batch rows) override;
  void install_end(raft::instance of, raft::log_mark at, bool keep_log, raft::member_list begins) override;
  void members_are(raft::instance of, const raft::member_list& members) override;
  std::unique_ptr<raft::group_host::state_at> open_state(raft::instance of, node_id to) override;
  void give_chunk(raft::instance of, node_id to, raft::fetch asked) override;
  bool giving_state(raft::instance of) override;
  void failed(const std::string& why) override;

  void receive(node_id from, const std::string& frame);
  void propose(const model::command& c, std::uint64_t for_ms, std::function<void(cluster::settled)> done);
  void read(std::uint64_t for_ms, std::function<void(bool)> done);
  void change_members(const raft::member_list& members, std::uint64_t for_ms, std::function<void(bool)> done);

  world& w;
  const node_id id;
  sim::disk disk;
  bool up = false;
  std::uint64_t life = 0;        // counts boots; what was begun in another is forgotten
  std::int64_t clock_ahead = 0;  // of the world's, ms
  std::unique_ptr<raft::replica> replica;
  std::unique_ptr<raft::door> door;
  // An older copy of its disk was made: what came after is known to the others alone.
  bool older_start() const { return copy_.has_value(); }
  bool lost = false;  // what was on its disk, or the newest of it

 private:
  struct log_job {
    raft::instance of;
    std::uint64_t ticket;
    raft::log_write what;
  };
  void tick();
  void work();
  void finish_writes();
  bool install(std::uint64_t in_life);
  void after();
  void lose_disk();

  std::uint64_t paused_until_ = 0;
  std::uint64_t disks_ = 1;
  std::optional<sim::disk::contents> copy_;
  cluster::changes changes_;
  std::unique_ptr<raft::applier> applier_;
  std::unique_ptr<raft::state_installer> installer_;
  std::unique_ptr<raft::state_server> server_;
  std::deque<std::function<result<void>()>> installs_, due_installs_;
  std::deque<std::pair<raft::instance, raft::committed_entry>> entries_;
  std::deque<log_job> jobs_, writing_;
  bool working_ = false, work_planned_ = false, dead_ = false;
};

class world {
 public:
  explicit world(const plan& p);
  ~world();
  summary run();

  void at(std::uint64_t delay, std::function<void()> f);
  std::uint64_t below(std::uint64_t n) { return random.below(n); }
  std::uint64_t between(std::uint64_t low, std::uint64_t high) { return low + random.below(high - low + 1); }
  bool chance(double p) { return static_cast<double>(random.any() >> 11) * 0x1p-53 < p; }
  void fail(const std::string& what);
  node& of(node_id id) { return *nodes[id - 1]; }

  const sim::plan plan;
  testing::random_source random;
  std::uint64_t now = 1'000;
  bool chaos = true;
  double loss = 0, doubled = 0, late = 0, slow_disk = 0;
  std::vector<std::unique_ptr<node>> nodes;
  std::vector<std::vector<bool>> cut;  // [from - 1][to - 1]
  raft::group_options group;
  raft::member_list founders;
  node_id victim = 0;       // whose disk is lost once, 0: nobody's
  bool older_copy = false;  // and an older copy put in
  // Whether a frame passes: both have let each other in since they were started.
  bool connected(node& a, node& b);
  bool known_to_all(const node& n) const;
  std::vector<const node*> members() const;  // of the newest epoch any node is in
  summary told;

  // What every node must agree on.
  void saw_committed(node_id by, raft::instance of, const raft::committed_entry& e);
  void saw_role(const node& n);

 private:
  struct event {
    std::uint64_t at, order;
    std::function<void()> f;
    bool operator<(const event& o) const { return at != o.at ? at > o.at : order > o.order; }
  };
  struct request;

  void step_chaos();
  void change_members(unsigned more);
  void change_in_peace();
  void await_rest();
  void step_clients();
  void begin(model::operation op, bool guest);
  void attempt(const std::shared_ptr<request>& r);
  void decided(const request& r, const model::outcome& o);
  bool at_rest() const;
  std::string standing() const;
  void check_end();
  void run_until(std::uint64_t end);

  std::priority_queue<event> events_;
  std::uint64_t order_ = 0;
  std::uint64_t requests_ = 0, made_ = 0;
  using place = std::pair<std::uint64_t, std::uint64_t>;            // an epoch, and an index or a term in it
  std::map<place, std::pair<std::uint64_t, std::string>> history_;  // what was committed: term, payload
  std::map<place, node_id> leaders_;
  std::uint64_t highest_ = 0;
  std::map<std::pair<node_id, node_id>, std::pair<std::uint64_t, std::uint64_t>> connections_;  // of which lives
  std::set<std::uint64_t> created_;                                                             // acknowledged
  std::map<std::uint64_t, std::uint64_t> shown_;              // secret -> request that got it
  std::map<std::uint64_t, std::set<std::uint64_t>> reveals_;  // PAT -> requests that got it
  std::vector<std::uint64_t> pats_;
  bool founded_ = false;
};

summary run(const plan& p);

}  // namespace nacre::sim

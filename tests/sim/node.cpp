#include "tests/sim/node.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "cluster/raft/log_store.hpp"
#include "tests/sim/trace.hpp"
#include "tests/sim/world.hpp"
#include "tests/support/people.hpp"

namespace nacre::sim {

namespace {

uuid uuid_of(node_id node, std::uint64_t n) {
  return testing::nth<secret_id>(static_cast<std::uint8_t>(node), n).value();
}

}  // namespace

node::node(world& of_world, node_id node_number) : w(of_world), id(node_number) {
  disk.wrote = [this](const storage::batch& rows) { w.ledger.saw_batch(*this, rows); };
}

void node::boot() {
  disk.mend();
  up = true;
  dead_ = false;
  ++life;
  auto epoch = raft::load_epoch(*disk.snapshot(), w.group.of.group);
  if (!epoch) return w.fail(epoch.error().text);
  if (!*epoch) {
    const bool founds = std::any_of(w.founders.begin(), w.founders.end(), [&](const auto& m) { return m.node == id; });
    epoch->emplace();
    if (founds) (*epoch)->members = w.founders;
    auto rows = raft::found({w.group.of.group, 1}, (*epoch)->members, {1, 1});
    if (!founds) rows.push_back(raft::state_installer::unfinished_row(w.group.of.group));
    rows.push_back(raft::directory_row(uuid_of(id, disks_)));
    if (auto done = disk.apply(rows, storage::durability::synced); !done) return;
  }
  const raft::instance of{w.group.of.group, (*epoch)->epoch};
  auto boot_number = raft::count_boot(disk);
  auto log = raft::load_log(*disk.snapshot(), of);
  if (!boot_number || !log) return w.fail("node " + std::to_string(id) + ": " + (log ? "boot" : log.error().text));
  auto directory = raft::directory_of(disk);
  if (!directory) return w.fail(directory.error().text);
  if (auto named = disk.apply({raft::start_row(*boot_number, uuid_of(id, life))}, storage::durability::synced); !named)
    return;
  door = std::make_unique<raft::door>(id, cluster::credential{*directory, *boot_number, uuid_of(id, life)},
                                      [this](storage::batch rows, unique_function<void()> then) {
                                        if (disk.apply(rows, storage::durability::synced)) return then();
                                        w.at(0, [this, l = life] {
                                          if (up && life == l) crash();
                                        });
                                      });
  if (auto known = door->load(*disk.snapshot()); !known) return w.fail(known.error().text);
  members_are(of, (*epoch)->members);
  installer_ = std::make_unique<raft::state_installer>(disk, w.groups);
  server_ = std::make_unique<raft::state_server>(disk, w.groups, *boot_number, 1'500);
  auto stateless = raft::state_installer::unfinished(*disk.snapshot(), w.group.of.group);
  if (!stateless) return w.fail(stateless.error().text);
  applier_ = std::make_unique<raft::applier>(disk, id, *boot_number, changes_, nullptr);
  auto applied = applier_->open(of);
  if (!applied) return w.fail(applied.error().text);

  raft::replica_options options;
  options.group = w.group;
  options.group.of = of;
  options.group.self = id;
  options.members = (*epoch)->members;
  options.group.members.clear();
  for (const auto& m : options.members) options.group.members.push_back(m.node);
  options.boot = *boot_number;
  options.directory = *directory;
  options.groups = w.groups;
  options.pending_max = w.pending_max;
  replica = std::make_unique<raft::replica>(*this, options, w.plan.rules);
  if (applied->epoch == 0) applied->at = log->mark;
  if (applied->at.index < log->mark.index && !*stateless)
    return w.fail("node " + std::to_string(id) + ": its log begins at " + std::to_string(log->mark.index) +
                  ", its state ends at " + std::to_string(applied->at.index));
  const auto at = applied->at;
  trace(w.now, id, "boots: mark ", log->mark.index, " applied ", at.index, " log ", log->first, "+",
        log->entries.size(), *stateless ? " stateless" : "");
  if (auto started = replica->start(std::move(*log), at, *stateless); !started) return w.fail(started.error().text);
  w.at(w.between(1, 30), [this, l = life] {
    if (up && life == l) tick();
  });
  after();
}

void node::crash() {
  if (!up) return;
  ++w.told.crashes;
  trace(w.now, id, "crashes with ", disk.unsynced(), " unsynced");
  up = false;
  ++life;
  // The write in flight may have reached the disk. What vanishes with the power is judged of nobody: a leader that is
  // its epoch's only member goes on in its term, and may write something else there.
  std::optional<storage::batch> in_flight;
  if (!writing_.empty() && w.chance(0.5) && !disk.failing) in_flight = rows_in_flight();
  const auto wrote = std::exchange(disk.wrote, nullptr);
  if (in_flight) (void)disk.apply(*in_flight, storage::durability::buffered);
  const auto kept = w.below(disk.unsynced() + 1);
  const bool whole = kept == disk.unsynced();
  disk.lose_power(kept);
  disk.wrote = wrote;
  if (in_flight && whole) wrote(*in_flight);
  if (id == w.victim && !lost && w.chaos) lose_disk();
  replica.reset();
  applier_.reset();
  server_.reset();
  door.reset();
  entries_.clear();
  jobs_.clear();
  installs_.clear();
  due_installs_.clear();
  writing_.clear();
  working_ = work_planned_ = false;
  w.at(w.between(20, w.chaos ? 1'500 : 100), [this] { boot(); });
}

void node::stop() {
  if (!up) return;
  replica->stop();
  after();
  crash();
}

// What only the others can know. They do once they have met it.
void node::lose_disk() {
  if (!w.network.known_to_all(*this)) return;
  if (w.older_copy && !copy_) {
    copy_ = disk.all();
    return;
  }
  trace(w.now, id, "loses its disk");
  ++w.told.losses;
  ++disks_;
  lost = true;
  disk.replace(copy_.value_or(sim::disk::contents{}));
}

std::uint64_t node::now_ms() { return static_cast<std::uint64_t>(static_cast<std::int64_t>(w.now) + clock_ahead); }
int node::random(int low, int high) {
  return static_cast<int>(w.between(static_cast<std::uint64_t>(low), static_cast<std::uint64_t>(high)));
}

bool node::send(node_id to, std::string frame) { return w.network.send(*this, to, std::move(frame)); }

bool node::paused() const { return paused_until_ > w.now; }

void node::receive(node_id from, const std::string& frame) {
  if (paused()) {
    w.at(paused_until_ - w.now, [this, from, frame, l = life] {
      if (up && life == l) receive(from, frame);
    });
    return;
  }
  replica->receive(from, frame);
  after();
}

void node::tick() {
  if (!paused()) {
    replica->tick();
    after();
  }
  if (up)
    w.at(w.between(20, 30), [this, l = life] {
      if (up && life == l) tick();
    });
}

void node::members_are(raft::instance, const raft::member_list& members) {
  std::map<node_id, uuid> voters;
  for (const auto& m : members) voters[m.node] = m.directory;
  door->voters_are(std::move(voters));
}
std::unique_ptr<raft::group_host::state_at> node::open_state(raft::instance of, node_id to) {
  return server_->open(of, to, now_ms());
}
void node::give_chunk(raft::instance of, node_id to, raft::fetch asked) {
  w.at(w.between(0, 5), [this, of, to, asked, l = life] {
    if (!up || life != l) return;
    auto given = server_->give(of, to, asked, now_ms());
    if (w.plan.harder && w.chaos && !given.rows.empty() && w.more.one_in(20)) {
      auto& damaged = given.rows[w.more.below(given.rows.size())];
      damaged = static_cast<char>(damaged ^ static_cast<char>(1 + w.more.below(255)));
    }
    send(to, raft::encode(raft::frame{of, std::move(given)}));
  });
}
bool node::giving_state(raft::instance of) { return server_->busy(of.group, now_ms()); }
void node::failed(const std::string&) { dead_ = true; }  // as the process would: stop, and be started again

void node::after() {
  for (;;) {
    auto finished = replica->take_finished();
    if (finished.empty()) break;
    for (auto& f : finished) f();
  }
  w.promises.saw_role(*this);
  if (dead_) crash();
}

void node::propose(const model::command& c, std::uint64_t for_ms, std::function<void(cluster::settled)> done) {
  replica->propose(model::encode(c), now_ms() + for_ms, [this, done = std::move(done)](cluster::settled s) {
    if (w.plan.lie == lie::unknown_is_refused && s.how == cluster::settled::fate::unknown)
      s.how = cluster::settled::fate::refused;
    done(std::move(s));
  });
  after();
}
void node::change_members(const raft::member_list& members, std::uint64_t for_ms, std::function<void(bool)> done) {
  auto named = members;
  for (auto& m : named) m.directory = door->directory_of(m.node);
  replica->change_members(std::move(named), now_ms() + for_ms,
                          [done = std::move(done)](result<void> how) { done(bool(how)); });
  after();
}
void node::read(std::uint64_t for_ms, std::function<void(bool)> done) {
  replica->read(now_ms() + for_ms, [done = std::move(done)](result<void> how) { done(how.has_value()); });
  after();
}

}  // namespace nacre::sim

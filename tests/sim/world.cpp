#include "tests/sim/world.hpp"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <utility>

#include "cluster/raft/log_store.hpp"
#include "model/secrets.hpp"
#include "tests/model/invariants.hpp"
#include "tests/support/people.hpp"
#include "tests/support/stores.hpp"

namespace nacre::sim {

namespace {

using namespace nacre::testing;
using model::space;

const workspace_id home = workspace_no(1);
const user_id owner = user_no(1);
constexpr raft::group_id group_0 = 0;
constexpr std::uint32_t budget_per_pat = 3;

secret_id secret_no(std::uint64_t n) { return nth<secret_id>(0x60, n); }
uuid uuid_of(node_id node, std::uint64_t n) { return nth<secret_id>(static_cast<std::uint8_t>(node), n).value(); }

// With its secret, or alone once that has ended.
bool holds_receipt(const model::view& v, std::uint64_t n) {
  return v.get(model::space::sealed, model::keys::secret(home, secret_no(n))) ||
         v.get(model::space::state, model::keys::receipt(home, receipt_id{secret_no(n).value()}));
}

model::conceal_secret hidden(std::uint64_t n) {
  model::conceal_secret op;
  op.id = secret_no(n);
  op.receipt = receipt_id{op.id.value()};
  op.lifespan_s = 3600;
  op.sealed = "sealed " + std::to_string(n);
  op.sealed_receipt = "receipt " + std::to_string(n);
  return op;
}

// NACRE_SIM_TRACE=1: what happens, line by line.
bool tracing() {
  static const bool on = std::getenv("NACRE_SIM_TRACE") != nullptr;
  return on;
}
#define SIM_TRACE(text)                                                             \
  do {                                                                              \
    if (tracing()) std::cout << "  " << w.now << " n" << id << ' ' << text << '\n'; \
  } while (false)

}  // namespace

// ---------------------------------------------------------------- a node

node::node(world& of_world, node_id node_number) : w(of_world), id(node_number) {}

void node::boot() {
  disk.failing = false;
  up = true;
  dead_ = false;
  ++life;
  auto epoch = raft::load_epoch(*disk.snapshot(), group_0);
  if (!epoch) return w.fail(epoch.error().text);
  if (!*epoch) {
    const bool founds = std::any_of(w.founders.begin(), w.founders.end(), [&](const auto& m) { return m.node == id; });
    epoch->emplace();
    if (founds) (*epoch)->members = w.founders;
    auto rows = raft::found({group_0, 1}, (*epoch)->members, {1, 1});
    if (!founds) rows.push_back(raft::state_installer::unfinished_row(group_0));
    rows.push_back(raft::directory_row(uuid_of(id, disks_)));
    if (auto done = disk.apply(rows, storage::durability::synced); !done) return;
  }
  const raft::instance of{group_0, (*epoch)->epoch};
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
  installer_ = std::make_unique<raft::state_installer>(disk, 1);
  server_ = std::make_unique<raft::state_server>(disk, 1, *boot_number, 1'500);
  auto stateless = raft::state_installer::unfinished(*disk.snapshot(), group_0);
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
  replica = std::make_unique<raft::replica>(*this, options, w.plan.rules);
  if (applied->epoch == 0) applied->at = log->mark;
  if (applied->at.index < log->mark.index && !*stateless)
    return w.fail("node " + std::to_string(id) + ": its log begins at " + std::to_string(log->mark.index) +
                  ", its state ends at " + std::to_string(applied->at.index));
  const auto at = applied->at;
  SIM_TRACE("boots: mark " << log->mark.index << " applied " << at.index << " log " << log->first << "+"
                           << log->entries.size() << (*stateless ? " stateless" : ""));
  if (auto started = replica->start(std::move(*log), at, *stateless); !started) return w.fail(started.error().text);
  w.at(w.between(1, 30), [this, l = life] {
    if (up && life == l) tick();
  });
  after();
}

void node::crash() {
  if (!up) return;
  ++w.told.crashes;
  SIM_TRACE("crashes with " << disk.unsynced() << " unsynced");
  up = false;
  ++life;
  // The write in flight may have reached the disk.
  if (!writing_.empty() && w.chance(0.5) && !disk.failing) {
    storage::batch all;
    for (const auto& job : writing_)
      if (!applier_->is_over(job.of)) raft::add(all, job.of, job.what);
    (void)disk.apply(all, storage::durability::buffered);
  }
  disk.lose_power(w.below(disk.unsynced() + 1));
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

// What only the others can know. They do once they have met it.
void node::lose_disk() {
  if (!w.known_to_all(*this)) return;
  if (w.older_copy && !copy_) {
    copy_ = disk.all();
    return;
  }
  SIM_TRACE("loses its disk");
  ++w.told.losses;
  ++disks_;
  lost = true;
  disk.replace(copy_.value_or(sim::disk::contents{}));
}

std::uint64_t node::now_ms() { return static_cast<std::uint64_t>(static_cast<std::int64_t>(w.now) + clock_ahead); }
int node::random(int low, int high) {
  return static_cast<int>(w.between(static_cast<std::uint64_t>(low), static_cast<std::uint64_t>(high)));
}

bool node::send(node_id to, std::string frame) {
  if (w.chance(0.005)) return false;  // its queue is full
  const auto kind = static_cast<unsigned char>(frame[1]);
  // The transport hands a frame over once. Raft would live with more, so its own frames are doubled here.
  const bool may_double = kind <= 5;
  for (int copies = may_double && w.chance(w.doubled) ? 2 : 1; copies > 0; --copies) {
    if (w.chance(w.loss)) continue;
    const auto delay = w.chance(w.late) ? w.between(1, 300) : w.between(1, 8);
    w.at(delay, [this, to, frame] {
      auto& target = w.of(to);
      if (target.up && !w.cut[id - 1][to - 1] && w.connected(*this, target)) target.receive(id, frame);
    });
  }
  return true;
}

void node::receive(node_id from, const std::string& frame) {
  if (paused_until_ > w.now) {
    w.at(paused_until_ - w.now, [this, from, frame, l = life] {
      if (up && life == l) receive(from, frame);
    });
    return;
  }
  replica->receive(from, frame);
  after();
}

void node::tick() {
  if (paused_until_ <= w.now) {
    replica->tick();
    after();
  }
  if (up)
    w.at(w.between(20, 30), [this, l = life] {
      if (up && life == l) tick();
    });
}

void node::write(raft::instance of, std::uint64_t ticket, raft::log_write what) {
  jobs_.push_back({of, ticket, std::move(what)});
  work();
}
void node::apply(raft::instance of, raft::committed_entry entry) {
  w.saw_committed(id, of, entry);
  SIM_TRACE("commits " << entry.index << "/" << entry.term << " of " << entry.payload.size());
  entries_.emplace_back(of, std::move(entry));
  work();
}
void node::install_begin(raft::instance of) {
  ++w.told.fetches;
  SIM_TRACE("begins to fetch");
  installs_.push_back([this, of] { return installer_->begin(of.group); });
  work();
}
void node::install_rows(raft::instance, storage::batch rows) {
  installs_.push_back([this, all = std::move(rows)]() -> result<void> {
    if (auto done = installer_->add_rows(all); !done) return done;
    replica->rows_installed();
    return {};
  });
  work();
}
void node::members_are(raft::instance, const raft::member_list& members) {
  std::set<node_id> voters;
  for (const auto& m : members) voters.insert(m.node);
  door->voters_are(std::move(voters));
}
void node::install_end(raft::instance of, raft::log_mark at, bool keep_log, raft::member_list begins) {
  installs_.push_back([this, of, at, keep_log, begins]() -> result<void> {
    auto log = installer_->end(of, at, keep_log, begins);
    if (!log) return nacre::fail(log.error());
    if (auto opened = applier_->open(of); !opened) return nacre::fail(opened.error());
    SIM_TRACE("has fetched " << at.index << "/" << at.term << (keep_log ? " and keeps its log" : ""));
    replica->installed(std::move(*log), at, [&](auto seq) { return applier_->decided(of.group, seq); });
    return {};
  });
  work();
}
std::unique_ptr<raft::group_host::state_at> node::open_state(raft::instance of, node_id to) {
  return server_->open(of, to, now_ms());
}
void node::give_chunk(raft::instance of, node_id to, raft::fetch asked) {
  w.at(w.between(0, 5), [this, of, to, asked, l = life] {
    if (up && life == l) send(to, raft::encode(raft::frame{of, server_->give(of, to, asked, now_ms())}));
  });
}
bool node::giving_state(raft::instance of) { return server_->busy(of.group, now_ms()); }
void node::failed(const std::string&) { dead_ = true; }  // as the process would: stop, and be started again

// The order of the writer: what is to be applied first, then log rows, which take the time of a sync.
void node::work() {
  if (working_ || work_planned_) return;
  work_planned_ = true;
  w.at(w.chance(w.slow_disk) ? w.between(0, 20) : 0, [this, l = life] {
    if (!up || life != l) return;
    work_planned_ = false;
    working_ = true;
    if (!entries_.empty()) {
      // Of one instance at a time.
      const auto of = entries_.front().first;
      std::vector<raft::committed_entry> all;
      for (; !entries_.empty() && entries_.front().first == of; entries_.pop_front())
        all.push_back(std::move(entries_.front().second));
      auto report = applier_->apply(of, std::move(all));
      if (!report) {
        if (!disk.failing) w.fail("node " + std::to_string(id) + ": " + report.error().text);
        return crash();
      }
      SIM_TRACE("applied " << report->at.index << ", decides " << report->decided.size());
      replica->applied(std::move(*report));
      after();
      if (!up || life != l) return;
    }
    writing_ = std::exchange(jobs_, {});
    due_installs_ = std::exchange(installs_, {});
    if (writing_.empty()) {
      if (!install(l)) return;
      working_ = false;
      if (!entries_.empty() || !jobs_.empty() || !installs_.empty()) work();
      return;
    }
    const auto delay = w.chance(w.slow_disk) ? w.between(1, 250) : w.between(0, 5);
    w.at(delay, [this, l] {
      if (up && life == l) finish_writes();
    });
  });
}

void node::finish_writes() {
  storage::batch all;
  for (const auto& job : writing_)
    if (!applier_->is_over(job.of)) raft::add(all, job.of, job.what);
  if (!disk.apply(all, storage::durability::synced)) return crash();
  auto done = std::exchange(writing_, {});
  const auto l = life;
  for (const auto& job : done) {
    replica->written(job.of, job.ticket);
    after();
    if (!up || life != l) return;
  }
  if (!install(l)) return;
  working_ = false;
  if (!entries_.empty() || !jobs_.empty() || !installs_.empty()) work();
}

// Parts of a fetched state, after the log rows that were given before them.
bool node::install(std::uint64_t in_life) {
  for (auto& f : std::exchange(due_installs_, {})) {
    if (auto done = f(); !done) {
      if (!disk.failing) w.fail("node " + std::to_string(id) + ": " + done.error().text);
      crash();
      return false;
    }
    after();
    if (!up || life != in_life) return false;
  }
  return true;
}

void node::after() {
  for (;;) {
    auto finished = replica->take_finished();
    if (finished.empty()) break;
    for (auto& f : finished) f();
  }
  w.saw_role(*this);
  if (dead_) crash();
}

void node::propose(const model::command& c, std::uint64_t for_ms, std::function<void(cluster::settled)> done) {
  replica->propose(model::encode(c), now_ms() + for_ms, std::move(done));
  after();
}
void node::change_members(const raft::member_list& members, std::uint64_t for_ms, std::function<void(bool)> done) {
  replica->change_members(members, now_ms() + for_ms, [done = std::move(done)](result<void> how) { done(bool(how)); });
  after();
}
void node::read(std::uint64_t for_ms, std::function<void(bool)> done) {
  replica->read(now_ms() + for_ms, [done = std::move(done)](result<void> how) { done(how.has_value()); });
  after();
}

// ---------------------------------------------------------------- the world

world::world(const sim::plan& p) : plan(p), random(p.seed) {
  const node_id size = chance(0.3) ? 5 : 3;
  group.of = {group_0, 1};
  const node_id spares = plan.membership && chance(0.5) ? between(2, 4) : 0;
  if (plan.losses && spares == 0 && chance(0.5)) {
    victim = between(1, size);
    older_copy = chance(0.5);
  }
  for (node_id id = 1; id <= size; ++id) founders.push_back({id, ""});
  group.heartbeat = std::chrono::milliseconds(50);
  group.election = std::chrono::milliseconds(200);
  group.offer_again = std::chrono::milliseconds(600);
  group.batch_commands_max = chance(0.5) ? 2 : 64;
  group.unsettled_entries_max = chance(0.5) ? 4 : 64;
  if (plan.compaction) {
    group.compact_entries = between(8, 40);
    group.tail_entries = between(1, 10);
    if (chance(0.5)) group.cut_after = std::chrono::milliseconds(between(50, 2'000));
  }
  loss = chance(0.5) ? 0 : 0.1;
  doubled = chance(0.5) ? 0 : 0.05;
  late = chance(0.5) ? 0.02 : 0.3;
  slow_disk = chance(0.5) ? 0.01 : 0.2;
  const node_id all = size + (victim != 0 ? 1 : spares);
  cut.assign(all, std::vector<bool>(all));
  for (node_id id = 1; id <= all; ++id) nodes.push_back(std::make_unique<node>(*this, id));
}

world::~world() {
  for (auto& n : nodes) n->replica.reset();
}

void world::at(std::uint64_t delay, std::function<void()> f) { events_.push({now + delay, ++order_, std::move(f)}); }

void world::fail(const std::string& what) {
  if (told.broken.empty()) told.broken = "at " + std::to_string(now) + " ms: " + what;
}

bool world::connected(node& a, node& b) {
  if (!plan.doors) return true;
  const std::pair lives(a.id < b.id ? a.life : b.life, a.id < b.id ? b.life : a.life);
  auto& since = connections_[std::minmax(a.id, b.id)];
  if (since == lives) return true;
  // A hello goes both ways; a node that is down says none, whatever of it is still on its way.
  if (!a.up || !b.up || cut[a.id - 1][b.id - 1] || cut[b.id - 1][a.id - 1]) return false;
  // Nobody remembers who does not let it in itself.
  bool both = true;
  for (auto [at, who] : {std::pair(&a, &b), std::pair(&b, &a)})
    both = both && at->door->judge(who->id, who->door->ours(), who->door->known()) == cluster::admission::welcome;
  if (!both) return false;
  for (auto [at, who] : {std::pair(&a, &b), std::pair(&b, &a)}) {
    bool welcome = false;
    at->door->admit(who->id, who->door->ours(), who->door->known(),
                    [&](cluster::admission how) { welcome = how == cluster::admission::welcome; });
    both = both && welcome;
    if (!welcome && tracing()) std::cout << "  " << now << " n" << at->id << " does not let in " << who->id << '\n';
  }
  if (both) since = lives;
  return both;
}

bool world::known_to_all(const node& n) const {
  if (!plan.doors) return true;
  for (const auto& other : nodes) {
    if (other->id == n.id || other->id > founders.size()) continue;
    if (!other->up) return false;
    const auto known = other->door->known();
    if (std::none_of(known.begin(), known.end(), [&](const auto& each) {
          return each.node == n.id &&
                 (n.older_start() ? each.last == n.door->ours() : each.last.directory == n.door->ours().directory);
        }))
      return false;
  }
  return true;
}

void world::saw_committed(node_id by, raft::instance of, const raft::committed_entry& e) {
  highest_ = std::max(highest_, e.index);
  auto [at, fresh] = history_.try_emplace(place{of.epoch, e.index}, e.term, e.payload);
  if (!fresh && at->second != std::pair(e.term, e.payload))
    fail("node " + std::to_string(by) + " applies another entry at " + std::to_string(e.index) +
         " than a node before it");
}

void world::saw_role(const node& n) {
  if (!n.replica || n.replica->group().role() != raft::role::leader) return;
  const auto term = n.replica->group().term();
  const auto epoch = n.replica->status().epoch;
  told.epochs = std::max(told.epochs, epoch);
  auto [at, fresh] = leaders_.try_emplace(place{epoch, term}, n.id);
  if (!fresh && at->second != n.id) fail("two leaders in term " + std::to_string(term));
}

// ---------------------------------------------------------------- what happens to them

void world::step_chaos() {
  if (!chaos) return;
  const auto size = nodes.size();
  auto any = [&]() -> node& { return *nodes[below(size)]; };
  auto leader = [&]() -> node* {
    for (auto& n : nodes)
      if (n->up && n->replica->group().role() == raft::role::leader) return n.get();
    return nullptr;
  };
  const auto what = below(100);
  if (what < 22) {
    any().crash();
  } else if (what < 32) {
    if (auto* l = leader()) l->crash();
  } else if (what < 45) {  // one is alone
    const auto a = below(size);
    for (std::size_t b = 0; b < size; ++b) cut[a][b] = cut[b][a] = true;
  } else if (what < 55) {  // one way
    cut[below(size)][below(size)] = true;
  } else if (what < 60) {
    any().disk.failing = true;
  } else if (what < 66) {
    any().pause_until(now + between(50, 900));
  } else if (what < 70) {
    any().clock_ahead += static_cast<std::int64_t>(between(100, 3'000));  // a suspended machine wakes
  } else if (what < 84 && victim == 0 && nodes.size() > founders.size()) {
    change_members(static_cast<unsigned>(below(3)));
    if (chance(0.4)) {  // something happens to whoever makes the change, or to a bystander
      at(between(0, 80), [this, who = chance(0.5) ? leader() : &any(), how = below(3)] {
        if (!chaos || who == nullptr || !who->up) return;
        const auto a = who->id - 1;
        if (how == 0) return who->crash();
        if (how == 1) return who->pause_until(now + between(50, 900));
        for (std::size_t b = 0; b < nodes.size(); ++b) cut[a][b] = cut[b][a] = true;
      });
    }
  } else {
    for (auto& row : cut) row.assign(size, false);
  }
  at(between(10, 350), [this] { step_chaos(); });
}

// Another set of members, asked for at any node, and `more` changes after it, before or after it is decided.
void world::change_members(unsigned more) {
  std::vector<node_id> inside, outside;
  node_id leads = 0;
  for (const auto* n : members()) {
    inside.push_back(n->id);
    if (n->up && n->replica->group().role() == raft::role::leader) leads = n->id;
  }
  for (const auto& n : nodes)
    if (std::find(inside.begin(), inside.end(), n->id) == inside.end()) outside.push_back(n->id);
  auto take = [&](std::vector<node_id>& from) {
    const auto at = from.begin() + static_cast<std::ptrdiff_t>(below(from.size()));
    const auto id = *at;
    from.erase(at);
    return id;
  };
  switch (below(5)) {
    case 0:  // to five
      while (inside.size() < 5 && !outside.empty()) inside.push_back(take(outside));
      break;
    case 1:  // to three
      while (inside.size() > 3) (void)take(inside);
      break;
    case 2:  // without the leader
      if (inside.size() > 1) std::erase(inside, leads);
      break;
    case 3:  // one for another, at once
      if (inside.empty() || outside.empty()) break;
      (void)take(inside);
      inside.push_back(take(outside));
      break;
    default: {  // whoever
      inside.clear();
      for (const auto& n : nodes)
        if (inside.size() < 5 && !chance(0.25)) inside.push_back(n->id);
    }
  }
  raft::member_list next;
  for (auto id : inside) next.push_back({id, ""});
  auto& n = *nodes[below(nodes.size())];
  if (n.up && !next.empty()) n.change_members(next, 2'000, [this](bool done) { told.changes += done ? 1 : 0; });
  if (more > 0)
    at(between(1, 400), [this, more] {
      if (chaos) change_members(more - 1);
    });
}

// Nothing stands in the way: to five, then to three without whoever leads. Whose disk is lost is replaced first of all.
void world::change_in_peace() {
  for (const std::size_t size : {5u, 3u}) {
    if (size == 3 && victim != 0) return;
    const auto now_in = members();
    raft::member_list next;
    for (const auto* n : now_in)
      if (victim != 0 ? !n->lost : size == 5 || n->replica->group().role() != raft::role::leader)
        next.push_back({n->id, ""});
    for (const auto& n : nodes)
      if (std::none_of(now_in.begin(), now_in.end(), [&](const auto* m) { return m->id == n->id; }))
        next.push_back({n->id, ""});
    // A majority holds the state already, but for a node that is alone.
    const auto most = now_in.size() == 1 ? size : 2 * now_in.size() - 1;
    next.resize(std::min({next.size(), size, most}));
    node* asked = nullptr;
    for (const auto* n : now_in)
      if (!n->lost && std::any_of(next.begin(), next.end(), [&](const auto& m) { return m.node == n->id; }))
        asked = &of(n->id);
    if (asked == nullptr) return;
    auto how = std::make_shared<int>(0);
    asked->change_members(next, 8'000, [how](bool done) { *how = done ? 1 : 2; });
    for (const auto end = now + 10'000; told.broken.empty() && *how == 0 && now < end;) run_until(now + 50), now += 50;
    if (told.broken.empty() && *how != 1) fail("a change of members in peace was not made:" + standing());
    told.changes += *how == 1 ? 1 : 0;
    await_rest();
  }
}

struct world::request {
  model::command what;
  std::uint64_t number = 0;
  bool known = false;
  int attempts = 0;
};

void world::begin(model::operation op, bool guest) {
  auto r = std::make_shared<request>();
  r->number = ++requests_;
  // Stamps stay within one window of the budgets, back and forth.
  r->what.ctx = context_of(home, owner, r->number, after(noon, static_cast<std::int64_t>(below(20'000))));
  if (guest) r->what.ctx.who = {model::caller::kind::guest, {}, {}, 0, "", ""};
  r->what.what = std::move(op);
  attempt(r);
}

// Through any node, and again with the same request until it is known what came of it.
void world::attempt(const std::shared_ptr<request>& r) {
  if (r->known || ++r->attempts > 12) return;
  auto& n = *nodes[below(nodes.size())];
  const auto l = n.life;
  auto again = [this, r](std::uint64_t low, std::uint64_t high) { at(between(low, high), [this, r] { attempt(r); }); };
  if (!n.up) return again(20, 200);
  const auto patience = between(200, 1'500);
  auto answered = std::make_shared<bool>(false);
  n.propose(r->what, patience, [this, r, again, answered](cluster::settled s) {
    if (*answered) return fail("a proposal was answered twice");
    *answered = true;
    if (s.how == cluster::settled::fate::committed) {
      if (!r->known) decided(*r, s.outcome);
      r->known = true;
      return;
    }
    if (s.how == cluster::settled::fate::unknown) ++told.unknown;
    again(1, 100);
  });
  at(patience + 500, [this, r, again, answered, &n, l, calm = !chaos] {  // its node died
    if (*answered || r->known) return;
    if (n.up && n.life == l && calm) fail("a proposal was not answered within its deadline");
    again(1, 50);
  });
}

void world::decided(const request& r, const model::outcome& o) {
  ++told.acknowledged;
  if (const auto* op = std::get_if<model::conceal_secret>(&r.what.what)) {
    if (o.refused) return fail("a secret was refused: " + o.refused->text);
    for (std::uint64_t n = made_; n > 0; --n)
      if (op->id == secret_no(n)) {
        created_.insert(n);
        break;
      }
  } else if (const auto* claim = std::get_if<model::claim_secret>(&r.what.what)) {
    if (o.refused) return;
    for (std::uint64_t n = made_; n > 0; --n) {
      if (!(claim->id == secret_no(n))) continue;
      ++told.reveals;
      auto [at, fresh] = shown_.try_emplace(n, r.number);
      if (!fresh && at->second != r.number) fail("secret " + std::to_string(n) + " was shown to two readers");
      break;
    }
  } else if (const auto* reveal = std::get_if<model::reveal_pat>(&r.what.what)) {
    if (o.refused) return;
    for (auto n : pats_) {
      if (!(reveal->id == pat_no(n))) continue;
      auto& got = reveals_[n];
      got.insert(r.number);
      if (got.size() > budget_per_pat) fail("the budget of a PAT was exceeded");
    }
  } else if (std::holds_alternative<model::create_workspace>(r.what.what)) {
    founded_ = true;
  } else if (const auto* pat = std::get_if<model::create_pat>(&r.what.what)) {
    if (o.refused) return fail("a PAT was refused: " + o.refused->text);
    for (std::uint64_t n = made_; n > 0; --n)
      if (pat->id == pat_no(n)) pats_.push_back(n);
  }
}

void world::step_clients() {
  if (now > 1'000 + plan.chaos_ms + 1'500) return;
  if (!founded_) {
    if (requests_ == 0 || chance(0.02)) begin(model::create_workspace{"Pearl", "", "wrapped"}, false);
  } else {
    const auto what = below(100);
    if (what < 40 || made_ < 3) {
      begin(hidden(++made_), false);
    } else if (what < 75) {
      const auto n = made_ - below(std::min<std::uint64_t>(made_, 12));
      for (auto readers = between(1, 3); readers > 0; --readers)
        begin(model::claim_secret{secret_no(n), true, std::nullopt, 0}, true);
    } else if (what < 80 && pats_.size() < 6) {
      begin(sealed_pat_no(++made_), false);
    } else if (what < 90 && !pats_.empty()) {
      model::reveal_pat op{pats_[below(pats_.size())] ? pat_no(pats_[below(pats_.size())]) : pat_no(1), true,
                           budget_per_pat, 600};
      begin(op, false);
    } else {
      // A read that must be current holds every secret acknowledged before it began.
      auto& n = *nodes[below(nodes.size())];
      if (n.up) {
        std::vector<std::uint64_t> before;
        for (auto it = created_.rbegin(); it != created_.rend() && before.size() < 20; ++it) before.push_back(*it);
        n.read(800, [this, &n, before, l = n.life](bool current) {
          if (!current || !n.up || n.life != l) return;
          ++told.reads;
          auto v = n.disk.snapshot();
          for (auto s : before)
            if (!holds_receipt(*v, s))
              fail("a current read on node " + std::to_string(n.id) + " misses secret " + std::to_string(s));
        });
      }
    }
  }
  at(between(5, 60), [this] { step_clients(); });
}

// ---------------------------------------------------------------- a run

void world::run_until(std::uint64_t end) {
  while (!events_.empty() && events_.top().at <= end && told.broken.empty()) {
    auto e = std::move(const_cast<event&>(events_.top()));
    events_.pop();
    now = e.at;
    e.f();
  }
}

std::vector<const node*> world::members() const {
  const node* newest = nullptr;
  for (const auto& n : nodes)
    if (n->up && !n->lost && !n->replica->members().empty() &&
        (newest == nullptr || n->replica->status().epoch > newest->replica->status().epoch))
      newest = n.get();
  std::vector<const node*> all;
  if (newest != nullptr)
    for (const auto& m : newest->replica->members()) all.push_back(nodes[m.node - 1].get());
  return all;
}

bool world::at_rest() const {
  std::uint64_t lowest = ~std::uint64_t{0}, highest = 0, epoch = 0;
  bool led = false;
  for (const auto& n : nodes)
    if (!n->up) return false;
  for (const auto* n : members()) {
    led = led || n->replica->group().knows_commits();
    if (n->lost) continue;
    if (epoch != 0 && epoch != n->replica->status().epoch) return false;
    epoch = n->replica->status().epoch;
    const auto s = n->replica->status();
    lowest = std::min(lowest, s.applied_index);
    highest = std::max(highest, s.applied_index);
    if (s.pending > 0 || s.fetching) return false;
  }
  return led && lowest == highest && highest >= highest_;
}

std::string world::standing() const {
  std::string text;
  for (const auto& n : nodes) {
    text += "\n  node " + std::to_string(n->id);
    if (!n->up) {
      text += " down";
      continue;
    }
    const auto s = n->replica->status();
    const auto& g = n->replica->group();
    text += " epoch " + std::to_string(s.epoch) + " role " + std::to_string(static_cast<int>(s.role)) + " term " +
            std::to_string(s.term) + " leader " + std::to_string(s.leader) + " commit " +
            std::to_string(s.commit_index) + " applied " + std::to_string(s.applied_index) + " last " +
            std::to_string(g.last_index()) + "/" + std::to_string(g.term_of(g.last_index())) + " pending " +
            std::to_string(s.pending) + (s.fetching ? " fetching" : "") + (g.writing() ? " writing" : "");
    for (const auto& p : s.peers)
      text += " [" + std::to_string(p.node) + " match " + std::to_string(p.match) + (p.fetching ? " fetching]" : "]");
  }
  return text;
}

void world::check_end() {
  auto all = members();
  std::erase_if(all, [](const auto* n) { return n->lost; });
  const auto& first = all.front()->disk.all();
  for (const auto* n : all)
    for (auto in : {space::state, space::sealed, space::audit, space::index})
      if (n->disk.all()[static_cast<std::size_t>(in)] != first[static_cast<std::size_t>(in)])
        return fail("node " + std::to_string(n->id) + " holds another state than another");
  for (auto s : created_)
    if (!holds_receipt(*all.front()->disk.snapshot(), s))
      return fail("acknowledged secret " + std::to_string(s) + " is lost");
  // The key of a row of the log: group(4), kind, epoch(8).
  for (const auto& n : nodes)
    for (const auto& [key, value] : n->disk.all()[static_cast<std::size_t>(space::log)]) {
      if (key.size() < 13) continue;
      model::reader epoch(std::string_view(key).substr(5, 8));
      if (epoch.u64() < n->replica->status().epoch)
        return fail("node " + std::to_string(n->id) + " keeps a row of an epoch that is over");
    }
  model::testing::map_state copy;
  copy_into(copy, *all.front()->disk.snapshot());
  if (auto wrong = model::testing::broken(copy); !wrong.empty()) fail("the state is broken: " + wrong);
}

void world::await_rest() {
  const auto began = now;
  for (auto end = now; told.broken.empty() && !at_rest(); end += 250) {
    run_until(end);
    if (now < end) now = end;
    if (end > began + 30'000) fail("no rest 30 s after all was healed:" + standing());
  }
}

summary world::run() {
  for (auto& n : nodes) n->boot();
  at(300, [this] { step_chaos(); });
  at(100, [this] { step_clients(); });
  const auto healed = 1'000 + plan.chaos_ms;
  run_until(healed);
  chaos = false;
  loss = doubled = 0;
  late = slow_disk = 0.01;
  for (auto& row : cut) row.assign(nodes.size(), false);
  for (auto& n : nodes) n->pause_until(0);
  run_until(healed + 2'000);
  await_rest();
  if (told.broken.empty() && nodes.size() > founders.size() && (victim != 0 || chance(0.3))) change_in_peace();
  if (told.broken.empty()) check_end();
  told.entries = history_.size();
  return told;
}

summary run(const plan& p) {
  world w(p);
  return w.run();
}

}  // namespace nacre::sim

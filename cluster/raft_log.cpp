#include "cluster/raft_log.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "cluster/founding.hpp"
#include "cluster/raft/courier.hpp"
#include "cluster/raft/door.hpp"
#include "cluster/raft/log_store.hpp"
#include "cluster/raft/neighbourhood.hpp"
#include "cluster/raft/replica.hpp"
#include "cluster/raft/shown_state.hpp"
#include "cluster/raft/state_server.hpp"
#include "cluster/raft/store_writer.hpp"
#include "model/commands.hpp"

namespace nacre::cluster {

namespace {

using steady = std::chrono::steady_clock;
using namespace raft;

// While somebody asks how old applied_view() is, a barrier keeps the answer small.
constexpr std::uint64_t age_wanted_ms = 1'000, age_refreshed_ms = 100;

std::uint64_t ms_of(steady::time_point t) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(t.time_since_epoch()).count());
}
std::uint64_t now_in_ms() { return ms_of(steady::now()); }

settled refused(errc code, std::string text) {
  settled s;
  s.how = settled::fate::refused;
  s.why = error{code, std::move(text)};
  return s;
}

class raft_log final : public log, private store_writer::listener {
  // A group: its replica, one caller at a time, and what the replica asks for.
  struct slot final : replica_host {
    slot(raft_log& whole, replica_options options)
        : of(whole), part(std::make_unique<replica>(*this, std::move(options), guard_rules{})) {
      random_state = whole.boot_ * 0x9e3779b97f4a7c15u + whole.options_.self;
    }
    // What callers are to be told is told without the lock.
    template <class F>
    void with(F f) {
      std::vector<unique_function<void()>> finished;
      {
        std::lock_guard lock(mutex);
        f(*part);
        finished = part->take_finished();
        current_as_of = part->current_as_of().value_or(0);
      }
      for (auto& each : finished) each();
    }

    std::uint64_t now_ms() override { return now_in_ms(); }
    int random(int low, int high) override {  // splitmix64; only election timeouts hang on it
      auto z = random_state += 0x9e3779b97f4a7c15u;
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
      z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
      z ^= z >> 31;
      return low + static_cast<int>(z % static_cast<std::uint64_t>(high - low + 1));
    }
    bool send(node_id to, std::string frame) override { return of.peers_.send(to, std::move(frame)); }
    void write(instance which, std::uint64_t ticket, log_write what) override {
      of.writer_.write(which, ticket, std::move(what));
    }
    void apply(instance which, committed_entry entry) override { of.writer_.apply(which, std::move(entry)); }
    void install_begin(instance which) override {
      of.writer_.then([this, which] { return of.shown_.begin(which); });
    }
    void install_rows(instance, storage::batch rows) override {
      of.writer_.then([this, all = std::move(rows)]() -> result<void> {
        if (auto done = of.shown_.add_rows(all); !done) return done;
        with([](replica& r) { r.rows_installed(); });
        return {};
      });
    }
    void install_end(instance which, log_mark at, bool keep_log, member_list begins) override {
      of.writer_.then([this, which, at, keep_log, begins = std::move(begins)]() -> result<void> {
        auto log_after = of.shown_.end(which, at, keep_log, begins);
        if (!log_after) return fail(log_after.error());
        with([&](replica& r) {
          r.installed(std::move(*log_after), at, [&](auto seq) { return of.applier_.decided(which.group, seq); });
        });
        return {};
      });
    }
    void members_are(instance which, const member_list& members) override {
      of.neighbours_.members_are(which.group, members);
    }
    std::unique_ptr<group_host::state_at> open_state(instance which, node_id to) override {
      return of.server_.open(which, to, now_in_ms());
    }
    void give_chunk(instance which, node_id to, fetch asked) override { of.courier_.ask(which, to, asked); }
    bool giving_state(instance which) override { return of.server_.busy(which.group, now_in_ms()); }
    void failed(const std::string& why) override { of.close(why); }

    raft_log& of;
    mutable std::mutex mutex;
    std::unique_ptr<replica> part;
    std::uint64_t random_state = 0;
    std::atomic<std::uint64_t> current_as_of{0};
  };

 public:
  raft_log(storage::store& store, std::uint32_t groups, raft_options options, peers& connections,
           const credential& start, commit_listener on_commit)
      : store_(store),
        groups_(groups),
        options_(std::move(options)),
        peers_(connections),
        boot_(start.boot),
        applier_(store, options_.self, start.boot, changes_, std::move(on_commit)),
        shown_(store, groups, applier_, changes_),
        server_(store, groups, start.boot),
        courier_(server_, connections, now_in_ms),
        writer_(store, applier_, *this),
        door_(
            options_.self, start,
            [this](storage::batch rows, unique_function<void()> then) { remember(std::move(rows), std::move(then)); }),
        neighbours_(options_.self, options_.contacts, options_.election, connections, door_) {}
  ~raft_log() override { stop(); }

  result<void> start() {
    auto v = store_.snapshot();
    for (group_id id = 0; id < groups_; ++id) {
      auto epoch = load_epoch(*v, id);
      if (!epoch) return fail(epoch.error());
      if (!*epoch) return fail(errc::conflict, "this data directory belongs to no cluster");
      const auto& members = (*epoch)->members;
      const bool waits = members.empty();
      // One that was taken out starts all the same: it may be the one that has the state for who stays.
      const bool founded_for_others =
          (*epoch)->epoch == 1 && !waits &&
          std::none_of(members.begin(), members.end(), [&](const auto& m) { return m.node == options_.self; });
      if (founded_for_others)
        return fail(errc::conflict, "this node is no member of the cluster its data directory belongs to");
      const instance of{id, (*epoch)->epoch};
      auto found_log = load_log(*v, of);
      if (!found_log) return fail(found_log.error());
      auto applied = applier_.open(of);
      if (!applied) return fail(applied.error());
      if (applied->epoch == 0) applied->at = found_log->mark;
      auto stateless = state_installer::unfinished(*v, id);
      if (!stateless) return fail(stateless.error());
      if (*stateless) shown_.hide_half(id);
      neighbours_.begin_with(id, members);
      if (applied->at.index < found_log->mark.index && !*stateless)
        return fail(errc::corrupt, "the state ends before the replicated log begins");
      slots_.push_back(std::make_unique<slot>(*this, options_for(of, members)));
      loaded_.push_back({std::move(*found_log), applied->at, *stateless});
    }
    if (auto known = door_.load(*v); !known) return known;
    neighbours_.tell_door();
    v.reset();
    writer_.start();
    // Frames may come as soon as the connections stand.
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      result<void> started;
      slots_[i]->with(
          [&](replica& r) { started = r.start(std::move(loaded_[i].log), loaded_[i].applied, loaded_[i].stateless); });
      if (!started) return started;
    }
    loaded_.clear();
    peers_.set_doorkeeper(&door_);
    if (auto started = peers_.start([this](node_id from, std::string frame) { receive(from, frame); }); !started)
      return started;
    connected_ = true;
    neighbours_.connect();
    ticker_ = std::thread([this] { tick(); });
    courier_.start();
    return {};
  }

  void propose(proposal p) override {
    if (closed_) return p.done(refused(errc::storage_failed, "The node takes no changes at present"));
    auto command = model::encode(p.what);
    // What does not decode would stop every node once it is in the log.
    if (!model::decode_command(command)) return p.done(refused(errc::internal, "The command does not decode"));
    auto& at = slot_of(p.what.ctx.workspace);
    at.with([&](replica& r) { r.propose(std::move(command), ms_of(p.deadline), std::move(p.done)); });
  }

  void read_barrier(workspace_id ws, deadline by,
                    unique_function<void(result<std::shared_ptr<const model::view>>)> done) override {
    auto then = [this, ws, done = std::move(done)](result<void> how) mutable {
      if (!how) return done(fail(how.error()));
      auto shown = shown_.whole(ws);
      if (!shown) return done(fail(errc::busy, "The node is fetching its state"));
      done(std::move(shown));
    };
    if (ws == workspace_id{}) return when_current(by, std::move(then));
    current(slot_of(ws), by, std::move(then));
  }

  void when_current(deadline by, unique_function<void(result<void>)> done) override {
    of_all(std::move(done), [&](slot& each, auto then) { current(each, by, std::move(then)); });
  }

  void reconfigure(std::vector<peers::neighbour> members, deadline by,
                   unique_function<void(result<void>)> done) override {
    if (closed_) return done(fail(errc::storage_failed, "The node takes no changes at present"));
    for (auto& m : members)
      if (m.directory.is_nil()) m.directory = door_.directory_of(m.node);
    of_all(std::move(done), [&](slot& each, auto then) {
      each.with([&](replica& r) { r.change_members(members, ms_of(by), std::move(then)); });
    });
  }

  std::shared_ptr<const model::view> applied_view() const override { return shown_.now(); }

  std::chrono::milliseconds applied_age() const override {
    const auto now = now_in_ms();
    age_asked_at_ = now;
    std::uint64_t oldest = now;
    for (const auto& each : slots_) oldest = std::min<std::uint64_t>(oldest, each->current_as_of);
    // Never zero: others may have acknowledged something since, within this very millisecond.
    return std::chrono::milliseconds(now - oldest + 1);
  }

  const cluster::changes& changes() const override { return changes_; }

  log_status status() const override {
    log_status s;
    s.reason = store_.closed_reason();  // names the file
    if (s.reason.empty()) {
      std::lock_guard lock(closing_);
      s.reason = closed_reason_;
    }
    s.writable = s.reason.empty();
    for (const auto& each : slots_) {
      std::lock_guard lock(each->mutex);
      const auto of = each->part->status();
      s.commit_index = std::max(s.commit_index, of.commit_index);
      s.pending += of.pending;
    }
    return s;
  }

  cluster_status standing() const override {
    cluster_status s;
    s.self = options_.self;
    for (group_id id = 0; id < slots_.size(); ++id) {
      std::lock_guard lock(slots_[id]->mutex);
      const auto of = slots_[id]->part->status();
      group_status g;
      g.group = id;
      g.role = static_cast<group_role>(of.role);
      g.leader = of.leader;
      g.epoch = of.epoch;
      g.term = of.term;
      g.commit_index = of.commit_index;
      g.applied_index = of.applied_index;
      g.pending = of.pending;
      g.fetching = of.fetching;
      g.fetched_bytes = of.fetched_bytes;
      if (id == 0) {
        s.members_reached = slots_[id]->part->latest_members();
        for (const auto& m : s.members_reached) s.members.push_back(m.node);
      }
      for (const auto& p : of.peers) g.others.push_back({p.node, p.match, p.heard, p.fetching});
      s.groups.push_back(std::move(g));
    }
    return s;
  }

  bool leads(workspace_id ws) const override {
    const auto& at = *slots_[group_of(ws, groups_)];
    std::lock_guard lock(at.mutex);
    return static_cast<group_role>(at.part->status().role) == group_role::leader;
  }

  void stop() override {
    std::lock_guard once(stopping_);
    if (std::exchange(stopped_, true)) return;
    {
      std::lock_guard lock(ticking_);
      tick_no_more_ = true;
      tick_wake_.notify_one();
    }
    if (ticker_.joinable()) ticker_.join();
    courier_.stop();
    if (connected_) peers_.stop();
    writer_.stop();
    for (auto& each : slots_) each->with([](replica& r) { r.stop(); });
  }

 private:
  replica_options options_for(instance of, const member_list& members) const {
    replica_options r;
    r.boot = boot_;
    r.directory = door_.ours().directory;
    r.groups = groups_;
    r.pending_max = options_.pending_max;
    // One budget a node, whatever the number of its groups; a frame and a command must fit.
    auto share = [this](std::size_t& of_all, std::size_t least) { of_all = std::max(of_all / groups_, least); };
    share(r.pending_bytes_max, 2 * entry_bytes_max);
    share(r.group.queue_bytes_max, 2 * entry_bytes_max);
    share(r.group.inbox_bytes_max, 2 * frame_bytes_max);
    share(r.group.inbox_messages_max, 128);
    auto& g = r.group;
    g.of = of;
    g.self = options_.self;
    r.members = members;
    for (const auto& m : members) g.members.push_back(m.node);
    g.heartbeat = options_.heartbeat;
    g.election = options_.election;
    g.batch_commands_max = options_.batch_commands_max;
    // Until an entry is settled everything gathers for the next: fewer and larger ones cost every node less than what
    // several under way would save in waiting.
    g.unsettled_entries_max = 1;
    g.compact_entries = options_.compact_entries;
    g.compact_bytes = options_.compact_bytes;
    g.tail_entries = options_.tail_entries;
    g.tail_bytes = options_.tail_bytes;
    g.files_bytes_max = options_.files_bytes_max / groups_;
    g.files_tail_bytes = options_.files_tail_bytes;
    g.cut_after = options_.cut_after;
    return r;
  }

  slot& slot_of(workspace_id ws) { return *slots_[group_of(ws, groups_)]; }

  // ---- who may take part, by the writer's thread
  void remember(storage::batch rows, unique_function<void()> then) {
    auto shared = std::make_shared<unique_function<void()>>(std::move(then));
    writer_.then([this, all = std::move(rows), shared]() -> result<void> {
      if (auto done = store_.apply(all, storage::durability::synced); !done) return done;
      (*shared)();
      return {};
    });
  }

  // Done when all groups are, with what went wrong last.
  template <class Ask>
  void of_all(unique_function<void(result<void>)> done, Ask ask) {
    if (slots_.size() == 1) return ask(*slots_.front(), std::move(done));
    struct gathered {
      std::mutex mutex;
      std::size_t left;
      std::optional<error> wrong;
      unique_function<void(result<void>)> done;
    };
    auto all = std::make_shared<gathered>();
    all->left = slots_.size();
    all->done = std::move(done);
    for (auto& each : slots_) {
      ask(*each, unique_function<void(result<void>)>([all](result<void> how) {
        {
          std::lock_guard lock(all->mutex);
          if (!how) all->wrong = how.error();
          if (--all->left > 0) return;
        }
        all->done(all->wrong ? result<void>(fail(*all->wrong)) : result<void>{});
      }));
    }
  }

  void current(slot& at, deadline by, unique_function<void(result<void>)> done) {
    if (closed_) return done(fail(errc::storage_failed, "The node cannot tell what is current at present"));
    at.with([&](replica& r) { r.read(ms_of(by), std::move(done)); });
  }

  void receive(node_id from, const std::string& frame) {
    const auto of = peek_instance(frame);
    if (!of || of->group >= slots_.size() || closed_) return;
    slots_[of->group]->with([&](replica& r) { r.receive(from, frame); });
  }

  // store_writer::listener
  void applied(group_id group, apply_report report) override {
    slots_[group]->with([&](replica& r) { r.applied(std::move(report)); });
  }
  void written(instance of, std::uint64_t ticket) override {
    slots_[of.group]->with([&](replica& r) { r.written(of, ticket); });
  }
  void failed(const std::string& why) override {
    close(why);
    for (auto& each : slots_) each->with([](replica& r) { r.stop(); });
  }

  // The cause may name files: status() tells it to the operator.
  void close(const std::string& why) {
    std::lock_guard lock(closing_);
    closed_ = true;
    if (closed_reason_.empty()) closed_reason_ = why.empty() ? "replication failed" : why;
  }

  void tick() {
    neighbours_.led(now_in_ms());
    const auto every = std::max<std::chrono::milliseconds>(options_.heartbeat / 2, std::chrono::milliseconds(1));
    for (;;) {
      {
        std::unique_lock lock(ticking_);
        tick_wake_.wait_for(lock, every, [this] { return tick_no_more_; });
        if (tick_no_more_) return;
      }
      // It closes by itself when a flush or somebody's read fails; a node that only listens writes nothing soon.
      if (auto why = store_.closed_reason(); !why.empty()) close(why);
      if (closed_) {
        for (auto& each : slots_) each->with([](replica& r) { r.stop(); });
        continue;
      }
      neighbours_.connect_if_changed();
      const auto now = now_in_ms();
      const bool wanted = now - age_asked_at_ < age_wanted_ms;
      bool leaderless = false;
      for (auto& each : slots_) {
        each->with([&](replica& r) {
          r.tick();
          leaderless = leaderless || (r.group().leader() == 0 && neighbours_.includes_us(r.members()));
          if (wanted && now - each->current_as_of >= age_refreshed_ms && !r.reads_waiting())
            r.read(now + age_wanted_ms, [](result<void>) {});
        });
      }
      neighbours_.look_around(now, leaderless);
    }
  }

  storage::store& store_;
  const std::uint32_t groups_;
  const raft_options options_;
  peers& peers_;
  const std::uint64_t boot_;
  cluster::changes changes_;
  applier applier_;  // the writer's
  shown_state shown_;
  state_server server_;
  courier courier_;
  store_writer writer_;
  door door_;
  neighbourhood neighbours_;
  std::vector<std::unique_ptr<slot>> slots_;
  struct to_start {
    loaded_log log;
    log_mark applied;
    bool stateless;
  };
  std::vector<to_start> loaded_;
  mutable std::atomic<std::uint64_t> age_asked_at_{0};

  mutable std::mutex closing_;
  std::atomic<bool> closed_{false};
  std::string closed_reason_;

  std::mutex stopping_;
  bool stopped_ = false, connected_ = false;
  std::mutex ticking_;
  std::condition_variable tick_wake_;
  bool tick_no_more_ = false;
  std::thread ticker_;
};

}  // namespace

result<std::unique_ptr<log>> make_raft_log(storage::store& store, raft_options options, peers& connections,
                                           commit_listener on_commit) {
  auto groups = groups_of_cluster(store);
  if (!groups) return fail(groups.error());
  if (*groups == 0) return fail(errc::conflict, "this data directory belongs to no cluster");
  auto leaving = is_leaving(store);
  if (!leaving) return fail(leaving.error());
  if (*leaving)
    return fail(errc::conflict,
                "this data directory is leaving its cluster: `nacre restored --leave-cluster` goes on with it");
  auto counted = raft::count_start(store);
  if (!counted) return fail(counted.error());
  auto made =
      std::make_unique<raft_log>(store, *groups, std::move(options), connections, *counted, std::move(on_commit));
  if (auto started = made->start(); !started) return fail(started.error());
  return std::unique_ptr<log>(std::move(made));
}

}  // namespace nacre::cluster

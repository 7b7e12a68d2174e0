#pragma once
// One node: a real replica, applier and log rows over a virtual disk, on the world's clock. Its writer applies before
// it writes, and a write takes the time of a sync.

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "cluster/raft/door.hpp"
#include "cluster/raft/replica.hpp"
#include "cluster/raft/state_installer.hpp"
#include "cluster/raft/state_server.hpp"
#include "tests/sim/disk.hpp"
#include "tests/sim/plan.hpp"

namespace nacre::sim {

class world;

class node final : public raft::replica_host {
 public:
  node(world& w, node_id id);

  void boot();
  void crash();
  void stop();  // tells whoever waits, and ends
  void pause_until(std::uint64_t when) { paused_until_ = when; }
  bool paused() const;

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
  storage::batch rows_in_flight() const;
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

}  // namespace nacre::sim

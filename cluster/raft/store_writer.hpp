#pragma once
// The one thread of a node that writes to the store, for all its groups.
//
// A round applies what has been committed (buffered: it needs no sync) and reports it, then makes the log rows of all
// groups durable with one sync, and reports those; last it takes the steps of putting a fetched state in place. While
// it runs the next round gathers. After the first failure nothing is written any more and `failed` is told once.

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "cluster/raft/applier.hpp"
#include "cluster/raft/types.hpp"
#include "storage/store.hpp"

namespace nacre::cluster::raft {

class store_writer {
 public:
  // Called by the writer's thread.
  class listener {
   public:
    virtual ~listener() = default;
    virtual void applied(group_id group, apply_report report) = 0;
    virtual void written(instance of, std::uint64_t ticket) = 0;
    virtual void failed(const std::string& why) = 0;
  };

  store_writer(storage::store& store, applier& applies, listener& to);
  ~store_writer() { stop(); }

  void start();
  void write(instance of, std::uint64_t ticket, log_write what);
  void apply(instance of, committed_entry entry);
  // Run by the writer's thread after the log rows given before.
  void then(std::function<result<void>()> step);
  // What was given before is done first.
  void stop();

 private:
  struct log_job {
    instance of;
    std::uint64_t ticket = 0;
    log_write what;
  };
  struct round {
    std::map<group_id, std::pair<instance, std::vector<committed_entry>>> entries;
    std::vector<log_job> writes;
    std::vector<std::function<result<void>()>> steps;
    bool empty() const { return entries.empty() && writes.empty() && steps.empty(); }
  };
  void run();
  bool work(round r);

  storage::store& store_;
  applier& applies_;
  listener& to_;
  std::mutex mutex_;
  std::condition_variable wake_;
  round next_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace nacre::cluster::raft

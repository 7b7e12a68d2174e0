#pragma once
// The one pool that stretches passphrases (20 ms and 32 MiB each), bounded so that a storm of guesses costs
// neither the memory nor the cores of everyone else.
//
// Who wants to stretch enters first and is told at once if there is no room; then what is to be written before
// (a reserved attempt) is written, and the job runs with the place taken. A place is one of threads + queue, one of
// `per_workspace` of its workspace, and the only one of its secret, from enter() until it is dropped or its job is
// done. The memory is taken by the job, so `threads` times a job's is all there is.
// Threads: any, but stop() and the destructor not from a job. Jobs start in the order of run(), on threads that
// gave up scheduling priority. Errors: a job that throws ends the process.

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "model/ids.hpp"
#include "model/limits.hpp"
#include "model/unique_function.hpp"

namespace nacre::actors {

// All cores but one, and at least one.
std::size_t kdf_threads();

class kdf_pool {
 private:
  struct room;

 public:
  struct settings {
    std::size_t threads = kdf_threads();
    std::size_t queue = limits::kdf_queue_jobs_max;
    std::size_t per_workspace = limits::kdf_jobs_per_workspace_max;
  };

  // Permission to run one job; given back when dropped. May outlive the pool.
  class place {
   public:
    place(place&&) noexcept = default;
    place& operator=(place&& other) noexcept;
    ~place();
    void leave() noexcept;  // gives it back now

   private:
    friend class kdf_pool;
    place(std::shared_ptr<room> in, workspace_id ws, const uuid& about);
    std::shared_ptr<room> room_;
    workspace_id workspace_;
    uuid about_;
    bool running_ = false;
  };

  struct stats {
    std::size_t queued = 0;  // places whose job has not started
    std::size_t running = 0;
    std::uint64_t refused_total = 0;
  };

  explicit kdf_pool(settings s);
  ~kdf_pool();
  kdf_pool(const kdf_pool&) = delete;
  kdf_pool& operator=(const kdf_pool&) = delete;

  // Nothing if the pool is full or stopped, the workspace has its share, or this secret is in already. A nil secret
  // counts for its workspace only.
  std::optional<place> enter(workspace_id ws, const uuid& secret);
  // The job, and all it holds, is gone before its place is free, unless the job gives it back itself: who lets an
  // answer out does so before, or whoever got it and asks again at once finds the place still taken. After stop() the
  // job is dropped here. A place that was moved from, or another pool's, aborts.
  void run(place taken, unique_function<void(place&)> job);
  // Finishes the jobs that run, drops those that wait (whoever they answer must be answered by their destructor) and
  // lets nobody in any more. Again: nothing.
  void stop();
  stats now() const;

 private:
  // Destroyed from the last member on: the job before its place.
  struct queued {
    place taken;
    unique_function<void(place&)> job;
  };
  void work();

  const std::shared_ptr<room> room_;  // its mutex guards what follows
  std::condition_variable ready_;
  std::deque<queued> queue_;
  std::vector<std::thread> threads_;
};

}  // namespace nacre::actors

#pragma once
// The one thread of a node that reads chunks of its state for others and sends them: reading takes its time, and
// nobody else is to wait for it.
//
// What it is asked for is bounded; beyond that, and when it stops, an errand is dropped: whoever fetches asks again.
// Threads: any.

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "cluster/raft/frames.hpp"
#include "cluster/raft/state_server.hpp"
#include "cluster/raft/types.hpp"

namespace nacre::cluster::raft {

class courier {
 public:
  courier(state_server& states, peers& connections, std::uint64_t (*now_ms)())
      : states_(states), peers_(connections), now_ms_(now_ms) {}
  ~courier() { stop(); }

  void start();
  void ask(instance of, node_id to, const fetch& asked);
  void stop();

 private:
  static constexpr std::size_t errands_max = 16;
  struct errand {
    instance of;
    node_id to = 0;
    fetch asked;
  };
  void carry();

  state_server& states_;
  peers& peers_;
  std::uint64_t (*const now_ms_)();
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<errand> errands_;
  bool no_more_ = false;
  std::thread thread_;
};

}  // namespace nacre::cluster::raft

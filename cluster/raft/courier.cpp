#include "cluster/raft/courier.hpp"

namespace nacre::cluster::raft {

void courier::start() {
  thread_ = std::thread([this] { carry(); });
}

void courier::ask(instance of, node_id to, const fetch& asked) {
  std::lock_guard lock(mutex_);
  if (errands_.size() >= errands_max) return;  // asked for again
  errands_.push_back({of, to, asked});
  wake_.notify_one();
}

void courier::stop() {
  {
    std::lock_guard lock(mutex_);
    no_more_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void courier::carry() {
  for (;;) {
    errand e;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return no_more_ || !errands_.empty(); });
      if (no_more_) return;
      e = errands_.front();
      errands_.erase(errands_.begin());
    }
    peers_.send(e.to, encode(frame{e.of, states_.give(e.of, e.to, e.asked, now_ms_())}));
  }
}

}  // namespace nacre::cluster::raft

#pragma once
// Connections between nodes of one process: each node has a thread that hands its frames over, in order. Links can be
// cut. Everybody is connected to everybody, or only those that want it both (`by_choice`), as between real nodes.

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "cluster/peers.hpp"

namespace nacre::testing {

class memory_network {
 public:
  using node_id = cluster::node_id;

  explicit memory_network(bool by_choice = false) : by_choice_(by_choice) {}

  // What that node reaches the others by; starts anew with every call, as after a restart.
  std::unique_ptr<cluster::peers> join(node_id node) { return std::make_unique<end>(*this, node); }

  void cut(node_id a, node_id b) {
    std::lock_guard lock(mutex_);
    cut_.insert(std::minmax(a, b));
  }
  void heal() {
    std::lock_guard lock(mutex_);
    cut_.clear();
  }

 private:
  class end final : public cluster::peers {
   public:
    end(memory_network& of, node_id node) : of_(of), node_(node) {}
    ~end() override { stop(); }

    result<void> start(receiver on_frame) override {
      on_frame_ = std::move(on_frame);
      {
        std::lock_guard lock(of_.mutex_);
        of_.ends_[node_] = this;
      }
      thread_ = std::thread([this] { run(); });
      return {};
    }
    bool send(node_id to, std::string frame) override {
      std::lock_guard lock(of_.mutex_);
      auto found = of_.ends_.find(to);
      if (!of_.ends_.contains(node_) || found == of_.ends_.end() || of_.cut_.contains(std::minmax(node_, to)))
        return false;
      if (of_.by_choice_ && !(wanted_.contains(to) && found->second->wanted_.contains(node_))) return false;
      auto& other = *found->second;
      std::lock_guard queue_lock(other.mutex_);
      other.queue_.emplace_back(node_, std::move(frame));
      other.wake_.notify_one();
      return true;
    }
    void set_neighbours(std::vector<neighbour> all) override {
      std::lock_guard lock(of_.mutex_);
      wanted_.clear();
      for (const auto& each : all) wanted_.insert(each.node);
    }
    std::vector<cluster::peer_status> status() const override { return {}; }
    void stop() override {
      {
        std::lock_guard lock(of_.mutex_);
        if (of_.ends_.contains(node_) && of_.ends_[node_] == this) of_.ends_.erase(node_);
      }
      {
        std::lock_guard lock(mutex_);
        stopping_ = true;
        wake_.notify_one();
      }
      if (thread_.joinable()) thread_.join();
    }

   private:
    void run() {
      for (;;) {
        std::pair<node_id, std::string> next;
        {
          std::unique_lock lock(mutex_);
          wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
          if (stopping_) return;
          next = std::move(queue_.front());
          queue_.pop_front();
        }
        on_frame_(next.first, std::move(next.second));
      }
    }

    memory_network& of_;
    const node_id node_;
    std::set<node_id> wanted_;  // under the network's mutex
    receiver on_frame_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<std::pair<node_id, std::string>> queue_;
    bool stopping_ = false;
    std::thread thread_;
  };

  const bool by_choice_;
  std::mutex mutex_;
  std::map<node_id, end*> ends_;
  std::set<std::pair<node_id, node_id>> cut_;
};

}  // namespace nacre::testing

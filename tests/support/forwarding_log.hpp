#pragma once
// A log that hands everything on to another one: tests change what they are about.

#include <memory>
#include <utility>

#include "cluster/log.hpp"

namespace nacre::testing {

class forwarding_log : public cluster::log {
 public:
  explicit forwarding_log(cluster::log& whole) : whole_(whole) {}
  void propose(cluster::proposal p) override { whole_.propose(std::move(p)); }
  void read_barrier(workspace_id ws, cluster::deadline by,
                    unique_function<void(result<std::shared_ptr<const model::view>>)> done) override {
    whole_.read_barrier(ws, by, std::move(done));
  }
  void when_current(cluster::deadline by, unique_function<void(result<void>)> done) override {
    whole_.when_current(by, std::move(done));
  }
  std::shared_ptr<const model::view> applied_view() const override { return whole_.applied_view(); }
  std::chrono::milliseconds applied_age() const override { return whole_.applied_age(); }
  const cluster::changes& changes() const override { return whole_.changes(); }
  cluster::log_status status() const override { return whole_.status(); }
  void stop() override {}

 protected:
  cluster::log& whole_;
};

}  // namespace nacre::testing

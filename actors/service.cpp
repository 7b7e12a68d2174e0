#include "actors/service.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>

#include "actors/activity.hpp"
#include "actors/directory.hpp"
#include "crypto/random.hpp"

namespace nacre::actors {

namespace {

using steady = std::chrono::steady_clock;

caf::actor_system_config& configure(caf::actor_system_config& config, const settings& s) {
  // Two threads that sleep when idle: the default (four, polling) costs an idle node several per cent.
  config.set("scheduler.policy", caf::atom("sharing"));
  config.set("scheduler.max-threads", s.threads);
  return config;
}

class caf_service final : public service {
 public:
  caf_service(cluster::log& log, const crypto::keyring& keys, const clock& time, settings s)
      : log_(log),
        time_(time),
        settings_(std::move(s)),
        system_(configure(config_, settings_)),
        directory_(system_, log, keys, settings_),
        housekeeper_([this] { keep_house(); }) {}

  ~caf_service() override { stop(); }

  void submit(order o) override { directory_.deliver(std::move(o)); }

  void query(workspace_id ws, cluster::deadline by,
             unique_function<void(result<std::shared_ptr<const model::view>>)> done) override {
    log_.read_barrier(ws, by, std::move(done));
  }

  void note_use(workspace_id ws, pat_id pat, timestamp at) override { activity_.use(ws, pat, at); }
  void note_act(workspace_id ws, std::string_view action, std::string_view object) override {
    activity_.act(ws, action, object, time_.now());
  }
  void note_auth_failure(std::string_view reason) override { activity_.auth_failure(reason); }
  service_stats stats() const override { return directory_.stats(); }

  void stop() override {
    {
      std::lock_guard lock(mutex_);
      if (stopping_) return;
      stopping_ = true;
    }
    wake_.notify_one();
    housekeeper_.join();
    write_notes(true);
    // Every order ends with the log's answer, and the log still runs: this is bounded by their deadlines.
    auto give_up = steady::now() + std::chrono::seconds(5);
    std::unique_lock lock(mutex_);
    while (directory_.stats().orders > 0 && steady::now() < give_up) wake_.wait_for(lock, std::chrono::milliseconds(2));
  }

 private:
  void keep_house() {
    std::unique_lock lock(mutex_);
    while (!wake_.wait_for(lock, settings_.note_flush, [this] { return stopping_; })) {
      lock.unlock();
      write_notes(false);
      directory_.put_idle_to_sleep();
      lock.lock();
    }
  }

  void write_notes(bool last) {
    for (auto& noted : activity_.drain(time_.now(), last)) {
      order o;
      o.ctx.request = request_id{crypto::random_uuid()};
      o.ctx.workspace = noted.workspace;
      o.ctx.now = time_.now();
      o.ctx.who.via = model::caller::kind::system;
      o.ctx.node = settings_.node;
      o.what = model::operation{std::move(noted.what)};
      o.deadline = steady::now() + std::chrono::seconds(5);
      o.reply = [](answer) {};  // a lost remark is not worth a retry
      submit(std::move(o));
    }
  }

  cluster::log& log_;
  const clock& time_;
  const settings settings_;
  caf::actor_system_config config_;
  caf::actor_system system_;
  activity activity_;
  directory directory_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread housekeeper_;
};

}  // namespace

std::unique_ptr<service> make_service(cluster::log& log, const crypto::keyring& keys, const clock& time, settings s) {
  return std::make_unique<caf_service>(log, keys, time, std::move(s));
}

}  // namespace nacre::actors

#include "actors/service.hpp"

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "actors/activity.hpp"
#include "actors/directory.hpp"
#include "actors/home.hpp"
#include "actors/kdf_pool.hpp"
#include "crypto/random.hpp"
#include "model/secrets.hpp"

namespace nacre::actors {

namespace {

using steady = std::chrono::steady_clock;

caf::actor_system_config& configure(caf::actor_system_config& config, const settings& s) {
  // Threads that sleep when idle: the default (four, polling) costs an idle node several per cent.
  config.set("scheduler.policy", caf::atom("sharing"));
  config.set("scheduler.max-threads", s.threads);
  return config;
}

kdf_pool::settings pool_settings(const settings& s) {
  kdf_pool::settings out;
  if (s.kdf_threads != 0) out.threads = s.kdf_threads;
  return out;
}

// Calls `done` where the asking thread takes work back, at once if that is here.
template <class Answer>
unique_function<void(Answer)> brought_home(unique_function<void(Answer)> done) {
  auto to = home_of_this_thread();
  if (!to) return done;
  return [to = std::move(to), done = std::move(done)](Answer a) mutable {
    if (home_of_this_thread() == to) return done(std::move(a));
    to->post([done = std::move(done), a = std::move(a)]() mutable { done(std::move(a)); });
  };
}

class caf_service final : public service {
 public:
  caf_service(cluster::log& log, const crypto::keyring& keys, const clock& time, settings s)
      : log_(log),
        time_(time),
        settings_(std::move(s)),
        system_(configure(config_, settings_)),
        pool_(pool_settings(settings_)),
        directory_(system_, log, keys, pool_, settings_),
        housekeeper_([this] { keep_house(); }) {}

  ~caf_service() override {
    stop();
    await_idle();  // an actor must not outlive its system, and what the log has yet to settle holds one
  }

  // The answer comes on a thread of the actors', and what is asked after it is asked for whoever ordered.
  void submit(order o) override {
    if (auto from = home_of_this_thread())
      o.reply = [from = std::move(from), reply = std::move(o.reply)](answer a) mutable {
        work_for the_caller(std::move(from));
        reply(std::move(a));
      };
    directory_.deliver(std::move(o));
  }

  void query(workspace_id ws, cluster::deadline by,
             unique_function<void(result<std::shared_ptr<const model::view>>)> done) override {
    log_.read_barrier(ws, by, brought_home(std::move(done)));
  }

  void when_current(cluster::deadline by, unique_function<void(result<void>)> done) override {
    log_.when_current(by, brought_home(std::move(done)));
  }
  std::shared_ptr<const model::view> local_view() const override { return log_.applied_view(); }
  std::chrono::milliseconds local_age() const override { return log_.applied_age(); }
  const cluster::changes& changes() const override { return log_.changes(); }

  void note_use(workspace_id ws, pat_id pat, timestamp at) override { activity_.use(ws, pat, at); }
  void note_reuse(workspace_id ws, pat_id pat) override { activity_.reuse(ws, pat, time_.now()); }
  void note_act(workspace_id ws, std::string_view action, std::string_view object, std::string_view reason) override {
    activity_.act(ws, action, object, time_.now(), reason);
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
    while (!directory_.idle() && steady::now() < give_up) wake_.wait_for(lock, std::chrono::milliseconds(2));
    lock.unlock();
    pool_.stop();
  }

  void await_idle() override {
    std::unique_lock lock(mutex_);
    while (!directory_.idle()) wake_.wait_for(lock, std::chrono::milliseconds(1));
  }

 private:
  void keep_house() {
    // Notes may be gathered for long; what has expired must not wait for them.
    const auto tick = std::min(settings_.note_flush, std::chrono::milliseconds(1'000));
    auto notes_due = steady::now() + settings_.note_flush;
    std::unique_lock lock(mutex_);
    bool more = false;
    while (!wake_.wait_for(lock, more ? std::chrono::milliseconds(0) : tick, [this] { return stopping_; })) {
      lock.unlock();
      if (steady::now() >= notes_due) {
        write_notes(false);
        notes_due = steady::now() + settings_.note_flush;
      }
      more = sweep_dues();
      directory_.put_idle_to_sleep();
      lock.lock();
    }
  }

  // What has expired goes by a command like everything else. The next look begins where the last complete
  // one ended, less what clocks may differ by: rows of dues long handled are not walked over again. But not behind
  // what was due in it, for what was due late may have left something that is due since. Whether there is more to do
  // at once.
  bool sweep_dues() {
    // What others lead is theirs to sweep, and passed over. When there is much of it the next look goes on where this
    // one ends: it must not keep this node from what is its own behind it.
    constexpr std::size_t at_once_max = 4'096, looked_at_max = 4 * at_once_max;
    constexpr std::int64_t clocks_differ_ms = 600'000;
    constexpr std::int64_t step_ms = 60'000;        // of swept_until_: to ask for the age costs a cluster a round
    constexpr std::chrono::minutes settled_for{1};  // a view that lacks more may yet show what was due long ago
    const auto past = settings_.past ? settings_.past() : time_.now();
    if (!past) return false;
    const auto now = *past;
    auto give_up = steady::now() + std::chrono::seconds(5);
    std::map<workspace_id, std::vector<model::due>> found;
    std::map<workspace_id, bool> ours;
    std::size_t looked_at = 0, wanted = 0;
    const auto done_by = after(now, -clocks_differ_ms);
    swept_until_ = std::min(swept_until_, done_by);  // the clock may have been ahead
    const auto from = std::max(swept_until_, std::exchange(goes_on_at_, time_min));
    const bool current = swept_until_ < after(done_by, -step_ms) && log_.applied_age() < settled_for;
    std::optional<timestamp> first;
    timestamp last = from;
    {
      auto view = log_.applied_view();
      model::each_due(*view, from, now, [&](const model::due_in& d) {
        last = d.what.at;
        if (!first) first = last;
        auto [at, fresh] = ours.try_emplace(d.workspace);
        if (fresh) at->second = log_.leads(d.workspace);
        if (at->second) found[d.workspace].push_back(d.what), ++wanted;
        return ++looked_at < looked_at_max && wanted < at_once_max;
      });
      if (!view->trustworthy()) return false;
    }
    const bool complete = looked_at < looked_at_max && wanted < at_once_max;
    if (!complete && wanted < at_once_max) goes_on_at_ = std::max(last, after(from, 1));
    auto failures = std::make_shared<std::atomic<std::size_t>>(0);
    for (auto& [ws, list] : found) {
      for (std::size_t at = 0; at < list.size(); at += limits::dues_per_command_max) {
        auto end = std::min(list.size(), at + limits::dues_per_command_max);
        auto p = own_proposal(ws, give_up);
        p.what.ctx.now = now;
        p.what.what = model::sweep{
            {list.begin() + static_cast<std::ptrdiff_t>(at), list.begin() + static_cast<std::ptrdiff_t>(end)}};
        if (!notes_->enter(give_up)) return false;
        p.done = [under_way = notes_, failures](cluster::settled s) {
          if (s.how != cluster::settled::fate::committed) ++*failures;
          under_way->leave();
        };
        log_.propose(std::move(p));
      }
    }
    notes_->all_left(give_up);  // so that nothing is swept twice at the same time
    bool all_done = *failures == 0 && notes_->none_left();
    if (complete && all_done && wanted == looked_at && from == swept_until_ && current)
      swept_until_ = std::min(done_by, first.value_or(now));
    return wanted == at_once_max && all_done;
  }

  cluster::proposal own_proposal(workspace_id ws, cluster::deadline by) const {
    cluster::proposal p;
    p.what.ctx.request = request_id{crypto::random_uuid()};
    p.what.ctx.workspace = ws;
    p.what.ctx.now = time_.now();
    p.what.ctx.who.via = model::caller::kind::system;
    p.what.ctx.node = settings_.node;
    p.deadline = by;
    return p;
  }

  // Straight to the log, a bounded number at a time: notes need no actor and nothing sealed, and must
  // not take the places of requests. One that finds the log busy or closed is lost.
  void write_notes(bool last) {
    auto give_up = steady::now() + std::chrono::seconds(5);
    for (auto& noted : activity_.drain(time_.now(), last)) {
      if (!notes_->enter(give_up)) return;
      auto p = own_proposal(noted.workspace, give_up);
      p.what.what = std::move(noted.what);
      p.done = [under_way = notes_](cluster::settled) { under_way->leave(); };
      log_.propose(std::move(p));
    }
    if (last) notes_->all_left(give_up);
  }

  // Outlives the service as long as the log holds a note.
  class notes_under_way {
   public:
    bool enter(steady::time_point until) {
      std::unique_lock lock(mutex_);
      if (!changed_.wait_until(lock, until, [this] { return count_ < at_once_max; })) return false;
      ++count_;
      return true;
    }
    void leave() {
      std::lock_guard lock(mutex_);
      --count_;
      changed_.notify_one();
    }
    bool none_left() {
      std::lock_guard lock(mutex_);
      return count_ == 0;
    }
    void all_left(steady::time_point until) {
      std::unique_lock lock(mutex_);
      changed_.wait_until(lock, until, [this] { return count_ == 0; });
    }

   private:
    static constexpr std::size_t at_once_max = 256;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::size_t count_ = 0;
  };

  cluster::log& log_;
  const clock& time_;
  const settings settings_;
  caf::actor_system_config config_;
  caf::actor_system system_;
  activity activity_;
  std::shared_ptr<notes_under_way> notes_ = std::make_shared<notes_under_way>();
  timestamp swept_until_ = time_min, goes_on_at_ = time_min;  // the housekeeper's
  kdf_pool pool_;
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

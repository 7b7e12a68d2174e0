#include "app/webhook_sender.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "actors/sealing.hpp"
#include "crypto/random.hpp"
#include "crypto/webhook_signature.hpp"
#include "model/limits.hpp"

namespace nacre::app {

namespace {

using steady = std::chrono::steady_clock;
using fate = model::settle_deliveries::fate;

constexpr std::chrono::milliseconds look_around{5'000};  // also without being woken
constexpr std::chrono::milliseconds refused_pause{200};  // before a settling the log had no room for comes again
constexpr std::chrono::milliseconds settle_deadline{10'000};
constexpr std::chrono::seconds unsendable_pause{60};
constexpr std::size_t looked_at_max = 10'000;  // webhooks with something due, in one look

// Where a delivery waits: its key.
struct place {
  workspace_id workspace;
  webhook_id webhook;
  timestamp due;
  std::uint64_t seq = 0;
  friend auto operator<=>(const place&, const place&) = default;
};

struct flight {
  place at;
  model::delivery_record what;
  std::string host, url;
};

std::uint32_t dice() {
  std::array<std::uint8_t, 4> bytes{};
  crypto::fill_random(bytes);
  return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 | std::uint32_t{bytes[2]} << 8 | bytes[3];
}

std::string_view name_of(fate f) {
  switch (f) {  // No default, on purpose.
    case fate::delivered:
      return "delivered";
    case fate::retry:
      return "retry";
    case fate::given_up:
      return "given_up";
    case fate::gone:
      return "gone";
  }
  std::abort();
}

// What other threads bring: kept alive by their callbacks, so that a late one finds somewhere to go.
struct inbox {
  struct settlement {
    workspace_id workspace;
    std::vector<model::settle_deliveries::item> items;
    cluster::settled::fate how;
  };
  std::mutex mutex;
  std::condition_variable changed;
  bool woken = false, stopping = false;
  steady::time_point stop_by;
  std::vector<std::pair<flight, http::post_result>> posted;
  std::vector<settlement> settled;

  void wake() {
    std::lock_guard lock(mutex);
    woken = true;
    changed.notify_one();
  }
};

class sender final : public webhook_sender {
 public:
  sender(cluster::log& log, const crypto::keyring& keys, const clock& time, http::poster& out,
         webhook_sender_settings s)
      : log_(log), keys_(keys), time_(time), out_(out), settings_(std::move(s)), thread_([this] { work(); }) {}
  ~sender() override { stop({}); }

  void wake() override { in_->wake(); }
  levels stats() const override { return {webhooks_.load(), waiting_.load(), under_way_.load()}; }

  void stop(std::chrono::milliseconds at_most) override {
    {
      std::lock_guard lock(in_->mutex);
      if (!in_->stopping) in_->stop_by = steady::now() + at_most;
      in_->stopping = true;
      in_->changed.notify_one();
    }
    if (thread_.joinable()) thread_.join();
  }

 private:
  void work() {
    auto next_look = steady::now();
    for (;;) {
      decltype(in_->posted) posted;
      decltype(in_->settled) settled;
      bool stopping = false;
      {
        std::unique_lock lock(in_->mutex);
        auto something = [this] {
          return in_->woken || !in_->posted.empty() || !in_->settled.empty() || in_->stopping;
        };
        bool over = posting_ == 0 && idle();
        if (!in_->stopping)
          in_->changed.wait_until(lock, next_look, something);
        else if (!over)
          in_->changed.wait_until(lock, std::min(next_look, in_->stop_by),
                                  [this] { return !in_->posted.empty() || !in_->settled.empty(); });
        in_->woken = false;
        posted.swap(in_->posted);
        settled.swap(in_->settled);
        stopping = in_->stopping;
        over = posting_ == 0 && idle() && settled.empty() && posted.empty();
        if (stopping && (over || steady::now() >= in_->stop_by)) return;
      }
      for (auto& each : settled) take_settled(std::move(each));
      for (auto& [what, how] : posted) take_posted(what, how);
      propose_settlements();
      next_look = stopping ? steady::now() + refused_pause : look();
      if (!unsettled_.empty()) next_look = std::min(next_look, steady::now() + refused_pause);
    }
  }

  bool idle() const { return unsettled_.empty() && settling_.empty(); }

  // ---- looking -------------------------------------------------------------------------------------------

  // Begins what is due and has room; answers when to look again if nothing happens before.
  steady::time_point look() {
    auto view = log_.applied_view();
    auto now = time_.now();
    auto again = look_around;
    bool counts = steady::now() >= next_count_;
    std::size_t looked_at = 0;
    std::uint64_t webhooks = 0, waiting = 0;
    queues due;
    model::each_due_webhook(*view, [&](const model::due_webhook& hook) {
      if (++looked_at > looked_at_max) return false;
      if (!log_.leads(hook.workspace)) return true;  // another node sends it
      if (counts) ++webhooks, waiting += model::waiting_for(*view, hook.workspace, hook.id);
      if (hook.due <= now) {
        if (posting_ < settings_.at_once) due[hook.workspace].push_back(hook);
        return true;
      }
      auto until = std::chrono::milliseconds(hook.due.value() - now.value());
      again = std::min(again, until);
      return counts;  // in order: none after it is due earlier
    });
    share_out(*view, due, now);
    if (counts) {
      webhooks_ = webhooks;
      waiting_ = waiting;
      next_count_ = steady::now() + look_around;
    }
    return steady::now() + again;
  }

  // One place at a time, to whoever has the fewest, and of those to whoever has waited longest since it got one or had
  // something to tell: else a few workspaces with long lines and slow receivers would take every place that comes free.
  using queues = std::map<workspace_id, std::deque<model::due_webhook>>;
  void share_out(const model::view& v, queues& due, timestamp now) {
    if (posting_ >= settings_.at_once) return;  // and nobody was asked whether something is due
    std::erase_if(waits_since_, [&due](const auto& each) { return !due.contains(each.first); });
    std::multimap<std::pair<std::size_t, std::uint64_t>, queues::iterator> next;
    auto queue = [&](queues::iterator of) {
      next.emplace(std::pair(count_of(per_workspace_, of->first), waits_since_[of->first]), of);
    };
    for (auto it = due.begin(); it != due.end(); ++it) {
      if (waits_since_.try_emplace(it->first, turn_ + 1).second) ++turn_;
      queue(it);
    }
    while (posting_ < settings_.at_once && !next.empty()) {
      const auto of = next.begin()->second;
      next.erase(next.begin());
      auto& hooks = of->second;
      auto hook = std::move(hooks.front());
      hooks.pop_front();
      if (begin_one(v, hook, now)) {
        hooks.push_back(std::move(hook));
        waits_since_[of->first] = ++turn_;
      }
      if (!hooks.empty()) queue(of);
    }
  }

  // False: there is none to begin now.
  bool begin_one(const model::view& v, const model::due_webhook& hook, timestamp now) {
    if (auto it = unsendable_.find(hook.id); it != unsendable_.end()) {
      if (steady::now() < it->second) return false;
      unsendable_.erase(it);
    }
    if (count_of(per_workspace_, hook.workspace) >= settings_.per_workspace) return false;
    auto record = model::find_webhook(v, hook.workspace, hook.id);
    if (!record) return false;
    auto target = model::parse_webhook_url(record->url);
    if (!target) return set_aside(hook, target.error());
    auto host = target->authority();
    if (count_of(per_host_, host) >= settings_.per_host) return false;

    std::size_t held = 0;  // of this webhook, still in the view
    for (auto it = in_flight_.lower_bound({hook.workspace, hook.id, time_min, 0});
         it != in_flight_.end() && it->workspace == hook.workspace && it->webhook == hook.id; ++it)
      ++held;
    for (auto& due : model::due_deliveries(v, hook.workspace, hook.id, now, held + 1)) {
      flight f{{hook.workspace, hook.id, due.due, due.seq}, std::move(due.record), host, record->url};
      if (in_flight_.contains(f.at)) continue;
      std::vector<crypto::secure_bytes> secrets;
      if (auto opened = open_secrets(v, hook, *record, now, secrets); !opened) return set_aside(hook, opened.error());
      send(*target, std::move(f), secrets, now);
      return true;
    }
    return false;
  }

  result<void> open_secrets(const model::view& v, const model::due_webhook& hook, const model::webhook_record& record,
                            timestamp now, std::vector<crypto::secure_bytes>& out) const {
    auto current = actors::open_webhook_secret(v, keys_, hook.workspace, hook.id, record.current);
    if (!current) return fail(current.error());
    out.push_back(std::move(*current));
    if (record.previous && record.previous->until > now) {
      auto previous = actors::open_webhook_secret(v, keys_, hook.workspace, hook.id, record.previous->which);
      if (!previous) return fail(previous.error());
      out.push_back(std::move(*previous));
    }
    return {};
  }

  // A defect or a damaged disk: nothing can be sent, the deliveries stay.
  bool set_aside(const model::due_webhook& hook, const error& why) {
    unsendable_[hook.id] = steady::now() + unsendable_pause;
    if (settings_.unsendable) settings_.unsendable(hook.workspace, hook.id, why);
    return false;
  }

  void send(const model::webhook_url& to, flight f, const std::vector<crypto::secure_bytes>& secrets, timestamp now) {
    http::outgoing o;
    o.to = to;
    o.body = model::body_of(f.at.workspace, f.what);
    o.headers = {{"Content-Type", "application/json"},
                 {"X-Nacre-Event", std::string(model::name_of(f.what.type))},
                 {"X-Nacre-Delivery", to_string(f.what.id)},
                 {"X-Nacre-Signature", crypto::sign_webhook(secrets, now.value() / 1000, o.body)}};
    in_flight_.insert(f.at);
    ++posting_;
    under_way_ = posting_;
    ++per_host_[f.host];
    ++per_workspace_[f.at.workspace];
    out_.post(std::move(o), [in = in_, f = std::move(f)](http::post_result how) mutable {
      std::lock_guard lock(in->mutex);
      in->posted.emplace_back(std::move(f), how);
      in->changed.notify_one();
    });
  }

  // ---- settling ------------------------------------------------------------------------------------------

  void take_posted(const flight& f, const http::post_result& how) {
    --posting_;
    under_way_ = posting_;
    count_down(per_host_, f.host);
    count_down(per_workspace_, f.at.workspace);
    if (how.how == http::post_result::fate::cancelled) {  // stopping: whether it arrived is not known
      in_flight_.erase(f.at);
      return;
    }
    model::settle_deliveries::item item;
    item.hook = f.at.webhook;
    item.due = f.at.due;
    item.seq = f.at.seq;
    item.status = static_cast<std::uint16_t>(std::clamp<int>(how.status, 0, limits::http_status_max));
    auto attempt = f.what.attempts + 1;
    constexpr int gone = 410;
    if (how.status >= 200 && how.status < 300) {
      item.fate = fate::delivered;
    } else if (how.status == gone && still_there(f)) {
      item.fate = fate::gone;
    } else if (auto wait = model::retry_after_ms(attempt, dice())) {
      item.fate = fate::retry;
      item.next = after(time_.now(), *wait);
    } else {
      item.fate = fate::given_up;
    }
    unsettled_[f.at.workspace].push_back(item);
    if (settings_.attempted)
      settings_.attempted({f.at.workspace, f.at.webhook, f.what.id, model::name_of(f.what.type), f.host,
                           name_of(item.fate), http::name_of(how.how), how.status, attempt});
  }

  // Whether the webhook still points to where this was posted.
  bool still_there(const flight& f) const {
    auto record = model::find_webhook(*log_.applied_view(), f.at.workspace, f.at.webhook);
    return record && record->url == f.url;
  }

  void propose_settlements() {
    for (auto it = unsettled_.begin(); it != unsettled_.end();) {
      auto& [workspace, items] = *it;
      auto paused = paused_.find(workspace);
      if (settling_.contains(workspace) || (paused != paused_.end() && steady::now() < paused->second)) {
        ++it;
        continue;
      }
      if (paused != paused_.end()) paused_.erase(paused);
      auto count = std::min(items.size(), limits::webhook_settled_per_command_max);
      auto cut = items.begin() + static_cast<std::ptrdiff_t>(count);
      std::vector<model::settle_deliveries::item> part(items.begin(), cut);
      items.erase(items.begin(), cut);
      auto ws = workspace;
      it = items.empty() ? unsettled_.erase(it) : std::next(it);
      settling_.insert(ws);
      propose(ws, std::move(part));
    }
  }

  void propose(workspace_id ws, std::vector<model::settle_deliveries::item> items) {
    cluster::proposal p;
    p.what.ctx.request = request_id{crypto::random_uuid()};
    p.what.ctx.workspace = ws;
    p.what.ctx.now = time_.now();
    p.what.ctx.who.via = model::caller::kind::system;
    p.what.ctx.node = settings_.node;
    p.what.what = model::settle_deliveries{items};
    p.deadline = steady::now() + settle_deadline;
    p.done = [in = in_, ws, items = std::move(items)](cluster::settled s) mutable {
      std::lock_guard lock(in->mutex);
      in->settled.push_back({ws, std::move(items), s.how});
      in->changed.notify_one();
    };
    log_.propose(std::move(p));
  }

  void take_settled(inbox::settlement s) {
    settling_.erase(s.workspace);
    switch (s.how) {  // No default, on purpose.
      case cluster::settled::fate::committed:
        for (const auto& i : s.items) in_flight_.erase({s.workspace, i.hook, i.due, i.seq});
        return;
      case cluster::settled::fate::refused:
      case cluster::settled::fate::unknown: {  // what was settled is settled a second time: it has gone from its place
        auto& waiting = unsettled_[s.workspace];
        waiting.insert(waiting.begin(), s.items.begin(), s.items.end());
        paused_[s.workspace] = steady::now() + refused_pause;
        return;
      }
    }
  }

  // ---- counting ------------------------------------------------------------------------------------------

  template <class Key>
  static std::size_t count_of(const std::map<Key, std::size_t>& counts, const Key& key) {
    auto it = counts.find(key);
    return it == counts.end() ? 0 : it->second;
  }
  template <class Key>
  static void count_down(std::map<Key, std::size_t>& counts, const Key& key) {
    auto it = counts.find(key);
    if (it != counts.end() && --it->second == 0) counts.erase(it);
  }

  cluster::log& log_;
  const crypto::keyring& keys_;
  const clock& time_;
  http::poster& out_;
  const webhook_sender_settings settings_;
  const std::shared_ptr<inbox> in_ = std::make_shared<inbox>();
  std::atomic<std::uint64_t> webhooks_{0}, waiting_{0}, under_way_{0};

  // Of the thread alone.
  std::set<place> in_flight_;  // from the post until its settling is committed
  std::size_t posting_ = 0;
  std::map<std::string, std::size_t> per_host_;
  std::map<workspace_id, std::size_t> per_workspace_;
  std::map<workspace_id, std::uint64_t> waits_since_;  // which turn, of those with something due
  std::uint64_t turn_ = 0;
  std::map<workspace_id, std::vector<model::settle_deliveries::item>> unsettled_;
  std::set<workspace_id> settling_;  // with a command under way
  std::map<workspace_id, steady::time_point> paused_;
  std::map<webhook_id, steady::time_point> unsendable_;
  steady::time_point next_count_{};
  std::thread thread_;
};

}  // namespace

std::unique_ptr<webhook_sender> make_webhook_sender(cluster::log& log, const crypto::keyring& keys, const clock& time,
                                                    http::poster& out, webhook_sender_settings s) {
  return std::make_unique<sender>(log, keys, time, out, std::move(s));
}

}  // namespace nacre::app

#include "actors/kdf_pool.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <utility>

namespace nacre::actors {

namespace {
// Than what the node was started with: a tenth of an ordinary thread's share when cores are short. 19 is the most.
constexpr int nicer = 10;
}  // namespace

// Who is in. Places keep it alive, so that one may be dropped after the pool. A few dozen entries: a search
// by eye is as fast as any map.
struct kdf_pool::room {
  struct entry {
    workspace_id workspace;
    uuid about;
    friend bool operator==(const entry&, const entry&) = default;
  };
  std::mutex mutex;
  const settings bounds;
  std::vector<entry> taken;
  std::size_t running = 0;
  std::uint64_t refused_total = 0;
  bool stopped = false;

  explicit room(const settings& s) : bounds(s) { taken.reserve(s.threads + s.queue); }

  bool has_room_for(const entry& e) const {
    if (stopped || taken.size() >= bounds.threads + bounds.queue) return false;
    std::size_t of_workspace = 0;
    for (const auto& t : taken) {
      if (!e.about.is_nil() && t.about == e.about) return false;
      of_workspace += t.workspace == e.workspace ? 1 : 0;
    }
    return of_workspace < bounds.per_workspace;
  }
};

std::size_t kdf_threads() { return std::max(std::thread::hardware_concurrency(), 2u) - 1; }

kdf_pool::place::place(std::shared_ptr<room> in, workspace_id ws, const uuid& about)
    : room_(std::move(in)), workspace_(ws), about_(about) {}

kdf_pool::place& kdf_pool::place::operator=(place&& other) noexcept {
  if (this == &other) return *this;
  leave();
  room_ = std::move(other.room_);
  workspace_ = other.workspace_;
  about_ = other.about_;
  running_ = other.running_;
  return *this;
}

kdf_pool::place::~place() { leave(); }

void kdf_pool::place::leave() noexcept {
  const auto room = std::move(room_);
  if (!room) return;
  std::lock_guard lock(room->mutex);
  auto& taken = room->taken;
  const auto mine = std::find(taken.begin(), taken.end(), room::entry{workspace_, about_});
  if (mine == taken.end()) std::abort();
  *mine = taken.back();
  taken.pop_back();
  if (running_) --room->running;
}

kdf_pool::kdf_pool(settings s) : room_(std::make_shared<room>(s)) {
  for (std::size_t i = 0; i < s.threads; ++i) threads_.emplace_back([this] { work(); });
}

kdf_pool::~kdf_pool() { stop(); }

std::optional<kdf_pool::place> kdf_pool::enter(workspace_id ws, const uuid& secret) {
  const room::entry wanted{ws, secret};
  std::lock_guard lock(room_->mutex);
  if (!room_->has_room_for(wanted)) {
    ++room_->refused_total;
    return std::nullopt;
  }
  room_->taken.push_back(wanted);
  return place{room_, ws, secret};
}

void kdf_pool::run(place taken, unique_function<void(place&)> job) {
  if (taken.room_ != room_) std::abort();
  queued next{std::move(taken), std::move(job)};  // dropped in this order, and without the lock, if it is too late
  {
    std::lock_guard lock(room_->mutex);
    if (room_->stopped) return;
    queue_.push_back(std::move(next));
  }
  ready_.notify_one();
}

void kdf_pool::work() {
  // To Linux process 0 is the calling thread. Where its priority cannot be lowered it stays, and guesses compete.
  static_cast<void>(setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + nicer));
  for (;;) {
    std::unique_lock lock(room_->mutex);
    ready_.wait(lock, [this] { return room_->stopped || !queue_.empty(); });
    if (room_->stopped) return;
    auto next = std::move(queue_.front());
    queue_.pop_front();
    next.taken.running_ = true;
    ++room_->running;
    lock.unlock();
    next.job(next.taken);  // and is gone; then the place is, if it was kept
  }
}

void kdf_pool::stop() {
  std::deque<queued> dropped;
  std::vector<std::thread> threads;
  {
    std::lock_guard lock(room_->mutex);
    room_->stopped = true;
    dropped.swap(queue_);
    threads.swap(threads_);
  }
  ready_.notify_all();
  dropped.clear();  // before waiting: whoever they answer need not wait for the jobs that run
  for (auto& t : threads) t.join();
}

kdf_pool::stats kdf_pool::now() const {
  std::lock_guard lock(room_->mutex);
  return {room_->taken.size() - room_->running, room_->running, room_->refused_total};
}

}  // namespace nacre::actors

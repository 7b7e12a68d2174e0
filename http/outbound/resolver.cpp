#include "http/outbound/resolver.hpp"

#include <netdb.h>
#include <resolv.h>
#include <sys/socket.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace nacre::http {

namespace {

// Different names that hang at once; those of the webhooks of a few workspaces.
constexpr std::size_t threads_max = 32;
constexpr std::size_t waiting_max = 256;         // callbacks
constexpr std::chrono::seconds idle_thread{10};  // then it ends
constexpr int try_s = 1, tries_per_server = 2;   // glibc's own: 5 s, 2

}  // namespace

std::vector<ip_address> look_up_by_system(const std::string& host) {
  // Of this thread alone, and read anew each time: what has been changed by hand is not reread when the file changes.
  const bool bounded = ::res_ninit(&_res) == 0;
  if (bounded) {
    _res.retrans = try_s;
    _res.retry = tries_per_server;
  }
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const bool failed = ::getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0;
  if (bounded) ::res_nclose(&_res);
  if (failed) return {};
  std::vector<ip_address> out;
  for (const auto* each = found; each; each = each->ai_next)
    if (auto address = ip_of(each->ai_addr)) out.push_back(*address);
  ::freeaddrinfo(found);
  return out;
}

struct resolver::shared {
  explicit shared(name_lookup by) : look_up(std::move(by)) {}
  const name_lookup look_up;
  std::mutex mutex;
  std::condition_variable wake;
  std::map<std::string, std::vector<callback>> asked;  // by name: begun and yet to begin
  std::deque<std::string> to_begin;
  std::size_t waiting = 0, threads = 0, idle = 0;
  bool stopped = false;
};

resolver::resolver(name_lookup look_up) : shared_(std::make_shared<shared>(std::move(look_up))) {}
resolver::~resolver() { stop(); }

bool resolver::resolve(const std::string& host, callback done) {
  auto& s = *shared_;
  std::lock_guard lock(s.mutex);
  if (s.stopped || s.waiting >= waiting_max) return false;
  auto [at, fresh] = s.asked.try_emplace(host);
  at->second.push_back(std::move(done));
  ++s.waiting;
  if (!fresh) return true;
  s.to_begin.push_back(host);
  if (s.idle < s.to_begin.size() && s.threads < threads_max) {
    try {
      std::thread([of = shared_] { work(*of); }).detach();
      ++s.threads;
    } catch (const std::system_error&) {
      if (s.threads == 0) {  // nobody will ever come for it
        s.to_begin.pop_back();
        s.asked.erase(at);
        --s.waiting;
        return false;
      }
    }
  }
  s.wake.notify_one();
  return true;
}

void resolver::stop() {
  std::lock_guard lock(shared_->mutex);
  shared_->stopped = true;
  shared_->to_begin.clear();
  shared_->asked.clear();
  shared_->wake.notify_all();
}

void resolver::work(shared& of) {
  std::unique_lock lock(of.mutex);
  while (!of.stopped) {
    if (of.to_begin.empty()) {
      ++of.idle;
      const bool woken = of.wake.wait_for(lock, idle_thread, [&] { return of.stopped || !of.to_begin.empty(); });
      --of.idle;
      if (woken) continue;
      break;
    }
    const auto host = std::move(of.to_begin.front());
    of.to_begin.pop_front();
    lock.unlock();
    const auto found = of.look_up(host);
    lock.lock();
    if (of.stopped) break;
    // Under the lock: stop() waits for it, and what a callback reaches outlives stop().
    auto told = of.asked.extract(host);
    of.waiting -= told.mapped().size();
    for (auto& done : told.mapped()) done(found);
  }
  --of.threads;
}

}  // namespace nacre::http

// What crosses threads: the inbox of answers and the state all reactors of a server share.

#include <unistd.h>

#include <algorithm>

#include "http/transport/reactor.hpp"

namespace nacre::http::transport {

void inbox::bind(Pistache::Polling::Epoll& poller) { wake_.bind(poller); }

inbox::~inbox() { close(); }

template <class T>
void inbox::post_to(std::vector<T> inbox::*list, T what) noexcept {
  try {
    std::lock_guard lock(mutex_);
    if (!open_) return;
    (this->*list).push_back(std::move(what));
    if (answered_.size() + work_.size() == 1) wake_.notify();  // one wake-up per batch
  } catch (...) {
    // Out of memory: the deadline answers the client.
  }
}

void inbox::post(std::shared_ptr<ticket> answered) noexcept { post_to(&inbox::answered_, std::move(answered)); }

void inbox::post(unique_function<void()> work) noexcept { post_to(&inbox::work_, std::move(work)); }

void inbox::wake() noexcept {
  try {
    std::lock_guard lock(mutex_);
    if (open_) wake_.notify();
  } catch (...) {
  }
}

void inbox::take(std::vector<std::shared_ptr<ticket>>& answered, std::vector<unique_function<void()>>& work) {
  std::lock_guard lock(mutex_);
  while (open_ && wake_.tryRead()) {
  }
  answered.swap(answered_);
  work.swap(work_);
}

void inbox::close() {
  std::vector<std::shared_ptr<ticket>> dropped;
  std::vector<unique_function<void()>> undone;
  std::lock_guard lock(mutex_);
  if (!open_) return;
  open_ = false;
  dropped.swap(answered_);
  undone.swap(work_);
  if (wake_.isBound()) ::close(static_cast<int>(wake_.tag().value()));  // NotifyFd never closes its own
}

bool shared_state::admit(const std::string& address) {
  std::lock_guard lock(mutex_);
  std::size_t& count = per_address_[address];
  if (count >= config.connections_per_address_max) return false;
  ++count;
  return true;
}

void shared_state::leave(const std::string& address) {
  std::lock_guard lock(mutex_);
  const auto it = per_address_.find(address);
  if (it != per_address_.end() && --it->second == 0) per_address_.erase(it);
}

std::size_t shared_state::next_index() {
  std::lock_guard lock(mutex_);
  reports_.emplace_back();
  return reports_.size() - 1;
}

void shared_state::enlist(const std::shared_ptr<inbox>& box) {
  std::lock_guard lock(mutex_);
  inboxes_.push_back(box);
}

void shared_state::wake_all() {
  std::vector<std::shared_ptr<inbox>> boxes;
  {
    std::lock_guard lock(mutex_);
    boxes = inboxes_;
  }
  for (const auto& box : boxes) box->wake();
}

void shared_state::reported(std::size_t reactor_index, std::size_t open, std::size_t unquiet) {
  {
    std::lock_guard lock(mutex_);
    reports_[reactor_index] = {open, unquiet, true};
  }
  changed_.notify_all();
}

bool shared_state::wait_closed(clock::time_point until) {
  std::unique_lock lock(mutex_);
  return changed_.wait_until(lock, until, [this] {
    return std::all_of(reports_.begin(), reports_.end(), [](const report& r) { return r.seen && r.open == 0; });
  });
}

bool shared_state::all_quiet() {
  std::lock_guard lock(mutex_);
  return std::all_of(reports_.begin(), reports_.end(), [](const report& r) { return r.seen && r.unquiet == 0; });
}

}  // namespace nacre::http::transport

#include "http/transport/reactor.hpp"

#include <sys/random.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "model/limits.hpp"

namespace nacre::http::transport {

using Pistache::Polling::Mode;
using Pistache::Polling::NotifyOn;

namespace {

// The request whose handler is running on this thread: an answer to it needs no wake-up.
thread_local ticket* running = nullptr;

constexpr std::size_t answered_together_max = 8;
constexpr int turns_max = 16;  // socket reads for one connection before the others get their turn

// Pistache hides the flags of an event behind private inheritance, yet a hang-up must be told from
// plain input: only then is one short read not the end. The cast names the base and nothing else.
bool is_hangup(const Pistache::Aio::FdSet::Entry& entry) {
  const auto& event = (const Pistache::Polling::Event&)entry;  // NOLINT(google-readability-casting)
  return event.flags.hasFlag(NotifyOn::Shutdown) || event.flags.hasFlag(NotifyOn::Hangup);
}

}  // namespace

ticket::~ticket() {
  if (given_) wipe_secret(*given_);
}

void ticket::answer(response&& r) noexcept {
  given_ = std::move(r);
  if (running == this) return;  // dispatch() looks
  box_->post(shared_from_this());
}

void peer_handler::onConnection(const std::shared_ptr<Pistache::Tcp::Peer>& peer) {
  static_cast<reactor*>(transport())->adopt(peer);
}

reactor::reactor(std::shared_ptr<shared_state> shared, const std::shared_ptr<Pistache::Tcp::Handler>& handler)
    : Pistache::Tcp::Transport(handler), shared_(std::move(shared)), inbox_(std::make_shared<inbox>()) {}

reactor::~reactor() {
  inbox_->close();
  for (auto& c : table_)
    if (c) {
      now_ = clock::now();
      close(*c);
    }
  closed_.clear();
  if (timer_ >= 0) ::close(timer_);
}

// Pistache registers one prototype and runs a clone of it per thread.
std::shared_ptr<Pistache::Aio::Handler> reactor::clone() const {
  return std::make_shared<reactor>(shared_, std::make_shared<peer_handler>());
}

void reactor::registerPoller(Pistache::Polling::Epoll& poller) {
  Pistache::Tcp::Transport::registerPoller(poller);
  inbox_->bind(poller);
  timer_ = ::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  if (timer_ < 0) throw std::runtime_error("timerfd_create failed");
  itimerspec every{};
  every.it_interval.tv_nsec = every.it_value.tv_nsec = limits::http_tick_ms * 1'000'000;
  ::timerfd_settime(timer_, 0, &every, nullptr);
  poller.addFd(timer_, Pistache::Flags<NotifyOn>(NotifyOn::Read),
               Pistache::Polling::Tag(static_cast<std::uint64_t>(timer_)));
  scratch_ = std::make_unique<char[]>(limits::pipelined_bytes_max);
  index_ = shared_->next_index();
  shared_->enlist(inbox_);
}

void reactor::onReady(const Pistache::Aio::FdSet& fds) {
  try {
    serve(fds);
  } catch (...) {
    // Out of memory in the lists themselves. An exception here would end the process; deadlines end
    // whatever was left waiting.
  }
}

void reactor::serve(const Pistache::Aio::FdSet& fds) {
  if (auto& here = actors::home_of_this_thread(); here != inbox_) here = inbox_;
  now_ = clock::now();
  bool answers = false, ticked = false;
  for (const auto& entry : fds) {
    const std::uint64_t tag = entry.getTag().value();
    if (tag == inbox_->tag()) {
      answers = true;
    } else if (tag == static_cast<std::uint64_t>(timer_)) {
      ticked = true;
    } else if (tag < table_.size() && table_[tag]) {
      connection& c = *table_[tag];
      if (entry.isReadable() || entry.isHangup()) {
        c.unread = true;
        c.hangup |= is_hangup(entry);
        if (c.room() != 0) take_in(c);
      }
      served_.push_back(&c);
      if (served_.size() == answered_together_max) send_out();
    } else if (entry.isReadable()) {
      pass_on(tag);
    }
  }
  send_out();
  if (answers && deliver()) deliver();
  if (ticked) tick();
  if (!again_.empty()) {
    std::vector<std::shared_ptr<connection>> turn;
    turn.swap(again_);
    for (auto& c : turn) {
      c->again = false;
      if (c->peer) work(*c);
    }
    if (!again_.empty()) inbox_->wake();
  }
  bury();
}

// The first half of work(): the request is read and, most often, answered into the output buffer.
void reactor::take_in(connection& c) {
  try {
    read(c);
  } catch (...) {
    close(c);  // out of memory: this connection ends, the others go on
  }
}

// Answers leave a few at a time: a client that has several connections (a proxy, a load generator)
// is woken once for them, and waking costs more than most requests. A closed one stays in `closed_`.
void reactor::send_out() {
  for (auto* c : served_)
    if (c->peer) work(*c);
  served_.clear();
}

// The base only gets its own queues' events. Whichever of them brings a new peer is remembered:
// that queue can lose a wake-up (its pop() clears the notification of a push it has not seen), so
// tick() looks into it as well. No connection waits longer than a tick, without probing ourselves.
void reactor::pass_on(std::uint64_t tag) {
  adopted_ = false;
  try {
    std::vector<Pistache::Polling::Event> one;
    one.emplace_back(Pistache::Polling::Tag(tag));
    one.back().flags.setFlag(NotifyOn::Read);
    Pistache::Tcp::Transport::onReady(Pistache::Aio::FdSet(std::move(one)));
  } catch (...) {
    // An exception here would end the process. What failed was registering a new peer; the sweep
    // in tick() ends connections that never become active.
  }
  if (adopted_) peer_queue_ = tag;
}

void reactor::adopt(const std::shared_ptr<Pistache::Tcp::Peer>& peer) noexcept {
  adopted_ = true;
  edge_counters& counters = shared_->counters;
  try {
    const int fd = peer->fd();
    sockaddr_storage from{};
    socklen_t size = sizeof from;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&from), &size) != 0) return refuse(peer, false);
    const auto address = ip_of(reinterpret_cast<sockaddr*>(&from));
    if (!address) return refuse(peer, false);
    if (draining()) return refuse(peer, true);
    if (counters.connections_open.fetch_add(1, std::memory_order_relaxed) >= shared_->config.connections_max) {
      counters.connections_open.fetch_sub(1, std::memory_order_relaxed);
      return refuse(peer, true);
    }
    auto c = std::make_shared<connection>(shared_->config, *this, *address, now_, peer);
    const bool capped = shared_->config.connections_per_address_max < shared_->config.connections_max;
    if (capped) {
      std::string key = client_address{address->text()}.limit_key();
      if (!shared_->admit(key)) {
        counters.connections_open.fetch_sub(1, std::memory_order_relaxed);
        return refuse(peer, true);
      }
      c->counted_as = std::move(key);
    }
    const auto slot = static_cast<std::size_t>(fd);
    if (table_.size() <= slot) table_.resize(std::max(slot + 1, 2 * table_.size()));
    table_[slot] = std::move(c);
    ++open_;
    counters.connections_total.fetch_add(1, std::memory_order_relaxed);
  } catch (...) {
    refuse(peer, false);  // out of memory
  }
}

// Called while the base is still registering the peer, so the peer itself goes later, in bury().
void reactor::refuse(const std::shared_ptr<Pistache::Tcp::Peer>& peer, bool tell) noexcept {
  shared_->counters.connections_refused.fetch_add(1, std::memory_order_relaxed);
  try {
    if (tell) {
      response r = error_response(503, "busy", "Too many connections. Try again.");
      r.headers.push_back({"Retry-After", "1"});
      byte_buffer out;
      serialize(out, r, next_id(), date_line(), true, false);
      ::send(peer->fd(), out.view().data(), out.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      // Unread input would turn the close into a reset that overtakes the answer.
      ::recv(peer->fd(), scratch_.get(), limits::pipelined_bytes_max, MSG_DONTWAIT);
    }
    refused_.push_back(peer);
  } catch (...) {
  }
}

void reactor::bury() noexcept {
  for (const auto& peer : refused_) {
    const int fd = peer->fd();
    try {
      removePeer(peer);
    } catch (...) {
      ::close(fd);  // removePeer() gives up before its close if the fd was never registered
    }
  }
  refused_.clear();
  closed_.clear();
}

std::optional<response> reactor::dispatch(session& from, request&& r) {
  auto& c = static_cast<connection&>(from);
  auto waiting = std::make_shared<ticket>(inbox_, c.weak_from_this());
  ticket* const outer = running;
  running = waiting.get();
  try {
    shared_->handle(std::move(r), responder{waiting});
  } catch (...) {
    // Handlers report errors as values; should one throw, its responder has answered 500 by now.
  }
  running = outer;
  if (waiting.use_count() == 1) {
    // Nobody else holds the ticket: it was answered here, or never will be.
    if (waiting->given_) {
      std::optional<response> now_answered{std::move(waiting->given_)};
      waiting->given_.reset();
      return now_answered;
    }
    return error_response(500, "internal", "The server could not answer this request.");
  }
  c.inflight = std::move(waiting);
  return std::nullopt;
}

void reactor::abandon(session& from) { static_cast<connection&>(from).inflight.reset(); }

// Whether anything was done that may have answered more.
bool reactor::deliver() {
  inbox_->take(answered_, came_);
  for (auto& each : came_) work_.push_back(std::move(each));
  came_.clear();
  const bool worked = !work_.empty();
  // A few at a time: the first is not to wait for the last, nor sockets and deadlines for all of them.
  for (std::size_t n = 0; n < answered_together_max && !work_.empty(); ++n) {
    auto next = std::move(work_.front());
    work_.pop_front();
    try {
      next();
    } catch (...) {
      // As in dispatch(): its responder has answered 500 by now.
    }
  }
  if (worked) now_ = clock::now();
  if (!work_.empty()) inbox_->wake();
  for (auto& done : answered_) {
    const auto c = done->to_.lock();
    if (c && c->peer && c->inflight == done) {
      try {
        c->inflight.reset();
        c->answer(std::move(*done->given_), now_);
      } catch (...) {
        close(*c);  // out of memory: this connection ends, the others go on
        continue;
      }
      work(*c);
    }
    // Otherwise the client is gone or was told 503: the answer is dropped with its ticket.
  }
  answered_.clear();
  if (draining()) tick();
  return worked;
}

void reactor::tick() {
  std::uint64_t fired = 0;
  [[maybe_unused]] const auto bytes = ::read(timer_, &fired, sizeof fired);
  const bool leaving = draining();
  std::size_t unquiet = 0;
  for (std::size_t i = 0; i < table_.size(); ++i) {
    if (!table_[i]) continue;
    connection& c = *table_[i];
    if (leaving) c.drain(now_);
    if (leaving || now_ >= c.deadline()) {
      try {
        c.tick(now_);
      } catch (...) {
        close(c);
        continue;
      }
      work(c);
    }
    if (table_[i] && !table_[i]->quiet()) ++unquiet;
  }
  if (peer_queue_ != 0) pass_on(peer_queue_);
  if (leaving) shared_->reported(index_, open_, unquiet);
}

void reactor::work(connection& c) {
  try {
    for (int turn = 0;; ++turn) {
      if (c.unread && c.room() != 0) read(c);
      if (!c.peer) return;
      const bool flushed = flush(c);
      if (!c.peer) return;
      const bool resumed = c.resume(now_);
      switch (c.aborted() || c.output().empty() ? c.next() : session::fate::open) {
        case session::fate::close:
          return close(c);
        case session::fate::half_close:
          ::shutdown(c.fd, SHUT_WR);
          c.half_closed(now_);
          break;
        case session::fate::open:
          break;
      }
      const bool more = (c.unread && c.room() != 0) || resumed || (flushed && !c.output().empty());
      if (!more) return;
      if (turn >= turns_max) {
        if (!c.again) again_.push_back(c.shared_from_this());
        c.again = true;
        return;
      }
    }
  } catch (...) {
    close(c);  // out of memory: this connection ends, the others go on
  }
}

void reactor::read(connection& c) {
  const std::size_t wanted = c.room();
  const ssize_t got = ::recv(c.fd, scratch_.get(), wanted, MSG_DONTWAIT);
  if (got > 0) {
    const auto size = static_cast<std::size_t>(got);
    // Edge-triggered: a short read has emptied the socket and the next byte brings the next event,
    // except that an end of input already announced is announced only once.
    if (size < wanted && !c.hangup) c.unread = false;
    c.input({scratch_.get(), size}, now_);
    wipe(scratch_.get(), size);
  } else if (got == 0) {
    c.unread = false;
    c.end_of_input(now_);
  } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
    c.unread = false;
  } else if (errno != EINTR) {
    close(c);
  }
}

// True if something was sent.
bool reactor::flush(connection& c) {
  bool any = false;
  while (!c.output().empty()) {
    const auto bytes = c.output();
    const ssize_t done = ::send(c.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (done > 0) {
      c.sent(static_cast<std::size_t>(done), now_);
      any = true;
    } else if (done < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      break;
    } else if (done == 0 || errno != EINTR) {
      close(c);
      return false;
    }
  }
  const bool want_write = !c.output().empty();
  if (want_write != c.want_write) {
    c.want_write = want_write;
    const NotifyOn reading =
        static_cast<NotifyOn>(static_cast<int>(NotifyOn::Read) | static_cast<int>(NotifyOn::Shutdown));
    const NotifyOn both = static_cast<NotifyOn>(static_cast<int>(reading) | static_cast<int>(NotifyOn::Write));
    Pistache::Aio::Handler::reactor()->modifyFd(key(), c.fd, want_write ? both : reading, Mode::Edge);
  }
  return any;
}

void reactor::close(connection& c) noexcept {
  if (!c.peer) return;
  c.gone();
  c.inflight.reset();
  if (!c.counted_as.empty()) shared_->leave(c.counted_as);
  shared_->counters.connections_open.fetch_sub(1, std::memory_order_relaxed);
  --open_;
  const auto peer = std::move(c.peer);
  c.peer = nullptr;
  try {
    removePeer(peer);
  } catch (...) {
    ::close(c.fd);
  }
  // Whoever called may still hold a reference: the object goes at the end of the batch.
  closed_.push_back(std::move(table_[static_cast<std::size_t>(c.fd)]));
}

void reactor::finished(const exchange& e) {
  if (!shared_->observe) return;
  try {
    shared_->observe(e);
  } catch (...) {
    // The log must not take a connection down.
  }
}

request_id reactor::next_id() {
  if (random_used_ + 16 > randomness_.size()) {
    std::size_t filled = 0;
    while (filled < randomness_.size()) {
      const ssize_t got = ::getrandom(randomness_.data() + filled, randomness_.size() - filled, 0);
      if (got > 0) {
        filled += static_cast<std::size_t>(got);
      } else if (errno != EINTR) {
        std::abort();  // cannot happen on a seeded Linux, and there is no safe way on
      }
    }
    random_used_ = 0;
  }
  std::array<std::uint8_t, 16> bytes;
  std::memcpy(bytes.data(), randomness_.data() + random_used_, bytes.size());
  random_used_ += bytes.size();
  return request_id{make_uuid_v4(bytes)};
}

std::string_view reactor::date_line() {
  const std::time_t second = std::time(nullptr);
  if (second != date_second_) {
    date_second_ = second;
    static constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                             "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    std::tm t{};
    ::gmtime_r(&second, &t);
    char line[64];
    const int size = std::snprintf(line, sizeof line, "Date: %s, %02d %s %04d %02d:%02d:%02d GMT\r\n", days[t.tm_wday],
                                   t.tm_mday, months[t.tm_mon], 1900 + t.tm_year, t.tm_hour, t.tm_min, t.tm_sec);
    date_line_.assign(line, static_cast<std::size_t>(size));
  }
  return date_line_;
}

}  // namespace nacre::http::transport

#include "bench/load.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <deque>
#include <stdexcept>

#include "bench/interrupt.hpp"
#include "bench/socket.hpp"

namespace nacre::bench {

namespace {

using steady = std::chrono::steady_clock;

// What of an answer is here: its status and how long it is whole; 0 while more must come.
struct framing {
  int status = 0;
  std::size_t head = 0, whole = 0;
  bool broken = false;
};

framing frame(std::string_view got) {
  framing f;
  auto end = got.find("\r\n\r\n");
  if (end == std::string_view::npos) return f;
  f.head = end + 4;
  constexpr std::string_view version = "HTTP/1.1 ", length_name = "\r\nContent-Length: ";
  if (!got.starts_with(version)) {
    f.broken = true;
    return f;
  }
  std::from_chars(got.data() + version.size(), got.data() + version.size() + 3, f.status);
  std::size_t length = 0;
  if (auto at = got.find(length_name); at < end)
    std::from_chars(got.data() + at + length_name.size(), got.data() + end, length);
  f.whole = f.head + length;
  return f;
}

class generator {
 public:
  explicit generator(const load_plan& plan) : plan_(plan), lines_(plan.connections) {
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    if (epoll_ < 0) throw std::runtime_error("epoll_create1 failed");
    out_.latency_ns.reserve(1u << 18);
  }
  ~generator() {
    for (auto& l : lines_)
      if (l.fd >= 0) ::close(l.fd);
    ::close(epoll_);
  }
  generator(const generator&) = delete;
  generator& operator=(const generator&) = delete;

  load_result run() {
    for (std::size_t i = 0; i < lines_.size(); ++i) open(i);
    auto cpu = thread_cpu_s();
    auto begin = steady::now();
    end_ = begin + plan_.for_time;
    for (std::size_t i = 0; i < lines_.size(); ++i) send_next(i);
    // After the end what is outstanding is still checked, not counted; what never comes has failed.
    auto patience = end_ + std::chrono::seconds(20);
    std::array<epoll_event, 128> events;
    while (outstanding_ > 0 || !resting_.empty()) {
      stop_if_interrupted();
      auto wait_ms = wake_rested();
      int n = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), wait_ms);
      for (int e = 0; e < n; ++e) input(static_cast<std::size_t>(events[static_cast<std::size_t>(e)].data.u64));
      if (n <= 0 && steady::now() > patience) {
        fail(0, outstanding_);
        break;
      }
    }
    out_.seconds = std::chrono::duration<double>(std::min(last_, end_) - begin).count();
    out_.generator_cpu_s = thread_cpu_s() - cpu;
    return std::move(out_);
  }

 private:
  struct line {
    int fd = -1;
    steady::time_point sent;
    std::string got;  // only answers that come in pieces wait here
  };
  struct rest {
    steady::time_point until;
    std::size_t connection;
  };

  void fail(int status, std::uint64_t count = 1) {
    out_.failed += count;
    out_.unexpected[status] += count;
  }

  void open(std::size_t i) {
    auto& l = lines_[i];
    l.got.clear();
    l.fd = connect_to(plan_.ports.empty() ? plan_.port : plan_.ports[i % plan_.ports.size()]);
    if (l.fd < 0) throw std::runtime_error("the node refuses connections");
    epoll_event e{};
    e.events = EPOLLIN;
    e.data.u64 = i;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, l.fd, &e);
  }

  void send_next(std::size_t i) {
    if (sent_ >= plan_.requests_max || (plan_.stop && *plan_.stop)) return;
    auto& l = lines_[i];
    l.sent = steady::now();
    if (l.sent >= end_) return;
    ++sent_;
    ++outstanding_;
    if (!send_all(l.fd, plan_.next(i))) broken(i);
  }

  void broken(std::size_t i) {
    --outstanding_;
    fail(0);
    ::close(lines_[i].fd);
    open(i);
    send_next(i);
  }

  void input(std::size_t i) {
    auto& l = lines_[i];
    auto n = ::recv(l.fd, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) return broken(i);
    std::string_view got(buffer_.data(), static_cast<std::size_t>(n));
    if (!l.got.empty()) got = l.got.append(got);
    auto f = frame(got);
    if (f.broken || (f.whole != 0 && got.size() > f.whole)) return broken(i);
    if (f.whole == 0 || got.size() < f.whole) {
      if (l.got.empty()) l.got.assign(got);
      return;
    }
    --outstanding_;
    last_ = steady::now();
    if (f.status != plan_.expected_status) {
      fail(f.status);
    } else if (plan_.check && !plan_.check(i, got.substr(f.head))) {
      fail(-1);
    } else if (last_ <= end_) {
      ++out_.answered;
      out_.latency_ns.push_back(static_cast<std::uint32_t>(
          std::min<std::int64_t>(UINT32_MAX, std::chrono::nanoseconds(last_ - l.sent).count())));
    }
    l.got.clear();
    if (plan_.pause.count() == 0) return send_next(i);
    resting_.push_back({last_ + plan_.pause, i});
  }

  // Answers how long may be waited for input, in ms.
  int wake_rested() {
    constexpr int most = 100;
    while (!resting_.empty()) {
      auto left = std::chrono::ceil<std::chrono::milliseconds>(resting_.front().until - steady::now()).count();
      if (left > 0) return static_cast<int>(std::min<std::int64_t>(left, most));
      auto i = resting_.front().connection;
      resting_.pop_front();
      send_next(i);
    }
    return most;
  }

  const load_plan& plan_;
  std::vector<line> lines_;
  std::deque<rest> resting_;  // all rest as long, so the first is due first
  int epoll_ = -1;
  std::array<char, 64 * 1024> buffer_{};
  steady::time_point end_, last_;
  std::uint64_t sent_ = 0, outstanding_ = 0;
  load_result out_;
};

}  // namespace

double load_result::percentile_ms(double p) {
  if (latency_ns.empty()) return 0;
  auto at = static_cast<std::size_t>(std::ceil(p * static_cast<double>(latency_ns.size())));
  auto nth = latency_ns.begin() + static_cast<std::ptrdiff_t>(std::clamp<std::size_t>(at, 1, latency_ns.size()) - 1);
  std::nth_element(latency_ns.begin(), nth, latency_ns.end());
  return *nth / 1e6;
}

load_result run_load(const load_plan& plan) { return generator(plan).run(); }

one_answer ask(std::uint16_t port, std::string_view request) {
  one_answer a;
  int fd = connect_to(port);
  if (fd < 0) return a;
  const timeval patience{20, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  std::string got;
  if (send_all(fd, request)) {
    std::array<char, 16 * 1024> piece;
    for (;;) {
      auto n = ::recv(fd, piece.data(), piece.size(), 0);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) break;
      got.append(piece.data(), static_cast<std::size_t>(n));
      auto f = frame(got);
      if (f.broken) break;
      if (f.whole != 0 && got.size() >= f.whole) {
        a.status = f.status;
        a.body = got.substr(f.head, f.whole - f.head);
        break;
      }
    }
  }
  ::close(fd);
  return a;
}

std::string make_request(std::string_view method, std::string_view target, std::string_view token,
                         std::string_view workspace, std::string_view body) {
  std::string r(method);
  r.append(" ").append(target).append(" HTTP/1.1\r\nHost: 127.0.0.1\r\n");
  if (!token.empty()) r.append("Authorization: Bearer ").append(token).append("\r\n");
  if (!workspace.empty()) r.append("X-Workspace-Id: ").append(workspace).append("\r\n");
  if (!body.empty())
    r.append("Content-Type: application/json\r\nContent-Length: ").append(std::to_string(body.size())).append("\r\n");
  return r.append("\r\n").append(body);
}

}  // namespace nacre::bench

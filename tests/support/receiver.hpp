#pragma once
// An HTTP server as a webhook's receiver: keeps what it is sent, answers what the test says. Plain
// sockets, one connection after the other on a thread of its own; every wait is bounded.

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace nacre::test {

struct received {
  std::string head;  // request line and fields
  std::string body;
  std::string line() const { return head.substr(0, head.find("\r\n")); }
  std::string field(std::string_view name) const {
    auto at = head.find("\r\n" + std::string(name) + ": ");
    if (at == std::string::npos) return {};
    at += name.size() + 4;
    return head.substr(at, head.find("\r\n", at) - at);
  }
};

// Says that the connection ends, as every one of the receiver's does: else who sends the next request over it cannot
// know whether that was heard.
inline std::string http_status(int status, std::string_view more = {}, std::string_view body = {}) {
  return "HTTP/1.1 " + std::to_string(status) + " x\r\nConnection: close\r\n" + std::string(more) +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

class receiver {
 public:
  // The bytes to answer the n-th request (from 0) with; empty: close without an answer.
  using answering = std::function<std::string(const received&, std::size_t n)>;

  explicit receiver(
      answering answer = [](const received&, std::size_t) { return http_status(200); }, std::uint16_t port = 0)
      : answer_(std::move(answer)), fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const int one = 1;
    ::setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    if (::bind(fd_, reinterpret_cast<sockaddr*>(&at), size) != 0 || ::listen(fd_, 128) != 0 ||
        ::getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size) != 0)
      throw std::runtime_error("the receiver cannot listen");
    port_ = ntohs(at.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  receiver(const receiver&) = delete;
  receiver& operator=(const receiver&) = delete;
  ~receiver() {
    stopping_ = true;
    thread_.join();
    ::close(fd_);
  }

  std::uint16_t port() const { return port_; }
  std::string url(std::string_view path = "/hook") const {
    return "http://127.0.0.1:" + std::to_string(port_) + std::string(path);
  }
  std::size_t count() const {
    std::lock_guard lock(mutex_);
    return got_.size();
  }
  std::vector<received> all() const {
    std::lock_guard lock(mutex_);
    return got_;
  }
  // Whether so many have come.
  bool await(std::size_t n, std::chrono::seconds within = std::chrono::seconds(60)) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, within, [&] { return got_.size() >= n; });
  }

 private:
  static constexpr int tick_ms = 20, request_ms = 5'000;

  void serve() {
    while (!stopping_) {
      pollfd p{fd_, POLLIN, 0};
      if (::poll(&p, 1, tick_ms) <= 0) continue;
      const int talk = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
      if (talk < 0) continue;
      serve(talk);
      ::close(talk);
    }
  }

  void serve(int talk) {
    std::string in;
    received r;
    for (std::size_t head_end = std::string::npos, length = 0;;) {
      pollfd p{talk, POLLIN, 0};
      char bytes[4096];
      if (::poll(&p, 1, request_ms) <= 0) return;
      const auto n = ::recv(talk, bytes, sizeof bytes, 0);
      if (n <= 0) return;
      in.append(bytes, static_cast<std::size_t>(n));
      if (head_end == std::string::npos && (head_end = in.find("\r\n\r\n")) != std::string::npos) {
        r.head = in.substr(0, head_end + 2);
        length = std::stoul("0" + r.field("Content-Length"));
      }
      if (head_end != std::string::npos && in.size() >= head_end + 4 + length) {
        r.body = in.substr(head_end + 4);
        break;
      }
    }
    std::size_t n = count();
    auto out = answer_(r, n);
    {
      std::lock_guard lock(mutex_);
      got_.push_back(std::move(r));
    }
    changed_.notify_all();
    for (std::string_view rest = out; !rest.empty();) {
      const auto sent = ::send(talk, rest.data(), rest.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      rest.remove_prefix(static_cast<std::size_t>(sent));
    }
    ::shutdown(talk, SHUT_WR);
    // So that a reset does not overtake the answer.
    pollfd p{talk, POLLIN, 0};
    char ignored[4096];
    while (::poll(&p, 1, 500) > 0 && ::recv(talk, ignored, sizeof ignored, 0) > 0) {
    }
  }

  const answering answer_;
  const int fd_;
  std::uint16_t port_ = 0;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::vector<received> got_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace nacre::test

#pragma once
// A client that sends exactly the bytes it is told to and reads answers strictly: for tests of the
// wire. Every wait is bounded; nothing sleeps.

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nacre::test {

struct raw_answer {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;

  const std::string* find(std::string_view name) const {
    for (const auto& [n, v] : headers)
      if (n.size() == name.size() &&
          std::equal(n.begin(), n.end(), name.begin(), [](char a, char b) { return (a | 0x20) == (b | 0x20); }))
        return &v;
    return nullptr;
  }
};

class raw_http {
 public:
  using milliseconds = std::chrono::milliseconds;
  static constexpr milliseconds patience{20'000};

  explicit raw_http(std::uint16_t port, int receive_buffer = 0)
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (receive_buffer != 0) ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd_ >= 0 && ::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) close();
    const int one = 1;
    if (fd_ >= 0) ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  }
  raw_http(raw_http&& other) noexcept : fd_(std::exchange(other.fd_, -1)), got_(std::move(other.got_)) {}
  raw_http& operator=(raw_http&& other) noexcept {
    close();
    fd_ = std::exchange(other.fd_, -1);
    got_ = std::move(other.got_);
    return *this;
  }
  ~raw_http() { close(); }

  explicit operator bool() const { return fd_ >= 0; }
  int fd() const { return fd_; }

  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  // Closes with a reset instead of a FIN.
  void reset() {
    const linger now{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
  }
  void half_close() { ::shutdown(fd_, SHUT_WR); }

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }

  bool readable(milliseconds within) {
    if (!got_.empty()) return true;
    pollfd p{fd_, POLLIN, 0};
    return ::poll(&p, 1, static_cast<int>(within.count())) > 0;
  }

  // The next answer, or nothing if the connection ended or time ran out first.
  std::optional<raw_answer> receive(bool head_only = false, milliseconds within = patience) {
    const auto until = std::chrono::steady_clock::now() + within;
    std::size_t end = 0;
    while ((end = got_.find("\r\n\r\n")) == std::string::npos)
      if (!more(until)) return std::nullopt;
    raw_answer a;
    std::string_view head{got_.data(), end + 2};
    if (head.substr(0, 9) != "HTTP/1.1 ") return std::nullopt;
    a.status = std::atoi(head.data() + 9);
    head.remove_prefix(head.find("\r\n") + 2);
    while (!head.empty()) {
      const auto line = head.substr(0, head.find("\r\n"));
      const auto colon = line.find(": ");
      if (colon == std::string_view::npos) return std::nullopt;
      a.headers.emplace_back(line.substr(0, colon), line.substr(colon + 2));
      head.remove_prefix(line.size() + 2);
    }
    const std::string* length = a.find("Content-Length");
    const std::size_t body = head_only || length == nullptr ? 0 : std::stoul(*length);
    while (got_.size() < end + 4 + body)
      if (!more(until)) return std::nullopt;
    a.body = got_.substr(end + 4, body);
    got_.erase(0, end + 4 + body);
    return a;
  }

  std::optional<raw_answer> exchange(std::string_view bytes) {
    if (!send(bytes)) return std::nullopt;
    return receive();
  }

  // True if the server ends the connection, with nothing further before.
  bool ends(milliseconds within = patience) {
    const auto until = std::chrono::steady_clock::now() + within;
    while (got_.empty())
      if (!more(until)) return ended_;
    return false;
  }
  const std::string& left_over() const { return got_; }

 private:
  bool more(std::chrono::steady_clock::time_point until) {
    const auto left = std::chrono::duration_cast<milliseconds>(until - std::chrono::steady_clock::now());
    pollfd p{fd_, POLLIN, 0};
    if (left.count() <= 0 || ::poll(&p, 1, static_cast<int>(left.count())) <= 0) return false;
    char bytes[16 * 1024];
    const ssize_t n = ::recv(fd_, bytes, sizeof bytes, 0);
    if (n < 0 && errno == EINTR) return true;
    if (n <= 0) {
      ended_ = true;
      return false;
    }
    got_.append(bytes, static_cast<std::size_t>(n));
    return true;
  }

  int fd_;
  std::string got_;
  bool ended_ = false;
};

}  // namespace nacre::test

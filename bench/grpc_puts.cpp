#include "bench/grpc_puts.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>
#include <string>
#include <string_view>

#include "bench/interrupt.hpp"
#include "bench/socket.hpp"

namespace nacre::bench {

namespace {

using steady = std::chrono::steady_clock;

// RFC 9113: types of frames, and flags.
constexpr std::uint8_t data = 0, headers = 1, rst_stream = 3, settings = 4, ping = 6, goaway = 7, window_update = 8;
constexpr std::uint8_t end_stream = 1, acknowledges = 1, end_headers = 4;
constexpr std::size_t frame_head_bytes = 9, message_head_bytes = 5;
// Answers are small; the connection's window is made so wide once that no run fills it.
constexpr std::uint32_t window_more = 0x7fff0000u - 0xffffu;
constexpr std::string_view preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

void append_u32(std::string& to, std::uint32_t v) {
  for (int shift = 24; shift >= 0; shift -= 8) to += static_cast<char>(v >> shift);
}

void append_frame(std::string& to, std::uint8_t type, std::uint8_t flags, std::uint32_t stream, std::string_view body) {
  to += static_cast<char>(body.size() >> 16);
  to += static_cast<char>(body.size() >> 8);
  to += static_cast<char>(body.size());
  to += static_cast<char>(type);
  to += static_cast<char>(flags);
  append_u32(to, stream);
  to += body;
}

std::uint32_t u32_at(std::string_view bytes, std::size_t at) {
  std::uint32_t v = 0;
  for (std::size_t i = 0; i < 4; ++i) v = v << 8 | static_cast<std::uint8_t>(bytes[at + i]);
  return v;
}

// HPACK (RFC 7541). The first request of a connection puts its fields into the table of the server (0x40, or 0x5f for
// the name at 31), the others name the places: what came last is 62.
std::string first_request_head() {
  auto text = [](std::string_view s) { return static_cast<char>(s.size()) + std::string(s); };
  return std::string("\x83\x86") + '\x44' + text("/etcdserverpb.KV/Put") + '\x41' + text("127.0.0.1") + '\x5f' +
         text("application/grpc") + '\x40' + text("te") + text("trailers");
}
constexpr std::string_view next_request_head = "\x83\x86\xc1\xc0\xbf\xbe";

class putter {
 public:
  putter(const put_plan& plan, std::uint64_t& key) : plan_(plan), key_(key), lines_(plan.connections) {
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    if (epoll_ < 0) throw std::runtime_error("epoll_create1 failed");
    out_.latency_ns.reserve(1u << 18);
    // A gRPC message of a PutRequest: field 1 the key, field 2 the value.
    const auto length = static_cast<std::uint32_t>(plan.value_bytes);
    std::string body("\x0a\x08", 2);
    body.append(8, '\0').append("\x12");
    for (auto left = length;; left >>= 7) {
      body += static_cast<char>(left < 128 ? left : (left & 127) | 128);
      if (left < 128) break;
    }
    for (std::uint32_t i = 0; i < length; ++i) body += static_cast<char>('a' + i % 26);
    message_.assign(1, '\0');
    append_u32(message_, static_cast<std::uint32_t>(body.size()));
    message_ += body;
  }
  ~putter() {
    for (auto& l : lines_)
      if (l.fd >= 0) ::close(l.fd);
    ::close(epoll_);
  }
  putter(const putter&) = delete;
  putter& operator=(const putter&) = delete;

  load_result run() {
    for (std::size_t i = 0; i < lines_.size(); ++i) open(i);
    const auto cpu = thread_cpu_s();
    const auto begin = steady::now();
    end_ = begin + plan_.for_time;
    for (auto& l : lines_) {
      for (std::size_t n = 0; n < plan_.streams; ++n) send_next(l, begin);
      flush(l);
    }
    const auto patience = end_ + std::chrono::seconds(20);
    std::array<epoll_event, 128> events;
    while (outstanding_ > 0) {
      stop_if_interrupted();
      const int n = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 100);
      for (int e = 0; e < n; ++e) input(lines_[events[static_cast<std::size_t>(e)].data.u64]);
      if (n <= 0 && steady::now() > patience) {
        fail(outstanding_);
        break;
      }
    }
    out_.seconds = std::chrono::duration<double>(std::min(last_, end_) - begin).count();
    out_.generator_cpu_s = thread_cpu_s() - cpu;
    return std::move(out_);
  }

 private:
  struct put {
    std::uint32_t stream = 0;
    steady::time_point sent;
    bool answered = false;
  };
  struct line {
    int fd = -1;
    std::uint32_t next_stream = 1;
    std::vector<put> puts;
    std::string in, out;
  };

  void fail(std::uint64_t count = 1) {
    out_.failed += count;
    out_.unexpected[0] += count;
  }

  void open(std::size_t i) {
    auto& l = lines_[i];
    l.fd = connect_to(plan_.ports[i % plan_.ports.size()]);
    if (l.fd < 0) throw std::runtime_error("etcd refuses connections");
    l.out = preface;
    append_frame(l.out, settings, 0, 0, {});
    std::string more;
    append_u32(more, window_more);
    append_frame(l.out, window_update, 0, 0, more);
    epoll_event e{};
    e.events = EPOLLIN;
    e.data.u64 = i;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, l.fd, &e);
  }

  // What is outstanding stays far below the 64 KiB that a server grants at first: its windows need no account.
  void send_next(line& l, steady::time_point now) {
    if (now >= end_) return;
    static const auto first = first_request_head();
    const auto stream = l.next_stream;
    l.next_stream += 2;
    append_frame(l.out, headers, end_headers, stream, stream == 1 ? std::string_view(first) : next_request_head);
    ++key_;
    for (std::size_t i = 0; i < 8; ++i) message_[message_head_bytes + 2 + i] = static_cast<char>(key_ >> (56 - 8 * i));
    append_frame(l.out, data, end_stream, stream, message_);
    l.puts.push_back({stream, now, false});
    ++outstanding_;
  }

  void flush(line& l) {
    if (!l.out.empty() && !send_all(l.fd, l.out)) broken(l);
    l.out.clear();
  }

  void broken(line& l) {
    fail(std::max<std::size_t>(l.puts.size(), 1));
    outstanding_ -= l.puts.size();
    l.puts.clear();
    if (l.fd >= 0) ::close(l.fd);
    l.fd = -1;
  }

  void input(line& l) {
    const auto n = ::recv(l.fd, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) return broken(l);
    l.in.append(buffer_.data(), static_cast<std::size_t>(n));
    std::string_view rest(l.in);
    const auto now = steady::now();
    while (rest.size() >= frame_head_bytes) {
      const std::size_t length = u32_at(rest, 0) >> 8;
      if (rest.size() < frame_head_bytes + length) break;
      if (!handle(l, static_cast<std::uint8_t>(rest[3]), static_cast<std::uint8_t>(rest[4]), u32_at(rest, 5),
                  rest.substr(frame_head_bytes, length), now))
        return broken(l);
      rest.remove_prefix(frame_head_bytes + length);
    }
    l.in.erase(0, l.in.size() - rest.size());
    flush(l);
  }

  bool handle(line& l, std::uint8_t type, std::uint8_t flags, std::uint32_t stream, std::string_view body,
              steady::time_point now) {
    switch (type) {
      case settings:
        if ((flags & acknowledges) == 0) append_frame(l.out, settings, acknowledges, 0, {});
        return true;
      case ping:
        if ((flags & acknowledges) == 0) append_frame(l.out, ping, acknowledges, 0, body);
        return true;
      case goaway:
        return false;
      case data:
      case headers:
      case rst_stream: {
        const auto at = std::find_if(l.puts.begin(), l.puts.end(), [&](const put& p) { return p.stream == stream; });
        if (at == l.puts.end()) return false;
        if (type == data) at->answered = at->answered || is_put_response(body);
        if (type == rst_stream || (flags & end_stream) != 0) over(l, at, now);
        return true;
      }
      default:
        return true;
    }
  }

  // A whole message, not compressed, with the header of etcd's answers in it, which has a revision (field 3).
  static bool is_put_response(std::string_view body) {
    if (body.size() < message_head_bytes + 2 || body[0] != 0 || u32_at(body, 1) != body.size() - message_head_bytes ||
        body[message_head_bytes] != '\x0a')
      return false;
    auto header = body.substr(message_head_bytes + 2);
    while (!header.empty()) {
      const auto tag = header[0];
      if (tag == '\x18') return true;
      header.remove_prefix(1);
      while (!header.empty() && (static_cast<std::uint8_t>(header[0]) & 128) != 0) header.remove_prefix(1);
      if (!header.empty()) header.remove_prefix(1);
    }
    return false;
  }

  void over(line& l, std::vector<put>::iterator at, steady::time_point now) {
    --outstanding_;
    last_ = now;
    if (!at->answered) {
      fail();
    } else if (now <= end_) {
      ++out_.answered;
      out_.latency_ns.push_back(static_cast<std::uint32_t>(
          std::min<std::int64_t>(UINT32_MAX, std::chrono::nanoseconds(now - at->sent).count())));
    }
    *at = l.puts.back();
    l.puts.pop_back();
    send_next(l, now);
  }

  const put_plan& plan_;
  std::uint64_t& key_;
  std::vector<line> lines_;
  std::string message_;
  int epoll_ = -1;
  std::array<char, 64 * 1024> buffer_{};
  steady::time_point end_, last_;
  std::uint64_t outstanding_ = 0;
  load_result out_;
};

}  // namespace

load_result run_puts(const put_plan& plan, std::uint64_t& key) { return putter(plan, key).run(); }

}  // namespace nacre::bench

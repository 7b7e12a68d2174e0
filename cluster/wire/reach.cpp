#include "cluster/wire/reach.hpp"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>

namespace nacre::cluster::wire {
namespace {

struct address_free {
  void operator()(addrinfo* list) const noexcept { ::freeaddrinfo(list); }
};

class socket_handle {
 public:
  explicit socket_handle(int fd) : fd_(fd) {}
  ~socket_handle() {
    if (fd_ >= 0) ::close(fd_);
  }
  socket_handle(const socket_handle&) = delete;
  socket_handle& operator=(const socket_handle&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

// 0, or the reason's errno.
int try_one(const addrinfo& at, std::chrono::milliseconds patience) {
  const socket_handle fd(::socket(at.ai_family, at.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, at.ai_protocol));
  if (fd.get() < 0) return errno;
  if (::connect(fd.get(), at.ai_addr, at.ai_addrlen) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  const auto end = std::chrono::steady_clock::now() + patience;
  for (;;) {
    pollfd waiting{fd.get(), POLLOUT, 0};
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()).count();
    const int ready = ::poll(&waiting, 1, static_cast<int>(std::max<std::int64_t>(left, 0)));
    if (ready == 0) return ETIMEDOUT;
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) return errno;
    int reason = 0;
    socklen_t size = sizeof reason;
    if (::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &reason, &size) != 0) return errno;
    return reason;
  }
}

}  // namespace

result<endpoint> reach(const endpoint& where, std::chrono::milliseconds patience) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (const int failed = ::getaddrinfo(where.host.c_str(), std::to_string(where.port).c_str(), &wanted, &found);
      failed != 0)
    return fail(errc::busy, std::string("its name has no address: ") + ::gai_strerror(failed));
  const std::unique_ptr<addrinfo, address_free> list(found);
  int reason = 0;
  for (const auto* each = list.get(); each != nullptr; each = each->ai_next) {
    reason = try_one(*each, patience);
    if (reason != 0) continue;
    char numeric[NI_MAXHOST];
    if (::getnameinfo(each->ai_addr, each->ai_addrlen, numeric, sizeof numeric, nullptr, 0, NI_NUMERICHOST) == 0)
      return endpoint{numeric, where.port};
  }
  return fail(errc::busy, "nothing answers at its address: " + std::generic_category().message(reason));
}

}  // namespace nacre::cluster::wire

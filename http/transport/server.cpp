// The front end behind http/server.hpp: Pistache's listener, our reactors.

#include <netinet/in.h>
#include <pistache/listener.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <csignal>
#include <cstring>

#include "http/transport/reactor.hpp"
#include "model/limits.hpp"

namespace nacre::http {
namespace {

using transport::peer_handler;
using transport::reactor;
using transport::shared_state;

constexpr int backlog = 1024;

// At the limit Pistache's accept loop spins, so the limit must lie above our own cap. Raised as far
// as the hard limit allows: storage opens files too.
result<void> raise_file_limit(std::size_t connections) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return fail(errc::internal, "cannot read the open file limit");
  const auto needed = static_cast<rlim_t>(connections + limits::http_spare_files_min);
  const auto wanted = std::max<rlim_t>(2 * needed + 4096, 65'536);
  if (limit.rlim_cur < wanted && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    ::getrlimit(RLIMIT_NOFILE, &limit);
  }
  if (limit.rlim_cur < needed)
    return fail(errc::invalid, "http.connections_max needs an open file limit of " + std::to_string(needed) +
                                   ", the system allows " + std::to_string(limit.rlim_cur));
  return {};
}

Pistache::Address listen_address(const ip_address& ip, std::uint16_t port) {
  sockaddr_storage storage{};
  if (ip.is_v4()) {
    auto* in = reinterpret_cast<sockaddr_in*>(&storage);
    in->sin_family = AF_INET;
    in->sin_port = htons(port);
    std::memcpy(&in->sin_addr, ip.bytes.data() + 12, 4);
  } else {
    auto* in = reinterpret_cast<sockaddr_in6*>(&storage);
    in->sin6_family = AF_INET6;
    in->sin6_port = htons(port);
    std::memcpy(&in->sin6_addr, ip.bytes.data(), 16);
  }
  return {Pistache::IP(reinterpret_cast<sockaddr*>(&storage)), Pistache::Port(port)};
}

class pistache_server final : public server {
 public:
  pistache_server(server_config config, handler handle, observer observe) : shared_(std::make_shared<shared_state>()) {
    shared_->bodies = body_budget(config.large_bodies_bytes_max);
    shared_->config = std::move(config);
    shared_->handle = std::move(handle);
    shared_->observe = std::move(observe);
  }

  ~pistache_server() override {
    shared_->draining = true;
    listener_.reset();
  }

  result<void> start() override {
    if (listener_) return fail(errc::invalid, "the server was already started");
    const server_config& config = shared_->config;
    const auto ip = parse_ip(config.address);
    if (!ip) return fail(errc::invalid, "http.address is not an IP address: " + config.address);
    if (config.threads == 0 || config.threads > 64) return fail(errc::invalid, "http.threads must be 1 to 64");
    if (config.connections_max == 0) return fail(errc::invalid, "http.connections_max must be at least 1");
    auto trusted = proxy_list::parse(config.trusted_proxies);
    if (!trusted) return tl::make_unexpected(std::move(trusted.error()));
    shared_->trusted = std::move(*trusted);
    if (auto raised = raise_file_limit(config.connections_max); !raised) return raised;
    std::signal(SIGPIPE, SIG_IGN);
    return listen(*ip);
  }

  std::uint16_t port() const override { return port_; }

  bool drain(std::chrono::milliseconds at_most) override {
    if (drained_ || !listener_) return drained_;
    const auto until = clock::now() + at_most;
    shared_->draining = true;
    shared_->wake_all();
    const bool closed = shared_->wait_closed(until);
    drained_ = closed || shared_->all_quiet();
    // A reactor stuck in a handler would hang the join; the destructor may, drain() must not.
    if (closed) {
      listener_.reset();
    } else {
      listener_->shutdown();
    }
    return drained_;
  }

  counters stats() const override {
    const edge_counters& c = shared_->counters;
    const auto read = [](const std::atomic<std::uint64_t>& v) { return v.load(std::memory_order_relaxed); };
    return {read(c.connections_open), read(c.connections_total), read(c.connections_refused),
            read(c.requests_total),   read(c.parse_errors),      read(c.timeouts),
            read(c.inflight),         read(c.bodies_refused)};
  }

 private:
  // Pistache reports with exceptions; they end here.
  result<void> listen(const ip_address& ip) {
    const server_config& config = shared_->config;
    try {
      using Pistache::Tcp::Options;
      auto listener = std::make_unique<Pistache::Tcp::Listener>(listen_address(ip, config.port));
      listener->init(config.threads,
                     Pistache::Flags<Options>(Options::ReuseAddr) | Options::NoDelay | Options::CloseOnExec, "http",
                     backlog);
      listener->setTransportFactory(
          [shared = shared_] { return std::make_shared<reactor>(shared, std::make_shared<peer_handler>()); });
      listener->setHandler(std::make_shared<peer_handler>());
      listener->bind();
      port_ = listener->getPort();
      // Signals belong to the program's own threads.
      sigset_t all, before;
      ::sigfillset(&all);
      ::pthread_sigmask(SIG_SETMASK, &all, &before);
      try {
        listener->runThreaded();
      } catch (...) {
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
        throw;
      }
      ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
      listener_ = std::move(listener);
      return {};
    } catch (const std::exception& e) {
      const std::string where = config.address + ":" + std::to_string(config.port);
      if (std::strcmp(e.what(), std::strerror(EADDRINUSE)) == 0)
        return fail(errc::busy, "the address is in use: " + where);
      return fail(errc::invalid, "cannot listen on " + where + ": " + e.what());
    }
  }

  std::shared_ptr<shared_state> shared_;
  std::unique_ptr<Pistache::Tcp::Listener> listener_;
  std::uint16_t port_ = 0;
  bool drained_ = false;
};

}  // namespace

std::unique_ptr<server> make_pistache_server(server_config config, handler handle, observer observe) {
  return std::make_unique<pistache_server>(std::move(config), std::move(handle), std::move(observe));
}

}  // namespace nacre::http

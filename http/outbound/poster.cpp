#include "http/outbound/poster.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "http/address.hpp"
#include "http/outbound/public_address.hpp"

namespace nacre::http {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;
using tcp = asio::ip::tcp;
using endpoints = std::vector<tcp::endpoint>;
using host_kind = model::webhook_url::host_kind;

constexpr std::size_t answer_header_bytes_max = 8 * 1024, answer_body_bytes_max = 4 * 1024;
constexpr std::size_t addresses_max = 32;  // of one name; more are refused as a whole
constexpr int interim_answers_max = 8;
constexpr std::chrono::milliseconds check_timeout{2'000};

bool allowed(const model::webhook_hosts& hosts, const model::webhook_url& url, const endpoints& all) {
  if (hosts.lists(url)) return true;
  for (const auto& each : all) {
    auto address = ip_of(each.data());
    if (!address || !is_public(*address)) return false;
  }
  return true;
}

// An address in the URL itself.
std::optional<tcp::endpoint> literal(const model::webhook_url& url) {
  if (url.kind == host_kind::name) return std::nullopt;
  error_code failed;
  auto address = asio::ip::make_address(url.host, failed);
  if (failed) return std::nullopt;
  return tcp::endpoint(address, url.port);
}

endpoints at_port(const std::vector<ip_address>& found, std::uint16_t port) {
  endpoints out;
  for (const auto& each : found) {
    if (each.is_v4())
      out.emplace_back(asio::ip::address_v4({each.bytes[12], each.bytes[13], each.bytes[14], each.bytes[15]}), port);
    else
      out.emplace_back(asio::ip::address_v6(each.bytes), port);
  }
  return out;
}

// One POST, from the name to the status. Lives on the poster's io thread.
class exchange_out : public std::enable_shared_from_this<exchange_out> {
 public:
  exchange_out(asio::io_context& io, asio::ssl::context& tls, const poster_settings& s, outgoing what,
               unique_function<void(post_result)> done)
      : settings_(s), url_(what.to), timer_(io), done_(std::move(done)) {
    if (url_.tls)
      tls_.emplace(io, tls);
    else
      plain_.emplace(io);
    namespace h = beast::http;
    request_.version(11);
    request_.method(h::verb::post);
    request_.target(url_.path);
    request_.set(h::field::host, url_.authority());
    request_.set(h::field::user_agent, s.user_agent);
    request_.set(h::field::connection, "close");
    for (auto& each : what.headers) request_.set(each.name, each.value);
    request_.body() = std::move(what.body);
    request_.prepare_payload();
    expect_answer();
  }

  void start(resolver& names) {
    begun_ = std::chrono::steady_clock::now();
    if (!settings_.hosts.check(url_)) return finish(post_result::fate::refused);
    limit(std::min(settings_.connect_timeout, settings_.timeout));
    if (auto address = literal(url_)) return connect({*address});
    auto& io = static_cast<asio::io_context&>(timer_.get_executor().context());
    bool taken = names.resolve(url_.host, [self = shared_from_this(), &io](const std::vector<ip_address>& found) {
      asio::post(io, [self, all = at_port(found, self->url_.port)]() mutable { self->connect(std::move(all)); });
    });
    if (!taken) finish(post_result::fate::timed_out);
  }
  void cancel() { finish(post_result::fate::cancelled); }
  bool done() const { return !done_; }

 private:
  tcp::socket& socket() { return tls_ ? tls_->next_layer() : *plain_; }

  void limit(std::chrono::milliseconds since_begin) {
    timer_.expires_at(begun_ + since_begin);
    timer_.async_wait([self = shared_from_this()](error_code failed) {
      if (!failed) self->finish(post_result::fate::timed_out);
    });
  }

  void connect(endpoints found) {
    if (done()) return;
    if (found.empty()) return finish(post_result::fate::unresolved);
    if (found.size() > addresses_max || !allowed(settings_.hosts, url_, found))
      return finish(post_result::fate::refused);
    endpoints_ = std::move(found);
    asio::async_connect(socket(), endpoints_, [self = shared_from_this()](error_code failed, const tcp::endpoint&) {
      if (self->done()) return;
      if (failed) return self->finish(post_result::fate::unreachable);
      if (self->tls_) return self->shake_hands();
      self->limit(self->settings_.timeout);
      self->write(*self->plain_);
    });
  }

  void shake_hands() {
    if (url_.kind == host_kind::name && SSL_set_tlsext_host_name(tls_->native_handle(), url_.host.c_str()) != 1)
      return finish(post_result::fate::untrusted);
    error_code failed;
    tls_->set_verify_mode(asio::ssl::verify_peer, failed);
    if (!failed) tls_->set_verify_callback(asio::ssl::host_name_verification(url_.host), failed);
    if (failed) return finish(post_result::fate::untrusted);
    tls_->async_handshake(asio::ssl::stream_base::client, [self = shared_from_this()](error_code ec) {
      if (self->done()) return;
      if (ec) return self->finish(post_result::fate::untrusted);
      self->limit(self->settings_.timeout);
      self->write(*self->tls_);
    });
  }

  template <class Stream>
  void write(Stream& to) {
    beast::http::async_write(to, request_, [self = shared_from_this(), &to](error_code failed, std::size_t) {
      if (self->done()) return;
      // A receiver may answer before it has read everything.
      static_cast<void>(failed);
      self->read(to);
    });
  }

  void expect_answer() {
    answer_.emplace();
    answer_->header_limit(answer_header_bytes_max);
    answer_->body_limit(answer_body_bytes_max);
  }

  // "100 Continue", "103 Early Hints" and their like announce the answer. After 101 there would be no HTTP.
  bool is_interim() const {
    if (!answer_->is_header_done()) return false;
    auto status = answer_->get().result_int();
    return status / 100 == 1 && status != 101;
  }

  // The status is known with the head; the body is read, up to its limit, only to be polite.
  template <class Stream>
  void read(Stream& from) {
    beast::http::async_read(from, buffer_, *answer_, [self = shared_from_this(), &from](error_code, std::size_t) {
      if (self->done()) return;
      if (self->is_interim() && self->interim_answers_++ < interim_answers_max) {
        self->expect_answer();
        return self->read(from);
      }
      self->finish(post_result::fate::unreachable);
    });
  }

  void finish(post_result::fate how) {
    if (done()) return;
    post_result r{how, 0};
    if (answer_->is_header_done() && !is_interim())
      r = {post_result::fate::answered, static_cast<int>(answer_->get().result_int())};
    timer_.cancel();
    error_code ignored;
    socket().close(ignored);
    auto to = std::move(done_);
    done_ = {};
    to(r);
  }

  const poster_settings& settings_;
  model::webhook_url url_;
  std::chrono::steady_clock::time_point begun_;
  asio::steady_timer timer_;
  std::optional<tcp::socket> plain_;
  std::optional<asio::ssl::stream<tcp::socket>> tls_;
  endpoints endpoints_;
  beast::http::request<beast::http::string_body> request_;
  std::optional<beast::http::response_parser<beast::http::string_body>> answer_;
  int interim_answers_ = 0;
  beast::flat_buffer buffer_{answer_header_bytes_max + answer_body_bytes_max};
  unique_function<void(post_result)> done_;
};

// One question whether a name's addresses are public.
struct name_check : std::enable_shared_from_this<name_check> {
  name_check(asio::io_context& io, unique_function<void(result<void>)> d) : timer(io), done(std::move(d)) {}
  void finish(result<void> r) {
    if (!done) return;
    timer.cancel();
    auto to = std::move(done);
    done = {};
    to(std::move(r));
  }
  asio::steady_timer timer;
  unique_function<void(result<void>)> done;
};

class beast_poster final : public poster {
 public:
  beast_poster(poster_settings s, asio::ssl::context tls)
      : settings_(std::move(s)),
        tls_(std::move(tls)),
        work_(asio::make_work_guard(io_)),
        names_(settings_.look_up ? settings_.look_up : look_up_by_system),
        thread_([this] { run(); }) {}
  ~beast_poster() override { stop(); }

  void post(outgoing what, unique_function<void(post_result)> done) override {
    auto e = std::make_shared<exchange_out>(io_, tls_, settings_, std::move(what), std::move(done));
    std::unique_lock lock(mutex_);
    if (stopped_) {
      lock.unlock();
      return e->cancel();
    }
    asio::post(io_, [this, e] {
      std::erase_if(exchanges_, [](const auto& each) { return each.expired(); });
      exchanges_.push_back(e);
      e->start(names_);
    });
  }

  void check(const model::webhook_url& url, unique_function<void(result<void>)> done) override {
    if (auto fine = settings_.hosts.check(url); !fine) return done(std::move(fine));
    if (settings_.hosts.lists(url)) return done({});
    if (auto address = literal(url)) return done(verdict(url, {*address}));
    auto c = std::make_shared<name_check>(io_, std::move(done));
    std::unique_lock lock(mutex_);
    if (stopped_) {
      lock.unlock();
      return c->finish(fail(errc::busy, "The node is stopping"));
    }
    asio::post(io_, [this, c, url] {
      std::erase_if(checks_, [](const auto& each) { return each.expired(); });
      checks_.push_back(c);
      c->timer.expires_after(check_timeout);
      c->timer.async_wait([c](error_code failed) {
        if (!failed) c->finish({});
      });
      bool taken = names_.resolve(url.host, [this, c, url](const std::vector<ip_address>& found) {
        asio::post(io_, [this, c, url, all = at_port(found, url.port)] { c->finish(verdict(url, all)); });
      });
      if (!taken) c->finish({});
    });
  }

  void stop() override {
    {
      std::lock_guard lock(mutex_);
      if (stopped_) return;
      stopped_ = true;
    }
    names_.stop();
    asio::post(io_, [this] {
      for (const auto& each : exchanges_)
        if (auto e = each.lock()) e->cancel();
      for (const auto& each : checks_)
        if (auto c = each.lock()) c->finish(fail(errc::busy, "The node is stopping"));
    });
    work_.reset();
    thread_.join();
  }

 private:
  result<void> verdict(const model::webhook_url& url, const endpoints& found) const {
    if (allowed(settings_.hosts, url, found)) return {};
    return fail(errc::invalid, "The host of url is not on the public internet");
  }

  void run() {
    for (;;) {
      try {
        io_.run();
        return;
      } catch (...) {  // no memory: the exchange at hand is dropped with its promise, the others go on
      }
    }
  }

  const poster_settings settings_;
  asio::io_context io_;
  asio::ssl::context tls_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  resolver names_;
  std::vector<std::weak_ptr<exchange_out>> exchanges_;  // of the io thread, as are the checks
  std::vector<std::weak_ptr<name_check>> checks_;
  std::mutex mutex_;
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace

std::string_view name_of(post_result::fate f) {
  switch (f) {  // No default, on purpose.
    case post_result::fate::answered:
      return "answered";
    case post_result::fate::refused:
      return "refused";
    case post_result::fate::unresolved:
      return "unresolved";
    case post_result::fate::unreachable:
      return "unreachable";
    case post_result::fate::untrusted:
      return "untrusted";
    case post_result::fate::timed_out:
      return "timed_out";
    case post_result::fate::cancelled:
      return "cancelled";
  }
  std::abort();
}

result<std::unique_ptr<poster>> make_poster(poster_settings s) {
  asio::ssl::context tls(asio::ssl::context::tls_client);
  error_code failed;
  SSL_CTX_set_min_proto_version(tls.native_handle(), TLS1_2_VERSION);
  if (s.ca_file.empty())
    tls.set_default_verify_paths(failed);
  else
    tls.load_verify_file(s.ca_file, failed);
  if (failed) return fail(errc::invalid, "webhooks.ca_file: " + failed.message());
  return std::unique_ptr<poster>(std::make_unique<beast_poster>(std::move(s), std::move(tls)));
}

}  // namespace nacre::http

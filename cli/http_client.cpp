#include "cli/http_client.hpp"

#include <string.h>

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <cctype>

#include "app/loopback.hpp"

namespace nacre::cli {

namespace asio = boost::asio;
namespace beast = boost::beast;
using message = beast::http::request<beast::http::string_body>;
using reply_parser = beast::http::response_parser<beast::http::string_body>;

namespace {

constexpr std::uint64_t answer_bytes_max = 16 * 1024 * 1024;
constexpr std::size_t answer_header_bytes_max = 32 * 1024, buffer_bytes = 64 * 1024;
constexpr std::chrono::seconds patience{30};

void wipe(std::string& text) { ::explicit_bzero(text.data(), text.size()); }

bool is_port(std::string_view text) {
  if (text.empty() || text.size() > 5 || text.find_first_not_of("0123456789") != std::string_view::npos) return false;
  const int n = std::stoi(std::string(text));
  return n > 0 && n < 65536;
}

}  // namespace

http_answer::~http_answer() { wipe(body); }

std::string web_origin::text() const {
  const bool v6 = host.find(':') != std::string::npos;
  auto out = std::string(tls ? "https://" : "http://") + (v6 ? "[" + host + "]" : host);
  return port == (tls ? "443" : "80") ? out : out + ":" + port;
}

result<web_origin> parse_origin(std::string_view url) {
  web_origin out;
  if (url.starts_with("https://")) {
    out.tls = true;
    url.remove_prefix(8);
  } else if (url.starts_with("http://")) {
    url.remove_prefix(7);
  } else {
    return fail(errc::invalid, "the URL must begin with https:// or http://");
  }
  if (url.ends_with('/')) url.remove_suffix(1);
  if (url.find_first_of("/?#@\\ ") != std::string_view::npos)
    return fail(errc::invalid, "the URL must be https://HOST or https://HOST:PORT, without a path");
  auto host = url;
  std::string_view port = out.tls ? "443" : "80";
  const auto end = url.starts_with('[') ? url.find(']') : std::string_view::npos;
  if (url.starts_with('[') && end == std::string_view::npos) return fail(errc::invalid, "the URL names no host");
  if (const auto colon = url.find(':', end == std::string_view::npos ? 0 : end); colon != std::string_view::npos) {
    host = url.substr(0, colon);
    port = url.substr(colon + 1);
  }
  if (!is_port(port)) return fail(errc::invalid, "the URL's port must be a number from 1 to 65535");
  if (host.starts_with('[')) {
    if (!host.ends_with(']')) return fail(errc::invalid, "the URL names no host");
    host = host.substr(1, host.size() - 2);
  }
  if (host.empty()) return fail(errc::invalid, "the URL names no host");
  out.host = host;
  std::transform(out.host.begin(), out.host.end(), out.host.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  out.port = port;
  return out;
}

struct http_client::impl {
  explicit impl(web_origin at) : to(std::move(at)) {}

  web_origin to;
  asio::io_context io;
  asio::ssl::context tls{asio::ssl::context::tls_client};
  std::optional<beast::tcp_stream> plain;
  std::optional<beast::ssl_stream<beast::tcp_stream>> secured;
  beast::flat_static_buffer<buffer_bytes> buffer;

  beast::tcp_stream& lowest() { return secured ? secured->next_layer() : *plain; }
  bool connected() const { return plain || secured; }
  void drop() {
    plain.reset();
    secured.reset();
  }

  // A server may close a kept connection while it is idle; asked before anything is sent over it.
  bool has_ended() {
    beast::error_code failed;
    char byte = 0;
    auto& socket = lowest().socket();
    socket.non_blocking(true, failed);
    socket.receive(asio::buffer(&byte, 1), asio::socket_base::message_peek, failed);
    return failed != asio::error::would_block;
  }

  template <class Start>
  beast::error_code finish(Start start) {
    beast::error_code failed;
    io.restart();
    lowest().expires_after(patience);
    start([&](beast::error_code ec, auto&&...) { failed = ec; });
    io.run();
    return failed;
  }

  result<void> connect() {
    beast::error_code failed;
    asio::ip::tcp::resolver resolver(io);
    auto addresses = resolver.resolve(to.host, to.port, failed);
    if (failed) return fail(errc::busy, "cannot find " + to.host);
    if (to.tls)
      secured.emplace(io, tls);
    else
      plain.emplace(io);
    failed = finish([&](auto done) { lowest().async_connect(addresses, done); });
    if (failed) return unreachable(failed.message());
    if (!to.tls) return {};
    beast::error_code no_address;
    asio::ip::make_address(to.host, no_address);
    if (no_address && SSL_set_tlsext_host_name(secured->native_handle(), to.host.c_str()) != 1)
      return unreachable("the host's name is not one for TLS");
    secured->set_verify_mode(asio::ssl::verify_peer, failed);
    if (!failed) secured->set_verify_callback(asio::ssl::host_name_verification(to.host), failed);
    if (failed) return unreachable(failed.message());
    failed = finish([&](auto done) { secured->async_handshake(asio::ssl::stream_base::client, done); });
    if (failed) {
      drop();
      return fail(errc::busy, "no trusted connection to " + to.text() + " (" + failed.message() +
                                  "); nothing was sent. A CA of your own is named by --ca-file");
    }
    return {};
  }

  result<void> unreachable(const std::string& why) {
    drop();
    return fail(errc::busy, "cannot reach " + to.text() + " (" + why + ")");
  }

  template <class Stream>
  result<http_answer> exchange(Stream& stream, message& request) {
    // Beast's time limits exist for asynchronous calls only, so each step runs the loop to its end.
    auto failed = finish([&](auto done) { beast::http::async_write(stream, request, done); });
    reply_parser parser;
    parser.body_limit(answer_bytes_max);
    parser.header_limit(answer_header_bytes_max);
    // A server may refuse before it has read everything.
    failed = finish([&](auto done) { beast::http::async_read(stream, buffer, parser, done); });
    buffer.clear();
    auto used = buffer.prepare(buffer.max_size());
    ::explicit_bzero(used.data(), used.size());
    buffer.clear();
    if (failed) {
      drop();
      return fail(errc::outcome_unknown, "no answer from " + to.text() + " (" + failed.message() + ")");
    }
    auto& got = parser.get();
    http_answer out;
    out.status = static_cast<int>(got.result_int());
    out.request_id = std::string(got["X-Request-Id"]).substr(0, 64);
    if (auto wait = std::string(got["Retry-After"]);
        !wait.empty() && wait.size() < 8 && wait.find_first_not_of("0123456789") == std::string::npos)
      out.retry_after_s = std::stoll(wait);
    const bool stays = got.keep_alive();
    out.body = std::move(got.body());
    if (!stays) drop();
    return out;
  }
};

http_client::http_client(std::unique_ptr<impl> i) : impl_(std::move(i)) {}
http_client::http_client(http_client&&) noexcept = default;
http_client::~http_client() = default;

result<http_client> http_client::make(std::string_view url, clear_text allowed, const std::string& ca_file) {
  auto to = parse_origin(url);
  if (!to) return fail(to.error());
  if (!to->tls && allowed == clear_text::loopback_only && to->host != "localhost" && !app::is_loopback(to->host))
    return fail(errc::invalid, "what is sent would travel in clear text to another machine");
  auto made = std::make_unique<impl>(std::move(*to));
  if (made->to.tls) {
    beast::error_code failed;
    made->tls.set_options(
        asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1,
        failed);
    if (!failed) made->tls.set_default_verify_paths(failed);
    if (failed) return fail(errc::invalid, "the system's certificates cannot be used");
    if (!ca_file.empty()) made->tls.load_verify_file(ca_file, failed);
    if (failed) return fail(errc::invalid, "the CA file cannot be read or holds no certificate");
  }
  return http_client{std::move(made)};
}

result<http_answer> http_client::send(std::string_view verb, std::string_view target, const header_list& headers,
                                      std::string body) {
  message request{beast::http::string_to_verb(verb), std::string(target), 11};
  auto host = impl_->to.text();
  request.set(beast::http::field::host, host.substr(host.find("//") + 2));
  request.set(beast::http::field::user_agent, "nacre");
  request.set(beast::http::field::accept, "application/json");
  for (const auto& [name, value] : headers) request.set(name, value);
  request.body() = std::move(body);
  request.prepare_payload();
  if (impl_->connected() && impl_->has_ended()) impl_->drop();
  if (!impl_->connected())
    if (auto reached = impl_->connect(); !reached) {
      wipe(request.body());
      return fail(reached.error());
    }
  auto answer = impl_->secured ? impl_->exchange(*impl_->secured, request) : impl_->exchange(*impl_->plain, request);
  wipe(request.body());
  return answer;
}

}  // namespace nacre::cli

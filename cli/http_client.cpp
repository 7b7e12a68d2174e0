#include "cli/http_client.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <memory>
#include <optional>

#include "app/loopback.hpp"

namespace nacre::cli {

namespace asio = boost::asio;
namespace beast = boost::beast;
using message = beast::http::request<beast::http::string_body>;
using reply = beast::http::response<beast::http::string_body>;

struct http_client::impl {
  std::string host, port;
  asio::io_context io;
  std::optional<beast::tcp_stream> stream;

  // A server may close a kept connection while it is idle; asked before anything is sent over it.
  bool has_ended() {
    beast::error_code failed;
    char byte = 0;
    auto& socket = stream->socket();
    socket.non_blocking(true, failed);
    socket.receive(asio::buffer(&byte, 1), asio::socket_base::message_peek, failed);
    return failed != asio::error::would_block;
  }

  // Beast's time limits exist for asynchronous calls only, so each exchange runs the loop to its end.
  result<http_answer> exchange(message& request) {
    beast::error_code failed;
    bool sent = false;  // in part, perhaps
    std::optional<http_answer> answer;
    beast::flat_buffer buffer;
    reply response;
    auto read = [&](beast::error_code ec, std::size_t) {
      failed = ec;
      if (!ec) answer = http_answer{static_cast<int>(response.result_int()), std::move(response.body())};
    };
    auto write = [&](beast::error_code ec, std::size_t) {
      failed = ec;
      if (!ec) beast::http::async_read(*stream, buffer, response, read);
    };
    auto connected = [&](beast::error_code ec, const asio::ip::tcp::endpoint&) {
      failed = ec;
      sent = !ec;
      if (!ec) beast::http::async_write(*stream, request, write);
    };
    if (stream && has_ended()) stream.reset();
    io.restart();
    if (stream) {
      sent = true;
      stream->expires_after(std::chrono::seconds(30));
      beast::http::async_write(*stream, request, write);
    } else {
      asio::ip::tcp::resolver resolver(io);
      auto addresses = resolver.resolve(host, port, failed);
      if (failed) return fail(errc::busy, "cannot find " + host);
      stream.emplace(io);
      stream->expires_after(std::chrono::seconds(30));
      stream->async_connect(addresses, connected);
    }
    io.run();
    if (!answer || !response.keep_alive()) stream.reset();
    if (!answer)
      return fail(sent ? errc::outcome_unknown : errc::busy,
                  "no answer from " + host + ":" + port + " (" + failed.message() + ")");
    return std::move(*answer);
  }
};

http_client::http_client(std::unique_ptr<impl> i) : impl_(std::move(i)) {}
http_client::http_client(http_client&&) noexcept = default;
http_client::~http_client() = default;

result<http_client> http_client::make(std::string_view url, clear_text allowed) {
  constexpr std::string_view scheme = "http://";
  if (!url.starts_with(scheme)) return fail(errc::invalid, "the URL must begin with http://");
  url.remove_prefix(scheme.size());
  if (url.find_first_of("/?#@") != std::string_view::npos)
    return fail(errc::invalid, "the URL must be http://HOST or http://HOST:PORT, without a path");
  auto colon = url.starts_with('[') ? url.find(':', url.find(']')) : url.find(':');
  auto host = url.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty()) return fail(errc::invalid, "the URL names no host");
  auto made = std::make_unique<impl>();
  made->host = host;
  if (allowed == clear_text::loopback_only && host != "localhost" && !app::is_loopback(made->host))
    return fail(errc::invalid, "the token would travel in clear text to " + made->host +
                                   "; run this on the node's machine, or give --insecure");
  made->port = colon == std::string_view::npos ? "80" : std::string(url.substr(colon + 1));
  return http_client{std::move(made)};
}

result<http_answer> http_client::post(std::string_view path,
                                      const std::vector<std::pair<std::string, std::string>>& headers,
                                      std::string body) {
  message request{beast::http::verb::post, std::string(path), 11};
  request.set(beast::http::field::host, impl_->host);
  for (const auto& [name, value] : headers) request.set(name, value);
  request.body() = std::move(body);
  request.prepare_payload();
  return impl_->exchange(request);
}

}  // namespace nacre::cli

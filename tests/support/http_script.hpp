#pragma once
// Drives an http session without a socket: bytes in, bytes out, a clock that only tests move.

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "http/pending.hpp"
#include "http/session.hpp"

namespace nacre::test {

class http_script final : public http::session_host {
 public:
  http_script() { restart(); }

  void restart() {
    talk_.reset();
    requests.clear();
    exchanges.clear();
    sent.clear();
    half_closed = false;
    next_ = 0;
    talk_ = std::make_unique<http::session>(config, *this, *http::parse_ip(peer), time);
  }

  http::session& talk() { return *talk_; }

  // Feeds as a transport would: never more than there is room for.
  void feed(std::string_view bytes) {
    while (!bytes.empty() && talk_->room() != 0) {
      const auto piece = bytes.substr(0, std::min(bytes.size(), talk_->room()));
      talk_->input(piece, time);
      bytes.remove_prefix(piece.size());
      flush();
    }
  }
  void flush() {
    do {
      sent.append(talk_->output());
      if (!talk_->output().empty()) talk_->sent(talk_->output().size(), time);
    } while (talk_->resume(time));
    if (talk_->next() == http::session::fate::half_close) {
      half_closed = true;
      talk_->half_closed(time);
    }
  }
  void pass(std::chrono::milliseconds by) {
    time += by;
    if (time >= talk_->deadline()) talk_->tick(time);
    flush();
  }
  void answer(http::response r) {
    talk_->answer(std::move(r), time);
    flush();
  }
  bool over() const { return half_closed || talk_->aborted() || talk_->next() == http::session::fate::close; }

  std::optional<http::response> dispatch(http::session&, http::request&& r) override {
    requests.push_back(std::move(r));
    if (!answer_at_once) return std::nullopt;
    http::response echo;
    const http::request& last = requests.back();
    echo.body = last.verb_text + " " + last.path + "?" + last.query + " " + last.body;
    return echo;
  }
  void abandon(http::session&) override { ++abandoned; }
  request_id next_id() override {
    std::array<std::uint8_t, 16> bytes{};
    bytes[15] = static_cast<std::uint8_t>(++next_);
    return request_id{make_uuid_v4(bytes)};
  }
  std::string_view date_line() override { return "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"; }
  http::clock::time_point now() override { return time; }
  bool draining() override { return drains; }
  void finished(const http::exchange& e) override { exchanges.push_back(e); }
  http::edge_counters& counters() override { return counts; }
  const http::body_budget& bodies() override { return large_bodies; }
  const http::proxy_list& trusted_proxies() override { return trusted; }

  http::server_config config;
  std::string peer = "192.0.2.7";
  http::proxy_list trusted;
  http::clock::time_point time{std::chrono::hours(1)};
  http::edge_counters counts;
  http::body_budget large_bodies{limits::large_bodies_bytes_default};
  bool answer_at_once = true, drains = false, half_closed = false;
  int abandoned = 0;
  std::deque<http::request> requests;
  std::vector<http::exchange> exchanges;
  std::string sent;

 private:
  std::unique_ptr<http::session> talk_;
  int next_ = 0;
};

}  // namespace nacre::test

#include "http/session.hpp"

#include <algorithm>
#include <utility>

#include "http/pending.hpp"
#include "model/limits.hpp"

namespace nacre::http {
namespace {

constexpr std::string_view unparsed = "unparsed";

// A refusal of the server's own, in the shape the path has for it.
response own_error(const path_rules& rules, int status, std::string_view code, std::string_view text,
                   const request_id& id) {
  return rules.refusal ? rules.refusal(status, code, text, id) : error_response(status, code, text);
}

std::int64_t microseconds(clock::duration d) {
  return std::chrono::duration_cast<std::chrono::microseconds>(d).count();
}

}  // namespace

session::session(const server_config& config, session_host& host, const ip_address& peer, clock::time_point now)
    : config_(config),
      host_(host),
      peer_(peer),
      peer_text_(peer.text()),
      parser_(&config.rules, &host.bodies()),
      deadline_(now + config.header_timeout) {}

session::~session() {
  if (phase_ == phase::handling) host_.counters().inflight.fetch_sub(1, std::memory_order_relaxed);
}

void session::gone() noexcept {
  if (phase_ == phase::handling) {
    host_.counters().inflight.fetch_sub(1, std::memory_order_relaxed);
    host_.finished({name_of(verb_), "unmatched", 499, microseconds(host_.now() - received_), id_, std::nullopt,
                    request_bytes_, 0});
  }
  phase_ = phase::closed;
}

bool session::blocked() const noexcept { return out_.size() >= limits::output_bytes_max; }

std::size_t session::room() const noexcept {
  switch (phase_) {
    case phase::closing:
    case phase::lingering:
      return limits::pipelined_bytes_max;  // thrown away
    case phase::closed:
      return 0;
    case phase::reading:
    case phase::handling:
      break;
  }
  return limits::pipelined_bytes_max - std::min(limits::pipelined_bytes_max, in_.size());
}

void session::input(std::string_view bytes, clock::time_point now) {
  if (phase_ == phase::closing || phase_ == phase::lingering) {
    lingered_ += bytes.size();
    if (lingered_ > limits::linger_bytes_max) phase_ = phase::closed;
    return;
  }
  if (phase_ == phase::closed) return;
  if (!in_.empty()) {
    in_.append(bytes);
    resume(now);
    return;
  }
  const std::size_t used = process(bytes, now);
  if (phase_ == phase::reading || phase_ == phase::handling) in_.append(bytes.substr(used));
}

bool session::resume(clock::time_point now) {
  if (phase_ != phase::reading) return false;
  bool any = false;
  if (!in_.empty() && !blocked()) {
    in_.consume(process(in_.view(), now));
    any = true;
  }
  // All that came before the end of input is answered; half a request is not going to be whole.
  if (eof_ && phase_ == phase::reading && in_.empty()) {
    phase_ = phase::closing;
    deadline_ = now + std::chrono::milliseconds(limits::linger_ms);
  }
  return any;
}

std::size_t session::process(std::string_view bytes, clock::time_point now) {
  std::size_t used = 0;
  while (phase_ == phase::reading && used < bytes.size() && !blocked()) {
    if (!parser_.started()) {
      deadline_ = now + config_.header_timeout;
      in_body_ = false;
    }
    used += parser_.feed(bytes.substr(used));
    switch (parser_.where()) {
      case request_parser::stage::head:
        break;
      case request_parser::stage::body:
        if (!in_body_) {
          in_body_ = true;
          deadline_ = now + config_.body_timeout;
          if (parser_.wants_continue() && used == bytes.size()) {
            if (out_.empty()) write_deadline_ = now + config_.write_timeout;
            out_.append("HTTP/1.1 100 Continue\r\n\r\n");
          }
        }
        break;
      case request_parser::stage::complete:
        dispatch(now);
        break;
      case request_parser::stage::refused:
        (parser_.why().status == 503 ? host_.counters().bodies_refused : host_.counters().parse_errors)
            .fetch_add(1, std::memory_order_relaxed);
        refuse(parser_.why(), unparsed);
        return bytes.size();
    }
  }
  return used;
}

void session::dispatch(clock::time_point now) {
  keep_alive_ = parser_.keep_alive();
  request_bytes_ = parser_.size();
  rules_ = parser_.rules();
  request r = parser_.take();
  parser_.reset();
  verb_ = r.verb;
  head_only_ = verb_ == method::head;
  id_ = host_.next_id();
  received_ = now;
  deadline_ = now + config_.request_timeout;
  r.id = id_;
  r.received = now;
  r.deadline = deadline_;
  const std::string* forwarded = r.find("X-Forwarded-For");
  if (forwarded == nullptr) {
    r.client.text = peer_text_;
  } else {
    r.client.text = client_of(peer_, forwarded, host_.trusted_proxies()).text();
  }
  phase_ = phase::handling;
  edge_counters& counters = host_.counters();
  counters.requests_total.fetch_add(1, std::memory_order_relaxed);
  counters.inflight.fetch_add(1, std::memory_order_relaxed);
  if (auto now_answered = host_.dispatch(*this, std::move(r))) finish(std::move(*now_answered));
}

void session::answer(response&& r, clock::time_point now) {
  if (phase_ != phase::handling) {
    wipe_secret(r);
    return;
  }
  finish(std::move(r));
  resume(now);
}

void session::finish(response&& r) {
  const clock::time_point now = host_.now();
  host_.counters().inflight.fetch_sub(1, std::memory_order_relaxed);
  const bool close = r.close || !keep_alive_ || host_.draining();
  const std::size_t before = out_.size();
  if (out_.empty()) write_deadline_ = now + config_.write_timeout;
  if (!serialize(out_, r, id_, host_.date_line(), close, head_only_)) {
    wipe_secret(r);
    const auto route = r.route;
    r = own_error(rules_, 500, "internal", "The server could not answer this request.", id_);
    r.route = route;
    serialize(out_, r, id_, host_.date_line(), close, head_only_);
  }
  wipe_secret(r);
  host_.finished({name_of(verb_), r.route, r.status, microseconds(now - received_), id_, r.workspace, request_bytes_,
                  out_.size() - before});
  phase_ = close ? phase::closing : phase::reading;
  deadline_ = now + (close ? std::chrono::milliseconds(limits::linger_ms) : config_.idle_timeout);
}

void session::refuse(const refusal& why, std::string_view route) {
  const clock::time_point now = host_.now();
  const request_id id = host_.next_id();
  const bool full = why.status == 503;
  response r = own_error(parser_.rules(), why.status, full ? "unavailable" : "invalid_request", why.text, id);
  if (full) r.headers.push_back({"Retry-After", "1"});
  r.route = route;
  const std::size_t before = out_.size();
  if (out_.empty()) write_deadline_ = now + config_.write_timeout;
  serialize(out_, r, id, host_.date_line(), true, false);
  host_.finished({"OTHER", r.route, r.status, 0, id, std::nullopt, parser_.size(), out_.size() - before});
  parser_.reset();
  phase_ = phase::closing;  // what is buffered behind it is never parsed; see resume() and tick()
  deadline_ = now + std::chrono::milliseconds(limits::linger_ms);
}

void session::end_of_input(clock::time_point now) {
  eof_ = true;
  resume(now);
}

void session::sent(std::size_t bytes, clock::time_point now) {
  out_.consume(bytes);
  if (!out_.empty()) write_deadline_ = now + config_.write_timeout;
  if (phase_ == phase::closing) deadline_ = now + std::chrono::milliseconds(limits::linger_ms);
  if (phase_ == phase::reading && !parser_.started()) deadline_ = now + config_.idle_timeout;
}

session::fate session::next() const noexcept {
  if (phase_ == phase::closed) return fate::close;
  if (!out_.empty() || (phase_ != phase::closing && phase_ != phase::lingering)) return fate::open;
  if (eof_) return fate::close;
  return phase_ == phase::closing ? fate::half_close : fate::open;
}

void session::half_closed(clock::time_point now) {
  phase_ = phase::lingering;
  deadline_ = now + std::chrono::milliseconds(limits::linger_ms);
}

clock::time_point session::deadline() const noexcept {
  if (out_.empty()) return deadline_;
  // While the last answer is on its way only the client's reading counts.
  return phase_ == phase::closing ? write_deadline_ : std::min(deadline_, write_deadline_);
}

void session::tick(clock::time_point now) {
  edge_counters& counters = host_.counters();
  if (!out_.empty() && now >= write_deadline_) {
    counters.timeouts.fetch_add(1, std::memory_order_relaxed);
    if (phase_ == phase::handling) host_.abandon(*this);
    gone();
    return;
  }
  if (now < deadline_) return;
  switch (phase_) {
    case phase::reading:
      if (!parser_.started()) {
        if (out_.empty()) phase_ = phase::closed;  // idle: nothing to tell
        break;
      }
      counters.timeouts.fetch_add(1, std::memory_order_relaxed);
      refuse({408, "The request did not arrive in time."}, unparsed);
      in_.clear();
      break;
    case phase::handling: {
      counters.timeouts.fetch_add(1, std::memory_order_relaxed);
      host_.abandon(*this);
      response r = own_error(rules_, 503, "unavailable", "The request took too long. Try again.", id_);
      r.headers.push_back({"Retry-After", "1"});
      answer(std::move(r), now);
      break;
    }
    case phase::closing:
      if (!out_.empty()) break;
      [[fallthrough]];
    case phase::lingering:
      phase_ = phase::closed;
      break;
    case phase::closed:
      break;
  }
}

void session::drain(clock::time_point now) {
  if (phase_ == phase::reading && !parser_.started() && in_.empty()) {
    phase_ = phase::closing;
    deadline_ = now + std::chrono::milliseconds(limits::linger_ms);
  }
}

bool session::quiet() const noexcept {
  if (!out_.empty()) return false;
  return phase_ != phase::handling && !(phase_ == phase::reading && (parser_.started() || !in_.empty()));
}

}  // namespace nacre::http

#include "http/parser.hpp"

#include <algorithm>
#include <optional>
#include <utility>

// The only translation unit that sees Beast.
#include <boost/beast/http/basic_parser.hpp>

#include "http/buffer.hpp"
#include "http/text.hpp"
#include "model/limits.hpp"

namespace nacre::http {
namespace {

namespace beast = boost::beast;
using beast::error_code;
using beast_view = beast::string_view;

std::string_view std_view(beast_view v) { return {v.data(), v.size()}; }

constexpr std::string_view malformed = "The request is not valid HTTP/1.1.";
constexpr std::string_view malformed_chunk = "The chunked body is not valid; extensions and trailers are not accepted.";
constexpr std::string_view body_too_large = "The request body is too large.";
constexpr std::string_view no_room = "Too many large requests at once. Try again.";

// Enough for a chunk size of 16 digits between two line ends; extensions and trailers are refused.
constexpr std::size_t chunk_line_bytes_max = 32;
// The shortest end of a chunked body. Beast 1.81 asserts that it never sees a final chunk in fewer
// bytes (`n >= 5` in parse_chunk_header), which a client could make it do; so fewer are held back.
constexpr std::size_t chunk_piece_bytes_min = 5;

// Bytes of a head: anything a header or the request line may hold.
constexpr auto head_bytes = [] {
  std::array<bool, 256> ok{};
  for (std::size_t c = 0x20; c < 0x7f; ++c) ok[c] = true;
  ok['\t'] = true;
  return ok;
}();

// Finds the end of a head byte by byte and refuses what must never reach a lenient parser.
class head_scanner {
 public:
  enum class found : std::uint8_t { more, end, refused };

  // `used` is set to the bytes looked at, including the last one of the head, not the one it was refused for.
  found scan(std::string_view bytes, std::size_t& used, refusal& why) {
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      const char c = bytes[i];
      used = i;
      if (++total_ > limits::header_bytes_max) return refuse(why, 431, "The request header is too large.");
      if (cr_) {
        if (c != '\n') return refuse(why, 400, malformed);
        cr_ = false;
        if (column_ == 0) {
          if (lines_ == 0) return refuse(why, 400, malformed);  // an empty line before the request line
          used = i + 1;
          return found::end;
        }
        if (lines_++ > limits::header_count_max) return refuse(why, 431, "The request has too many header fields.");
        column_ = 0;
        continue;
      }
      if (c == '\r') {
        cr_ = true;
        continue;
      }
      if (!head_bytes[static_cast<unsigned char>(c)]) return refuse(why, 400, malformed);
      if (column_ == 0 && (c == ' ' || c == '\t')) return refuse(why, 400, malformed);  // obs-fold
      if (++column_ > limits::request_line_bytes_max && lines_ == 0)
        return refuse(why, 414, "The request line is too long.");
      const std::size_t plain = run_within_limits(bytes.substr(i + 1));
      i += plain;
      total_ += plain;
      column_ += plain;
    }
    used = bytes.size();
    return found::more;
  }

  bool started() const noexcept { return total_ != 0; }

 private:
  static found refuse(refusal& why, int status, std::string_view text) {
    why = {status, text};
    return found::refused;
  }

  // How many of these bytes need no decision: inside a line, nothing special, no limit reached.
  std::size_t run_within_limits(std::string_view bytes) const {
    std::size_t room = limits::header_bytes_max - total_;
    if (lines_ == 0) room = std::min(room, limits::request_line_bytes_max - column_);
    return printable_run(bytes.substr(0, room));
  }

  std::size_t total_ = 0, column_ = 0, lines_ = 0;
  bool cr_ = false;
};

bool is_host(std::string_view host) {
  std::string_view name = host, port;
  bool has_port = false;
  if (!host.empty() && host.front() == '[') {
    const auto end = host.find(']');
    if (end == std::string_view::npos || end == 1) return false;
    const auto inside = host.substr(1, end - 1);
    const auto ok = [](char c) { return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'f') || c == ':' || c == '.'; };
    if (!all_of(inside, ok)) return false;
    const auto rest = host.substr(end + 1);
    has_port = !rest.empty();
    if (has_port && rest.front() != ':') return false;
    port = has_port ? rest.substr(1) : rest;
  } else {
    const auto colon = host.find(':');
    has_port = colon != std::string_view::npos;
    name = host.substr(0, colon);
    port = has_port ? host.substr(colon + 1) : std::string_view{};
    if (name.empty() ||
        !all_of(name, [](char c) { return is_digit(c) || is_alpha(c) || c == '.' || c == '-' || c == '_'; }))
      return false;
  }
  return !has_port || (!port.empty() && port.size() <= 5 && all_of(port, is_digit));
}

method method_of(std::string_view verb) {
  if (verb == "GET") return method::get;
  if (verb == "POST") return method::post;
  if (verb == "HEAD") return method::head;
  if (verb == "PUT") return method::put;
  if (verb == "PATCH") return method::patch;
  if (verb == "DELETE") return method::del;
  if (verb == "OPTIONS") return method::options;
  return method::other;
}

// Fields that decide something and must not be said twice; the order is that of the bits.
constexpr std::array<std::string_view, 8> once_only{
    "Host",         "Content-Length", "Transfer-Encoding", "Authorization",
    "Content-Type", "X-Workspace-Id", "Idempotency-Key",   "Expect"};
enum once_bit : unsigned { host_bit, length_bit, encoding_bit, expect_bit = 7 };
// What proxies add a line to, each at the end (RFC 9110 section 5.3): kept as one.
constexpr std::string_view forwarded_name = "X-Forwarded-For";

// Receives Beast's callbacks and fills the request.
class message_sink final : public beast::http::basic_parser<true> {
 public:
  message_sink(refusal& why, const rules_of_path* rules_of, const body_budget* bodies)
      : why_(why), rules_of_(rules_of), bodies_(bodies) {
    header_limit(static_cast<std::uint32_t>(limits::header_bytes_max + 1));
    body_limit(boost::none);  // checked here, so that one rule decides in which order things are refused
  }

  request message;
  path_rules rules;
  bool expects_continue = false;
  bool chunk_begins = false;     // the last step was a chunk's first line
  std::uint64_t body_bytes = 0;  // of a chunked body, as announced so far

 private:
  void refuse(int status, std::string_view text, error_code& ec) {
    why_ = {status, text};
    ec = beast::http::error::bad_field;
  }

  void on_request_impl(beast::http::verb, beast_view verb, beast_view target_text, int, error_code& ec) override {
    const auto target = std_view(target_text);
    if (target.empty() || target.front() != '/') return refuse(400, "The request target must be a path.", ec);
    const auto mark = target.find('?');
    const auto path = target.substr(0, mark);
    message.verb_text = std_view(verb);
    message.verb = method_of(message.verb_text);
    message.path = path;
    // Known from here on, whatever comes after it.
    if (rules_of_ && *rules_of_) rules = (*rules_of_)(message.verb, message.path);
    const auto allowed = [this](char c) {
      return is_path_char(c) || (rules.path_is_free && is_visible(c) && c != '#');
    };
    if (!all_of(path, allowed)) return refuse(400, "The path holds characters that are not accepted.", ec);
    if (mark != std::string_view::npos) {
      const auto query = target.substr(mark + 1);
      if (!all_of(query, [](char c) { return is_visible(c) && c != '#'; }))
        return refuse(400, "The query holds characters that are not accepted.", ec);
      message.query = query;
    }
    message.headers.reserve(8);
  }

  void on_field_impl(beast::http::field, beast_view name_text, beast_view value_text, error_code& ec) override {
    if (is_header_done()) return refuse(400, malformed_chunk, ec);  // a trailer
    const auto name = std_view(name_text);
    const auto value = std_view(value_text);
    if (value.find('\t') != std::string_view::npos) return refuse(400, malformed, ec);
    for (unsigned bit = 0; bit < once_only.size(); ++bit) {
      if (!same_word(name, once_only[bit])) continue;
      if ((seen_ & (1U << bit)) != 0) return refuse(400, "A header field that must be unique is repeated.", ec);
      seen_ |= 1U << bit;
      if (!check(bit, value, ec)) return;
      break;
    }
    if (same_word(name, forwarded_name))
      for (auto& before : message.headers)
        if (same_word(before.name, forwarded_name)) return void(before.value.append(", ").append(value));
    message.headers.push_back({std::string{name}, std::string{value}});
  }

  bool check(unsigned bit, std::string_view value, error_code& ec) {
    if (bit == host_bit && !is_host(value)) {
      refuse(400, "The Host header is not valid.", ec);
    } else if (bit == length_bit && (value.empty() || !all_of(value, nacre::http::is_digit))) {
      refuse(400, "The Content-Length header is not valid.", ec);
    } else if (bit == encoding_bit && !same_word(value, "chunked")) {
      refuse(400, "The Transfer-Encoding header is not valid.", ec);
    } else if (bit == expect_bit) {
      expects_continue = same_word(value, "100-continue");
      if (!expects_continue) refuse(417, "The expectation cannot be met.", ec);
    }
    return !ec;
  }

  void on_header_impl(error_code& ec) override {
    const bool one_one = http_1_1_;
    if (one_one && (seen_ & (1U << host_bit)) == 0) return refuse(400, "The Host header is missing.", ec);
    if (!one_one && (seen_ & (1U << encoding_bit)) != 0) return refuse(400, malformed, ec);
    if (!one_one) expects_continue = false;
  }

  void on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code&) override {
    longest_ = length ? static_cast<std::size_t>(*length) : rules.body_bytes_max;
  }
  std::size_t on_body_impl(beast_view bytes, error_code& ec) override { return append(bytes, ec); }

  // A body is small until it is not; from then on its room doubles, so that who holds much has sent much. Outgrown
  // copies are wiped. The steps do not depend on how the bytes were split.
  std::size_t append(beast_view bytes, error_code& ec) {
    auto& body = message.body;
    if (const auto needed = body.size() + bytes.size(); needed > room_) {
      auto room = limits::body_bytes_max;
      while (room < needed) room *= 2;
      room = std::min(room, longest_);
      if (bodies_ && room > limits::body_bytes_max && !message.body_room.grow_to(room, *bodies_))
        return refuse(503, no_room, ec), 0;
      std::string grown;
      grown.reserve(room);
      grown.assign(body);
      wipe(body);
      body.swap(grown);
      room_ = room;
    }
    body.append(bytes.data(), bytes.size());
    return bytes.size();
  }

  void on_chunk_header_impl(std::uint64_t size, beast_view extensions, error_code& ec) override {
    if (!extensions.empty()) return refuse(400, malformed_chunk, ec);
    chunk_begins = true;
    body_bytes = size > rules.body_bytes_max ? rules.body_bytes_max + 1 : body_bytes + size;
  }
  std::size_t on_chunk_body_impl(std::uint64_t, beast_view bytes, error_code& ec) override { return append(bytes, ec); }
  void on_finish_impl(error_code&) override {}
  void on_response_impl(int, beast_view, int, error_code& ec) override { ec = beast::http::error::bad_version; }

  refusal& why_;
  const rules_of_path* rules_of_;
  const body_budget* bodies_;
  std::size_t longest_ = 0, room_ = 0;  // bytes of the body: at most, and reserved
  unsigned seen_ = 0;

 public:
  bool http_1_1_ = true;  // known from the request line before Beast sees it
};

}  // namespace

struct request_parser::impl {
  impl(const rules_of_path* of, const body_budget* room) : rules_of(of), bodies(room) {}

  const rules_of_path* rules_of;
  const body_budget* bodies;
  path_rules rules;
  stage where = stage::head;
  refusal why;
  head_scanner scanner;
  std::string head;   // only while a head came in pieces
  std::string chunk;  // the piece of a chunk line Beast could not use yet
  std::optional<message_sink> sink;
  std::size_t bytes = 0;
  bool chunked = false;

  ~impl() { forget(); }

  void forget() {
    wipe(head);
    wipe(chunk);
    if (sink) wipe(sink->message.body);
  }

  void refuse(int status, std::string_view text) {
    where = stage::refused;
    why = {status, text};
    forget();
  }

  // Of a head that is refused unread, as far as it came: its family is told in its own words all the same.
  void learn_rules(std::string_view begun) {
    const auto line = begun.substr(0, begun.find('\r'));
    const auto target = line.find(' ');
    if (!rules_of || !*rules_of || target == std::string_view::npos || !line.substr(target + 1).starts_with('/'))
      return;
    const auto path = line.substr(target + 1);
    rules = (*rules_of)(method_of(line.substr(0, target)), path.substr(0, path.find_first_of(" ?")));
  }

  // The version decides before anything else about the line does: an HTTP/2 preface is 505, not 400.
  bool check_version(std::string_view whole) {
    const auto line = whole.substr(0, whole.find('\r'));
    const auto space = line.rfind(' ');
    const auto version = space == std::string_view::npos ? std::string_view{} : line.substr(space + 1);
    if (version.size() != 8 || version.substr(0, 5) != "HTTP/" || !is_digit(version[5]) || version[6] != '.' ||
        !is_digit(version[7])) {
      learn_rules(whole);
      refuse(400, malformed);
      return false;
    }
    if (version[5] != '1' || (version[7] != '0' && version[7] != '1')) {
      learn_rules(whole);
      refuse(505, "Only HTTP/1.0 and HTTP/1.1 are spoken here.");
      return false;
    }
    sink->http_1_1_ = version[7] == '1';
    return true;
  }

  void parse_head(std::string_view whole) {
    sink.emplace(why, rules_of, bodies);
    if (!check_version(whole)) return;
    error_code ec;
    const std::size_t used = sink->put(boost::asio::const_buffer(whole.data(), whole.size()), ec);
    rules = sink->rules;
    if (ec || used != whole.size() || !sink->is_header_done())
      return refuse(why.text.empty() ? 400 : why.status, why.text.empty() ? malformed : why.text);
    const auto length = sink->content_length().value_or(0);
    if (length > rules.body_bytes_max) return refuse(413, body_too_large);
    // Before the client is told to go on, or sends it all for nothing.
    if (bodies && length > limits::body_bytes_max && !bodies->has_room_for(static_cast<std::size_t>(length)))
      return refuse(503, no_room);
    chunked = sink->chunked();
    where = sink->is_done() ? stage::complete : stage::body;
  }

  std::size_t feed_head(std::string_view bytes_in) {
    std::size_t used = 0;
    switch (scanner.scan(bytes_in, used, why)) {
      case head_scanner::found::refused:
        append_wiping(head, bytes_in.substr(0, used));
        learn_rules(head);
        refuse(why.status, why.text);
        return bytes_in.size();
      case head_scanner::found::more:
        if (head.empty()) head.reserve(std::max<std::size_t>(1024, bytes_in.size()));
        append_wiping(head, bytes_in);
        return bytes_in.size();
      case head_scanner::found::end:
        break;
    }
    if (head.empty()) {
      parse_head(bytes_in.substr(0, used));
    } else {
      append_wiping(head, bytes_in.substr(0, used));
      parse_head(head);
      wipe(head);
    }
    return used;
  }

  // Heads carry tokens: an outgrown copy is wiped.
  static void append_wiping(std::string& to, std::string_view more) {
    if (to.capacity() - to.size() < more.size()) {
      std::string grown;
      grown.reserve(2 * (to.size() + more.size()));
      grown = std::string_view{to};
      wipe(to);
      to.swap(grown);
    }
    to.append(more);
  }

  std::size_t feed_body(std::string_view bytes_in) {
    if (!chunked) return put(bytes_in);
    if (chunk.empty()) {
      const std::size_t used = put_chunks(bytes_in);
      if (where == stage::body) chunk.assign(bytes_in.substr(used));
      return where == stage::complete ? used : bytes_in.size();
    }
    // Beast wants the unfinished line again, in one piece with what follows it.
    const std::size_t kept = chunk.size();
    append_wiping(chunk, bytes_in);
    const std::size_t used = put_chunks(chunk);
    if (where == stage::complete) {
      wipe(chunk);
      return used - kept;
    }
    if (where == stage::body) {
      std::string rest{std::string_view{chunk}.substr(used)};
      wipe(chunk);
      chunk.swap(rest);
    }
    return bytes_in.size();
  }

  // One step of Beast's at a time, to know how long each chunk line was: a limit that only held for
  // lines in pieces would make the verdict depend on the pieces.
  std::size_t put_chunks(std::string_view bytes_in) {
    std::size_t used = 0;
    while (where == stage::body && bytes_in.size() - used >= chunk_piece_bytes_min) {
      sink->chunk_begins = false;
      const std::size_t step = put(bytes_in.substr(used));
      const std::size_t line = step == 0 ? bytes_in.size() - used : sink->chunk_begins ? step : 0;
      if (line > chunk_line_bytes_max && where != stage::refused) refuse(400, malformed_chunk);
      if (sink->chunk_begins && sink->body_bytes > rules.body_bytes_max && where != stage::refused)
        refuse(413, body_too_large);
      used += step;
      if (step == 0) break;
    }
    return used;
  }

  std::size_t put(std::string_view bytes_in) {
    error_code ec;
    const std::size_t used = sink->put(boost::asio::const_buffer(bytes_in.data(), bytes_in.size()), ec);
    if (ec && ec != beast::http::error::need_more) {
      const bool told = !why.text.empty();
      refuse(told ? why.status : 400, told ? why.text : chunked ? malformed_chunk : malformed);
    } else if (!ec && sink->is_done()) {
      where = stage::complete;
    }
    return used;
  }
};

request_parser::request_parser(const rules_of_path* rules, const body_budget* bodies)
    : rules_(rules), bodies_(bodies) {}
request_parser::~request_parser() = default;

std::size_t request_parser::feed(std::string_view bytes) {
  if (bytes.empty()) return 0;
  if (!impl_) impl_ = std::make_unique<impl>(rules_, bodies_);
  std::size_t used = 0;
  while (used < bytes.size() && (impl_->where == stage::head || impl_->where == stage::body)) {
    const bool in_head = impl_->where == stage::head;
    const auto rest = bytes.substr(used);
    used += in_head ? impl_->feed_head(rest) : impl_->feed_body(rest);
  }
  if (impl_->where == stage::refused) used = bytes.size();
  impl_->bytes += used;
  return used;
}

request_parser::stage request_parser::where() const noexcept { return impl_ ? impl_->where : stage::head; }
bool request_parser::started() const noexcept { return impl_ && impl_->scanner.started(); }
const refusal& request_parser::why() const noexcept { return impl_->why; }
const path_rules& request_parser::rules() const noexcept {
  static const path_rules defaults;
  return impl_ ? impl_->rules : defaults;
}
bool request_parser::keep_alive() const noexcept { return impl_->sink->http_1_1_ && impl_->sink->keep_alive(); }
bool request_parser::wants_continue() const noexcept {
  return impl_->where == stage::body && impl_->sink->expects_continue && impl_->sink->message.body.empty() &&
         impl_->chunk.empty();
}
std::size_t request_parser::size() const noexcept { return impl_ ? impl_->bytes : 0; }
request request_parser::take() { return std::move(impl_->sink->message); }

void request_parser::reset() {
  if (!impl_) return;
  impl_->forget();
  impl_->sink.reset();
  impl_->scanner = {};
  impl_->rules = {};
  impl_->where = stage::head;
  impl_->why = {};
  impl_->bytes = 0;
  impl_->chunked = false;
}

}  // namespace nacre::http

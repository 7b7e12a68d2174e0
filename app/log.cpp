#include "app/log.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>
#include <utility>

#include "model/time.hpp"

namespace nacre::app {
namespace {

constexpr std::size_t value_bytes_max = 2048;
constexpr std::string_view replacement = "\xef\xbf\xbd";

constexpr auto stands_for_itself = [] {
  std::array<bool, 256> plain{};
  for (std::size_t c = 0x20; c < 0x7f; ++c) plain[c] = c != '"' && c != '\\';
  return plain;
}();

// Length of the well-formed UTF-8 sequence at `at` (RFC 3629), or 0.
std::size_t sequence(std::string_view s, std::size_t at) {
  auto byte = [&](std::size_t i) { return i < s.size() ? static_cast<unsigned char>(s[i]) : 0u; };
  auto tail = [&](std::size_t i) { return (byte(i) & 0xc0u) == 0x80u; };
  unsigned first = byte(at), second = byte(at + 1);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return tail(at + 1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    bool shortest = first != 0xe0 || second >= 0xa0;
    bool surrogate = first == 0xed && second >= 0xa0;
    return shortest && !surrogate && tail(at + 1) && tail(at + 2) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    bool in_range = (first != 0xf0 || second >= 0x90) && (first != 0xf4 || second <= 0x8f);
    return in_range && tail(at + 1) && tail(at + 2) && tail(at + 3) ? 4 : 0;
  }
  return 0;
}

// Always with milliseconds, so that lines sort as text. The text of the running second is kept.
void append_now(std::string& out) {
  thread_local std::int64_t kept_second = -1;
  thread_local char kept[20];
  std::int64_t now = system_clock{}.now().value();
  std::int64_t second = now / 1000;
  if (second != kept_second) {
    std::string text = format_rfc3339(timestamp{second * 1000});
    std::memcpy(kept, text.data(), 19);
    kept_second = second;
  }
  auto ms = static_cast<unsigned>(now % 1000);
  const char fraction[] = {'.', static_cast<char>('0' + ms / 100), static_cast<char>('0' + ms / 10 % 10),
                           static_cast<char>('0' + ms % 10), 'Z'};
  out.append(kept, 19);
  out.append(fraction, sizeof fraction);
}

template <class Integer>
void append_number(std::string& out, Integer value) {
  char digits[24];
  auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(digits, static_cast<std::size_t>(end - digits));
}

void begin_line(std::string& line, log_level level, std::string_view message) {
  line.reserve(320);
  line += "{\"time\":\"";
  append_now(line);
  line += "\",\"level\":\"";
  line += name_of(level);
  line += "\",\"msg\":";
  append_json_string(line, message);
}

}  // namespace

void append_json_string(std::string& out, std::string_view value) {
  constexpr char hex[] = "0123456789abcdef";
  bool cut = value.size() > value_bytes_max;
  if (cut) value = value.substr(0, value_bytes_max);
  out += '"';
  std::size_t at = 0;
  while (at < value.size()) {
    std::size_t plain = at;
    while (plain < value.size() && stands_for_itself[static_cast<unsigned char>(value[plain])]) ++plain;
    out.append(value, at, plain - at);
    at = plain;
    if (at == value.size()) break;
    auto c = static_cast<unsigned char>(value[at]);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
      ++at;
    } else if (c < 0x20 || c == 0x7f) {
      out += "\\u00";
      out += hex[c >> 4];
      out += hex[c & 15];
      ++at;
    } else if (std::size_t n = sequence(value, at); n != 0) {
      // C1 controls, line and paragraph separator: some terminals and readers act on them.
      std::string_view whole = value.substr(at, n);
      if (n == 2 && c == 0xc2 && static_cast<unsigned char>(whole[1]) < 0xa0) {
        auto second = static_cast<unsigned char>(whole[1]);
        out += "\\u00";
        out += hex[second >> 4];
        out += hex[second & 15];
      } else if (whole == "\xe2\x80\xa8") {
        out += "\\u2028";
      } else if (whole == "\xe2\x80\xa9") {
        out += "\\u2029";
      } else {
        out += whole;
      }
      at += n;
    } else {
      out += replacement;
      ++at;
    }
  }
  if (cut) out += "...";
  out += '"';
}

log_line::log_line(logger* to, log_level level, std::string_view message) : to_(to), urgent_(level >= log_level::warn) {
  if (to_) begin_line(line_, level, message);
}

log_line::~log_line() {
  if (!to_) return;
  line_ += "}\n";
  to_->submit(line_, urgent_);
}

void log_line::name(std::string_view name) {
  line_ += ",\"";
  line_ += name;
  line_ += "\":";
}

log_line&& log_line::text(std::string_view key, std::string_view value) && {
  if (to_) {
    name(key);
    append_json_string(line_, value);
  }
  return std::move(*this);
}

log_line&& log_line::number(std::string_view key, std::int64_t value) && {
  if (to_) {
    name(key);
    append_number(line_, value);
  }
  return std::move(*this);
}

log_line&& log_line::number(std::string_view key, std::uint64_t value) && {
  if (to_) {
    name(key);
    append_number(line_, value);
  }
  return std::move(*this);
}

log_line&& log_line::flag(std::string_view key, bool value) && {
  if (to_) {
    name(key);
    line_ += value ? "true" : "false";
  }
  return std::move(*this);
}

// Two buffers: callers fill `filling` under the lock, the writer takes it whole and writes unlocked.
struct logger::impl {
  explicit impl(const logger_options& o) : options(o) {
    struct stat about {};
    // A pipe, socket or terminal can block for ever: those are written in pieces that poll() has promised room for.
    may_block = fstat(options.descriptor, &about) != 0 || !S_ISREG(about.st_mode);
    filling.reserve(64 * 1024);
    writer = std::thread([this] { run(); });
  }

  void run() {
    std::string writing;
    writing.reserve(64 * 1024);
    std::unique_lock lock(mutex);
    for (;;) {
      wake.wait(lock, [&] { return stopping || !filling.empty() || unreported != 0; });
      if (filling.empty() && unreported == 0) break;  // stopping
      if (!urgent && !stopping) {
        wake.wait_for(lock, options.gather,
                      [&] { return stopping || urgent || filling.size() > options.buffer_bytes_max / 2; });
      }
      urgent = false;
      writing.swap(filling);
      std::uint64_t lost = std::exchange(unreported, 0);
      std::uint64_t up_to = submitted;
      lock.unlock();

      if (lost != 0) {
        begin_line(writing, log_level::warn, "log lines dropped");
        writing += ",\"count\":";
        append_number(writing, lost);
        writing += "}\n";
      }
      bool whole = write_all(writing);
      if (!whole) dropped.fetch_add(1, std::memory_order_relaxed);
      writing.clear();

      lock.lock();
      written = up_to;
      drained.notify_all();
      if (!whole && stopping) break;
    }
    written = submitted;
    drained.notify_all();
  }

  // False when the descriptor is broken, or nobody read for a second while the logger is stopping.
  bool write_all(std::string_view bytes) {
    int patience = 10;
    while (!bytes.empty()) {
      std::size_t piece = bytes.size();
      if (may_block) {
        pollfd ready{options.descriptor, POLLOUT, 0};
        int n = poll(&ready, 1, 100);
        if (n == 0) {
          if (stopping_hint.load(std::memory_order_relaxed) && --patience == 0) return false;
          continue;
        }
        piece = std::min<std::size_t>(piece, PIPE_BUF);
      }
      ssize_t n = ::write(options.descriptor, bytes.data(), piece);
      if (n < 0) {
        if (errno == EINTR || errno == EAGAIN) continue;
        return false;
      }
      patience = 10;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }

  const logger_options options;
  bool may_block = true;
  std::atomic<bool> stopping_hint{false};  // read by the writer without the lock
  std::atomic<std::uint64_t> dropped{0};

  std::mutex mutex;
  std::condition_variable wake, drained;
  std::string filling;
  bool urgent = false, stopping = false;
  std::uint64_t submitted = 0, written = 0, unreported = 0;

  std::thread writer;
};

logger::logger(logger_options options) : level_(options.level), impl_(std::make_unique<impl>(options)) {}

logger::~logger() {
  {
    std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
    impl_->stopping_hint = true;
  }
  impl_->wake.notify_all();
  impl_->writer.join();
}

void logger::submit(std::string_view line, bool urgent) {
  bool first;
  {
    std::lock_guard lock(impl_->mutex);
    if (impl_->filling.size() + line.size() > impl_->options.buffer_bytes_max) {
      ++impl_->unreported;
      impl_->dropped.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    // The writer sleeps only while nothing is buffered, so that a busy log costs no wake-up per line.
    first = impl_->filling.empty() || (urgent && !impl_->urgent);
    impl_->filling += line;
    impl_->urgent = impl_->urgent || urgent;
    ++impl_->submitted;
    first = first || impl_->filling.size() > impl_->options.buffer_bytes_max / 2;
  }
  if (first) impl_->wake.notify_all();
}

// The one line every request pays for: written in one go, into memory that stays.
void logger::access(const http::exchange& done) {
  if (!wants(log_level::info)) return;
  thread_local std::string line;
  line.clear();
  begin_line(line, log_level::info, "request");
  line += ",\"method\":";
  append_json_string(line, done.verb);
  line += ",\"route\":";
  append_json_string(line, done.route);
  line += ",\"status\":";
  append_number(line, done.status);
  line += ",\"us\":";
  append_number(line, done.microseconds);
  line += ",\"request_id\":\"";
  line += std::string_view(text_of(done.id));
  if (done.workspace) {
    line += "\",\"workspace_id\":\"";
    line += std::string_view(text_of(*done.workspace));
  }
  line += "\"}\n";
  submit(line, false);
}

bool logger::flush(std::chrono::milliseconds at_most) {
  std::unique_lock lock(impl_->mutex);
  std::uint64_t until = impl_->submitted;
  impl_->urgent = true;
  impl_->wake.notify_all();
  return impl_->drained.wait_for(lock, at_most, [&] { return impl_->written >= until; });
}

std::uint64_t logger::dropped() const { return impl_->dropped.load(std::memory_order_relaxed); }

}  // namespace nacre::app

#include "cli/terminal.hpp"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>

namespace nacre::cli {

namespace {

constexpr std::size_t bad_character = 0;

// Bytes of the character at the front of the text if it may be shown, else bad_character.
std::size_t shown_bytes(std::string_view text) {
  const auto byte = [&](std::size_t n) { return static_cast<unsigned char>(text[n]); };
  const auto first = byte(0);
  if (first < 0x80) return first < 0x20 || first == 0x7f ? bad_character : 1;
  const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
  if (size == 0 || first > 0xf4 || text.size() < size) return bad_character;
  std::uint32_t code = first & (0x7fu >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return bad_character;
    code = code << 6 | (byte(i) & 0x3fu);
  }
  static constexpr std::uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  if (code < least[size] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return bad_character;
  const bool steers = code < 0xa0 || code == 0x061c || (code >= 0x200e && code <= 0x200f) ||
                      (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
  return steers ? bad_character : size;
}

std::size_t width(std::string_view text) {  // characters; wide ones are rare in what we print
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string padded(std::string text, std::size_t to) {
  const auto has = width(text);
  if (has < to) text.append(to - has, ' ');
  return text;
}

bool may_colour(int fd) {
  const char* term = std::getenv("TERM");
  const char* no = std::getenv("NO_COLOR");
  return ::isatty(fd) == 1 && !(no && *no) && term && std::string_view(term) != "dumb";
}

std::int64_t now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

// The terminal as it was, for the handler of signals that end us.
int asked_at = -1;
termios as_it_was;

extern "C" void restore_and_die(int signal) {
  if (asked_at >= 0) ::tcsetattr(asked_at, TCSAFLUSH, &as_it_was);
  ::signal(signal, SIG_DFL);
  ::raise(signal);
}

constexpr int ending_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

}  // namespace

bool out_is_terminal() { return ::isatty(STDOUT_FILENO) == 1; }
bool error_is_terminal() { return ::isatty(STDERR_FILENO) == 1; }
bool in_is_terminal() { return ::isatty(STDIN_FILENO) == 1; }

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto size = shown_bytes(text);
    if (size != bad_character) {
      out.append(text.substr(0, size));
      text.remove_prefix(size);
      continue;
    }
    out.push_back('?');
    do text.remove_prefix(1);
    while (!text.empty() && (static_cast<unsigned char>(text[0]) & 0xc0) == 0x80);
  }
  return out;
}

crypto::secure_bytes printable_lines(std::string_view text, bool& changed) {
  crypto::secure_bytes out(text);
  std::size_t at = 0;
  changed = false;
  while (!text.empty()) {
    auto size = shown_bytes(text);
    if (size == bad_character && (text[0] == '\n' || text[0] == '\t')) size = 1;
    if (size == bad_character) {
      out.data()[at] = '?';
      changed = true;
      size = 1;
    }
    at += size;
    text.remove_prefix(size);
  }
  return out;
}

void table::print() const {
  if (rows_.empty()) return;
  std::vector<std::size_t> widths;
  for (const auto& each : head_) widths.push_back(width(each));
  std::vector<std::vector<std::string>> shown;
  for (const auto& row : rows_) {
    auto& to = shown.emplace_back();
    for (std::size_t i = 0; i < row.size(); ++i) {
      to.push_back(printable(row[i]));
      widths[i] = std::max(widths[i], width(to.back()));
    }
  }
  auto line = [&](const std::vector<std::string>& cells) {
    std::string out;
    for (std::size_t i = 0; i < cells.size(); ++i)
      out += i + 1 == cells.size() ? cells[i] : padded(cells[i], widths[i] + 2);
    return out;
  };
  const bool bold = may_colour(STDOUT_FILENO);
  std::cout << (bold ? "\x1b[1m" : "") << line(head_) << (bold ? "\x1b[0m" : "") << "\n";
  for (const auto& row : shown) std::cout << line(row) << "\n";
}

void sheet::print() const {
  std::size_t widest = 0;
  for (const auto& [name, unused] : rows_) widest = std::max(widest, width(name));
  for (const auto& [name, value] : rows_)
    std::cout << padded(name, widest + 2) << printable(value.empty() ? "-" : value) << "\n";
}

progress::progress(std::string_view what) : what_(what), shown_(may_colour(STDERR_FILENO)) {}

progress::~progress() {
  if (shown_) std::cerr << "\r\x1b[K" << std::flush;
}

void progress::at(std::uint64_t count) {
  if (!shown_ || now_ms() < next_ms_) return;
  next_ms_ = now_ms() + 100;
  std::cerr << "\r\x1b[K" << what_ << " " << count << std::flush;
}

outcome<crypto::secure_bytes> ask_hidden(std::string_view question, std::size_t bytes_max) {
  const int tty = ::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
  if (tty < 0 || ::tcgetattr(tty, &as_it_was) != 0) {
    if (tty >= 0) ::close(tty);
    return refuse(exit_usage, "there is no terminal to ask at", "give it by a pipe, a file or a file descriptor");
  }
  asked_at = tty;
  struct sigaction before[std::size(ending_signals)];
  struct sigaction restoring {};
  restoring.sa_handler = restore_and_die;
  for (std::size_t i = 0; i < std::size(ending_signals); ++i) ::sigaction(ending_signals[i], &restoring, &before[i]);
  auto silent = as_it_was;
  silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  silent.c_lflag |= ECHONL | ICANON;
  ::tcsetattr(tty, TCSAFLUSH, &silent);

  crypto::secure_bytes typed(bytes_max + 1);
  std::size_t size = 0;
  bool whole = write_all(tty, question);
  while (whole && size < typed.size()) {
    const auto n = ::read(tty, typed.data() + size, typed.size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    size += static_cast<std::size_t>(n);
    if (typed.data()[size - 1] == '\n') {
      --size;
      break;
    }
  }
  ::tcsetattr(tty, TCSAFLUSH, &as_it_was);
  asked_at = -1;
  for (std::size_t i = 0; i < std::size(ending_signals); ++i) ::sigaction(ending_signals[i], &before[i], nullptr);
  ::close(tty);
  if (size > bytes_max) return refuse(exit_usage, "what was typed is too long");
  return crypto::secure_bytes(typed.view().substr(0, size));
}

bool ask_yes(std::string_view question) {
  if (!in_is_terminal() || !error_is_terminal()) return false;
  std::cerr << question << " [y/N] " << std::flush;
  std::string line;
  if (!std::getline(std::cin, line)) return false;
  return line == "y" || line == "Y" || line == "yes";
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

outcome<bool> print_out(std::string_view bytes) {
  std::cout.flush();
  if (!std::cout || !write_all(STDOUT_FILENO, bytes)) return refuse(exit_io, "standard output takes no more");
  return true;
}

bool output_is_closed() {
  const int how = ::fcntl(STDOUT_FILENO, F_GETFL);
  if (how < 0 || (how & O_ACCMODE) == O_RDONLY) return true;  // it came closed: crypto/process.hpp
  pollfd p{STDOUT_FILENO, POLLOUT, 0};
  return ::poll(&p, 1, 0) > 0 && (p.revents & POLLERR) != 0;
}

void pause_ms(int ms) { ::poll(nullptr, 0, ms); }

}  // namespace nacre::cli

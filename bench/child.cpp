#include "bench/child.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "bench/load.hpp"

namespace nacre::bench {

namespace {

using steady = std::chrono::steady_clock;

std::string contents(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// The first line a child prints, or what it printed until it ended or the time was over.
std::string first_line(int fd, std::chrono::milliseconds within) {
  std::string got;
  auto until = steady::now() + within;
  std::array<char, 512> piece;
  while (got.find('\n') == std::string::npos) {
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - steady::now()).count();
    pollfd ready{fd, POLLIN, 0};
    if (left <= 0 || ::poll(&ready, 1, static_cast<int>(left)) <= 0) break;
    auto n = ::read(fd, piece.data(), piece.size());
    if (n <= 0) break;
    got.append(piece.data(), static_cast<std::size_t>(n));
  }
  return got.substr(0, got.find('\n'));
}

}  // namespace

// `out`: where it prints; negative: to the log.
void child::start(const std::vector<std::string>& command, const std::filesystem::path& log, int out) {
  std::vector<char*> arguments;
  for (const auto& each : command) arguments.push_back(const_cast<char*>(each.c_str()));
  arguments.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("no process can be started");
  if (pid_ == 0) {
    int err = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (err < 0 || ::dup2(out < 0 ? err : out, 1) < 0 || ::dup2(err, 2) < 0) ::_exit(126);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }
}

child::child(const std::vector<std::string>& command, const std::filesystem::path& log) {
  int out[2];
  if (::pipe2(out, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  auto begin = steady::now();
  start(command, log, out[1]);
  ::close(out[1]);
  auto line = first_line(out[0], std::chrono::seconds(120));
  start_time_ = std::chrono::duration_cast<std::chrono::milliseconds>(steady::now() - begin);
  ::close(out[0]);
  auto colon = line.rfind(':');
  if (line.starts_with("ready ") && colon != std::string::npos)
    std::from_chars(line.data() + colon + 1, line.data() + line.size(), port_);
  if (port_ != 0) return;
  kill();
  auto said = contents(log);
  throw std::runtime_error(command[0] +
                           " did not get ready: " + said.substr(said.size() > 600 ? said.size() - 600 : 0));
}

child::child(const std::vector<std::string>& command, const std::filesystem::path& log, std::uint16_t port)
    : port_(port) {
  start(command, log, -1);
}

child::~child() { stop(); }

double child::cpu_s() const {
  auto stat = contents("/proc/" + std::to_string(pid_) + "/stat");
  auto after_name = stat.rfind(')');
  if (after_name == std::string::npos) return 0;
  std::istringstream fields(stat.substr(after_name + 2));
  std::string skipped;
  for (int i = 3; i < 14; ++i) fields >> skipped;  // proc(5): utime is field 14, state is 3
  double user = 0, system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

double child::rss_mib() const {
  std::istringstream pages(contents("/proc/" + std::to_string(pid_) + "/statm"));
  double size = 0, resident = 0;
  pages >> size >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE)) / (1 << 20);
}

bool child::alive() {
  if (pid_ > 0 && ::waitpid(pid_, nullptr, WNOHANG) != 0) pid_ = -1;
  return pid_ > 0;
}

void child::stop() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGTERM);
  for (int i = 0; i < 1500; ++i) {
    if (::waitpid(pid_, nullptr, WNOHANG) != 0) {
      pid_ = -1;
      return;
    }
    ::usleep(10'000);
  }
  kill();
}

void child::kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

double metric_in(std::string_view text, const std::string& name) {
  const auto line = "\n" + name + " ";
  const auto at = text.find(line);
  return at == std::string_view::npos ? 0
                                      : std::strtod(std::string(text.substr(at + line.size(), 32)).c_str(), nullptr);
}

double metric(std::uint16_t port, const std::string& name) {
  return metric_in(ask(port, make_request("GET", "/metrics")).body, name);
}

}  // namespace nacre::bench

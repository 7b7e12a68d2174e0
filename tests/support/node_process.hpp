#pragma once
// The real programs as child processes: run one to its end, or keep a node, kill it and start it again
// on the same data. Only children started here are ever signalled; every wait is bounded; a child
// dies with the test. Directories are removed with their owner.

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nacre::test {

namespace fs = std::filesystem;

// Where nacred and nacre are: NACRE_BIN, else what the build says.
inline fs::path program(std::string_view name) {
  const char* given = std::getenv("NACRE_BIN");
  return fs::path(given ? given : NACRE_BIN_DIR) / name;
}

inline std::string read_whole(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void write_whole(const fs::path& file, std::string_view text) {
  std::ofstream(file, std::ios::binary).write(text.data(), static_cast<std::streamsize>(text.size()));
}

class temporary_directory {
 public:
  temporary_directory() {
    std::string name = (fs::temp_directory_path() / "nacre-e2e-XXXXXX").string();
    if (!::mkdtemp(name.data())) throw std::runtime_error("no temporary directory");
    path_ = name;
  }
  ~temporary_directory() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  temporary_directory(const temporary_directory&) = delete;
  temporary_directory& operator=(const temporary_directory&) = delete;
  const fs::path& path() const { return path_; }
  fs::path operator/(std::string_view name) const { return path_ / name; }

 private:
  fs::path path_;
};

struct child_options {
  std::map<std::string, std::string> environment;  // besides the test's own without NACRE_*
  std::optional<rlim_t> file_bytes_max;            // RLIMIT_FSIZE; writes beyond fail instead of killing
  std::string input;                               // standard input, at most what a pipe holds
};

class child_process {
 public:
  using milliseconds = std::chrono::milliseconds;
  static constexpr milliseconds patience{60'000};

  child_process(const std::vector<std::string>& command, const fs::path& errors, const child_options& o = {}) {
    std::vector<std::string> environment;
    for (char** each = environ; *each; ++each)
      if (!std::string_view(*each).starts_with("NACRE_")) environment.emplace_back(*each);
    for (const auto& [name, value] : o.environment) environment.push_back(name + "=" + value);
    auto argv = pointers(command), envp = pointers(environment);

    int in[2], out[2];
    if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    const int err = ::open(errors.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (::getppid() != parent) ::_exit(127);
      ::dup2(in[0], 0);
      ::dup2(out[1], 1);
      ::dup2(err, 2);
      ::close_range(3, ~0U, 0);  // whoever runs the tests may have left some open: make does
      if (o.file_bytes_max) {
        const rlimit limit{*o.file_bytes_max, *o.file_bytes_max};
        ::setrlimit(RLIMIT_FSIZE, &limit);
        ::signal(SIGXFSZ, SIG_IGN);
      }
      ::execve(argv[0], argv.data(), envp.data());
      ::_exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    ::close(err);
    if (pid_ < 0) throw std::runtime_error("no child");
    if (!o.input.empty() && ::write(in[1], o.input.data(), o.input.size()) < 0) throw std::runtime_error("no input");
    ::close(in[1]);
    out_ = out[0];
  }
  child_process(const child_process&) = delete;
  child_process& operator=(const child_process&) = delete;
  ~child_process() {
    if (running()) {
      ::kill(pid_, SIGKILL);
      reap();
    }
    ::close(out_);
  }

  pid_t pid() const { return pid_; }
  bool running() const { return !status_; }
  const std::string& output() const { return output_; }

  // Reads standard output up to a whole line that begins so; nothing if the child ends or time runs out.
  std::optional<std::string> line(std::string_view beginning, milliseconds within = patience) {
    const auto until = std::chrono::steady_clock::now() + within;
    for (;;) {
      for (std::size_t at = 0, end; (end = output_.find('\n', at)) != std::string::npos; at = end + 1)
        if (std::string_view(output_).substr(at).starts_with(beginning)) return output_.substr(at, end - at);
      if (!read_some(until)) return std::nullopt;
    }
  }
  void signal(int which) {
    if (running()) ::kill(pid_, which);
  }
  // The exit code, 128 + signal, or nothing if it still runs after that time.
  std::optional<int> wait(milliseconds within = patience) {
    const auto until = std::chrono::steady_clock::now() + within;
    while (!status_ && !ended_)
      if (!read_some(until) && !ended_) return std::nullopt;
    if (!status_) reap();
    return WIFSIGNALED(*status_) ? 128 + WTERMSIG(*status_) : WEXITSTATUS(*status_);
  }

 private:
  static std::vector<char*> pointers(const std::vector<std::string>& of) {
    std::vector<char*> out;
    for (const auto& each : of) out.push_back(const_cast<char*>(each.c_str()));
    out.push_back(nullptr);
    return out;
  }
  void reap() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    status_ = status;
  }
  // A child ends when its standard output does: ours never close it before.
  bool read_some(std::chrono::steady_clock::time_point until) {
    const auto left = std::chrono::duration_cast<milliseconds>(until - std::chrono::steady_clock::now());
    pollfd p{out_, POLLIN, 0};
    if (ended_ || left.count() <= 0 || ::poll(&p, 1, static_cast<int>(left.count())) <= 0) return false;
    char bytes[4096];
    const ssize_t n = ::read(out_, bytes, sizeof bytes);
    if (n > 0) output_.append(bytes, static_cast<std::size_t>(n));
    if (n == 0) ended_ = true;
    return n > 0;
  }

  pid_t pid_ = -1;
  int out_ = -1;
  bool ended_ = false;
  std::optional<int> status_;
  std::string output_;
};

struct finished {
  int code = -1;
  std::string output, errors;
};

// Runs a program of ours to its end.
inline finished run(std::string_view name, std::vector<std::string> arguments, const child_options& o = {}) {
  temporary_directory here;
  arguments.insert(arguments.begin(), program(name).string());
  child_process child(arguments, here / "errors", o);
  const auto code = child.wait();
  return {code.value_or(-1), child.output(), read_whole(here / "errors")};
}

// `nacre` with what is there as its standard input.
inline finished run_reading(const std::string& from, std::vector<std::string> arguments, const child_options& o = {}) {
  const std::vector<std::string> shell{"-c", "exec \"$@\" < \"$0\"", from, program("nacre").string()};
  arguments.insert(arguments.begin(), shell.begin(), shell.end());
  return run("/bin/sh", std::move(arguments), o);
}

// One nacred on a directory of its own. start() answers whether it became ready.
class node_process {
 public:
  struct options {
    std::vector<std::string> arguments;  // besides --dev --data-dir --http
    std::vector<std::string> wrapper;    // a command that ends by executing what follows it
    child_options child;
    std::optional<fs::path> data;  // else DIR/data of its own
  };

  node_process() : node_process(options{}) {}
  explicit node_process(options o) : options_(std::move(o)) {}

  options& how() { return options_; }
  fs::path data() const { return options_.data.value_or(home_ / "data"); }
  const fs::path& home() const { return home_.path(); }
  std::uint16_t port() const { return port_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  std::string errors() const { return read_whole(home_ / "stderr"); }  // of every run
  child_process& child() { return *child_; }
  bool running() const { return child_ && child_->running(); }

  bool start(std::uint16_t port = 0) {
    auto command = options_.wrapper;
    for (const auto& each : {program("nacred").string(), std::string("--dev"), std::string("--data-dir"),
                             data().string(), std::string("--http"), "127.0.0.1:" + std::to_string(port)})
      command.push_back(each);
    command.insert(command.end(), options_.arguments.begin(), options_.arguments.end());
    child_ = std::make_unique<child_process>(command, home_ / "stderr", options_.child);
    const auto ready = child_->line("ready http://");
    if (!ready) return false;
    port_ = static_cast<std::uint16_t>(std::stoi(ready->substr(ready->rfind(':') + 1)));
    return true;
  }
  // SIGTERM; the exit code, or -1 if it did not end in time.
  int stop(child_process::milliseconds within = child_process::patience) {
    child_->signal(SIGTERM);
    return child_->wait(within).value_or(-1);
  }
  void kill() {
    child_->signal(SIGKILL);
    child_->wait();
  }

 private:
  temporary_directory home_;
  options options_;
  std::unique_ptr<child_process> child_;
  std::uint16_t port_ = 0;
};

}  // namespace nacre::test

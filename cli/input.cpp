#include "cli/input.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "cli/terminal.hpp"

namespace nacre::cli {

namespace {

namespace fs = std::filesystem;
constexpr std::size_t passphrase_bytes_max = 512;

crypto::secure_bytes first_line(const crypto::secure_bytes& text) {
  auto line = text.view().substr(0, text.view().find('\n'));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return crypto::secure_bytes(line);
}

// A directory nobody else may enter, gone with everything in it at the end.
class private_directory {
 public:
  private_directory() {
    const char* const bases[] = {std::getenv("XDG_RUNTIME_DIR"), "/dev/shm", std::getenv("TMPDIR"), "/tmp"};
    for (const char* base : bases) {
      if (!base || *base != '/') continue;
      path_ = std::string(base) + "/nacre-XXXXXX";
      if (::mkdtemp(path_.data())) return;
    }
    path_.clear();
  }
  ~private_directory() {
    if (path_.empty()) return;
    std::error_code ignored;
    for (const auto& each : fs::recursive_directory_iterator(path_, ignored))
      if (each.is_regular_file(ignored)) overwrite(each.path().string());
    fs::remove_all(path_, ignored);
  }
  private_directory(const private_directory&) = delete;
  private_directory& operator=(const private_directory&) = delete;
  const std::string& path() const { return path_; }

 private:
  static void overwrite(const std::string& file) {
    const int fd = ::open(file.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat s {};
    if (fd >= 0 && ::fstat(fd, &s) == 0 && s.st_size > 0 && s.st_size < (1 << 26))
      static_cast<void>(write_all(fd, std::string(static_cast<std::size_t>(s.st_size), '\0')));
    if (fd >= 0) ::close(fd);
  }
  std::string path_;
};

// While an editor has the terminal an interrupt is its own affair. What else would end us is passed on to it, and ends
// us when this goes: made before what must not stay behind. What we were told to ignore, stays ignored.
class editor_signals {
 public:
  editor_signals() {
    struct sigaction plain {};
    plain.sa_handler = SIG_DFL;
    ::sigaction(SIGCHLD, &plain, &before_[2]);  // ignored, it would not come
    plain.sa_handler = SIG_IGN;
    ::sigaction(SIGINT, &plain, &before_[0]);
    ::sigaction(SIGQUIT, &plain, &before_[1]);
    ::sigemptyset(&awaited_);
    ::sigaddset(&awaited_, SIGCHLD);
    for (int each : {SIGHUP, SIGTERM})
      if (struct sigaction now; ::sigaction(each, nullptr, &now) == 0 && now.sa_handler != SIG_IGN)
        ::sigaddset(&awaited_, each);
    ::pthread_sigmask(SIG_BLOCK, &awaited_, &mask_);
  }
  ~editor_signals() {
    if (ending_ != 0) ::raise(ending_);  // comes when it is let through
    ::sigaction(SIGINT, &before_[0], nullptr);
    ::sigaction(SIGQUIT, &before_[1], nullptr);
    ::sigaction(SIGCHLD, &before_[2], nullptr);
    ::pthread_sigmask(SIG_SETMASK, &mask_, nullptr);
  }
  editor_signals(const editor_signals&) = delete;
  editor_signals& operator=(const editor_signals&) = delete;

  // In the editor's process, before it is the editor.
  void let_go() const {
    ::signal(SIGINT, SIG_DFL);
    ::signal(SIGQUIT, SIG_DFL);
    ::signal(SIGPIPE, SIG_DFL);
    ::pthread_sigmask(SIG_SETMASK, &mask_, nullptr);
  }
  // What became of the editor, once it has ended.
  int wait_for(pid_t editor) {
    int status = -1;
    while (::waitpid(editor, &status, WNOHANG) == 0) {
      int told = SIGCHLD;
      ::sigwait(&awaited_, &told);
      if (told == SIGCHLD) continue;
      ending_ = told;
      ::kill(editor, told);
    }
    return status;
  }

 private:
  struct sigaction before_[3] = {};
  sigset_t awaited_{}, mask_{};
  int ending_ = 0;
};

}  // namespace

outcome<crypto::secure_bytes> read_descriptor(int fd, std::size_t bytes_max) {
  crypto::secure_bytes buffer(bytes_max + 1);
  std::size_t size = 0;
  while (size < buffer.size()) {
    const auto n = ::read(fd, buffer.data() + size, buffer.size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return refuse(exit_io, "what is to be read cannot be read");
    if (n == 0) break;
    size += static_cast<std::size_t>(n);
  }
  if (size > bytes_max) return refuse(exit_data, "it is too long: at most " + std::to_string(bytes_max) + " bytes");
  return crypto::secure_bytes(buffer.view().substr(0, size));
}

outcome<crypto::secure_bytes> read_file(const std::string& name, std::size_t bytes_max) {
  if (name == "-") return read_descriptor(STDIN_FILENO, bytes_max);
  const int fd = ::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return refuse(exit_io, "cannot read " + name);
  auto text = read_descriptor(fd, bytes_max);
  ::close(fd);
  return text;
}

outcome<bool> was_read(const std::string& name, const std::istream& in) {
  if (in.bad() || (name == "-" && std::ferror(stdin))) return refuse(exit_io, "cannot read " + name);
  return true;
}

outcome<crypto::secure_bytes> write_in_editor(std::size_t bytes_max) {
  const char* editor = std::getenv("VISUAL");
  if (!editor || !*editor) editor = std::getenv("EDITOR");
  if (!editor || !*editor)
    return refuse(exit_usage, "there is nothing to share", "name a file, use a pipe, or set EDITOR");
  editor_signals signals;
  private_directory place;
  if (place.path().empty()) return refuse(exit_io, "there is no place for a temporary file");
  const auto file = place.path() + "/secret.txt";
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return refuse(exit_io, "a temporary file cannot be made");
  ::close(fd);
  // It may have arguments and variables before it; no shell stays between it and what is passed on.
  const auto line = "exec env " + std::string(editor) + " \"$1\"";
  const pid_t child = ::fork();
  if (child == 0) {
    signals.let_go();
    ::unsetenv("NACRE_TOKEN");
    ::execl("/bin/sh", "sh", "-c", line.c_str(), "sh", file.c_str(), static_cast<char*>(nullptr));
    ::_exit(127);
  }
  const int status = child < 0 ? -1 : signals.wait_for(child);
  if (child < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return refuse(exit_io, "the editor failed; nothing was shared");
  auto text = read_file(file, bytes_max);
  if (!text) return text;
  auto typed = text->view();
  if (typed.ends_with('\n')) typed.remove_suffix(1);
  if (typed.empty()) return refuse(exit_data, "nothing was written; nothing was shared");
  return crypto::secure_bytes(typed);
}

outcome<std::optional<crypto::secure_bytes>> given_passphrase(const arguments& with, bool twice) {
  std::optional<crypto::secure_bytes> out;
  if (with.has("passphrase-file") + with.has("passphrase-fd") + with.has("passphrase") > 1)
    return refuse(exit_usage, "give the passphrase in one way");
  if (with.has("passphrase-file")) {
    auto text = read_file(with.get("passphrase-file"), passphrase_bytes_max);
    if (!text) return refuse(text.error());
    out = first_line(*text);
  } else if (with.has("passphrase-fd")) {
    auto fd = with.number("passphrase-fd", 0, 0, 1'048'576);
    if (!fd) return refuse(fd.error());
    auto text = read_descriptor(static_cast<int>(*fd), passphrase_bytes_max);
    if (!text) return refuse(text.error());
    out = first_line(*text);
  } else if (with.has("passphrase")) {
    auto typed = ask_hidden("Passphrase: ", passphrase_bytes_max);
    if (!typed) return refuse(typed.error());
    if (twice) {
      auto again = ask_hidden("Once more: ", passphrase_bytes_max);
      if (!again) return refuse(again.error());
      if (!crypto::equal(typed->view(), again->view())) return refuse(exit_usage, "the two passphrases differ");
    }
    out = std::move(*typed);
  }
  if (out && out->empty()) return refuse(exit_data, "the passphrase is empty");
  return out;
}

outcome<new_file> new_file::make(const std::string& name) {
  const int fd = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    return refuse(exit_io, (errno == EEXIST ? "there is already a file " : "cannot write ") + name,
                  errno == EEXIST ? "name another one" : "");
  return new_file(name, fd);
}

new_file::new_file(new_file&& other) noexcept
    : name_(std::move(other.name_)), fd_(std::exchange(other.fd_, -1)), kept_(other.kept_) {}

new_file::~new_file() {
  if (fd_ < 0) return;
  ::close(fd_);
  if (!kept_) ::unlink(name_.c_str());
}

outcome<bool> new_file::write(std::string_view bytes) {
  if (!write_all(fd_, bytes) || (::fsync(fd_) != 0 && errno != EINVAL)) return refuse(exit_io, "cannot write " + name_);
  return true;
}

}  // namespace nacre::cli

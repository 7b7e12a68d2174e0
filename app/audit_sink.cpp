#include "app/audit_sink.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace nacre::app {
namespace {

// strerror() is not thread-safe everywhere; the GNU strerror_r answers a text.
std::string reason(int code) {
  char buffer[128];
  return strerror_r(code, buffer, sizeof buffer);
}

class file_sink final : public audit_sink {
 public:
  file_sink(audit_sink_options options, std::function<void(std::string_view)> on_failure)
      : options_(std::move(options)), on_failure_(std::move(on_failure)) {}

  ~file_sink() override {
    if (writer_.joinable()) {
      {
        std::lock_guard lock(mutex_);
        stopping_ = true;
      }
      wake_.notify_all();
      writer_.join();
    }
    close_file();
  }

  result<void> start() {
    if (auto opened = open_file(); !opened) return opened;
    writer_ = std::thread([this] { run(); });
    return {};
  }

  void append(std::string_view line) override {
    {
      std::unique_lock lock(mutex_);
      if (queued_bytes_ + line.size() + 1 > options_.queue_bytes_max) {
        lock.unlock();
        return lost("the queue is full");
      }
      queue_.emplace_back(line).push_back('\n');
      queued_bytes_ += line.size() + 1;
      ++accepted_;
    }
    wake_.notify_one();
  }

  void flush() override {
    std::unique_lock lock(mutex_);
    std::uint64_t until = accepted_;
    drained_.wait(lock, [&] { return finished_ >= until; });
  }

  std::uint64_t written() const override { return written_.load(std::memory_order_relaxed); }
  std::uint64_t failures() const override { return failures_.load(std::memory_order_relaxed); }
  std::size_t queued_bytes() const override {
    std::lock_guard lock(mutex_);
    return queued_bytes_;
  }

 private:
  void run() {
    std::vector<std::string> batch;
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      batch.swap(queue_);
      lock.unlock();
      std::size_t bytes = 0;
      for (const auto& line : batch) {
        bytes += line.size();
        write_line(line);
      }
      lock.lock();
      queued_bytes_ -= bytes;  // until now the batch counts as queued: that bounds memory
      finished_ += batch.size();
      batch.clear();
      drained_.notify_all();
    }
  }

  void write_line(std::string_view line) {
    if (file_ < 0) {
      if (auto opened = open_file(); !opened) return lost(opened.error().text);
    }
    if (size_ != 0 && size_ + line.size() > options_.rotate_bytes) {
      if (auto rotated = rotate(); !rotated) return lost(rotated.error().text);
    }
    std::string apart;
    if (torn_) line = apart.append("\n").append(line);
    std::string_view rest = line;
    while (!rest.empty()) {
      ssize_t n = ::write(file_, rest.data(), rest.size());
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) {
        std::string why = "cannot write: " + reason(n < 0 ? errno : EIO);
        // Half a line must not stay; if it cannot be taken back, the next one starts on a line of its own.
        if (rest.size() != line.size() && ftruncate(file_, static_cast<off_t>(size_)) != 0) torn_ = true;
        return lost(why);
      }
      rest.remove_prefix(static_cast<std::size_t>(n));
    }
    torn_ = false;
    size_ += line.size();
    written_.fetch_add(1, std::memory_order_relaxed);
    failing_.store(false, std::memory_order_relaxed);
  }

  result<void> open_file() {
    int fd = ::open(options_.path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (fd < 0) return fail(errc::invalid, options_.path + ": cannot open: " + reason(errno));
    struct stat about {};
    std::string wrong;
    if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) {
      wrong = "is not a regular file";
    } else if ((about.st_mode & 077) != 0 && fchmod(fd, 0600) != 0) {
      wrong = "others may read it and its mode cannot be changed";
    }
    if (!wrong.empty()) {
      ::close(fd);
      return fail(errc::invalid, options_.path + ": " + wrong);
    }
    file_ = fd;
    size_ = static_cast<std::uint64_t>(about.st_size);
    return {};
  }

  void close_file() {
    if (file_ >= 0) ::close(file_);
    file_ = -1;
  }

  // PATH.4 -> PATH.5, ..., PATH -> PATH.1; the oldest is overwritten.
  result<void> rotate() {
    auto name = [&](std::size_t i) { return i == 0 ? options_.path : options_.path + "." + std::to_string(i); };
    for (std::size_t i = options_.keep; i-- > 0;) {
      if (std::rename(name(i).c_str(), name(i + 1).c_str()) != 0 && errno != ENOENT) {
        return fail(errc::storage_failed, "cannot rotate: " + reason(errno));
      }
    }
    close_file();
    return open_file();
  }

  void lost(const std::string& why) {
    failures_.fetch_add(1, std::memory_order_relaxed);
    if (!failing_.exchange(true, std::memory_order_relaxed) && on_failure_) on_failure_(why);
  }

  const audit_sink_options options_;
  const std::function<void(std::string_view)> on_failure_;

  // The writer's own.
  int file_ = -1;
  std::uint64_t size_ = 0;
  bool torn_ = false;

  std::atomic<std::uint64_t> written_{0}, failures_{0};
  std::atomic<bool> failing_{false};

  mutable std::mutex mutex_;
  std::condition_variable wake_, drained_;
  std::vector<std::string> queue_;
  std::size_t queued_bytes_ = 0;
  std::uint64_t accepted_ = 0, finished_ = 0;
  bool stopping_ = false;
  std::thread writer_;
};

}  // namespace

result<std::unique_ptr<audit_sink>> open_audit_sink(audit_sink_options options,
                                                    std::function<void(std::string_view why)> on_failure) {
  auto sink = std::make_unique<file_sink>(std::move(options), std::move(on_failure));
  if (auto started = sink->start(); !started) return tl::make_unexpected(started.error());
  return std::unique_ptr<audit_sink>(std::move(sink));
}

}  // namespace nacre::app

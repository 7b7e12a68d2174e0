#include "crypto/operator_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

#include "crypto/digest.hpp"
#include "crypto/random.hpp"

namespace nacre::crypto {
namespace {

class descriptor {
 public:
  explicit descriptor(int number) : number_(number) {}
  ~descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  int get() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }
  bool close() { return ::close(std::exchange(number_, -1)) == 0; }

 private:
  int number_;
};

file_stamp stamp_from(const struct stat& s) {
  return {s.st_dev, s.st_ino, s.st_size, s.st_mtim.tv_sec, s.st_mtim.tv_nsec, s.st_ctim.tv_sec, s.st_ctim.tv_nsec};
}

bool write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    const auto written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

bool sync_directory(const std::filesystem::path& directory) {
  const descriptor fd{::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  return fd && ::fsync(fd.get()) == 0;
}

}  // namespace

file_stamp stamp_of(const std::filesystem::path& path) {
  struct stat s {};
  return ::stat(path.c_str(), &s) == 0 ? stamp_from(s) : file_stamp{};
}

result<operator_file> read_operator_file(const std::filesystem::path& path, std::size_t bytes_max,
                                         file_privacy privacy) {
  const bool owner_only = privacy == file_privacy::owner_only;
  // Non-blocking, so that a pipe put in the file's place cannot hold us up.
  const descriptor fd{
      ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (owner_only ? O_NOFOLLOW : 0))};
  if (!fd) {
    if (errno == ENOENT || errno == ENOTDIR) return fail(errc::not_found, "there is no such file");
    return fail(errc::invalid, "the file cannot be opened");
  }
  struct stat before {};
  if (::fstat(fd.get(), &before) != 0 || !S_ISREG(before.st_mode))
    return fail(errc::invalid, "it is not a regular file");
  if (owner_only && (before.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    return fail(errc::invalid, "the file must be accessible to its owner only (mode 0600)");
  if ((before.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return fail(errc::invalid, "the file must not be writable by group or others");
  if (before.st_size < 0 || static_cast<std::size_t>(before.st_size) > bytes_max)
    return fail(errc::invalid, "the file is too large");

  secure_bytes buffer{bytes_max + 1};  // one more: it may be growing
  std::size_t size = 0;
  while (size < buffer.size()) {
    const auto got = ::read(fd.get(), buffer.data() + size, buffer.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(errc::storage_failed, "the file cannot be read");
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > bytes_max) return fail(errc::invalid, "the file is too large");
  struct stat done {};
  operator_file out{secure_bytes{buffer.view().substr(0, size)}, {}, before.st_mode & 07777u};
  if (::fstat(fd.get(), &done) == 0 && stamp_from(before) == stamp_from(done)) out.stamp = stamp_from(done);
  return out;
}

result<void> write_operator_file(const std::filesystem::path& path, std::string_view content, unsigned mode,
                                 bool replace) {
  const auto failed = [](int error) {
    return fail(errc::storage_failed, "the file cannot be written: " + std::generic_category().message(error));
  };
  const auto directory = path.has_parent_path() ? path.parent_path() : std::filesystem::path{"."};
  const auto temporary = directory / ("." + path.filename().string() + "." + to_hex(random_bytes(8).view()) + ".tmp");
  descriptor fd{::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)};
  if (!fd) return failed(errno);
  // fchmod: the umask may have taken bits away. Unlike rename, link fails if the name is taken.
  const bool landed = ::fchmod(fd.get(), mode) == 0 && write_all(fd.get(), content) && ::fsync(fd.get()) == 0 &&
                      fd.close() && (replace ? ::rename : ::link)(temporary.c_str(), path.c_str()) == 0;
  const int error = errno;
  if (!landed || !replace) ::unlink(temporary.c_str());
  if (!landed && !replace && error == EEXIST) return fail(errc::conflict, "the file is already there");
  if (!landed) return failed(error);
  if (!sync_directory(directory)) return failed(errno);
  return {};
}

}  // namespace nacre::crypto

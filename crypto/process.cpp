#include "crypto/process.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

namespace nacre::crypto {
namespace {

auto failed(const char* call, int error) {
  return fail(errc::internal, std::string{call} + ": " + std::generic_category().message(error));
}

}  // namespace

result<void> hold_standard_descriptors() {
  for (int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
      return failed("open(/dev/null)", errno);
  return {};
}

result<void> harden_process() {
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return failed("prctl(PR_SET_DUMPABLE)", errno);
  const rlimit none{0, 0};
  if (setrlimit(RLIMIT_CORE, &none) != 0) return failed("setrlimit(RLIMIT_CORE)", errno);
  return {};
}

}  // namespace nacre::crypto

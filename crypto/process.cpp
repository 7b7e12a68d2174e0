#include "crypto/process.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <cerrno>
#include <string>
#include <system_error>

namespace nacre::crypto {
namespace {

auto failed(const char* call, int error) {
  return fail(errc::internal, std::string{call} + ": " + std::generic_category().message(error));
}

}  // namespace

result<void> harden_process() {
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return failed("prctl(PR_SET_DUMPABLE)", errno);
  const rlimit none{0, 0};
  if (setrlimit(RLIMIT_CORE, &none) != 0) return failed("setrlimit(RLIMIT_CORE)", errno);
  return {};
}

}  // namespace nacre::crypto

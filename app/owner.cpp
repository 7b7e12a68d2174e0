#include "app/owner.hpp"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

namespace nacre::app {

result<void> check_owner(const std::filesystem::path& data) {
  struct stat s {};
  if (::stat(data.c_str(), &s) != 0 || s.st_uid == ::geteuid()) return {};
  char names[4096];
  struct passwd entry {};
  struct passwd* found = nullptr;
  const bool known = ::getpwuid_r(s.st_uid, &entry, names, sizeof names, &found) == 0 && found != nullptr;
  const auto owner = known ? std::string(found->pw_name) : "user " + std::to_string(s.st_uid);
  return fail(errc::invalid, data.string() + " belongs to " + owner + ": run this as " + owner);
}

}  // namespace nacre::app

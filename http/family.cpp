#include "http/family.hpp"

#include <algorithm>
#include <array>

namespace nacre::http {

namespace {

// Under /api/v1, which other families share, the first segment decides.
constexpr std::array<std::string_view, 9> onetime_v1_roots = {"status", "authcheck", "share",    "create", "generate",
                                                              "secret", "private",   "metadata", "receipt"};

// An escape ends a segment too: such a path is nobody's route, and whoever wrote it meant this family.
bool lies_in(std::string_view path, std::string_view folder) {
  if (!path.starts_with(folder)) return false;
  auto rest = path.substr(folder.size());
  return rest.empty() || rest.front() == '/' || rest.front() == '%';
}

}  // namespace

family family_of(std::string_view path) {
  if (lies_in(path, "/api/admin")) return family::unleash;
  if (lies_in(path, "/api/users") || lies_in(path, "/api/personal-access-tokens")) return family::service_tokens;
  if (lies_in(path, "/api/v2")) return family::onetime_v2;
  constexpr std::string_view v1 = "/api/v1/";
  if (!path.starts_with(v1)) return family::native;
  auto rest = path.substr(v1.size());
  auto root = rest.substr(0, rest.find_first_of("/%"));
  bool ours = std::find(onetime_v1_roots.begin(), onetime_v1_roots.end(), root) != onetime_v1_roots.end();
  return ours ? family::onetime_v1 : family::native;
}

}  // namespace nacre::http

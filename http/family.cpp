#include "http/family.hpp"

#include <algorithm>
#include <array>

namespace nacre::http {

namespace {

// Under /api/v1, which other families share, the first segment decides.
constexpr std::array<std::string_view, 9> onetime_v1_roots = {"status", "authcheck", "share",    "create", "generate",
                                                              "secret", "private",   "metadata", "receipt"};

}  // namespace

family family_of(std::string_view path) {
  constexpr std::string_view v1 = "/api/v1/", v2 = "/api/v2";
  if (path.starts_with(v2) && (path.size() == v2.size() || path[v2.size()] == '/')) return family::onetime_v2;
  if (!path.starts_with(v1)) return family::native;
  auto rest = path.substr(v1.size());
  auto root = rest.substr(0, rest.find('/'));
  bool ours = std::find(onetime_v1_roots.begin(), onetime_v1_roots.end(), root) != onetime_v1_roots.end();
  return ours ? family::onetime_v1 : family::native;
}

}  // namespace nacre::http

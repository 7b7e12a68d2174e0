#pragma once
// The one table of routes: what is served, who may call it, which function answers. Documentation
// and the tests that walk every route are made from it.

#include <span>

#include "http/call.hpp"
#include "http/router.hpp"

namespace nacre::http {

enum class access : std::uint8_t {
  open,              // nobody is asked who they are; exempt from the address limit (probes must get through)
  user,              // a credential
  header_workspace,  // and the X-Workspace-Id header
  path_workspace,    // and {id} of the path is the workspace
};
std::string_view name_of(access a);

struct endpoint {
  method verb;
  std::string_view pattern;
  std::string_view name;
  access needs;
  std::string_view summary;
  void (*handle)(call_ptr c);
};

std::span<const endpoint> endpoints();

}  // namespace nacre::http

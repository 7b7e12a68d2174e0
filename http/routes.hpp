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
  own_workspace,     // a credential; the workspace is its own (call.hpp, enter_own_workspace)
  basic,             // HTTP Basic: an account of the Onetime Secret API
  basic_or_none,     // the same or a guest; bad credentials are refused, never taken for a guest's
  user_or_none,      // a credential, its workspace as of own_workspace, or a guest
  presented,         // the credential is what is asked about: the handler looks at it, no limit per address applies
  anonymous,         // a guest, whatever credentials there are
  page,              // a page for people or a file of one, the same for everybody
  this_machine,      // whoever sits at a development node; the handler looks where the request comes from
};
std::string_view name_of(access a);

enum class trait : std::uint8_t {
  none,
  takes_secret,  // the body may hold a whole secret: more than limits::body_bytes_max
  lists_tokens,  // what it shows hangs on nothing but path, query, caller and stored state: it may be kept
                 // (kept_lists.hpp)
  reveals,       // hands out a token that is there
  rotates,       // puts another in its place
};

struct endpoint {
  method verb;
  std::string_view pattern;
  std::string_view name;
  access needs;
  std::string_view summary;
  void (*handle)(call_ptr c);
  trait is = trait::none;
};

std::span<const endpoint> endpoints();
// Whether there is such a route with these settings.
bool is_served(const endpoint& e, const api_settings& s);
// Whether a body for this path may be that large; false for paths nobody serves.
bool takes_secret(method verb, std::string_view path);

}  // namespace nacre::http

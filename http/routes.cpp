#include "http/routes.hpp"

#include <cstdlib>

#include "http/families/alephant_pats.hpp"
#include "http/families/management.hpp"
#include "http/families/operations.hpp"

namespace nacre::http {

namespace {

using enum method;
using enum access;

// clang-format off
constexpr endpoint table[] = {
    {get,   "/healthz", "healthz", open, "The process lives", operations::healthz},
    {get,   "/readyz",  "readyz",  open, "The node can serve, or why not", operations::readyz},
    {get,   "/metrics", "metrics", open, "Prometheus metrics", operations::metrics},
    {get,   "/version", "version", open, "Name and version", operations::version},

    {get,   "/api/v1/pats",             "list-pats",   header_workspace, "List personal access tokens, newest first", alephant::list_pats},
    {post,  "/api/v1/pats",             "create-pat",  header_workspace, "Create a personal access token", alephant::create_pat},
    {post,  "/api/v1/pats/import",      "import-pat",  header_workspace, "Take over a token by its hash; it can never be revealed", alephant::import_pat},
    {get,   "/api/v1/pats/{id}",        "get-pat",     header_workspace, "Metadata of one token", alephant::get_pat},
    {patch, "/api/v1/pats/{id}",        "update-pat",  header_workspace, "Change name or expiry", alephant::change_pat},
    {del,   "/api/v1/pats/{id}",        "delete-pat",  header_workspace, "Revoke", alephant::delete_pat},
    {post,  "/api/v1/pats/{id}/revoke", "revoke-pat",  header_workspace, "Revoke, answering the token's metadata", alephant::revoke_pat},
    {post,  "/api/v1/pats/{id}/reveal", "reveal-pat",  header_workspace, "Decrypt and return the full token", alephant::reveal_pat},

    {get,   "/api/v1/me",                               "me",                  user, "The caller", management::who_am_i},
    {post,  "/api/v1/workspaces",                       "create-workspace",    user, "Create a workspace and own it", management::create_workspace},
    {get,   "/api/v1/workspaces",                       "list-workspaces",     user, "The caller's workspaces", management::list_workspaces},
    {get,   "/api/v1/workspaces/{id}",                  "get-workspace",       path_workspace, "One workspace", management::get_workspace},
    {patch, "/api/v1/workspaces/{id}",                  "update-workspace",    path_workspace, "Rename", management::change_workspace},
    {del,   "/api/v1/workspaces/{id}",                  "delete-workspace",    path_workspace, "Delete, with everything sealed in it", management::delete_workspace},
    {get,   "/api/v1/workspaces/{id}/members",          "list-members",        path_workspace, "Members and their roles", management::list_members},
    {put,   "/api/v1/workspaces/{id}/members/{userId}", "put-member",          path_workspace, "Add a member or change a role", management::put_member},
    {del,   "/api/v1/workspaces/{id}/members/{userId}", "remove-member",       path_workspace, "Remove a member, or leave", management::remove_member},
    {post,  "/api/v1/workspaces/{id}/service-users",    "create-service-user", path_workspace, "Create a service user", management::create_service_user},
    {get,   "/api/v1/workspaces/{id}/service-users",    "list-service-users",  path_workspace, "Service users", management::list_service_users},
    {post,  "/api/v1/workspaces/{id}/projects",         "create-project",      path_workspace, "Create a project", management::create_project},
    {get,   "/api/v1/workspaces/{id}/projects",         "list-projects",       path_workspace, "Projects", management::list_projects},
    {get,   "/api/v1/audit",                            "list-audit",          header_workspace, "The audit log, oldest first", management::list_audit},
};
// clang-format on

}  // namespace

std::string_view name_of(access a) {
  switch (a) {
    case open:
      return "none";
    case user:
      return "credential";
    case header_workspace:
      return "credential and X-Workspace-Id";
    case path_workspace:
      return "credential of a member";
  }
  std::abort();
}

std::span<const endpoint> endpoints() { return table; }

}  // namespace nacre::http

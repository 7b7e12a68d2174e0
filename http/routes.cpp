#include "http/routes.hpp"

#include <algorithm>
#include <cstdlib>
#include <iterator>

#include "http/families/alephant_pats.hpp"
#include "http/families/checking.hpp"
#include "http/families/cluster.hpp"
#include "http/families/console.hpp"
#include "http/families/description.hpp"
#include "http/families/management.hpp"
#include "http/families/onetime/v1.hpp"
#include "http/families/onetime/v2.hpp"
#include "http/families/operations.hpp"
#include "http/families/requests.hpp"
#include "http/families/service_tokens/people.hpp"
#include "http/families/service_tokens/tokens.hpp"
#include "http/families/unleash/service_accounts.hpp"
#include "http/families/unleash/tokens.hpp"
#include "http/families/web.hpp"
#include "http/families/webhooks.hpp"

namespace nacre::http {

namespace {

using enum method;
using enum access;
using enum trait;

// clang-format off
constexpr endpoint table[] = {
    {get,   "/healthz", "healthz", open, "The process lives", operations::healthz},
    {get,   "/readyz",  "readyz",  open, "The node can serve, or why not", operations::readyz},
    {get,   "/metrics", "metrics", open, "Prometheus metrics", operations::metrics},
    {get,   "/version", "version", open, "Name and version", operations::version},

    {get, "/openapi.json", "openapi", page, "This API, described for programs: OpenAPI 3.1", describing::openapi},

    {get, "/",              "page-share",   page, "The page to share a secret", web::share},
    {get, "/secret/{id}",   "page-open",    page, "The page to open a secret; changes nothing", web::open},
    {get, "/s",             "page-sealed",  page, "The page to open what was sealed in a browser; its link stands behind '#'", web::open},
    {get, "/receipt/{id}",  "page-receipt", page, "The page of a receipt", web::receipt},
    {get, "/ask",           "page-ask",     page, "The page to ask somebody for a secret, and to pick it up; its link stands behind '#'", web::ask},
    {get, "/r",             "page-answer",  page, "The page to answer a request for a secret; its link stands behind '#'", web::answer_request},
    {get, "/console",       "page-console", page, "The page of workspaces, tokens, webhooks and the audit log", web::console},
    {get, "/console/config.json", "console-config", page, "How people sign in to the console, and what is served", console::config},
    {post, "/console/dev-token",  "console-dev-token", this_machine, "A JWT for whoever sits at a development node", console::dev_token},
    {get, "/docs",          "page-docs",    page, "The page that shows /openapi.json", web::docs},
    {get, "/assets/{file}", "page-asset",   page, "What pages load", web::asset},
    {get, "/favicon.svg",   "page-icon",    page, "The pages' icon", web::icon},
    {get, "/favicon.ico",   "page-icon-by-its-old-name", page, "The same", web::icon},
    {get, "/robots.txt",    "robots",       page, "Asks search engines to stay away", web::robots},

    {get,   "/api/v1/pats",             "list-pats",   header_workspace, "List personal access tokens, newest first", alephant::list_pats, lists_tokens},
    {post,  "/api/v1/pats",             "create-pat",  header_workspace, "Create a personal access token", alephant::create_pat},
    {post,  "/api/v1/pats/import",      "import-pat",  header_workspace, "Take over a token by its hash; it can never be revealed", alephant::import_pat},
    {get,   "/api/v1/pats/{id}",        "get-pat",     header_workspace, "Metadata of one token", alephant::get_pat},
    {patch, "/api/v1/pats/{id}",        "update-pat",  header_workspace, "Change name or expiry", alephant::change_pat},
    {del,   "/api/v1/pats/{id}",        "delete-pat",  header_workspace, "Revoke", alephant::delete_pat},
    {post,  "/api/v1/pats/{id}/revoke", "revoke-pat",  header_workspace, "Revoke, answering the token's metadata", alephant::revoke_pat},
    {post,  "/api/v1/pats/{id}/rotate", "rotate-pat",  header_workspace, "A new token in place of this one, which may stay good for a while", alephant::rotate_pat, rotates},
    {post,  "/api/v1/pats/{id}/reveal", "reveal-pat",  header_workspace, "Decrypt and return the full token", alephant::reveal_pat, reveals},
    {del,   "/api/v1/pats/{id}/reveal", "confirm-pat-reveal", header_workspace, "Confirm a reveal made with an Idempotency-Key", alephant::confirm_pat_reveal},

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
    {post,  "/api/v1/workspaces/{id}/webhooks",                 "create-webhook", path_workspace, "Tell a URL what happens; answers the signing secret once", webhooks::create},
    {get,   "/api/v1/workspaces/{id}/webhooks",                 "list-webhooks",  path_workspace, "Webhooks and how their deliveries go", webhooks::list},
    {get,   "/api/v1/workspaces/{id}/webhooks/{hookId}",        "get-webhook",    path_workspace, "One webhook", webhooks::get},
    {patch, "/api/v1/workspaces/{id}/webhooks/{hookId}",        "update-webhook", path_workspace, "Change URL, events or secret, switch on or off", webhooks::change},
    {del,   "/api/v1/workspaces/{id}/webhooks/{hookId}",        "delete-webhook", path_workspace, "Delete, with what waits for it", webhooks::remove},
    {post,  "/api/v1/workspaces/{id}/webhooks/{hookId}/test",   "test-webhook",   path_workspace, "Queue a ping", webhooks::test},
    {get,   "/api/v1/audit",                            "list-audit",          header_workspace, "The audit log, oldest first", management::list_audit},
    {get,   "/api/v1/audit/head",                       "get-audit-head",      header_workspace, "The head of the audit log, signed", management::get_audit_head},

    {post, "/api/v1/requests",             "open-request",    user_or_none, "Ask somebody for a secret", requests::open},
    {get,  "/api/v1/requests/{id}",        "get-request",     anonymous,    "How a request stands: to answer it, or with its Pickup-Key", requests::show},
    {del,  "/api/v1/requests/{id}",        "cancel-request",  anonymous,    "Withdraw a request, with its answer", requests::cancel},
    {post, "/api/v1/requests/{id}/answer", "answer-request",  anonymous,    "Answer a request; the first answer stands", requests::answer_it},
    {post, "/api/v1/requests/{id}/pickup", "pick-up-answer",  anonymous,    "Take the answer, once", requests::pick_up},
    {del,  "/api/v1/requests/{id}/pickup", "confirm-pickup",  anonymous,    "Confirm a pickup made with an Idempotency-Key", requests::confirm},

    {get, "/api/v1/cluster",         "get-cluster",         user, "Members, groups and their leaders, who lags and how far; for operators", clusters::show},
    {put, "/api/v1/cluster/members", "put-cluster-members", user, "Other members, while everything goes on; for operators", clusters::change},

    {post,    "/api/v1/introspect", "introspect",     user,      "Whether a token is good, and for what (RFC 7662)", checking::introspect},
    {get,     "/api/v1/verify",     "verify",         presented, "Whether the token that comes with it is good for this: 200, 401 or 403, for a proxy", checking::verify},
    {post,    "/api/v1/verify",     "verify-post",    presented, "The same", checking::verify},
    {put,     "/api/v1/verify",     "verify-put",     presented, "The same", checking::verify},
    {patch,   "/api/v1/verify",     "verify-patch",   presented, "The same", checking::verify},
    {del,     "/api/v1/verify",     "verify-delete",  presented, "The same", checking::verify},
    {options, "/api/v1/verify",     "verify-options", presented, "The same", checking::verify},

    {get,  "/api/v1/status",              "v1-status",           basic_or_none, "The service is there", onetime::v1::status},
    {get,  "/api/v1/authcheck",           "v1-authcheck",        basic,         "The credentials are good", onetime::v1::status},
    {post, "/api/v1/share",               "v1-share",            basic_or_none, "Share a text once", onetime::v1::share, takes_secret},
    {post, "/api/v1/create",              "v1-create",           basic_or_none, "The same", onetime::v1::share, takes_secret},
    {post, "/api/v1/generate",            "v1-generate",         basic_or_none, "Make up a password and share it once", onetime::v1::generate, takes_secret},
    {post, "/api/v1/secret/{key}",        "v1-reveal",           basic_or_none, "Show the value to one reader", onetime::v1::reveal},
    {del,  "/api/v1/secret/{key}",        "v1-confirm-reveal",   basic_or_none, "Confirm a reveal made with an Idempotency-Key", onetime::v1::confirm},
    {get,  "/api/v1/private/recent",      "v1-private-recent",   basic,         "The account's receipts of 30 days", onetime::v1::recent},
    {get,  "/api/v1/private/{key}",       "v1-private",          basic_or_none, "What became of a secret", onetime::v1::show_receipt},
    {post, "/api/v1/private/{key}",       "v1-private-by-post",  basic_or_none, "The same", onetime::v1::show_receipt},
    {post, "/api/v1/private/{key}/burn",  "v1-private-burn",     basic_or_none, "Destroy the secret unread", onetime::v1::burn},
    {get,  "/api/v1/metadata/recent",     "v1-metadata-recent",  basic,         "The same", onetime::v1::recent},
    {get,  "/api/v1/metadata/{key}",      "v1-metadata",         basic_or_none, "The same", onetime::v1::show_receipt},
    {post, "/api/v1/metadata/{key}",      "v1-metadata-by-post", basic_or_none, "The same", onetime::v1::show_receipt},
    {post, "/api/v1/metadata/{key}/burn", "v1-metadata-burn",    basic_or_none, "The same", onetime::v1::burn},
    {get,  "/api/v1/receipt/recent",      "v1-receipt-recent",   basic,         "The same", onetime::v1::recent},
    {get,  "/api/v1/receipt/{key}",       "v1-receipt",          basic_or_none, "The same", onetime::v1::show_receipt},
    {post, "/api/v1/receipt/{key}",       "v1-receipt-by-post",  basic_or_none, "The same", onetime::v1::show_receipt},
    {post, "/api/v1/receipt/{key}/burn",  "v1-receipt-burn",     basic_or_none, "The same", onetime::v1::burn},

    {post,    "/api/v2/secret/conceal",                   "v2-conceal",              basic_or_none, "Share a text once", onetime::v2::conceal, takes_secret},
    {post,    "/api/v2/guest/secret/conceal",             "v2-guest-conceal",        anonymous,     "The same, as a guest", onetime::v2::conceal, takes_secret},
    {post,    "/api/v2/secret/generate",                  "v2-generate",             basic_or_none, "Make up a password and share it once", onetime::v2::generate, takes_secret},
    {post,    "/api/v2/guest/secret/generate",            "v2-guest-generate",       anonymous,     "The same, as a guest", onetime::v2::generate, takes_secret},
    {options, "/api/v2/secret/conceal",                   "v2-conceal-preflight",    anonymous,     "May a page of another origin post here", onetime::v2::preflight},
    {options, "/api/v2/secret/generate",                  "v2-generate-preflight",   anonymous,     "The same", onetime::v2::preflight},
    {get,     "/api/v2/secret/{identifier}",              "v2-show-secret",          basic_or_none, "What is there, without the value", onetime::v2::show_secret},
    {get,     "/api/v2/guest/secret/{identifier}",        "v2-guest-show-secret",    anonymous,     "The same, as a guest", onetime::v2::show_secret},
    {post,    "/api/v2/secret/{identifier}/reveal",       "v2-reveal",               basic_or_none, "Show the value to one reader", onetime::v2::reveal},
    {post,    "/api/v2/guest/secret/{identifier}/reveal", "v2-guest-reveal",         anonymous,     "The same, as a guest", onetime::v2::reveal},
    {del,     "/api/v2/secret/{identifier}/reveal",       "v2-confirm-reveal",       basic_or_none, "Confirm a reveal made with an Idempotency-Key", onetime::v2::confirm},
    {del,     "/api/v2/guest/secret/{identifier}/reveal", "v2-guest-confirm-reveal", anonymous,     "The same, as a guest", onetime::v2::confirm},
    {get,     "/api/v2/secret/{identifier}/status",       "v2-secret-status",        basic_or_none, "State and time left; changes nothing", onetime::v2::secret_status},
    {post,    "/api/v2/secret/status",                    "v2-secrets-status",       basic_or_none, "States of several secrets", onetime::v2::secrets_status},
    {get,     "/api/v2/receipt/recent",                   "v2-recent",               basic,         "The account's receipts of 30 days", onetime::v2::recent},
    {get,     "/api/v2/private/recent",                   "v2-private-recent",       basic,         "The same", onetime::v2::recent},
    {get,     "/api/v2/receipt/{identifier}",             "v2-receipt",              basic_or_none, "What became of a secret", onetime::v2::show_receipt},
    {get,     "/api/v2/private/{identifier}",             "v2-private-receipt",      basic_or_none, "The same", onetime::v2::show_receipt},
    {get,     "/api/v2/guest/receipt/{identifier}",       "v2-guest-receipt",        anonymous,     "The same, as a guest", onetime::v2::show_receipt},
    {patch,   "/api/v2/receipt/{identifier}",             "v2-memo",                 basic_or_none, "Change the memo; its owner only", onetime::v2::change_receipt},
    {patch,   "/api/v2/private/{identifier}",             "v2-private-memo",         basic_or_none, "The same", onetime::v2::change_receipt},
    {post,    "/api/v2/receipt/{identifier}/burn",        "v2-burn",                 basic_or_none, "Destroy the secret unread", onetime::v2::burn},
    {post,    "/api/v2/private/{identifier}/burn",        "v2-private-burn",         basic_or_none, "The same", onetime::v2::burn},
    {post,    "/api/v2/guest/receipt/{identifier}/burn",  "v2-guest-burn",           anonymous,     "The same, as a guest", onetime::v2::burn},
    {get,     "/api/v2/status",                           "v2-status",               anonymous,     "The service is there", onetime::v2::status},
    {get,     "/api/v2/version",                          "v2-version",              anonymous,     "The version of the API spoken", onetime::v2::version},
    {get,     "/api/v2/supported-locales",                "v2-supported-locales",    anonymous,     "Languages of texts", onetime::v2::supported_locales},

    {get,  "/api/users",                                                            "service-list-users",       own_workspace, "Members and service users", service_tokens::list_users},
    {post, "/api/users/service",                                                    "service-create-user",      own_workspace, "Create a service user", service_tokens::create_service_user},
    {get,  "/api/users/service/{userId}/personal-access-tokens",                    "service-list-tokens",      own_workspace, "Tokens of a service user, oldest first", service_tokens::list_tokens, lists_tokens},
    {post, "/api/users/service/{userId}/personal-access-tokens",                    "service-create-token",     own_workspace, "Create a token for a service user", service_tokens::create_token},
    {get,  "/api/users/service/{userId}/personal-access-tokens/{patId}",            "service-get-token",        own_workspace, "One of them, without the token", service_tokens::get_token},
    {del,  "/api/users/service/{userId}/personal-access-tokens/{patId}",            "service-delete-token",     own_workspace, "End it", service_tokens::delete_token},
    {post, "/api/users/service/{userId}/personal-access-tokens/{patId}/regenerate", "service-regenerate-token", own_workspace, "A new token in its place; the old one ends", service_tokens::regenerate_token, rotates},
    {post, "/api/users/service/{userId}/personal-access-tokens/{patId}/rotate",     "service-rotate-token",     own_workspace, "A new token in its place; the old one may stay good for a while", service_tokens::rotate_token, rotates},
    {get,  "/api/personal-access-tokens",                                           "own-list-tokens",          own_workspace, "One's own tokens, oldest first", service_tokens::list_tokens, lists_tokens},
    {post, "/api/personal-access-tokens",                                           "own-create-token",         own_workspace, "Create a token for oneself", service_tokens::create_token},
    {get,  "/api/personal-access-tokens/{patId}",                                   "own-get-token",            own_workspace, "One of them, without the token", service_tokens::get_token},
    {del,  "/api/personal-access-tokens/{patId}",                                   "own-delete-token",         own_workspace, "End it", service_tokens::delete_token},
    {post, "/api/personal-access-tokens/{patId}/regenerate",                        "own-regenerate-token",     own_workspace, "A new token in its place; the old one ends", service_tokens::regenerate_token, rotates},
    {post, "/api/personal-access-tokens/{patId}/rotate",                            "own-rotate-token",         own_workspace, "A new token in its place; the old one may stay good for a while", service_tokens::rotate_token, rotates},

    {get,  "/api/admin/user",                                          "unleash-user",                 own_workspace, "The caller and what they may", unleash::who_am_i},
    {get,  "/api/admin/user/tokens",                                   "unleash-list-tokens",          own_workspace, "One's own tokens, oldest first", unleash::list_own_tokens, lists_tokens},
    {post, "/api/admin/user/tokens",                                   "unleash-create-token",         own_workspace, "Create a token; answers its secret once", unleash::create_own_token},
    {del,  "/api/admin/user/tokens/{id}",                              "unleash-delete-token",         own_workspace, "Delete, if it is there and one's own", unleash::delete_own_token},
    {post, "/api/admin/user/tokens/{id}/rotate",                       "unleash-rotate-token",         own_workspace, "A new secret; the old one may stay good for a while", unleash::rotate_own_token, rotates},
    {get,  "/api/admin/service-account",                               "unleash-list-accounts",        own_workspace, "Service accounts, their tokens, the root roles", unleash::list_accounts},
    {post, "/api/admin/service-account",                               "unleash-create-account",       own_workspace, "Create a service account", unleash::create_account},
    {put,  "/api/admin/service-account/{id}",                          "unleash-update-account",       own_workspace, "Change name or root role", unleash::change_account},
    {del,  "/api/admin/service-account/{id}",                          "unleash-delete-account",       own_workspace, "Delete, with its tokens", unleash::delete_account},
    {get,  "/api/admin/service-account/{id}/token",                    "unleash-list-account-tokens",  own_workspace, "Tokens of a service account, oldest first", unleash::list_account_tokens, lists_tokens},
    {post, "/api/admin/service-account/{id}/token",                    "unleash-create-account-token", own_workspace, "Create a token for it; answers its secret once", unleash::create_account_token},
    {del,  "/api/admin/service-account/{id}/token/{tokenId}",          "unleash-delete-account-token", own_workspace, "Delete one of its tokens", unleash::delete_account_token},
    {post, "/api/admin/service-account/{id}/token/{tokenId}/rotate",   "unleash-rotate-account-token", own_workspace, "A new secret for one of its tokens", unleash::rotate_account_token, rotates},
};
// clang-format on

bool is_page_of_secrets(const endpoint& e) {
  constexpr std::string_view them[] = {"/", "/secret/{id}", "/s", "/receipt/{id}", "/ask", "/r"};
  return std::find(std::begin(them), std::end(them), e.pattern) != std::end(them);
}

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
    case own_workspace:
      return "credential of a workspace";
    case basic:
      return "Basic";
    case basic_or_none:
      return "Basic or none";
    case user_or_none:
      return "credential or none";
    case presented:
      return "the token to check";
    case anonymous:
      return "guest";
    case access::page:
      return "anybody";
    case this_machine:
      return "this machine";
  }
  std::abort();
}

std::span<const endpoint> endpoints() { return table; }

bool is_served(const endpoint& e, const api_settings& s) {
  const auto& on = s.families;
  switch (family_of(e.pattern)) {
    case family::native:
      if (e.pattern.starts_with("/console")) return s.console.served;
      if (is_page_of_secrets(e) || e.pattern.starts_with("/api/v1/requests")) return on.onetime;
      return on.alephant || !e.pattern.starts_with("/api/v1/pats");
    case family::onetime_v1:
    case family::onetime_v2:
      return on.onetime;
    case family::unleash:
      return on.unleash;
    case family::service_tokens:
      return on.service_tokens;
  }
  std::abort();
}

bool takes_secret(method verb, std::string_view path) {
  // Their patterns capture nothing, so they are paths.
  for (const auto& e : table)
    if (e.is == trait::takes_secret && e.verb == verb && e.pattern == path) return true;
  return false;
}

}  // namespace nacre::http

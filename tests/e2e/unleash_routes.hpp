#pragma once
// Every route of the Unleash family, for the sweep.

namespace nacre::e2e::unleash {

enum class may { member, admin };  // whom it lets in

struct swept_route {
  const char *verb, *pattern;
  may who;
  const char* body;  // with which an owner gets through
};

// clang-format off
inline const swept_route swept_routes[] = {
    {"GET",    "/api/admin/user",                                        may::member, ""},
    {"GET",    "/api/admin/user/tokens",                                 may::member, ""},
    {"POST",   "/api/admin/user/tokens",                                 may::member, R"({"description":"swept","expiresAt":"2099-01-01T00:00:00Z"})"},
    {"POST",   "/api/admin/user/tokens/{id}/rotate",                     may::member, "{}"},
    {"DELETE", "/api/admin/user/tokens/{id}",                            may::member, ""},
    {"GET",    "/api/admin/service-account",                             may::admin,  ""},
    {"POST",   "/api/admin/service-account",                             may::admin,  R"({"username":"swept","name":"Swept","rootRole":2})"},
    {"PUT",    "/api/admin/service-account/{id}",                        may::admin,  R"({"name":"Swept"})"},
    {"GET",    "/api/admin/service-account/{id}/token",                  may::admin,  ""},
    {"POST",   "/api/admin/service-account/{id}/token",                  may::admin,  R"({"description":"swept","expiresAt":"2099-01-01T00:00:00Z"})"},
    {"POST",   "/api/admin/service-account/{id}/token/{tokenId}/rotate", may::admin,  "{}"},
    {"DELETE", "/api/admin/service-account/{id}/token/{tokenId}",        may::admin,  ""},
    {"DELETE", "/api/admin/service-account/{id}",                        may::admin,  ""},
};
// clang-format on

}  // namespace nacre::e2e::unleash

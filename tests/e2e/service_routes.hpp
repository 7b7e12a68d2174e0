#pragma once
// Every route of the service-user family, for the sweep.

namespace nacre::e2e::service {

enum class may { member, admin };  // whom it lets in

struct swept_route {
  const char *verb, *pattern;
  may who;
  const char* body;  // with which an owner gets through
};

// clang-format off
inline const swept_route swept_routes[] = {
    {"GET",    "/api/users",                                                             may::member, ""},
    {"POST",   "/api/users/service",                                                     may::admin,  R"({"email":"a@b.c","type":"member"})"},
    {"GET",    "/api/users/service/{userId}/personal-access-tokens",                     may::admin,  ""},
    {"POST",   "/api/users/service/{userId}/personal-access-tokens",                     may::admin,  R"({"note":"n","permissions":[],"allProjects":true,"expiry":"week"})"},
    {"GET",    "/api/users/service/{userId}/personal-access-tokens/{patId}",             may::admin,  ""},
    {"POST",   "/api/users/service/{userId}/personal-access-tokens/{patId}/regenerate",  may::admin,  R"({"expiry":"week"})"},
    {"POST",   "/api/users/service/{userId}/personal-access-tokens/{patId}/rotate",      may::admin,  "{}"},
    {"DELETE", "/api/users/service/{userId}/personal-access-tokens/{patId}",             may::admin,  ""},
    {"GET",    "/api/personal-access-tokens",                                            may::member, ""},
    {"POST",   "/api/personal-access-tokens",                                            may::member, R"({"note":"n","permissions":[],"allProjects":true,"expiry":"week"})"},
    {"GET",    "/api/personal-access-tokens/{patId}",                                    may::member, ""},
    {"POST",   "/api/personal-access-tokens/{patId}/regenerate",                         may::member, R"({"expiry":"week"})"},
    {"POST",   "/api/personal-access-tokens/{patId}/rotate",                             may::member, "{}"},
    {"DELETE", "/api/personal-access-tokens/{patId}",                                    may::member, ""},
};
// clang-format on

}  // namespace nacre::e2e::service

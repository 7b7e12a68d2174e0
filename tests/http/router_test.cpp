// A path has one spelling, a route one handler.

#include "http/router.hpp"

#include <catch2/catch.hpp>

using namespace nacre::http;
using verdict = route_match::verdict;

namespace {

constexpr route table[] = {
    {method::get, "/", "root", "none", ""},
    {method::get, "/healthz", "health", "none", ""},
    {method::get, "/api/v1/pats", "pats_list", "user", ""},
    {method::post, "/api/v1/pats", "pats_create", "user", ""},
    {method::get, "/api/v1/pats/{id}", "pat_get", "user", ""},
    {method::del, "/api/v1/pats/{id}", "pat_revoke", "user", ""},
    {method::get, "/api/v1/pats/stats", "pat_stats", "user", ""},
    {method::post, "/api/v1/pats/{id}/reveal", "pat_reveal", "user", ""},
    {method::put, "/api/v1/workspaces/{id}/members/{user_id}", "member_put", "user", ""},
};

const router& routes() {
  static const router made = *router::make(table);
  return made;
}

std::string_view found(method m, std::string_view path) {
  const auto r = routes().match(m, path);
  return r.what == verdict::found ? routes().at(r.index).name : std::string_view{};
}

}  // namespace

TEST_CASE("a path leads to its route and its captures", "[router]") {
  CHECK(found(method::get, "/") == "root");
  CHECK(found(method::get, "/healthz") == "health");
  CHECK(found(method::post, "/api/v1/pats") == "pats_create");
  CHECK(found(method::head, "/api/v1/pats") == "pats_list");
  CHECK(found(method::get, "/api/v1/pats/stats") == "pat_stats");
  CHECK(found(method::del, "/api/v1/pats/stats") == "pat_revoke");
  const auto r = routes().match(method::put, "/api/v1/workspaces/w-1/members/u-2");
  REQUIRE(r.what == verdict::found);
  REQUIRE(r.capture_count == 2);
  CHECK(r.captures[0] == "w-1");
  CHECK(r.captures[1] == "u-2");
}

TEST_CASE("other spellings of a path are not found", "[router]") {
  for (const char* path : {"", "healthz", "//healthz", "/healthz/", "//", "/./healthz", "/healthz/.", "/x/../healthz",
                           "/api/v1//pats", "/api/v1/pats/", "/api/v1/pats/.", "/api/v1/pats/..", "/Healthz",
                           "/healthzz", "/api/v1/pats/a/b/c", "/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q", "*"}) {
    INFO(path);
    CHECK(routes().match(method::get, path).what == verdict::not_found);
  }
  CHECK(routes().match(method::get, std::string(60'000, '/')).what == verdict::not_found);
}

TEST_CASE("a known path with another method names the methods it has", "[router]") {
  const auto r = routes().match(method::patch, "/api/v1/pats/x");
  REQUIRE(r.what == verdict::method_not_allowed);
  CHECK(r.allow == "GET, HEAD, DELETE");
  CHECK(routes().match(method::other, "/healthz").allow == "GET, HEAD");
  CHECK(routes().match(method::get, "/api/v1/pats/x/reveal").allow == "POST");
  CHECK(routes().match(method::patch, "/api/v1/pats/stats").allow == "GET, HEAD, DELETE");
}

TEST_CASE("a table that contradicts itself is refused", "[router]") {
  const auto refused = [](std::initializer_list<route> t) {
    const std::vector<route> v{t};
    return !router::make(v).has_value();
  };
  CHECK(refused({{method::get, "/a/{x}", "", "", ""}, {method::get, "/a/{y}", "", "", ""}}));
  CHECK(refused({{method::get, "a", "", "", ""}}));
  CHECK(refused({{method::get, "/a/", "", "", ""}}));
  CHECK(refused({{method::get, "/{}", "", "", ""}}));
  CHECK(refused({{method::get, "/{a", "", "", ""}}));
  CHECK(refused({{method::get, "/a b", "", "", ""}}));
  CHECK(!refused({{method::get, "/a/{x}", "", "", ""}, {method::post, "/a/{y}", "", "", ""}}));
}

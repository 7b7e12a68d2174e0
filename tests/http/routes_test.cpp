// The table of routes, each checked whole, and what it has on record.

#include "http/routes.hpp"

#include <algorithm>
#include <set>

#include "http/families/console.hpp"
#include "http/families/management.hpp"
#include "model/limits.hpp"
#include "tests/http/answering.hpp"

using namespace nacre;
using namespace nacre::http;

namespace {

std::vector<route> described() {
  std::vector<route> out;
  for (const auto& e : endpoints()) out.push_back({e.verb, e.pattern, e.name, name_of(e.needs), e.summary});
  return out;
}

}  // namespace

TEST_CASE("every endpoint has a name of its own, a summary and a handler", "[http][routes]") {
  std::set<std::string_view> names;
  std::set<std::pair<method, std::string_view>> places;
  for (const auto& e : endpoints()) {
    INFO(e.pattern);
    CHECK_FALSE(e.name.empty());
    CHECK(names.insert(e.name).second);
    CHECK(places.insert({e.verb, e.pattern}).second);
    CHECK_FALSE(e.summary.empty());
    CHECK(e.handle != nullptr);
    CHECK_FALSE(name_of(e.needs).empty());
  }
}

TEST_CASE("the router takes the table, and finds every endpoint by its own path", "[http][routes]") {
  auto table = described();
  auto made = router::make(table);
  REQUIRE(made);
  std::set<std::pair<method, std::string_view>> served;
  for (const auto& r : table) served.insert({r.verb, r.pattern});
  for (std::size_t i = 0; i < table.size(); ++i) {
    std::string path;
    std::size_t captures = 0;
    for (std::string_view rest = table[i].pattern; !rest.empty();) {
      auto segment = rest.substr(0, rest.find('/', 1));
      rest.remove_prefix(segment.size());
      bool capture = segment.starts_with("/{");
      path += capture ? "/30000000-0000-4000-8000-00000000000" + std::to_string(captures++) : std::string(segment);
    }
    INFO(path);
    auto match = made->match(table[i].verb, path);
    REQUIRE(match.what == route_match::verdict::found);
    CHECK(match.index == i);
    CHECK(match.capture_count == captures);
    CHECK(captures <= route_match::captures_max);
    // Handlers read captures by number.
    CHECK(captures == static_cast<std::size_t>(std::count(table[i].pattern.begin(), table[i].pattern.end(), '{')));
    if (endpoints()[i].needs == access::path_workspace) CHECK(table[i].pattern.starts_with("/api/v1/workspaces/{id}"));
    CHECK(made->match(table[i].verb, path + "/").what == route_match::verdict::not_found);
    if (served.contains({method::options, table[i].pattern})) continue;
    auto other = made->match(method::options, path);
    CHECK(other.what == route_match::verdict::method_not_allowed);
    // Whether such a path is served at all hangs on the family of the endpoint it names.
    CHECK(family_of(table[other.index].pattern) == family_of(table[i].pattern));
  }
}

TEST_CASE("only what machines ask about the process is open to everybody", "[http][routes]") {
  std::set<std::string_view> open;
  for (const auto& e : endpoints())
    if (e.needs == access::open) open.insert(e.pattern);
  CHECK(open == std::set<std::string_view>{"/healthz", "/readyz", "/metrics", "/version"});
}

TEST_CASE("pages are no place of any API, and nobody is asked who they are", "[http][routes]") {
  std::set<std::string_view> pages;
  for (const auto& e : endpoints()) {
    if (e.needs != access::page) continue;
    INFO(e.pattern);
    CHECK(e.verb == method::get);
    CHECK_FALSE(e.pattern.starts_with("/api"));
    CHECK(family_of(e.pattern) == family::native);
    pages.insert(e.pattern);
  }
  CHECK(pages == std::set<std::string_view>{"/", "/s", "/ask", "/r", "/secret/{id}", "/receipt/{id}", "/console",
                                            "/console/config.json", "/assets/{file}", "/favicon.svg", "/favicon.ico",
                                            "/robots.txt", "/openapi.json", "/docs"});
}

TEST_CASE("whoever sits at the machine is known by what no page elsewhere and no proxy can send", "[http][routes]") {
  std::set<std::string_view> here;
  for (const auto& e : endpoints())
    if (e.needs == access::this_machine) here.insert(e.pattern);
  CHECK(here == std::set<std::string_view>{"/console/dev-token"});

  auto with = [](std::vector<header> changed, std::string client = "127.0.0.1") {
    request r;
    r.verb = method::post;
    r.client.text = std::move(client);
    r.headers = {{"Host", "127.0.0.1:8080"},
                 {"Origin", "http://127.0.0.1:8080"},
                 {"Sec-Fetch-Site", "same-origin"},
                 {"X-Nacre-Console", "sign-in"}};
    for (auto& c : changed) {
      auto at = std::find_if(r.headers.begin(), r.headers.end(), [&](const header& h) { return h.name == c.name; });
      if (at == r.headers.end())
        r.headers.push_back(c);
      else if (c.value.empty())
        r.headers.erase(at);
      else
        at->value = c.value;
    }
    return console::from_this_machine(r);
  };
  CHECK(with({}));
  CHECK(with({}, "::1"));
  for (std::string host : {"localhost", "LOCALHOST:5173", "127.0.0.1", "127.9.9.9:1", "[::1]:8080", "[::1]"})
    CHECK(with({{"Host", host}, {"Origin", "http://" + host}}));
  CHECK(with({{"Sec-Fetch-Site", ""}}));  // browsers of old send none
  // A name that somebody lets point at 127.0.0.1 is not this machine, nor is an address of the network.
  for (std::string host : {"evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example", "192.0.2.7",
                           "0.0.0.0:8080", "[::]", "[::1", "", "10.0.0.1:8080", "127.1"})
    CHECK_FALSE(with({{"Host", host.empty() ? "x" : host}, {"Origin", "http://" + host}}));
  for (std::string origin : {"", "null", "https://127.0.0.1:8080", "http://127.0.0.1:8081", "http://evil.example",
                             "http://127.0.0.1:8080/", "http://localhost:8080"})
    CHECK_FALSE(with({{"Origin", origin}}));
  for (std::string site : {"cross-site", "same-site", "none"}) CHECK_FALSE(with({{"Sec-Fetch-Site", site}}));
  for (std::string wish : {"", "1", "sign-in "}) CHECK_FALSE(with({{"X-Nacre-Console", wish}}));
  for (auto name : {"Forwarded", "X-Forwarded-For", "x-forwarded-host", "X-Forwarded-Proto", "X-Real-IP", "Via"})
    CHECK_FALSE(with({{name, "127.0.0.1"}}));
  for (std::string client : {"192.0.2.7", "::2", "10.0.0.1", "", "128.0.0.1"}) CHECK_FALSE(with({}, client));
}

TEST_CASE("the console is there as it is configured, and its developer's door at development nodes alone",
          "[http][routes]") {
  answering node;
  CHECK_FALSE(console::hides(node.with, "/console"));
  CHECK_FALSE(console::hides(node.with, "/console/config.json"));
  CHECK(console::hides(node.with, "/console/dev-token"));
  CHECK_FALSE(console::hides(node.with, "/api/v1/me"));
  node.with.ask.dev_token = [] { return result<std::string>("t"); };
  CHECK_FALSE(console::hides(node.with, "/console/dev-token"));
  node.with.settings.console.served = false;
  for (auto path : {"/console", "/console/config.json", "/console/dev-token"}) CHECK(console::hides(node.with, path));
  CHECK_FALSE(console::hides(node.with, "/assets/x.js"));
}

TEST_CASE("a path's family is told by the path alone", "[http][routes]") {
  for (auto path : {"/api/v2", "/api/v2/", "/api/v2/x", "/api/v2/secret/conceal", "/api/v2%2fsecret", "/api/v2%20"})
    CHECK(family_of(path) == family::onetime_v2);
  for (auto path : {"/api/v1/share", "/api/v1/secret/x", "/api/v1/private/recent", "/api/v1/status",
                    "/api/v1/secret%2fx", "/api/v1/share%20"})
    CHECK(family_of(path) == family::onetime_v1);
  for (auto path :
       {"/", "/api/v1", "/api/v1/", "/api/v1/pats", "/api/v1/shares", "/api/v1/me", "/api/v20", "/api/v3/x"})
    CHECK(family_of(path) == family::native);
  for (auto path : {"/api/users", "/api/users/x", "/api/personal-access-tokens", "/api/personal-access-tokens/x/y"})
    CHECK(family_of(path) == family::service_tokens);
  for (auto path : {"/api/user", "/api/users2", "/api/personal-access-tokens2", "/api/v1/users"})
    CHECK(family_of(path) == family::native);
  for (const auto& e : endpoints()) {
    INFO(e.pattern);
    bool native = family_of(e.pattern) == family::native;
    bool onetime = e.needs == access::basic || e.needs == access::basic_or_none ||
                   (e.needs == access::anonymous && !e.pattern.starts_with("/api/v1/requests"));
    bool tokens = e.needs == access::own_workspace;
    CHECK(int{native} + int{onetime} + int{tokens} == 1);
    // takes_secret() compares paths with patterns.
    if (e.is == trait::takes_secret) CHECK(e.pattern.find('{') == std::string_view::npos);
  }
}

TEST_CASE("only calls that take a secret may have a large body", "[http][routes]") {
  api_settings s;
  auto rules = path_rules_of(s);
  CHECK(rules(method::post, "/api/v2/secret/conceal").body_bytes_max == 6 * 10'000 + 16 * 1024);
  for (auto path : {"/api/v1/share", "/api/v1/create", "/api/v1/generate"}) {
    CHECK(rules(method::post, path).body_bytes_max == 6 * 10'000 + 16 * 1024);
    CHECK(rules(method::get, path).body_bytes_max == limits::body_bytes_max);
    CHECK(rules(method::post, path).refusal != nullptr);
  }
  CHECK(rules(method::post, "/api/v1/secret/x").body_bytes_max == limits::body_bytes_max);
  CHECK(rules(method::options, "/api/v2/secret/conceal").body_bytes_max == limits::body_bytes_max);
  CHECK(rules(method::post, "/api/v2/secret/x/reveal").body_bytes_max == limits::body_bytes_max);
  CHECK(rules(method::post, "/api/v1/pats").body_bytes_max == limits::body_bytes_max);
  CHECK(rules(method::post, "/api/v1/pats").refusal == nullptr);
  CHECK(rules(method::post, "/api/v2/nothing").refusal != nullptr);
  for (auto free : {"/api/v1/secret/%41", "/api/v2/receipt/%41", "/secret/%41", "/receipt/%41"})
    CHECK(rules(method::get, free).path_is_free);
  for (auto strict : {"/api/v1/pats/%41", "/%41", "/api/v1/workspaces"})
    CHECK_FALSE(rules(method::get, strict).path_is_free);
  s.onetime.secret_bytes_max = 100;
  CHECK(path_rules_of(s)(method::post, "/api/v2/secret/conceal").body_bytes_max == limits::body_bytes_max);
  s.onetime.secret_bytes_max = limits::secret_bytes_max;
  CHECK(path_rules_of(s)(method::post, "/api/v2/secret/conceal").body_bytes_max == 6 * 1024 * 1024 + 16 * 1024);
}

TEST_CASE("a refused reveal is on record, once an hour for each user", "[http][budget]") {
  answering node;
  node.found();
  node.with.settings.reveals_per_user = 0;
  for (int i = 0; i < 3; ++i) {
    testing::inbox<response> got;
    auto c = node.asked_by(testing::user_no(1), got);
    order_and_answer(std::move(c), model::operation{model::reveal_pat{testing::pat_no(1), true, 10, 0}}, nullptr);
    REQUIRE(got.await(1));
    CHECK(got.next().status == 429);
  }
  node.service->stop();
  std::size_t noted = 0;
  node.view()->scan(model::space::audit, model::keys::audit(testing::workspace_no(1), 0),
                    model::keys::audit(testing::workspace_no(1), UINT64_MAX),
                    [&](std::string_view, std::string_view row) {
                      noted += row.find("\"action\":\"pat.reveal.limited\"") != std::string_view::npos;
                      CHECK((row.find("pat.reveal.limited") == std::string_view::npos ||
                             row.find("\"outcome\":\"denied\",\"reason\":\"rate_limited\"") != std::string_view::npos));
                      return true;
                    });
  CHECK(noted == 1);
}

TEST_CASE("every way to a token's text is on record when it is refused", "[http][audit]") {
  for (const auto& e : endpoints()) {
    INFO(e.name);
    bool rotates = e.pattern.ends_with("/rotate") || e.pattern.ends_with("/regenerate");
    CHECK((e.is == trait::rotates) == rotates);
    CHECK((e.is == trait::reveals) == (e.name == "reveal-pat"));
  }
}

TEST_CASE("what is refused in a workspace that is none, or no more, is not on record there", "[http][audit]") {
  answering node;
  node.found();
  REQUIRE_FALSE(node.ask(node.as(testing::user_no(1)), model::operation{model::delete_workspace{}}).outcome.refused);
  for (auto ws : {testing::workspace_no(1), testing::workspace_no(9), system_workspace}) {
    testing::inbox<response> got;
    auto c = node.asked_by(testing::user_no(2), got);
    c->ctx.workspace = ws;
    c->denial = "pat.reveal.denied";
    refuse(std::move(c), {errc::forbidden, "no"});
    REQUIRE(got.await(1));
  }
  node.service->stop();
  node.view()->scan(model::space::audit, "", std::string(32, '\xff'), [&](std::string_view, std::string_view row) {
    CHECK(row.find("denied") == std::string_view::npos);
    return true;
  });
}

TEST_CASE("a PAT tells who it stands for as long as its owner is a member", "[http][me]") {
  answering node;
  node.found();
  node.join(testing::user_no(2), model::role::member);
  auto pat = testing::pat_of(node.ask(node.as(testing::user_no(2)), testing::issue("ci"))).id;
  auto status = [&] {
    testing::inbox<response> got;
    auto c = node.asked_by(testing::user_no(2), got);
    c->caller.bound_to = c->ctx.workspace;
    c->ctx.workspace = {};
    c->ctx.who = c->caller.who = {model::caller::kind::pat, testing::user_no(2), pat, model::scope_read, "", ""};
    management::who_am_i(std::move(c));
    REQUIRE(got.await(1));
    return got.next().status;
  };
  auto owner = [&](model::operation op) {
    REQUIRE_FALSE(node.ask(node.as(testing::user_no(1)), std::move(op)).outcome.refused);
  };
  CHECK(status() == 200);
  owner(model::remove_member{testing::user_no(2)});
  CHECK(status() == 403);
  owner(model::put_member{testing::user_no(2), model::role::member, {}});
  CHECK(status() == 401);
}

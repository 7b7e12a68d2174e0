// The table of routes, the words for errors and the reading of queries: each checked whole.

#include "http/routes.hpp"

#include <algorithm>
#include <limits>
#include <set>

#include "http/families/console.hpp"
#include "http/families/management.hpp"
#include "http/json.hpp"
#include "http/pending.hpp"
#include "model/limits.hpp"
#include "tests/support/installation.hpp"

using namespace nacre;
using namespace nacre::http;

namespace {

std::vector<route> described() {
  std::vector<route> out;
  for (const auto& e : endpoints()) out.push_back({e.verb, e.pattern, e.name, name_of(e.needs), e.summary});
  return out;
}

class nobody final : public crypto::authenticator {
 public:
  result<crypto::jwt_claims> verify(std::string_view, timestamp, crypto::jwt_refusal*) const override {
    return fail(errc::unauthenticated, "no");
  }
  crypto::reload_report reload() override { return {}; }
  std::uint64_t generation() const override { return 0; }
};

struct answering : testing::installation {
  nobody tokens;
  gate who{*service, tokens, keys, time, {}};
  std::vector<std::string> logged;
  services with{
      *service,       who, keys,
      time,           {},  {{}, {}, {}, [this](request_id, const error& e) {
                                                  logged.push_back(e.text); }, {}, {}},
      limiter(rate{})};
  call asked(std::optional<std::string> authorization = {}) {
    request r;
    r.id = testing::request_no(77);
    if (authorization) r.headers.push_back({"Authorization", *authorization});
    return call(with, std::move(r), responder{});
  }
  call_ptr asked_by(user_id user, testing::inbox<response>& to) {
    request r;
    r.deadline = testing::in_a_while();
    auto c = std::make_unique<call>(with, std::move(r), make_responder([&to](response a) { to.put(std::move(a)); }));
    c->ctx = as(user);
    return c;
  }
};

std::string header_of(const response& r, std::string_view name) {
  for (const auto& h : r.headers)
    if (h.name == name) return h.value;
  return "";
}

request query(std::string raw) {
  request r;
  r.query = std::move(raw);
  return r;
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

TEST_CASE("every error code has its status, its word and the headers that go with them", "[http][errors]") {
  answering node;
  struct meaning {
    errc code;
    int status;
    std::string word;
  };
  const meaning all[] = {
      {errc::invalid, 400, "invalid_request"},
      {errc::unauthenticated, 401, "unauthorized"},
      {errc::token_revoked, 401, "token_revoked"},
      {errc::token_expired, 401, "token_expired"},
      {errc::insufficient_scope, 403, "insufficient_scope"},
      {errc::forbidden, 403, "forbidden"},
      {errc::not_found, 404, "not_found"},
      {errc::conflict, 409, "conflict"},
      {errc::reveal_not_available, 422, "reveal_not_available"},
      {errc::wrong_passphrase, 422, "wrong_passphrase"},
      {errc::rate_limited, 429, "rate_limited"},
      {errc::busy, 503, "unavailable"},
      {errc::deadline_exceeded, 503, "unavailable"},
      {errc::outcome_unknown, 503, "unavailable"},
      {errc::storage_failed, 503, "unavailable"},
      {errc::corrupt, 500, "internal"},
      {errc::full, 507, "full"},
      {errc::unsupported, 500, "internal"},
      {errc::internal, 500, "internal"},
  };
  REQUIRE(std::size(all) == static_cast<std::size_t>(errc::internal));
  for (const auto& m : all) {
    INFO(name_of(m.code));
    node.logged.clear();
    auto c = node.asked("Bearer x");
    auto r = error_response(c, {m.code, "The \"words\""});
    CHECK(r.status == m.status);
    CHECK(header_of(r, "Content-Type") == "application/json");
    CHECK(header_of(r, "Cache-Control") == "no-store");
    auto body = parse_json_object(r.body);
    REQUIRE(body);
    CHECK(body->find("code")->string() == m.word);
    // What went wrong inside is not for the caller, who gets the request id to ask with.
    auto words = m.status == 500 ? "Internal error" : "The \"words\"";
    CHECK(body->find("error")->string() == words);
    CHECK(body->find("message")->string() == words);
    CHECK(body->find("error_id").has_value() == (m.status >= 500));
    CHECK(node.logged.size() == (m.status >= 500 ? 1 : 0));
    CHECK(header_of(r, "Retry-After") == (m.status == 503 ? "1" : ""));
    std::string challenge = "Bearer error=\"invalid_token\"";
    if (m.code == errc::token_expired) challenge += ", error_description=\"The token has expired\"";
    CHECK(header_of(r, "WWW-Authenticate") == (m.status == 401 ? challenge : ""));
  }
  auto nothing_tried = node.asked();
  CHECK(header_of(error_response(nothing_tried, {errc::unauthenticated, "x"}), "WWW-Authenticate") == "Bearer");
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

TEST_CASE("service tokens tell every error as NestJS does, and nothing that may pass by itself as 4xx",
          "[http][errors]") {
  answering node;
  struct meaning {
    errc code;
    int status;
    std::string message, reason;
  };
  const meaning all[] = {
      {errc::invalid, 400, "words", "Bad Request"},
      {errc::unauthenticated, 401, "Unauthorized", "Unauthorized"},
      {errc::token_revoked, 401, "Unauthorized", "Unauthorized"},
      {errc::token_expired, 401, "words", "Unauthorized"},
      {errc::insufficient_scope, 403, "words", "Forbidden"},
      {errc::forbidden, 403, "words", "Forbidden"},
      {errc::not_found, 404, "words", "Not Found"},
      {errc::conflict, 409, "words", "Conflict"},
      {errc::reveal_not_available, 422, "words", "Bad Request"},
      {errc::wrong_passphrase, 422, "words", "Bad Request"},
      {errc::rate_limited, 429, "words", "Too Many Requests"},
      {errc::busy, 503, "words", "Service Unavailable"},
      {errc::deadline_exceeded, 503, "words", "Service Unavailable"},
      {errc::outcome_unknown, 503, "words", "Service Unavailable"},
      {errc::storage_failed, 503, "words", "Service Unavailable"},
      {errc::corrupt, 500, "Internal server error", "Internal Server Error"},
      {errc::full, 403, "words", "Forbidden"},
      {errc::unsupported, 500, "Internal server error", "Internal Server Error"},
      {errc::internal, 500, "Internal server error", "Internal Server Error"},
  };
  REQUIRE(std::size(all) == static_cast<std::size_t>(errc::internal));
  for (const auto& m : all) {
    INFO(name_of(m.code));
    auto c = node.asked("Bearer x");
    c.speaks = family::service_tokens;
    auto r = error_response(c, {m.code, "words"});
    CHECK(r.status == m.status);
    CHECK(r.body == "{\"statusCode\":" + std::to_string(m.status) + ",\"message\":\"" + m.message + "\",\"error\":\"" +
                        m.reason + "\"}");
    CHECK(header_of(r, "Retry-After") == (m.status == 503 ? "1" : ""));
    bool expired = m.code == errc::token_expired;
    CHECK((header_of(r, "WWW-Authenticate").find("expired") != std::string::npos) == expired);
  }
}

TEST_CASE("v1 tells every error as 404, with the honest status beside it, but for what is wrong inside",
          "[http][errors]") {
  answering node;
  struct meaning {
    errc code;
    int status;
    std::string intended, text;
  };
  const std::string no = "Not authorized";
  const meaning all[] = {
      {errc::invalid, 404, "400", "words"},
      {errc::unauthenticated, 404, "401", no},
      {errc::token_revoked, 404, "401", no},
      {errc::token_expired, 404, "401", no},
      {errc::insufficient_scope, 404, "403", no},
      {errc::forbidden, 404, "403", no},
      {errc::not_found, 404, "", "Unknown secret"},
      {errc::conflict, 404, "400", "words"},
      {errc::reveal_not_available, 404, "400", "words"},
      {errc::wrong_passphrase, 404, "400", "Incorrect passphrase"},
      {errc::rate_limited, 404, "400", "Rate limit exceeded. Please try again later."},
      {errc::busy, 503, "", "words"},
      {errc::deadline_exceeded, 503, "", "words"},
      {errc::outcome_unknown, 503, "", "words"},
      {errc::storage_failed, 503, "", "words"},
      {errc::corrupt, 503, "", "The secret cannot be decrypted at present. It has not been consumed."},
      {errc::full, 507, "", "words"},
      {errc::unsupported, 500, "", "Something went wrong. Please try again later."},
      {errc::internal, 500, "", "Something went wrong. Please try again later."},
  };
  REQUIRE(std::size(all) == static_cast<std::size_t>(errc::internal));
  for (const auto& m : all) {
    INFO(name_of(m.code));
    auto c = node.asked();
    c.speaks = family::onetime_v1;
    auto r = error_response(c, {m.code, "words"});
    CHECK(r.status == m.status);
    CHECK(r.body == "{\"message\":\"" + m.text + "\"}");
    CHECK(header_of(r, "X-OTS-Intended-Status") == m.intended);
    CHECK(header_of(r, "Content-Type") == "application/json; charset=utf-8");
    CHECK(header_of(r, "Cache-Control") == "no-store");
    CHECK(header_of(r, "Retry-After") == (m.status == 503 ? "1" : ""));
    CHECK(header_of(r, "WWW-Authenticate").starts_with("Basic") == (m.intended == "401"));
  }
  auto refusal = path_rules_of({})(method::post, "/api/v1/share").refusal;
  REQUIRE(refusal != nullptr);
  for (int status : {400, 408, 413}) {
    auto r = refusal(status, "", "words", testing::request_no(1));
    CHECK(r.status == 404);
    CHECK(r.body == R"({"message":"words"})");
    CHECK(header_of(r, "X-OTS-Intended-Status") == std::to_string(status));
  }
  CHECK(refusal(503, "", "words", testing::request_no(1)).status == 503);
}

TEST_CASE("v2 tells every error in its own words", "[http][errors]") {
  answering node;
  struct meaning {
    errc code;
    int status;
    std::string word;
  };
  const meaning all[] = {
      {errc::invalid, 400, "BadRequest"},
      {errc::unauthenticated, 401, "Unauthorized"},
      {errc::token_revoked, 401, "Unauthorized"},
      {errc::token_expired, 401, "Unauthorized"},
      {errc::insufficient_scope, 403, "Forbidden"},
      {errc::forbidden, 403, "Forbidden"},
      {errc::not_found, 404, "MissingSecret"},
      {errc::conflict, 409, "Conflict"},
      {errc::reveal_not_available, 422, "FormError"},
      {errc::wrong_passphrase, 422, "FormError"},
      {errc::rate_limited, 429, "LimitExceeded"},
      {errc::busy, 503, "ServerError"},
      {errc::deadline_exceeded, 503, "ServerError"},
      {errc::outcome_unknown, 503, "ServerError"},
      {errc::storage_failed, 503, "ServerError"},
      {errc::corrupt, 503, "SecretUndecryptable"},
      {errc::full, 507, "StorageFull"},
      {errc::unsupported, 500, "ServerError"},
      {errc::internal, 500, "ServerError"},
  };
  for (const auto& m : all) {
    INFO(name_of(m.code));
    auto c = node.asked();
    c.speaks = family::onetime_v2;
    auto r = error_response(c, {m.code, "words"});
    CHECK(r.status == m.status);
    CHECK(header_of(r, "Content-Type") == "application/json");
    CHECK(header_of(r, "Cache-Control") == "no-store");
    auto body = parse_json_object(r.body);
    REQUIRE(body);
    CHECK(body->find("error")->string() == m.word);
    CHECK(body->find("error_type")->string() == m.word);
    CHECK(body->find("error_id")->string() == to_string(c.req.id));
    CHECK(body->find("request_id")->string() == to_string(c.req.id));
    CHECK(body->find("message")->is_string());
    if (m.status == 500 || m.code == errc::corrupt) CHECK(r.body.find("words") == std::string::npos);
    CHECK(header_of(r, "Retry-After") == (m.status == 503 ? "1" : ""));
    CHECK(header_of(r, "WWW-Authenticate").starts_with("Basic") == (m.status == 401));
  }
  auto c = node.asked();
  c.speaks = family::onetime_v2;
  auto r = limited_response(c, {errc::rate_limited, "slow"}, {"passphrase", 5, 0, 1'800'000, 600'000});
  auto body = parse_json_object(r.body);
  REQUIRE(body);
  CHECK(r.status == 429);
  CHECK(body->find("retry_after")->integer() == 1'800);
  CHECK(body->find("max_attempts")->integer() == 5);
  CHECK(header_of(r, "Retry-After") == "1800");
}

TEST_CASE("a spent budget says when to come back, in whole seconds and at least one", "[http][errors]") {
  answering node;
  auto c = node.asked("Bearer x");
  for (auto [ms, seconds] : {std::pair{0, "1"}, {1, "1"}, {1'000, "1"}, {1'001, "2"}, {59'999, "60"}, {60'000, "60"}}) {
    auto r = limited_response(c, {errc::rate_limited, "slow"}, {"reveal", 10, 0, ms});
    CHECK(r.status == 429);
    CHECK(header_of(r, "Retry-After") == seconds);
    CHECK(header_of(r, "RateLimit-Policy") == "\"reveal\";q=10;w=60");
    CHECK(header_of(r, "RateLimit") == "\"reveal\";r=0;t=" + std::string(seconds));
  }
}

TEST_CASE("an address limit tells its own window", "[http][errors]") {
  answering node;
  auto c = node.asked("Bearer x");
  auto policy = [&](rate limit) {
    using namespace std::chrono_literals;
    return header_of(limited_response(c, {errc::rate_limited, "slow"}, spent_rate("address", limit, 6s)),
                     "RateLimit-Policy");
  };
  CHECK(policy({20, 60}) == "\"address\";q=60;w=3");
  CHECK(policy({10.0 / 60, 10}) == "\"address\";q=10;w=60");
  CHECK(policy({7, 10}) == "\"address\";q=10;w=2");
  CHECK(policy({1000, 1}) == "\"address\";q=1;w=1");
  CHECK(policy({1e-300, 1}) == "\"address\";q=1;w=864000000");
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

TEST_CASE("queries are decoded strictly", "[http][query]") {
  using pairs = std::vector<std::pair<std::string, std::string>>;
  const std::pair<std::string, pairs> good[] = {
      {"", {}},
      {"&&", {}},
      {"a=1", {{"a", "1"}}},
      {"a=1&b=2&", {{"a", "1"}, {"b", "2"}}},
      {"a", {{"a", ""}}},
      {"a=", {{"a", ""}}},
      {"=a", {{"", "a"}}},
      {"a=b=c", {{"a", "b=c"}}},
      {"a=%41%6a%6A+b", {{"a", "Ajj b"}}},
      {"%61=1", {{"a", "1"}}},
      {"a=%00", {{"a", std::string(1, '\0')}}},
      {"a=%26%3d", {{"a", "&="}}},
  };
  for (const auto& [raw, expected] : good) {
    INFO(raw);
    auto got = parse_query(raw);
    REQUIRE(got);
    CHECK(*got == expected);
  }
  for (std::string bad : {"a=%", "a=%4", "a=%4g", "a=%g4", "%=1", "a=%%41", "a=1&a=2", "a=1&%61=2", "a&a"}) {
    INFO(bad);
    auto got = parse_query(bad);
    REQUIRE_FALSE(got);
    CHECK(got.error().code == errc::invalid);
  }
}

TEST_CASE("numbers in queries are whole, bounded and plain", "[http][query]") {
  auto number = [](std::string raw) {
    auto q = parse_query(raw);
    REQUIRE(q);
    return number_of(*q, "n", 7, 2, 100);
  };
  CHECK(number("").value() == 7);
  CHECK(number("m=1").value() == 7);
  CHECK(number("n=2").value() == 2);
  CHECK(number("n=100").value() == 100);
  for (std::string bad : {"n=", "n=1", "n=101", "n=-5", "n=%2B5", "n=+5", "n=5.0", "n=5e1", "n=0x5", "n=5%20", "n=%205",
                          "n=18446744073709551617", "n=99999999999999999999999", "n=five", "n=5%00"}) {
    INFO(bad);
    auto got = number(bad);
    REQUIRE_FALSE(got);
    CHECK(got.error().code == errc::invalid);
    CHECK(got.error().text == "n must be a whole number between 2 and 100");
  }
}

TEST_CASE("a page is limit and offset, or page and pageSize", "[http][query]") {
  struct given {
    std::string raw;
    std::uint32_t offset, limit;
  };
  const given good[] = {
      {"", 0, 20},
      {"limit=1", 0, 1},
      {"limit=100&offset=10000000", 10'000'000, 100},
      {"offset=5", 5, 20},
      {"page=1", 0, 20},
      {"page=3", 40, 20},
      {"pageSize=200", 0, 200},
      {"page=2&pageSize=200", 200, 200},
      {"page=50000&pageSize=200", 9'999'800, 200},
      {"page=2&limit=7&offset=9", 20, 20},
      {"other=x", 0, 20},
  };
  for (const auto& g : good) {
    INFO(g.raw);
    auto at = page_of(query(g.raw));
    REQUIRE(at);
    CHECK(at->offset == g.offset);
    CHECK(at->limit == g.limit);
  }
  for (std::string bad : {"limit=0", "limit=101", "limit=x", "offset=-1", "offset=10000001", "page=0", "page=50001",
                          "pageSize=0", "pageSize=201", "page=1&page=2", "limit=%zz", "limit="}) {
    INFO(bad);
    auto at = page_of(query(bad));
    REQUIRE_FALSE(at);
    CHECK(at.error().code == errc::invalid);
  }
}

TEST_CASE("JSON is recognised by its media type alone", "[http][body]") {
  auto typed = [](std::optional<std::string> type) {
    request r;
    if (type) r.headers.push_back({"content-type", *type});
    return has_json_body(r);
  };
  for (auto good : {"application/json", "APPLICATION/JSON", "application/json;charset=utf-8", "application/json ; x=y"})
    CHECK(typed(good));
  for (auto bad : {"", "text/json", "application/jsonp", "application/json, text/html", "application/json+x", ";"})
    CHECK_FALSE(typed(bad));
  CHECK_FALSE(typed(std::nullopt));
}

TEST_CASE("the workspace header is one UUID", "[http][header]") {
  answering node;
  auto of = [&](std::optional<std::string> value) {
    auto c = node.asked();
    if (value) c.req.headers.push_back({"x-workspace-id", *value});
    return workspace_of_header(c);
  };
  CHECK(of("10000000-0000-4000-8000-00000000000A").value() ==
        workspace_id{*parse_uuid("10000000-0000-4000-8000-00000000000a")});
  for (auto bad : {"", "x", "00000000-0000-0000-0000-000000000000", "{10000000-0000-4000-8000-000000000001}",
                   "10000000000040008000000000000001"})
    CHECK(of(bad).error().code == errc::invalid);
  CHECK(of(std::nullopt).error().code == errc::invalid);
  auto c = node.asked();
  c.caller.bound_to = testing::workspace_no(1);
  CHECK(enter_workspace(c, testing::workspace_no(1)));
  CHECK(c.ctx.workspace == testing::workspace_no(1));
  CHECK(enter_workspace(c, testing::workspace_no(2)).error().code == errc::forbidden);
  CHECK(c.ctx.workspace == testing::workspace_no(1));
}

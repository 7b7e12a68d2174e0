// The words of every family for every error, each checked whole.

#include "http/json.hpp"
#include "http/routes.hpp"
#include "tests/http/answering.hpp"

using namespace nacre;
using namespace nacre::http;

namespace {

std::string header_of(const response& r, std::string_view name) {
  for (const auto& h : r.headers)
    if (h.name == name) return h.value;
  return "";
}

}  // namespace

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

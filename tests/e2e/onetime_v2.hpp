#pragma once
// What the tests of Onetime Secret v2 share: callers, and the shapes of its answers (contracts/onetimesecret.md
// Part A, sections 3 to 6).

#include <algorithm>

#include "tests/e2e/kit.hpp"
#include "tests/support/basic.hpp"

namespace nacre::e2e::onetime_v2 {

using nacre::test::basic;
using nacre::test::json_quoted;
using kind = json_tree::kind;

inline const std::string api = "/api/v2", unknown(43, 'a');

// What travels with every call of one caller; a guest has nothing.
class caller {
 public:
  explicit caller(std::uint16_t port, header_list headers = {}) : client_(port), headers_(std::move(headers)) {}

  http_answer send(std::string_view verb, const std::string& path, std::string_view body = {},
                   const header_list& more = {}) {
    auto all = headers_;
    bool typed = std::any_of(more.begin(), more.end(), [](const auto& h) { return h.first == "Content-Type"; });
    if (!body.empty() && !typed) all.emplace_back("Content-Type", "application/json");
    all.insert(all.end(), more.begin(), more.end());
    return client_.send(verb, api + path, all, body);
  }
  http_answer get(const std::string& path, const header_list& more = {}) { return send("GET", path, {}, more); }
  http_answer post(const std::string& path, std::string_view body = {}, const header_list& more = {}) {
    return send("POST", path, body, more);
  }

 private:
  http_client client_;
  header_list headers_;
};

struct made {
  std::string secret, receipt;
  json_tree body;
};

inline made read_made(const http_answer& a) {
  INFO(a.body);
  REQUIRE(a.status == 200);
  auto body = a.json();
  auto secret = body["record"]["secret"]["identifier"].text();
  return {secret, body["record"]["receipt"]["identifier"].text(), std::move(body)};
}

inline made conceal(caller& by, const std::string& value, const std::string& more = {}) {
  return read_made(by.post("/secret/conceal", R"({"secret":{"secret":)" + json_quoted(value) + more + "}}"));
}

inline http_answer reveal(caller& by, const made& m, const std::string& body = R"({"continue":"true"})",
                          const header_list& more = {}) {
  return by.post("/secret/" + m.secret + "/reveal", body, more);
}

inline std::string check_problem(const http_answer& a, int status, std::string_view word, std::string_view field = {}) {
  INFO(a.body);
  CHECK(a.status == status);
  if (a.status != status) return {};
  check_json_headers(a);
  auto body = a.json();
  keys expected{"error", "message", "error_type"};
  if (!field.empty()) expected.emplace_back("field");
  if (status == 429) expected.insert(expected.end(), {"retry_after", "max_attempts"});
  expected.insert(expected.end(), {"error_id", "request_id"});
  CHECK(body.keys() == expected);
  CHECK(body["error"].text() == word);
  CHECK(body["error_type"].text() == word);
  if (!field.empty()) CHECK(body["field"].text() == field);
  if (status == 429) CHECK(std::to_string(body["retry_after"].number()) == a.header("Retry-After"));
  CHECK(is_uuid(body["error_id"].text()));
  CHECK(body["request_id"].text() == a.header("X-Request-Id"));
  return body["message"].text();
}

inline void check_gone(const http_answer& a) { CHECK(check_problem(a, 404, "MissingSecret") == "Unknown secret"); }

inline const keys secret_fields{"identifier",   "key",         "shortid",   "state",          "created",
                                "updated",      "secret_ttl",  "lifespan",  "has_passphrase", "verification",
                                "is_previewed", "is_revealed", "is_viewed", "is_received"};
inline const keys secret_details{"continue",           "is_owner",      "show_secret",
                                 "correct_passphrase", "display_lines", "one_liner"};

inline bool is_number_text(const json_tree& t) {
  const auto& text = t.text();
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

inline void check_secret_record(const json_tree& r, const std::string& identifier, std::string_view state,
                                std::string_view ttl, bool has_passphrase, const std::optional<std::string>& value) {
  auto expected = secret_fields;
  if (value) expected.emplace_back("secret_value");
  CHECK(r.keys() == expected);
  for (const auto& [name, field] : r.members()) {
    INFO(name);
    CHECK(field.what() == kind::string);
  }
  CHECK(r["identifier"].text() == identifier);
  CHECK(r["key"].text() == identifier);
  CHECK(r["shortid"].text() == identifier.substr(0, 8));
  CHECK(r["state"].text() == state);
  for (auto time : {"created", "updated"}) CHECK(is_number_text(r[time]));
  CHECK(r["secret_ttl"].text() == ttl);
  CHECK(r["lifespan"].text() == ttl);
  CHECK(r["has_passphrase"].text() == (has_passphrase ? "true" : "false"));
  CHECK(r["verification"].text() == "false");
  const bool previewed = state == "previewed", revealed = state == "revealed";
  for (auto twin : {"is_previewed", "is_viewed"}) CHECK(r[twin].text() == (previewed ? "true" : "false"));
  for (auto twin : {"is_revealed", "is_received"}) CHECK(r[twin].text() == (revealed ? "true" : "false"));
  if (value) CHECK(r["secret_value"].text() == *value);
}

struct told {
  bool go_on = false, is_owner = false, shown = false, right = false;
  std::string lines = "4";
  std::optional<bool> one_liner;
};

inline void check_secret_details(const json_tree& d, const told& t) {
  auto word = [](bool b) { return b ? "true" : "false"; };
  CHECK(d.keys() == secret_details);
  CHECK(d["continue"].text() == word(t.go_on));
  CHECK(d["is_owner"].text() == word(t.is_owner));
  CHECK(d["show_secret"].text() == word(t.shown));
  CHECK(d["correct_passphrase"].text() == word(t.right));
  CHECK(d["display_lines"].text() == t.lines);
  if (t.one_liner)
    CHECK(d["one_liner"].text() == word(*t.one_liner));
  else
    CHECK(d["one_liner"].is_null());
}

// A member with an address, and their token as HTTP Basic.
struct account {
  explicit account(installation& on, std::string scopes = R"("write")")
      : user(new_uuid()),
        workspace(new_uuid()),
        email("u" + user.substr(0, 8) + "@example.org"),
        who(on.port(), on.token({user, workspace, "owner", email}), workspace, user),
        token(who.new_pat(R"("name":"ots","scopes":[)" + scopes + "]")["token"].text()),
        by(on.port(), {{"Authorization", basic(email, token)}}) {}
  std::string user, workspace, email;
  person who;
  std::string token;
  caller by;
};

inline installation with(const std::vector<std::string>& sets) {
  node_process::options o;
  for (const auto& each : sets) o.arguments.insert(o.arguments.end(), {"--set", each});
  return installation(std::move(o));
}

}  // namespace nacre::e2e::onetime_v2

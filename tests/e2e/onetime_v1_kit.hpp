#pragma once
// One-time secrets by the v1 API, as its clients speak it: flat forms in every encoding, old names, 404 for everything.

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/e2e/kit.hpp"
#include "tests/support/basic.hpp"

namespace nacre::e2e::v1 {

using nacre::test::basic;
using nacre::test::raw_http;
using kind = nacre::test::json_tree::kind;

inline node_process::options with(std::vector<std::string> sets) {
  node_process::options o;
  for (auto& each : sets) {
    o.arguments.emplace_back("--set");
    o.arguments.push_back(std::move(each));
  }
  return o;
}

// The one node of these tests, without limits.
inline installation& node() {
  static installation one(with({"limits.enabled=false"}));
  return one;
}

inline constexpr const char* form_type = "application/x-www-form-urlencoded";
inline const std::string share_path = "/api/v1/share", secret_path = "/api/v1/secret/",
                         private_path = "/api/v1/private/";

// A guest, or an account with its Authorization.
class caller {
 public:
  explicit caller(std::uint16_t port, std::string authorization = "")
      : client_(port), authorization_(std::move(authorization)) {}

  http_answer send(std::string_view verb, std::string_view target, std::string_view body = {},
                   std::string_view type = form_type, header_list more = {}) {
    if (!authorization_.empty()) more.emplace_back("Authorization", authorization_);
    if (!body.empty() && !type.empty()) more.emplace_back("Content-Type", type);
    return client_.send(verb, target, more, body);
  }
  http_answer get(std::string_view target) { return send("GET", target); }
  http_answer post(std::string_view target, std::string_view form = {}) { return send("POST", target, form); }
  http_answer post_json(std::string_view target, std::string_view body) {
    return send("POST", target, body, "application/json");
  }

 private:
  http_client client_;
  std::string authorization_;
};

struct account {
  explicit account(installation& on, std::string_view scopes = "\"admin\"") {
    claim c{user, workspace, "owner", email};
    person me(on.port(), on.token(c), workspace, user);
    REQUIRE(me.get("/api/v1/me").status == 200);
    token = me.new_pat("\"name\":\"v1\",\"scopes\":[" + std::string(scopes) + "]")["token"].text();
  }
  std::string user = new_uuid(), workspace = new_uuid(), email = "owner-" + user.substr(0, 8) + "@example.com", token;
  caller at(installation& on) const { return caller(on.port(), basic(email, token)); }
};

inline json_tree good(const http_answer& a) {
  INFO(a.body);
  REQUIRE(a.status == 200);
  CHECK(a.header("Content-Type") == "application/json; charset=utf-8");
  CHECK(a.header("Cache-Control") == "no-store");
  CHECK(is_uuid(a.header("X-Request-Id")));
  return a.json();
}

// `intended` 0: the header is not there.
inline void refused(const http_answer& a, const std::string& body, int intended) {
  CHECK(a.status == 404);
  CHECK(a.body == body);
  CHECK(a.header("Content-Type") == "application/json; charset=utf-8");
  CHECK(a.header("X-OTS-Intended-Status") == (intended == 0 ? "" : std::to_string(intended)));
}
inline std::string told(const std::string& message) { return "{\"message\":\"" + message + "\"}"; }
inline void refused_as_unknown(const http_answer& a, const std::string& key) {
  refused(a, R"({"secret_key":")" + key + R"(","message":"Unknown secret"})", 0);
}

inline json_tree good_v2(const http_answer& a) {
  INFO(a.body);
  REQUIRE(a.status == 200);
  return a.json();
}

inline json_tree share(caller& by, const std::string& form) { return good(by.post(share_path, form)); }
inline std::string key_of(const json_tree& shared) { return shared["secret_key"].text(); }
inline std::string receipt_of(const json_tree& shared) { return shared["metadata_key"].text(); }
inline std::string state_of(caller& by, const std::string& receipt) {
  return good(by.get(private_path + receipt))["state"].text();
}

// What `curl -F` sends.
inline std::string multipart(const std::vector<std::pair<std::string, std::string>>& fields,
                             const std::string& boundary) {
  std::string out;
  for (const auto& [name, value] : fields)
    out += "--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n";
  return out + "--" + boundary + "--\r\n";
}

inline const keys all_fields = {"custid",
                                "metadata_key",
                                "secret_key",
                                "ttl",
                                "metadata_ttl",
                                "secret_ttl",
                                "metadata_url",
                                "state",
                                "updated",
                                "created",
                                "recipient",
                                "share_domain",
                                "passphrase_required",
                                "identifier",
                                "secret_identifier",
                                "has_passphrase",
                                "recipients",
                                "receipt_ttl",
                                "receipt_url"};

inline keys without(keys all, const keys& some) {
  std::erase_if(all, [&](const auto& k) { return std::find(some.begin(), some.end(), k) != some.end(); });
  return all;
}

inline void check_receipt_types(const json_tree& r) {
  for (const char* name : {"ttl", "metadata_ttl", "secret_ttl", "updated", "created", "received", "receipt_ttl"})
    if (const auto* n = r.find(name)) CHECK(n->what() == kind::integer);
  for (const char* name : {"custid", "metadata_key", "secret_key", "metadata_url", "state", "share_domain",
                           "identifier", "secret_identifier", "receipt_url"})
    if (const auto* t = r.find(name)) CHECK(t->what() == kind::string);
  CHECK(r["passphrase_required"].what() == kind::boolean);
  CHECK(r["has_passphrase"].what() == kind::boolean);
  CHECK(r["recipient"].what() == kind::array);
  CHECK(r["recipients"].what() == kind::array);
}

}  // namespace nacre::e2e::v1

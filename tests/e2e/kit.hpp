#pragma once
// What every end-to-end test is made of: a running node, people with tokens who talk to it, and the
// shapes its answers must have.

#include <catch2/catch.hpp>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/http_client.hpp"
#include "tests/support/node_process.hpp"

namespace nacre::e2e {

using test::header_list;
using test::http_answer;
using test::http_client;
using test::json_tree;
using test::node_process;
using keys = std::vector<std::string>;

std::string new_uuid();
bool is_uuid(std::string_view text);
bool is_time(std::string_view text);  // RFC 3339, UTC with Z
bool is_token(std::string_view text);
std::string hex_sha256(std::string_view text);
std::string rfc3339_in(std::int64_t seconds);  // from now

// A JWT of the node's development issuer. `shift_s` moves the moment it is minted at.
struct claim {
  std::string user, workspace = {}, role = {}, email = {}, workspace_name = {};
  std::int64_t seconds = 3600, shift_s = 0;
};
std::string mint(const std::filesystem::path& data, const claim& c);

// Someone with a credential, and a workspace named in X-Workspace-Id unless it is empty.
class person {
 public:
  person(std::uint16_t port, std::string credential, std::string workspace, std::string user = {})
      : client_(std::make_shared<http_client>(port)),
        credential_(std::move(credential)),
        workspace_(std::move(workspace)),
        user_(std::move(user)) {}

  const std::string& user() const { return user_; }
  const std::string& workspace() const { return workspace_; }
  const std::string& credential() const { return credential_; }
  person in(std::string workspace) const { return {client_->port(), credential_, std::move(workspace), user_}; }
  person with(std::string credential) const { return {client_->port(), std::move(credential), workspace_, user_}; }

  http_answer get(std::string_view target) { return send("GET", target); }
  http_answer del(std::string_view target) { return send("DELETE", target); }
  http_answer post(std::string_view target, std::string_view body = {}) { return send("POST", target, body); }
  http_answer put(std::string_view target, std::string_view body) { return send("PUT", target, body); }
  http_answer patch(std::string_view target, std::string_view body) { return send("PATCH", target, body); }
  // A body goes out as application/json unless `more` has a Content-Type.
  http_answer send(std::string_view verb, std::string_view target, std::string_view body = {},
                   const header_list& more = {});

  // Creates a PAT and answers its data; `fields` without braces, such as "\"name\":\"a\"".
  json_tree new_pat(std::string_view fields = "\"name\":\"a token\"");

 private:
  std::shared_ptr<http_client> client_;
  std::string credential_, workspace_, user_;
};

// A node that is running, and the people on it.
class installation {
 public:
  explicit installation(node_process::options o = {});

  node_process& node() { return node_; }
  std::uint16_t port() const { return node_.port(); }
  void restart();  // SIGTERM and start

  std::string token(claim c) { return mint(node_.data(), c); }
  // A fresh user with this role in that workspace (made if new), by the development issuer's claims.
  person join(const std::string& workspace, std::string_view role, std::string_view name = "");
  person someone(const std::string& user, const std::string& workspace, std::string_view role);
  // A user who belongs to nothing.
  person stranger(const std::string& workspace);

 private:
  node_process node_;
};

// The one installation of a test program, started at its first use.
installation& shared();

// One workspace with an owner, an admin and two members, each a person of their own.
struct team {
  explicit team(installation& on, std::string_view name = "My Team");
  std::string workspace = new_uuid();
  person owner, admin, member, other;
};

// {"error","code","message"} and nothing else (plus error_id from 500 on), as JSON; the message answers.
std::string check_error(const http_answer& a, int status, std::string_view code);
void check_json_headers(const http_answer& a);
// The audit log of a workspace, whole.
std::vector<json_tree> audit_of(person& admin);

std::string pat_path(std::string_view id, std::string_view action = {});

// Asks until `good` or time is up; answers whether it became so.
template <class Good>
bool eventually(Good good, std::chrono::milliseconds within = std::chrono::seconds(30)) {
  const auto until = std::chrono::steady_clock::now() + within;
  for (;;) {
    if (good()) return true;
    if (std::chrono::steady_clock::now() > until) return false;
    ::poll(nullptr, 0, 20);  // as often as the address limit allows
  }
}

}  // namespace nacre::e2e

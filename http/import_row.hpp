#pragma once
// A hash-only PAT issued elsewhere, as `nacre import pats` and POST /api/v1/pats/import take it:
//
//   {"id"?, "workspaceId", "userId", "name", "scopes", "tokenPrefix", "tokenHash": <hex SHA-256 of the
//    token>, "createdAt", "expiresAt"}                                              (DESIGN section 8)

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "crypto/keyring.hpp"
#include "http/json.hpp"
#include "model/commands.hpp"
#include "model/error.hpp"

namespace nacre::http {

struct import_row {
  std::optional<pat_id> id;
  workspace_id workspace;
  user_id owner;
  std::string name, prefix;
  model::scope_set scopes = model::scope_read;
  std::string token_hash;  // 32 bytes
  timestamp created;
  std::optional<timestamp> expires;
};

result<import_row> parse_import_row(std::string_view json);
model::operation import_operation(const import_row& row, const crypto::keyring& keys, pat_id if_none);

// Shared with other requests: "scopes" and "expiresAt" are spelt the same there, and that also "expires_at"
// (contracts/alephant-pats.md section 4.1).
result<model::scope_set> scopes_of(const json_value& value);
std::optional<json_value> expiry_in(const json_document& body);
result<std::optional<timestamp>> expiry_of(const json_value& value);

}  // namespace nacre::http

#pragma once
// What proves later which entries an audit log had: its head, signed by the installation (keyring::sign_audit_head).

#include <string>
#include <string_view>

#include "model/audit.hpp"

namespace nacre::crypto {

struct audit_signature {
  std::string key;    // 32 bytes, Ed25519, public
  std::string value;  // 64 bytes
};

// What is signed: canonical JSON (RFC 8785) of edge, root, size, time and workspaceId.
std::string audit_head_bytes(workspace_id workspace, const model::audit_head& head, std::string_view time);
bool is_good(const audit_signature& signature, std::string_view head_bytes);

}  // namespace nacre::crypto

#include "crypto/audit_signature.hpp"

#include "crypto/digest.hpp"
#include "crypto/ed25519.hpp"
#include "crypto/strict_json.hpp"

namespace nacre::crypto {

std::string audit_head_bytes(workspace_id workspace, const model::audit_head& head, std::string_view time) {
  std::string out = "{\"edge\":[";
  for (const auto& each : head.edge) {
    if (out.back() != '[') out += ',';
    out += json_quoted(to_hex(view(each)));
  }
  out += "],\"root\":" + json_quoted(to_hex(view(model::root(head)))) + ",\"size\":" + std::to_string(head.size);
  return out + ",\"time\":" + json_quoted(time) + ",\"workspaceId\":" + json_quoted(to_string(workspace)) + "}";
}

bool is_good(const audit_signature& signature, std::string_view head_bytes) {
  return ed25519_verifies(signature.key, head_bytes, signature.value);
}

}  // namespace nacre::crypto

#pragma once
// How what is sealed is bound to its record, so that a disk writer who moves ciphertext between records,
// or edits what must never change, makes it unreadable. A PAT's token: to the workspace, the id, owner,
// scopes, prefix and time of creation, after a rotation also to the token's lookup. A one-time secret: to receipt,
// owner, times, kind and whether it has a passphrase. An answer: to who asked, when, and who may pick it up. A
// webhook's signing secret: to the workspace, the id and its version.

#include <string>

#include "crypto/keyring.hpp"
#include "model/asks.hpp"
#include "model/record_bytes.hpp"
#include "model/records.hpp"
#include "model/secret_records.hpp"
#include "model/view.hpp"
#include "model/webhook_records.hpp"
#include "model/wire.hpp"

namespace nacre::actors {

inline std::string pat_policy(const model::pat_record& pat) {
  model::writer w;
  w.id(pat.owner).u8(pat.scopes).time(pat.created).bytes(pat.prefix);
  // A token of before a rotation must not be put back in the new one's place.
  if (pat.rotations > 0) w.raw(model::bytes::view(pat.lookup));
  return w.take();
}

inline crypto::seal_context pat_sealing(workspace_id ws, pat_id id, std::string_view policy) {
  return {ws, id.value(), "pat", "token", policy};
}

inline std::string secret_policy(const model::secret_record& s) {
  return model::writer{48}
      .id(s.receipt)
      .id(s.owner)
      .time(s.created)
      .u32(s.lifespan_s)
      .u8(static_cast<std::uint8_t>(s.kind))
      .flag(s.has_passphrase)
      .take();
}
// The value, under the secret's link.
inline crypto::seal_context secret_sealing(workspace_id ws, secret_id id, std::string_view policy) {
  return {ws, id.value(), "ots", "value", policy};
}
// What a receipt can tell: `field` is "generated", "receipt" (its own link) or, before format 4, "link" (of the
// secret).
inline crypto::seal_context receipt_sealing(workspace_id ws, receipt_id id, std::string_view field) {
  return {ws, id.value(), "otr", field, {}};
}

inline std::string ask_policy(const model::ask_record& a) {
  return model::writer{}.id(a.owner).time(a.created).u32(a.lifespan_s).raw(model::bytes::view(a.pickup)).take();
}
// An answer to a request for a secret, under the link that asked.
inline crypto::seal_context answer_sealing(workspace_id ws, ask_id id, std::string_view policy) {
  return {ws, id.value(), "ask", "answer", policy};
}

inline std::string webhook_secret_policy(std::uint32_t version) { return model::writer{}.u32(version).take(); }

inline crypto::seal_context webhook_sealing(workspace_id ws, webhook_id id, std::string_view policy) {
  return {ws, id.value(), "webhook", "secret", policy};
}

// The secret of this version, from a view and the keys alone: for the workspace's actor and for who signs.
result<crypto::secure_bytes> open_webhook_secret(const model::view& v, const crypto::keyring& keys, workspace_id ws,
                                                 webhook_id id, const model::webhook_record::secret& which);

}  // namespace nacre::actors

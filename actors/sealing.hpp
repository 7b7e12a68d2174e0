#pragma once
// How what is sealed is bound to its record: to the workspace, the id and what must never change (of a PAT:
// owner, scopes, prefix, time of creation; of a secret: receipt, owner, times, kind, whether it has a
// passphrase). A disk writer who moves ciphertext between records, or edits those fields, makes it unreadable.

#include <string>

#include "crypto/keyring.hpp"
#include "model/records.hpp"
#include "model/secret_records.hpp"
#include "model/wire.hpp"

namespace nacre::actors {

inline std::string pat_policy(const model::pat_record& pat) {
  return model::writer{}.id(pat.owner).u8(pat.scopes).time(pat.created).bytes(pat.prefix).take();
}

inline crypto::seal_context pat_sealing(workspace_id ws, pat_id id, std::string_view policy) {
  return {ws, id.value(), "pat", "token", policy};
}

inline std::string secret_policy(const model::secret_record& s) {
  return model::writer{}
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
// What a receipt can tell: `field` is "link" (of the secret), "generated" or "receipt" (its own link).
inline crypto::seal_context receipt_sealing(workspace_id ws, receipt_id id, std::string_view field) {
  return {ws, id.value(), "otr", field, {}};
}

}  // namespace nacre::actors

#pragma once
// How the links of one-time secrets become ids, and where a new one goes. What is stored of a link is a
// keyed lookup, cut to the id; without the pepper nobody can tell which link an id came from.

#include <string_view>

#include "crypto/keyring.hpp"
#include "model/ids.hpp"
#include "model/secret_records.hpp"
#include "model/view.hpp"

namespace nacre::actors {

// Any text has an id; one that was never issued finds nothing.
secret_id secret_id_of(const crypto::keyring& keys, std::string_view link);
// The link of the secret this is the receipt of. Who holds a receipt may be told it; nobody can go the other way.
crypto::secure_bytes link_of(const crypto::keyring& keys, std::string_view receipt_link);
// The secret's, as a receipt's.
receipt_id receipt_id_of(const crypto::keyring& keys, std::string_view receipt_link);
// What it was before format 4, when a secret's link was drawn for itself.
receipt_id older_receipt_id_of(const crypto::keyring& keys, std::string_view receipt_link);
// The one of the two that the workspace has; if neither, the first.
receipt_id receipt_id_in(const model::view& v, workspace_id ws, const crypto::keyring& keys,
                         std::string_view receipt_link, timestamp now);
// The same of the link that asks for a secret (model/asks.hpp).
ask_id ask_id_of(const crypto::keyring& keys, std::string_view link);
// Of what the pickup link carries beside it.
model::keyed_hash pickup_hash_of(const crypto::keyring& keys, ask_id ask, std::string_view pickup);
// Of an Idempotency-Key, bound to what it was sent with.
model::keyed_hash retry_hash_of(const crypto::keyring& keys, secret_id secret, std::string_view key);
// Of a PAT's reveal: bound to the token it has by then, for none that comes after may be had for what that one cost.
model::keyed_hash retry_hash_of(const crypto::keyring& keys, pat_id pat, std::uint32_t rotations, user_id caller,
                                std::string_view key);
model::keyed_hash retry_hash_of(const crypto::keyring& keys, ask_id ask, std::string_view key);
// Of an answer's: bound to its text too, so that another text under the same key is another answer.
model::keyed_hash answer_hash_of(const crypto::keyring& keys, ask_id ask, std::string_view key, std::string_view text);
// The same of a rotation.
model::keyed_hash rotation_hash_of(const crypto::keyring& keys, pat_id pat, user_id caller, std::string_view key);
// What a rotated token is made of: with the key its caller sent and the salt that is stored it can be made again,
// without the key nobody can.
crypto::secure_bytes rotation_bytes_of(const crypto::keyring& keys, workspace_id ws, pat_id pat, std::string_view salt,
                                       std::string_view key);

}  // namespace nacre::actors

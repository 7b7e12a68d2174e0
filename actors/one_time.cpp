#include "actors/one_time.hpp"

#include <algorithm>

#include "crypto/one_time.hpp"
#include "model/secrets.hpp"
#include "model/wire.hpp"

namespace nacre::actors {

namespace {

uuid first_half(const crypto::digest& lookup) {
  uuid id;
  std::copy_n(lookup.begin(), id.bytes.size(), id.bytes.begin());
  return id;
}

model::keyed_hash whole(const crypto::digest& lookup) {
  model::keyed_hash h{};
  std::copy(lookup.begin(), lookup.end(), h.begin());
  return h;
}

}  // namespace

secret_id secret_id_of(const crypto::keyring& keys, std::string_view link) {
  return secret_id{first_half(keys.link_lookup("ots", link))};
}

crypto::secure_bytes link_of(const crypto::keyring& keys, std::string_view receipt_link) {
  return crypto::identifier_from(keys, "otl", receipt_link);
}

receipt_id receipt_id_of(const crypto::keyring& keys, std::string_view receipt_link) {
  return receipt_id{secret_id_of(keys, link_of(keys, receipt_link).view()).value()};
}

receipt_id older_receipt_id_of(const crypto::keyring& keys, std::string_view receipt_link) {
  return receipt_id{first_half(keys.link_lookup("otr", receipt_link))};
}

receipt_id receipt_id_in(const model::view& v, workspace_id ws, const crypto::keyring& keys,
                         std::string_view receipt_link, timestamp now) {
  auto id = receipt_id_of(keys, receipt_link);
  if (model::find_receipt(v, ws, id, now)) return id;
  auto older = older_receipt_id_of(keys, receipt_link);
  return model::find_receipt(v, ws, older, now) ? older : id;
}

ask_id ask_id_of(const crypto::keyring& keys, std::string_view link) {
  return ask_id{first_half(keys.link_lookup("ask", link))};
}

model::keyed_hash pickup_hash_of(const crypto::keyring& keys, ask_id ask, std::string_view pickup) {
  return whole(keys.link_lookup("pickup", model::writer{}.id(ask).raw(pickup).view()));
}

model::keyed_hash retry_hash_of(const crypto::keyring& keys, ask_id ask, std::string_view key) {
  return whole(keys.link_lookup("retry", model::writer{}.u8('a').id(ask).raw(key).view()));
}

model::keyed_hash answer_hash_of(const crypto::keyring& keys, ask_id ask, std::string_view key, std::string_view text) {
  return whole(keys.link_lookup("retry", model::writer{}.u8('t').id(ask).bytes(key).raw(text).view()));
}

model::keyed_hash retry_hash_of(const crypto::keyring& keys, secret_id secret, std::string_view key) {
  return whole(keys.link_lookup("retry", model::writer{}.u8('s').id(secret).raw(key).view()));
}

model::keyed_hash retry_hash_of(const crypto::keyring& keys, pat_id pat, std::uint32_t rotations, user_id caller,
                                std::string_view key) {
  model::writer w;
  if (rotations == 0)
    w.u8('p');  // as before a reveal's key knew of rotations
  else
    w.u8('n').u32(rotations);
  return whole(keys.link_lookup("retry", w.id(pat).id(caller).raw(key).view()));
}

model::keyed_hash rotation_hash_of(const crypto::keyring& keys, pat_id pat, user_id caller, std::string_view key) {
  return whole(keys.link_lookup("retry", model::writer{}.u8('r').id(pat).id(caller).raw(key).view()));
}

crypto::secure_bytes rotation_bytes_of(const crypto::keyring& keys, workspace_id ws, pat_id pat, std::string_view salt,
                                       std::string_view key) {
  auto made = keys.link_lookup("rotation", model::writer{}.id(ws).id(pat).bytes(salt).bytes(key).view());
  crypto::secure_bytes out(made.size());
  std::copy(made.begin(), made.end(), out.data());
  return out;
}

}  // namespace nacre::actors

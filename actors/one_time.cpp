#include "actors/one_time.hpp"

#include <algorithm>

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

receipt_id receipt_id_of(const crypto::keyring& keys, std::string_view receipt_link) {
  return receipt_id{first_half(keys.link_lookup("otr", receipt_link))};
}

model::keyed_hash retry_hash_of(const crypto::keyring& keys, secret_id secret, std::string_view key) {
  return whole(keys.link_lookup("retry", model::writer{}.u8('s').id(secret).raw(key).view()));
}

model::keyed_hash retry_hash_of(const crypto::keyring& keys, pat_id pat, user_id caller, std::string_view key) {
  return whole(keys.link_lookup("retry", model::writer{}.u8('p').id(pat).id(caller).raw(key).view()));
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

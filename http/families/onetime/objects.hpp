#pragma once
// The objects of the v2 API (contracts/onetimesecret.md sections 3 and 4), byte by byte.
//
// Types: everything in a secret's record and details is a string ("true", "604800"); null only where the
// contract says so. In a receipt's record and details booleans and numbers are JSON's own, `created`, `updated`
// and `expiration` whole epoch seconds; the other times of a receipt are strings of epoch seconds, or null.
// The times in a receipt's details (`first_access`, `last_access`) are numbers or null.

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "actors/service.hpp"
#include "http/json.hpp"
#include "model/apply.hpp"

namespace nacre::http::onetime {

// Addresses hold links, and links open secrets.
crypto::secure_bytes secure_text(std::initializer_list<std::string_view> parts);

enum class secret_state : std::uint8_t { fresh, previewed, revealed };
std::string_view name_of(secret_state s);
std::string_view name_of(model::receipt_state s);
std::string_view name_of(model::secret_kind k);
inline secret_state state_of(const model::secret_record& r) {
  return r.previewed ? secret_state::previewed : secret_state::fresh;
}

void write_secret_record(json_writer& w, std::string_view identifier, const model::secret_record& r, secret_state s,
                         std::optional<std::string_view> value = {});

struct secret_details {
  bool go_on = false;  // the parsed `continue`
  bool is_owner = false;
  bool correct_passphrase = false;
  std::optional<std::string_view> value;  // shown in this very answer
};
void write_secret_details(json_writer& w, const secret_details& d);

// A receipt and the links that can still be told. `base`: "https://host".
enum class receipt_form : std::uint8_t { listed, single };
void write_receipt_record(json_writer& w, const actors::shown_receipt& r, receipt_form form,
                          std::string_view base = {});
void write_receipt_details(json_writer& w, const actors::shown_receipt& r, bool is_owner, timestamp now);
// Of a burn that was done, or (`burned` false) not asked for.
void write_burn_details(json_writer& w, bool burned);

bool is_over(model::receipt_state s);

// What an answer of this value may need at most, escapes included: growth would leave copies behind.
std::size_t room_for(std::size_t value_bytes);

}  // namespace nacre::http::onetime

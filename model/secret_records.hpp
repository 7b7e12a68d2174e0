#pragma once
// One-time secrets as they are stored. A secret's row lives until the secret is revealed, burned or
// expires; what became of it is told by its receipt, which lives twice as long. As long as the secret is there its
// receipt lies in the same row. Neither holds a link: ids are cut from keyed lookups (actors/one_time.hpp).
// Source: contracts/onetimesecret.md sections 4, 5 and 7.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "model/ids.hpp"
#include "model/limits.hpp"
#include "model/records.hpp"
#include "model/time.hpp"

namespace nacre::model {

using keyed_hash = std::array<std::uint8_t, 32>;

enum class secret_kind : std::uint8_t { conceal = 1, generate = 2 };

struct secret_record {
  receipt_id receipt;
  user_id owner;  // nil: a guest made it
  timestamp created;
  std::uint32_t lifespan_s = 0;
  std::optional<timestamp> previewed;
  secret_kind kind = secret_kind::conceal;
  bool has_passphrase = false;
  std::uint32_t data_key_version = 1;
  std::uint64_t sealed_bytes = 0;  // what it takes of its partition
  timestamp expires() const { return kept_after(created, std::int64_t{lifespan_s} * 1000); }
  friend bool operator==(const secret_record&, const secret_record&) = default;
};

// How a receipt ended, once; `open` ones are new, previewed, expired or orphaned by what is found with them.
enum class receipt_end : std::uint8_t { open = 0, revealed = 1, burned = 2, expired = 3 };

struct receipt_record {
  secret_id secret;
  user_id owner;       // nil: a guest's
  std::string custid;  // the account's e-mail; empty: a guest's
  timestamp created, updated;
  std::uint32_t lifespan_s = 0;  // of the secret
  secret_kind kind = secret_kind::conceal;
  bool has_passphrase = false;
  std::uint32_t data_key_version = 1;
  std::optional<timestamp> previewed;         // the receipt itself was read
  std::optional<timestamp> secret_previewed;  // the link was opened
  receipt_end end = receipt_end::open;
  std::optional<timestamp> ended;
  std::string recipients;  // masked
  std::string memo;
  std::optional<request_id> revealed_by;  // the request that claimed its secret by_receipt (claim_secret)
  timestamp secret_expires() const { return kept_after(created, std::int64_t{lifespan_s} * 1000); }
  timestamp expires() const {
    return kept_after(created, limits::receipt_life_factor * std::int64_t{lifespan_s} * 1000);
  }
  friend bool operator==(const receipt_record&, const receipt_record&) = default;
};

// What a receipt knows beyond its secret while that is there.
struct open_receipt {
  std::string custid;
  timestamp updated;
  std::optional<timestamp> previewed;
  std::string recipients, memo;
  friend bool operator==(const open_receipt&, const open_receipt&) = default;
};

// A secret as it lies in its one row: whoever reveals it needs all of it, and it goes as a whole.
struct held_secret {
  secret_record record;
  std::string sealed;  // under its link (and passphrase)
  // Of secrets made before format 4: their link, sealed under the receipt's. Of others the receipt's link leads to it.
  std::string sealed_link;
  std::optional<open_receipt> receipt;  // nothing: made before format 4, its receipt has a row of its own
  friend bool operator==(const held_secret&, const held_secret&) = default;
};

// The receipt that lies in this row.
receipt_record receipt_of(secret_id id, const secret_record& secret, const open_receipt& open);
// What of it is kept there.
open_receipt kept_of(receipt_record receipt);

// A reveal that can be fetched again by whoever brought this key.
struct claim_record {
  keyed_hash key{};
  timestamp until;         // later nobody can
  bool confirmed = false;  // the reader has it, or the window was swept: nobody can any more
  secret_record secret;    // as it was when it was claimed
  timestamp forgotten;     // when the row goes: with the receipt
  friend bool operator==(const claim_record&, const claim_record&) = default;
};

// The same for a PAT's reveal or rotation; found by the key, which is hashed together with caller and PAT.
struct pat_claim_record {
  pat_id pat;
  user_id user;
  keyed_hash key{};
  timestamp until;
  // The token a rotation made, as it can be made again by who holds the key; good while it is the PAT's.
  struct made {
    std::array<std::uint8_t, 16> salt{};
    std::array<std::uint8_t, 32> lookup{};
    friend bool operator==(const made&, const made&) = default;
  };
  std::optional<made> rotation;
  friend bool operator==(const pat_claim_record&, const pat_claim_record&) = default;
};

// Passphrase attempts, reserved before they are made.
struct attempts_record {
  struct counter {
    std::uint32_t attempts = 0;
    timestamp first;  // of the window
    std::optional<timestamp> locked_until;
    friend bool operator==(const counter&, const counter&) = default;
  };
  struct client {
    std::string prefix;
    counter count;
    friend bool operator==(const client&, const client&) = default;
  };
  counter secret;
  std::vector<client> clients;
  std::uint32_t lifetime = 0;
  friend bool operator==(const attempts_record&, const attempts_record&) = default;
};

// What a guest partition holds, so that strangers cannot fill the disk, and how far its audit log is: every command
// there changes both.
struct partition_record {
  std::uint64_t secrets = 0;
  std::uint64_t sealed_bytes = 0;
  audit_head audit;
  friend bool operator==(const partition_record&, const partition_record&) = default;
};

std::string encode(const held_secret&);
std::string encode(const receipt_record&);
std::string encode(const claim_record&);
std::string encode(const pat_claim_record&);
std::string encode(const attempts_record&);
std::string encode(const partition_record&);

template <>
std::optional<held_secret> decode(std::string_view);
template <>
std::optional<receipt_record> decode(std::string_view);
template <>
std::optional<claim_record> decode(std::string_view);
template <>
std::optional<pat_claim_record> decode(std::string_view);
template <>
std::optional<attempts_record> decode(std::string_view);
template <>
std::optional<partition_record> decode(std::string_view);

}  // namespace nacre::model

#pragma once
// What is stored of webhooks: whom to tell of what, how it went, and what still waits to be told.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/ids.hpp"
#include "model/records.hpp"
#include "model/time.hpp"

namespace nacre::model {

// The number is stored; new ones go to the end. `ping` goes to the webhook it was asked of, wanted or not.
enum class event_type : std::uint8_t {
  ping = 1,
  secret_revealed,
  secret_burned,
  secret_expired,
  secret_locked,
  pat_created,
  pat_revealed,
  pat_revoked,
  pat_expiring,
  pat_rotated,
  pat_reused,  // a token that a rotation had ended was presented
};
inline constexpr std::uint8_t event_types = static_cast<std::uint8_t>(event_type::pat_reused);
std::string_view name_of(event_type t);  // "pat.revealed"
std::optional<event_type> parse_event_type(std::string_view text);

// A set of them, as bits. Empty: all, those of later versions too.
using event_set = std::uint32_t;
constexpr event_set bit_of(event_type t) { return event_set{1} << static_cast<unsigned>(t); }
inline constexpr event_set every_event = (event_set{1} << (event_types + 1)) - 2;
constexpr bool wants(event_set set, event_type t) { return set == 0 || (set & bit_of(t)) != 0; }

struct webhook_record {
  std::string url;
  event_set events = 0;
  timestamp created;
  user_id created_by;
  bool enabled = true;
  bool gone = false;  // switched off by nacre: the receiver answered 410
  struct secret {
    std::uint32_t version = 1, data_key_version = 1;
    friend bool operator==(const secret&, const secret&) = default;
  };
  secret current;
  // After a change of the secret the one before signs along until then.
  struct outgoing_secret {
    secret which;
    timestamp until;
    friend bool operator==(const outgoing_secret&, const outgoing_secret&) = default;
  };
  std::optional<outgoing_secret> previous;
  friend bool operator==(const webhook_record&, const webhook_record&) = default;
};

// Which webhooks a workspace has: the one row that every act looks for. There is none without webhooks.
struct webhook_list {
  struct item {
    webhook_id id;
    bool enabled = true;
    event_set events = 0;
    friend bool operator==(const item&, const item&) = default;
  };
  std::vector<item> items;
  friend bool operator==(const webhook_list&, const webhook_list&) = default;
};

// How it went so far. `due` is that of its row in the index, nothing if it has none.
struct webhook_progress {
  std::uint64_t next_seq = 1;
  std::uint32_t waiting = 0;
  std::uint64_t delivered = 0, failed = 0;  // attempts
  std::uint64_t given_up = 0, dropped = 0;  // deliveries
  std::uint32_t failing = 0;                // attempts since the last delivery
  std::optional<timestamp> last_delivered, last_failed, due;
  std::uint16_t last_status = 0;  // of the last attempt that was answered
  friend bool operator==(const webhook_progress&, const webhook_progress&) = default;
};

// One event on its way to one webhook. Time of the next attempt and place in the line are in the key.
struct delivery_record {
  uuid id;
  event_type type = event_type::ping;
  timestamp created;
  std::string object;      // id of a PAT, short id of a secret; letters, digits and hyphens only
  std::uint8_t actor = 0;  // caller::kind
  user_id user;
  std::uint32_t days = 0;  // pat.expiring: how many are left
  std::uint32_t attempts = 0;
  friend bool operator==(const delivery_record&, const delivery_record&) = default;
};

std::string encode(const webhook_record&);
std::string encode(const webhook_list&);
std::string encode(const webhook_progress&);
std::string encode(const delivery_record&);

template <>
std::optional<webhook_record> decode(std::string_view);
template <>
std::optional<webhook_list> decode(std::string_view);
template <>
std::optional<webhook_progress> decode(std::string_view);
template <>
std::optional<delivery_record> decode(std::string_view);

}  // namespace nacre::model

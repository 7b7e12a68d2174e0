#pragma once
// What is stored, decoded. Every encoding begins with its version byte; `decode` answers nothing
// for bytes it does not know, which callers treat as a failed read, never as "not there".

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/ids.hpp"
#include "model/time.hpp"
#include "model/tokens.hpp"

namespace nacre::model {

enum class role : std::uint8_t { member = 1, admin = 2, owner = 3 };
std::string_view name_of(role r);
std::optional<role> parse_role(std::string_view text);

struct workspace_record {
  std::string name;
  timestamp created;
  std::optional<timestamp> deleted;
  std::uint32_t data_key_version = 1;
  std::uint32_t owners = 0, members = 0, projects = 0, service_users = 0;
  std::uint64_t live_pats = 0;
  std::uint64_t pat_seq = 0;   // tokens ever created; breaks ties of creation time in lists
  std::uint64_t user_seq = 0;  // numbers given to members and service users
  friend bool operator==(const workspace_record&, const workspace_record&) = default;
};

// A member who left keeps the row, so that a token's role claim cannot bring them back.
struct member_record {
  model::role role = role::member;
  std::optional<timestamp> removed;
  timestamp joined;
  std::string email;
  std::uint32_t live_pats = 0;
  // PATs up to this `seq` were theirs in an earlier membership: such a token is no credential any
  // more, whoever puts its owner back. By seq, not by time: an import is dated where it was issued.
  std::uint64_t dead_pats = 0;
  std::uint64_t number =
      0;  // integer id beside the uuid, kept over a second membership; 0: joined before there were any
  friend bool operator==(const member_record&, const member_record&) = default;
};

// What a service user may do where a family asks for a role. The number is stored.
enum class account_type : std::uint8_t { invited = 1, member, author, admin, owner };
std::string_view name_of(account_type t);
std::optional<account_type> parse_account_type(std::string_view text);

// A user nobody signs in as: it acts by its tokens. Like a member, one that was deleted keeps its row.
struct service_user_record {
  std::string name;
  timestamp created;
  user_id created_by;
  std::string email;  // or a user name: what the families call it by; may be empty
  account_type type = account_type::member;
  std::uint32_t root_role = 0;  // Unleash's number of a role, as given; 1 is Admin
  std::uint64_t number = 0;     // as a member's
  timestamp updated;
  std::optional<timestamp> removed;
  // Of the members' roles, the one it has.
  model::role role() const {
    if (type == account_type::owner) return model::role::owner;
    return type == account_type::admin || root_role == 1 ? model::role::admin : model::role::member;
  }
  friend bool operator==(const service_user_record&, const service_user_record&) = default;
};

struct project_record {
  std::string name, key, version;
  timestamp created, updated;
  friend bool operator==(const project_record&, const project_record&) = default;
};

// One token of any family.
struct pat_record {
  user_id owner;  // a member or a service user
  std::string name;
  std::string prefix;  // tokenPrefix; never more of the token than this
  scope_set scopes = scope_read;
  timestamp created;
  std::optional<timestamp> expires, revoked, last_used;
  std::uint64_t seq = 0;               // integer id beside the uuid
  bool imported = false;               // hash-only: nothing is sealed, reveal answers 422 for ever
  std::uint32_t data_key_version = 0;  // of the sealed token; 0 without one
  std::uint32_t pepper_version = 1;
  std::array<std::uint8_t, 32> lookup{};
  std::int64_t use_audited_hour = 0;  // hours since 1970 of the last audited use

  token_family family = token_family::alephant;
  std::vector<permission> permissions;  // service: in the order given, each once
  bool all_projects = true;
  std::vector<project_id> projects;  // service, unless all_projects
  std::optional<timestamp> updated;  // last change by a person; nothing: never
  restrictions only;
  std::uint64_t uses = 0;  // counted while only.uses_max is set
  // The token before the last rotation, while it is good as well.
  struct outgoing_token {
    std::array<std::uint8_t, 32> lookup{};
    timestamp until;
    bool until_first_use = false;  // of the new one, if that comes earlier
    friend bool operator==(const outgoing_token&, const outgoing_token&) = default;
  };
  std::optional<outgoing_token> previous;
  std::uint32_t rotations = 0;

  bool has_ciphertext() const { return data_key_version != 0; }
  friend bool operator==(const pat_record&, const pat_record&) = default;
};

// The reveals of one user within the window, oldest first: decides both budgets exactly.
struct budget_record {
  struct spent {
    timestamp at;
    pat_id pat;
    friend bool operator==(const spent&, const spent&) = default;
  };
  std::vector<spent> reveals;
  friend bool operator==(const budget_record&, const budget_record&) = default;
};

// Size and right edge of a workspace's audit tree (RFC 9162 section 2.1): the roots of its perfect
// subtrees, largest first. Enough to append and to compute the root without reading entries.
struct audit_head {
  std::uint64_t size = 0;
  std::vector<std::array<std::uint8_t, 32>> edge;
  friend bool operator==(const audit_head&, const audit_head&) = default;
};

struct audit_row {
  std::array<std::uint8_t, 32> leaf{};
  std::string entry;  // canonical JSON, RFC 8785
  friend bool operator==(const audit_row&, const audit_row&) = default;
};

// An audit head within another record.
class writer;
class reader;
void put(writer& w, const audit_head& v);
void get(reader& r, audit_head& v);

std::string encode(const workspace_record&);
std::string encode(const member_record&);
std::string encode(const service_user_record&);
std::string encode(const project_record&);
std::string encode(const pat_record&);
std::string encode(const budget_record&);
std::string encode(const audit_head&);
std::string encode(const audit_row&);

// decode<pat_record>(bytes); specialised for every record above.
template <class Record>
std::optional<Record> decode(std::string_view bytes);
template <>
std::optional<workspace_record> decode(std::string_view);
template <>
std::optional<member_record> decode(std::string_view);
template <>
std::optional<service_user_record> decode(std::string_view);
template <>
std::optional<project_record> decode(std::string_view);
template <>
std::optional<pat_record> decode(std::string_view);
template <>
std::optional<budget_record> decode(std::string_view);
template <>
std::optional<audit_head> decode(std::string_view);
template <>
std::optional<audit_row> decode(std::string_view);

}  // namespace nacre::model

#pragma once
// The cluster as an operator sees it, and what they may change of it: filled and done by the program around the API
// (probes in api.hpp), for http knows nothing of how nodes agree.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/ids.hpp"
#include "model/time.hpp"

namespace nacre::http {

// The word in a JWT's `scope` that makes its holder an operator.
inline constexpr std::string_view operator_scope = "nacre.cluster";
inline constexpr std::size_t cluster_address_bytes_max = 280;

struct cluster_member {
  std::uint64_t node = 0;
  std::string address;  // host:port, where the others reach it
  bool self = false;
  std::string role;        // "leader" (of some group), "follower", "candidate", "stopped", "unknown"
  bool votes = false;      // it is in the present epoch, holds the state and knows who leads; as it says itself
  bool connected = false;  // with the node that answers
  std::optional<std::chrono::milliseconds> last_contact;  // nothing: never
  std::string trouble;  // why it is not connected or knows no leader; empty: nobody knows, or all is well
  // As it said of itself; nothing while it is silent.
  std::optional<std::uint64_t> applied;  // of all groups together, as is `behind`
  std::optional<std::uint64_t> behind;   // entries that are committed and not applied there yet
  bool fetching = false;                 // it gets the state
  std::uint64_t fetched_bytes = 0;       // so far
  std::optional<timestamp> certificate_end;
  std::string version;
  std::optional<std::int64_t> clock_ahead_ms;  // of the clock of the node that answers; give or take what a word takes
};

struct cluster_group {
  std::uint32_t group = 0;
  std::string role;  // of the node that answers
  std::optional<std::uint64_t> leader;
  std::uint64_t epoch = 0, term = 0, commit_index = 0, applied_index = 0;
  std::size_t pending = 0;
};

struct cluster_view {
  bool single = true;  // one node orders everything: no more is said
  std::uint64_t node = 0;
  std::string id;            // of the cluster; no secret
  std::uint64_t epoch = 0;   // of its members; each change is the next
  std::size_t can_lose = 0;  // members that may still fail
  std::vector<cluster_member> members;
  std::vector<cluster_group> groups;
};

// Who are to be the members, all of them. `epoch`: which members were seen when this was decided.
struct cluster_wish {
  struct member {
    std::uint64_t node = 0;
    std::string address;
  };
  std::uint64_t epoch = 0;
  std::vector<member> members;
};

}  // namespace nacre::http

#pragma once
// What nodes of a cluster say to each other about one group in one epoch.
//
// A frame is a version, a kind, the instance and the kind's fields, integers big-endian. decode() takes bytes of
// another machine: it refuses what encode() would not have written, and everything it returns is within the bounds
// stated here. Who sent a frame is what the connection proves, never a field.

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "cluster/raft/entries.hpp"
#include "cluster/raft/types.hpp"

namespace nacre::cluster::raft {

inline constexpr std::uint8_t frame_version = 1;
inline constexpr std::size_t entries_per_frame_max = 1024;
// Of payloads in one append; a single larger entry still travels alone.
inline constexpr std::size_t append_bytes_max = 1u << 20;
inline constexpr std::size_t chunk_bytes_max = 1u << 20;
static_assert(append_bytes_max + entry_bytes_max + 64 * entries_per_frame_max <= frame_bytes_max,
              "an append must fit a frame");

// ---- raft itself
struct append {
  std::uint64_t term = 0, prev_index = 0, prev_term = 0, commit = 0;
  bool quiet = false;  // says only what is committed: a success is not worth an answer
  std::vector<log_entry> entries;
  friend bool operator==(const append&, const append&) = default;
};
struct append_reply {
  std::uint64_t term = 0, rejected = 0, last_index = 0;
  friend bool operator==(const append_reply&, const append_reply&) = default;
};
struct vote {
  std::uint64_t term = 0, last_index = 0, last_term = 0;
  bool pre = false;
  friend bool operator==(const vote&, const vote&) = default;
};
struct vote_reply {
  std::uint64_t term = 0;
  bool granted = false, pre = false;
  friend bool operator==(const vote_reply&, const vote_reply&) = default;
};
// The leader's log does not reach back far enough: fetch the state at this place, from it, under this number.
struct snapshot_offer {
  std::uint64_t term = 0;
  log_mark at;
  std::uint64_t stream = 0;
  friend bool operator==(const snapshot_offer&, const snapshot_offer&) = default;
};

// ---- commands on their way to the leader
struct forward {
  std::vector<tagged_command> commands;  // of the sender
  friend bool operator==(const forward&, const forward&) = default;
};
enum class refusal : std::uint8_t { not_leader = 1, busy = 2 };
struct forward_refused {
  refusal why = refusal::not_leader;
  std::vector<std::uint64_t> seqs;
  friend bool operator==(const forward_refused&, const forward_refused&) = default;
};

// ---- reads that must be current
struct probe {
  std::uint64_t round = 0, term = 0;
  friend bool operator==(const probe&, const probe&) = default;
};
struct probe_reply {
  std::uint64_t round = 0, term = 0;
  friend bool operator==(const probe_reply&, const probe_reply&) = default;
};
struct ask_index {
  std::uint64_t id = 0;
  friend bool operator==(const ask_index&, const ask_index&) = default;
};
struct index_reply {
  std::uint64_t id = 0;
  bool known = false;  // false: ask again, perhaps another
  std::uint64_t index = 0;
  friend bool operator==(const index_reply&, const index_reply&) = default;
};

// ---- the state itself, for who is too far behind
struct fetch {
  std::uint64_t stream = 0, chunk = 0;
  friend bool operator==(const fetch&, const fetch&) = default;
};
struct chunk {
  std::uint64_t stream = 0, number = 0;
  bool known = true;  // false: there is no such stream (any more)
  bool last = false;
  std::uint64_t digest = 0;  // of all rows so far, this chunk's included (state_rows.hpp)
  std::string rows;
  friend bool operator==(const chunk&, const chunk&) = default;
};

// ---- membership
// Whoever is in an older epoch: this one counts, and began after `mark`.
struct epoch_notice {
  log_mark mark;
  std::uint32_t groups = 1;
  member_list members;
  friend bool operator==(const epoch_notice&, const epoch_notice&) = default;
};
// To the leader: end this epoch, and begin the next with these.
struct reconfigure {
  member_list members;
  friend bool operator==(const reconfigure&, const reconfigure&) = default;
};

using message = std::variant<append, append_reply, vote, vote_reply, snapshot_offer, forward, forward_refused, probe,
                             probe_reply, ask_index, index_reply, fetch, chunk, epoch_notice, reconfigure>;

struct frame {
  instance of;
  message what;
  friend bool operator==(const frame&, const frame&) = default;
};

std::string encode(const frame& f);
std::optional<frame> decode_frame(std::string_view bytes);
// Group and epoch alone, for who hands frames to groups.
std::optional<instance> peek_instance(std::string_view bytes);

}  // namespace nacre::cluster::raft

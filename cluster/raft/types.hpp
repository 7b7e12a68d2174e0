#pragma once
// Words the parts of the raft engine share: what is in its log, and what is written of it.
//
// Indexes go on over epochs and over the change from `solo`: an epoch's log begins after a mark, the place up to which
// everything is in the state already.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cluster/peers.hpp"

namespace nacre::cluster::raft {

using group_id = std::uint32_t;
using member = peers::neighbour;  // a node, and where it is reached
using member_list = std::vector<member>;

// Which raft instance something belongs to. Epochs count from 1, and each has its own fixed members.
struct instance {
  group_id group = 0;
  std::uint64_t epoch = 1;
  friend bool operator==(const instance&, const instance&) = default;
};

enum class entry_kind : std::uint8_t {
  commands = 1,  // a batch, as in entries.hpp
  barrier = 2,   // nothing: the first act of a leader
};
struct log_entry {
  std::uint64_t term = 0;
  entry_kind kind = entry_kind::commands;
  std::string payload;  // never empty
  friend bool operator==(const log_entry&, const log_entry&) = default;
};

struct vote_record {
  std::uint64_t term = 0;
  node_id vote = 0;  // 0: none in this term
  friend bool operator==(const vote_record&, const vote_record&) = default;
};

// Everything up to `index` is in the state; `term` is that of the entry there.
struct log_mark {
  std::uint64_t index = 0;
  std::uint64_t term = 0;
  friend bool operator==(const log_mark&, const log_mark&) = default;
};

// One instance's log as it was found on the disk.
struct loaded_log {
  vote_record vote;
  log_mark mark;
  std::uint64_t first = 1;  // index of entries[0]; at most mark.index + 1, more when some are kept for slow followers
  std::vector<log_entry> entries;
};

// Lands as a whole, in the order of the fields, after every write submitted before.
struct log_write {
  std::optional<vote_record> vote;
  std::uint64_t truncate_from = 0;  // forget entries from here on; 0: none
  std::uint64_t first = 0;          // index of append[0]
  std::vector<log_entry> append;
  std::optional<log_mark> mark;
  std::uint64_t drop_below = 0;  // forget entries before this one; 0: none
};

struct committed_entry {
  std::uint64_t index = 0;
  std::uint64_t term = 0;
  std::string payload;  // empty: a barrier
};

}  // namespace nacre::cluster::raft

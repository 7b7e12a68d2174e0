#pragma once
// What an entry of the log holds: a batch of commands, each with the tag of the node that took its request.
//
// The tag lets that node recognise its own command when it applies the entry, and every node tell a command that was
// proposed twice (seen.hpp). Bytes of an entry come from another machine or from a disk and are checked.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/raft/types.hpp"
#include "model/wire.hpp"

namespace nacre::cluster::raft {

inline constexpr std::size_t commands_per_entry_max = 4096;
inline constexpr std::size_t entry_bytes_max = 2u << 20;

struct tag {
  node_id node = 0;         // that took the request
  std::uint64_t boot = 0;   // counts that node's starts
  std::uint64_t seq = 0;    // counts its proposals to this group since
  std::uint64_t floor = 0;  // it waits for none before this one any more
  friend bool operator==(const tag&, const tag&) = default;
};

struct tagged_command {
  tag from;
  std::string command;  // model::encode
  friend bool operator==(const tagged_command&, const tagged_command&) = default;
};

// The same where it lies in the payload of an entry, which must outlive it.
struct batched_command {
  tag from;
  std::string_view command;
};

// The last entry of an epoch: who forms the next one, and with which data directory. What lies behind it in the log
// counts for nothing. Those of before format 6 name no directories.
struct seal {
  std::uint64_t next_epoch = 0;
  member_list members;
};

inline constexpr std::size_t address_bytes_max = 300;
void put_members(model::writer& w, const member_list& members);
// Fails the reader where there are too many, one twice or one without a number.
member_list get_members(model::reader& r, bool with_directories = true);

std::string encode_seal(const seal& s);
bool is_seal(std::string_view payload);
std::optional<seal> decode_seal(std::string_view payload);

// One command as it lies in an entry and in a forwarded frame.
std::string encode_item(const tag& from, std::string_view command);
// The whole payload of an entry made of items.
std::string encode_batch(const std::vector<std::string>& items);
std::optional<std::vector<batched_command>> decode_batch(std::string_view payload);

}  // namespace nacre::cluster::raft

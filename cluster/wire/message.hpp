#pragma once
// What two nodes say to each other, as bytes.
//
//   message = "NW" | version u8 | kind u8 | body              numbers are big-endian
//   hello   = cluster 16 | from u64 | to u64 | instance 16 | nonce 32 | share 32 | certificate, u32 before it |
//             directory 16 | boot u64 | known u8, and for each: node u64 | directory 16 | boot u64 | instance 16
//   answer  = a hello of the other side, u32 before it | signature, u32 before it | root proof 16
//   proof   = signature, u32 before it | root proof 16
//   refusal = reason u8
//   frames  = number u64 | one or more frames, u32 before each | tag 16    a sealed message: see channel.hpp
//   beat    = number u64 | acknowledged u64 | tag 16           a sealed message
//
// The four bytes at the front and a refusal mean the same in every version, so that nodes of different versions can
// tell each other why they do not talk. Everything decoded here comes from another machine: what does not fit
// exactly is nothing.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/peers.hpp"
#include "model/ids.hpp"

namespace nacre::cluster::wire {

inline constexpr std::uint8_t protocol_version = 6;
inline constexpr std::size_t header_bytes = 4, number_bytes = 8, length_bytes = 4, tag_bytes = 16, nonce_bytes = 32,
                             share_bytes = 32, root_proof_bytes = 16;
inline constexpr std::size_t hello_bytes_max = 8 * 1024;  // any message before the channel stands
inline constexpr std::size_t message_bytes_max =
    header_bytes + number_bytes + length_bytes + frame_bytes_max + tag_bytes;

enum class kind : std::uint8_t { hello = 1, answer, proof, refusal, frames, beat };

// Why two nodes do not talk. The number travels.
enum class refusal : std::uint8_t {
  older = 1,        // its protocol is older than ours
  newer,            // its protocol is newer than ours
  malformed,        // not what this protocol says
  other_cluster,    // another cluster id
  certificate,      // its certificate is none of this cluster for that node
  signature,        // it does not have the key of its certificate
  root_key,         // another root key
  duplicate,        // its node id is in use by another live process
  own_id,           // its node id is ours
  not_member,       // its node id is none we know
  misdirected,      // it wanted another node than us, or it is another than we wanted
  busy,             // too many begin at once
  other_directory,  // its data directory is not the one its number had
  older_start,      // its data directory is an older copy of the one its number had, or a second one
  own_older,        // we have learned from it that our own data directory is an older copy
};
// For status and logs, in the words of the side that refuses, and of the side that is refused.
std::string_view why_we_refuse(refusal r);
std::string_view why_it_refuses(refusal r);

struct header {
  std::uint8_t version = 0;
  wire::kind kind = kind::hello;
};
// Of any version; nothing if it is no message at all.
std::optional<header> header_of(std::string_view message);
std::string header_for(kind k);  // of our version

struct hello {
  uuid cluster;
  node_id from = 0, to = 0;
  uuid instance;            // of the process, fresh at each start
  std::string nonce;        // nonce_bytes
  std::string share;        // share_bytes, of the key agreement
  std::string certificate;  // DER
  uuid directory;           // nil: nobody asks
  std::uint64_t boot = 0;
  std::vector<acquaintance> known;  // by ascending number
  friend bool operator==(const hello&, const hello&) = default;
};
struct proof {
  std::string signature;
  std::string root;  // root_proof_bytes
  friend bool operator==(const proof&, const proof&) = default;
};
struct answer {
  wire::hello hello;
  wire::proof proof;
  friend bool operator==(const answer&, const answer&) = default;
};

// A whole message each, of our version.
std::string encode(const hello& h);
std::string encode(const answer& a);
std::string encode(const proof& p);
std::string encode(refusal r);
std::optional<hello> decode_hello(std::string_view message);
std::optional<answer> decode_answer(std::string_view message);
std::optional<proof> decode_proof(std::string_view message);
std::optional<refusal> decode_refusal(std::string_view message);  // of any version

}  // namespace nacre::cluster::wire

#pragma once
// Messages sealed to the hello they follow: numbered, and authenticated with keys that only the two nodes have which
// proved themselves there. CAF's TLS alone does not tell which node sent a message, and routes messages for others.
// What it carries is not encrypted once more: TLS has done that.
//
// A message is taken once and in the order in which it was sealed; the first that is not ends the channel.
// Threads: one per object.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cluster/wire/message.hpp"
#include "crypto/secure_bytes.hpp"

namespace nacre::cluster::wire {

// Frames that travel as one message, in the bytes they have there.
class bundle {
 public:
  static constexpr std::size_t bytes_max = 64 * 1024;  // of several; a larger frame travels alone
  explicit bundle(std::string_view frame);
  bool add(std::string_view frame);  // false: it has no room

 private:
  friend class sealer;
  void put(std::string_view frame);
  std::string message_;
};

class sealer {
 public:
  explicit sealer(crypto::secure_bytes key) : key_(std::move(key)) {}
  std::string frames(bundle all);
  std::string beat(std::uint64_t acknowledged);

 private:
  std::string seal(std::string message);  // with room for the number
  crypto::secure_bytes key_;
  std::uint64_t number_ = 0;
};

struct opened {
  wire::kind kind = kind::beat;
  std::vector<std::string> frames;
  std::uint64_t acknowledged = 0;  // of a beat
};

class opener {
 public:
  explicit opener(crypto::secure_bytes key) : key_(std::move(key)) {}
  // Nothing: not the next message of this channel; it is to be given up.
  std::optional<opened> open(std::string message);

 private:
  crypto::secure_bytes key_;
  std::uint64_t number_ = 0;
};

}  // namespace nacre::cluster::wire

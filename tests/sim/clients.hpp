#pragma once
// Clients of one workspace: they create and reveal secrets and PATs through any node, and come again with the same
// request until they know what came of it. Secrets and PATs are told apart by number.

#include <cstdint>
#include <memory>
#include <vector>

#include "tests/support/people.hpp"

namespace nacre::sim {

class node;
class world;

inline const workspace_id home = testing::workspace_no(1);
// The log of acts names a secret by the first four bytes of its id.
inline secret_id secret_no(std::uint64_t n) {
  auto id = testing::nth<secret_id>(0x60, n).value();
  for (std::size_t i = 1; i < 4; ++i) id.bytes[i] = static_cast<std::uint8_t>(n >> (8 * (3 - i)));
  return secret_id{id};
}

class clients {
 public:
  explicit clients(world& w) : w_(w) {}
  // One more request, and the next one after a while, until some time after the world's chaos.
  void step();
  // One more secret; a read that must be current, of this node.
  void create();
  void read_current(node& n);

 private:
  struct request;

  void begin(model::operation op, bool guest, std::uint64_t reader = 0, bool had = false);
  void claim_with_key(std::uint64_t secret);
  void attempt(const std::shared_ptr<request>& r);
  void decided(const request& r, const node& by, const model::outcome& o);

  world& w_;
  std::uint64_t requests_ = 0, made_ = 0;
  std::vector<std::uint64_t> pats_;
  bool founded_ = false;
};

}  // namespace nacre::sim

#pragma once
// The signed hello: who the other side is, and that it means this connection.
//
//   dialler                         acceptor
//   hello   ------------------->    certificate of the cluster's CA for the node it names, a member, not us
//           <-------------------    answer: the same of the acceptor, signed
//   proof   ------------------->    signed
//
// Both sign everything both said (roles, cluster, node ids, instances, nonces, shares, certificates), prove that they
// hold the same root key without showing even its check value, and derive the keys of the channel from an X25519
// exchange that is part of what is signed. So a third node of the cluster that stands in between can neither become one
// of the two nor write into their channel.
//
// Before a side has verified the other nothing but the next message of this exchange is handled; whatever else comes
// is a refusal. Pure but for the randomness of nonce and share. Threads: one per object.

#include <cstdint>
#include <functional>
#include <string>
#include <tl/expected.hpp>

#include "cluster/wire/message.hpp"
#include "crypto/certificates.hpp"
#include "crypto/secure_bytes.hpp"

namespace nacre::cluster::wire {

struct self_description {
  const crypto::node_identity& identity;
  uuid instance;
  // What names the root key (key_provider::check_value). Never sent: it keys the proof.
  std::string root_check;
  const doorkeeper* door = nullptr;  // whose directory and acquaintances the hello tells
};

// What a verified hello said of its node's data.
struct introduction {
  credential shown;
  std::vector<acquaintance> knows;
};

struct channel_keys {
  crypto::secure_bytes out, in;
};

template <class T>
using or_refusal = tl::expected<T, refusal>;

class dialling {
 public:
  // `self` must outlive it.
  dialling(const self_description& self, node_id to);
  std::string hello() const { return hello_; }
  // The proof to send, if the answer is the wanted node's. `now`: seconds since 1970, for certificates.
  or_refusal<std::string> on_answer(std::string_view message, std::int64_t now);
  channel_keys take_keys() { return std::move(keys_); }  // after on_answer() succeeded
  const uuid& peer_instance() const { return introduced_.shown.process; }
  const introduction& introduced() const { return introduced_; }

 private:
  const self_description& self_;
  node_id to_;
  crypto::key_agreement share_;
  std::string hello_;
  channel_keys keys_;
  introduction introduced_;
};

class accepting {
 public:
  explicit accepting(const self_description& self) : self_(self) {}
  // The answer to send. `is_member`: whether we know a node of this id.
  or_refusal<std::string> on_hello(std::string_view message, std::int64_t now,
                                   const std::function<bool(node_id)>& is_member);
  or_refusal<void> on_proof(std::string_view message);
  channel_keys take_keys() { return std::move(keys_); }  // after on_proof() succeeded
  // What the hello claims; proved once on_proof() has succeeded. 0 before a hello.
  node_id peer() const { return peer_; }
  const uuid& peer_instance() const { return introduced_.shown.process; }
  const introduction& introduced() const { return introduced_; }

 private:
  const self_description& self_;
  std::optional<crypto::verified_member> member_;
  node_id peer_ = 0;
  introduction introduced_;
  std::string transcript_;
  channel_keys keys_;
};

}  // namespace nacre::cluster::wire

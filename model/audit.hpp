#pragma once
// The audit log of a workspace: append-only, part of the same batch as the act it records.
//
// An entry is canonical JSON (RFC 8785: sorted keys, no white space). Its leaf hash is
// SHA-256(0x00 || entry) and the tree above is RFC 9162 section 2.1, kept as its right edge, so that a head
// (crypto/audit_signature.hpp) is told without rereading entries. `seq` counts from 1 without gaps; the
// leaf index is seq - 1. Never in an entry: token, secret, passphrase, identifier, JWT, body, query.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "model/commands.hpp"
#include "model/records.hpp"
#include "model/secret_records.hpp"
#include "model/view.hpp"

namespace nacre::model {

using hash = std::array<std::uint8_t, 32>;

hash leaf_hash(std::string_view entry);
hash node_hash(const hash& left, const hash& right);
void append_leaf(audit_head& head, const hash& leaf);
hash root(const audit_head& head);  // of the empty tree: SHA-256 of nothing

struct fact {
  std::string_view action;
  std::string_view object = {};  // id of what was acted on, or empty
  std::string_view outcome = "granted";
  std::string_view reason = {};  // a fixed word for a denial, or empty
  std::uint32_t count = 1;       // how many times, for aggregated facts
};

// What guests have there, with its log; of a partition that nobody has written to yet, the empty one.
partition_record load_partition(const view& v, workspace_id ws);
// Of a workspace, or of a guest partition; of what has no log yet, the empty one.
audit_head load_audit_head(const view& v, workspace_id ws);

std::string canonical_entry(const context& ctx, const fact& what, std::uint64_t seq);
// Appends to the log of ctx.workspace. Answers the sequence number. Writes a guest partition's row: who changes that
// row too reads it anew after this, or hands it over.
std::uint64_t append_audit(state& st, const context& ctx, const fact& what);
// The same of a guest partition, and of no workspace, whose row changes with it: `row` as it is to be, but for its log.
std::uint64_t append_audit(state& st, const context& ctx, const fact& what, partition_record row);

}  // namespace nacre::model

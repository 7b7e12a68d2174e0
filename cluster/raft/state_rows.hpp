#pragma once
// The state of a group as one ordered stream of rows, for a node that is too far behind the log.
//
// Every row of the group's workspaces in `state`, `sealed`, `audit` and `index`, and which proposals have acted. What
// belongs to a node itself (its log, its votes, its keys) is no part of it.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cluster/raft/types.hpp"
#include "model/ids.hpp"
#include "model/view.hpp"
#include "storage/store.hpp"

namespace nacre::cluster::raft {

// The same on every node and in every version.
group_id group_of(workspace_id ws, std::uint32_t groups);
// Nothing: of no workspace.
std::optional<group_id> group_of_row(model::space in, std::string_view key, std::string_view value,
                                     std::uint32_t groups);

// Of the rows before: a sum that another order, a missing or a changed row does not give.
std::uint64_t digest_of(std::uint64_t so_far, std::string_view rows);
inline constexpr std::uint64_t digest_of_nothing = 0xcbf29ce484222325u;

// Where a stream goes on.
struct row_place {
  std::uint8_t part = 0;  // of row_parts
  std::string key;        // the first that was not sent
};
struct rows_read {
  std::string rows;
  row_place next;
  bool last = false;
};
// At most about `bytes_max`, at least one row if one is left. Nothing: a read failed.
std::optional<rows_read> read_rows(const model::view& v, group_id group, std::uint32_t groups, const row_place& from,
                                   std::size_t bytes_max);
// As writes to another node's store. Nothing: bytes that read_rows() did not write.
std::optional<storage::batch> writes_of(std::string_view rows, group_id group, std::uint32_t groups);
// Writes that erase what the group holds, so many rows at most, and where the next ones begin; empty when nothing is
// left.
std::optional<storage::batch> erasures(const model::view& v, group_id group, std::uint32_t groups, row_place& from,
                                       std::size_t rows_max);

}  // namespace nacre::cluster::raft

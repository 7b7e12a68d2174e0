#pragma once
// Answers to those who listed tokens lately, to be given again for as long as nothing they show has changed: neither a
// token, its last use and its counted uses included, nor its owner, nor what the caller may see (kept.hpp).
//
// Nothing in a list depends on the moment: one that has expired is shown with its expiry, like any other. Whether the
// caller's own credential is still good is not asked here; the gate has found it so.
//
// A list is found by who asked, by what credential, for what and where. Bounded: limits::kept_list_bytes_max each.

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "http/kept.hpp"
#include "http/server.hpp"
#include "model/commands.hpp"

namespace nacre::http {

struct kept_list {
  static constexpr auto depends_on = actors::changes::respect::lists;

  crypto::digest name{};  // name_of_list()
  std::uint64_t stamp = 0;
  workspace_id workspace;
  std::string lines, body;  // as response::ready_lines and ready_body
  std::string_view act;     // call::act
};

using kept_lists = kept<kept_list>;

// Nothing: too long to be kept. `path` and `query` as they came.
std::optional<crypto::digest> name_of_list(const model::context& by, std::string_view path, std::string_view query);
// Null: too long to be kept, and `made` is as it was. Else it is empty now: the answer is `ready(...)`.
kept_lists::entry to_kept(response& made, const crypto::digest& name, workspace_id ws, std::uint64_t stamp,
                          std::string_view act);
response ready(const kept_lists::entry& kept);

}  // namespace nacre::http

#pragma once
// Which handler a path belongs to: one table of exact segments, from which routes, documentation
// and tests are made. A segment is a literal or "{name}"; a literal wins over a capture. Paths are
// compared as they came: escapes are not decoded, and `//`, a trailing `/`, `.` and `..` match nothing, so a
// route has one spelling. What a capture holds is the handler's to judge.
//
// Threads: immutable after construction.

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "http/server.hpp"
#include "model/error.hpp"

namespace nacre::http {

struct route {
  method verb = method::get;
  std::string_view pattern;  // "/api/v1/pats/{id}"
  std::string_view name;     // operation id, unique
  std::string_view auth;     // who may call, for documentation and tests
  std::string_view summary;
};

struct route_match {
  enum class verdict : std::uint8_t { found, not_found, method_not_allowed };
  static constexpr std::size_t captures_max = 8;

  verdict what = verdict::not_found;
  std::size_t index = 0;  // into the table; if only the method is wrong, one that would be right
  std::array<std::string_view, captures_max> captures;  // in the order of the pattern; views into the path
  std::size_t capture_count = 0;
  std::string allow;  // if method_not_allowed: "GET, HEAD, DELETE"
};

class router {
 public:
  // The table must outlive the router. Refuses patterns that are malformed or said twice.
  static result<router> make(std::span<const route> table);

  // HEAD is answered by the GET route unless the table has a HEAD route.
  route_match match(method verb, std::string_view path) const;
  const route& at(std::size_t index) const { return table_[index]; }
  std::span<const route> table() const { return table_; }

 private:
  static constexpr std::size_t segments_max = 16;
  static constexpr std::size_t verbs = 8;

  // All routes of one pattern.
  struct node {
    std::vector<std::string_view> segments;   // a capture is an empty view
    std::array<std::int16_t, verbs> by_verb;  // index into the table, or -1
  };
  std::span<const route> table_;
  std::array<std::vector<node>, segments_max + 1> by_length_;  // most literal first
  // Patterns without a capture are paths: most requests need nothing but this. Into by_length_, which does not change.
  std::unordered_map<std::string_view, const node*> literal_;
};

}  // namespace nacre::http

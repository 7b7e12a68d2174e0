#pragma once
// What a command was given, by the rules of its table row.
//
// Refusals name options of the table, never what was typed: that may be a secret in the wrong place.

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/table.hpp"

namespace nacre::cli {

class arguments {
 public:
  // Asking for an option that is not in the command's row is a defect and aborts.
  bool has(std::string_view option) const;
  std::string get(std::string_view option, std::string_view otherwise = {}) const;  // the only value
  std::vector<std::string> all(std::string_view option) const;
  // The only value as a whole number within bounds; `otherwise` if it was not given, 64 if it is none.
  outcome<std::int64_t> number(std::string_view option, std::int64_t otherwise, std::int64_t least,
                               std::int64_t most) const;
  // "90s", "15m", "24h", "7d", or plain seconds, from 1 s.
  outcome<std::optional<std::int64_t>> seconds(std::string_view option, std::int64_t most) const;

  const std::vector<std::string>& operands() const { return operands_; }
  std::string operand(std::size_t n) const { return n < operands_.size() ? operands_[n] : std::string(); }
  const command& which() const { return *command_; }

 private:
  friend outcome<struct invocation> parse(std::span<char* const> words);
  const command* command_ = nullptr;
  std::map<std::string, std::vector<std::string>, std::less<>> options_;
  std::vector<std::string> operands_;
};

struct invocation {
  enum class wish : std::uint8_t { run, help, version } what = wish::run;
  const command* which = nullptr;  // none: help or version of the whole program, or of `group`
  std::string_view group;
  arguments with;
};

// A number from 1 to `most` in decimal digits, the first no zero.
std::optional<std::uint64_t> whole_number(std::string_view text, std::uint64_t most);
// NODE, an operand.
outcome<std::uint64_t> node_number(std::string_view text);

// `words` without the program's name. Secret operands are overwritten where they stand.
outcome<invocation> parse(std::span<char* const> words);

}  // namespace nacre::cli

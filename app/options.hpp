#pragma once
// The command line of `nacred`: what to run with, or what to print and how to end.

#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "app/config.hpp"

namespace nacre::app {

inline constexpr int exit_usage = 64;   // EX_USAGE
inline constexpr int exit_io = 74;      // EX_IOERR
inline constexpr int exit_config = 78;  // EX_CONFIG

std::string_view program_version();

// The process should print these and end.
struct finished {
  int code = 0;
  std::string output;  // to standard output
  std::string errors;  // to standard error
};

// `arguments` without the program's name. Reads the files that --config and --check-config name, for
// the latter also the issuers' key sets.
std::variant<config, finished> read_command_line(const std::vector<std::string>& arguments,
                                                 std::map<std::string, std::string> environment);

// The environment of this process, for read_command_line: NACRE_* only, and values only of those that
// set keys. No copy of a root key or a token stays behind.
std::map<std::string, std::string> process_environment();

}  // namespace nacre::app

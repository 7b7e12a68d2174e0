// run: hands a revealed token to one process and keeps none of it.
//
// This process becomes the command (execve), so nothing of it remains in memory, no parent holds the token, and
// signals and the exit code are the command's own. The token travels in one environment variable, or in a pipe
// whose only reader is the command and which is empty once read. Never in an argument.

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <iostream>

#include "cli/revealed.hpp"
#include "cli/terminal.hpp"
#include "cli/words.hpp"
#include "model/ids.hpp"

namespace nacre::cli {

namespace {

bool is_variable_name(std::string_view text) {
  return !text.empty() && !(text[0] >= '0' && text[0] <= '9') && text.size() <= 128 &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
         });
}

// Where execvp would find it; 74 before anything is revealed if nowhere.
outcome<std::string> program_of(const std::string& name) {
  const auto can_run = [](const std::string& path) { return ::access(path.c_str(), X_OK) == 0; };
  if (name.find('/') != std::string::npos) {
    if (can_run(name)) return name;
  } else {
    const char* path = std::getenv("PATH");
    std::string_view rest = path ? path : "/usr/local/bin:/usr/bin:/bin";
    while (!rest.empty()) {
      const auto end = std::min(rest.find(':'), rest.size());
      auto candidate = std::string(rest.substr(0, end)) + "/" + name;
      if (end != 0 && can_run(candidate)) return candidate;
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return refuse(exit_io, "there is no such command to run; nothing was revealed");
}

// A pipe whose reading end is descriptor `number` of the process to be. Made before anything else is opened, so that
// nothing of ours has that number.
outcome<int> pipe_at(int number) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return refuse(exit_io, "no pipe can be made");
  if (ends[1] == number) {
    ends[1] = ::fcntl(number, F_DUPFD_CLOEXEC, number + 1);
    ::close(number);
  }
  const bool placed = ends[0] == number ? ::fcntl(number, F_SETFD, 0) == 0 : ::dup2(ends[0], number) == number;
  if (ends[0] != number) ::close(ends[0]);
  if (!placed || ends[1] < 0) return refuse(exit_io, "the token cannot be handed over at this descriptor");
  return ends[1];
}

}  // namespace

outcome<int> run_with_pat(const arguments& with) {
  auto id = parse_uuid(with.get("pat"));
  if (!id) return refuse(exit_usage, "--pat must be the id of a token, a UUID");
  if (with.has("env") && with.has("fd")) return refuse(exit_usage, "--env or --fd, not both");
  auto number = with.number("fd", 3, 3, 1'023);
  if (!number) return refuse(number.error());
  const auto fd = static_cast<int>(*number);
  const auto name = with.get("env", "NACRE_PAT");
  if (!is_variable_name(name)) return refuse(exit_usage, "--env must be the name of a variable");
  if (with.has("fd") && ::fcntl(fd, F_GETFD) >= 0) return refuse(exit_usage, "descriptor --fd is in use already");
  auto program = program_of(with.operand(0));
  if (!program) return refuse(program.error());

  int to_command = -1;
  if (with.has("fd")) {
    auto end = pipe_at(fd);
    if (!end) return refuse(end.error());
    to_command = *end;
  }

  std::vector<std::string> environment;
  {
    auto at = server::choose(with, sign_in::needed);
    if (!at) return refuse(at.error());
    auto pat = reveal_pat(*at, to_string(*id));
    if (!pat) return refuse(pat.error());
    // The command gets this token, not the credential it was revealed with.
    for (char** each = environ; *each; ++each) {
      const std::string_view entry(*each);
      const auto is = [&](std::string_view n) { return entry.starts_with(std::string(n) + "="); };
      if (!is("NACRE_TOKEN") && (with.has("fd") || !is(name))) environment.emplace_back(entry);
    }
    if (with.has("fd")) {
      // A pipe takes more than any token without a reader.
      if (!write_all(to_command, pat->token.view()) || !write_all(to_command, "\n"))
        return refuse(exit_io, "the token cannot be handed over");
      ::close(to_command);
    } else {
      std::string entry;
      entry.reserve(name.size() + 1 + pat->token.size());
      entry.append(name).append("=").append(pat->token.view());
      environment.push_back(std::move(entry));
    }
    confirm_reveal(*at, to_string(*id), pat->key);
  }
  std::vector<char*> argv, envp;
  for (const auto& each : with.operands()) argv.push_back(const_cast<char*>(each.c_str()));
  for (const auto& each : environment) envp.push_back(const_cast<char*>(each.c_str()));
  argv.push_back(nullptr);
  envp.push_back(nullptr);
  std::cout.flush();
  ::signal(SIGPIPE, SIG_DFL);  // as the command expects it; ours would be inherited
  ::execve(program->c_str(), argv.data(), envp.data());
  for (auto& each : environment) ::explicit_bzero(each.data(), each.size());
  return refuse(exit_io, std::string("the command cannot be run: ") + ::strerror(errno));
}

}  // namespace nacre::cli

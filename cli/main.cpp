// nacre: the command line. What there is to do stands in table.cpp, exit codes in refusal.hpp.

#include <csignal>
#include <iostream>

#include "app/maintenance.hpp"
#include "cli/arguments.hpp"
#include "cli/manual.hpp"
#include "crypto/process.hpp"

namespace nacre::cli {

outcome<int> run_completion(const arguments& with) {
  const auto shell = with.operand(0);
  if (shell == "bash")
    std::cout << bash_completion();
  else if (shell == "zsh")
    std::cout << zsh_completion();
  else if (shell == "fish")
    std::cout << fish_completion();
  else
    return refuse(exit_usage, "SHELL must be bash, zsh or fish");
  return exit_ok;
}

outcome<int> run_man(const arguments&) {
  std::cout << man_page(app::program_version());
  return exit_ok;
}

namespace {

int run(std::span<char* const> words) {
  // Every command handles keys or tokens.
  if (auto hard = crypto::harden_process(); !hard)
    std::cerr << "nacre: process hardening incomplete: " << hard.error().text << "\n";
  auto asked = parse(words);
  if (!asked) return tell(asked.error());
  switch (asked->what) {
    case invocation::wish::version:
      std::cout << "nacre " << app::program_version() << "\n";
      break;
    case invocation::wish::help:
      std::cout << (asked->which           ? help_of(*asked->which)
                    : asked->group.empty() ? help_of_program()
                                           : help_of_group(asked->group));
      break;
    case invocation::wish::run:
      auto done = asked->which->run(asked->with);
      if (!done) return tell(done.error());
      if (*done != exit_ok) return *done;
      break;
  }
  std::cout.flush();
  return std::cout ? exit_ok : tell({exit_io, "standard output takes no more"});
}

}  // namespace
}  // namespace nacre::cli

int main(int argc, char** argv) {
  if (auto held = nacre::crypto::hold_standard_descriptors(); !held)
    return nacre::cli::tell({nacre::cli::exit_io, held.error().text});
  // A reader that goes away is an error of ours to tell (74), not a signal.
  std::signal(SIGPIPE, SIG_IGN);
  return nacre::cli::run({argv + (argc > 0 ? 1 : 0), argv + argc});
}

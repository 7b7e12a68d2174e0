// nacred: the server.

#include <csignal>
#include <cstdio>

#include "app/node.hpp"
#include "app/options.hpp"
#include "crypto/process.hpp"

int main(int argc, char** argv) {
  if (auto held = nacre::crypto::hold_standard_descriptors(); !held) {
    std::fprintf(stderr, "nacred: %s\n", held.error().text.c_str());
    return nacre::app::exit_io;
  }
  // Before any thread exists, so that all inherit the mask and only sigwait() takes these.
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  sigaddset(&stop, SIGINT);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  auto read = nacre::app::read_command_line({argv + 1, argv + argc}, nacre::app::process_environment());
  if (auto* done = std::get_if<nacre::app::finished>(&read)) {
    // Whoever adds it to a file goes by the exit code.
    const bool printed = std::fputs(done->output.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
    if (!printed) done->errors += "nacred: standard output cannot be written\n";
    std::fputs(done->errors.c_str(), stderr);
    return printed ? done->code : nacre::app::exit_io;
  }
  return nacre::app::run_node(std::get<nacre::app::config>(read), stop);
}

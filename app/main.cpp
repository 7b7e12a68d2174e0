// nacred: the server.

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>
#include <system_error>

#include "app/node.hpp"
#include "app/options.hpp"
#include "crypto/process.hpp"

namespace {

// A machine that gives no more memory or threads is told of in words, by whichever thread met it. Not by catching it in
// main(): what had begun by then would have to be taken down without them. Other exceptions may quote what they met.
[[noreturn]] void end_in_words() {
  static std::atomic_flag ending;
  while (ending.test_and_set()) ::pause();  // another thread has met the same
  if (!std::current_exception()) std::abort();
  try {
    throw;
  } catch (const std::bad_alloc&) {
    std::fputs("nacred: cannot go on: not enough memory\n", stderr);
  } catch (const std::system_error& e) {
    std::fprintf(stderr, "nacred: cannot go on: %s\n", e.what());
  } catch (...) {
    std::abort();
  }
  ::_exit(nacre::app::exit_io);
}

}  // namespace

int main(int argc, char** argv) {
  std::set_terminate(end_in_words);
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

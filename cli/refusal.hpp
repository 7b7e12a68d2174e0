#pragma once
// How a command ends: an exit code that scripts branch on, and for people what happened, what to do, and the
// request id when a server said one.
//
// No text here holds a token, secret, passphrase, link or body: texts are our own words, an option's name, a
// file's name, or what a server says of itself in an error (made printable).

#include <cstdint>
#include <string>
#include <tl/expected.hpp>
#include <utility>

#include "model/error.hpp"

namespace nacre::cli {

enum exit_code : int {
  exit_ok = 0,
  exit_usage = 64,  // the command line is wrong
  exit_data = 65,   // refused rows, tokens found by a scan, what was given is not accepted or not there (any more)
  exit_unavailable = 69,  // no answer, busy, rate limited; try again
  exit_io = 74,           // a file, a pipe
  exit_not_allowed = 77,  // 401 or 403
  exit_config = 78,       // no server chosen, profiles, data directory, keys
};

struct refusal {
  int exit = exit_unavailable;
  std::string text;
  std::string advice = {};      // what to do about it
  std::string request_id = {};  // as the server said it
};

template <class T>
struct [[nodiscard]] outcome : tl::expected<T, refusal> {
  using tl::expected<T, refusal>::expected;
};

inline auto refuse(refusal r) { return tl::make_unexpected(std::move(r)); }
inline auto refuse(int exit, std::string text, std::string advice = {}) {
  return tl::make_unexpected(refusal{exit, std::move(text), std::move(advice), {}});
}
// An error of the folders below; switch-enum refuses a code nobody has decided on.
refusal refusal_of(const error& e);

// On standard error. Answers r.exit.
int tell(const refusal& r);

}  // namespace nacre::cli

#pragma once
// Errors are values: a code to branch on, a text for the person who reads it.
//
// Expected failures are returned as `result<T>`; a broken invariant aborts; no exception crosses a
// folder. A text never holds a token, secret, identifier, passphrase, JWT, body or query: it may
// be logged and is shown to callers. Each border (each family of http, cli) translates `errc` once, in a switch
// without default, so that a new code does not compile until every border has decided on it.

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace nacre {

enum class errc : std::uint8_t {
  invalid = 1,           // The input breaks a rule of its contract. Do not retry unchanged.
  unauthenticated,       // No credential, or one nobody here issued. Authenticate, then retry.
  token_revoked,         // The credential was a PAT that has been revoked.
  token_expired,         // The credential was a PAT whose time has passed.
  insufficient_scope,    // The PAT used as credential lacks the scope named in the text.
  forbidden,             // Authenticated, but not allowed to do this.
  not_found,             // No such object in this workspace. Do not retry.
  conflict,              // The state forbids it (last owner, a taken key). Read, then decide.
  reveal_not_available,  // There is nothing that could be revealed, now or (imported) ever.
  wrong_passphrase,      // Missing or wrong; the attempt was counted, the secret is still there.
  rate_limited,          // A budget is spent. Wait for the stated delay, then retry.
  busy,                  // A queue is full. Nothing happened. Retry after the stated delay.
  deadline_exceeded,     // The deadline passed before the command was ordered. Nothing happened.
  outcome_unknown,       // No answer in time; it may still commit. Retry with the same request id.
  storage_failed,        // This node cannot persist and takes no more writes.
  corrupt,               // Stored or received bytes do not decode or do not authenticate.
  unsupported,           // A format or version newer than this program.
  full,                  // A configured bound on what is kept is reached. Retry when something has expired.
  internal,              // A defect. The request id names it in the log.
};

struct error {
  errc code = errc::internal;
  std::string text;
};

template <class T>
struct [[nodiscard]] result : tl::expected<T, error> {  // tl's own is not nodiscard
  using tl::expected<T, error>::expected;
};

inline auto fail(errc code, std::string text) { return tl::make_unexpected(error{code, std::move(text)}); }

inline auto fail(error e) { return tl::make_unexpected(std::move(e)); }

// The snake_case name used in metrics, audit reasons and command-line messages.
std::string_view name_of(errc code);

}  // namespace nacre

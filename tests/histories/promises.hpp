#pragma once
// What nacre promises about one object, as models for linearizable().

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/histories/linearizable.hpp"

namespace nacre::test {

// ---- one one-time secret ---------------------------------------------------------------------------

struct secret_call {
  enum class kind : std::uint8_t { conceal, reveal, burn } what = kind::reveal;
  std::string key;  // Idempotency-Key of a reveal; empty: none
};
enum class secret_answer : std::uint8_t {
  done,  // it was made; its value was in the answer; it was burned
  gone,  // not found
};
using secret_operation = operation<secret_call, secret_answer>;

struct secret_state {
  enum class stage : std::uint8_t { absent, waiting, taken, burned } now = stage::absent;
  std::string by;  // key of the reader it was shown to
  auto operator<=>(const secret_state&) const = default;
};

// A value is shown once; again only to the same key.
inline bool step(secret_state& s, const secret_operation& op) {
  using stage = secret_state::stage;
  const bool done = !op.answered || op.answer == secret_answer::done;
  const bool waits = s.now == stage::waiting;
  switch (op.call.what) {
    case secret_call::kind::conceal:
      if (s.now != stage::absent) return !op.answered;
      if (done) s.now = stage::waiting;
      return true;
    case secret_call::kind::reveal: {
      const bool again = s.now == stage::taken && !op.call.key.empty() && s.by == op.call.key;
      if (op.answered && done != (waits || again)) return false;
      if (waits && done) s = {stage::taken, op.call.key};
      return true;
    }
    case secret_call::kind::burn:
      if (op.answered && done != waits) return false;
      if (waits && done) s.now = stage::burned;
      return true;
  }
  return false;
}

inline bool holds_for_secret(const std::vector<secret_operation>& history) {
  return linearizable(history, secret_state{}, [](auto& s, const auto& op) { return step(s, op); });
}

// ---- one budget --------------------------------------------------------------------------------------

struct spend_call {};
enum class spend_answer : std::uint8_t { granted, refused };
using spend_operation = operation<spend_call, spend_answer>;

// Of a history within one window: exactly `limit` are granted before the first is refused.
inline bool holds_for_budget(const std::vector<spend_operation>& history, std::uint32_t limit) {
  return linearizable(history, std::uint32_t{0}, [limit](std::uint32_t& spent, const spend_operation& op) {
    const bool room = spent < limit;
    if (op.answered && (op.answer == spend_answer::granted) != room) return false;
    if (room) ++spent;
    return true;
  });
}

}  // namespace nacre::test

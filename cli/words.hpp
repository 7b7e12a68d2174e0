#pragma once
// Small texts that several commands need.

#include <cstdint>
#include <string>
#include <string_view>

#include "cli/arguments.hpp"
#include "crypto/secure_bytes.hpp"

namespace nacre::cli {

inline constexpr int reveal_retry_s = 45;  // below the server's window for one key (reveal.retry_window_ms, 60 s)

std::string duration_text(std::int64_t seconds);       // "7 days", "90 minutes"
std::string time_text(std::int64_t seconds_of_epoch);  // RFC 3339
std::string percent_encoded(std::string_view text);
std::string fresh_key();  // for an Idempotency-Key

// Whether a deed that cannot be undone is wanted: --yes, or a yes at the terminal. 64 where nobody can be asked.
outcome<bool> sure(const arguments& with, std::string_view question);
// A UUID or 64 that names the operand.
outcome<std::string> uuid_operand(const arguments& with, std::size_t n, std::string_view name);

// Text as it is to a file or a pipe; to a terminal without what could steer it, and with a line feed at the end.
outcome<bool> hand_out(const crypto::secure_bytes& value);

}  // namespace nacre::cli

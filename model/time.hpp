#pragma once
// Wall-clock time is an argument: milliseconds since 1970-01-01T00:00:00Z, UTC, no leap seconds.
// Rules never read a clock; the node that takes a request stamps it once.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/strong.hpp"

namespace nacre {

using timestamp = strong<std::int64_t, struct timestamp_tag>;

inline constexpr timestamp after(timestamp t, std::int64_t milliseconds) {
  return timestamp{t.value() + milliseconds};
}

// Any RFC 3339 date-time: 'T' or 't' or a space, 'Z' or 'z' or a numeric offset, a fraction of any
// length (cut to milliseconds), second 60 read as the next minute's 00. Years 0001..9999.
std::optional<timestamp> parse_rfc3339(std::string_view text);
// "2027-03-31T00:00:00Z" for whole seconds, "2027-03-31T00:00:00.123Z" otherwise.
std::string format_rfc3339(timestamp t);

// A clock as an argument, so that tests can set it.
class clock {
 public:
  virtual ~clock() = default;
  virtual timestamp now() const = 0;
};

class system_clock final : public clock {
 public:
  timestamp now() const override;
};

}  // namespace nacre

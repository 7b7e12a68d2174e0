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

// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59.999Z: what a four-digit year can name. Stored and
// received times outside do not decode, so that no sum of a time and a duration can overflow.
inline constexpr timestamp time_min{-62'135'596'800'000};
inline constexpr timestamp time_max{253'402'300'799'999};

inline constexpr timestamp after(timestamp t, std::int64_t milliseconds) { return timestamp{t.value() + milliseconds}; }
// For a time that is stored: what lies beyond time_max could not be read back.
inline constexpr timestamp kept_after(timestamp t, std::int64_t milliseconds) {
  auto sum = after(t, milliseconds);
  return sum > time_max ? time_max : sum;
}

// Any RFC 3339 date-time: 'T' or 't' or a space, 'Z' or 'z' or a numeric offset, a fraction of any
// length (cut to milliseconds), second 60 only as the last of a day of UTC, read as the next day's first. At most 64
// characters, and the instant lies within time_min..time_max.
std::optional<timestamp> parse_rfc3339(std::string_view text);
// "2027-03-31T00:00:00Z" for whole seconds, "2027-03-31T00:00:00.123Z" otherwise. A time outside
// time_min..time_max is shown as the nearer of the two.
std::string format_rfc3339(timestamp t);
// Always with milliseconds, "2027-03-31T00:00:00.000Z", as JavaScript writes times.
std::string format_iso_ms(timestamp t);

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

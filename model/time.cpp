#include "model/time.hpp"

#include <algorithm>
#include <chrono>

namespace nacre {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Reads exactly `count` digits at `at`; -1 if they are not all digits.
int digits(std::string_view text, std::size_t at, std::size_t count) {
  if (at + count > text.size()) return -1;
  int value = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    if (!is_digit(text[i])) return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

void write_digits(std::string& out, std::size_t at, std::size_t count, unsigned value) {
  for (std::size_t i = at + count; i-- > at; value /= 10) out[i] = static_cast<char>('0' + value % 10);
}

}  // namespace

std::optional<timestamp> parse_rfc3339(std::string_view text) {
  namespace ch = std::chrono;
  if (text.size() < 20 || text.size() > 64) return std::nullopt;
  int year = digits(text, 0, 4), month = digits(text, 5, 2), day = digits(text, 8, 2);
  int hour = digits(text, 11, 2), minute = digits(text, 14, 2), second = digits(text, 17, 2);
  if (year < 1 || month < 0 || day < 0 || hour < 0 || minute < 0 || second < 0) return std::nullopt;
  if (text[4] != '-' || text[7] != '-' || text[13] != ':' || text[16] != ':') return std::nullopt;
  if (text[10] != 'T' && text[10] != 't' && text[10] != ' ') return std::nullopt;
  if (hour > 23 || minute > 59 || second > 60) return std::nullopt;
  ch::year_month_day date{ch::year{year}, ch::month{static_cast<unsigned>(month)}, ch::day{static_cast<unsigned>(day)}};
  if (!date.ok()) return std::nullopt;

  std::size_t at = 19;
  int milliseconds = 0;
  if (text[at] == '.') {
    std::size_t first = ++at;
    int scale = 100;
    while (at < text.size() && is_digit(text[at])) {
      milliseconds += (text[at] - '0') * scale;
      scale /= 10;
      ++at;
    }
    if (at == first) return std::nullopt;
  }
  if (at >= text.size()) return std::nullopt;
  int offset_minutes = 0;
  if (text[at] == 'Z' || text[at] == 'z') {
    ++at;
  } else if (text[at] == '+' || text[at] == '-') {
    int hours = digits(text, at + 1, 2), minutes = digits(text, at + 4, 2);
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59 || text[at + 3] != ':') return std::nullopt;
    offset_minutes = (text[at] == '-' ? -1 : 1) * (hours * 60 + minutes);
    at += 6;
  } else {
    return std::nullopt;
  }
  if (at != text.size()) return std::nullopt;

  std::int64_t days = ch::sys_days{date}.time_since_epoch().count();
  const std::int64_t minutes_since = (days * 24 + hour) * 60 + minute - offset_minutes;
  // A leap second is the last of a day of UTC (RFC 3339 section 5.7).
  if (second == 60 && (minutes_since + 1) % (24 * 60) != 0) return std::nullopt;
  std::int64_t seconds = minutes_since * 60 + second;
  timestamp result{seconds * 1000 + milliseconds};
  // An offset can carry the instant out of the years a four-digit text can name.
  if (result < time_min || result > time_max) return std::nullopt;
  return result;
}

std::string format_iso_ms(timestamp t) {
  namespace ch = std::chrono;
  ch::sys_time<ch::milliseconds> when{ch::milliseconds{std::clamp(t, time_min, time_max).value()}};
  auto day = ch::floor<ch::days>(when);
  ch::year_month_day date{day};
  auto in_day = static_cast<unsigned>((when - day).count());
  std::string out = "0000-00-00T00:00:00.000Z";
  write_digits(out, 0, 4, static_cast<unsigned>(static_cast<int>(date.year())));
  write_digits(out, 5, 2, static_cast<unsigned>(date.month()));
  write_digits(out, 8, 2, static_cast<unsigned>(date.day()));
  write_digits(out, 11, 2, in_day / 3'600'000);
  write_digits(out, 14, 2, in_day / 60'000 % 60);
  write_digits(out, 17, 2, in_day / 1'000 % 60);
  write_digits(out, 20, 3, in_day % 1'000);
  return out;
}

std::string format_rfc3339(timestamp t) {
  auto out = format_iso_ms(t);
  if (out.ends_with(".000Z")) out.replace(19, 5, "Z");
  return out;
}

timestamp system_clock::now() const {
  return timestamp{
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count()};
}

}  // namespace nacre

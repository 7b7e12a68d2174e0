#include "http/families/onetime/words.hpp"

#include <algorithm>

#include "model/limits.hpp"
#include "model/text.hpp"

namespace nacre::http::onetime {

std::string_view shortid(std::string_view identifier) { return identifier.substr(0, limits::shortid_chars); }

std::string masked_address(std::string_view address) {
  constexpr std::string_view stars = "*****";
  auto at = address.find('@');
  if (at == std::string_view::npos) return std::string(stars);
  auto domain = address.substr(at + 1);
  auto dot = domain.rfind('.');
  std::string out(address.substr(0, std::min<std::size_t>(at, 2)));
  out.append(stars).append("@").append(domain.substr(0, 1)).append(stars);
  if (dot != std::string_view::npos) out.append(domain.substr(dot));
  return out;
}

int display_lines(std::string_view value) {
  constexpr std::size_t line_chars = 80, most = 30;
  const auto measured = model::measure(value);
  const auto chars = measured.valid ? measured.chars : value.size();
  const auto breaks = static_cast<std::size_t>(std::count(value.begin(), value.end(), '\n'));
  return static_cast<int>(std::min(most, (line_chars + chars) / line_chars + breaks + 3));
}

bool one_liner(std::string_view value) { return value.find('\n') == std::string_view::npos; }

std::string natural_expiration(std::int64_t seconds) {
  constexpr std::int64_t minute = 60, hour = 3600, day = 86'400;
  auto say = [&](std::int64_t unit, const char* word) { return std::to_string(seconds / unit) + word; };
  if (seconds <= minute) return say(1, " seconds");
  if (seconds <= hour) return say(minute, " minutes");
  if (seconds <= day) return say(hour, " hours");
  return say(day, " days");
}

}  // namespace nacre::http::onetime

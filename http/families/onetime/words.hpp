#pragma once
// How the answers of either version say things (contracts/onetimesecret.md section 4 and Part B). Pure; threads: any.

#include <cstdint>
#include <string>
#include <string_view>

namespace nacre::http::onetime {

std::string_view shortid(std::string_view identifier);
// "foo@example.com" -> "fo*****@e*****.com"
std::string masked_address(std::string_view address);
// details.display_lines of a value; without one it is display_lines_unseen.
inline constexpr int display_lines_unseen = 4;
int display_lines(std::string_view value);
bool one_liner(std::string_view value);
// "60 seconds", "60 minutes", "24 hours", "7 days": a unit begins above one of it, the rest is cut off.
std::string natural_expiration(std::int64_t seconds);

}  // namespace nacre::http::onetime

#include "app/failure_log.hpp"

#include <optional>

namespace nacre::app {

void failure_log::note(request_id id, const error& why, steady::time_point now) {
  const bool of_load = why.code == errc::busy || why.code == errc::full || why.code == errc::deadline_exceeded;
  std::optional<std::uint64_t> untold;  // there is something to warn of
  if (!of_load) {
    std::lock_guard lock(mutex_);
    auto& k = kinds_[static_cast<std::size_t>(why.code)];
    if (!k.warned || now - k.at >= between) {
      untold = k.since;
      k = {true, now, 0};
    } else {
      ++k.since;
    }
  }
  auto line = untold ? to_.warn("request failed") : to_.info("request failed");
  auto told =
      std::move(line).text("request_id", to_string(id)).text("code", name_of(why.code)).text("reason", why.text);
  if (untold && *untold != 0) std::move(told).number("more_since_last_warning", *untold);
}

}  // namespace nacre::app

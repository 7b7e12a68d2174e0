#pragma once
// How many reveals a user has left (SECURITY-DESIGN section 4). Pure.

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "model/apply.hpp"
#include "model/limits.hpp"
#include "model/outcomes.hpp"

namespace nacre::model {

// The reveals of one user that still count. The window has a clock of its own: the caller's, but never
// behind a stamp it holds, so that nodes whose clocks differ cannot spend twice. A stamp from
// more than one window ahead means that the clock was set back: it no longer counts, or nobody
// could reveal until the clock caught up.
class reveal_window {
 public:
  reveal_window(budget_record held, timestamp now) : held_(std::move(held)), now_(now), at_(now) {
    auto& reveals = held_.reveals;
    std::erase_if(reveals, [&](const auto& s) { return s.at > after(now, limits::reveal_window_ms); });
    if (!reveals.empty()) at_ = std::max(now, reveals.back().at);
    std::erase_if(reveals, [&](const auto& s) { return s.at <= after(at_, -limits::reveal_window_ms); });
  }

  // The tighter of the two budgets.
  budget_state standing(const reveal_pat& op) const {
    auto per_pat = measure("reveal", op.per_pat, [&](const auto& s) { return s.pat == op.id; });
    auto per_user = measure("reveal-user", op.per_user, [](const auto&) { return true; });
    if (per_user.remaining != per_pat.remaining) return per_user.remaining < per_pat.remaining ? per_user : per_pat;
    return per_user.remaining == 0 && per_user.reset_ms > per_pat.reset_ms ? per_user : per_pat;
  }

  std::optional<outcome> refusal(const reveal_pat& op) const {
    auto now_stands = standing(op);
    if (now_stands.remaining > 0) return std::nullopt;
    auto o = refuse(errc::rate_limited, "Too many reveals. Try again later");
    o.budget = now_stands;
    return o;
  }

  void spend(pat_id pat) { held_.reveals.push_back({at_, pat}); }
  const budget_record& held() const { return held_; }

 private:
  template <class Counts>
  budget_state measure(std::string_view name, std::uint32_t limit, Counts counts) const {
    std::vector<timestamp> spent;  // oldest first
    for (const auto& s : held_.reveals)
      if (counts(s)) spent.push_back(s.at);
    budget_state stands{name, limit, limit, 0};
    stands.remaining = spent.size() < limit ? limit - static_cast<std::uint32_t>(spent.size()) : 0;
    if (limit == 0) stands.reset_ms = limits::reveal_window_ms;
    if (limit == 0 || spent.empty()) return stands;
    // The one whose leaving makes room: not the oldest if the limit has been lowered since.
    auto leaves = spent.size() > limit ? spent[spent.size() - limit] : spent.front();
    stands.reset_ms = leaves.value() + limits::reveal_window_ms - now_.value();
    return stands;
  }

  budget_record held_;
  timestamp now_, at_;
};

}  // namespace nacre::model

#pragma once
// A value whose meaning lives in its type: an index is not a count, a workspace is not a user.
// There is no conversion back: you write `.value()`.

#include <compare>
#include <cstddef>
#include <functional>
#include <utility>

namespace nacre {

template <class Rep, class Tag>
class strong {
 public:
  constexpr strong() = default;
  constexpr explicit strong(Rep value) : value_(std::move(value)) {}
  constexpr const Rep& value() const noexcept { return value_; }
  friend constexpr auto operator<=>(const strong&, const strong&) = default;

 private:
  Rep value_{};
};

}  // namespace nacre

template <class Rep, class Tag>
struct std::hash<nacre::strong<Rep, Tag>> {
  std::size_t operator()(const nacre::strong<Rep, Tag>& s) const noexcept { return std::hash<Rep>{}(s.value()); }
};

#pragma once
// A state over std::map, for tests of rules: no disk, and reads can be made to fail.
//
// fail_reads_after(n): the next n reads work, every later one answers "absent" and is remembered as
// failed, like a bad disk. `on_touch` sees every key that is read, scanned (its bounds) or written.

#include <array>
#include <cstddef>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "model/view.hpp"

namespace nacre::model::testing {

class map_state final : public state {
 public:
  using contents = std::array<std::map<std::string, std::string, std::less<>>, space_count>;
  enum class touch { read, from, to, write };

  std::optional<std::string> get(space in, std::string_view key) const override {
    seen(in, key, touch::read);
    if (!readable()) return std::nullopt;
    const auto& rows = of(in);
    auto it = rows.find(key);
    if (it == rows.end()) return std::nullopt;
    return it->second;
  }
  void scan(space in, std::string_view from, std::string_view to, const visitor& visit) const override {
    seen(in, from, touch::from);
    seen(in, to, touch::to);
    if (!readable()) return;
    const auto& rows = of(in);
    for (auto it = rows.lower_bound(from); it != rows.end() && it->first < to; ++it)
      if (!visit(it->first, it->second)) return;
  }
  bool failed() const override { return failed_; }
  void put(space in, std::string key, std::string value) override {
    seen(in, key, touch::write);
    rows_[static_cast<std::size_t>(in)].insert_or_assign(std::move(key), std::move(value));
  }
  void erase(space in, std::string key) override {
    seen(in, key, touch::write);
    auto& rows = rows_[static_cast<std::size_t>(in)];
    if (auto it = rows.find(key); it != rows.end()) rows.erase(it);
  }

  const contents& all() const { return rows_; }
  const contents::value_type& of(space in) const { return rows_[static_cast<std::size_t>(in)]; }
  void fail_reads_after(std::size_t reads) { reads_left_ = reads; }
  std::size_t reads() const { return reads_; }

  std::function<void(space, std::string_view, touch)> on_touch;

 private:
  void seen(space in, std::string_view key, touch how) const {
    if (on_touch) on_touch(in, key, how);
  }
  bool readable() const {
    ++reads_;
    if (reads_left_ == 0) failed_ = true;
    if (reads_left_ != 0 && reads_left_ != never) --reads_left_;
    return !failed_;
  }

  static constexpr std::size_t never = std::numeric_limits<std::size_t>::max();
  contents rows_;
  mutable std::size_t reads_left_ = never, reads_ = 0;
  mutable bool failed_ = false;
};

}  // namespace nacre::model::testing

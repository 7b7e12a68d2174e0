#pragma once
// Writes on top of a view, kept apart until they are durable. Reads see them at once, so commands of
// one batch see each other. Threads: one.

#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "model/view.hpp"

namespace nacre::model {

class staged_state final : public state {
 public:
  explicit staged_state(const view& base) : base_(base) {}

  std::optional<std::string> get(space in, std::string_view key) const override;
  void scan(space in, std::string_view from, std::string_view to, const visitor& visit) const override;
  bool failed() const override { return !base_.trustworthy(); }
  void put(space in, std::string key, std::string value) override;
  void erase(space in, std::string key) override;

  // Nothing as value: erased.
  using changes = std::map<std::string, std::optional<std::string>, std::less<>>;
  const changes& written(space in) const { return changes_[static_cast<std::size_t>(in)]; }
  changes take(space in);
  bool changed() const;
  // Makes the writes in `below`, which this was staged on, and forgets them here.
  void lay_into(state& below) &&;

 private:
  const view& base_;
  std::array<changes, space_count> changes_;
};

}  // namespace nacre::model

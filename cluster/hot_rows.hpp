#pragma once
// The rows a writer has touched lately, so that applying commands to a busy workspace does not search
// the store for the same few rows (the workspace, the member, the head of its audit log) in every round;
// and where it found no row, so that it does not look there again (requests to forget, in most rounds none).
//
// For the store's only writer: what it writes must be passed to written(), then a row found here is
// the one in the store. A failed write must be followed by forget(). Threads: one.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "model/view.hpp"
#include "storage/store.hpp"

namespace nacre::cluster {

class hot_rows {
 public:
  // Beyond `bytes_max` of keys and values all are forgotten, and the busy ones come back by themselves.
  explicit hot_rows(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  // Nothing if the row is not held here.
  const std::string* find(model::space in, std::string_view key) const;
  void read(model::space in, std::string_view key, const std::string& value);
  // Whether it is known that no row of this kind stands before `to`. `kind`: a workspace and what a row is of it
  // (model/keys.hpp), kind_bytes.
  bool none_before(std::string_view kind, std::string_view to) const;
  void read_none(std::string_view kind, std::string_view to);
  void written(const storage::batch& writes);
  void forget();

  static constexpr std::size_t kind_bytes = 17;

 private:
  struct hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view key) const { return std::hash<std::string_view>{}(key); }
  };
  using rows = std::unordered_map<std::string, std::string, hash, std::equal_to<>>;

  void make_room(std::size_t bytes);

  const std::size_t bytes_max_;
  // Of space::state only: the others are written once and not read again.
  rows rows_;
  rows first_;  // by kind: no row of it comes before this key
  std::size_t bytes_ = 0;
};

// A view of the store that asks `rows` first, and lets them learn what it had to look up.
class warm_view final : public model::view {
 public:
  warm_view(const model::view& base, hot_rows& rows) : base_(base), rows_(rows) {}

  std::optional<std::string> get(model::space in, std::string_view key) const override;
  void scan(model::space in, std::string_view from, std::string_view to, const visitor& visit) const override;
  bool failed() const override { return !base_.trustworthy(); }

 private:
  const model::view& base_;
  hot_rows& rows_;
};

}  // namespace nacre::cluster

#pragma once
// The state of a node while states of some of its groups are being put in place: those groups as they were before, the
// others as they are.
//
// Threads: as the views beneath it.

#include <map>
#include <memory>

#include "cluster/raft/types.hpp"
#include "model/view.hpp"

namespace nacre::cluster::raft {

using views_by_group = std::map<group_id, std::shared_ptr<const model::view>>;

class parted_view final : public model::view {
 public:
  parted_view(std::shared_ptr<const model::view> live, views_by_group before, std::uint32_t groups)
      : live_(std::move(live)), before_(std::move(before)), groups_(groups) {}

  std::optional<std::string> get(model::space in, std::string_view key) const override;
  void scan(model::space in, std::string_view from, std::string_view to, const visitor& visit) const override;
  bool failed() const override;

 private:
  const std::shared_ptr<const model::view> live_;
  const views_by_group before_;
  const std::uint32_t groups_;
};

}  // namespace nacre::cluster::raft

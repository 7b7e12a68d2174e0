#include "model/format_5.hpp"

#include <utility>

#include "model/audit.hpp"
#include "model/keys.hpp"
#include "model/load.hpp"
#include "model/secret_records.hpp"

namespace nacre::model {

std::vector<row_change> to_format_5(const view& v) {
  std::vector<row_change> changes;
  for (std::size_t n = 0; n < guest_partitions; ++n) {
    const auto ws = guest_partition(n);
    auto head = load<audit_head>(v, space::state, keys::audit_head(ws));
    if (!head) continue;
    auto part = load_partition(v, ws);
    part.audit = std::move(*head);
    changes.push_back({space::state, keys::partition(ws), encode(part)});
    changes.push_back({space::state, keys::audit_head(ws), std::nullopt});
  }
  return changes;
}

}  // namespace nacre::model

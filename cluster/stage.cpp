#include "cluster/stage.hpp"

#include "model/staged_state.hpp"
#include "model/wire.hpp"

namespace nacre::cluster {

std::uint64_t read_applied_index(const model::view& v) {
  auto bytes = v.get(model::space::meta, applied_index_key);
  if (!bytes) return 0;
  model::reader r(*bytes);
  auto index = r.u64();
  if (!r.finished()) v.mark_undecodable();
  return index;
}

staged_round stage(const model::view& base, std::span<const model::command* const> commands) {
  model::staged_state st(base);
  staged_round round;
  round.outcomes.reserve(commands.size());
  for (const auto* command : commands) round.outcomes.push_back(model::apply(st, *command));
  round.trustworthy = st.trustworthy();
  if (!round.trustworthy || !st.changed()) return round;
  std::size_t rows = 1;  // and an index
  for (std::size_t i = 0; i < model::space_count; ++i) rows += st.written(static_cast<model::space>(i)).size();
  round.writes.reserve(rows);
  for (std::size_t i = 0; i < model::space_count; ++i) {
    auto in = static_cast<model::space>(i);
    for (auto changed = st.take(in); !changed.empty();) {
      using kind = storage::write::kind;
      auto row = changed.extract(changed.begin());
      const auto what = row.mapped() ? kind::put : kind::erase;
      round.writes.push_back({what, in, std::move(row.key()), std::move(row.mapped()).value_or("")});
    }
  }
  return round;
}

staged_round stage(const model::view& base, std::span<const model::command* const> commands,
                   std::uint64_t first_index) {
  auto round = stage(base, commands);
  if (round.writes.empty()) return round;
  round.writes.push_back({storage::write::kind::put, model::space::meta, std::string(applied_index_key),
                          model::writer{}.u64(first_index + commands.size() - 1).take()});
  return round;
}

}  // namespace nacre::cluster

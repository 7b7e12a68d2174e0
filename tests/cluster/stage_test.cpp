// stage() is apply(), many at a time, with nothing lost or added but the index.

#include "tests/cluster/support.hpp"
#include "tests/support/random_source.hpp"

using namespace nacre;
using namespace nacre::cluster;
using namespace nacre::cluster::testing;

namespace {

// Acts of a few people on a few objects, many of which are refused.
model::command some_command(random_source& random, std::uint64_t n) {
  auto who = user_no(1 + random.below(5));
  auto ws = workspace_no(1 + random.below(2));
  auto ctx =
      context_of(ws, who, random.one_in(12) ? 1 + random.below(n) : n, after(noon, static_cast<std::int64_t>(n)));
  auto pat = pat_no(1 + random.below(40));
  switch (random.below(12)) {
    case 0:
      return {ctx, model::create_workspace{"W", "", "wrapped"}};
    case 1:
      return {ctx,
              model::admit_member{"W", "", random.one_in(2) ? model::role::member : model::role::admin, "wrapped"}};
    case 2:
      return {ctx, model::rename_workspace{"W" + std::to_string(random.below(3))}};
    case 3:
      return {ctx, model::put_member{user_no(1 + random.below(5)), static_cast<model::role>(1 + random.below(3)),
                                     std::nullopt}};
    case 4:
      return {ctx, model::remove_member{user_no(1 + random.below(5))}};
    case 5:
      return {ctx,
              model::create_project{project_no(random.below(20)), "P", "k" + std::to_string(random.below(5)), "1"}};
    case 6:
    case 7:
      return {ctx, sealed_pat_no(1 + random.below(40))};
    case 8:
      return {ctx, model::revoke_pat{pat}};
    case 9:
      return {ctx, model::change_pat{pat, "renamed " + std::to_string(random.below(3)), false, {}}};
    case 10:
      ctx.who.via = model::caller::kind::system;
      return {ctx, model::note_activity{{{pat, ctx.now}}, {}}};
    default:
      return {ctx, model::reveal_pat{pat, true, 3, 6}};
  }
}

std::string said(const model::outcome& o) {
  auto text = o.refused ? std::string(name_of(o.refused->code)) + o.refused->text : "";
  if (o.budget) text += std::string(o.budget->name) + std::to_string(o.budget->remaining);
  return text + "#" + std::to_string(o.what.index()) + (o.replayed ? "again" : "");
}

staged_round staged(const storage::store& store, const std::vector<model::command>& commands, std::uint64_t first) {
  std::vector<const model::command*> pointers;
  for (const auto& c : commands) pointers.push_back(&c);
  return stage(*store.snapshot(), pointers, first);
}

}  // namespace

TEST_CASE("a staged round does what its commands do one by one", "[cluster][stage][property]") {
  random_source random(announced_seed("stage equals apply"));
  for (int repeat = 0; repeat < 20; ++repeat) {
    auto store = storage::make_memory_store();
    model::testing::map_state alone;
    std::uint64_t n = 0, index = 0;
    while (n < 250) {
      std::vector<model::command> commands;
      for (auto size = 1 + random.below(17); size > 0; --size) commands.push_back(some_command(random, ++n));
      auto round = staged(*store, commands, index + 1);
      REQUIRE(round.trustworthy);
      REQUIRE(round.outcomes.size() == commands.size());
      for (std::size_t i = 0; i < commands.size(); ++i)
        REQUIRE(said(round.outcomes[i]) == said(model::apply(alone, commands[i])));
      if (!round.writes.empty()) {
        index += commands.size();
        REQUIRE(store->apply(round.writes, storage::durability::synced));
        REQUIRE(read_applied_index(*store->snapshot()) == index);
      }
      model::testing::map_state together;
      copy_into(together, *store->snapshot());
      REQUIRE(together.all() == alone.all());
    }
    CHECK(model::testing::broken(alone).empty());
  }
}

TEST_CASE("the index is among the writes exactly when something changed", "[cluster][stage]") {
  auto store = storage::make_memory_store();
  auto index_in = [](const staged_round& r) {
    std::size_t times = 0;
    for (const auto& w : r.writes) times += w.in == model::space::meta && w.key == applied_index_key;
    return times;
  };
  auto nothing = staged(*store, {refused_by_rules(1), refused_by_rules(2)}, 7);
  CHECK(nothing.trustworthy);
  CHECK(nothing.writes.empty());
  CHECK(nothing.outcomes.size() == 2);

  auto something = staged(*store, {refused_by_rules(1), founding(), refused_by_rules(2)}, 7);
  CHECK(index_in(something) == 1);
  REQUIRE(store->apply(something.writes, storage::durability::synced));
  CHECK(read_applied_index(*store->snapshot()) == 9);  // of the last command, refused or not
}

TEST_CASE("a round staged on reads that failed may not be used", "[cluster][stage]") {
  auto memory = storage::make_memory_store();
  unreadable_store store(*memory);
  store.broken = true;
  auto round = staged(store, {founding()}, 1);
  CHECK_FALSE(round.trustworthy);
  CHECK(round.writes.empty());
}

TEST_CASE("the applied index of an empty store is nothing, and a damaged one spoils the view", "[cluster][stage]") {
  auto store = storage::make_memory_store();
  CHECK(read_applied_index(*store->snapshot()) == 0);
  for (std::string bad : {"", "1234567", "123456789"}) {
    storage::batch damage{{storage::write::kind::put, model::space::meta, std::string(applied_index_key), bad}};
    REQUIRE(store->apply(damage, storage::durability::synced));
    auto v = store->snapshot();
    read_applied_index(*v);
    CHECK_FALSE(v->trustworthy());
  }
}

// A request that comes twice acts once.

#include <algorithm>
#include <set>
#include <vector>

#include "tests/model/world.hpp"
#include "tests/support/random_source.hpp"

using namespace nacre;
using namespace nacre::model;
using namespace nacre::model::testing;

namespace {

template <class Op>
constexpr std::size_t place_of() {
  return operation(std::in_place_type<Op>).index();
}

bool is_about_secret(std::size_t op) {
  return (op >= place_of<open_partition>() && op <= place_of<sweep>()) ||
         (op >= place_of<open_ask>() && op <= place_of<cancel_ask>());
}

}  // namespace

TEST_CASE("the same request twice is one effect, one audit entry and the same answer", "[model][retries]") {
  world w;
  w.made(w.owner, put_member{w.admin, role::owner, {}});
  w.made(w.member, new_pat(1));
  w.made(w.as_system(), foreign_pat(2, w.member));
  struct sample {
    context ctx;
    operation op;
  };
  rotate_pat rotation;
  rotation.id = pat_no(10);
  rotation.prefix = "pat_wsffffff";
  rotation.lookup.fill(9);
  rotation.sealed = "rotated";
  rotation.overlap_ms = 1'000;
  rotation.until_first_use = true;
  auto counted = new_pat(12);
  counted.only.uses_max = 5;
  std::vector<sample> samples = {
      {w.as(w.stranger), admit_member{"x", "s@example.org", role::admin, "k"}},
      {w.as(w.owner), rename_workspace{"Nacre"}},
      {w.as(w.owner), put_member{user_no(30), role::admin, "new@example.org"}},
      {w.as(w.owner), put_member{w.member, role::admin, {}}},
      {w.as(w.owner), create_service_user{user_no(40), "s"}},
      {w.as(w.owner), create_project{project_no(1), "P", "p", "1"}},
      {w.as(w.member), new_pat(10)},
      {w.as(w.owner), foreign_pat(11, w.member)},
      {w.as(w.member), change_pat{pat_no(1), "Renamed", false, {}}},
      {w.as(w.member), reveal_pat{pat_no(1)}},
      {w.as(w.member), reveal_pat{pat_no(2)}},   // denied: imported
      {w.as(w.member), reveal_pat{pat_no(99)}},  // denied: unknown
      {w.as(w.member), reveal_pat{pat_no(1), false, 0, 0}},
      {w.as(w.member), revoke_pat{pat_no(1)}},
      {w.as(w.member), rotation},
      {w.as_system(), retire_previous{pat_no(10), new_pat(10).lookup}},
      {w.as(w.member), counted},
      {w.as_system(), count_use{pat_no(12)}},
      {w.as(w.owner), change_service_user{user_no(40), "renamed", 2}},
      {w.as(w.owner), delete_service_user{user_no(40)}},
      {w.as_system(), note_activity{{{pat_no(10), w.now}}, {{"auth.failed", "", "unknown", 2}}}},
      {w.as(w.owner), create_webhook{webhook_no(1), "https://hooks.example.com", 0, 1, "secret"}},
      {w.as(w.owner), ping_webhook{webhook_no(1)}},
      {w.as_system(), settle_deliveries{{{webhook_no(1), w.now, 1, settle_deliveries::fate::given_up, {}, 500}}}},
      {w.as(w.owner), change_webhook{webhook_no(1), {}, bit_of(event_type::pat_revoked), {}, {}}},
      {w.as(w.owner), delete_webhook{webhook_no(1)}},
      {w.as(w.owner), remove_member{user_no(30)}},
      {w.as(w.admin), remove_member{w.admin}},  // leaves: no member any more when the retry comes
      {w.as(w.owner), delete_workspace{}},      // gone when the retry comes
  };
  auto other = w.as(w.stranger);
  other.workspace = ws_no(2);
  samples.push_back({other, create_workspace{"Other", "", "k"}});
  std::set<std::size_t> kinds;
  for (const auto& [ctx, op] : samples) {
    INFO(action_of(op));
    kinds.insert(op.index());
    auto audited = w.audit_size(ctx.workspace);
    auto first = w.run(ctx, op);
    CHECK_FALSE(first.replayed);
    // What a use leaves behind is recorded with the hour's other uses.
    bool silent = std::holds_alternative<retire_previous>(op) || std::holds_alternative<count_use>(op);
    CHECK((w.audit_size(ctx.workspace) > audited) != silent);
    auto before = w.st.all();
    for (int i = 0; i < 2; ++i) {
      CHECK_FALSE(refused_early(w.st, {ctx, op}));  // a retry is for apply() to answer
      auto again = w.run(ctx, op);
      CHECK(again.replayed);
      CHECK(said(again) == said(first));
      CHECK(w.st.all() == before);
    }
  }
  for (std::size_t i = 0; i < std::variant_size_v<operation>; ++i) {
    INFO("operation " << i);
    // Those about secrets are retried in rules_secret_retries.cpp and rules_asks.cpp.
    CHECK((kinds.contains(i) || is_about_secret(i)));
  }
}

TEST_CASE("the tenth reveal is granted again when its answer got lost", "[model][retries]") {
  world w;
  w.made(w.member, new_pat(1));
  for (int i = 0; i < 9; ++i) w.made(w.member, reveal_pat{pat_no(1)});
  auto tenth = w.as(w.member);
  auto first = w.made(tenth, reveal_pat{pat_no(1)});
  CHECK(first.budget->remaining == 0);
  CHECK(refused_early(w.st, {w.as(w.member), reveal_pat{pat_no(1)}}));
  CHECK_FALSE(refused_early(w.st, {tenth, reveal_pat{pat_no(1)}}));
  CHECK(said(w.made(tenth, reveal_pat{pat_no(1)})) == said(first));
}

TEST_CASE("a retry that made its ids anew is answered with what the first one made", "[model][retries]") {
  world w;
  auto ctx = w.as(w.member);
  auto first = w.made(ctx, new_pat(1));
  auto again = w.made(ctx, new_pat(2));
  CHECK(again.replayed);
  CHECK(said(again) == said(first));
  CHECK_FALSE(w.pat(2));
  auto project = w.as(w.owner);
  w.made(project, create_project{project_no(1), "P", "p", "1"});
  CHECK(std::get<project_entry>(w.made(project, create_project{project_no(2), "P", "p", "1"}).what).id ==
        project_no(1));
}

TEST_CASE("a request id answers only its own caller and kind of operation", "[model][retries]") {
  world w;
  w.made(w.owner, new_pat(1));
  auto ctx = w.as(w.member);
  w.made(ctx, new_pat(2));
  CHECK(w.refused(ctx, reveal_pat{pat_no(1)}) == errc::conflict);
  auto other = ctx;
  other.who.user = w.admin;
  CHECK(w.refused(other, new_pat(3)) == errc::conflict);
  // The same id for another reveal answers the first: what was never granted is not fetched this way.
  auto own = w.as(w.member);
  w.made(own, reveal_pat{pat_no(2)});
  CHECK(std::get<revealed>(w.made(own, reveal_pat{pat_no(1)}).what).sealed == "sealed 2");
}

TEST_CASE("the same request id in another workspace or at another time is another request", "[model][retries]") {
  world w;
  auto ctx = w.as(w.member);
  w.made(ctx, new_pat(1));
  ctx.now = after(ctx.now, 1);
  CHECK_FALSE(w.made(ctx, new_pat(2)).replayed);
  ctx.workspace = ws_no(2);
  CHECK(w.refused(ctx, new_pat(3)) == errc::forbidden);
}

TEST_CASE("what was revealed and then revoked or deleted is not revealed again by a retry", "[model][retries]") {
  world w;
  w.made(w.member, new_pat(1));
  w.made(w.member, new_pat(2));
  auto one = w.as(w.member), two = w.as(w.member);
  w.made(one, reveal_pat{pat_no(1)});
  w.made(two, reveal_pat{pat_no(2)});
  w.made(w.member, revoke_pat{pat_no(1)});
  auto o = w.run(one, reveal_pat{pat_no(1)});
  CHECK(o.replayed);
  CHECK(o.refused.value().code == errc::not_found);
  w.made(w.owner, delete_workspace{});
  CHECK(w.run(two, reveal_pat{pat_no(2)}).refused.value().code == errc::forbidden);
}

TEST_CASE("what had no effect is not remembered", "[model][retries]") {
  world w;
  auto before = w.st.all();
  CHECK_FALSE(w.made(w.owner, rename_workspace{"Pearl"}).replayed);
  w.run(w.as_system(), note_activity{});
  w.run(w.member, rename_workspace{"x"});
  CHECK(w.st.all() == before);
}

TEST_CASE("requests are forgotten after their time, a bounded number at once", "[model][retries]") {
  world w;
  auto remembered = [&] {
    auto prefix = keys::all(w.ws, 'R');
    std::size_t n = 0;
    w.st.scan(space::state, prefix, keys::past(prefix), [&](auto, auto) { return ++n > 0; });
    return n;
  };
  auto act = [&](bool prunes) {
    auto ctx = w.as(w.owner);
    if (prunes) ctx.request = request_no((++w.requests) * 64);
    auto o = apply(w.st, {ctx, rename_workspace{"Name " + std::to_string(w.requests)}});
    REQUIRE_FALSE(o.refused);
  };
  auto start = w.now;
  for (int i = 0; i < 200; ++i) act(false);
  auto all = remembered();
  CHECK(all == 203);  // with the three that made the world
  w.now = after(start, limits::request_memory_ms);
  act(true);
  CHECK(remembered() == all + 1);  // exactly their time old: still remembered
  w.now = after(w.now, 1);
  act(false);
  CHECK(remembered() == all + 2);
  act(true);
  CHECK(remembered() == all + 3 - limits::request_prune_batch);
  for (int i = 0; i < 3; ++i) act(true);
  CHECK(remembered() == 6);  // the young ones
}

TEST_CASE("with random request ids the memory stays near what its time demands", "[model][retries]") {
  auto seed = nacre::testing::announced_seed("request memory");
  CAPTURE(seed);
  nacre::testing::random_source random(seed);
  world w;
  std::size_t rows = 0, most = 0;
  w.st.on_touch = nullptr;
  constexpr std::int64_t step = 1000;  // 120 requests fit the memory's time
  for (int i = 0; i < 3000; ++i) {
    w.now = after(w.now, step);
    auto ctx = w.as(w.owner);
    ctx.request = random.id_as<request_id>();
    REQUIRE_FALSE(apply(w.st, {ctx, rename_workspace{"Name " + std::to_string(i)}}).refused);
    auto prefix = keys::all(w.ws, 'R');
    rows = 0;
    w.st.scan(space::state, prefix, keys::past(prefix), [&](auto, auto) { return ++rows > 0; });
    most = std::max(most, rows);
  }
  CHECK(rows >= limits::request_memory_ms / step);
  CHECK(most < 1000);  // one in 32 forgets 64: a drought of some hundred is already rare
}

TEST_CASE("a memory that cannot be read decides nothing", "[model][retries]") {
  world w;
  auto ctx = w.as(w.owner);
  w.made(ctx, rename_workspace{"Nacre"});
  w.st.put(space::state, keys::request(w.ws, ctx.now, ctx.request), "?");
  auto before = w.st.all();
  apply(w.st, {ctx, rename_workspace{"Again"}});
  CHECK_FALSE(w.st.trustworthy());
  CHECK(w.st.all() == before);
}

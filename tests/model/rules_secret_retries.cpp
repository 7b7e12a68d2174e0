// A request about a one-time secret that comes twice acts once.

#include <set>

#include "model/request_memory.hpp"
#include "tests/model/secrets_world.hpp"

using namespace nacre;
using namespace nacre::model;
using namespace nacre::model::testing;

namespace {

// Runs the request three times; answers what the second said.
outcome thrice(secrets_world& w, const context& ctx, const operation& op, std::set<std::size_t>& kinds) {
  INFO(action_of(op));
  kinds.insert(op.index());
  auto first = w.made(ctx, op);
  CHECK_FALSE(first.replayed);
  auto before = w.st.all();
  outcome again;
  for (int i = 0; i < 2; ++i) {
    CHECK_FALSE(refused_early(w.st, {ctx, op}));
    again = w.made(ctx, op);
    CHECK(again.replayed);
    CHECK(w.st.all() == before);
  }
  // What a secret was is not told again: who asked holds it.
  if (!std::holds_alternative<secret_entry>(first.what) && !std::holds_alternative<preview_receipt>(op))
    CHECK(said(again) == said(first));
  return again;
}

}  // namespace

TEST_CASE("every act on a secret that comes twice is one effect and the same answer", "[model][retries]") {
  auto guests = GENERATE(false, true);
  secrets_world w(guests);
  w.older = GENERATE(false, true);
  w.by_memory = GENERATE(false, true);
  std::set<std::size_t> kinds;
  auto retried = [&](const context& ctx, const operation& op) { return thrice(w, ctx, op, kinds); };
  if (guests) {
    auto fresh = w.as_system();
    fresh.workspace = guest_partition(7);
    retried(fresh, open_partition{"wrapped"});
  }
  auto made = std::get<receipt_entry>(retried(w.maker(), w.generated(1)).what);
  CHECK(made.id == w.receipt(1));
  CHECK(made.record == w.kept(1));
  retried(w.reader(), preview_secret{w.secret(1)});
  auto read = std::get<receipt_entry>(retried(w.maker(), preview_receipt{w.receipt(1)}).what);
  CHECK(read.record == w.kept(1));
  CHECK(read.sealed_generated.empty());
  w.conceal(2, 3600, true);
  for (int i = 0; i < 4; ++i)
    CHECK_FALSE(std::get<attempt_granted>(retried(w.reader(), reserve_attempt{w.secret(2)}).what).last);
  CHECK(w.attempts(2)->lifetime == 4);
  CHECK(std::get<attempt_granted>(retried(w.reader(), reserve_attempt{w.secret(2)}).what).last);
  retried(w.reader(), note_lockout{w.secret(2)});
  retried(w.reader(), clear_attempts{w.secret(2)});
  retried(w.reader(), w.claiming(2, key_no(1)));
  retried(w.reader(), confirm_reveal{w.secret(2), key_no(1)});
  if (!guests) {
    w.made(w.member, new_pat(1));
    w.made(w.member, reveal_pat{pat_no(1), true, 10, 60, key_no(2), 60'000});
    retried(w.as(w.member), confirm_pat_reveal{pat_no(1), key_no(2)});
    CHECK(std::get<receipt_entry>(retried(w.as(w.member), set_memo{w.receipt(1), "x"}).what).record.memo == "x");
  }
  CHECK(std::get<receipt_entry>(retried(w.reader(), burn_secret{w.receipt(1)}).what).state == receipt_state::burned);
  w.now = after(w.now, 2 * 3'600'000);
  retried(w.as_system(), sweep{w.due_now()});
  CHECK(kinds.size() == (guests ? 11 : 12));
}

TEST_CASE("the attempt that burned a secret burned it, whoever asks again", "[model][retries]") {
  secrets_world w;
  w.conceal(1, 3600, true);
  for (int i = 0; i < 99; ++i) {
    for (int one_wrong_one_right = 0; one_wrong_one_right < 2; ++one_wrong_one_right) w.attempt(1);
    w.made(w.reader(), clear_attempts{w.secret(1)});
  }
  w.attempt(1);
  auto ctx = w.reader();
  CHECK(std::holds_alternative<std::monostate>(w.made(ctx, reserve_attempt{w.secret(1)}).what));
  auto again = w.made(ctx, reserve_attempt{w.secret(1)});
  CHECK(again.replayed);
  CHECK(std::holds_alternative<std::monostate>(again.what));
}

TEST_CASE("a request that was granted one secret is not granted another", "[model][retries]") {
  secrets_world w(GENERATE(false, true));
  w.older = GENERATE(false, true);
  w.conceal(1);
  w.conceal(2, 3600, true);
  auto one = w.reader(), two = w.reader(), three = w.reader();
  w.made(one, w.claiming(1));
  auto not_right = w.claiming(2, {}, 0, false);
  if (w.older) {
    CHECK(w.refused(one, w.claiming(2)) == errc::conflict);
    CHECK(w.refused(one, burn_secret{w.receipt(2)}) == errc::conflict);
  } else {
    CHECK(w.refused(one, not_right) == errc::forbidden);  // what the first one's receipt tells is of no use here
  }
  w.made(two, reserve_attempt{w.secret(2)});
  CHECK(w.refused(two, not_right) == errc::conflict);
  CHECK(w.refused(two, burn_secret{w.receipt(2)}) == errc::conflict);
  w.conceal(3);
  w.made(three, burn_secret{w.receipt(2), true});
  CHECK(w.refused(three, burn_secret{w.receipt(3)}) == errc::conflict);
  CHECK(w.viewable(3));
}

TEST_CASE("a secret is concealed by one request, and found by that one only", "[model][retries]") {
  secrets_world w(GENERATE(false, true));
  w.older = GENERATE(false, true);
  auto ctx = w.maker();
  w.made(ctx, w.generated(1));
  w.made(w.reader(), w.claiming(1));
  auto before = w.st.all();
  auto again = w.made(ctx, w.generated(1));
  CHECK(again.replayed);
  CHECK(std::get<receipt_entry>(again.what).state == receipt_state::revealed);  // and is not made again
  auto another = w.maker();
  another.now = after(ctx.now, 1);
  CHECK(w.refused(another, w.generated(1)) == errc::conflict);
  auto half = w.generated(1);
  half.id = w.secret(2);
  CHECK(w.refused(ctx, half) == errc::conflict);
  if (!w.guests) {
    auto other = w.as(w.owner);
    other.now = ctx.now;
    CHECK(w.refused(other, w.generated(1)) == errc::conflict);
  }
  CHECK(w.st.all() == before);
}

TEST_CASE("neither concealing nor claiming leaves a memory of the request, and both forget old ones",
          "[model][retries]") {
  secrets_world w(GENERATE(false, true));
  w.older = GENERATE(false, true);
  w.by_memory = !w.older && GENERATE(false, true);
  const bool finds_itself = !w.older && !w.by_memory;
  auto remembered = [&] {
    auto prefix = keys::all(w.home, 'R');
    std::size_t n = 0;
    w.st.scan(space::state, prefix, keys::past(prefix), [&](auto, auto) { return ++n > 0; });
    return n;
  };
  auto before = remembered();
  w.conceal(1);
  CHECK(remembered() == before);
  w.made(w.reader(), w.claiming(1));
  CHECK(remembered() == before + (finds_itself ? 0 : 1));
  w.conceal(3);
  w.made(w.reader(), preview_secret{w.secret(3)});
  CHECK(remembered() == before + (finds_itself ? 1 : 2));
  w.now = after(w.now, limits::request_memory_ms + 1);
  auto ctx = w.maker();
  ctx.request = request_no(64 * 1'000);  // one of those that prune
  w.made(ctx, w.hidden(2));
  CHECK(remembered() == 0);
}

TEST_CASE("a claim is found by its own request only, at its own time, for as long as its receipt is there",
          "[model][retries]") {
  secrets_world w(GENERATE(false, true));
  w.conceal(1);
  w.conceal(2, 86'400);
  auto ctx = w.reader();
  const auto claim = w.claiming(1);
  REQUIRE(claim.by_receipt);
  w.made(ctx, claim);
  auto another = w.reader(), later = ctx;
  later.now = after(ctx.now, 1);
  for (const auto& not_it : {another, later}) {
    CHECK_FALSE(is_remembered(w.st, {not_it, claim}));
    CHECK(w.refused(not_it, claim) == errc::not_found);
  }
  if (!w.guests) w.made(w.maker(), set_memo{w.receipt(1), "rewrites the receipt"});
  w.now = after(w.now, 3'600'000 + limits::request_memory_ms);
  w.sweep_now();
  CHECK(is_remembered(w.st, {ctx, claim}));
  CHECK(w.made(ctx, claim).replayed);

  auto by_burned = w.reader();
  const auto too_late = w.claiming(2);
  w.made(by_burned, burn_secret{w.receipt(2), true});
  CHECK(w.refused(by_burned, too_late) == errc::conflict);  // that request burned it, and is remembered for that
}

TEST_CASE("a claim by a receipt of another name takes nothing", "[model][retries]") {
  secrets_world w(GENERATE(false, true));
  w.older = true;
  w.conceal(1);
  auto claim = w.claiming(1);
  REQUIRE_FALSE(claim.by_receipt);
  claim.by_receipt = true;
  CHECK(w.refused(w.reader(), claim) == errc::internal);
  CHECK(w.claims(1));
}

TEST_CASE("a second request with the same key is another request, and the same claim", "[model][retries]") {
  secrets_world w(GENERATE(false, true));
  w.older = GENERATE(false, true);
  w.conceal(1);
  w.made(w.reader(), w.claiming(1, key_no(1)));
  auto o = w.made(w.reader(), w.claiming(1, key_no(1)));
  CHECK_FALSE(o.replayed);
  CHECK(std::get<secret_entry>(o.what).id == w.secret(1));
}

TEST_CASE("who fetched again what another request claimed did so once, whatever became of the claim since",
          "[model][retries]") {
  secrets_world w(GENERATE(false, true));
  w.older = GENERATE(false, true);
  w.by_memory = GENERATE(false, true);
  w.conceal(1, 3600, true);
  w.made(w.reader(), w.claiming(1, key_no(1)));
  w.attempt(1);
  auto ctx = w.reader();
  const auto again = w.claiming(1, key_no(1));
  CHECK_FALSE(w.made(ctx, again).replayed);
  w.attempt(1);
  const auto counted = w.attempts(1);
  auto before = w.st.all();
  CHECK(w.made(ctx, again).replayed);
  CHECK(w.attempts(1) == counted);
  w.made(w.reader(), confirm_reveal{w.secret(1), key_no(1)});
  before = w.st.all();
  CHECK(w.made(ctx, again).replayed);
  CHECK(w.st.all() == before);
  CHECK(w.refused(w.reader(), again) == errc::not_found);
}

TEST_CASE("a retry after its workspace was deleted names nothing that was in it", "[model][retries]") {
  secrets_world w;
  auto ctx = w.maker();
  w.made(ctx, w.hidden(1));
  w.made(w.owner, delete_workspace{});
  auto o = w.made(ctx, w.hidden(1));
  CHECK(o.replayed);
  CHECK(std::holds_alternative<std::monostate>(o.what));
}

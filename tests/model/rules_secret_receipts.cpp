// What the receipts of one-time secrets tell, to whom, and until when.

#include "tests/model/secrets_world.hpp"

using namespace nacre;
using namespace nacre::model;
using namespace nacre::model::testing;

TEST_CASE("a window that reaches beyond the receipt's life ends with it", "[model][secrets]") {
  secrets_world w(GENERATE(false, true));
  w.older = GENERATE(false, true);
  w.conceal(1, 60);
  auto created = w.now;
  w.now = after(created, 59'999);
  CHECK(w.claims(1, key_no(1), 600'000));
  w.now = after(created, 119'999);
  CHECK(w.claims(1, key_no(1)));
  w.now = after(created, 120'000);
  CHECK_FALSE(w.claims(1, key_no(1)));
  CHECK(w.refused(w.reader(), confirm_reveal{w.secret(1), key_no(1)}) == errc::not_found);
  w.sweep_now();
  CHECK_FALSE(w.claims(1, key_no(1)));
  CHECK(w.sealed_rows() == 0);
}

TEST_CASE("a receipt is expired from the millisecond its secret is, swept or not", "[model][secrets]") {
  secrets_world w(GENERATE(false, true));
  w.older = GENERATE(false, true);
  w.conceal(1, 60);
  w.conceal(2, 60);
  auto created = w.now;
  w.made(w.maker(), preview_receipt{w.receipt(2)});
  w.now = after(created, 59'999);
  CHECK(w.state_of(1) == receipt_state::fresh);
  CHECK(w.state_of(2) == receipt_state::previewed);
  w.now = after(created, 60'000);
  for (std::uint64_t n : {1u, 2u}) {
    CHECK_FALSE(w.viewable(n));
    CHECK(w.state_of(n) == receipt_state::expired);
    CHECK(w.kept(n).end == receipt_end::open);
  }
  auto lazily = said({{}, reply(w.entry(1).value()), {}, false});
  w.now = after(w.now, 1000);
  auto audited = w.audit_size();
  w.sweep_now();
  CHECK(w.audit_size() == audited + 2);
  CHECK(w.last_audit_has(R"("action":"secret.expire")"));
  CHECK(w.last_audit_has(R"("kind":"system")"));
  for (std::uint64_t n : {1u, 2u}) {
    CHECK(w.state_of(n) == receipt_state::expired);
    CHECK(w.kept(n).ended == after(created, 60'000));  // when it did, not when that was noticed
    CHECK_FALSE(w.sealed(n));
  }
  CHECK(said({{}, reply(w.entry(1).value()), {}, false}) == lazily);
  w.made(w.maker(), preview_receipt{w.receipt(1)});
  CHECK(w.state_of(1) == receipt_state::expired);
}

TEST_CASE("a secret that was lost leaves an orphaned receipt until its time, then an expired one", "[model][secrets]") {
  secrets_world w(GENERATE(false, true));
  w.older = GENERATE(false, true);
  w.conceal(1, 60);
  auto created = w.now;
  w.lose(1);
  auto e = w.entry(1).value();
  CHECK(e.state == receipt_state::orphaned);
  CHECK_FALSE(e.secret);
  CHECK(e.sealed_link.empty());
  for (operation op : {operation(w.claiming(1)), operation(burn_secret{w.receipt(1), true})})
    CHECK(apply(w.st, {w.reader(), op}).refused.value().code == errc::not_found);
  CHECK_FALSE(apply(w.st, {w.reader(), preview_receipt{w.receipt(1)}}).refused);
  CHECK(w.state_of(1) == receipt_state::orphaned);
  w.now = after(created, 60'000);
  CHECK(w.state_of(1) == receipt_state::expired);
  w.now = after(created, 120'000);
  CHECK_FALSE(apply(w.st, {w.as_system(), sweep{w.due_now()}}).refused);
  CHECK(w.st.trustworthy());
  CHECK_FALSE(w.kept_receipt(1));
}

TEST_CASE("a generated value is handed out with its receipt once, within a minute", "[model][secrets]") {
  secrets_world w(GENERATE(false, true));
  w.older = GENERATE(false, true);
  auto created = w.now;
  for (std::uint64_t n : {1u, 2u, 3u, 4u, 5u}) w.made(w.maker(), w.generated(n));
  auto told = [&](std::uint64_t n) {
    return std::get<receipt_entry>(w.made(w.maker(), preview_receipt{w.receipt(n)}).what).sealed_generated;
  };
  CHECK(told(1) == "generated 1");
  CHECK(told(1).empty());
  CHECK(w.viewable(1));
  CHECK(w.claims(2));
  CHECK(told(2).empty());  // whoever has the link has it now
  w.made(w.maker(), burn_secret{w.receipt(5)});
  CHECK(told(5).empty());
  w.now = after(created, 59'999);
  CHECK(w.entry(3)->sealed_generated == "generated 3");  // being looked at is not being handed out
  CHECK(told(3) == "generated 3");
  w.now = after(created, 60'000);
  CHECK(w.entry(4)->sealed_generated.empty());
  CHECK(told(4).empty());
  auto row = keys::sealed_generated(w.home, w.receipt(4));
  CHECK(w.st.get(space::sealed, row));
  w.sweep_now();
  CHECK_FALSE(w.st.get(space::sealed, row));
  CHECK(w.claims(4));
}

TEST_CASE("a receipt read by several is previewed when the first of them read it", "[model][secrets]") {
  secrets_world w(GENERATE(false, true));
  w.older = GENERATE(false, true);
  w.conceal(1);
  w.now = after(w.now, 500);
  auto first = w.now;
  w.made(w.reader(), preview_receipt{w.receipt(1)});
  w.now = after(w.now, 500);
  auto again = std::get<receipt_entry>(w.made(w.reader(), preview_receipt{w.receipt(1)}).what);
  CHECK(again.state == receipt_state::previewed);
  CHECK(again.record.previewed == first);
  CHECK(w.kept(1).updated == first);
  CHECK(w.refused(w.reader(), preview_receipt{w.receipt(2)}) == errc::not_found);
}

TEST_CASE("only the account that made a secret writes its memo", "[model][secrets]") {
  secrets_world w;
  w.conceal(1);
  w.now = after(w.now, 10);
  auto o = w.made(w.member, set_memo{w.receipt(1), "for Bob"});
  CHECK(std::get<receipt_entry>(o.what).record == w.kept(1));
  CHECK(w.kept(1).memo == "for Bob");
  CHECK(w.kept(1).updated == w.now);
  CHECK(w.last_audit_has(R"("action":"receipt.memo")"));
  CHECK_FALSE(w.last_audit_has("Bob"));
  auto before = w.st.all();
  w.made(w.member, set_memo{w.receipt(1), "for Bob"});
  CHECK(w.st.all() == before);
  for (auto who : {w.owner, w.admin, w.stranger})
    CHECK(w.refused(who, set_memo{w.receipt(1), "mine"}) == errc::forbidden);
  CHECK(w.refused(w.reader(), set_memo{w.receipt(1), "mine"}) == errc::forbidden);
  CHECK(w.refused(w.member, set_memo{w.receipt(2), "x"}) == errc::not_found);
  w.made(w.member, new_pat(1, scope_read));
  CHECK(w.refused(w.with_pat(w.member, pat_no(1), scope_read), set_memo{w.receipt(1), "x"}) ==
        errc::insufficient_scope);
  CHECK(w.claims(1));
  w.made(w.member, set_memo{w.receipt(1), "Bob has it"});  // its end is kept
  CHECK(w.state_of(1) == receipt_state::revealed);
  w.now = after(w.now, 2 * 3'600'000);
  CHECK(w.refused(w.member, set_memo{w.receipt(1), "x"}) == errc::not_found);
}

TEST_CASE("a guest's receipt takes no memo", "[model][secrets]") {
  secrets_world w(true);
  w.conceal(1);
  CHECK(w.refused(w.reader(), set_memo{w.receipt(1), "x"}) == errc::forbidden);
  CHECK(w.refused(w.member, set_memo{w.receipt(1), "x"}) == errc::forbidden);
}

TEST_CASE("an account finds its receipts of thirty days, the last changed first", "[model][secrets]") {
  secrets_world w;
  auto ids = [&](user_id who) {
    auto found = recent_receipts(w.st, w.as(who));
    REQUIRE(found);
    std::vector<receipt_id> out;
    for (const auto& e : *found) out.push_back(e.id);
    return out;
  };
  constexpr std::uint32_t month_s = 2'592'000;
  for (std::uint64_t n : {1u, 2u, 3u}) {
    w.conceal(n, month_s);
    w.now = after(w.now, 1000);
  }
  w.made(w.admin, w.hidden(4, 60));
  CHECK(ids(w.member) == std::vector{w.receipt(3), w.receipt(2), w.receipt(1)});
  CHECK(ids(w.admin) == std::vector{w.receipt(4)});
  CHECK(ids(w.owner).empty());
  CHECK_FALSE(recent_receipts(w.st, w.as(w.stranger)));
  w.made(w.reader(), preview_secret{w.secret(1)});
  CHECK(ids(w.member) == std::vector{w.receipt(1), w.receipt(3), w.receipt(2)});
  w.now = after(w.now, 1000);
  auto changed = w.now;
  CHECK(w.claims(2));
  auto found = recent_receipts(w.st, w.as(w.member)).value();
  CHECK(found[0].id == w.receipt(2));
  CHECK(found[0].state == receipt_state::revealed);
  CHECK(found[0].sealed_receipt == "receipt 2");
  CHECK(found[1].secret);
  w.now = after(changed, limits::recent_receipts_ms - 1);
  CHECK(ids(w.member) == std::vector{w.receipt(2)});
  w.now = after(changed, limits::recent_receipts_ms);
  CHECK(ids(w.member).empty());
  CHECK(ids(w.admin).empty());  // forgotten, though no sweep has been
}

TEST_CASE("a list of receipts is in the order of what it shows, swept or not", "[model][secrets]") {
  secrets_world w;
  w.conceal(1, 60);  // expires last, but was made and changed first
  w.now = after(w.now, 1000);
  w.conceal(2);
  auto order = [&] {
    std::string out;
    auto found = recent_receipts(w.st, w.as(w.member)).value();
    for (const auto& e : found) out += said({{}, reply(e), {}, false});
    return out;
  };
  w.now = after(w.now, 100'000);
  CHECK(recent_receipts(w.st, w.as(w.member)).value()[0].id == w.receipt(1));
  auto lazily = order();
  w.sweep_now();
  CHECK(order() == lazily);
}

TEST_CASE("what ends after the last day that has a date ends on that day, and can be read back", "[model][secrets]") {
  secrets_world w(GENERATE(false, true));
  w.older = GENERATE(false, true);
  w.now = after(time_max, -10);
  if (!w.guests) {
    w.made(w.member, new_pat(1));
    w.made(w.member, reveal_pat{pat_no(1), true, 10, 60, key_no(2), 60'000});
  }
  w.made(w.maker(), w.generated(1));
  w.conceal(2, 2'592'000, true);
  for (int i = 0; i < 5; ++i) w.attempt(2);
  CHECK(w.refused(w.reader(), reserve_attempt{w.secret(2)}) == errc::rate_limited);
  w.conceal(3);
  CHECK(w.claims(3, key_no(1)));
  CHECK(w.claims(3, key_no(1)));
  CHECK(w.state_of(1) == receipt_state::fresh);
  w.now = time_max;
  CHECK(dues(w.st, time_min, w.now, 1'000).size() >= 5);
  w.sweep_now();
  CHECK(w.sealed_rows() == 0);
}

TEST_CASE("a receipt's end takes nobody else's secret with it", "[model][secrets]") {
  secrets_world w(true);
  w.conceal(1, 60);
  CHECK(w.claims(1));
  auto again = w.hidden(2, 3600);
  again.id = w.secret(1);
  w.made(w.maker(), again);
  w.now = after(w.now, 120'000);
  w.sweep_now();
  CHECK(w.viewable(1));
  CHECK(w.claims(1, key_no(1)));
  CHECK(w.claims(1, key_no(1)));
}

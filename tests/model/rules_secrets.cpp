// One-time secrets: made, looked at, revealed to one reader, burned; what their receipts tell.

#include <set>

#include "tests/model/secrets_world.hpp"
#include "tests/support/random_source.hpp"

using namespace nacre;
using namespace nacre::model;
using namespace nacre::model::testing;

TEST_CASE("a secret lives from its creation to its reveal, and its receipt tells", "[model][secrets]") {
  auto guests = GENERATE(false, true);
  secrets_world w(guests);
  auto before = w.audit_size();
  auto created = w.now;
  auto o = w.made(w.maker(), w.hidden(1, 3600, true));
  auto made = std::get<receipt_entry>(o.what);
  CHECK(made.id == w.receipt(1));
  CHECK(made.workspace == w.home);
  CHECK(made.record == w.kept(1));
  CHECK(made.state == receipt_state::fresh);
  CHECK(made.record.created == created);
  CHECK(made.record.updated == created);
  CHECK(made.record.has_passphrase);
  CHECK(made.record.owner == (guests ? user_id{} : w.member));
  CHECK(made.record.custid == (guests ? "" : "m@example.org"));
  CHECK(w.audit_size() == before + 1);
  CHECK(w.last_audit_has(R"("action":"secret.create")"));
  CHECK(w.last_audit_has(R"("object":")" + shortid(w.secret(1).value()) + '"'));
  CHECK(where_is(w.st, w.secret(1)) == w.home);
  CHECK(where_is(w.st, w.receipt(1)) == w.home);
  auto e = w.entry(1).value();
  CHECK(e.secret == w.viewable(1));
  CHECK(e.sealed_link == "link 1");
  CHECK(e.sealed_receipt == (guests ? "" : "receipt 1"));

  w.now = after(w.now, 1000);
  auto looked = w.now;
  auto first = std::get<secret_entry>(w.made(w.reader(), preview_secret{w.secret(1)}).what);
  CHECK_FALSE(first.record.previewed);  // the first look shows it new
  auto second = std::get<secret_entry>(w.made(w.reader(), preview_secret{w.secret(1)}).what);
  CHECK(second.record.previewed == looked);
  CHECK(w.kept(1).secret_previewed == looked);
  CHECK(w.state_of(1) == receipt_state::fresh);  // it is the receipt that nobody has read yet
  CHECK(std::get<receipt_entry>(w.made(w.maker(), preview_receipt{w.receipt(1)}).what).state == receipt_state::fresh);
  CHECK(w.state_of(1) == receipt_state::previewed);

  w.now = after(w.now, 1000);
  auto audited = w.audit_size();
  auto ctx = w.reader();
  CHECK(w.refused(ctx, w.claiming(1, {}, 0, false)) == errc::forbidden);
  CHECK(w.viewable(1));
  auto read = std::get<secret_entry>(w.made(w.reader(), w.claiming(1)).what);
  CHECK(read.record == second.record);
  CHECK(read.workspace == w.home);
  CHECK(w.audit_size() == audited + 1);
  CHECK(w.last_audit_has(R"("action":"secret.reveal")"));
  CHECK(w.last_audit_has(guests ? R"("kind":"guest")" : R"("kind":"guest")"));
  CHECK_FALSE(w.viewable(1));
  CHECK_FALSE(w.sealed(1));
  CHECK(w.state_of(1) == receipt_state::revealed);
  CHECK(w.kept(1).ended == w.now);
  CHECK(w.entry(1)->sealed_link.empty());
  CHECK(where_is(w.st, w.secret(1)) == w.home);  // who comes too late asks in the same place

  for (operation late : {operation(w.claiming(1)), operation(w.claiming(1, key_no(1))),
                         operation(preview_secret{w.secret(1)}), operation(reserve_attempt{w.secret(1)}),
                         operation(burn_secret{w.receipt(1), true}), operation(confirm_reveal{w.secret(1), key_no(1)})})
    CHECK(w.refused(w.reader(), late) == errc::not_found);
  w.now = after(created, 2 * 3'600'000 - 1);
  CHECK(w.state_of(1) == receipt_state::revealed);
  w.now = after(w.now, 1);
  CHECK_FALSE(w.entry(1));
}

TEST_CASE("what was never there, has expired, was burned and was revealed are answered alike", "[model][secrets]") {
  auto guests = GENERATE(false, true);
  secrets_world w(guests);
  for (std::uint64_t n : {1u, 2u}) w.conceal(n);
  w.conceal(3, 60);
  CHECK(w.claims(1));
  w.made(w.maker(), burn_secret{w.receipt(2)});
  w.now = after(w.now, 60'000);
  std::set<std::string> answers;
  for (std::uint64_t n : {1u, 2u, 3u, 99u}) {
    answers.insert(said(w.run(w.reader(), w.claiming(n))));
    answers.insert(said(w.run(w.reader(), w.claiming(n, key_no(1)))));
    answers.insert(said(w.run(w.reader(), preview_secret{w.secret(n)})));
    answers.insert(said(w.run(w.reader(), reserve_attempt{w.secret(n)})));
    answers.insert(said(w.run(w.reader(), burn_secret{w.receipt(n)})));
    answers.insert(said(w.run(w.reader(), confirm_reveal{w.secret(n), key_no(1)})));
  }
  CHECK(answers == std::set<std::string>{"not_found: Unknown secret; nothing"});
}

TEST_CASE("whatever number of readers race in whatever order, one has it", "[model][secrets]") {
  auto seed = nacre::testing::announced_seed("race");
  CAPTURE(seed);
  nacre::testing::random_source random(seed);
  for (int round = 0; round < 20; ++round) {
    secrets_world w(random.one_in(2));
    bool protect = random.one_in(2);
    w.conceal(1, 3600, protect);
    std::vector<command> racing;
    for (std::uint8_t i = 0; i < 64; ++i) {
      auto key = random.one_in(2) ? std::optional(key_no(i)) : std::nullopt;
      bool right = !protect || !random.one_in(4);
      w.now = after(w.now, static_cast<std::int64_t>(random.below(50)) - 25);  // of nodes whose clocks differ
      racing.push_back({w.reader(), w.claiming(1, key, 60'000, right)});
    }
    if (random.one_in(3)) racing.push_back({w.reader(), burn_secret{w.receipt(1), true}});
    for (int i = 0; i < 20; ++i) racing.push_back(racing[random.below(64)]);  // some come twice
    for (std::size_t i = racing.size(); i > 1; --i) std::swap(racing[i - 1], racing[random.below(i)]);
    std::set<request_id> winners;
    for (const auto& c : racing)
      if (auto o = apply(w.st, c); !o.refused) winners.insert(c.ctx.request);
    CHECK(winners.size() == 1);
    CHECK(broken(w.st) == "");
  }
}

TEST_CASE("a reveal without a key leaves nothing to fetch", "[model][secrets]") {
  secrets_world w(GENERATE(false, true));
  w.conceal(1);
  w.conceal(2);
  CHECK(w.claims(1, std::nullopt, 60'000));
  CHECK(w.claims(2, key_no(1), 0));  // the window is switched off
  for (std::uint64_t n : {1u, 2u}) {
    CHECK_FALSE(w.sealed(n));
    CHECK_FALSE(w.claims(n, key_no(1)));
    CHECK(w.refused(w.reader(), confirm_reveal{w.secret(n), key_no(1)}) == errc::not_found);
  }
}

TEST_CASE("who lost the answer fetches it again with the key, within the window and as often as it takes",
          "[model][secrets]") {
  secrets_world w(GENERATE(false, true));
  w.conceal(1);
  auto start = w.now;
  CHECK(w.claims(1, key_no(1)));
  CHECK(w.sealed(1) == "sealed 1");
  auto audited = w.audit_size();
  auto record = find_claim(w.st, w.home, w.secret(1), key_no(1), w.now).value();
  for (auto later : {0, 1, 30'000, 59'999}) {
    w.now = after(start, later);
    auto o = w.made(w.reader("198.51.100.0/24"), w.claiming(1, key_no(1), 600'000));
    CHECK(std::get<secret_entry>(o.what).record == record);
    CHECK(w.refused(w.reader(), w.claiming(1)) == errc::not_found);
    CHECK(w.refused(w.reader(), w.claiming(1, key_no(2))) == errc::not_found);
    CHECK(w.refused(w.reader(), burn_secret{w.receipt(1), true}) == errc::not_found);
    CHECK_FALSE(w.viewable(1));
    CHECK(w.state_of(1) == receipt_state::revealed);
    CHECK(w.kept(1).ended == start);
  }
  CHECK(w.audit_size() == audited);  // one reveal, one entry
  w.now = after(start, 60'000);
  CHECK(w.refused(w.reader(), w.claiming(1, key_no(1))) == errc::not_found);
  w.sweep_now();
  CHECK_FALSE(w.sealed(1));
}

TEST_CASE("fetching a protected secret again takes its passphrase again", "[model][secrets]") {
  secrets_world w(GENERATE(false, true));
  w.conceal(1, 3600, true);
  CHECK(w.claims(1, key_no(1)));
  CHECK(w.refused(w.reader(), w.claiming(1, key_no(1), 60'000, false)) == errc::not_found);
  CHECK(w.claims(1, key_no(1)));
  for (int i = 0; i < 4; ++i) CHECK_FALSE(std::get<attempt_granted>(w.attempt(1).what).last);
  CHECK(std::get<attempt_granted>(w.attempt(1).what).last);
  CHECK(w.refused(w.reader(), reserve_attempt{w.secret(1)}) == errc::rate_limited);
  CHECK(locked_out(w.st, w.reader(), w.secret(1)));
  w.now = after(w.now, 60'000);
  CHECK(w.refused(w.reader(), reserve_attempt{w.secret(1)}) == errc::not_found);
  w.sweep_now();
  CHECK_FALSE(w.attempts(1));
}

TEST_CASE("once confirmed nothing can be fetched, and confirming again says the same", "[model][secrets]") {
  secrets_world w(GENERATE(false, true));
  w.conceal(1, 3600, true);
  CHECK(w.claims(1, key_no(1)));
  w.attempt(1);
  CHECK(w.refused(w.reader(), confirm_reveal{w.secret(1), key_no(2)}) == errc::not_found);
  CHECK(w.sealed(1));
  for (int i = 0; i < 3; ++i) {
    w.made(w.reader(), confirm_reveal{w.secret(1), key_no(1)});
    CHECK_FALSE(w.sealed(1));
    CHECK_FALSE(w.attempts(1));
    CHECK_FALSE(w.claims(1, key_no(1)));
    CHECK(w.refused(w.reader(), reserve_attempt{w.secret(1)}) == errc::not_found);
    CHECK(w.refused(w.reader(), confirm_reveal{w.secret(1), key_no(2)}) == errc::not_found);
    w.now = after(w.now, 40'000);
  }
  w.sweep_now();
  w.made(w.reader(), confirm_reveal{w.secret(1), key_no(1)});
}

TEST_CASE("a window that reaches beyond the receipt's life ends with it", "[model][secrets]") {
  secrets_world w(GENERATE(false, true));
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

TEST_CASE("the receipt's link burns a secret that can still be viewed, once", "[model][secrets]") {
  auto guests = GENERATE(false, true);
  secrets_world w(guests);
  w.conceal(1, 3600, true);
  CHECK(w.refused(w.reader(), burn_secret{w.receipt(9), true}) == errc::not_found);
  CHECK(w.refused(w.reader(), burn_secret{w.receipt(1), false}) == errc::forbidden);
  CHECK(w.viewable(1));
  auto o = w.made(w.reader(), burn_secret{w.receipt(1), true});
  auto e = std::get<receipt_entry>(o.what);
  CHECK(e.state == receipt_state::burned);
  CHECK(e.record == w.kept(1));
  CHECK(e.record.ended == w.now);
  CHECK_FALSE(e.secret);
  CHECK(w.last_audit_has(R"("action":"secret.burn")"));
  CHECK(w.last_audit_has(R"("object":")" + shortid(w.secret(1).value()) + '"'));
  CHECK(w.sealed_rows() == (guests ? 0 : 1));  // the receipt's own link
  CHECK(w.refused(w.reader(), burn_secret{w.receipt(1), true}) == errc::not_found);
  CHECK_FALSE(w.claims(1));
}

TEST_CASE("a receipt is expired from the millisecond its secret is, swept or not", "[model][secrets]") {
  secrets_world w(GENERATE(false, true));
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
  w.conceal(1, 60);
  auto created = w.now;
  // As after a restore: backups carry no one-time secrets.
  w.st.erase(space::state, keys::secret(w.home, w.secret(1)));
  w.st.erase(space::sealed, keys::sealed_secret(w.home, w.secret(1)));
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
  CHECK_FALSE(w.row<receipt_record>(keys::receipt(w.home, w.receipt(1))));
}

TEST_CASE("a generated value is handed out with its receipt once, within a minute", "[model][secrets]") {
  secrets_world w(GENERATE(false, true));
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

TEST_CASE("making a secret in a workspace takes a member who may write", "[model][secrets]") {
  secrets_world w;
  CHECK(w.refused(w.stranger, w.hidden(1)) == errc::forbidden);
  CHECK(w.refused(w.reader(), w.hidden(1)) == errc::forbidden);
  w.made(w.member, new_pat(1, scope_read));
  w.made(w.member, new_pat(2, scope_write));
  CHECK(w.refused(w.with_pat(w.member, pat_no(1), scope_read), w.hidden(1)) == errc::insufficient_scope);
  w.made(w.with_pat(w.member, pat_no(2), scope_write), w.hidden(1));
  CHECK(w.kept(1).owner == w.member);
}

TEST_CASE("the ids of a secret and of its receipt are taken once", "[model][secrets]") {
  auto guests = GENERATE(false, true);
  secrets_world w(guests);
  w.conceal(1);
  CHECK(w.refused(w.maker(), w.hidden(1)) == errc::conflict);
  auto same_secret = w.hidden(2);
  same_secret.id = w.secret(1);
  CHECK(w.refused(w.maker(), same_secret) == errc::conflict);
  auto same_receipt = w.hidden(2);
  same_receipt.receipt = w.receipt(1);
  CHECK(w.refused(w.maker(), same_receipt) == errc::conflict);
  CHECK(w.claims(1, key_no(1)));
  CHECK(w.refused(w.maker(), same_secret) == errc::conflict);  // its reader may come back
  CHECK(w.refused(w.maker(), same_receipt) == errc::conflict);
  w.conceal(2);
}

TEST_CASE("a guest partition holds as many bytes as it may, and what has ended makes room", "[model][secrets]") {
  secrets_world w(true);
  auto bytes = [](const conceal_secret& op) {
    return op.sealed.size() + op.sealed_link.size() + op.sealed_generated.size();
  };
  auto bounded = [&](std::uint64_t n, std::uint32_t lifespan_s = 3600) {
    auto op = w.generated(n, lifespan_s);
    op.partition_bytes_max = 3 * bytes(op);
    return op;
  };
  auto held = [&] { return w.row<partition_record>(keys::partition(w.home)).value(); };
  for (std::uint64_t n : {1u, 2u}) w.made(w.maker(), bounded(n));
  w.made(w.maker(), bounded(3, 60));
  CHECK(held() == partition_record{3, 3 * bytes(bounded(1))});
  auto full = [&] { return w.refused(w.maker(), bounded(4)) == errc::full; };
  CHECK(full());
  auto unbounded = bounded(9);
  unbounded.partition_bytes_max = 0;
  w.made(w.maker(), unbounded);
  CHECK(w.claims(9));
  CHECK(full());

  w.made(w.maker(), burn_secret{w.receipt(1)});
  w.made(w.maker(), bounded(4));
  CHECK(w.refused(w.maker(), bounded(5)) == errc::full);
  CHECK(w.claims(2, key_no(1)));
  w.made(w.maker(), bounded(5));
  w.now = after(w.now, 60'000);
  CHECK(w.refused(w.maker(), bounded(6)) == errc::full);  // expired, but not gone yet
  w.sweep_now();
  w.made(w.maker(), bounded(6));
  for (std::uint64_t n : {4u, 5u, 6u}) CHECK(w.claims(n));
  CHECK(held() == partition_record{});
}

TEST_CASE("a guest's secret lies in the partition that its id names", "[model][secrets]") {
  secrets_world w(true);
  auto op = w.hidden(1);
  auto elsewhere = w.reader();
  elsewhere.workspace = guest_partition(6);
  CHECK(w.refused(elsewhere, op) == errc::internal);
  for (std::size_t n = 0; n < 256; ++n) {
    uuid id;
    id.bytes[0] = static_cast<std::uint8_t>(n);
    CHECK(guest_partition_of(secret_id{id}) == guest_partition(n % guest_partitions));
    CHECK(where_is(w.st, secret_id{id}) == guest_partition(n % guest_partitions));
  }
  CHECK_FALSE(where_is(w.st, w.receipt(1)));
}

TEST_CASE("a guest partition is no workspace: nobody founds, enters or imports into one", "[model][secrets]") {
  secrets_world w(true);
  for (std::size_t n = 0; n < guest_partitions; ++n) {
    w.ws = guest_partition(n);
    CHECK(w.refused(w.owner, create_workspace{"Mine", "", "k"}) == errc::invalid);
    CHECK(w.refused(w.owner, admit_member{"Mine", "", role::owner, "k"}) == errc::invalid);
    CHECK(w.refused(w.as_system(), foreign_pat(1, w.owner)) == errc::invalid);
    for (operation op : {operation(foreign_pat(1, w.owner)), operation(put_member{w.owner, role::owner, {}}),
                         operation(new_pat(1)), operation(delete_workspace{})})
      CHECK(w.refused(w.owner, op) == errc::forbidden);
  }
  CHECK_FALSE(is_guest_partition(ws_no(1)));
  CHECK_FALSE(is_guest_partition(system_workspace));
}

TEST_CASE("only nacre itself opens a guest partition, and its first key stays", "[model][secrets]") {
  secrets_world w(true);
  auto before = w.st.all();
  CHECK(w.refused(w.owner, open_partition{"mine"}) == errc::forbidden);
  CHECK(w.refused(w.reader(), open_partition{"mine"}) == errc::forbidden);
  w.made(w.as_system(), open_partition{"another"});
  CHECK(w.st.all() == before);
  CHECK(w.st.get(space::sealed, keys::data_key(w.home, 1)) == "wrapped");
  w.ws = ws_no(1);
  CHECK(w.refused(w.as_system(), open_partition{"mine"}) == errc::forbidden);
}

TEST_CASE("a guest is nobody's member, not even where the nil user is one", "[model][secrets]") {
  secrets_world w;
  w.made(w.owner, put_member{user_id{}, role::owner, {}});
  w.conceal(1);
  for (operation op : {operation(w.hidden(2)), operation(set_memo{w.receipt(1), "x"}), operation(rename_workspace{"x"}),
                       operation(delete_workspace{})}) {
    CHECK(w.refused(w.reader(), op) == errc::forbidden);
    CHECK(refused_early(w.st, {w.reader(), op}).value().refused.value().code == errc::forbidden);
  }
  CHECK_FALSE(recent_receipts(w.st, w.reader()));
}

TEST_CASE("nothing that a link decides is refused early", "[model][secrets]") {
  auto guests = GENERATE(false, true);
  secrets_world w(guests);
  CHECK_FALSE(refused_early(w.st, {w.maker(), w.hidden(1)}));
  w.conceal(1);
  for (operation op :
       {operation(preview_secret{w.secret(1)}), operation(reserve_attempt{w.secret(1)}), operation(w.claiming(1)),
        operation(burn_secret{w.receipt(1)}), operation(preview_receipt{w.receipt(1)}),
        operation(confirm_reveal{w.secret(1), key_no(1)}), operation(clear_attempts{w.secret(1)})})
    CHECK_FALSE(refused_early(w.st, {w.reader(), op}));
}

TEST_CASE("in a deleted workspace no secret is found, and the sweep still clears it away", "[model][secrets]") {
  secrets_world w;
  w.conceal(1);
  w.conceal(2, 3600, true);
  CHECK(w.claims(2, key_no(1)));
  w.made(w.owner, delete_workspace{});
  CHECK_FALSE(w.viewable(1));
  CHECK_FALSE(w.entry(1));
  for (std::uint64_t n : {1u, 2u})
    for (operation op : {operation(w.claiming(n, key_no(1))), operation(preview_secret{w.secret(n)}),
                         operation(reserve_attempt{w.secret(n)}), operation(burn_secret{w.receipt(n), true}),
                         operation(preview_receipt{w.receipt(n)})}) {
      INFO(n << " " << action_of(op));
      CHECK(w.refused(w.reader(), op) == errc::not_found);
    }
  CHECK(w.refused(w.member, set_memo{w.receipt(1), "x"}) == errc::forbidden);
  CHECK_FALSE(recent_receipts(w.st, w.as(w.member)));
  w.now = after(w.now, 2 * 3'600'000);
  w.sweep_now();
  CHECK(w.sealed_rows() == 0);
  CHECK_FALSE(w.row<receipt_record>(keys::receipt(w.home, w.receipt(1))));
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
  CHECK(found[1].sealed_link == "link 1");
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

TEST_CASE("nothing of a secret comes into the audit log", "[model][secrets]") {
  secrets_world w(GENERATE(false, true));
  auto op = w.generated(1, 3600);
  op.has_passphrase = true;
  op.recipients = "bo*****@e*****.org";
  w.made(w.maker(), op);
  w.made(w.reader(), preview_secret{w.secret(1)});
  for (int i = 0; i < 5; ++i) w.attempt(1);
  w.made(w.reader(), note_lockout{w.secret(1)});
  CHECK(w.last_audit_has(R"("action":"secret.lockout")"));
  w.made(w.maker(), preview_receipt{w.receipt(1)});
  CHECK(w.claims(1, key_no(0x41)));
  w.made(w.reader(), confirm_reveal{w.secret(1), key_no(0x41)});
  for (const auto& [key, value] : w.st.of(space::audit)) {
    if (!key.starts_with(w.home.value().view())) continue;
    auto entry = decode<audit_row>(value).value().entry;
    for (const auto& secret : {op.sealed, op.sealed_link, op.sealed_generated, std::string("receipt 1"), op.recipients,
                               std::string(32, 'A'), to_string(w.secret(1)), to_string(w.receipt(1))})
      CHECK(entry.find(secret) == std::string::npos);
  }
}

TEST_CASE("what ends after the last day that has a date ends on that day, and can be read back", "[model][secrets]") {
  secrets_world w(GENERATE(false, true));
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
  CHECK(dues(w.st, time_min, w.now, 1'000).size() > 5);
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

TEST_CASE("of guests the last audit entries are kept, and the tree goes on", "[model][secrets][audit]") {
  secrets_world w(true);
  const auto rounds = limits::guest_audit_entries_max / 2 + 50;
  for (std::uint64_t n = 1; n <= rounds; ++n) {
    apply(w.st, {w.maker(), w.hidden(n, 60)});
    apply(w.st, {w.reader(), w.claiming(n)});
    w.now = after(w.now, 1);
  }
  auto head = load<audit_head>(w.st, space::state, keys::audit_head(w.home)).value();
  CHECK(head.size == 2 * rounds);
  std::string prefix(w.home.value().view());
  std::uint64_t kept = 0;
  w.st.scan(space::audit, prefix, keys::past(prefix), [&](auto, auto) { return ++kept, true; });
  CHECK(kept == limits::guest_audit_entries_max);
  CHECK_FALSE(w.st.get(space::audit, keys::audit(w.home, head.size - kept)));
  CHECK(w.st.get(space::audit, keys::audit(w.home, head.size)));
}

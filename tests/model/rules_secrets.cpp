// One-time secrets: made, looked at, revealed to one reader, burned.

#include <set>

#include "tests/model/secrets_world.hpp"
#include "tests/support/random_source.hpp"

using namespace nacre;
using namespace nacre::model;
using namespace nacre::model::testing;

TEST_CASE("a secret lives from its creation to its reveal, and its receipt tells", "[model][secrets]") {
  auto guests = GENERATE(false, true);
  secrets_world w(guests);
  w.older = GENERATE(false, true);
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
  CHECK(e.sealed_link == (w.older ? "link 1" : ""));
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
  w.older = GENERATE(false, true);
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
  w.older = GENERATE(false, true);
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
  w.older = GENERATE(false, true);
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
  w.older = GENERATE(false, true);
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
  w.older = GENERATE(false, true);
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

TEST_CASE("the receipt's link burns a secret that can still be viewed, once", "[model][secrets]") {
  auto guests = GENERATE(false, true);
  secrets_world w(guests);
  w.older = GENERATE(false, true);
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
  w.older = GENERATE(false, true);
  w.conceal(1);
  w.now = after(w.now, 1);  // at the same moment it is the same request
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

TEST_CASE("nothing that a link decides is refused early", "[model][secrets]") {
  auto guests = GENERATE(false, true);
  secrets_world w(guests);
  w.older = GENERATE(false, true);
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
  CHECK_FALSE(w.kept_receipt(1));
}

TEST_CASE("nothing of a secret comes into the audit log", "[model][secrets]") {
  secrets_world w(GENERATE(false, true));
  w.older = GENERATE(false, true);
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
    for (const auto& secret : {op.sealed, op.sealed_generated, std::string("receipt 1"), op.recipients,
                               std::string(32, 'A'), to_string(w.secret(1)), to_string(w.receipt(1))})
      CHECK(entry.find(secret) == std::string::npos);
  }
}

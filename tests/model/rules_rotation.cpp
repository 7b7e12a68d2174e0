// A token is replaced without an outage, and the one it replaces is dead when it was promised to be.

#include "tests/model/tokens_world.hpp"

using namespace nacre;
using namespace nacre::model;
using namespace nacre::model::testing;

namespace {

constexpr std::int64_t day_ms = 86'400'000;

struct rotating : tokens_world {
  rotating() {
    made(member, new_pat(1, scope_read));
    made(member, new_pat(2, scope_write));
    made(member, new_pat(3, scope_admin));
  }
  // Rotates and answers the token there is afterwards.
  keyed_hash rotate(std::uint64_t n, std::int64_t overlap_ms = 0, bool until_first_use = false) {
    made(member, rotation(n, overlap_ms, until_first_use));
    return pat(n).value().lookup;
  }
  rotate_pat with_key(std::uint64_t n, std::uint8_t key, std::int64_t window_ms = 60'000) {
    auto op = rotation(n, 1'000);
    op.retry = key_no(key);
    op.retry_window_ms = window_ms;
    return op;
  }
};

}  // namespace

TEST_CASE("a rotation changes the token and nothing else", "[model][rotation]") {
  rotating w;
  auto before = w.pat(1).value();
  w.now = after(w.now, 5);
  auto op = w.rotation(1, 1'000);
  auto o = w.made(w.member, op);
  auto now = w.pat(1).value();
  CHECK(std::get<rotated>(o.what).pat.record == now);
  CHECK(std::get<rotated>(o.what).salt == op.salt);
  CHECK(now.lookup == op.lookup);
  CHECK(now.rotations == 1);
  CHECK(now.updated == w.now);
  CHECK(now.previous == pat_record::outgoing_token{before.lookup, after(w.now, 1'000), false});
  auto same = now;
  same.lookup = before.lookup;
  same.rotations = 0;
  same.updated.reset();
  same.previous.reset();
  CHECK(same == before);
  CHECK(w.st.get(space::sealed, keys::sealed_pat(w.ws, pat_no(1))) == op.sealed);
  CHECK(w.last_audit_has(R"("action":"pat.rotate")"));
}

TEST_CASE("the old token is good until its overlap ends, to the millisecond", "[model][rotation]") {
  rotating w;
  auto old = w.pat(1).value().lookup;
  auto begin = w.now;
  auto fresh = w.rotate(1, 1'000);
  for (auto [later, worth] :
       {std::pair{0, "good"}, {999, "good"}, {1'000, "token_revoked"}, {99'999, "token_revoked"}}) {
    w.now = after(begin, later);
    INFO(later);
    CHECK(w.worth(1, old) == worth);
    CHECK(is_retired(w.pat(1).value(), old, w.now) == (later >= 1'000));
    CHECK(w.worth(1, fresh) == "good");
    CHECK_FALSE(is_retired(w.pat(1).value(), fresh, w.now));
  }
}

TEST_CASE("without an overlap the old token is dead at once", "[model][rotation]") {
  rotating w;
  auto old = w.pat(1).value().lookup;
  w.rotate(1);
  CHECK(w.worth(1, old) == "token_revoked");
  CHECK_FALSE(w.pat(1).value().previous);
}

TEST_CASE("if asked, the first use of the new token ends the old one before its overlap does", "[model][rotation]") {
  rotating w;
  auto old = w.pat(1).value().lookup;
  auto fresh = w.rotate(1, day_ms, true);
  auto told = [&](const keyed_hash& lookup) { return judge(w.pat(1).value(), lookup, w.now, {}).value(); };
  CHECK_FALSE(told(old).retires_previous);
  CHECK(told(fresh).retires_previous);
  CHECK(w.worth(1, old) == "good");
  w.made(w.as_system(), retire_previous{pat_no(1), old});
  CHECK(w.worth(1, old) == "token_revoked");
  CHECK_FALSE(told(fresh).retires_previous);
  // Told twice, or of something else, it changes nothing.
  auto before = w.st.all();
  w.made(w.as_system(), retire_previous{pat_no(1), old});
  w.made(w.as_system(), retire_previous{pat_no(1), fresh});
  w.made(w.as_system(), retire_previous{pat_no(99), old});
  CHECK(w.st.all() == before);
}

TEST_CASE("where the overlap is to be kept, no use ends it, and nobody but nacre ends one", "[model][rotation]") {
  rotating w;
  auto old = w.pat(1).value().lookup;
  auto fresh = w.rotate(1, day_ms, false);
  CHECK_FALSE(judge(w.pat(1).value(), fresh, w.now, {}).value().retires_previous);
  w.made(w.as_system(), retire_previous{pat_no(1), old});
  CHECK(w.worth(1, old) == "good");
  CHECK(w.refused(w.owner, retire_previous{pat_no(1), old}) == errc::forbidden);
  CHECK(w.refused(w.member, count_use{pat_no(1)}) == errc::forbidden);
}

TEST_CASE("rotating twice kills the oldest token, whatever overlap it was promised", "[model][rotation]") {
  rotating w;
  auto first = w.pat(1).value().lookup;
  auto second = w.rotate(1, day_ms);
  auto third = w.rotate(1, 1'000);
  CHECK(w.worth(1, first) == "token_revoked");
  CHECK(w.worth(1, second) == "good");
  CHECK(w.worth(1, third) == "good");
  CHECK(w.pat(1).value().rotations == 2);
  // All three are found: the dead one must be told apart from one that never was.
  for (const auto& lookup : {first, second, third})
    CHECK(find_token(w.st, {reinterpret_cast<const char*>(lookup.data()), lookup.size()}, token_origin::issued));
}

TEST_CASE("revoking ends the outgoing token too", "[model][rotation]") {
  rotating w;
  auto old = w.pat(1).value().lookup;
  auto fresh = w.rotate(1, day_ms);
  w.made(w.member, revoke_pat{pat_no(1)});
  CHECK(w.worth(1, old) == "token_revoked");
  CHECK(w.worth(1, fresh) == "token_revoked");
  CHECK(w.refused(w.member, w.rotation(1)) == errc::not_found);
}

TEST_CASE("a token that an index row names wrongly is unknown, not a reused one", "[model][rotation]") {
  rotating w;
  auto never = key_no(9);
  CHECK(w.worth(1, never) == "unauthenticated");
  CHECK_FALSE(is_retired(w.pat(1).value(), never, w.now));
}

TEST_CASE("whoever comes with a dead token is put on record and told to webhooks", "[model][rotation]") {
  rotating w;
  w.made(w.owner, create_webhook{webhook_no(1), "https://hooks.example.com/",
                                 bit_of(event_type::pat_reused) | bit_of(event_type::pat_rotated), 1, "s"});
  w.rotate(1);
  w.made(w.as_system(), note_activity{{}, {}, {pat_no(1), pat_no(99)}});
  CHECK(w.last_audit_has(R"("action":"pat.reuse")"));
  CHECK(w.last_audit_has(to_string(pat_no(1))));
  CHECK(w.last_audit_has("denied"));
  std::vector<std::string> told;
  for (const auto& d : due_deliveries(w.st, w.ws, webhook_no(1), time_max, 100))
    told.push_back(std::string(name_of(d.record.type)) + " " + d.record.object);
  CHECK(told == std::vector<std::string>{"pat.rotated " + to_string(pat_no(1)), "pat.reused " + to_string(pat_no(1))});
  CHECK(w.refused(w.owner, note_activity{{}, {}, {pat_no(1)}}) == errc::forbidden);
}

TEST_CASE("a rotation whose answer got lost is told again to the same caller with the same key", "[model][rotation]") {
  rotating w;
  auto begin = w.now;
  auto op = w.with_key(1, 1);
  w.made(w.member, op);
  auto before = w.st.all();
  for (auto later : {0, 59'999}) {
    w.now = after(begin, later);
    auto o = w.made(w.member, w.with_key(1, 1));  // another lookup and salt: it has forgotten them
    CHECK(std::get<rotated>(o.what).salt == op.salt);
    CHECK(std::get<rotated>(o.what).pat.record.lookup == op.lookup);
    CHECK(w.st.all() == before);
  }
  SECTION("until the window ends: then it is another rotation") {
    w.now = after(begin, 60'000);
    w.made(w.member, w.with_key(1, 1));
    CHECK(w.pat(1).value().rotations == 2);
  }
  SECTION("another key is another rotation, and then the first cannot be told again") {
    w.made(w.member, w.with_key(1, 2));
    CHECK(w.pat(1).value().rotations == 2);
    CHECK(w.refused(w.member, w.with_key(1, 1)) == errc::conflict);
    w.made(w.member, w.with_key(1, 2));
    CHECK(w.pat(1).value().rotations == 2);
  }
  SECTION("another caller is another rotation") {
    w.made(w.admin, w.with_key(1, 1));
    CHECK(w.pat(1).value().rotations == 2);
  }
  SECTION("another PAT is another rotation") {
    w.made(w.member, w.with_key(2, 1));
    CHECK(w.pat(2).value().rotations == 1);
  }
  SECTION("whoever lost the right to rotate is not told") {
    w.made(w.owner, remove_member{w.member});
    CHECK(w.refused(w.member, w.with_key(1, 1)) == errc::forbidden);
  }
  SECTION("the key opens no reveal, and that of a reveal no rotation") {
    w.made(w.member, reveal_pat{pat_no(2), true, 10, 60, key_no(3), 60'000});
    CHECK(w.refused(w.member, w.with_key(2, 3)) == errc::conflict);
    CHECK_FALSE(has_pat_claim(w.st, w.as(w.member), {pat_no(1), true, 10, 60, key_no(1), 60'000}));
    w.made(w.member, confirm_pat_reveal{pat_no(1), key_no(1)});
    auto again = w.made(w.member, w.with_key(1, 1));
    CHECK(std::get<rotated>(again.what).salt == op.salt);
  }
}

TEST_CASE("a repeated request answers the salt of the rotation it made", "[model][rotation]") {
  rotating w;
  auto ctx = w.as(w.member);
  auto op = w.with_key(1, 1);
  w.made(ctx, op);
  auto o = w.made(ctx, w.with_key(1, 1));
  CHECK(o.replayed);
  CHECK(std::get<rotated>(o.what).salt == op.salt);
}

TEST_CASE("an expired token is rotated with a new expiry only, and its old text stays dead", "[model][rotation]") {
  rotating w;
  w.made(w.member, new_pat(4, scope_read, after(w.now, 1'000)));
  auto old = w.pat(4).value().lookup;
  w.now = after(w.now, 1'000);
  CHECK(w.refused(w.member, w.rotation(4, day_ms)) == errc::invalid);
  auto op = w.rotation(4, day_ms);
  op.set_expires = true;
  op.expires = w.now;  // not after now
  CHECK(w.refused(w.member, op) == errc::invalid);
  op.expires = after(w.now, 5'000);
  w.made(w.member, op);
  CHECK(w.worth(4, op.lookup) == "good");
  CHECK(w.worth(4, old) == "token_revoked");
  CHECK_FALSE(w.pat(4).value().previous);
  op = w.rotation(4);
  op.set_expires = true;  // for ever
  w.made(w.member, op);
  CHECK_FALSE(w.pat(4).value().expires);
}

TEST_CASE("the old token never outlives its own expiry", "[model][rotation]") {
  rotating w;
  w.made(w.member, new_pat(4, scope_read, after(w.now, 1'000)));
  auto old = w.pat(4).value().lookup;
  auto begin = w.now;
  auto op = w.rotation(4, day_ms);
  op.set_expires = true;
  op.expires = after(w.now, 30 * day_ms);
  w.made(w.member, op);
  w.now = after(begin, 999);
  CHECK(w.worth(4, old) == "good");
  w.now = after(begin, 1'000);
  CHECK(w.worth(4, old) == "token_revoked");
  CHECK(w.worth(4, op.lookup) == "good");
}

TEST_CASE("any token may rotate itself, but a weak one gets no longer life and no stronger token",
          "[model][rotation]") {
  rotating w;
  for (std::uint64_t n : {1u, 2u, 3u}) w.made(w.with(n), w.rotation(n));
  // A read-only token may not change its expiry, so it may not rotate into a longer one either.
  auto longer = w.rotation(1);
  longer.set_expires = true;
  CHECK(w.refused(w.with(1), longer) == errc::insufficient_scope);
  longer = w.rotation(2);
  longer.set_expires = true;
  w.made(w.with(2), longer);
  for (auto [by, of] : {std::pair{1, 2}, {1, 3}, {2, 1}, {2, 3}}) {
    INFO(by << " of " << of);
    CHECK(w.refused(w.with(static_cast<std::uint64_t>(by)), w.rotation(static_cast<std::uint64_t>(of))) ==
          errc::insufficient_scope);
  }
  w.made(w.with(3), w.rotation(1));
  // introspect is no part of admin.
  w.made(w.member, new_pat(4, scope_introspect));
  w.made(w.with(4), w.rotation(4));
  CHECK(w.refused(w.with(3), w.rotation(4)) == errc::insufficient_scope);
  CHECK(w.refused(w.with(4), w.rotation(3)) == errc::insufficient_scope);
}

TEST_CASE("a weak token rotates none of its owner's tokens of other families", "[model][rotation]") {
  rotating w;
  w.made(w.member, w.unleash_token(10));
  w.made(w.member, w.service_token(11, {permission::releases}));
  w.made(w.member, w.service_token(12));
  w.made(w.member, w.service_token(13, {permission::releases, permission::branches}));
  for (std::uint64_t of : {10u, 11u, 12u}) {
    INFO(of);
    CHECK(w.refused(w.with(1), w.rotation(of)) == errc::insufficient_scope);
    CHECK(w.refused(w.with(2), w.rotation(of)) == errc::insufficient_scope);
    w.made(w.with(3), w.rotation(of));
  }
  CHECK(w.refused(w.with(12), w.rotation(11)) == errc::forbidden);  // more permissions
  CHECK(w.refused(w.with(11), w.rotation(13)) == errc::forbidden);
  w.made(w.with(13), w.rotation(11));
  for (std::uint64_t of : {1u, 3u, 10u})
    CHECK(w.refused(w.with(13), w.rotation(of)) == errc::forbidden);  // other kinds
  for (std::uint64_t n : {10u, 11u, 12u, 13u}) w.made(w.with(n), w.rotation(n));
}

TEST_CASE("nobody rotates into the token of somebody who may more", "[model][rotation]") {
  rotating w;
  w.made(w.owner, new_pat(20, scope_read));
  w.made(w.owner, w.unleash_token(21));
  w.made(w.owner, foreign_pat(22, w.owner));
  for (std::uint64_t n : {20u, 21u, 22u}) {
    CHECK(w.refused(w.member, w.rotation(n)) == errc::forbidden);
    // An admin may reveal an owner's PAT (contract section 2); what cannot be revealed is not handed out this way.
    if (n != 20) CHECK(w.refused(w.admin, w.rotation(n)) == errc::forbidden);
  }
  w.made(w.admin, w.rotation(20));
  CHECK(w.refused(w.stranger, w.rotation(1)) == errc::forbidden);
  w.made(w.admin, w.rotation(1));
  w.made(w.owner, w.rotation(1));
}

TEST_CASE("an imported token is rotated into one issued here, and its old text is known to be dead",
          "[model][rotation]") {
  rotating w;
  w.made(w.owner, foreign_pat(30, w.member));
  auto old = w.pat(30).value().lookup;
  w.rotate(30, 1'000);
  auto now = w.pat(30).value();
  CHECK_FALSE(now.imported);
  CHECK(now.has_ciphertext());
  CHECK(w.worth(30, old) == "good");
  CHECK(find_token(w.st, {reinterpret_cast<const char*>(old.data()), old.size()}, token_origin::imported));
  CHECK(std::get<revealed>(w.made(w.member, reveal_pat{pat_no(30)}).what).sealed.starts_with("rotated"));
  w.now = after(w.now, 1'000);
  CHECK(w.worth(30, old) == "token_revoked");
}

TEST_CASE("a token is not rotated into one that is known, nor sealed as another family's", "[model][rotation]") {
  rotating w;
  auto op = w.rotation(1);
  op.lookup = w.pat(2).value().lookup;
  CHECK(w.refused(w.member, op) == errc::conflict);
  op.lookup = w.pat(1).value().lookup;
  CHECK(w.refused(w.member, op) == errc::conflict);
  op = w.rotation(1);
  op.data_key_version = 0;
  CHECK(w.refused(w.member, op) == errc::internal);
  w.made(w.member, w.unleash_token(10));
  op = w.rotation(10);
  op.data_key_version = 1;
  CHECK(w.refused(w.member, op) == errc::internal);
}

TEST_CASE("a token whose uses are spent is not rotated into another that has none", "[model][rotation]") {
  rotating w;
  auto op = new_pat(5);
  op.only.uses_max = 1;
  w.made(w.member, op);
  w.made(w.member, w.rotation(5));
  w.made(w.as_system(), count_use{pat_no(5)});
  CHECK(w.refused(w.member, w.rotation(5)) == errc::invalid);
}

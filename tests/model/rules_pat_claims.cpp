// A PAT's reveal whose answer got lost is fetched again with the key it was sent with.

#include "tests/model/secrets_world.hpp"

using namespace nacre;
using namespace nacre::model;
using namespace nacre::model::testing;

namespace {

struct fetching : secrets_world {
  fetching() {
    for (std::uint64_t n : {1u, 2u}) made(member, new_pat(n));
  }
  static reveal_pat revealing(std::uint64_t n, std::uint8_t key = 1, std::int64_t window_ms = 60'000) {
    return {pat_no(n), true, 10, 60, key_no(key), window_ms};
  }
  std::size_t spent(user_id who) const {
    return row<budget_record>(keys::budget(ws, who)).value_or(budget_record{}).reveals.size();
  }
};

}  // namespace

TEST_CASE("the same reveal with the same key costs and records nothing more", "[model][pat_claims]") {
  fetching w;
  auto start = w.now;
  auto first = w.made(w.member, w.revealing(1));
  CHECK(first.budget.value().remaining == 9);
  auto before = w.st.all();
  for (auto later : {0, 1, 59'999}) {
    w.now = after(start, later);
    auto o = w.made(w.member, w.revealing(1));
    CHECK(std::get<revealed>(o.what).sealed == "sealed 1");
    CHECK_FALSE(o.budget);
    CHECK_FALSE(o.replayed);
    CHECK(w.st.all() == before);
  }
  w.now = after(start, 60'000);
  auto audited = w.audit_size();
  CHECK(w.made(w.member, w.revealing(1)).budget);
  CHECK(w.audit_size() == audited + 1);
}

TEST_CASE("a spent budget does not keep a lost answer from its reader", "[model][pat_claims]") {
  fetching w;
  for (int i = 0; i < 9; ++i) w.made(w.member, reveal_pat{pat_no(1)});
  CHECK(w.made(w.member, w.revealing(1)).budget.value().remaining == 0);
  CHECK(w.refused(w.member, reveal_pat{pat_no(1)}) == errc::rate_limited);
  CHECK_FALSE(refused_early(w.st, {w.as(w.member), w.revealing(1)}));
  w.made(w.member, w.revealing(1));
  CHECK(refused_early(w.st, {w.as(w.member), w.revealing(1, 2)}).value().refused.value().code == errc::rate_limited);
  CHECK(w.refused(w.member, w.revealing(1, 2)) == errc::rate_limited);
}

TEST_CASE("another caller, another PAT or another key is another reveal", "[model][pat_claims]") {
  fetching w;
  w.made(w.member, w.revealing(1));
  auto audited = w.audit_size();
  CHECK(w.made(w.owner, w.revealing(1)).budget);
  CHECK(w.spent(w.owner) == 1);
  CHECK(w.audit_size() == audited + 1);
  // The owner's claim has taken the key's place: hashes bind the caller, so only a test can do this.
  CHECK(w.made(w.member, w.revealing(1)).budget);
  CHECK(w.made(w.member, w.revealing(2)).budget);
  CHECK(std::get<revealed>(w.made(w.member, w.revealing(2)).what).sealed == "sealed 2");
  CHECK(w.made(w.member, w.revealing(2, 2)).budget);
  CHECK(w.spent(w.member) == 4);
}

TEST_CASE("who may not reveal fetches nothing with a key either", "[model][pat_claims]") {
  fetching w;
  w.made(w.admin, new_pat(3));
  w.made(w.member, w.revealing(1));
  CHECK(w.refused(w.stranger, w.revealing(1)) == errc::forbidden);
  CHECK(w.run(w.member, w.revealing(3)).refused.value().code == errc::forbidden);
  CHECK_FALSE(has_pat_claim(w.st, w.as(w.member), w.revealing(3)));
  w.made(w.owner, w.revealing(1, 2));
  w.made(w.owner, put_member{w.admin, role::owner, {}});
  w.made(w.admin, put_member{w.owner, role::member, {}});
  CHECK(w.run(w.owner, w.revealing(1, 2)).refused.value().code == errc::forbidden);  // no owner any more
  w.made(w.admin, remove_member{w.member});
  CHECK(w.refused(w.member, w.revealing(1)) == errc::forbidden);
}

TEST_CASE("a PAT that was revoked, has expired or lost its workspace is not fetched again", "[model][pat_claims]") {
  fetching w;
  w.made(w.member, new_pat(3, scope_read, after(w.now, 1000)));
  for (std::uint64_t n : {1u, 2u, 3u}) w.made(w.member, w.revealing(n, static_cast<std::uint8_t>(n)));
  auto spent = w.spent(w.member);
  w.made(w.member, revoke_pat{pat_no(1)});
  CHECK(w.refused(w.member, w.revealing(1, 1)) == errc::not_found);
  w.now = after(w.now, 1000);
  CHECK(w.refused(w.member, w.revealing(3, 3)) == errc::reveal_not_available);
  CHECK(w.spent(w.member) == spent);
  w.made(w.owner, delete_workspace{});
  CHECK(w.refused(w.member, w.revealing(2, 2)) == errc::forbidden);
}

TEST_CASE("a confirmed reveal is not fetched again, and confirming is for its own caller and PAT",
          "[model][pat_claims]") {
  fetching w;
  w.made(w.member, w.revealing(1));
  auto before = w.st.all();
  w.made(w.owner, confirm_pat_reveal{pat_no(1), key_no(1)});
  w.made(w.member, confirm_pat_reveal{pat_no(2), key_no(1)});
  w.made(w.member, confirm_pat_reveal{pat_no(1), key_no(2)});
  CHECK(w.st.all() == before);
  CHECK(w.refused(w.stranger, confirm_pat_reveal{pat_no(1), key_no(1)}) == errc::forbidden);
  for (int i = 0; i < 2; ++i) w.made(w.member, confirm_pat_reveal{pat_no(1), key_no(1)});
  CHECK_FALSE(has_pat_claim(w.st, w.as(w.member), w.revealing(1)));
  CHECK(w.due_now().empty());
  CHECK(w.made(w.member, w.revealing(1)).budget);
}

TEST_CASE("without a key or a window, and when denied, nothing can be fetched again", "[model][pat_claims]") {
  fetching w;
  w.made(w.member, reveal_pat{pat_no(1), true, 10, 60, std::nullopt, 60'000});
  w.made(w.member, w.revealing(1, 1, 0));
  CHECK(w.run(w.member, w.revealing(9)).refused.value().code == errc::not_found);
  auto prefix = keys::all(w.ws, 'I');
  w.st.scan(space::state, prefix, keys::past(prefix), [](auto, auto) {
    FAIL("a claim");
    return false;
  });
  CHECK(w.made(w.member, w.revealing(1)).budget);
  CHECK(w.spent(w.member) == 4);
}

// What is due is swept in any order, early, late, twice or never: answers stay what the clock says.

#include "tests/model/secrets_world.hpp"
#include "tests/support/random_source.hpp"

using namespace nacre;
using namespace nacre::model;
using namespace nacre::model::testing;

namespace {

// One secret for every way through its life, all at the same time, and the PAT's claim.
struct ended : secrets_world {
  timestamp start = now;

  explicit ended(bool of_guests) : secrets_world(of_guests) {
    conceal(1, 60);
    conceal(2, 120, true);
    attempt(2);
    conceal(3, 60);
    CHECK(claims(3));
    conceal(4, 60);
    CHECK(claims(4, key_no(1)));
    conceal(5, 60, true);
    CHECK(claims(5, key_no(1)));
    attempt(5);
    conceal(6, 60);
    CHECK(claims(6, key_no(1)));
    made(reader(), confirm_reveal{secret(6), key_no(1)});
    conceal(7, 60);
    made(maker(), burn_secret{receipt(7)});
    made(maker(), generated(8, 3600));
    if (guests) return;
    made(member, new_pat(1));
    made(member, reveal_pat{pat_no(1), true, 10, 60, key_no(2), 60'000});
  }

  // Secrets, receipts and what belongs to them; not audit, memory and counts.
  std::size_t rows() const {
    std::size_t n = 0;
    for (const auto& [key, value] : st.of(space::state))
      if (key.starts_with(home.value().view()) && key.size() > 16 &&
          std::string("XYZCFI").find(key[16]) != std::string::npos)
        ++n;
    for (const auto& [key, value] : st.of(space::index))
      if (key[0] == 'o' || key[0] == 'e') ++n;
    return n + sealed_rows();
  }
};

}  // namespace

TEST_CASE("when all is swept nothing is left of a secret but what was recorded", "[model][sweep]") {
  ended w(GENERATE(false, true));
  w.now = after(w.start, 2 * 3'600'000);
  SECTION("at once") { w.sweep_now(); }
  SECTION("one by one, oldest first") {
    for (const auto& d : w.due_now()) w.made(w.as_system(), sweep{{d}});
  }
  SECTION("one by one, newest first") {
    auto dues = w.due_now();
    for (auto it = dues.rbegin(); it != dues.rend(); ++it) w.made(w.as_system(), sweep{{*it}});
  }
  SECTION("in any order, each twice") {
    auto seed = nacre::testing::announced_seed("sweep order");
    CAPTURE(seed);
    nacre::testing::random_source random(seed);
    auto dues = w.due_now();
    auto twice = dues;
    twice.insert(twice.end(), dues.begin(), dues.end());
    for (std::size_t i = twice.size(); i > 1; --i) std::swap(twice[i - 1], twice[random.below(i)]);
    for (const auto& d : twice) w.made(w.as_system(), sweep{{d}});
  }
  CHECK(w.rows() == 0);
  if (w.guests) CHECK(w.counts() == std::pair<std::uint64_t, std::uint64_t>{0, 0});
}

TEST_CASE("every expired secret is on record once, in whatever order it is found out", "[model][sweep]") {
  ended w(GENERATE(false, true));
  w.now = after(w.start, 2 * 3'600'000);
  auto before = w.audit_size();
  auto dues = w.due_now();
  std::reverse(dues.begin(), dues.end());
  w.made(w.as_system(), sweep{dues});
  w.made(w.as_system(), sweep{dues});
  CHECK(w.audit_size() == before + 3);  // 1, 2 and 8
}

TEST_CASE("what is not due is not swept, whoever says so", "[model][sweep]") {
  ended w(GENERATE(false, true));
  w.now = after(w.start, 2 * 3'600'000);
  auto all = w.due_now();
  w.now = after(w.start, 59'999);
  CHECK(w.due_now().empty());
  auto before = w.st.all();
  w.made(w.as_system(), sweep{all});
  CHECK(w.st.all() == before);
  CHECK(w.refused(w.reader(), sweep{all}) == errc::forbidden);
  CHECK(w.refused(w.owner, sweep{all}) == errc::forbidden);
  w.made(w.as_system(), sweep{});
  CHECK(w.st.all() == before);
}

TEST_CASE("dues of another workspace, and ones nobody wrote down, change nothing", "[model][sweep]") {
  ended w(false);
  secrets_world other(true);
  w.now = after(w.start, 2 * 3'600'000);
  auto foreign = w.due_now();
  auto ctx = w.as_system();
  ctx.workspace = guest_partition(5);
  auto before = w.st.all();
  w.made(ctx, sweep{foreign});
  for (auto& d : foreign) d.at = after(d.at, -1);
  w.made(w.as_system(), sweep{foreign});
  std::vector<due> invented;
  for (std::uint8_t kind = 1; kind <= due_kinds; ++kind)
    for (std::uint64_t n = 1; n <= 8; ++n) {
      invented.push_back({w.start, static_cast<due_kind>(kind), w.secret(n).value()});
      invented.push_back({w.start, static_cast<due_kind>(kind), w.receipt(n).value()});
    }
  w.made(w.as_system(), sweep{invented});
  CHECK(w.st.all() == before);
}

TEST_CASE("what is due is told oldest first, of every workspace, and bounded", "[model][sweep]") {
  ended w(false);
  w.now = after(w.start, 2 * 3'600'000);
  auto all = dues(w.st, time_min, w.now, 1'000);
  CHECK(std::is_sorted(all.begin(), all.end(), [](auto& a, auto& b) { return a.what.at < b.what.at; }));
  CHECK(all.size() > 10);
  for (std::size_t most : {1u, 3u, 10u}) {
    auto some = dues(w.st, time_min, w.now, most);
    REQUIRE(some.size() == most);
    for (std::size_t i = 0; i < most; ++i) CHECK(some[i].what == all[i].what);
  }
  auto exact = dues(w.st, time_min, all.back().what.at, 1'000);
  CHECK(exact.size() == all.size());
  CHECK(dues(w.st, time_min, after(w.start, 59'999), 1'000).empty());
  CHECK(dues(w.st, after(w.now, 1), w.now, 1'000).empty());
  w.st.put(space::index, keys::dues_from(w.start), "");
  dues(w.st, time_min, w.now, 1'000);
  CHECK_FALSE(w.st.trustworthy());
}

TEST_CASE("once a claim has been swept it is over, for nodes whose clocks are late too", "[model][sweep]") {
  secrets_world w(GENERATE(false, true));
  w.older = GENERATE(false, true);
  w.conceal(1, 3600, true);
  CHECK(w.claims(1, key_no(1)));
  auto claimed = w.now;
  w.now = after(claimed, 60'000);
  w.sweep_now();
  CHECK_FALSE(w.sealed(1));
  w.now = after(claimed, 59'999);
  CHECK_FALSE(find_claim(w.st, w.home, w.secret(1), key_no(1), w.now));
  CHECK(w.refused(w.reader(), w.claiming(1, key_no(1))) == errc::not_found);
  CHECK(w.refused(w.reader(), reserve_attempt{w.secret(1)}) == errc::not_found);
  w.made(w.reader(), confirm_reveal{w.secret(1), key_no(1)});
}

TEST_CASE("a sweep leaves alone what came after it was planned", "[model][sweep]") {
  secrets_world w;
  w.made(w.member, new_pat(1));
  w.made(w.member, reveal_pat{pat_no(1), true, 10, 60, key_no(2), 60'000});
  w.now = after(w.now, 60'000);
  auto planned = w.due_now();
  w.made(w.member, reveal_pat{pat_no(1), true, 10, 60, key_no(2), 60'000});  // the same key, a new claim
  w.made(w.as_system(), sweep{planned});
  CHECK(has_pat_claim(w.st, w.as(w.member), reveal_pat{pat_no(1), true, 10, 60, key_no(2), 60'000}));
}

TEST_CASE("a row that cannot be read spoils the sweep, and nothing is swept", "[model][sweep]") {
  ended w(GENERATE(false, true));
  w.now = after(w.start, 2 * 3'600'000);
  auto [in, kind] = GENERATE(std::pair{space::sealed, 'X'}, std::pair{space::state, 'Y'}, std::pair{space::state, 'C'});
  auto prefix = keys::all(w.home, kind);
  auto row = w.st.of(in).lower_bound(prefix);
  REQUIRE(row->first.starts_with(prefix));
  w.st.put(in, row->first, "?");
  auto before = w.st.all();
  apply(w.st, {w.as_system(), sweep{w.due_now()}});
  CHECK_FALSE(w.st.trustworthy());
  CHECK(w.st.all() == before);
}

// Reveals and their budgets.

#include <algorithm>

#include "tests/model/world.hpp"

using namespace nacre;
using namespace nacre::model;
using namespace nacre::model::testing;

namespace {

constexpr auto window = limits::reveal_window_ms;

struct revealing : world {
  revealing() {
    for (std::uint64_t n = 1; n <= 8; ++n) made(member, new_pat(n));
  }
  outcome reveal(std::uint64_t n, user_id who, std::uint32_t per_pat = 10, std::uint32_t per_user = 60) {
    return run(who, reveal_pat{pat_no(n), true, per_pat, per_user});
  }
  outcome reveal(std::uint64_t n) { return reveal(n, member); }
  std::size_t spent(user_id who) const {
    return row<budget_record>(keys::budget(ws, who)).value_or(budget_record{}).reveals.size();
  }
};

errc code_of(const outcome& o) {
  REQUIRE(o.refused);
  return o.refused->code;
}

}  // namespace

TEST_CASE("a granted reveal answers the ciphertext, spends the budget and is on record", "[model][reveal]") {
  revealing w;
  auto before = w.audit_size();
  auto o = w.reveal(1);
  REQUIRE_FALSE(o.refused);
  CHECK(std::get<revealed>(o.what).sealed == "sealed 1");
  CHECK(std::get<revealed>(o.what).pat.id == pat_no(1));
  CHECK(std::get<revealed>(o.what).pat.record == *w.pat(1));
  CHECK(o.budget->name == "reveal");
  CHECK(o.budget->limit == 10);
  CHECK(o.budget->remaining == 9);
  CHECK(o.budget->reset_ms == window);
  CHECK(w.audit_size() == before + 1);
  CHECK(w.last_audit_has(R"("action":"pat.reveal")"));
  CHECK(w.last_audit_has(R"("outcome":"granted","reason":"")"));
  CHECK(w.spent(w.member) == 1);
  for (auto who : {w.owner, w.admin}) CHECK_FALSE(w.reveal(1, who).refused);
  CHECK(w.spent(w.member) == 1);
}

TEST_CASE("a reveal denied after its budget was taken has spent it and is on record", "[model][reveal]") {
  revealing w;
  w.made(w.owner, new_pat(20));
  w.made(w.as_system(), foreign_pat(21, w.member));
  w.made(w.member, new_pat(22, scope_read, after(w.now, 1)));
  w.made(w.member, new_pat(23));
  w.made(w.member, revoke_pat{pat_no(23)});
  w.now = after(w.now, 1);
  struct sample {
    std::uint64_t pat;
    errc code;
    const char* reason;
  };
  std::size_t spent = 0;
  for (const auto& s :
       {sample{99, errc::not_found, "not_found"}, sample{23, errc::not_found, "not_found"},
        sample{20, errc::forbidden, "forbidden"}, sample{21, errc::reveal_not_available, "reveal_not_available"},
        sample{22, errc::reveal_not_available, "reveal_not_available"}}) {
    INFO("PAT " << s.pat);
    auto audited = w.audit_size();
    auto before = w.st.all();
    auto o = w.reveal(s.pat);
    CHECK(code_of(o) == s.code);
    CHECK(std::holds_alternative<std::monostate>(o.what));
    CHECK(o.budget->remaining == 9);
    CHECK(w.spent(w.member) == ++spent);
    CHECK(w.audit_size() == audited + 1);
    CHECK(
        w.last_audit_has(R"("object":")" + to_string(pat_no(s.pat)) + R"(","outcome":"denied","reason":")" + s.reason));
    // Budget, memory and audit are all it wrote.
    auto changed = w.st.all();
    for (std::size_t i = 0; i < space_count; ++i)
      for (const auto& [key, value] : changed[i])
        if (auto it = before[i].find(key); it == before[i].end() || it->second != value) {
          bool expected = static_cast<space>(i) == space::audit ||
                          (key.size() > 16 && (key[16] == 'B' || key[16] == 'R' || key[16] == 'A'));
          CHECK(expected);
        }
  }
  w.made(w.member, change_pat{pat_no(22), {}, true, after(w.now, 5)});
  CHECK_FALSE(w.reveal(22).refused);
}

TEST_CASE("who does not belong here spends nothing", "[model][reveal]") {
  revealing w;
  CHECK(w.refused(w.stranger, reveal_pat{pat_no(1)}) == errc::forbidden);
  CHECK(w.refused(w.as_system(), reveal_pat{pat_no(1)}) == errc::forbidden);
  auto elsewhere = w.as(w.member);
  elsewhere.workspace = ws_no(2);
  CHECK(w.refused(elsewhere, reveal_pat{pat_no(1)}) == errc::forbidden);
}

TEST_CASE("ten reveals of one PAT a minute, and the eleventh waits exactly until the first is a minute old",
          "[model][reveal]") {
  revealing w;
  auto start = w.now;
  for (std::uint32_t i = 0; i < 10; ++i) {
    w.now = after(start, 1000 * i);
    auto o = w.reveal(1);
    REQUIRE_FALSE(o.refused);
    CHECK(o.budget->remaining == 9 - i);
    CHECK(o.budget->reset_ms == window - 1000 * i);
  }
  auto refusal = [&](std::int64_t at, std::int64_t delay) {
    w.now = after(start, at);
    auto before = w.st.all();
    auto o = w.reveal(1);
    CHECK(code_of(o) == errc::rate_limited);
    CHECK(o.budget->name == "reveal");
    CHECK(o.budget->limit == 10);
    CHECK(o.budget->remaining == 0);
    CHECK(o.budget->reset_ms == delay);
    CHECK(w.st.all() == before);  // a spent budget is not spent further, and not recorded
    auto early = refused_early(w.st, {w.as(w.member), reveal_pat{pat_no(1)}});
    REQUIRE(early);
    CHECK(early->refused->code == errc::rate_limited);
    CHECK(early->budget->reset_ms == delay);
  };
  refusal(9'000, window - 9'000);
  refusal(window - 1, 1);
  w.now = after(start, window);
  CHECK_FALSE(refused_early(w.st, {w.as(w.member), reveal_pat{pat_no(1)}}));
  CHECK_FALSE(w.reveal(1).refused);
  refusal(window, 1'000);  // the second was spent a second after the first
  refusal(window + 999, 1);
  w.now = after(start, window + 1'000);
  CHECK_FALSE(w.reveal(1).refused);
}

TEST_CASE("sixty reveals a minute by one user, whatever they reveal", "[model][reveal]") {
  revealing w;
  auto start = w.now;
  for (std::int64_t i = 0; i < 60; ++i) {
    w.now = after(start, i);
    REQUIRE_FALSE(w.reveal(1 + static_cast<std::uint64_t>(i) % 8).refused);
  }
  w.now = after(start, 100);
  auto o = w.reveal(8);  // 7 of 10 for this PAT
  CHECK(code_of(o) == errc::rate_limited);
  CHECK(o.budget->name == "reveal-user");
  CHECK(o.budget->limit == 60);
  CHECK(o.budget->reset_ms == window - 100);
  CHECK(code_of(w.reveal(99)) == errc::rate_limited);  // probing for ids is not cheaper
  CHECK_FALSE(w.reveal(8, w.admin).refused);           // another user's budget is another's
  w.now = after(start, window);
  CHECK_FALSE(w.reveal(8).refused);
  CHECK(code_of(w.reveal(8)) == errc::rate_limited);
}

TEST_CASE("of two spent budgets the delay is that of the one that takes longer", "[model][reveal]") {
  revealing w;
  auto start = w.now;
  for (std::uint64_t n : {1u, 1u}) CHECK_FALSE(w.reveal(n, w.member, 2, 3).refused);
  w.now = after(start, 5000);
  CHECK_FALSE(w.reveal(2, w.member, 2, 3).refused);
  CHECK(w.reveal(2, w.member, 1, 3).budget->reset_ms == window);         // PAT 2 was spent just now
  CHECK(w.reveal(1, w.member, 2, 3).budget->reset_ms == window - 5000);  // both free up at once
  CHECK(w.reveal(1, w.member, 2, 1).budget->name == "reveal-user");
  CHECK(w.reveal(1, w.member, 2, 1).budget->reset_ms == window);  // a lowered limit waits for the last
  CHECK(w.reveal(1, w.member, 2, 2).budget->reset_ms == window - 5000);
  CHECK(w.reveal(3, w.member, 0, 60).budget->reset_ms == window);
  CHECK(w.spent(w.member) == 3);
}

TEST_CASE("the budget nearest to its end is the one that is told", "[model][reveal]") {
  revealing w;
  CHECK(w.reveal(1, w.member, 10, 3).budget->name == "reveal-user");
  CHECK(w.reveal(2, w.member, 2, 3).budget->remaining == 1);
  CHECK(w.reveal(2, w.member, 2, 60).budget->name == "reveal");
}

TEST_CASE("switched off, budgets are neither spent nor asked, and reveals stay on record", "[model][reveal]") {
  revealing w;
  auto before = w.audit_size();
  for (int i = 0; i < 100; ++i) {
    auto o = w.run(w.member, reveal_pat{pat_no(1), false, 10, 60});
    REQUIRE_FALSE(o.refused);
    CHECK_FALSE(o.budget);
  }
  CHECK(w.spent(w.member) == 0);
  CHECK(w.audit_size() == before + 100);
  CHECK(code_of(w.run(w.member, reveal_pat{pat_no(99), false, 10, 60})) == errc::not_found);
  CHECK(w.last_audit_has("denied"));
}

TEST_CASE("nodes whose clocks differ grant no more than one clock would", "[model][reveal]") {
  revealing w;
  auto fast = after(w.now, 700), slow = w.now;
  for (int i = 0; i < 10; ++i) {
    w.now = i % 2 == 0 ? fast : slow;
    REQUIRE_FALSE(w.reveal(1).refused);
  }
  auto budget = w.row<budget_record>(keys::budget(w.ws, w.member)).value();
  CHECK(std::is_sorted(budget.reveals.begin(), budget.reveals.end(), [](auto& a, auto& b) { return a.at < b.at; }));
  w.now = after(slow, window);  // a minute after the slow stamps, less than one after the first
  auto o = w.reveal(1);
  CHECK(code_of(o) == errc::rate_limited);
  CHECK(o.budget->reset_ms == 700);
  w.now = after(fast, window);
  CHECK_FALSE(w.reveal(1).refused);
}

TEST_CASE("a clock set back by less than a window grants nothing early; by more it locks nobody out",
          "[model][reveal]") {
  revealing w;
  auto start = w.now;
  for (int i = 0; i < 10; ++i) REQUIRE_FALSE(w.reveal(1).refused);
  w.now = after(start, -window);
  auto o = w.reveal(1);
  CHECK(code_of(o) == errc::rate_limited);
  CHECK(o.budget->reset_ms == 2 * window);
  w.now = after(start, -window - 1);
  CHECK_FALSE(w.reveal(1).refused);
  CHECK(w.spent(w.member) == 1);
}

TEST_CASE("a budget holds nothing older than its window", "[model][reveal]") {
  revealing w;
  for (int i = 0; i < 40; ++i) {
    w.now = after(w.now, window / 4);
    REQUIRE_FALSE(w.reveal(1).refused);
    CHECK(w.spent(w.member) <= 4);
  }
}

TEST_CASE("ciphertext that should be there and is not spoils the state", "[model][reveal]") {
  revealing w;
  w.st.erase(space::sealed, keys::sealed_pat(w.ws, pat_no(1)));
  auto before = w.st.all();
  auto o = apply(w.st, {w.as(w.member), reveal_pat{pat_no(1)}});
  CHECK(code_of(o) == errc::corrupt);
  CHECK_FALSE(w.st.trustworthy());
  CHECK(w.st.all() == before);
}

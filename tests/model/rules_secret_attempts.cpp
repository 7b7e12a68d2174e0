// Passphrase attempts: reserved before they are made, counted per client and per secret.

#include "tests/model/secrets_world.hpp"

using namespace nacre;
using namespace nacre::model;
using namespace nacre::model::testing;

namespace {

constexpr auto window = limits::attempts_window_ms;
constexpr auto lock = limits::attempts_lock_ms;

struct guessing : secrets_world {
  explicit guessing(bool of_guests = false) : secrets_world(of_guests) { conceal(1, 604'800, true); }
  static std::string client(int n) { return "192.0." + std::to_string(n) + ".0/24"; }
  // Whether an attempt is granted, and whether it is the last one.
  std::optional<bool> tries(int from = 1) {
    auto o = attempt(1, client(from));
    if (o.refused) return std::nullopt;
    return std::get<attempt_granted>(o.what).last;
  }
  void lock_out(int from) {
    for (int i = 0; i < 4; ++i) REQUIRE(tries(from) == false);
    REQUIRE(tries(from) == true);
  }
  std::uint32_t limit = 0;  // what the last lock that was asked for stands for
  std::int64_t locked_for(int from = 1) {
    auto o = locked_out(st, reader(client(from)), secret(1));
    if (!o) return 0;
    CHECK(o->refused.value().code == errc::rate_limited);
    CHECK(o->refused.value().text == "Too many incorrect passphrase attempts. Please try again later.");
    CHECK(o->budget.value().name == "passphrase");
    limit = o->budget.value().limit;
    CHECK(o->budget.value().remaining == 0);
    auto refusal = attempt(1, client(from));
    CHECK(said(refusal) == said(*o));
    return o->budget->reset_ms;
  }
};

}  // namespace

TEST_CASE("a secret without a passphrase takes no attempts, and leaves no rows of any", "[model][secrets]") {
  secrets_world w(GENERATE(false, true));
  w.older = GENERATE(false, true);
  w.conceal(1);
  w.conceal(2);
  CHECK(w.refused(w.reader(), reserve_attempt{w.secret(1)}) == errc::invalid);
  CHECK(w.claims(1, key_no(1)));
  CHECK(w.refused(w.reader(), reserve_attempt{w.secret(1)}) == errc::invalid);  // while it can be fetched again
  w.made(w.reader(), confirm_reveal{w.secret(1), key_no(1)});
  CHECK(w.refused(w.reader(), reserve_attempt{w.secret(1)}) == errc::not_found);
  CHECK(w.claims(2));
  for (std::uint64_t n : {1u, 2u}) CHECK_FALSE(w.attempts(n));
}

TEST_CASE("a client has five attempts, then waits half an hour from the fifth", "[model][attempts]") {
  guessing w(GENERATE(false, true));
  for (int i = 0; i < 4; ++i) {
    CHECK(w.tries() == false);
    CHECK(w.locked_for() == 0);
    w.now = after(w.now, 1000);
  }
  CHECK(w.tries() == true);
  CHECK(w.locked_for() == lock);
  CHECK(w.limit == limits::attempts_per_client_max);
  auto locked = w.now;
  w.now = after(locked, lock - 1);
  CHECK(w.locked_for() == 1);
  CHECK(w.tries(2) == false);  // another client is not locked out
  w.now = after(locked, lock);
  CHECK(w.locked_for() == 0);
  w.lock_out(1);  // five more
  CHECK(w.locked_for() == lock);
}

TEST_CASE("a secret has twenty attempts by whatever clients, then all wait", "[model][attempts]") {
  guessing w(GENERATE(false, true));
  for (int from = 1; from <= 3; ++from)
    for (int i = 0; i < 4; ++i) CHECK(w.tries(from) == false);
  for (int from = 4; from <= 10; ++from) CHECK(w.tries(from) == false);
  CHECK(w.tries(11) == true);
  for (int from : {1, 4, 11, 12}) {
    CHECK(w.locked_for(from) == lock);
    CHECK(w.limit == limits::attempts_per_secret_max);
  }
  w.now = after(w.now, lock);
  CHECK(w.tries(12) == false);
}

TEST_CASE("of a client's lock and the secret's the longer counts", "[model][attempts]") {
  guessing w;
  w.lock_out(1);
  w.now = after(w.now, 1000);
  for (int from = 2; from <= 4; ++from)
    for (int i = 0; i < 4; ++i) CHECK(w.tries(from) == false);
  for (int i = 0; i < 2; ++i) CHECK(w.tries(5) == false);
  CHECK(w.tries(5) == true);
  CHECK(w.locked_for(1) == lock);
  CHECK(w.locked_for(5) == lock);
  w.now = after(w.now, lock - 1000);
  CHECK(w.locked_for(1) == 1000);
}

TEST_CASE("attempts are counted within ten minutes of the first", "[model][attempts]") {
  guessing w(GENERATE(false, true));
  auto first = w.now;
  for (int i = 0; i < 4; ++i) {
    w.now = after(first, i * 1000);
    CHECK(w.tries() == false);
  }
  w.now = after(first, window - 1);
  SECTION("the fifth comes in time") { CHECK(w.tries() == true); }
  SECTION("the fifth begins another window") {
    w.now = after(first, window);
    w.lock_out(1);
  }
}

TEST_CASE("the right passphrase clears what was counted, but for the whole life's count", "[model][attempts]") {
  guessing w(GENERATE(false, true));
  for (int i = 0; i < 4; ++i) CHECK(w.tries() == false);
  w.made(w.reader(), clear_attempts{w.secret(1)});
  CHECK(w.attempts(1)->lifetime == 3);  // the right one was no guess
  CHECK(w.attempts(1)->clients.empty());
  w.lock_out(1);
  CHECK(w.locked_for() == lock);
  w.made(w.reader(), clear_attempts{w.secret(1)});  // it was the fifth that was right
  CHECK(w.locked_for() == 0);
  CHECK(w.attempts(1)->lifetime == 7);
  auto before = w.st.all();
  w.made(w.reader(), clear_attempts{w.secret(2)});
  CHECK(w.st.all() == before);
}

TEST_CASE("being right with a reveal that is fetched again clears what was counted", "[model][attempts]") {
  guessing w(GENERATE(false, true));
  CHECK(w.claims(1, key_no(1), 600'000));
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 4; ++i) CHECK(w.tries() == false);
    CHECK_FALSE(w.claims(1, key_no(1), 600'000, false));
    CHECK(w.attempts(1)->clients.size() == 1);
    CHECK(w.claims(1, key_no(1)));
    CHECK(w.attempts(1)->clients.empty());
  }
  CHECK(w.attempts(1)->lifetime == 9);
}

TEST_CASE("attempts in parallel cannot outrun the count", "[model][attempts]") {
  guessing w;
  int granted = 0;
  for (int i = 0; i < 64; ++i) granted += w.tries() ? 1 : 0;
  CHECK(granted == 5);
}

TEST_CASE("after a hundred attempts in its life the next one burns the secret", "[model][attempts]") {
  auto guests = GENERATE(false, true);
  guessing w(guests);
  for (int n = 0; n < 100; ++n) {
    REQUIRE(w.tries(n));
    if (n % 10 == 9) w.now = after(w.now, lock);
  }
  CHECK(w.attempts(1)->lifetime == 100);
  CHECK(w.viewable(1));
  auto audited = w.audit_size();
  auto o = w.attempt(1);
  CHECK_FALSE(o.refused);
  CHECK(std::holds_alternative<std::monostate>(o.what));  // nothing granted
  CHECK(w.audit_size() == audited + 1);
  CHECK(w.last_audit_has(R"("action":"secret.burn")"));
  CHECK(w.last_audit_has(R"("reason":"attempts")"));
  CHECK_FALSE(w.viewable(1));
  CHECK_FALSE(w.sealed(1));
  CHECK_FALSE(w.attempts(1));
  CHECK(w.state_of(1) == receipt_state::burned);
  CHECK(w.refused(w.reader(), reserve_attempt{w.secret(1)}) == errc::not_found);
}

TEST_CASE("being right between them does not save a secret from its hundredth wrong attempt", "[model][attempts]") {
  guessing w;
  for (int n = 0; n < 99; ++n) {
    for (int one_wrong_one_right = 0; one_wrong_one_right < 2; ++one_wrong_one_right) REQUIRE(w.tries());
    w.made(w.reader(), clear_attempts{w.secret(1)});
  }
  REQUIRE(w.tries());
  CHECK(std::holds_alternative<std::monostate>(w.attempt(1).what));
  CHECK_FALSE(w.viewable(1));
}

TEST_CASE("who is right every time may look as often as they like", "[model][attempts]") {
  guessing w;
  for (int n = 0; n < 300; ++n) {
    REQUIRE(w.tries());
    w.made(w.reader(), clear_attempts{w.secret(1)});
  }
  CHECK(w.attempts(1)->lifetime == 0);
  CHECK(w.viewable(1));
}

TEST_CASE("an end of the secret forgets its attempts", "[model][attempts]") {
  guessing w(GENERATE(false, true));
  w.tries();
  SECTION("revealed") { CHECK(w.claims(1)); }
  SECTION("revealed with a key") { CHECK(w.claims(1, key_no(1))); }
  SECTION("burned") { w.made(w.reader(), burn_secret{w.receipt(1), true}); }
  SECTION("expired") {
    w.now = after(w.now, 604'800'000);
    w.sweep_now();
  }
  CHECK_FALSE(w.attempts(1));
}

TEST_CASE("nodes whose clocks differ lift no lock early", "[model][attempts]") {
  guessing w;
  w.lock_out(1);
  auto locked = w.now;
  w.now = after(locked, -5000);
  CHECK(w.locked_for() == lock + 5000);
  w.now = after(locked, -window);
  CHECK(w.locked_for() == lock + window);
}

TEST_CASE("a clock that is set back far locks nobody out until it has caught up", "[model][attempts]") {
  guessing w;
  auto start = w.now;
  SECTION("a lock from a time to come is none") {
    w.lock_out(1);
    w.now = after(start, -window - 1);
    CHECK(w.locked_for() == 0);
    w.lock_out(1);  // and five attempts are five
    CHECK(w.locked_for() == lock);
  }
  SECTION("nor does what was counted then count") {
    for (int i = 0; i < 4; ++i) CHECK(w.tries() == false);
    w.now = after(start, -window - 1);
    w.lock_out(1);
  }
  SECTION("but within a window it does") {
    for (int i = 0; i < 4; ++i) CHECK(w.tries() == false);
    w.now = after(start, -window);
    CHECK(w.tries() == true);
  }
}

TEST_CASE("a lock-out is on record, and one of what is not there is not", "[model][attempts]") {
  guessing w(GENERATE(false, true));
  auto before = w.st.all();
  w.made(w.reader(), note_lockout{w.secret(1)});
  CHECK(w.st.all() == before);
  w.lock_out(1);
  w.made(w.reader(), note_lockout{w.secret(1)});
  CHECK(w.last_audit_has(R"("action":"secret.lockout")"));
  CHECK(w.last_audit_has(R"("object":")" + shortid(w.secret(1).value()) + '"'));
}

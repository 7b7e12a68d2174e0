// Requests for secrets: one answer, one pickup, and who may see what of them.

#include <map>
#include <set>

#include "tests/model/secrets_world.hpp"
#include "tests/support/random_source.hpp"

using namespace nacre;
using namespace nacre::model;
using namespace nacre::model::testing;

namespace {

constexpr std::int64_t hour = 3'600'000;

struct asks_world : secrets_world {
  using secrets_world::secrets_world;
  ask_id ask(std::uint64_t n) const { return nth<ask_id>(guests ? 5 : 0x61, n); }
  keyed_hash pickup(std::uint64_t n) const { return key_no(static_cast<std::uint8_t>(0x80 + n)); }
  open_ask opening(std::uint64_t n, std::uint32_t lifespan_s = 3600) const {
    return {ask(n), pickup(n), lifespan_s, 0};
  }
  answer_ask answering(std::uint64_t n, std::optional<keyed_hash> key = {}) const {
    return {ask(n), key, 1, "answer " + std::to_string(n), 0};
  }
  pick_up_ask picking(std::uint64_t n, std::optional<keyed_hash> key = {}, std::int64_t window_ms = 60'000) const {
    return {ask(n), pickup(n), key, window_ms};
  }
  void open(std::uint64_t n, std::uint32_t lifespan_s = 3600) { made(maker(), opening(n, lifespan_s)); }
  void answered(std::uint64_t n) { made(reader(), answering(n)); }
  std::optional<std::string> sealed_answer(std::uint64_t n) const {
    return st.get(space::sealed, keys::sealed_answer(home, ask(n)));
  }
  std::optional<ask_record> kept_ask(std::uint64_t n) const { return row<ask_record>(keys::ask(home, ask(n))); }
  std::string state_of_ask(std::uint64_t n) const {
    auto found = find_ask(st, home, ask(n), now);
    return found ? std::string(name_of(found->state)) : "unknown";
  }
};

// The promises once more: moments and words, no rows.
class asks_oracle {
 public:
  std::string answer(const command& c) {
    now_ = c.ctx.now.value();
    return std::visit([&](const auto& op) { return to(op); }, c.what);
  }
  std::string state(ask_id id, std::int64_t now) {
    now_ = now;
    auto* a = known(id);
    return a ? word(*a) : "unknown";
  }
  int answers(ask_id id) const { return asks_.at(id).answers; }
  int pickups(ask_id id) const { return asks_.at(id).pickups; }

 private:
  struct ask {
    keyed_hash pickup;
    std::int64_t opened = 0, life = 0;
    std::optional<std::int64_t> answered, over;
    std::optional<keyed_hash> answer_key, key;
    std::string how;  // it ended
    std::int64_t key_until = 0;
    bool closed = false;
    int answers = 0, pickups = 0;
  };
  std::map<ask_id, ask> asks_;
  std::int64_t now_ = 0;

  ask* known(ask_id id) {
    auto it = asks_.find(id);
    return it == asks_.end() || now_ >= it->second.opened + 2 * it->second.life ? nullptr : &it->second;
  }
  bool late(const ask& a) const { return a.how.empty() && now_ >= a.answered.value_or(a.opened) + a.life; }
  std::string word(const ask& a) const {
    if (!a.how.empty()) return a.how;
    if (late(a)) return "expired";
    return a.answered ? "answered" : "open";
  }
  std::string to(const open_ask& op) {
    if (!asks_.emplace(op.id, ask{op.pickup, now_, op.lifespan_s * 1000LL, {}, {}, {}, {}, {}, 0, false, 0, 0}).second)
      return "conflict";
    return "open";
  }
  std::string to(const answer_ask& op) {
    auto* a = known(op.id);
    if (!a) return "not_found";
    auto is = word(*a);
    if (is == "answered" || is == "picked_up") return a->answer_key && a->answer_key == op.key ? is : "conflict";
    if (is != "open") return "not_found";
    a->answered = std::max(a->opened, now_);
    a->answer_key = op.key;
    ++a->answers;
    return "answered";
  }
  std::string to(const pick_up_ask& op) {
    auto* a = known(op.id);
    if (!a || a->pickup != op.pickup) return "not_found";
    auto is = word(*a);
    if (is == "picked_up" && op.retry && a->key == op.retry && !a->closed && now_ < a->key_until) return "picked_up";
    if (is == "open") return "conflict";
    if (is != "answered") return "not_found";
    a->how = "picked_up";
    ++a->pickups;
    if (op.retry && op.retry_window_ms > 0) {
      a->key = op.retry;
      a->key_until = std::min(now_ + op.retry_window_ms, a->opened + 2 * a->life);
    }
    return "picked_up";
  }
  std::string to(const confirm_ask& op) {
    auto* a = known(op.id);
    if (!a || a->pickup != op.pickup || a->key != op.retry) return "not_found";
    a->closed = true;
    return word(*a);
  }
  std::string to(const cancel_ask& op) {
    auto* a = known(op.id);
    if (!a || a->pickup != op.pickup) return "not_found";
    auto is = word(*a);
    if (is == "picked_up" || is == "expired") return "conflict";
    a->how = "cancelled";
    return "cancelled";
  }
  // What time has decided is settled, whatever the clock says later.
  std::string to(const sweep& op) {
    for (const auto& d : op.dues) {
      auto it = asks_.find(ask_id{d.id});
      if (d.at.value() > now_ || it == asks_.end()) continue;
      auto& a = it->second;
      if (late(a)) a.how = "expired";
      if (a.key && now_ >= a.key_until) a.closed = true;
      if (now_ >= a.opened + 2 * a.life) a.life = -1;  // forgotten for good
    }
    return "nothing";
  }
  template <class Op>
  std::string to(const Op&) {
    return "no business of requests";
  }
};

std::string told(const outcome& o) {
  if (o.refused) return std::string(name_of(o.refused->code));
  if (const auto* e = std::get_if<ask_entry>(&o.what)) return std::string(name_of(e->record.state));
  return "nothing";
}

}  // namespace

TEST_CASE("a request takes one answer and gives it out once", "[model][asks]") {
  asks_world w(GENERATE(false, true));
  w.open(1);
  CHECK(w.last_audit_has("request.open"));
  CHECK(w.state_of_ask(1) == "open");
  CHECK(where_is(w.st, w.ask(1)) == w.home);
  CHECK(w.refused(w.reader(), w.picking(1)) == errc::conflict);  // too early
  w.answered(1);
  CHECK(w.last_audit_has("request.answer"));
  CHECK(w.refused(w.reader(), w.answering(1)) == errc::conflict);
  CHECK(w.sealed_answer(1) == "answer 1");
  w.made(w.reader(), w.picking(1));
  CHECK(w.last_audit_has("request.pick_up"));
  CHECK_FALSE(w.sealed_answer(1));
  CHECK(w.refused(w.reader(), w.picking(1)) == errc::not_found);
  CHECK(w.refused(w.reader(), w.answering(1)) == errc::conflict);
  CHECK(w.state_of_ask(1) == "picked_up");
}

TEST_CASE("who sent the answer and lost the reply is told that theirs stands; another text is not", "[model][asks]") {
  asks_world w(GENERATE(false, true));
  w.open(1);
  w.made(w.reader(), w.answering(1, key_no(1)));
  auto before = w.sealed_answer(1);
  auto again = w.answering(1, key_no(1));
  again.sealed = "sent again";
  w.made(w.reader(), again);
  CHECK(w.sealed_answer(1) == before);
  CHECK(w.refused(w.reader(), w.answering(1, key_no(2))) == errc::conflict);
  CHECK(w.refused(w.reader(), w.answering(1)) == errc::conflict);
  w.made(w.reader(), w.picking(1));
  w.made(w.reader(), again);  // still theirs
  w.open(2);
  w.answered(2);  // without a key nobody comes again
  CHECK(w.refused(w.reader(), w.answering(2)) == errc::conflict);
}

TEST_CASE("whose answer ended unread is not told that it stands", "[model][asks]") {
  asks_world w(GENERATE(false, true));
  w.open(1);
  w.made(w.reader(), w.answering(1, key_no(1)));
  w.now = after(w.now, hour);
  if (GENERATE(false, true)) w.sweep_now();
  CHECK(w.state_of_ask(1) == "expired");
  CHECK(w.refused(w.reader(), w.answering(1, key_no(1))) == errc::not_found);
}

TEST_CASE("the link that asks opens nothing: a foreign pickup hash finds nothing", "[model][asks]") {
  asks_world w(GENERATE(false, true));
  w.open(1);
  w.answered(1);
  CHECK(w.refused(w.reader(), pick_up_ask{w.ask(1), w.pickup(2), key_no(1), 60'000}) == errc::not_found);
  CHECK(w.refused(w.reader(), cancel_ask{w.ask(1), w.pickup(2)}) == errc::not_found);
  w.made(w.reader(), w.picking(1, key_no(1)));
  CHECK(w.refused(w.reader(), confirm_ask{w.ask(1), w.pickup(2), key_no(1)}) == errc::not_found);
  CHECK(w.refused(w.reader(), pick_up_ask{w.ask(1), w.pickup(2), key_no(1), 60'000}) == errc::not_found);
}

TEST_CASE("a pickup can be fetched again with its key until it is confirmed or the window ends", "[model][asks]") {
  asks_world w(GENERATE(false, true));
  for (std::uint64_t n : {1u, 2u, 3u}) {
    w.open(n);
    w.answered(n);
    w.made(w.reader(), w.picking(n, key_no(1)));
    w.made(w.reader(), w.picking(n, key_no(1)));
    CHECK(w.sealed_answer(n));
    CHECK(w.refused(w.reader(), w.picking(n, key_no(2))) == errc::not_found);
  }
  w.made(w.reader(), confirm_ask{w.ask(1), w.pickup(1), key_no(1)});
  CHECK_FALSE(w.sealed_answer(1));
  CHECK(w.refused(w.reader(), w.picking(1, key_no(1))) == errc::not_found);
  w.made(w.reader(), confirm_ask{w.ask(1), w.pickup(1), key_no(1)});
  w.now = after(w.now, 60'000);
  CHECK(w.refused(w.reader(), w.picking(2, key_no(1))) == errc::not_found);
  w.sweep_now();
  CHECK_FALSE(w.sealed_answer(2));
  CHECK(w.state_of_ask(3) == "picked_up");
}

TEST_CASE("a request expires unanswered, an answer unread; both are forgotten with all they had", "[model][asks]") {
  asks_world w(GENERATE(false, true));
  auto swept = GENERATE(false, true);
  w.open(1);
  w.open(2);
  w.now = after(w.now, hour - 1);
  w.answered(2);
  w.now = after(w.now, 1);
  if (swept) w.sweep_now();
  CHECK(w.state_of_ask(1) == "expired");
  CHECK(w.refused(w.reader(), w.answering(1)) == errc::not_found);
  CHECK(w.state_of_ask(2) == "answered");
  w.now = after(w.now, hour - 1);  // an answer waits as long as the request did
  if (swept) w.sweep_now();
  CHECK(w.state_of_ask(2) == "expired");
  CHECK(w.refused(w.reader(), w.picking(2)) == errc::not_found);
  w.now = after(w.now, 1);
  CHECK(w.state_of_ask(1) == "unknown");
  w.sweep_now();
  CHECK_FALSE(w.kept_ask(1));
  CHECK_FALSE(w.kept_ask(2));
  CHECK(w.sealed_rows() == 0);
  CHECK(w.due_now().empty());
  CHECK_FALSE(w.st.get(space::index, keys::one_time(w.ask(1).value())));
}

TEST_CASE("who asked may cancel, until it is picked up", "[model][asks]") {
  asks_world w(GENERATE(false, true));
  w.open(1);
  w.made(w.reader(), cancel_ask{w.ask(1), w.pickup(1)});
  w.made(w.reader(), cancel_ask{w.ask(1), w.pickup(1)});
  CHECK(w.refused(w.reader(), w.answering(1)) == errc::not_found);
  w.open(2);
  w.made(w.reader(), w.answering(2, key_no(1)));
  w.made(w.reader(), cancel_ask{w.ask(2), w.pickup(2)});
  CHECK_FALSE(w.sealed_answer(2));
  CHECK(w.refused(w.reader(), w.picking(2)) == errc::not_found);
  CHECK(w.refused(w.reader(), w.answering(2, key_no(1))) == errc::not_found);  // it does not stand any more
  w.open(3);
  w.answered(3);
  w.made(w.reader(), w.picking(3));
  CHECK(w.refused(w.reader(), cancel_ask{w.ask(3), w.pickup(3)}) == errc::conflict);
}

TEST_CASE("a guest's request counts in its partition while it is known, its answer until nobody can pick it up",
          "[model][asks]") {
  asks_world w(true);
  auto held = [&] {
    return w.row<partition_record>(keys::partition(w.home)).value_or(partition_record{}).sealed_bytes;
  };
  const auto four = 4 * limits::guest_ask_bytes;
  auto bounded = w.answering(1);
  bounded.partition_bytes_max = four + bounded.sealed.size();
  for (std::uint64_t n : {1u, 2u, 3u, 4u}) w.open(n, n == 4 ? 60 : 3600);
  CHECK(held() == four);
  w.made(w.reader(), bounded);
  CHECK(held() == four + bounded.sealed.size());
  auto second = w.answering(2);
  second.partition_bytes_max = bounded.partition_bytes_max;
  CHECK(w.refused(w.reader(), second) == errc::full);
  auto opening = w.opening(9);
  opening.partition_bytes_max = bounded.partition_bytes_max;
  CHECK(w.refused(w.maker(), opening) == errc::full);
  w.made(w.reader(), w.picking(1, key_no(1)));
  w.made(w.reader(), second);
  w.made(w.reader(), cancel_ask{w.ask(2), w.pickup(2)});
  CHECK(held() == four);
  w.answered(4);
  w.now = after(w.now, 60'000);
  w.sweep_now();
  CHECK(held() == four);
  w.now = after(w.now, 2 * 3'600'000);
  w.sweep_now();
  CHECK(held() == 0);
  auto elsewhere = w.reader();
  elsewhere.workspace = guest_partition(6);
  CHECK(w.refused(elsewhere, w.opening(7)) == errc::internal);
}

TEST_CASE("members with the scope ask in a workspace, nobody else; a deleted one takes its requests along",
          "[model][asks]") {
  asks_world w;
  CHECK(w.refused(w.stranger, w.opening(1)) == errc::forbidden);
  CHECK(w.refused(w.reader(), w.opening(1)) == errc::forbidden);
  w.made(w.member, new_pat(1));
  CHECK(w.refused(w.with_pat(w.member, pat_no(1), scope_read), w.opening(1)) == errc::insufficient_scope);
  w.open(1);
  CHECK(w.refused(w.member, w.opening(1)) == errc::conflict);
  CHECK(w.kept_ask(1)->owner == w.member);
  w.answered(1);
  w.made(w.owner, delete_workspace{});
  CHECK(w.refused(w.reader(), w.picking(1)) == errc::not_found);
  CHECK(w.refused(w.reader(), w.answering(1)) == errc::not_found);
}

TEST_CASE("every act on a request that comes twice is one effect and the same answer", "[model][asks][retries]") {
  asks_world w(GENERATE(false, true));
  auto twice = [&](const context& ctx, const operation& op) {
    INFO(action_of(op));
    auto first = w.made(ctx, op);
    auto before = w.st.all();
    CHECK_FALSE(refused_early(w.st, {ctx, op}));
    auto again = w.made(ctx, op);
    CHECK(again.replayed);
    CHECK(said(again) == said(first));
    CHECK(w.st.all() == before);
  };
  twice(w.maker(), w.opening(1));
  twice(w.reader(), w.answering(1));
  twice(w.reader(), w.picking(1, key_no(1)));
  twice(w.reader(), confirm_ask{w.ask(1), w.pickup(1), key_no(1)});
  w.open(2);
  auto ctx = w.reader();
  w.made(ctx, cancel_ask{w.ask(2), w.pickup(2)});
  w.open(3);
  CHECK(w.refused(ctx, cancel_ask{w.ask(3), w.pickup(3)}) == errc::conflict);  // granted for another
}

TEST_CASE("whatever happens to requests in whatever order, the rules answer as the oracle", "[model][properties]") {
  auto first = nacre::testing::announced_seed("asks");
  std::set<std::string> said_so;
  int picked_up = 0;
  for (std::uint64_t seed = first; seed < first + 150; ++seed) {
    CAPTURE(seed);
    nacre::testing::random_source random(seed);
    asks_world w(seed % 2 == 0);
    asks_oracle oracle;
    std::uint64_t made = 0;
    auto key = [&]() -> std::optional<keyed_hash> {
      if (random.one_in(4)) return std::nullopt;
      return key_no(static_cast<std::uint8_t>(1 + random.below(2)));
    };
    for (int i = 0; i < 300; ++i) {
      auto step = [&](std::uint64_t most) { return static_cast<std::int64_t>(random.below(most)); };
      if (random.one_in(2)) w.now = after(w.now, step(random.one_in(5) ? 90'000 : 2'000));
      if (random.one_in(50)) w.now = after(w.now, step(400'000));
      if (seed % 3 != 0 && random.one_in(10)) w.now = after(w.now, -step(5'000));
      auto n = made == 0 ? 1 : made - random.below(std::min<std::uint64_t>(made, 3));
      auto pickup = random.one_in(10) ? w.pickup(n + 1) : w.pickup(n);
      auto ctx = w.reader();
      operation op = cancel_ask{w.ask(n), pickup};
      switch (random.below(10)) {
        case 0:
        case 1:
          if (made >= 15) break;
          n = ++made;
          op = w.opening(n, 60 + static_cast<std::uint32_t>(random.below(300)));
          ctx = w.maker();
          break;
        case 2:
        case 3:
        case 4:
          op = w.answering(n, key());
          break;
        case 5:
        case 6:
          op = pick_up_ask{w.ask(n), pickup, key(), step(3) * 30'000};
          break;
        case 7:
          op = confirm_ask{w.ask(n), pickup, key().value_or(keyed_hash{})};
          break;
        case 8: {
          sweep all;
          for (const auto& d : w.due_now())
            if (!random.one_in(4)) all.dues.push_back(d);
          op = all;
          ctx = w.as_system();
          break;
        }
        default:
          if (!random.one_in(4)) op = w.answering(n, key());
      }
      INFO("step " << i << ", " << action_of(op));
      auto expected = oracle.answer({ctx, op});
      REQUIRE(told(w.run(ctx, op)) == expected);
      said_so.insert(std::string(action_of(op)) + ": " + expected);
      for (std::uint64_t each = 1; each <= made; ++each)
        REQUIRE(w.state_of_ask(each) == oracle.state(w.ask(each), w.now.value()));
    }
    for (std::uint64_t each = 1; each <= made; ++each) {
      REQUIRE(oracle.answers(w.ask(each)) <= 1);
      REQUIRE(oracle.pickups(w.ask(each)) <= 1);
      picked_up += oracle.pickups(w.ask(each));
    }
  }
  CHECK(picked_up > 100);
  CHECK(said_so.size() > 13);
}

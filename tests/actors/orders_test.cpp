// What an order may expect: one answer, in its turn, with a token only after the act is durable.

#include <set>
#include <thread>

#include "actors/protocol.hpp"
#include "crypto/token.hpp"
#include "storage/faulty_store.hpp"
#include "tests/support/forwarding_log.hpp"
#include "tests/support/installation.hpp"

using namespace nacre;
using namespace nacre::testing;

namespace {
const user_id owner = user_no(1), member = user_no(2);
const workspace_id home = workspace_no(1);

// A node of several that has not applied yet what the others acknowledged, until it asks them.
class lagging final : public forwarding_log {
 public:
  lagging(cluster::log& whole, std::shared_ptr<const model::view> old) : forwarding_log(whole), old_(std::move(old)) {}
  void when_current(cluster::deadline by, unique_function<void(result<void>)> done) override {
    ++asked;
    if (cut_off) return done(fail(errc::busy, "No leader at present"));
    caught_up_ = true;
    whole_.when_current(by, std::move(done));
  }
  std::shared_ptr<const model::view> applied_view() const override { return caught_up_ ? whole_.applied_view() : old_; }
  std::chrono::milliseconds applied_age() const override { return std::chrono::milliseconds(1); }

  std::atomic<int> asked{0};
  std::atomic<bool> cut_off{false};

 private:
  std::shared_ptr<const model::view> old_;
  std::atomic<bool> caught_up_{false};
};
}  // namespace

TEST_CASE("nobody is refused for what this node has not applied yet", "[actors]") {
  for (bool cut_off : {false, true})
    for (int what = 0; what < 3; ++what) {
      INFO("cut off: " << cut_off << ", order " << what);
      installation node;
      auto before = node.view();
      node.found();
      node.join(member, model::role::member);
      lagging behind(*node.log, before);
      behind.cut_off = cut_off;
      auto service = actors::make_service(behind, node.keys, node.time, {});
      auto ask = [&](user_id who, actors::intent wish) {
        auto box = std::make_shared<inbox<actors::answer>>();
        service->submit(
            {node.as(who), std::move(wish), in_a_while(), [box](actors::answer a) { box->put(std::move(a)); }});
        if (!box->await(1)) FAIL("no answer");
        return box->next();
      };
      auto a = what == 0   ? ask(owner, model::operation{model::remove_member{member}})
               : what == 1 ? ask(member, issue("mine"))
                           : ask(user_no(9), model::operation{model::remove_member{member}});
      CHECK(behind.asked == 1);
      if (cut_off) {
        REQUIRE(a.outcome.refused);
        CHECK(a.outcome.refused->code == errc::busy);
      } else if (what == 2) {
        REQUIRE(a.outcome.refused);
        CHECK(a.outcome.refused->code == errc::forbidden);
      } else {
        CHECK_FALSE(a.outcome.refused);
      }
      CHECK(service->stats().orders == 0);
    }
}

TEST_CASE("a created token is revealed again, and lies nowhere in the clear", "[actors][pat]") {
  installation node;
  node.found();
  auto made = node.ask(node.as(owner), issue("ci"));
  REQUIRE_FALSE(made.outcome.refused);
  auto token = text_of(made);
  CHECK(crypto::check_token(node.keys, token).check == crypto::token_check::ours);
  CHECK(pat_of(made).record.prefix == token.substr(0, 12));
  CHECK(pat_of(made).workspace_name == "Pearl");
  for (int again = 0; again < 2; ++again) {
    auto shown = node.ask(node.as(owner), reveal(pat_of(made).id));
    REQUIRE_FALSE(shown.outcome.refused);
    CHECK(text_of(shown) == token);
  }
  auto secret = token.substr(13);
  CHECK_FALSE(holds_bytes(*node.view(), secret));
  CHECK_FALSE(holds_bytes(*node.view(), *crypto::from_hex(secret)));
  CHECK(holds_bytes(*node.view(), token.substr(0, 12)));  // the search itself works
  CHECK(broken_in(*node.view()).empty());
}

TEST_CASE("nothing is shown before it is durable", "[actors][pat]") {
  installation node;
  node.found();
  auto made = node.ask(node.as(owner), issue("ci"));
  node.store.hold();
  inbox<actors::answer> box;
  node.submit(box, node.as(owner), reveal(pat_of(made).id));
  REQUIRE(node.store.await_write());
  CHECK(box.size() == 0);  // the act is not on record yet
  node.store.release();
  REQUIRE(box.await(1));
  CHECK(text_of(box.next()) == text_of(made));
}

TEST_CASE("a token that could not be made durable is not in the answer", "[actors][pat][fault]") {
  for (bool sync : {false, true})
    for (std::uint64_t n : {2u, 3u}) {
      DYNAMIC_SECTION((sync ? "sync " : "write ") << n) {
        auto memory = storage::make_memory_store();
        storage::fault_plan plan;
        (sync ? plan.fail_sync : plan.fail_write) = n;  // 1 founds, 2 creates, 3 reveals
        auto faulty = storage::make_faulty_store(std::make_unique<lent_store>(*memory), plan);
        installation node({}, faulty.get());
        node.found();
        auto made = node.ask(node.as(owner), issue("ci"));
        CHECK(made.token.empty() == (n == 2));
        if (n == 2) {
          REQUIRE(made.outcome.refused);
          CHECK(made.outcome.refused->code == errc::storage_failed);
        } else {
          auto shown = node.ask(node.as(owner), reveal(pat_of(made).id));
          REQUIRE(shown.outcome.refused);
          CHECK(shown.outcome.refused->code == errc::storage_failed);
          CHECK(shown.token.empty());
        }
      }
    }
}

TEST_CASE("creates in parallel give tokens and ids of their own", "[actors][pat]") {
  installation node;
  node.found();
  inbox<actors::answer> box;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 16; ++i) node.submit(box, node.as(owner), issue("ci"));
    });
  for (auto& t : threads) t.join();
  REQUIRE(box.await(64));
  std::set<std::string> tokens;
  std::set<pat_id> ids;
  for (const auto& a : box.take()) {
    REQUIRE_FALSE(a.outcome.refused);
    tokens.insert(text_of(a));
    ids.insert(pat_of(a).id);
  }
  CHECK(tokens.size() == 64);
  CHECK(ids.size() == 64);
  auto ws = model::load<model::workspace_record>(*node.view(), model::space::state, model::keys::workspace(home));
  CHECK(ws->live_pats == 64);
  CHECK(broken_in(*node.view()).empty());
}

TEST_CASE("orders of one workspace take effect in the order they were delivered", "[actors]") {
  installation node;
  node.found();
  inbox<actors::answer> box;
  for (int i = 0; i < 100; ++i) node.submit(box, node.as(owner), issue(std::to_string(i)));
  REQUIRE(box.await(100));
  std::uint64_t expected = 0;
  bool in_order = true;
  for (const auto& a : box.take()) {
    in_order = in_order && pat_of(a).record.seq == expected + 1 && pat_of(a).record.name == std::to_string(expected);
    ++expected;
  }
  CHECK(in_order);
}

TEST_CASE("a full workspace is busy at once while its neighbours go on, and loses nothing", "[actors][bounds]") {
  actors::settings s;
  s.queue_per_workspace = 5;
  installation node(s);
  node.found();
  node.found(workspace_no(2));
  node.store.hold();
  inbox<actors::answer> box, full, other;
  for (int i = 0; i < 5; ++i) node.submit(box, node.as(owner), issue("ci"));
  auto sixth = node.as(owner);
  node.submit(full, sixth, issue("sixth"));
  REQUIRE(full.size() == 1);  // within the call
  auto refused = full.next();
  REQUIRE(refused.outcome.refused);
  CHECK(refused.outcome.refused->code == errc::busy);
  CHECK(refused.token.empty());
  CHECK(node.service->stats().busy_total == 1);
  CHECK(node.service->stats().orders == 5);
  node.submit(other, node.as(owner, workspace_no(2)), issue("ci"));
  CHECK(other.size() == 0);  // it waits for the disk, not for the neighbour
  node.store.release();
  REQUIRE(box.await(5));
  REQUIRE(other.await(1));
  CHECK_FALSE(other.next().outcome.refused);
  auto again = node.ask(sixth, issue("sixth"));
  CHECK_FALSE(again.outcome.refused);
  CHECK_FALSE(again.outcome.replayed);  // nothing of it had happened
  CHECK(box.size() == 5);               // and nobody was answered twice
  CHECK(eventually([&] { return node.service->stats().orders == 0; }));
}

TEST_CASE("the bound on all orders is exact, however many knock at once", "[actors][bounds][stress]") {
  actors::settings s;
  s.queue_total = 40;
  installation node(s);
  for (std::uint64_t w = 1; w <= 8; ++w) node.found(workspace_no(w));
  node.store.hold();
  inbox<actors::answer> box;
  std::vector<std::thread> threads;
  for (std::uint64_t w = 1; w <= 8; ++w)
    threads.emplace_back([&, w] {
      for (int i = 0; i < 20; ++i) node.submit(box, node.as(owner, workspace_no(w)), issue("ci"));
    });
  for (auto& t : threads) t.join();
  CHECK(box.size() == 120);
  CHECK(node.service->stats().orders == 40);
  CHECK(node.service->stats().busy_total == 120);
  node.store.release();
  REQUIRE(box.await(160));
  std::size_t made = 0, busy = 0;
  for (const auto& a : box.take()) {
    made += !a.outcome.refused;
    busy += a.outcome.refused && a.outcome.refused->code == errc::busy;
  }
  CHECK(made == 40);
  CHECK(busy == 120);
}

TEST_CASE("an order past its deadline is not begun, and one that waits too long does not happen",
          "[actors][deadline]") {
  installation node;
  node.found();
  auto late = node.ask(node.as(owner), issue("late"), std::chrono::steady_clock::now());
  REQUIRE(late.outcome.refused);
  CHECK(late.outcome.refused->code == errc::deadline_exceeded);
  CHECK(late.token.empty());

  node.store.hold();
  inbox<actors::answer> first, second;
  node.submit(first, node.as(owner), issue("first"));
  REQUIRE(node.store.await_write());
  auto soon = std::chrono::steady_clock::now() + std::chrono::milliseconds{20};
  node.submit(second, node.as(owner), issue("second"), soon);
  REQUIRE(eventually([&] { return std::chrono::steady_clock::now() > soon; }));
  node.store.release();
  REQUIRE(first.await(1));
  REQUIRE(second.await(1));
  CHECK_FALSE(first.next().outcome.refused);
  auto waited = second.next();
  REQUIRE(waited.outcome.refused);
  CHECK(waited.outcome.refused->code == errc::deadline_exceeded);
  CHECK(waited.token.empty());
  auto ws = model::load<model::workspace_record>(*node.view(), model::space::state, model::keys::workspace(home));
  CHECK(ws->live_pats == 1);
}

TEST_CASE("a create that is retried answers the token that was stored", "[actors][pat][retry]") {
  installation node;
  node.found();
  auto ctx = node.as(owner);
  auto first = node.ask(ctx, issue("ci"));
  auto second = node.ask(ctx, issue("ci"));
  REQUIRE_FALSE(second.outcome.refused);
  CHECK(second.outcome.replayed);
  CHECK(pat_of(second).id == pat_of(first).id);
  CHECK(text_of(second) == text_of(first));
  CHECK(text_of(node.ask(node.as(owner), reveal(pat_of(first).id))) == text_of(first));

  // The same when both are under way at once.
  node.store.hold();
  inbox<actors::answer> box;
  auto both = node.as(owner);
  for (int i = 0; i < 3; ++i) node.submit(box, both, issue("both"));
  node.store.release();
  REQUIRE(box.await(3));
  auto answers = box.take();
  auto stored = text_of(node.ask(node.as(owner), reveal(pat_of(answers[0]).id)));
  for (const auto& a : answers) CHECK(text_of(a) == stored);
  auto ws = model::load<model::workspace_record>(*node.view(), model::space::state, model::keys::workspace(home));
  CHECK(ws->live_pats == 2);

  // Once revoked, a retry shows nothing.
  REQUIRE_FALSE(node.ask(node.as(owner), model::operation{model::revoke_pat{pat_of(first).id}}).outcome.refused);
  auto third = node.ask(ctx, issue("ci"));
  REQUIRE(third.outcome.refused);
  CHECK(third.token.empty());
}

TEST_CASE("a refused order carries no token", "[actors][pat]") {
  installation node;
  node.found();
  node.join(member, model::role::member);
  auto made = node.ask(node.as(owner), issue("ci"));
  for (auto who : {member, user_no(9)}) {
    auto shown = node.ask(node.as(who), reveal(pat_of(made).id));
    REQUIRE(shown.outcome.refused);
    CHECK(shown.outcome.refused->code == errc::forbidden);
    CHECK(shown.token.empty());
  }
  auto outsider = node.ask(node.as(user_no(9)), issue("mine"));
  REQUIRE(outsider.outcome.refused);
  CHECK(outsider.token.empty());
  // A read-only credential cannot make a stronger one.
  auto ctx = node.as(owner);
  ctx.who.via = model::caller::kind::pat;
  ctx.who.pat = pat_of(made).id;
  ctx.who.scopes = model::implied(model::scope_read);
  auto lifted = node.ask(ctx, issue("stronger", model::scope_admin));
  REQUIRE(lifted.outcome.refused);
  CHECK(lifted.outcome.refused->code == errc::insufficient_scope);
  CHECK(lifted.token.empty());
}

TEST_CASE("reveal budgets are spent whoever asks first", "[actors][pat][budget]") {
  installation node;
  node.found();
  auto made = node.ask(node.as(owner), issue("ci"));
  inbox<actors::answer> box;
  for (int i = 0; i < 30; ++i)
    node.submit(box, node.as(owner), model::operation{model::reveal_pat{pat_of(made).id, true, 10, 60}});
  REQUIRE(box.await(30));
  std::size_t shown = 0, limited = 0;
  for (const auto& a : box.take()) {
    shown += !a.token.empty();
    limited += a.outcome.refused && a.outcome.refused->code == errc::rate_limited && a.outcome.budget &&
               a.outcome.budget->remaining == 0;
  }
  CHECK(shown == 10);
  CHECK(limited == 20);
}

TEST_CASE("a deleted workspace makes and shows nothing, awake or asleep", "[actors][workspace]") {
  installation node;
  node.found();
  auto made = node.ask(node.as(owner), issue("ci"));
  REQUIRE_FALSE(node.ask(node.as(owner), model::operation{model::delete_workspace{}}).outcome.refused);
  CHECK(node.service->stats().actors == 1);  // still awake, with the data key it had opened
  auto shown = node.ask(node.as(owner), reveal(pat_of(made).id));
  auto created = node.ask(node.as(owner), issue("ci"));
  for (const auto* a : {&shown, &created}) {
    REQUIRE(a->outcome.refused);
    CHECK(a->outcome.refused->code == errc::forbidden);
    CHECK(a->token.empty());
  }
  CHECK_FALSE(node.view()->get(model::space::sealed, model::keys::data_key(home, 1)));
  auto revived = node.ask(node.as(user_no(5)), actors::admit_claimed{"Pearl", "", model::role::owner});
  REQUIRE(revived.outcome.refused);
  CHECK(revived.outcome.refused->code == errc::forbidden);
}

TEST_CASE("first use of a claimed workspace makes it once, with a data key that opens", "[actors][workspace]") {
  installation node;
  inbox<actors::answer> box;
  for (int i = 0; i < 20; ++i)
    node.submit(box, node.as(owner), actors::admit_claimed{"Claimed", "o@example.org", model::role::owner});
  REQUIRE(box.await(20));
  for (const auto& a : box.take()) CHECK_FALSE(a.outcome.refused);
  auto made = node.ask(node.as(owner), issue("ci"));
  CHECK(text_of(node.ask(node.as(owner), reveal(pat_of(made).id))) == text_of(made));
  CHECK(broken_in(*node.view()).empty());
}

TEST_CASE("stop answers all that is under way, once", "[actors][stop]") {
  installation node;
  node.found();
  node.service->note_use(home, pat_no(1), node.time.now());
  node.store.hold();
  inbox<actors::answer> box;
  for (int i = 0; i < 50; ++i) node.submit(box, node.as(owner), issue("ci"));
  std::thread stopper([&] { node.service->stop(); });
  REQUIRE(node.store.await_write());
  node.store.release();
  stopper.join();
  CHECK(node.service->stats().orders == 0);
  REQUIRE(box.await(50));
  for (const auto& a : box.take()) CHECK_FALSE(a.outcome.refused);
  node.service->stop();
}

TEST_CASE("an order whose actor dies is answered all the same, and frees its place", "[actors]") {
  auto slot = std::make_shared<actors::queue_slot>();
  auto total = std::make_shared<std::atomic<std::size_t>>(1);
  slot->orders = 1;
  inbox<actors::answer> box;
  {
    auto placed = std::make_shared<actors::placed_order>();
    placed->slot = slot;
    placed->total = total;
    placed->what.reply = [&](actors::answer a) { box.put(std::move(a)); };
    placed->fresh_token = crypto::secure_bytes(std::string_view("never shown"));
  }
  REQUIRE(box.size() == 1);
  auto a = box.next();
  REQUIRE(a.outcome.refused);
  CHECK(a.outcome.refused->code == errc::internal);
  CHECK(a.token.empty());
  CHECK(slot->orders == 0);
  CHECK(*total == 0);
}

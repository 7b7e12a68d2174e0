// Who sends webhooks, with a network that the test answers for.

#include "app/webhook_sender.hpp"

#include <atomic>
#include <deque>
#include <map>
#include <vector>

#include "model/keys.hpp"
#include "model/webhooks.hpp"
#include "tests/support/forwarding_log.hpp"
#include "tests/support/installation.hpp"

using namespace nacre;
using namespace nacre::testing;

namespace {

const user_id owner = user_no(1);
const workspace_id patient = workspace_no(1), greedy = workspace_no(2);

// Keeps what is posted until it is answered.
class held_posts final : public http::poster {
 public:
  struct one {
    http::outgoing what;
    unique_function<void(http::post_result)> done;
  };
  void post(http::outgoing what, unique_function<void(http::post_result)> done) override {
    posted.put({std::move(what), std::move(done)});
  }
  void check(const model::webhook_url&, unique_function<void(result<void>)> done) override { done({}); }
  void stop() override {}
  one next() {
    REQUIRE(posted.await(1));
    return posted.next();
  }
  inbox<one> posted;
};

struct world : installation {
  world() {
    for (auto ws : {patient, greedy}) found(ws);
  }
  webhook_id hook(workspace_id ws, const std::string& url = "https://hooks.example.com/a") {
    auto a = ask(as(owner, ws), actors::issue_webhook{url, 0});
    REQUIRE_FALSE(a.outcome.refused);
    return std::get<model::webhook_entry>(a.outcome.what).id;
  }
  void ping(workspace_id ws, webhook_id id) {
    REQUIRE_FALSE(ask(as(owner, ws), model::operation{model::ping_webhook{id}}).outcome.refused);
  }
  bool enabled(webhook_id id) { return model::find_webhook(*view(), patient, id).value().enabled; }
  model::webhook_progress progress(webhook_id id) {
    auto row = view()->get(model::space::state, model::keys::webhook_progress(patient, id));
    return model::decode<model::webhook_progress>(row.value()).value();
  }
  std::unique_ptr<app::webhook_sender> sender(cluster::log& by, std::size_t at_once) {
    app::webhook_sender_settings s;
    s.at_once = s.per_host = s.per_workspace = at_once;
    return app::make_webhook_sender(by, keys, time, out, std::move(s));
  }

  held_posts out;
};

bool is_of(workspace_id ws, const held_posts::one& p) { return p.what.body.find(to_string(ws)) != std::string::npos; }
void answer(held_posts::one p, int status) { p.done({http::post_result::fate::answered, status}); }

// Counts how often the sender has looked.
class watched final : public forwarding_log {
 public:
  using forwarding_log::forwarding_log;
  std::shared_ptr<const model::view> applied_view() const override { return ++looks, whole_.applied_view(); }
  mutable std::atomic<int> looks{0};
};

// Loses sight of the first settling, as a node does that is cut off from the others.
class losing_one final : public forwarding_log {
 public:
  using forwarding_log::forwarding_log;
  void propose(cluster::proposal p) override {
    if (!std::holds_alternative<model::settle_deliveries>(p.what.what) || lost++ > 0)
      return whole_.propose(std::move(p));
    cluster::settled s;
    s.how = cluster::settled::fate::unknown;
    p.done(std::move(s));
  }
  std::atomic<int> lost{0};
};

}  // namespace

TEST_CASE("who has many deliveries and slow receivers does not keep others from theirs", "[app][webhooks]") {
  world node;
  const auto many = node.hook(greedy), one = node.hook(patient);
  for (int i = 0; i < 12; ++i) node.ping(greedy, many);
  auto sender = node.sender(*node.log, 4);
  std::deque<held_posts::one> held;
  while (held.size() < 4) held.push_back(node.out.next());
  node.time.advance(1'000);  // the others' are due longest
  node.ping(patient, one);
  sender->wake();
  answer(std::move(held.front()), 200);
  auto next = node.out.next();
  CHECK(is_of(patient, next));
  sender->stop({});
}

TEST_CASE("workspaces with as much to tell take turns", "[app][webhooks]") {
  world node;
  std::vector<workspace_id> all;
  std::vector<webhook_id> hooks;
  for (std::uint64_t i = 1; i <= 6; ++i) {
    all.push_back(workspace_no(10 + i));
    node.found(all.back());
    hooks.push_back(node.hook(all.back()));
    for (int n = 0; n < 10; ++n) node.ping(all.back(), hooks.back());
  }
  watched log(*node.log);
  auto sender = node.sender(log, 4);
  auto left = [&] {
    std::size_t n = 0;
    for (std::size_t i = 0; i < all.size(); ++i) n += model::waiting_for(*node.view(), all[i], hooks[i]);
    return n;
  };
  const auto to_tell = left();
  std::map<workspace_id, int> told;
  std::deque<held_posts::one> held;
  for (std::size_t answered = 1; answered <= 30; ++answered) {
    while (held.size() < 4) held.push_back(node.out.next());  // every place is taken when it is settled
    for (auto ws : all) told[ws] += is_of(ws, held.front());
    answer(std::move(held.front()), 200);
    held.pop_front();
    held.push_back(node.out.next());
    REQUIRE(eventually([&] { return left() == to_tell - answered; }));
    for (int i = 0; i < 2; ++i) {  // it looks, with no place to give
      const int before = log.looks;
      sender->wake();
      REQUIRE(eventually([&] { return log.looks > before; }));
    }
  }
  for (auto ws : all) CHECK(told[ws] >= 3);
  sender->stop({});
}

TEST_CASE("a delivery whose settling was lost is settled all the same", "[app][webhooks]") {
  world node;
  losing_one log(*node.log);
  const auto id = node.hook(patient);
  node.ping(patient, id);
  auto sender = node.sender(log, 4);
  answer(node.out.next(), 503);
  CHECK(eventually([&] { return node.progress(id).failing == 1; }));
  node.time.advance(60'000);  // it is tried again then, and not before
  sender->wake();
  answer(node.out.next(), 200);
  CHECK(eventually([&] { return model::waiting_for(*node.view(), patient, id) == 0; }));
  CHECK(node.progress(id).delivered == 1);
  CHECK(node.out.posted.size() == 0);
  sender->stop({});
}

TEST_CASE("an old receiver that is gone does not switch off a webhook that points elsewhere", "[app][webhooks]") {
  world node;
  const auto id = node.hook(patient, "https://hooks.example.com/old");
  node.ping(patient, id);
  auto sender = node.sender(*node.log, 4);
  auto old = node.out.next();
  SECTION("since it was posted") {
    auto moved = model::change_webhook{id, "https://hooks.example.com/new", {}, {}, {}};
    REQUIRE_FALSE(node.ask(node.as(owner, patient), actors::edit_webhook{std::move(moved), false}).outcome.refused);
    answer(std::move(old), 410);
    CHECK(eventually([&] { return node.progress(id).failing == 1; }));
    CHECK(node.enabled(id));
    node.time.advance(60'000);
    sender->wake();
    CHECK(node.out.next().what.to.path == "/new");
  }
  SECTION("but one that it points to does") {
    answer(std::move(old), 410);
    CHECK(eventually([&] { return !node.enabled(id); }));
  }
  sender->stop({});
}

// Actors hold no truth: they come and go, and nobody notices.

#include <thread>

#include "tests/support/installation.hpp"

using namespace nacre;
using namespace nacre::testing;

namespace {
const user_id owner = user_no(1);

actors::settings sleepy() {
  actors::settings s;
  s.idle = std::chrono::milliseconds{0};
  s.note_flush = std::chrono::milliseconds{1};
  return s;
}
}  // namespace

TEST_CASE("an idle actor is put to sleep and the next order wakes it", "[actors][sleep]") {
  installation node(sleepy());
  node.found();
  auto made = node.ask(node.as(owner), issue("ci"));
  for (int i = 0; i < 5; ++i) {
    REQUIRE(eventually([&] { return node.service->stats().actors == 0; }));
    auto shown = node.ask(node.as(owner), reveal(pat_of(made).id));
    REQUIRE_FALSE(shown.outcome.refused);
    CHECK(text_of(shown) == text_of(made));
  }
}

TEST_CASE("an actor with an order under way stays awake", "[actors][sleep]") {
  installation node(sleepy());
  node.found();
  node.store.hold();
  inbox<actors::answer> box;
  node.submit(box, node.as(owner), issue("ci"));
  REQUIRE(node.store.await_write());
  // Another workspace comes and goes meanwhile, so the housekeeper has passed by several times.
  for (int i = 0; i < 3; ++i) {
    auto a = node.ask(node.as(user_no(9), workspace_no(2)), issue("outsider"));
    CHECK(a.outcome.refused);
    REQUIRE(eventually([&] { return node.service->stats().actors == 1; }));
  }
  node.store.release();
  REQUIRE(box.await(1));
  CHECK_FALSE(box.next().outcome.refused);
  CHECK(eventually([&] { return node.service->stats().actors == 0; }));
}

TEST_CASE("an actor that is not idle long enough stays awake", "[actors][sleep]") {
  auto s = sleepy();
  s.idle = std::chrono::hours{1};
  installation node(s);
  node.found(workspace_no(1));
  node.found(workspace_no(2));
  CHECK(node.service->stats().actors == 2);
}

TEST_CASE("orders that race actors falling asleep are all answered, once", "[actors][sleep][stress]") {
  installation node(sleepy());
  constexpr std::uint64_t people = 4, each = 150, workspaces = 3;
  for (std::uint64_t w = 1; w <= workspaces; ++w) node.found(workspace_no(w));
  std::atomic<std::size_t> answers{0}, good{0};
  std::vector<std::thread> threads;
  for (std::uint64_t p = 0; p < people; ++p)
    threads.emplace_back([&, p] {
      for (std::uint64_t i = 0; i < each; ++i) {
        auto box = std::make_shared<inbox<bool>>();
        auto ctx = node.as(owner, workspace_no(1 + (p + i) % workspaces));
        node.service->submit({ctx, issue("ci"), in_a_while(), [&, box](actors::answer a) {
                                ++answers;
                                good += !a.outcome.refused && !a.token.empty();
                                box->put(true);
                              }});
        if (!box->await(1)) return;
      }
    });
  for (auto& t : threads) t.join();
  CHECK(answers == people * each);
  CHECK(good == people * each);
  std::uint64_t kept = 0;
  for (std::uint64_t w = 1; w <= workspaces; ++w)
    kept +=
        model::load<model::workspace_record>(*node.view(), model::space::state, model::keys::workspace(workspace_no(w)))
            ->live_pats;
  CHECK(kept == people * each);
  CHECK(eventually([&] { return node.service->stats().orders == 0; }));
  CHECK(broken_in(*node.view()).empty());
}

// The actors on a log of several nodes, which answers on threads of its own and leads only some workspaces.

#include <chrono>
#include <thread>

#include "actors/home.hpp"
#include "model/keys.hpp"
#include "model/secrets.hpp"
#include "tests/support/forwarding_log.hpp"
#include "tests/support/installation.hpp"

using namespace nacre;
using namespace nacre::testing;

namespace {

const user_id owner = user_no(1);
const workspace_id ours = workspace_no(1), theirs = workspace_no(2);

// What a test changes of a log. Whatever it answers it answers on a thread that nobody may keep.
class several final : public forwarding_log {
 public:
  using forwarding_log::forwarding_log;
  ~several() override {
    for (auto& each : threads_) each.join();
  }
  void read_barrier(workspace_id ws, cluster::deadline by,
                    unique_function<void(result<std::shared_ptr<const model::view>>)> done) override {
    elsewhere([this, ws, by, done = std::move(done)]() mutable { whole_.read_barrier(ws, by, std::move(done)); });
  }
  void when_current(cluster::deadline by, unique_function<void(result<void>)> done) override {
    elsewhere([this, by, done = std::move(done)]() mutable { whole_.when_current(by, std::move(done)); });
  }
  std::shared_ptr<const model::view> applied_view() const override {
    ++looks;
    return whole_.applied_view();
  }
  std::chrono::milliseconds applied_age() const override { return age; }
  bool leads(workspace_id ws) const override { return ++questions, ws == ours; }

  mutable std::atomic<int> looks{0}, questions{0};
  std::atomic<std::chrono::milliseconds> age{};

 private:
  template <class F>
  void elsewhere(F f) {
    std::lock_guard lock(mutex_);
    threads_.emplace_back(std::move(f));
  }
  std::mutex mutex_;
  std::vector<std::thread> threads_;
};

// Keeps work until it is asked to do it.
class desk final : public actors::home {
 public:
  void post(unique_function<void()> work) noexcept override {
    std::lock_guard lock(mutex_);
    work_.push_back(std::move(work));
  }
  bool any() {
    std::lock_guard lock(mutex_);
    return !work_.empty();
  }
  void do_all() {
    std::vector<unique_function<void()>> work;
    {
      std::lock_guard lock(mutex_);
      work.swap(work_);
    }
    for (auto& each : work) each();
  }

 private:
  std::mutex mutex_;
  std::vector<unique_function<void()>> work_;
};

// Those of others were due a little earlier.
void put_dues(installation& node, workspace_id ws, std::uint64_t count, std::int64_t ago_ms = 1) {
  storage::batch rows;
  for (std::uint64_t i = 0; i < count; ++i)
    rows.push_back({storage::write::kind::put, model::space::index,
                    model::keys::due_at(after(node.time.now(), ws == ours ? -ago_ms : -ago_ms - 1), ws,
                                        model::due_kind::ask, workspace_no(i).value()),
                    ""});
  REQUIRE(node.memory->apply(rows, storage::durability::synced));
}

std::size_t dues_of(installation& node, workspace_id ws) {
  std::size_t n = 0;
  model::each_due(*node.view(), time_min, node.time.now(), [&](const auto& d) { return n += d.workspace == ws, true; });
  return n;
}

}  // namespace

TEST_CASE("what is asked is answered on the thread that asked, where that takes work back", "[actors]") {
  installation node;
  node.found();
  several log(*node.log);
  auto service = actors::make_service(log, node.keys, node.time, {});
  const auto here = std::make_shared<desk>();
  const auto mine = std::this_thread::get_id();
  actors::work_for me(here);
  int answered = 0;
  std::atomic<bool> elsewhere{false};
  const auto on_my_thread = [&](auto answer) {
    REQUIRE(answer);
    CHECK(std::this_thread::get_id() == mine);
    ++answered;
  };
  service->query(ours, in_a_while(), on_my_thread);
  service->when_current(in_a_while(), on_my_thread);
  REQUIRE(eventually([&] { return here->do_all(), answered == 2; }));
  // What is asked after an order, on a thread of the actors', is asked for whoever ordered.
  service->submit({node.as(owner), issue("mine"), in_a_while(), [&](actors::answer) {
                     elsewhere = std::this_thread::get_id() != mine;
                     service->query(ours, in_a_while(), on_my_thread);
                   }});
  REQUIRE(eventually([&] { return here->do_all(), answered == 3; }));
  CHECK(elsewhere);
  CHECK(actors::home_of_this_thread() == here);
  service.reset();
}

TEST_CASE("who asks without a home is answered wherever the log is", "[actors]") {
  installation node;
  several log(*node.log);
  auto service = actors::make_service(log, node.keys, node.time, {});
  inbox<bool> box;
  service->query(ours, in_a_while(), [&](auto view) { box.put(static_cast<bool>(view)); });
  REQUIRE(box.await(1));
  CHECK(box.next());
  service.reset();
}

TEST_CASE("what others lead keeps a node neither busy nor from sweeping its own", "[actors][sweep]") {
  installation node;
  node.found();
  node.service.reset();  // it sweeps, too
  several log(*node.log);
  actors::settings s;
  s.note_flush = std::chrono::milliseconds(100);
  put_dues(node, theirs, GENERATE(5'000, 40'000));
  SECTION("nothing of its own: it looks once a tick, and asks once of each workspace who leads it") {
    const auto begun = std::chrono::steady_clock::now();
    auto service = actors::make_service(log, node.keys, node.time, s);
    REQUIRE(eventually([&] { return log.looks >= 4; }));
    CHECK(std::chrono::steady_clock::now() - begun >= 4 * s.note_flush);
    service.reset();
    CHECK(log.questions <= log.looks);
  }
  SECTION("its own comes behind theirs, and is swept") {
    put_dues(node, ours, 3);
    auto service = actors::make_service(log, node.keys, node.time, s);
    REQUIRE(eventually([&] { return dues_of(node, ours) == 0; }));
    CHECK(dues_of(node, theirs) >= 5'000);
    service.reset();
  }
}

TEST_CASE("what was due long before a node came to know of it is swept", "[actors][sweep]") {
  installation node;
  node.found();
  node.service.reset();  // it sweeps, too
  several log(*node.log);
  log.age = std::chrono::hours(2);  // it applies what happened before it was down
  actors::settings s;
  s.note_flush = std::chrono::milliseconds(5);
  auto service = actors::make_service(log, node.keys, node.time, s);
  REQUIRE(eventually([&] { return log.looks >= 3; }));
  put_dues(node, ours, 3, 3'600'000);
  CHECK(eventually([&] { return dues_of(node, ours) == 0; }));
  service.reset();
}

TEST_CASE("what falls due is swept also after the clock was ahead for a while", "[actors][sweep]") {
  constexpr std::int64_t day_ms = 86'400'000;
  installation node;
  node.found();
  node.service.reset();
  several log(*node.log);
  actors::settings s;
  s.note_flush = std::chrono::milliseconds(5);
  node.time.advance(day_ms);
  auto service = actors::make_service(log, node.keys, node.time, s);
  REQUIRE(eventually([&] { return log.looks >= 3; }));
  node.time.advance(-day_ms);
  put_dues(node, ours, 3);
  CHECK(eventually([&] { return dues_of(node, ours) == 0; }));
  service.reset();
}

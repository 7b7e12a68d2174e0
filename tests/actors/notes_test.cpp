// Remarks on the side of requests: gathered, bounded, written late, and never in a request's way.

#include <set>
#include <thread>

#include "actors/activity.hpp"
#include "model/limits.hpp"
#include "tests/support/installation.hpp"

using namespace nacre;
using namespace nacre::testing;

namespace {

constexpr std::int64_t minute = 60'000, hour = 3'600'000;
const user_id owner = user_no(1);
const workspace_id home = workspace_no(1);

actors::settings quick() {
  actors::settings s;
  s.note_flush = std::chrono::milliseconds{1};
  return s;
}

std::optional<timestamp> last_used(installation& node, pat_id id) {
  return model::load<model::pat_record>(*node.view(), model::space::state, model::keys::pat(home, id))->last_used;
}

// How often the audit log of a workspace names an action.
std::size_t recorded(installation& node, workspace_id ws, const std::string& action) {
  std::size_t times = 0;
  node.view()->scan(model::space::audit, model::keys::audit(ws, 0), model::keys::audit(ws, UINT64_MAX),
                    [&](std::string_view, std::string_view row) {
                      times += row.find("\"action\":\"" + action + "\"") != std::string_view::npos;
                      return true;
                    });
  return times;
}

std::size_t acts_in(const std::vector<actors::activity::noted>& all) {
  std::size_t n = 0;
  for (const auto& noted : all) n += noted.what.acts.size();
  return n;
}
std::size_t uses_in(const std::vector<actors::activity::noted>& all) {
  std::size_t n = 0;
  for (const auto& noted : all) n += noted.what.uses.size();
  return n;
}

}  // namespace

TEST_CASE("a used token shows when, and its use is on record once an hour", "[actors][notes]") {
  installation node(quick());
  node.time.set(timestamp{500'000 * hour});
  node.found();
  auto id = pat_of(node.ask(node.as(owner), issue("ci"))).id;
  CHECK_FALSE(last_used(node, id));
  for (int i = 0; i < 4; ++i) {
    node.time.advance(10 * minute);
    node.service->note_use(home, id, node.time.now());
    REQUIRE(eventually([&] { return last_used(node, id) == node.time.now(); }));
  }
  CHECK(recorded(node, home, "pat.use") == 1);
  node.time.advance(30 * minute);
  node.service->note_use(home, id, node.time.now());
  REQUIRE(eventually([&] { return last_used(node, id) == node.time.now(); }));
  CHECK(recorded(node, home, "pat.use") == 2);
  CHECK(broken_in(*node.view()).empty());
}

TEST_CASE("the last remarks are written when the service stops", "[actors][notes][stop]") {
  actors::settings s;
  s.note_flush = std::chrono::hours{1};
  installation node(s);
  node.found();
  auto id = pat_of(node.ask(node.as(owner), issue("ci"))).id;
  node.service->note_use(home, id, node.time.now());
  node.service->note_act(home, "pat.list_all", "someone");
  node.service->note_auth_failure("signature");
  CHECK_FALSE(last_used(node, id));
  node.service->stop();
  CHECK(last_used(node, id) == node.time.now());
  CHECK(recorded(node, home, "pat.list_all") == 1);
  CHECK(recorded(node, system_workspace, "auth.failures") == 1);
}

TEST_CASE("authentication failures are counted by the minute under the system workspace", "[actors][notes]") {
  installation node(quick());
  node.service->note_auth_failure("missing");
  for (int i = 0; i < 7; ++i) node.service->note_auth_failure("expired");
  REQUIRE(eventually([&] {
    node.time.advance(minute);
    std::this_thread::yield();
    return recorded(node, system_workspace, "auth.failures") == 2;
  }));
  bool counted = false;
  node.view()->scan(model::space::audit, model::keys::audit(system_workspace, 0),
                    model::keys::audit(system_workspace, UINT64_MAX), [&](std::string_view, std::string_view row) {
                      counted = counted || (row.find("\"expired\"") != std::string_view::npos &&
                                            row.find("\"count\":7") != std::string_view::npos);
                      return true;
                    });
  CHECK(counted);
}

TEST_CASE("an act is noted once an hour for the same workspace, action, object and reason", "[actors][activity]") {
  actors::activity a;
  auto at = timestamp{hour * 1000};
  for (int i = 0; i < 5; ++i) a.act(home, "pat.list_all", "u1", after(at, i * minute));
  a.act(home, "pat.list_all", "u2", at);
  a.act(workspace_no(2), "pat.list_all", "u1", at);
  for (int i = 0; i < 2; ++i) a.act(home, "pat.list_all", "u1", at, "forbidden");  // for another reason
  CHECK(acts_in(a.drain(at)) == 4);
  a.act(home, "pat.list_all", "u1", after(at, 59 * minute));
  CHECK(a.drain(at).empty());
  a.act(home, "pat.list_all", "u1", after(at, hour));
  CHECK(acts_in(a.drain(at)) == 1);
}

TEST_CASE("failures wait for the minute to end, and say how many", "[actors][activity]") {
  actors::activity a;
  auto at = timestamp{minute * 1000};
  for (int i = 0; i < 3; ++i) a.auth_failure("signature");
  a.auth_failure("expired");
  CHECK(a.drain(at).empty());
  CHECK(a.drain(after(at, minute - 1)).empty());
  auto told = a.drain(after(at, minute));
  REQUIRE(told.size() == 1);
  CHECK(told[0].workspace == system_workspace);
  REQUIRE(told[0].what.acts.size() == 2);
  CHECK(told[0].what.acts[0].reason == "expired");
  CHECK(told[0].what.acts[0].count == 1);
  CHECK(told[0].what.acts[1].reason == "signature");
  CHECK(told[0].what.acts[1].count == 3);
  CHECK(a.drain(after(at, 3 * minute)).empty());
  a.auth_failure("expired");
  CHECK(acts_in(a.drain(after(at, 3 * minute), true)) == 1);  // the last call does not wait
}

TEST_CASE("uses of one token become one, the latest, whatever order they come in", "[actors][activity]") {
  actors::activity a;
  for (int t : {5, 9, 7}) a.use(home, pat_no(1), timestamp{t});
  auto all = a.drain(timestamp{10});
  REQUIRE(uses_in(all) == 1);
  CHECK(all[0].what.uses[0].at == timestamp{9});
  CHECK(a.drain(timestamp{10}).empty());
}

TEST_CASE("a token in constant use is written once in ten seconds, its last use never later than the next ten",
          "[actors][activity]") {
  actors::activity a;
  std::size_t written = 0;
  std::int64_t latest = 0;
  for (std::int64_t ms = 0; ms < 60'000; ms += 100) {
    a.use(home, pat_no(1), timestamp{ms});
    for (const auto& noted : a.drain(timestamp{ms})) {
      written += noted.what.uses.size();
      latest = noted.what.uses.at(0).at.value();
    }
    CHECK(ms - latest < 10'000);
  }
  CHECK(written == 6);
  auto rest = a.drain(timestamp{60'000});
  REQUIRE(uses_in(rest) == 1);
  CHECK(rest[0].what.uses[0].at == timestamp{59'900});
  a.use(home, pat_no(1), timestamp{60'001});
  CHECK(a.drain(timestamp{60'001}).empty());
  CHECK(uses_in(a.drain(timestamp{60'001}, true)) == 1);  // the last call does not wait
}

TEST_CASE("uses in many workspaces are written some thousands at a time, and none is forgotten", "[actors][activity]") {
  actors::activity a;
  constexpr std::uint64_t many = 5'000;
  for (std::uint64_t n = 0; n < many; ++n) a.use(workspace_no(n), pat_no(n * 0x9e3779b97f4a7c15ULL), timestamp{1});
  std::set<workspace_id> told;
  for (int calls = 0; told.size() < many && calls < 20; ++calls) {
    auto some = a.drain(timestamp{2});
    CHECK(some.size() <= 1'024);
    for (const auto& noted : some) CHECK(told.insert(noted.workspace).second);
  }
  CHECK(told.size() == many);
}

TEST_CASE("the same token id in two workspaces is two tokens", "[actors][activity]") {
  actors::activity a;
  a.use(home, pat_no(1), timestamp{1});
  a.use(workspace_no(2), pat_no(1), timestamp{2});
  auto all = a.drain(timestamp{10});
  REQUIRE(all.size() == 2);
  for (const auto& noted : all) CHECK(noted.what.uses.at(0).at == timestamp{noted.workspace == home ? 1 : 2});
}

TEST_CASE("what is noted is bounded, and one command never holds too much", "[actors][activity][bounds]") {
  actors::activity a;
  for (std::uint64_t n = 0; n < 200'000; ++n) {
    a.use(home, pat_no(n * 0x9e3779b97f4a7c15ULL), timestamp{1});
    if (n < 20'000) a.act(home, "pat.list_all", std::to_string(n), timestamp{1});
  }
  auto all = a.drain(timestamp{2});
  CHECK(uses_in(all) <= 16 * 8'192);
  CHECK(uses_in(all) > 100'000);
  CHECK(acts_in(all) == 8'192);  // none of those that were taken is lost
  for (const auto& noted : all) {
    CHECK(noted.what.uses.size() <= limits::touches_per_command_max);
    CHECK(noted.what.acts.size() <= limits::touches_per_command_max);
  }
  // What found no room is noted when it comes again; what is written is not noted twice.
  a.act(home, "pat.list_all", "19999", timestamp{3});
  a.act(home, "pat.list_all", "0", timestamp{3});
  CHECK(acts_in(a.drain(timestamp{4})) == 1);
}

TEST_CASE("notes come from many threads while they are drained", "[actors][activity][stress]") {
  actors::activity a;
  std::atomic<bool> done{false};
  std::size_t drained = 0;
  std::thread drainer([&] {
    while (!done) drained += acts_in(a.drain(timestamp{1}));
    drained += acts_in(a.drain(timestamp{1}));
  });
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 500; ++i) {
        a.act(home, "act", std::to_string(t * 500 + i), timestamp{1});
        a.use(home, pat_no(static_cast<std::uint64_t>(i)), timestamp{i});
        a.auth_failure("missing");
      }
    });
  for (auto& t : threads) t.join();
  done = true;
  drainer.join();
  CHECK(drained == 2'000);
}

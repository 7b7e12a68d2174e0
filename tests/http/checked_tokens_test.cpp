// What is remembered of checked tokens: as long as it is true, and no more of it than there is room for.

#include "http/checked_tokens.hpp"

#include <thread>

#include "tests/support/installation.hpp"

using namespace nacre;
using namespace nacre::http;
using namespace nacre::testing;

namespace {

const user_id owner = user_no(1);
const workspace_id home = workspace_no(1);

crypto::digest digest_no(std::uint64_t n) { return crypto::sha256(std::to_string(n)); }

model::command change_in(workspace_id ws) {
  model::command c;
  c.ctx.workspace = ws;
  c.what = model::revoke_pat{};
  return c;
}

checked_tokens::entry entry_of(std::uint64_t n, workspace_id ws, std::uint64_t stamp, std::string name = "") {
  auto made = std::make_shared<checked_token>();
  made->name = digest_no(n);
  made->workspace = ws;
  made->record.name = std::move(name);
  made->stamp = stamp;
  return made;
}

}  // namespace

TEST_CASE("what is kept is found until its workspace is changed, and another's change is none of it",
          "[http][checked]") {
  cluster::changes log;
  checked_tokens all(64);
  all.keep(entry_of(1, home, log.stamp()));
  CHECK(all.find(digest_no(1), log));
  CHECK_FALSE(all.find(digest_no(2), log));
  log.begin(change_in(workspace_no(2)), 1);
  log.end(1);
  CHECK(all.find(digest_no(1), log));
  log.begin(change_in(home), 2);
  CHECK_FALSE(all.find(digest_no(1), log));  // before anybody can read what changed
  log.end(2);
  CHECK_FALSE(all.find(digest_no(1), log));
  all.keep(entry_of(1, home, log.stamp()));
  CHECK(all.find(digest_no(1), log));
}

TEST_CASE("what was read before a change is no answer, however late it is kept", "[http][checked]") {
  cluster::changes log;
  checked_tokens all(64);
  auto stamp = log.stamp();
  log.begin(change_in(home), 1);
  all.keep(entry_of(1, home, stamp));
  CHECK_FALSE(all.find(digest_no(1), log));
  log.end(1);
  CHECK_FALSE(all.find(digest_no(1), log));
  all.keep(entry_of(1, home, log.stamp(), "new"));
  all.keep(entry_of(1, home, stamp, "old"));
  REQUIRE(all.find(digest_no(1), log));
  CHECK(all.find(digest_no(1), log)->record.name == "new");
}

TEST_CASE("after a round that failed, what it touched is never remembered again", "[http][checked]") {
  cluster::changes log;
  checked_tokens all(64);
  log.begin(change_in(home), 1);
  all.keep(entry_of(1, home, log.stamp()));
  CHECK_FALSE(all.find(digest_no(1), log));
}

TEST_CASE("no more is kept than there is room for, and nothing where there is none", "[http][checked]") {
  cluster::changes log;
  checked_tokens all(64), none(0);
  for (std::uint64_t n = 0; n < 10'000; ++n) {
    all.keep(entry_of(n, home, 0));
    none.keep(entry_of(n, home, 0));
    CHECK(all.find(digest_no(n), log));
  }
  std::size_t found = 0;
  for (std::uint64_t n = 0; n < 10'000; ++n) {
    found += all.find(digest_no(n), log) != nullptr;
    CHECK_FALSE(none.find(digest_no(n), log));
  }
  CHECK(found <= 64);
  CHECK(found >= 60);
  CHECK_FALSE(none.keeps());
}

TEST_CASE("tokens in use stay while many others come once", "[http][checked]") {
  cluster::changes log;
  checked_tokens all(4'096);
  for (std::uint64_t n = 0; n < 500; ++n) all.keep(entry_of(n, home, 0));
  std::size_t lost = 0;
  for (std::uint64_t other = 1'000; other < 50'000; ++other) {
    all.keep(entry_of(other, home, 0));
    auto one = other % 500;
    if (all.find(digest_no(one), log)) continue;
    ++lost;
    all.keep(entry_of(one, home, 0));
  }
  CHECK(lost < 2'000);  // of 49,000
}

TEST_CASE("a change that was acknowledged is what every later look sees, whoever reads and keeps meanwhile",
          "[http][checked][stress]") {
  installation node;
  node.found();
  auto made = node.ask(node.as(owner), issue("0"));
  REQUIRE_FALSE(made.outcome.refused);
  const auto id = pat_of(made).id;
  checked_tokens all(64);
  std::atomic<int> acknowledged{0}, hits{0}, misses{0};
  std::atomic<bool> stop{false}, wrong{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i)
    readers.emplace_back([&] {
      const auto& since = node.service->changes();
      int seen = 0;
      while (!stop) {
        const int before = acknowledged;
        auto known = all.find(digest_no(1), since);
        ++(known ? hits : misses);
        if (!known) {
          const auto stamp = since.stamp();
          auto v = node.service->local_view();
          auto record = model::load<model::pat_record>(*v, model::space::state, model::keys::pat(home, id));
          if (!record) break;
          known = entry_of(1, home, stamp, record->name);
          all.keep(known);
        }
        const int says = std::stoi(known->record.name);
        // Neither behind what was acknowledged, nor behind what this thread has seen.
        if (says < before || says < seen) wrong = true;
        seen = says;
      }
    });
  for (int n = 1; n <= 300; ++n) {
    model::change_pat change;
    change.id = id;
    change.name = std::to_string(n);
    auto a = node.ask(node.as(owner), model::operation{std::move(change)});
    REQUIRE_FALSE(a.outcome.refused);
    acknowledged = n;
  }
  stop = true;
  for (auto& each : readers) each.join();
  CHECK_FALSE(wrong);
  CHECK(hits > 0);
  CHECK(misses > 0);
}

TEST_CASE(
    "remarks about uses leave what is remembered of tokens but no list, every change of a token or a person neither",
    "[http][checked]") {
  installation node;
  node.found();
  node.join(user_no(2), model::role::member);
  auto id = pat_of(node.ask(node.as(owner), issue("a"))).id;
  const auto& since = node.service->changes();
  using respect = cluster::changes::respect;
  auto drops = [&](const auto& act) {
    auto stamp = since.stamp();
    act();
    bool tokens = !since.untouched_since(respect::standing, home, stamp);
    bool lists = !since.untouched_since(respect::lists, home, stamp);
    return std::string(tokens ? "tokens " : "") + (lists ? "lists" : "");
  };
  auto doing = [&](model::operation op) {
    return drops([&] { REQUIRE_FALSE(node.ask(node.as(owner), std::move(op)).outcome.refused); });
  };
  CHECK(drops([&] {
          node.service->note_use(home, id, node.time.now());
          REQUIRE(eventually([&] {
            return model::load<model::pat_record>(*node.view(), model::space::state, model::keys::pat(home, id))
                ->last_used.has_value();
          }));
        }) == "lists");
  CHECK(doing(model::reveal_pat{id, false, 10, 60, {}, 0}) == "");
  CHECK(doing(model::change_pat{id, "b", false, {}, {}}) == "tokens lists");
  CHECK(doing(model::put_member{user_no(2), model::role::admin, std::nullopt}) == "tokens lists");
  CHECK(doing(model::remove_member{user_no(2)}) == "tokens lists");
  CHECK(doing(model::revoke_pat{id}) == "tokens lists");
  CHECK(doing(model::delete_workspace{}) == "tokens lists");
}

// Reveal budgets on the wire: 10 a minute per (user, PAT), 60 a minute per user, across restarts.

#include <regex>

#include "tests/e2e/kit.hpp"

using namespace nacre::e2e;

namespace {

void check_spent(const http_answer& a, const std::string& budget, int limit) {
  check_error(a, 429, "rate_limited");
  REQUIRE(std::regex_match(a.header("Retry-After"), std::regex("[1-9][0-9]?")));
  CHECK(std::stoi(a.header("Retry-After")) <= 60);
  CHECK(a.header("RateLimit-Policy") == "\"" + budget + "\";q=" + std::to_string(limit) + ";w=60");
  CHECK(a.header("RateLimit") == "\"" + budget + "\";r=0;t=" + a.header("Retry-After"));
}

}  // namespace

TEST_CASE("the eleventh reveal of a token in a minute is 429, per user and per token", "[alephant][budget]") {
  team t(shared());
  auto id = t.member.new_pat()["id"].text(), second = t.member.new_pat()["id"].text();
  for (int i = 0; i < 10; ++i) {
    auto shown = t.member.post(pat_path(id, "reveal"));
    REQUIRE(shown.status == 200);
    CHECK(shown.header("RateLimit").starts_with("\"reveal\";r=" + std::to_string(9 - i) + ";t="));
  }
  check_spent(t.member.post(pat_path(id, "reveal")), "reveal", 10);
  CHECK(t.member.post(pat_path(second, "reveal")).status == 200);
  CHECK(t.owner.post(pat_path(id, "reveal")).status == 200);
  // What was spent stays spent when the node starts anew.
  shared().restart();
  person again(shared().port(), t.member.credential(), t.workspace);
  check_spent(again.post(pat_path(id, "reveal")), "reveal", 10);
  CHECK(again.get(pat_path(id)).status == 200);
}

TEST_CASE("the sixty-first reveal of a user in a minute is 429 whatever it reveals", "[alephant][budget]") {
  team t(shared());
  for (int pat = 0; pat < 6; ++pat) {
    auto id = t.owner.new_pat()["id"].text();
    for (int i = 0; i < 10; ++i) REQUIRE(t.owner.post(pat_path(id, "reveal")).status == 200);
  }
  auto fresh = t.owner.new_pat()["id"].text();
  check_spent(t.owner.post(pat_path(fresh, "reveal")), "reveal-user", 60);
  check_spent(t.owner.post(pat_path(new_uuid(), "reveal")), "reveal-user", 60);
  CHECK(t.admin.post(pat_path(fresh, "reveal")).status == 200);
}

TEST_CASE("probing for ids costs what revealing costs", "[alephant][budget]") {
  team t(shared());
  auto unknown = new_uuid();
  for (int i = 0; i < 10; ++i) check_error(t.member.post(pat_path(unknown, "reveal")), 404, "not_found");
  check_spent(t.member.post(pat_path(unknown, "reveal")), "reveal", 10);
  for (int i = 0; i < 50; ++i) REQUIRE(t.member.post(pat_path(new_uuid(), "reveal")).status == 404);
  check_spent(t.member.post(pat_path(new_uuid(), "reveal")), "reveal-user", 60);
}

TEST_CASE("a user's budget is the same by JWT and by token", "[alephant][budget]") {
  team t(shared());
  auto id = t.owner.new_pat()["id"].text();
  auto bearer = t.owner.with(t.owner.new_pat(R"("name":"b","scopes":["admin"])")["token"].text());
  for (int i = 0; i < 5; ++i) CHECK(t.owner.post(pat_path(id, "reveal")).status == 200);
  for (int i = 0; i < 5; ++i) CHECK(bearer.post(pat_path(id, "reveal")).status == 200);
  check_spent(bearer.post(pat_path(id, "reveal")), "reveal", 10);
  check_spent(t.owner.post(pat_path(id, "reveal")), "reveal", 10);
}

TEST_CASE("what is refused before the budget spends nothing", "[alephant][budget]") {
  team t(shared());
  auto id = t.member.new_pat()["id"].text();
  auto stranger = shared().stranger(t.workspace);
  for (int i = 0; i < 12; ++i) {
    check_error(t.member.post(pat_path(id, "reveal"), "["), 400, "invalid_request");
    check_error(t.member.in("x").post(pat_path(id, "reveal")), 400, "invalid_request");
    check_error(stranger.post(pat_path(id, "reveal")), 403, "forbidden");
  }
  auto first = t.member.post(pat_path(id, "reveal"));
  CHECK(first.header("RateLimit").starts_with("\"reveal\";r=9;"));
}

TEST_CASE("budgets are configurable and gone when limits are switched off", "[alephant][budget]") {
  node_process::options tight;
  tight.arguments = {"--set", "reveal.per_pat=2", "--set", "reveal.per_user=3"};
  installation small(tight);
  team t(small);
  auto id = t.owner.new_pat()["id"].text(), other = t.owner.new_pat()["id"].text();
  CHECK(t.owner.post(pat_path(id, "reveal")).status == 200);
  CHECK(t.owner.post(pat_path(id, "reveal")).status == 200);
  check_spent(t.owner.post(pat_path(id, "reveal")), "reveal", 2);
  CHECK(t.owner.post(pat_path(other, "reveal")).status == 200);
  check_spent(t.owner.post(pat_path(other, "reveal")), "reveal-user", 3);
  small.node().how().arguments = {"--set", "limits.enabled=false"};
  small.restart();
  person again(small.port(), t.owner.credential(), t.workspace);
  for (int i = 0; i < 70; ++i) REQUIRE(again.post(pat_path(id, "reveal")).status == 200);
}

// Three real nodes whose clocks do not agree.

#include "tests/e2e/cluster_kit.hpp"

using namespace nacre::e2e;

namespace {

constexpr int ahead = 7'200, behind = -57;  // seconds

// Until the node leads: whoever else does is restarted.
void make_leader(cluster& of, int node) {
  for (int i = 0; i < 30; ++i) {
    std::optional<int> leads;
    REQUIRE(eventually([&] { return (leads = of.leader()).has_value(); }));
    if (*leads == node) return;
    of.kill(*leads);
    REQUIRE(of.start(*leads));
    of.await_serving({1, 2, 3});
  }
  FAIL("node " << node << " never led");
}

std::string state_at(cluster& of, int node, const std::string& receipt) {
  const auto told = of.send(node, "GET", "/api/v2/guest/receipt/" + receipt, {{"Sec-Purpose", "prefetch"}});
  INFO(told.body);
  return told.status == 200 ? told.json()["record"]["state"].text() : std::to_string(told.status);
}

}  // namespace

TEST_CASE("a leader whose clock is ahead erases nothing that is good by the clocks of the others", "[cluster][clock]") {
  cluster::options o;
  o.clocks_ahead_s = {{1, ahead}, {3, behind}};
  cluster all(o);
  make_leader(all, 1);
  const auto good = all.conceal(2, "good for an hour");
  REQUIRE(good);
  // Ends in a few seconds, by the clock in the middle; node 3 itself would show it for a minute.
  const auto made = all.send(3, "POST", "/api/v2/guest/secret/conceal", {{"Content-Type", "application/json"}},
                             R"({"secret":{"secret":"soon over","ttl":60}})");
  REQUIRE(made.status == 200);
  const auto receipt = made.json()["record"]["receipt"]["identifier"].text();
  CHECK(state_at(all, 3, receipt) == "new");
  CHECK(eventually([&] { return state_at(all, 3, receipt) == "expired"; }));  // so it was swept
  CHECK(all.leader() == 1);
  const auto shown = all.reveal(2, *good);
  CHECK(shown.status == 200);
  CHECK(shown.body.find("good for an hour") != std::string::npos);

  const auto told = all.operate(2, {"status"});
  INFO(told.output << told.errors);
  CHECK(told.output.find("its clock is 7") != std::string::npos);
  CHECK(told.output.find(" s ahead") != std::string::npos);
  CHECK(told.output.find(" s behind") != std::string::npos);
}

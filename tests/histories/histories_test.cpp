#include <catch2/catch.hpp>
#include <random>

#include "tests/histories/promises.hpp"

using namespace nacre::test;

namespace {

using kind = secret_call::kind;

secret_operation told(std::int64_t from, std::int64_t to, kind what, secret_answer a, std::string key = {}) {
  return {from, to, {what, std::move(key)}, true, a};
}
secret_operation lost(std::int64_t from, kind what, std::string key = {}) {
  return {from, 0, {what, std::move(key)}, false, {}};
}
spend_operation spent(std::int64_t from, std::int64_t to, bool granted) {
  return {from, to, {}, true, granted ? spend_answer::granted : spend_answer::refused};
}
constexpr auto done = secret_answer::done, gone = secret_answer::gone;

}  // namespace

TEST_CASE("one value for one of many readers can be explained", "[histories]") {
  std::vector<secret_operation> all{told(0, 10, kind::conceal, done), told(20, 90, kind::reveal, done, "a")};
  for (int i = 0; i < 63; ++i) all.push_back(told(20 + i, 95, kind::reveal, gone, "other" + std::to_string(i)));
  CHECK(holds_for_secret(all));
}

TEST_CASE("a secret shown to two readers is found", "[histories]") {
  CHECK_FALSE(holds_for_secret({told(0, 10, kind::conceal, done), told(20, 90, kind::reveal, done, "a"),
                                told(21, 91, kind::reveal, done, "b")}));
  CHECK_FALSE(holds_for_secret(
      {told(0, 10, kind::conceal, done), told(20, 30, kind::reveal, done), told(40, 50, kind::reveal, done)}));
}

TEST_CASE("the same key may see the value again, and nobody without it", "[histories]") {
  CHECK(holds_for_secret({told(0, 10, kind::conceal, done), lost(20, kind::reveal, "a"),
                          told(40, 50, kind::reveal, done, "a"), told(60, 70, kind::reveal, done, "a")}));
  CHECK_FALSE(holds_for_secret({told(0, 10, kind::conceal, done), told(20, 30, kind::reveal, done, "a"),
                                told(40, 50, kind::reveal, gone, "a")}));
}

TEST_CASE("an acknowledged secret that nobody was shown must still be there", "[histories]") {
  CHECK_FALSE(holds_for_secret({told(0, 10, kind::conceal, done), told(20, 30, kind::reveal, gone)}));
  CHECK(holds_for_secret(
      {told(0, 10, kind::conceal, done), lost(15, kind::reveal, "a"), told(20, 30, kind::reveal, gone)}));
  CHECK(holds_for_secret({lost(0, kind::conceal), told(20, 30, kind::reveal, gone)}));
  CHECK(holds_for_secret({lost(0, kind::conceal), told(20, 30, kind::reveal, done)}));
}

TEST_CASE("a lost answer may have had its effect late, but not before its call", "[histories]") {
  CHECK(holds_for_secret({told(0, 10, kind::conceal, done), lost(15, kind::burn), told(20, 30, kind::reveal, done)}));
  CHECK(holds_for_secret({told(0, 10, kind::conceal, done), lost(15, kind::burn), told(20, 30, kind::reveal, gone)}));
  CHECK_FALSE(
      holds_for_secret({told(0, 10, kind::conceal, done), told(20, 30, kind::reveal, gone), lost(35, kind::burn)}));
}

TEST_CASE("burned is gone for readers and for who burns again", "[histories]") {
  CHECK(holds_for_secret({told(0, 10, kind::conceal, done), told(20, 30, kind::burn, done),
                          told(40, 50, kind::reveal, gone), told(60, 70, kind::burn, gone)}));
  CHECK_FALSE(holds_for_secret(
      {told(0, 10, kind::conceal, done), told(20, 30, kind::burn, done), told(40, 50, kind::reveal, done)}));
}

TEST_CASE("a budget grants exactly its limit", "[histories]") {
  std::vector<spend_operation> all;
  for (int i = 0; i < 30; ++i) all.push_back(spent(0, 100, i < 10));
  CHECK(holds_for_budget(all, 10));
  all[10] = spent(0, 100, true);
  CHECK_FALSE(holds_for_budget(all, 10));
  CHECK_FALSE(holds_for_budget({spent(0, 10, true), spent(20, 30, false)}, 2));
  CHECK(holds_for_budget({spent(0, 10, true), {15, 0, {}, false, {}}, spent(20, 30, false)}, 2));
}

TEST_CASE("histories made by one register are explained, whatever overlaps", "[histories]") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 300; ++round) {
    std::vector<secret_operation> all;
    secret_state truth;
    std::int64_t now = 0;
    const auto count = 1 + random() % 40;
    for (std::size_t i = 0; i < count; ++i) {
      now += 10;
      secret_operation op;
      op.call.what = i == 0 ? kind::conceal : random() % 4 == 0 ? kind::burn : kind::reveal;
      if (op.call.what == kind::reveal && random() % 2 == 0)
        op.call.key = std::string(1, static_cast<char>('a' + random() % 3));
      op.called = std::max<std::int64_t>(0, now - static_cast<std::int64_t>(random() % 100));
      op.returned = now + static_cast<std::int64_t>(random() % 100);
      op.answered = true;
      op.answer = done;
      auto after = truth;
      if (!step(after, op)) {
        op.answer = gone;
        after = truth;
        if (!step(after, op)) continue;
      }
      truth = after;
      if (random() % 5 == 0) op.answered = false;
      all.push_back(op);
    }
    CHECK(holds_for_secret(all));
  }
}

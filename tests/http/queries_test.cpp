// What is read from queries and headers, strictly.

#include "http/families/management.hpp"
#include "http/json.hpp"
#include "tests/http/answering.hpp"

using namespace nacre;
using namespace nacre::http;

namespace {

request query(std::string raw) {
  request r;
  r.query = std::move(raw);
  return r;
}

}  // namespace

TEST_CASE("queries are decoded strictly", "[http][query]") {
  using pairs = std::vector<std::pair<std::string, std::string>>;
  const std::pair<std::string, pairs> good[] = {
      {"", {}},
      {"&&", {}},
      {"a=1", {{"a", "1"}}},
      {"a=1&b=2&", {{"a", "1"}, {"b", "2"}}},
      {"a", {{"a", ""}}},
      {"a=", {{"a", ""}}},
      {"=a", {{"", "a"}}},
      {"a=b=c", {{"a", "b=c"}}},
      {"a=%41%6a%6A+b", {{"a", "Ajj b"}}},
      {"%61=1", {{"a", "1"}}},
      {"a=%00", {{"a", std::string(1, '\0')}}},
      {"a=%26%3d", {{"a", "&="}}},
  };
  for (const auto& [raw, expected] : good) {
    INFO(raw);
    auto got = parse_query(raw);
    REQUIRE(got);
    CHECK(*got == expected);
  }
  for (std::string bad : {"a=%", "a=%4", "a=%4g", "a=%g4", "%=1", "a=%%41", "a=1&a=2", "a=1&%61=2", "a&a"}) {
    INFO(bad);
    auto got = parse_query(bad);
    REQUIRE_FALSE(got);
    CHECK(got.error().code == errc::invalid);
  }
}

TEST_CASE("numbers in queries are whole, bounded and plain", "[http][query]") {
  auto number = [](std::string raw) {
    auto q = parse_query(raw);
    REQUIRE(q);
    return number_of(*q, "n", 7, 2, 100);
  };
  CHECK(number("").value() == 7);
  CHECK(number("m=1").value() == 7);
  CHECK(number("n=2").value() == 2);
  CHECK(number("n=100").value() == 100);
  for (std::string bad : {"n=", "n=1", "n=101", "n=-5", "n=%2B5", "n=+5", "n=5.0", "n=5e1", "n=0x5", "n=5%20", "n=%205",
                          "n=18446744073709551617", "n=99999999999999999999999", "n=five", "n=5%00"}) {
    INFO(bad);
    auto got = number(bad);
    REQUIRE_FALSE(got);
    CHECK(got.error().code == errc::invalid);
    CHECK(got.error().text == "n must be a whole number between 2 and 100");
  }
}

TEST_CASE("a page is limit and offset, or page and pageSize", "[http][query]") {
  struct given {
    std::string raw;
    std::uint32_t offset, limit;
  };
  const given good[] = {
      {"", 0, 20},
      {"limit=1", 0, 1},
      {"limit=100&offset=10000000", 10'000'000, 100},
      {"offset=5", 5, 20},
      {"page=1", 0, 20},
      {"page=3", 40, 20},
      {"pageSize=200", 0, 200},
      {"page=2&pageSize=200", 200, 200},
      {"page=50000&pageSize=200", 9'999'800, 200},
      {"page=2&limit=7&offset=9", 20, 20},
      {"other=x", 0, 20},
  };
  for (const auto& g : good) {
    INFO(g.raw);
    auto at = page_of(query(g.raw));
    REQUIRE(at);
    CHECK(at->offset == g.offset);
    CHECK(at->limit == g.limit);
  }
  for (std::string bad : {"limit=0", "limit=101", "limit=x", "offset=-1", "offset=10000001", "page=0", "page=50001",
                          "pageSize=0", "pageSize=201", "page=1&page=2", "limit=%zz", "limit="}) {
    INFO(bad);
    auto at = page_of(query(bad));
    REQUIRE_FALSE(at);
    CHECK(at.error().code == errc::invalid);
  }
}

TEST_CASE("JSON is recognised by its media type alone", "[http][body]") {
  auto typed = [](std::optional<std::string> type) {
    request r;
    if (type) r.headers.push_back({"content-type", *type});
    return has_json_body(r);
  };
  for (auto good : {"application/json", "APPLICATION/JSON", "application/json;charset=utf-8", "application/json ; x=y"})
    CHECK(typed(good));
  for (auto bad : {"", "text/json", "application/jsonp", "application/json, text/html", "application/json+x", ";"})
    CHECK_FALSE(typed(bad));
  CHECK_FALSE(typed(std::nullopt));
}

TEST_CASE("the workspace header is one UUID", "[http][header]") {
  answering node;
  auto of = [&](std::optional<std::string> value) {
    auto c = node.asked();
    if (value) c.req.headers.push_back({"x-workspace-id", *value});
    return workspace_of_header(c);
  };
  CHECK(of("10000000-0000-4000-8000-00000000000A").value() ==
        workspace_id{*parse_uuid("10000000-0000-4000-8000-00000000000a")});
  for (auto bad : {"", "x", "00000000-0000-0000-0000-000000000000", "{10000000-0000-4000-8000-000000000001}",
                   "10000000000040008000000000000001"})
    CHECK(of(bad).error().code == errc::invalid);
  CHECK(of(std::nullopt).error().code == errc::invalid);
  auto c = node.asked();
  c.caller.bound_to = testing::workspace_no(1);
  CHECK(enter_workspace(c, testing::workspace_no(1)));
  CHECK(c.ctx.workspace == testing::workspace_no(1));
  CHECK(enter_workspace(c, testing::workspace_no(2)).error().code == errc::forbidden);
  CHECK(c.ctx.workspace == testing::workspace_no(1));
}

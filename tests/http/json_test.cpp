// JSON is understood whole or refused.

#include "http/json.hpp"

#include <catch2/catch.hpp>
#include <limits>

#include "model/limits.hpp"

using namespace nacre::http;

namespace {

std::string why(std::string_view body) {
  const auto d = parse_json_object(body);
  return d ? "" : d.error().text;
}

std::string nested(std::size_t depth) {
  std::string out;
  for (std::size_t i = 0; i < depth; ++i) out += R"({"a":)";
  out += "1";
  return out + std::string(depth, '}');
}

}  // namespace

TEST_CASE("fields are read by type, absent and null are told apart", "[json]") {
  const auto d =
      parse_json_object(R"({"s":"a\u00e9\n","n":42,"neg":-7,"b":true,"z":null,"f":1.5,"l":["x",1],"o":{"k":"v"}})");
  REQUIRE(d);
  CHECK(d->find("s")->string() == "a\xc3\xa9\n");
  CHECK(d->find("n")->integer() == 42);
  CHECK(d->find("neg")->integer() == -7);
  CHECK(d->find("b")->boolean() == true);
  CHECK(d->find("z")->is_null());
  CHECK(!d->find("absent"));
  CHECK(d->find("f")->number() == 1.5);
  CHECK(!d->find("f")->integer());
  CHECK(!d->find("s")->integer());
  CHECK(!d->find("n")->string());
  REQUIRE(d->find("l")->items().size() == 2);
  CHECK(d->find("l")->items()[0].string() == "x");
  CHECK(d->find("o")->find("k")->string() == "v");
  CHECK(!d->find("s")->find("k"));
  CHECK(d->root().members().size() == 8);
}

TEST_CASE("bodies that are not one whole object are refused", "[json]") {
  for (const char* bad : {"",
                          " ",
                          "{",
                          "}",
                          "{\"a\":1",
                          "{\"a\":1}x",
                          "{\"a\":1}{}",
                          "{\"a\":1},",
                          "{a:1}",
                          "{'a':1}",
                          "{\"a\":01}",
                          "{\"a\":+1}",
                          "{\"a\":01e999}",
                          "{\"a\":1.e999}",
                          "{\"a\":1e999x}",
                          "{\"a\":-}",
                          "{\"a\":1e999,\"b\":+1}",
                          "{\"a\":NaN}",
                          "{\"a\":\"\x01\"}",
                          "{\"a\":\"\xff\"}",
                          "{\"a\":\"\\ud800\"}",
                          "{\"a\":\"\\x\"}",
                          "{\"a\" 1}",
                          "{\"a\":1,}",
                          "{\"\xc3(\":1}",
                          "{,}",
                          "{\"a\":099999999999999999999999}",
                          "{\"a\":99999999999999999999999.}",
                          "{99999999999999999999999}",
                          "// c\n{}"}) {
    INFO(bad);
    CHECK(why(bad) == "The body is not valid JSON.");
  }
  for (const char* bad : {"[]", "1", "\"a\"", "null", "true"}) CHECK(why(bad) == "The body must be a JSON object.");
  CHECK(why(std::string("{\"a\":\"b\"}\0", 10)) == "The body is not valid JSON.");
  CHECK(parse_json("", true)->root().members().empty());
  CHECK(!parse_json("x", true));
}

TEST_CASE("a number may have any number of digits, and is read as the nearest double", "[json]") {
  const auto read = [](const std::string& number) {
    const auto d = parse_json_object("{\"a\\\"1e999\":\"1e999\",\"n\":" + number + ",\"after\":[-1e999,7]}");
    INFO(number);
    REQUIRE(d);
    CHECK(d->find("a\"1e999")->string() == "1e999");
    CHECK(d->find("after")->items()[1].integer() == 7);
    REQUIRE(d->find("n")->number());
    return *d->find("n")->number();
  };
  CHECK(read("18446744073709551616") == 18446744073709551616.0);
  CHECK(read("-9223372036854775809") == -9223372036854775809.0);
  CHECK(read("99999999999999999999999") == 99999999999999999999999.0);
  CHECK(read("12345678901234567890123456789012345678901234567890") ==
        12345678901234567890123456789012345678901234567890.0);
  CHECK(read("1" + std::string(300, '0')) == 1e300);
  for (const std::string huge : {"1e999", "2e308", "1E+400"}) CHECK(read(huge) >= 1e308);
  CHECK(read(std::string(500, '9') + ".5e-2") >= 1e308);
  CHECK(read("-" + std::string(500, '9')) <= -1e308);
  // What fits stays what it was.
  const auto d = parse_json_object(R"({"max":9223372036854775807,"min":-9223372036854775808,"tiny":1e-999,"x":1e999})");
  REQUIRE(d);
  CHECK(d->find("max")->integer() == std::numeric_limits<std::int64_t>::max());
  CHECK(d->find("min")->integer() == std::numeric_limits<std::int64_t>::min());
  CHECK(d->find("tiny")->number() == 0.0);
}

TEST_CASE("a key said twice is refused at every level, however it is spelled", "[json]") {
  const std::string expected = "A key of the body is repeated.";
  CHECK(why(R"({"a":1,"a":1})") == expected);
  CHECK(why(R"({"a":1,"\u0061":2})") == expected);
  CHECK(why(R"({"x":{"a":1,"b":2,"a":3}})") == expected);
  CHECK(why(R"({"x":[1,{"a":1,"a":3}]})") == expected);
  CHECK(why(R"({"a":{"b":1},"b":{"a":1}})").empty());
  std::string many = "{";
  for (int i = 0; i < 2'000; ++i) many += "\"k" + std::to_string(i) + "\":1,";
  CHECK(why(many + "\"last\":1}").empty());
  CHECK(why(many + "\"k0\":1}") == expected);
  CHECK(why(many + "\"k1999\":1}") == expected);
}

TEST_CASE("depth and size are bounded", "[json]") {
  CHECK(why(nested(nacre::limits::json_depth_max)).empty());
  CHECK(why(nested(nacre::limits::json_depth_max + 1)) == "The body is nested too deeply.");
  CHECK(!why(nested(6'000)).empty());
  CHECK(!why("{\"a\":" + std::string(30'000, '[')).empty());
  const std::string frame = R"({"a":""})";
  CHECK(why(R"({"a":")" + std::string(nacre::limits::body_bytes_max - frame.size(), 'x') + "\"}").empty());
  CHECK(why(R"({"a":")" + std::string(nacre::limits::body_bytes_max - frame.size() + 1, 'x') + "\"}") ==
        "The body is too large.");
}

TEST_CASE("a larger limit takes larger bodies, and no more than it says", "[json]") {
  const std::size_t most = 3 * 1024 * 1024;
  const std::string frame = R"({"a":""})";
  for (const std::size_t size : {nacre::limits::body_bytes_max + 1, most}) {
    const std::string value(size - frame.size(), 'x');
    const auto d = parse_json(R"({"a":")" + value + "\"}", false, most);
    REQUIRE(d);
    CHECK(d->find("a")->string() == value);
    CHECK(parse_json_object(frame)->find("a")->string() == "");  // beside it, by a kept parser
  }
  CHECK(!parse_json(R"({"a":")" + std::string(most - frame.size() + 1, 'x') + "\"}", false, most));
  CHECK(!parse_json(frame, false, frame.size() - 1));
}

TEST_CASE("documents live side by side", "[json]") {
  const auto a = parse_json_object(R"({"k":"first"})");
  {
    const auto b = parse_json_object(R"({"k":"second"})");
    CHECK(b->find("k")->string() == "second");
  }
  const auto c = parse_json_object(R"({"k":"third"})");
  CHECK(a->find("k")->string() == "first");
  CHECK(c->find("k")->string() == "third");
}

TEST_CASE("the writer escapes what it must and reads back the same", "[json]") {
  std::string all;
  for (int c = 1; c < 128; ++c) all.push_back(static_cast<char>(c));
  all += "\xc3\xa9\xe2\x82\xac";
  json_writer w;
  w.object().field("all", all).field("n", -5).field("big", std::uint64_t{18446744073709551615U}).field("t", true);
  w.field("none", nullptr).field("maybe", std::optional<std::string>{}).field("some", std::optional<int>{3});
  w.key("list").array().value("a").value(1).object().end_object().array().end_array().end_array();
  w.key("raw").raw("{\"x\":1}").end_object();
  const auto d = parse_json_object(w.text());
  REQUIRE(d);
  CHECK(d->find("all")->string() == all);
  CHECK(d->find("none")->is_null());
  CHECK(d->find("maybe")->is_null());
  CHECK(d->find("some")->integer() == 3);
  CHECK(w.text().substr(w.text().find("\"n\"")) ==
        R"("n":-5,"big":18446744073709551615,"t":true,"none":null,"maybe":null,"some":3,)"
        R"("list":["a",1,{},[]],"raw":{"x":1}})");
  CHECK(w.text().find(R"(\u0001)") != std::string::npos);
  CHECK(w.text().find(R"(\n)") != std::string::npos);
}

TEST_CASE("the writer escapes a byte wherever it lies", "[json]") {
  const auto expected = [](unsigned char c) -> std::string {
    static constexpr char hex[] = "0123456789abcdef";
    switch (c) {
      case '"':
        return R"(\")";
      case '\\':
        return R"(\\)";
      case '\b':
        return R"(\b)";
      case '\f':
        return R"(\f)";
      case '\n':
        return R"(\n)";
      case '\r':
        return R"(\r)";
      case '\t':
        return R"(\t)";
      default:
        return c < 0x20 ? std::string(R"(\u00)") + hex[c >> 4] + hex[c & 15] : std::string(1, static_cast<char>(c));
    }
  };
  for (const char around : {'a', '!', '#', '[', ']', '\x7f', '\x80', '\xff', '\x1f', '"', '\\'})
    for (std::size_t size = 1; size <= 20; ++size)
      for (std::size_t at = 0; at < size; ++at)
        for (int byte = 0; byte < 256; ++byte) {
          std::string text(size, around), want = "\"";
          text[at] = static_cast<char>(byte);
          for (const char c : text) want += expected(static_cast<unsigned char>(c));
          json_writer w;
          w.value(text);
          if (w.text() != want + '"') FAIL(int{around} << " " << size << " " << at << " " << byte);
        }
}

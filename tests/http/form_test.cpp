// Forms are read whole or refused, whatever bytes their values are.

#include "http/form.hpp"

#include <catch2/catch.hpp>

#include "model/limits.hpp"
#include "tests/support/random_source.hpp"

using namespace nacre;
using namespace nacre::http;

namespace {

using pairs = std::vector<std::pair<std::string, std::string>>;
using std::string;
constexpr std::size_t plenty = 1 << 20;

pairs plain(const result<form_fields>& form) {
  REQUIRE(form);
  pairs out;
  for (const auto& f : *form) out.emplace_back(f.name.view(), f.value.view());
  return out;
}

string why(const result<form_fields>& form) {
  if (form) return "taken";
  CHECK(form.error().code == errc::invalid);
  return form.error().text;
}

pairs urlencoded(std::string_view body) { return plain(parse_urlencoded(body, plenty)); }
pairs multipart(std::string_view body) { return plain(parse_multipart(body, "b", plenty)); }
string why_multipart(std::string_view body) { return why(parse_multipart(body, "b", plenty)); }

string part(const string& name, const string& value, const string& more = "") {
  return "--b\r\nContent-Disposition: form-data; name=\"" + name + "\"" + more + "\r\n\r\n" + value + "\r\n";
}
const string end = "--b--\r\n";

// Every byte escaped with a probability of one half where it need not be.
string escaped(testing::random_source& random, std::string_view text) {
  static constexpr char upper[] = "0123456789ABCDEF", lower[] = "0123456789abcdef";
  string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == ' ' && random.one_in(2)) {
      out += '+';
    } else if (c == '&' || c == '=' || c == '+' || c == '%' || random.one_in(2)) {
      const char* digits = random.one_in(2) ? upper : lower;
      out += {'%', digits[byte >> 4], digits[byte & 15]};
    } else {
      out += c;
    }
  }
  return out;
}

string quoted(std::string_view text) {
  string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

}  // namespace

TEST_CASE("url-encoded pairs come in their order, decoded", "[form]") {
  CHECK(urlencoded("").empty());
  CHECK(urlencoded("&&").empty());
  CHECK(urlencoded("secret=a+b%20c&ttl=300&") == pairs{{"secret", "a b c"}, {"ttl", "300"}});
  CHECK(urlencoded("a=1&a=2&a") == pairs{{"a", "1"}, {"a", "2"}, {"a", ""}});
  CHECK(urlencoded("=x&a=b=c") == pairs{{"", "x"}, {"a", "b=c"}});
  CHECK(urlencoded("secret%5Bsecret%5d=%c3%A9%00%ff") == pairs{{"secret[secret]", string("\xc3\xa9\0\xff", 4)}});
  // As `curl -d` sends what it is given.
  CHECK(urlencoded("secret=two words\nand \xc3\xbc") == pairs{{"secret", "two words\nand \xc3\xbc"}});
}

TEST_CASE("malformed escapes and floods of fields are refused", "[form]") {
  for (auto bad : {"a=%", "a=%1", "a=%1&b=2", "a=%g0", "a=%0g", "a=%%41", "%=a", "a=1&b=%-1", "a=% 1"}) {
    INFO(bad);
    CHECK(why(parse_urlencoded(bad, plenty)) == "The form has a malformed escape.");
  }
  string many;
  for (std::size_t i = 0; i < limits::form_fields_max; ++i) many += "a=1&";
  CHECK(urlencoded(many).size() == limits::form_fields_max);
  CHECK(why(parse_urlencoded(many + "a=1", plenty)) == "The form has too many fields.");
  const string name(limits::form_name_bytes_max, 'n');
  CHECK(urlencoded(name + "=1").size() == 1);
  CHECK(why(parse_urlencoded(name + "n=1", plenty)) == "A field of the form has too long a name.");
  CHECK(plain(parse_urlencoded("a=12", 4)).size() == 1);
  CHECK(why(parse_urlencoded("a=123", 4)) == "The body is too large.");
}

TEST_CASE("multipart parts come in their order, byte for byte", "[form]") {
  CHECK(multipart(part("secret", "x") + part("ttl", "300") + end) == pairs{{"secret", "x"}, {"ttl", "300"}});
  CHECK(multipart(end).empty());
  CHECK(multipart("--b--").empty());
  CHECK(multipart(part("a", "") + end) == pairs{{"a", ""}});
  // Whatever looks like an end and is none.
  for (const auto& value : {string("\r\n"), string("\r\n--"), string("x--b"), string("\n--b--\n"), string("\r\n--a"),
                            string("x\r"), string("\0\xff\r\n\r\n", 6)}) {
    INFO(value);
    CHECK(multipart(part("a", value) + end) == pairs{{"a", value}});
  }
  // A file is its content.
  CHECK(
      multipart(part("secret", "data", "; filename=\"a;b=\\\".txt\"; filename*=UTF-8''x\r\nContent-Type: text/plain") +
                end) == pairs{{"secret", "data"}});
  CHECK(multipart("--b\r\nX-Other: 1\r\ncontent-disposition:form-data;name=a\r\n\r\n1\r\n--b--") == pairs{{"a", "1"}});
  CHECK(multipart("--b\r\nContent-Disposition: form-data; name=\"\\\"q\\\\\"\r\n\r\n1\r\n" + end) ==
        pairs{{"\"q\\", "1"}});
  // RFC 2046: blanks behind a boundary, a preamble and an epilogue; a part with a header and no body.
  CHECK(multipart("read me\r\n--b \t\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--b-- \r\nbye\r\n--b") ==
        pairs{{"a", "1"}});
  CHECK(multipart("\r\n" + part("a", "1") + end) == pairs{{"a", "1"}});
  CHECK(multipart("--b\r\nContent-Disposition: form-data; name=a\r\n\r\n--b--\r\n") == pairs{{"a", ""}});
  CHECK(multipart(part("a", "1", "\r\nContent-Transfer-Encoding: binary") + end).size() == 1);
}

TEST_CASE("malformed multipart bodies are refused with fixed words", "[form]") {
  const string line = "The multipart body has a malformed boundary line.", unended = "The multipart body does not end.",
               header = "A part of the multipart body has malformed header fields.",
               unnamed = "A part of the multipart body has no name.";
  const string disposition = "Content-Disposition: form-data; name=a\r\n";
  const std::pair<string, string> cases[] = {
      {"", line},
      {"x", line},
      {"--c\r\n", line},
      {"-b\r\n", line},
      {"x--b\r\n", line},
      {"--b", line},
      {"--bc\r\n" + disposition + "\r\n1\r\n" + end, line},
      {"--b\n" + disposition + "\r\n1\r\n" + end, line},
      {"--b\r" + disposition + "\r\n1\r\n" + end, line},
      {"--b-\r\n", line},
      {"--b--x", line},
      {"--b--\n", line},
      {part("a", "1") + "--b\n", line},
      {part("a", "1") + "--bb\r\n", line},
      {"--b\r\n", unended},
      {"--b\r\n" + disposition, unended},
      {"--b\r\n" + disposition + "\r\n1", unended},
      {"--b\r\n" + disposition + "\r\n1\n--b--", unended},
      {part("a", "1"), unended},
      {"--b\r\n\r\n1\r\n" + end, unnamed},
      {"--b\r\nContent-Type: text/plain\r\n\r\n1\r\n" + end, unnamed},
      {"--b\r\nContent-Disposition: form-data\r\n\r\n1\r\n" + end, unnamed},
      {"--b\r\nContent-Disposition: form-data; filename=x\r\n\r\n1\r\n" + end, unnamed},
      {"--b\r\nContent-Disposition: attachment; name=a\r\n\r\n1\r\n" + end, header},
      {"--b\r\nContent-Disposition: form-data; name=a; name=b\r\n\r\n1\r\n" + end, header},
      {"--b\r\nContent-Disposition: form-data; name=\"a\r\n\r\n1\r\n" + end, header},
      {"--b\r\nContent-Disposition: form-data; name\r\n\r\n1\r\n" + end, header},
      {"--b\r\nContent-Disposition: form-data; name=\r\n\r\n1\r\n" + end, header},
      {"--b\r\nContent-Disposition: form-data name=a\r\n\r\n1\r\n" + end, header},
      {"--b\r\nContent-Disposition: form-dataname=a\r\n\r\n1\r\n" + end, header},
      {"--b\r\n" + disposition + disposition + "\r\n1\r\n" + end, header},
      {"--b\r\nContent-Disposition : form-data; name=a\r\n\r\n1\r\n" + end, header},
      {"--b\r\nContent-Disposition: form-data;\r\n name=a\r\n\r\n1\r\n" + end, header},
      {"--b\r\nContent-Disposition: form-data; name=\"a\x01\"\r\n\r\n1\r\n" + end, header},
      {"--b\r\nContent-Disposition: form-data; name=a\n\r\n\r\n1\r\n" + end, header},
      {"--b\r\n: x\r\n\r\n1\r\n" + end, header},
      {"--b\r\nno colon\r\n\r\n1\r\n" + end, header},
      {"--b\r\n" + disposition + end, header},
      {part("a", "--b") + end, header},  // a value may not begin a line with the boundary
      {part("a", "1", "\r\nContent-Transfer-Encoding: base64") + end,
       "A part of the multipart body has a transfer encoding."},
  };
  for (const auto& [body, says] : cases) {
    INFO(body);
    CHECK(why_multipart(body) == says);
  }
  string many;
  for (std::size_t i = 0; i < limits::form_fields_max; ++i) many += part("a", "1");
  CHECK(multipart(many + end).size() == limits::form_fields_max);
  CHECK(why_multipart(many + part("a", "1") + end) == "The form has too many fields.");
  const string name(limits::form_name_bytes_max, 'n');
  CHECK(multipart(part(name, "1") + end).size() == 1);
  CHECK(why_multipart(part(name + "n", "1") + end) == "A field of the form has too long a name.");
  const string padding(limits::form_part_header_bytes_max, 'x');
  CHECK(why_multipart(part("a", "1", "\r\nX: " + padding) + end) == header);
  string lines;
  for (std::size_t i = 0; i < limits::form_part_header_bytes_max / 6; ++i) lines += "\r\nX: 1";
  CHECK(why_multipart(part("a", "1", lines) + end) == header);
  CHECK(why(parse_multipart(end, "b", end.size() - 1)) == "The body is too large.");
}

TEST_CASE("a content type is understood or refused", "[form]") {
  auto json = parse_media_type("Application/JSON ; charset=utf-8");
  REQUIRE(json);
  CHECK(json->essence == "application/json");
  CHECK(json->boundary.empty());
  CHECK(parse_media_type("text/plain;")->essence == "text/plain");
  CHECK(parse_media_type("multipart/form-data; boundary=----x1")->boundary == "----x1");
  CHECK(parse_media_type("multipart/form-data;charset=a;BOUNDARY=\"a b=?\"")->boundary == "a b=?");
  const string longest(limits::form_boundary_bytes_max, 'b');
  CHECK(parse_media_type("multipart/form-data; boundary=" + longest)->boundary == longest);
  for (string bad : {"", "json", "/json", "application/", "a b/c", "a/b c", "a/b;x", "a/b; =1", "a/b; x=\"1",
                     "a/b; x=\"1\\", "a/b,c/d", "a/b; x=1 y"}) {
    INFO(bad);
    auto type = parse_media_type(bad);
    REQUIRE_FALSE(type);
    CHECK(type.error().text == "The Content-Type is malformed.");
  }
  for (string bad :
       {"boundary=\"\"", "boundary=\"a \"", "boundary=a!b", "boundary=a; boundary=b", "boundary=\"a\\\"b\""}) {
    INFO(bad);
    auto type = parse_media_type("multipart/form-data; " + bad);
    REQUIRE_FALSE(type);
    CHECK(type.error().text == "The Content-Type has no valid boundary.");
  }
  CHECK(parse_media_type("multipart/form-data; boundary=b" + longest).error().text ==
        "The Content-Type has no valid boundary.");
  CHECK(why(parse_multipart(end, "", plenty)) == "The Content-Type has no valid boundary.");
}

TEST_CASE("what is written as parts is read back, any bytes, and a cut body is refused", "[form]") {
  testing::random_source random(testing::announced_seed("form"));
  for (int round = 0; round < 2'000; ++round) {
    pairs fields(random.below(6));
    string parts;
    const string boundary = "-b" + std::to_string(random.below(10));
    for (auto& [name, value] : fields) {
      name = random.bytes(20);
      value = random.bytes(200);
      // A name is quoted, so it cannot hold line ends or controls; a value cannot hold the boundary.
      for (auto& c : name)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '"';
      if (random.one_in(4)) value.insert(random.below(value.size() + 1), "\r\n-" + boundary);
      parts +=
          "--" + boundary + "\r\nContent-Disposition: form-data; name=" + quoted(name) + "\r\n\r\n" + value + "\r\n";
    }
    REQUIRE(plain(parse_multipart(parts + "--" + boundary + "--\r\n", boundary, plenty)) == fields);
    // Cut anywhere, it is refused: an end is an end. (The last CRLF may be missing.)
    if (parts.empty()) continue;
    const string whole = parts + "--" + boundary + "--";
    CHECK_FALSE(parse_multipart(std::string_view(whole).substr(0, random.below(whole.size())), boundary, plenty));
  }
}

TEST_CASE("a url-encoded value survives any escaping", "[form]") {
  testing::random_source random(testing::announced_seed("urlencoded"));
  for (int round = 0; round < 2'000; ++round) {
    const string name = "n" + random.bytes(20), value = random.bytes(300);
    REQUIRE(urlencoded("&" + escaped(random, name) + "=" + escaped(random, value) + "&") == pairs{{name, value}});
  }
}

TEST_CASE("reading time does not explode", "[form]") {
  // Near misses of the boundary, all through a large body.
  string body = part("a", "");
  body.resize(body.size() - 2);
  while (body.size() < plenty - 100) body += "\r\n--";
  CHECK(plain(parse_multipart(body + "\r\n--b--", "b", plenty)).size() == 1);
  CHECK_FALSE(parse_multipart(string(plenty, '\r'), "b", plenty));
  CHECK(plain(parse_urlencoded(string(plenty, '&'), plenty)).empty());
}

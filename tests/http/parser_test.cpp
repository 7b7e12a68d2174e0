// What is read as a request and what is refused: every case whole, and split at every byte.

#include "http/parser.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "http/text.hpp"
#include "model/limits.hpp"
#include "tests/support/http_script.hpp"

using nacre::test::http_script;
namespace limits = nacre::limits;

namespace {

// The statuses answered, and whether the connection then ends: "200 200", "400 end".
std::string verdict(const http_script& s) {
  std::string out;
  for (std::size_t at = 0; (at = s.sent.find("HTTP/1.1 ", at)) != std::string::npos; ++at) {
    if (s.sent[at + 9] < '1' || s.sent[at + 9] > '9') continue;  // a body that speaks of HTTP/1.1
    if (!out.empty()) out += ' ';
    out += s.sent.substr(at + 9, 3);
  }
  if (s.over()) out += out.empty() ? "end" : " end";
  return out;
}

struct parse_case {
  std::string name;
  std::string bytes;
  std::string expected;
};

const std::string get = "GET /a HTTP/1.1\r\nHost: h\r\n";
const std::string post = "POST /a HTTP/1.1\r\nHost: h\r\n";
const std::string chunked = post + "Transfer-Encoding: chunked\r\n\r\n";
const std::string next = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n";

std::vector<parse_case> cases() {
  using std::string;
  const string nul(1, '\0');
  std::vector<parse_case> all{
      {"plain", get + "\r\n", "200"},
      {"two in a row", get + "\r\n" + get + "\r\n", "200 200"},
      {"no connection header keeps alive", get + "\r\n" + next, "200 200"},
      {"connection close ends", get + "Connection: close\r\n\r\n" + next, "200 end"},
      {"connection close in a list ends", get + "Connection: foo, Close\r\n\r\n" + next, "200 end"},
      {"1.0 ends", "GET /a HTTP/1.0\r\n\r\n" + next, "200 end"},
      {"1.0 keep-alive ends too", "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + next, "200 end"},
      {"body by length", post + "Content-Length: 3\r\n\r\nabc" + next, "200 200"},
      {"length zero", post + "Content-Length: 0\r\n\r\n" + next, "200 200"},
      {"chunked", chunked + "5\r\nabcde\r\n0\r\n\r\n" + next, "200 200"},
      {"several chunks", chunked + "5\r\nabcde\r\n1\r\nf\r\nA\r\n0123456789\r\n0\r\n\r\n" + next, "200 200"},
      {"chunked, coding in capitals", post + "Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n", "200"},
      {"unknown method is routed", "BREW /a HTTP/1.1\r\nHost: h\r\n\r\n", "200"},
      {"query kept", "GET /a?x=%20&y HTTP/1.1\r\nHost: h\r\n\r\n", "200"},
      {"host with port", "GET /a HTTP/1.1\r\nHost: example.org:8080\r\n\r\n", "200"},
      {"host v6", "GET /a HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", "200"},
      {"header names in any case", "GET /a HTTP/1.1\r\nhOST: h\r\n\r\n", "200"},
      {"optional white space around a value", "GET /a HTTP/1.1\r\nHost: \t h \t\r\n\r\n", "200"},

      // Framing: two parsers must not disagree.
      {"CL + TE", post + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + next, "400 end"},
      {"TE + CL", post + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n" + next, "400 end"},
      {"CL 5 and 3", post + "Content-Length: 5\r\nContent-Length: 3\r\n\r\nabcde" + next, "400 end"},
      {"CL 3 and 50", post + "Content-Length: 3\r\nContent-Length: 50\r\n\r\nabc" + next, "400 end"},
      {"CL 3 twice", post + "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc" + next, "400 end"},
      {"CL 3abc", post + "Content-Length: 3abc\r\n\r\nabc" + next, "400 end"},
      {"CL +3", post + "Content-Length: +3\r\n\r\nabc" + next, "400 end"},
      {"CL -1", post + "Content-Length: -1\r\n\r\nabc" + next, "400 end"},
      {"CL 3, 3", post + "Content-Length: 3, 3\r\n\r\nabc" + next, "400 end"},
      {"CL abc", post + "Content-Length: abc\r\n\r\n" + next, "400 end"},
      {"CL 0x3", post + "Content-Length: 0x3\r\n\r\nabc" + next, "400 end"},
      {"CL 3 3", post + "Content-Length: 3 3\r\n\r\nabc" + next, "400 end"},
      {"CL empty", post + "Content-Length:\r\n\r\n" + next, "400 end"},
      {"CL 2^64-1", post + "Content-Length: 18446744073709551615\r\n\r\nabc", "413 end"},
      {"CL beyond 64 bits", post + "Content-Length: 28446744073709551615\r\n\r\nabc", "400 end"},
      {"CL 1e9", post + "Content-Length: 1000000000\r\n\r\nabc", "413 end"},
      {"TE with a space before the colon", post + "Transfer-Encoding : chunked\r\nContent-Length: 3\r\n\r\nabc",
       "400 end"},
      {"TE twice", post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400 end"},
      {"TE gzip, chunked", post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "400 end"},
      {"TE chunked, gzip", post + "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", "400 end"},
      {"TE xchunked", post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "400 end"},
      {"TE identity", post + "Transfer-Encoding: identity\r\n\r\n0\r\n\r\n", "400 end"},
      {"TE with a tab inside", post + "Transfer-Encoding: chun\tked\r\n\r\n0\r\n\r\n", "400 end"},
      {"TE empty", post + "Transfer-Encoding:\r\n\r\n0\r\n\r\n", "400 end"},
      {"TE with 1.0", "POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400 end"},
      {"chunk size 0x3", chunked + "0x3\r\nabc\r\n0\r\n\r\n", "400 end"},
      {"chunk size +3", chunked + "+3\r\nabc\r\n0\r\n\r\n", "400 end"},
      {"chunk size space 3", chunked + " 3\r\nabc\r\n0\r\n\r\n", "400 end"},
      {"chunk size 3 space", chunked + "3 \r\nabc\r\n0\r\n\r\n", "400 end"},
      {"chunk size empty", chunked + "\r\nabc\r\n0\r\n\r\n", "400 end"},
      {"chunk size of 2^64", chunked + "10000000000000000\r\nabc\r\n0\r\n\r\n", "400 end"},
      {"chunk size beyond the limit", chunked + "FFFFFFFF\r\nabc", "413 end"},
      {"chunk extension", chunked + "3;a=b\r\nabc\r\n0\r\n\r\n", "400 end"},
      {"chunk extension on the last", chunked + "0;a\r\n\r\n", "400 end"},
      {"chunk data longer than said", chunked + "3\r\nabcdXX\r\n0\r\n\r\n", "400 end"},
      {"chunk ended by LF", chunked + "3\nabc\n0\n\n" + string(64, 'x'), "400 end"},
      {"trailer", chunked + "0\r\nX: y\r\n\r\n", "400 end"},
      {"trailer that authorizes", chunked + "0\r\nAuthorization: Bearer x\r\n\r\n", "400 end"},
      {"long trailer", chunked + "0\r\nX: " + string(100, 'y') + "\r\n\r\n", "400 end"},

      // Lines and characters.
      {"empty line first", "\r\n" + get + "\r\n", "400 end"},
      {"LF only", "GET /a HTTP/1.1\nHost: h\n\n", "400 end"},
      {"LF in a value", get + "X-A: b\nX-B: c\r\n\r\n", "400 end"},
      {"bare CR in a value", get + "X-A: b\rc\r\n\r\n", "400 end"},
      {"CR CR LF", get + "X-A: b\r\r\n\r\n", "400 end"},
      {"NUL in a value", get + "X-A: b" + nul + "c\r\n\r\n", "400 end"},
      {"NUL in the path", "GET /a" + nul + " HTTP/1.1\r\nHost: h\r\n\r\n", "400 end"},
      {"control in a value", get + "X-A: \x01\r\n\r\n", "400 end"},
      {"DEL in a value", get + "X-A: \x7f\r\n\r\n", "400 end"},
      {"obs-text in a value", get + "X-A: \xe9\r\n\r\n", "400 end"},
      {"tab in a value", get + "X-A: b\tc\r\n\r\n", "400 end"},
      {"obs-fold", get + "X-A: b\r\n c\r\n\r\n", "400 end"},
      {"obs-fold with a tab", get + "X-A: b\r\n\tc\r\n\r\n", "400 end"},
      {"fold after the request line", "GET /a HTTP/1.1\r\n Host: h\r\n\r\n", "400 end"},
      {"line without colon", get + "X-A\r\n\r\n", "400 end"},
      {"space before colon", get + "X-A : b\r\n\r\n", "400 end"},
      {"space in a name", get + "X A: b\r\n\r\n", "400 end"},
      {"empty name", get + ": b\r\n\r\n", "400 end"},

      // Request line.
      {"absolute form", "GET http://h/a HTTP/1.1\r\nHost: h\r\n\r\n", "400 end"},
      {"asterisk form", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "400 end"},
      {"authority form", "CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n", "400 end"},
      {"no slash", "GET a HTTP/1.1\r\nHost: h\r\n\r\n", "400 end"},
      {"escape in the path", "GET /%61 HTTP/1.1\r\nHost: h\r\n\r\n", "400 end"},
      {"semicolon in the path", "GET /a;b HTTP/1.1\r\nHost: h\r\n\r\n", "400 end"},
      {"backslash in the path", "GET /a\\b HTTP/1.1\r\nHost: h\r\n\r\n", "400 end"},
      {"fragment", "GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n", "400 end"},
      {"fragment in the query", "GET /a?b#c HTTP/1.1\r\nHost: h\r\n\r\n", "400 end"},
      {"two spaces", "GET  /a HTTP/1.1\r\nHost: h\r\n\r\n", "400 end"},
      {"space in the target", "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", "400 end"},
      {"tab for space", "GET\t/a HTTP/1.1\r\nHost: h\r\n\r\n", "400 end"},
      {"space behind the version", "GET /a HTTP/1.1 \r\nHost: h\r\n\r\n", "400 end"},
      {"space before the method", " GET /a HTTP/1.1\r\nHost: h\r\n\r\n", "400 end"},
      {"method with a bad character", "GE(T /a HTTP/1.1\r\nHost: h\r\n\r\n", "400 end"},
      {"no version", "GET /a\r\nHost: h\r\n\r\n", "400 end"},
      {"version HTTP/1", "GET /a HTTP/1\r\nHost: h\r\n\r\n", "400 end"},
      {"version http/1.1", "GET /a http/1.1\r\nHost: h\r\n\r\n", "400 end"},
      {"version 1.11", "GET /a HTTP/1.11\r\nHost: h\r\n\r\n", "400 end"},
      {"version 0.9", "GET /a HTTP/0.9\r\nHost: h\r\n\r\n", "505 end"},
      {"version 1.2", "GET /a HTTP/1.2\r\nHost: h\r\n\r\n", "505 end"},
      {"version 2.0", "GET /a HTTP/2.0\r\nHost: h\r\n\r\n", "505 end"},
      {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505 end"},
      {"TLS hello", "\x16\x03\x01\x02" + nul + "\x01", "400 end"},

      // Fields that decide.
      {"no Host", "GET /a HTTP/1.1\r\n\r\n" + next, "400 end"},
      {"two Hosts", get + "Host: h\r\n\r\n" + next, "400 end"},
      {"empty Host", "GET /a HTTP/1.1\r\nHost:\r\n\r\n", "400 end"},
      {"Host with a path", "GET /a HTTP/1.1\r\nHost: h/b\r\n\r\n", "400 end"},
      {"Host with user info", "GET /a HTTP/1.1\r\nHost: a@h\r\n\r\n", "400 end"},
      {"Host with a bad port", "GET /a HTTP/1.1\r\nHost: h:80a\r\n\r\n", "400 end"},
      {"Host list", "GET /a HTTP/1.1\r\nHost: h, g\r\n\r\n", "400 end"},
      {"1.0 with two Hosts", "GET /a HTTP/1.0\r\nHost: h\r\nHost: h\r\n\r\n", "400 end"},
      {"expectation unknown", post + "Expect: payment\r\nContent-Length: 3\r\n\r\nabc", "417 end"},
      {"expectation with the body already there", post + "Expect: 100-continue\r\nContent-Length: 0\r\n\r\n", "200"},
      {"connection header broken", get + "Connection: ,;\r\n\r\n", "400 end"},

      // Limits.
      {"request line at the limit",
       "GET /" + string(limits::request_line_bytes_max - 14, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n", "200"},
      {"request line too long",
       "GET /" + string(limits::request_line_bytes_max - 13, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n", "414 end"},
      {"60 KB header", get + "X-A: " + string(60'000, 'a') + "\r\n\r\n", "431 end"},
      {"body at the limit",
       post + "Content-Length: " + std::to_string(limits::body_bytes_max) + "\r\n\r\n" +
           string(limits::body_bytes_max, 'b'),
       "200"},
      {"body by one too large", post + "Content-Length: " + std::to_string(limits::body_bytes_max + 1) + "\r\n\r\n",
       "413 end"},
      {"chunks together too large", chunked + "7000\r\n" + string(0x7000, 'b') + "\r\n7000\r\n" + string(0x7000, 'b'),
       "413 end"},
  };
  for (const char* once : {"Authorization", "X-Workspace-Id", "Content-Type", "Idempotency-Key"}) {
    all.push_back({string{once} + " twice", get + once + ": a\r\n" + once + ": a\r\n\r\n" + next, "400 end"});
  }
  string fields;
  for (std::size_t i = 1; i < limits::header_count_max; ++i) fields += "X-" + std::to_string(i) + ": y\r\n";
  all.push_back({"as many fields as allowed", get + fields + "\r\n", "200"});
  all.push_back({"one field too many", get + fields + "X-0: y\r\n\r\n", "431 end"});
  return all;
}

}  // namespace

TEST_CASE("a request is read or refused the same way, however its bytes arrive", "[parser]") {
  for (const parse_case& c : cases()) {
    http_script s;
    s.feed(c.bytes);
    INFO(c.name);
    REQUIRE(verdict(s) == c.expected);
    const std::string whole = s.sent;
    REQUIRE(whole.find("smuggled") == (c.expected.find("200 200") == 0 && c.bytes.find("smuggled") != std::string::npos
                                           ? whole.find("smuggled")
                                           : std::string::npos));
    // Every split of small cases; large ones at their first and last bytes, where the tokens are.
    for (std::size_t at = 1; at < c.bytes.size(); ++at) {
      if (c.bytes.size() > 2'000 && at > 300 && at + 300 < c.bytes.size() && at % 1'021 != 0) continue;
      s.restart();
      s.feed(std::string_view{c.bytes}.substr(0, at));
      s.feed(std::string_view{c.bytes}.substr(at));
      INFO("split at " << at);
      REQUIRE(verdict(s) == c.expected);
      REQUIRE(s.sent == whole);
    }
    s.restart();
    for (const char byte : c.bytes) s.feed({&byte, 1});
    INFO("byte by byte");
    REQUIRE(s.sent == whole);
  }
}

TEST_CASE("nothing behind a refused message is read", "[parser]") {
  for (const parse_case& c : cases()) {
    if (c.expected.substr(0, 1) != "4") continue;
    http_script s;
    s.feed(c.bytes + next + next);
    INFO(c.name);
    REQUIRE(s.requests.empty());
    REQUIRE(verdict(s) == c.expected);
  }
}

TEST_CASE("a refusal is one JSON answer in nacre's error shape, with a request id, and holds nothing of the request",
          "[parser]") {
  http_script s;
  s.feed("GET /leak-canary%00 HTTP/1.1\r\nHost: h\r\nX-Canary: leak-canary\r\n\r\n");
  REQUIRE(s.sent.find("HTTP/1.1 400 Bad Request\r\n") == 0);
  REQUIRE(s.sent.find("Connection: close\r\n") != std::string::npos);
  REQUIRE(s.sent.find("X-Request-Id: ") != std::string::npos);
  REQUIRE(s.sent.find("Content-Type: application/json\r\n") != std::string::npos);
  REQUIRE(s.sent.find(R"({"error":"The path holds)") != std::string::npos);
  REQUIRE(s.sent.find(R"("code":"invalid_request","message":"The path)") != std::string::npos);
  REQUIRE(s.sent.find("canary") == std::string::npos);
}

TEST_CASE("a request arrives with its parts apart and its body whole", "[parser]") {
  http_script s;
  s.feed(
      "PATCH /a/b.c~d?q=1&r HTTP/1.1\r\nHost: h\r\nX-Two:  a b \r\nContent-Type: t\r\nTransfer-Encoding: "
      "chunked\r\n\r\n"
      "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  REQUIRE(s.requests.size() == 1);
  const auto& r = s.requests.front();
  CHECK(r.verb == nacre::http::method::patch);
  CHECK(r.verb_text == "PATCH");
  CHECK(r.path == "/a/b.c~d");
  CHECK(r.query == "q=1&r");
  REQUIRE(r.find("x-two") != nullptr);
  CHECK(*r.find("x-two") == "a b");
  CHECK(r.find("absent") == nullptr);
  CHECK(r.body == "abcde");
  CHECK(r.client.text == "192.0.2.7");
  CHECK(r.deadline == s.time + s.config.request_timeout);
}

TEST_CASE("a run of printable bytes ends at the first that is not, wherever it lies", "[parser]") {
  for (std::size_t size = 0; size <= 20; ++size)
    for (std::size_t at = 0; at < size; ++at)
      for (int byte = 0; byte < 256; ++byte) {
        for (const char around : {' ', 'a', '~'}) {
          std::string text(size, around);
          text[at] = static_cast<char>(byte);
          const bool printable = byte >= 0x20 && byte < 0x7f;
          if (nacre::http::printable_run(text) != (printable ? size : at)) FAIL(size << " " << at << " " << byte);
        }
      }
}

TEST_CASE("in whose words a head is refused does not depend on how its bytes arrive", "[parser]") {
  using namespace nacre::http;
  const rules_of_path rules = [](method, std::string_view path) {
    path_rules here;
    here.path_is_free = path.starts_with("/free");
    return here;
  };
  const auto free = [&](const std::string& head, std::size_t piece) {
    request_parser parser(&rules);
    for (std::size_t at = 0; at < head.size(); at += piece) parser.feed(std::string_view(head).substr(at, piece));
    CHECK(parser.where() == request_parser::stage::refused);
    return parser.rules().path_is_free;
  };
  const std::string line = "GET /free/x?secret=y HTTP/1.1\r\n";
  for (const auto& [head, known] :
       {std::pair<std::string, bool>{line + "Host: h\r\nX: " + std::string(limits::header_bytes_max, 'x'), true},
        {"GET /free?" + std::string(limits::request_line_bytes_max, 'x'), true},
        {"GET /other?" + std::string(limits::request_line_bytes_max, 'x'), false},
        {line + "Host: h\r\nX: \x01\r\n", true},
        {"GET /free/x HTTP/2.0\r\n\r\n", true},
        {"GET /free/\x01 HTTP/1.1\r\n\r\n", true},
        {"G\x01T /free/x HTTP/1.1\r\n\r\n", false},
        {"GET\n /free/x HTTP/1.1\r\n\r\n", false},
        {" /free/x HTTP/1.1\r\n\r\n", false},
        {"\r\nGET /free/x HTTP/1.1\r\n\r\n", false}}) {
    INFO(head.substr(0, 60));
    for (std::size_t piece : {head.size(), std::size_t{1}, std::size_t{7}}) CHECK(free(head, piece) == known);
  }
}

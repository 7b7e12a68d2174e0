// Order, deadlines and framing of answers, on a clock that only the test moves.

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdio>

#include "model/limits.hpp"
#include "tests/support/http_script.hpp"

using nacre::http::response;
using nacre::test::http_script;
using namespace std::chrono_literals;

namespace {

const std::string get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";

response text(std::string body) {
  response r;
  r.body = std::move(body);
  return r;
}

bool has(const http_script& s, std::string_view what) { return s.sent.find(what) != std::string::npos; }

}  // namespace

TEST_CASE("one request is in flight; those behind it wait and are answered in order", "[session]") {
  http_script s;
  s.answer_at_once = false;
  s.feed(get + get + get);
  REQUIRE(s.requests.size() == 1);
  s.answer(text("first"));
  REQUIRE(s.requests.size() == 2);
  s.answer(text("second"));
  s.answer(text("third"));
  REQUIRE(s.requests.size() == 3);
  REQUIRE(s.sent.find("first") < s.sent.find("second"));
  REQUIRE(s.sent.find("second") < s.sent.find("third"));
}

TEST_CASE("pipelined input is bounded", "[session]") {
  http_script s;
  s.answer_at_once = false;
  s.feed(get);
  const std::string flood(nacre::limits::pipelined_bytes_max, 'x');
  REQUIRE(s.talk().room() == nacre::limits::pipelined_bytes_max);
  s.feed(flood);
  REQUIRE(s.talk().room() == 0);
}

TEST_CASE("a malformed request that waited behind another is refused after its answer", "[session]") {
  // Refusing once freed the buffer that was being read: more than one chunk of garbage crashed the node.
  for (std::size_t garbage : {std::size_t{0}, std::size_t{100}, std::size_t{6'000}, std::size_t{60'000}}) {
    http_script s;
    s.answer_at_once = false;
    s.feed("GET /a HTTP/1.1\r\nHost: h\r\n\r\nBAD\x01 / HTTP/1.1\r\n" + std::string(garbage, 'x'));
    response first;
    first.body = "one";
    s.answer(std::move(first));
    INFO(garbage);
    CHECK(s.sent.find("HTTP/1.1 200") == 0);
    CHECK(s.sent.find("HTTP/1.1 400") != std::string::npos);
    s.feed("GET /b HTTP/1.1\r\nHost: h\r\n\r\n");
    CHECK(s.sent.find("/b") == std::string::npos);
  }
}

TEST_CASE("a client that does not read is not answered further", "[session]") {
  http_script s;
  std::string many;
  for (int i = 0; i < 100; ++i) many += "GET /" + std::string(500, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n";
  // Not flushed: the output grows until the session stops reading.
  for (int i = 0; i < 1'000 && s.talk().room() >= many.size(); ++i) s.talk().input(many, s.time);
  REQUIRE(s.talk().output().size() < nacre::limits::output_bytes_max + many.size());
  REQUIRE(s.talk().room() < many.size());
  const auto before = s.requests.size();
  s.flush();
  REQUIRE(s.requests.size() > before);
  REQUIRE(s.talk().room() == nacre::limits::pipelined_bytes_max);
}

TEST_CASE("HEAD gets the length of the body and not the body", "[session]") {
  http_script s;
  s.answer_at_once = false;
  s.feed("HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n");
  s.answer(text("0123456789"));
  REQUIRE(has(s, "Content-Length: 10\r\n"));
  REQUIRE(!has(s, "0123456789"));
}

TEST_CASE("204 and 304 have neither body nor length", "[session]") {
  for (const int status : {204, 304}) {
    http_script s;
    s.answer_at_once = false;
    s.feed(get);
    response r = text("must not appear");
    r.status = status;
    s.answer(std::move(r));
    REQUIRE(!has(s, "Content-Length"));
    REQUIRE(!has(s, "must not appear"));
  }
}

TEST_CASE("a header that could split the answer turns it into a 500", "[session]") {
  for (const auto value : {std::string_view{"a\r\nSet-Cookie: b"}, std::string_view{"a\nb"}, std::string_view{"a\rb"},
                           std::string_view{"a\0b", 3}}) {
    http_script s;
    s.answer_at_once = false;
    s.feed(get);
    response r = text("secret");
    r.headers.push_back({"X-A", std::string{value}});
    s.answer(std::move(r));
    REQUIRE(has(s, "HTTP/1.1 500 "));
    REQUIRE(!has(s, "Set-Cookie"));
    REQUIRE(!has(s, "secret"));
  }
  http_script s;
  s.answer_at_once = false;
  s.feed(get);
  response r = text("");
  r.headers.push_back({"X-A: b\r\nX-B", "c"});
  s.answer(std::move(r));
  REQUIRE(has(s, "HTTP/1.1 500 "));
}

TEST_CASE("framing fields are the server's alone", "[session]") {
  http_script s;
  s.answer_at_once = false;
  s.feed(get);
  response r = text("abc");
  r.headers.push_back({"Content-Length", "99"});
  r.headers.push_back({"transfer-encoding", "chunked"});
  r.headers.push_back({"X-Kept", "yes"});
  s.answer(std::move(r));
  REQUIRE(has(s, "Content-Length: 3\r\n"));
  REQUIRE(!has(s, "Content-Length: 99"));
  REQUIRE(!has(s, "chunked"));
  REQUIRE(has(s, "X-Kept: yes\r\n"));
}

TEST_CASE("100-continue is said once, before the body, and only to 1.1", "[session]") {
  http_script s;
  s.feed("POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-Continue\r\nContent-Length: 4\r\n\r\n");
  REQUIRE(s.sent == "HTTP/1.1 100 Continue\r\n\r\n");
  s.feed("ab");
  REQUIRE(s.sent == "HTTP/1.1 100 Continue\r\n\r\n");
  s.feed("cd");
  REQUIRE(has(s, "HTTP/1.1 200 OK"));
  http_script old;
  old.feed("POST /a HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
  REQUIRE(old.sent.empty());
  http_script large;
  large.feed("POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 999999\r\n\r\n");
  REQUIRE(large.sent.find("HTTP/1.1 413 ") == 0);
}

TEST_CASE("trickling does not move the header deadline", "[deadline]") {
  http_script s;
  s.pass(9s);
  for (const char c : std::string_view{"GET /aaaaaaaa"}) {
    s.feed({&c, 1});
    s.pass(700ms);
  }
  s.pass(1s);
  REQUIRE(s.sent.find("HTTP/1.1 408 ") == 0);
  REQUIRE(s.over());
  REQUIRE(s.counts.timeouts == 1);
}

TEST_CASE("trickling does not move the body deadline", "[deadline]") {
  http_script s;
  s.feed("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n");
  for (int i = 0; i < 9; ++i) {
    s.pass(1s);
    s.feed("x");
    REQUIRE(s.sent.empty());
  }
  s.pass(1s);
  REQUIRE(s.sent.find("HTTP/1.1 408 ") == 0);
}

TEST_CASE("a later request of a connection has its own absolute deadline", "[deadline]") {
  http_script s;
  s.feed(get);
  s.pass(60s);
  s.feed("G");
  s.pass(9s);
  s.feed("E");
  REQUIRE(!s.over());
  s.pass(1s);
  REQUIRE(has(s, "HTTP/1.1 408 "));
}

TEST_CASE("an idle connection ends silently, a fresh one at the header deadline", "[deadline]") {
  http_script s;
  s.feed(get);
  const auto before = s.sent;
  s.pass(74s);
  REQUIRE(!s.over());
  s.pass(1s);
  REQUIRE(s.over());
  REQUIRE(s.sent == before);
  http_script fresh;
  fresh.pass(10s);
  REQUIRE(fresh.over());
  REQUIRE(fresh.sent.empty());
}

TEST_CASE("a late handler is answered 503 for; its answer is dropped and the connection goes on", "[deadline]") {
  http_script s;
  s.answer_at_once = false;
  s.feed(get);
  s.pass(15s);
  REQUIRE(s.sent.find("HTTP/1.1 503 ") == 0);
  REQUIRE(has(s, "Retry-After: 1\r\n"));
  REQUIRE(s.abandoned == 1);
  s.answer(text("late"));
  REQUIRE(!has(s, "late"));
  s.feed(get);
  s.answer(text("in time"));
  REQUIRE(has(s, "in time"));
  REQUIRE(s.counts.inflight == 0);
}

TEST_CASE("output without progress ends the connection", "[deadline]") {
  http_script s;
  s.talk().input(get, s.time);
  REQUIRE(!s.talk().output().empty());
  s.time += 9s;
  s.talk().tick(s.time);
  REQUIRE(!s.talk().aborted());
  s.talk().sent(1, s.time);
  s.time += 9s;
  s.talk().tick(s.time);
  REQUIRE(!s.talk().aborted());
  s.time += 1s;
  s.talk().tick(s.time);
  REQUIRE(s.talk().aborted());
}

TEST_CASE("after the last answer input is thrown away for a moment, then the connection ends", "[session]") {
  http_script s;
  s.feed("GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  REQUIRE(s.half_closed);
  s.feed(get);
  REQUIRE(s.requests.size() == 1);
  s.pass(std::chrono::milliseconds(nacre::limits::linger_ms));
  REQUIRE(s.talk().aborted());
}

TEST_CASE("a client that half-closes gets the answers to all it asked", "[session]") {
  http_script s;
  s.answer_at_once = false;
  s.feed(get + get + "GET /half");
  s.talk().end_of_input(s.time);
  s.flush();
  REQUIRE(!s.over());
  s.answer(text("first"));
  REQUIRE(!s.over());
  s.answer(text("second"));
  REQUIRE(has(s, "second"));
  REQUIRE(s.over());
  REQUIRE(s.requests.size() == 2);
}

TEST_CASE("draining answers what is in flight and says close", "[session]") {
  http_script s;
  s.answer_at_once = false;
  s.feed(get);
  s.drains = true;
  s.talk().drain(s.time);
  REQUIRE(!s.over());
  s.answer(text("done"));
  REQUIRE(has(s, "Connection: close\r\n"));
  REQUIRE(has(s, "done"));
  REQUIRE(s.over());
  http_script idle;
  idle.drains = true;
  idle.talk().drain(idle.time);
  idle.flush();
  REQUIRE(idle.over());
}

TEST_CASE("every exchange is reported once, with the route and never the path", "[session]") {
  http_script s;
  s.answer_at_once = false;
  s.feed("BREW /secret-path HTTP/1.1\r\nHost: h\r\n\r\n");
  response r = text("abc");
  r.route = "/api/v1/pats/{id}";
  s.answer(std::move(r));
  s.feed("bad\r\n\r\n");
  REQUIRE(s.exchanges.size() == 2);
  REQUIRE(s.exchanges[0].verb == "OTHER");
  REQUIRE(s.exchanges[0].route == "/api/v1/pats/{id}");
  REQUIRE(s.exchanges[0].status == 200);
  REQUIRE(s.exchanges[0].request_bytes == 39);
  REQUIRE(s.exchanges[1].status == 400);
  REQUIRE(s.counts.parse_errors == 1);
}

TEST_CASE("wiped buffers leave nothing behind", "[session]") {
  nacre::http::byte_buffer b;
  b.append("top secret");
  const char* where = b.view().data();
  b.append("x");
  b.consume(10);
  REQUIRE(b.view() == "x");
  REQUIRE(std::string_view(where, 10) == std::string_view("\0\0\0\0\0\0\0\0\0\0", 10));
  response r = text("a secret that is longer than the short string buffer");
  r.wipe = true;
  nacre::http::wipe_secret(r);
  REQUIRE(r.body.empty());
  REQUIRE(r.body.capacity() > 40);
  REQUIRE(std::string_view(r.body.data(), 40) == std::string(40, '\0'));
}

TEST_CASE("a path may have a larger body and words of its own, and no other path has", "[session][rules]") {
  constexpr std::size_t large = 100'000;
  http_script s;
  s.config.rules = [](nacre::http::method verb, std::string_view path) {
    nacre::http::path_rules here;
    if (path != "/large") return here;
    if (verb == nacre::http::method::post) here.body_bytes_max = large;
    here.refusal = [](int status, std::string_view, std::string_view, const nacre::request_id&) {
      nacre::http::response r;
      r.status = status;
      r.body = "own words";
      return r;
    };
    return here;
  };
  auto post = [](std::string path, std::size_t length, std::size_t sent) {
    return "POST " + path + " HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n" +
           std::string(sent, 'b');
  };
  auto chunks = [](std::string path, std::size_t length) {
    std::string out = "POST " + path + " HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (std::size_t left = length; left != 0;) {
      const auto piece = std::min<std::size_t>(left, 0x1000);
      char line[16];
      std::snprintf(line, sizeof line, "%zx\r\n", piece);
      out += line + std::string(piece, 'b') + "\r\n";
      left -= piece;
    }
    return out + "0\r\n\r\n";
  };
  const std::size_t usual = nacre::limits::body_bytes_max;
  struct given {
    std::string bytes, status;
    bool own_words;
  };
  const given all[] = {
      {post("/large", large, large), "200", false},
      {post("/large", large + 1, 0), "413", true},
      {chunks("/large", large), "200", false},
      {chunks("/large", large + 1), "413", true},
      {post("/other", usual, usual), "200", false},
      {post("/other", usual + 1, 0), "413", false},
      {chunks("/other", usual + 1), "413", false},
      {"PUT /large HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(usual + 1) + "\r\n\r\n", "413", true},
      {"GET /large HTTP/1.1\r\n\r\n", "400", true},
      {"GET /other HTTP/1.1\r\n\r\n", "400", false},
      // What came before on the connection leaves nothing behind.
      {post("/large", large, large) + post("/other", usual + 1, 0), "413", false},
  };
  for (const auto& g : all) {
    s.restart();
    s.feed(g.bytes);
    INFO(g.bytes.substr(0, 90));
    CHECK(has(s, "HTTP/1.1 " + g.status));
    CHECK(has(s, "own words") == g.own_words);
    const auto whole = s.sent;
    for (std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{4'099}, std::size_t{70'001}}) {
      if (piece == 1 && g.bytes.size() > 40'000) continue;
      s.restart();
      for (std::string_view rest = g.bytes; !rest.empty(); rest.remove_prefix(std::min(piece, rest.size())))
        s.feed(rest.substr(0, piece));
      INFO("in pieces of " << piece);
      CHECK(s.sent == whole);
    }
  }
  s.restart();
  s.feed(post("/large", 10, 5));
  s.pass(s.config.body_timeout);
  CHECK(has(s, "HTTP/1.1 408"));
  CHECK(has(s, "own words"));
  s.restart();
  s.answer_at_once = false;
  s.feed(post("/large", 5, 5));
  s.pass(s.config.request_timeout);
  CHECK(has(s, "HTTP/1.1 503"));
  CHECK(has(s, "own words"));
}

TEST_CASE("what may stand in a path is the path's own rule, and its refusal too", "[session][rules]") {
  http_script s;
  s.config.rules = [](nacre::http::method, std::string_view path) {
    nacre::http::path_rules here;
    here.path_is_free = path.starts_with("/free/");
    if (here.path_is_free || path.starts_with("/own/"))
      here.refusal = [](int status, std::string_view, std::string_view, const nacre::request_id&) {
        response r = text("own words");
        r.status = status;
        return r;
      };
    return here;
  };
  auto asked = [&](const std::string& target) {
    s.restart();
    s.feed("GET " + target + " HTTP/1.1\r\nHost: h\r\n\r\n");
    INFO(target);
    if (!s.requests.empty()) {
      CHECK(s.requests.front().path == target.substr(0, target.find('?')));
      return 200;
    }
    CHECK(has(s, "HTTP/1.1 400 "));
    CHECK(has(s, "own words") == (target.starts_with("/free/") || target.starts_with("/own/")));
    return 400;
  };
  for (auto plain : {"/free/a", "/own/a-z_0.~", "/other/a?b=%41"}) CHECK(asked(plain) == 200);
  for (auto odd : {"%41", "%", "%zz", "a$b", "a%2Fb", "a%00", "{a}", "\"a\"", "a\\b", "a;b=c?d"}) {
    CHECK(asked(std::string("/free/") + odd) == 200);
    CHECK(asked(std::string("/own/") + odd) == 400);
    CHECK(asked(std::string("/other/") + odd) == 400);
  }
  for (auto path : {"/free/", "/own/", "/other/"}) CHECK(asked(std::string(path) + "a#b") == 400);
}

TEST_CASE("large bodies of all connections share one budget, from their arrival to the end of their requests",
          "[session][rules][bodies]") {
  constexpr std::size_t longest = 200'000, small = nacre::limits::body_bytes_max;
  nacre::http::body_budget budget(256 * 1024);
  http_script one, two;
  for (auto* s : {&one, &two}) {
    s->large_bodies = budget;
    s->answer_at_once = false;
    s->config.rules = [](nacre::http::method, std::string_view) {
      nacre::http::path_rules here;
      here.body_bytes_max = longest;
      here.refusal = [](int status, std::string_view code, std::string_view, const nacre::request_id&) {
        response r = text("own words: " + std::string(code));
        r.status = status;
        return r;
      };
      return here;
    };
    s->restart();
  }
  auto head = [](std::size_t length, std::string more = {}) {
    return "POST /a HTTP/1.1\r\nHost: h\r\n" + more + "Content-Length: " + std::to_string(length) + "\r\n\r\n";
  };
  auto body = [](std::size_t bytes) { return std::string(bytes, 'b'); };
  const std::string chunked = "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  auto refused = [&](http_script& s) {
    CHECK(s.requests.empty());
    CHECK(has(s, "HTTP/1.1 503 "));
    CHECK(has(s, "Retry-After: 1\r\n"));
    CHECK(has(s, "own words: unavailable"));
    CHECK(s.over());
    CHECK(s.counts.bodies_refused == 1);
    CHECK(s.counts.parse_errors == 0);
    s.counts.bodies_refused = 0;
    s.restart();
  };

  one.feed(head(150'000) + body(10));
  CHECK(budget.held_bytes() == 0);  // who has sent little holds little
  one.feed(body(40'000));
  CHECK(budget.held_bytes() == 2 * small);
  one.feed(body(109'990));
  REQUIRE(one.requests.size() == 1);
  CHECK(one.requests.front().body == body(150'000));
  CHECK(budget.held_bytes() == 150'000);

  two.feed(head(150'000));  // refused as soon as it is known
  refused(two);
  two.feed(head(150'000, "Expect: 100-continue\r\n"));
  CHECK_FALSE(has(two, "100 Continue"));
  refused(two);
  two.feed(chunked + "1d4c0\r\n" + body(60'000));  // one that does not say
  CHECK(two.sent.empty());
  CHECK(budget.held_bytes() == 150'000 + 2 * small);
  two.feed(body(10'000));
  refused(two);
  CHECK(budget.held_bytes() == 150'000);
  two.feed(head(100'000) + body(100'000));  // there is room for this one
  CHECK(two.requests.size() == 1);
  CHECK(budget.held_bytes() == 250'000);
  two.restart();
  two.feed(head(small) + body(small));  // and small ones need none
  CHECK(two.requests.size() == 1);
  CHECK(budget.held_bytes() == 150'000);
  two.restart();

  // It goes with the request, not with the answer or the connection: a handler may hold it longer.
  auto kept = std::move(one.requests.front());
  one.answer(text("done"));
  one.restart();
  two.feed(head(150'000));
  refused(two);
  kept = {};
  CHECK(budget.held_bytes() == 0);
  two.feed(head(150'000) + body(150'000));
  CHECK(two.requests.size() == 1);
  two.restart();
  // What breaks off, times out or turns out to be malformed gives back what it held.
  two.feed(head(150'000) + body(90'000));
  CHECK(budget.held_bytes() == 4 * small);
  two.restart();
  CHECK(budget.held_bytes() == 0);
  two.feed(head(150'000) + body(90'000));
  two.pass(two.config.body_timeout);
  CHECK(has(two, "HTTP/1.1 408"));
  CHECK(budget.held_bytes() == 0);
  two.restart();
  two.feed(chunked + "15f90\r\n" + body(90'000) + "garbage");
  CHECK(has(two, "HTTP/1.1 400"));
  CHECK(budget.held_bytes() == 0);
}

// `nacre secret request`, `answer` and what opens an answer: asked for at one terminal, given at another, taken once.

#include <atomic>
#include <future>

#include "tests/e2e/command_line_kit.hpp"

using namespace nacre::e2e;
using nacre::test::child_process;
using nacre::test::receiver;

namespace {

bool is_look(const nacre::test::received& r) { return r.line().starts_with("GET /api/v1/requests/"); }

// The first link with this path that was told; waits for it.
std::string link_told(const std::filesystem::path& errors, const std::string& path) {
  std::string link;
  REQUIRE(eventually([&] {
    auto said = read_whole(errors);
    auto at = said.find(path);
    auto end = at == said.npos ? at : said.find('\n', at);
    if (end == said.npos) return false;
    at = said.rfind("http", at);
    link = said.substr(at, end - at);
    return true;
  }));
  return link;
}

}  // namespace

TEST_CASE("a request is answered and opened at terminals, once, whoever waits", "[cli][request]") {
  shell me(url()), other;
  auto made = me.json({"secret", "request", "--ttl", "1h"});
  const auto link = made["link"].text(), own = made["pickup"].text();
  CHECK(link.starts_with(url() + "/r#1"));
  CHECK(own.starts_with(url() + "/ask#1"));
  CHECK(me.json({"secret", "receipt", own})["state"].text() == "open");
  auto early = me.run({"secret", "open", own});
  CHECK(early.code == 65);
  CHECK(has(early.errors, "nobody has answered yet"));
  const std::string text = "Grüße,\n\ttab\n";
  CHECK(other.get({"secret", "answer", link}, text) == "sent");
  auto late = other.run({"secret", "answer", link}, "too late");
  CHECK(late.code == 65);
  CHECK(has(late.errors, "answered already"));
  CHECK(has(me.get({"secret", "receipt", own}), "has been answered"));
  CHECK(me.run({"secret", "open", own}).output == text);
  auto again = me.run({"secret", "open", own});
  CHECK(again.code == 65);
  CHECK(again.output.empty());
  CHECK(me.json({"secret", "receipt", own})["state"].text() == "picked_up");
  for (const auto& said : {early, late, again}) CHECK_FALSE(has(said.errors, own.substr(own.find('#') + 1, 40)));

  // From a file, into a new one; and waited for.
  write_whole(me.home / "text", text);
  auto links = me.get({"secret", "request", "-q"});
  const auto ask = links.substr(0, links.find('\n')), mine = links.substr(links.find('\n') + 1);
  auto waiting = std::async(std::launch::async, [&] {
    return me.run({"secret", "open", "--wait", "-o", me.path("answer"), mine});
  });
  me.get({"secret", "answer", ask, me.path("text")});
  auto opened = waiting.get();
  CHECK(opened.code == 0);
  CHECK(read_whole(me.home / "answer") == text);
}

TEST_CASE("--wait prints the link, and the answer when it has come", "[cli][request]") {
  shell me(url());
  child_process waiting({nacre::test::program("nacre"), "secret", "request", "--wait"}, me.home / "errors",
                        me.options());
  std::string link;
  REQUIRE(eventually([&] {
    auto said = read_whole(me.home / "errors");
    auto at = said.find(url() + "/r#");
    auto end = at == said.npos ? at : said.find('\n', at);
    if (end == said.npos) return false;
    link = said.substr(at, end - at);
    return true;
  }));
  CHECK(shell().get({"secret", "answer", link}, "it has come") == "sent");
  CHECK(waiting.wait() == 0);
  CHECK(waiting.output() == "it has come");
}

TEST_CASE("a server that is away for a while costs who waits nothing", "[cli][request][fault]") {
  std::atomic<int> looks{0}, pickups{0};
  receiver between([&](const nacre::test::received& r, std::size_t) {
    if (is_look(r)) switch (++looks) {
        case 1:
          return std::string();
        case 2:
          return nacre::test::http_status(503);
        case 3:
          return nacre::test::http_status(429, "Retry-After: 1\r\n", "{}");
        case 4:
          return nacre::test::http_status(200, {}, "<p>back soon</p>");
      }
    if (is_pickup(r)) switch (++pickups) {
        case 1:
          return nacre::test::http_status(408);
        case 2:
          forwarded(quick().port(), r);
          return std::string();  // taken, and lost on the way
        case 3:
          return nacre::test::http_status(429);
      }
    return forwarded(quick().port(), r);
  });
  shell me(between.url(""));
  child_process waiting({nacre::test::program("nacre"), "secret", "request", "--wait", "-o", me.path("answer")},
                        me.home / "errors", me.options());
  const auto link = link_told(me.home / "errors", "/r#");
  CHECK(shell().get({"secret", "answer", url() + link.substr(link.find("/r#"))}, "in the end") == "sent");
  CHECK(waiting.wait() == 0);
  CHECK(read_whole(me.home / "answer") == "in the end");
  CHECK(looks > 4);
  CHECK(pickups == 4);
  CHECK_FALSE(has(read_whole(me.home / "errors"), "/ask#"));
  std::string key;
  for (const auto& r : between.all()) {
    if (!is_pickup(r)) continue;
    if (key.empty()) key = r.field("Idempotency-Key");
    CHECK(r.field("Idempotency-Key") == key);
  }
}

TEST_CASE("whoever gives up waiting is told the only link that opens the answer", "[cli][request][fault]") {
  std::atomic<bool> closed{false};
  receiver between([&](const nacre::test::received& r, std::size_t) {
    return closed && is_look(r) ? nacre::test::http_status(403) : forwarded(quick().port(), r);
  });
  for (bool interrupted : {true, false}) {
    INFO((interrupted ? "interrupted" : "refused"));
    shell me(between.url(""));
    child_process waiting({nacre::test::program("nacre"), "secret", "request", "--wait", "-o", me.path("answer")},
                          me.home / "errors", me.options());
    const auto before = between.count();
    const auto link = link_told(me.home / "errors", "/r#");
    REQUIRE(eventually([&] { return between.count() > before + 1; }));  // it waits
    CHECK_FALSE(has(read_whole(me.home / "errors"), "/ask#"));
    if (interrupted)
      waiting.signal(SIGINT);
    else
      closed = true;
    CHECK(waiting.wait() == (interrupted ? 69 : 77));
    CHECK_FALSE(std::filesystem::exists(me.home / "answer"));
    const auto own = link_told(me.home / "errors", "/ask#");
    shell(url()).get({"secret", "answer", url() + link.substr(link.find("/r#"))}, "still of use");
    CHECK(shell(url()).get({"secret", "open", url() + own.substr(own.find("/ask#"))}) == "still of use");
  }
}

TEST_CASE("nothing is asked for that could not be written", "[cli][request]") {
  receiver between([](const nacre::test::received& r, std::size_t) { return forwarded(quick().port(), r); });
  shell me(between.url(""));
  write_whole(me.home / "there", "before");
  auto refused = me.run({"secret", "request", "--wait", "-o", me.path("there")});
  CHECK(refused.code == 74);
  CHECK(has(refused.errors, "already a file"));
  CHECK(read_whole(me.home / "there") == "before");
  for (const auto& how : {words{"secret", "request", "--wait"}, words{"secret", "request"}}) {
    const auto closed = me.printing_to(">&-", how);
    CHECK(closed.code == 74);
    CHECK(has(closed.errors, "nothing was asked for"));
  }
  CHECK(between.count() == 0);
}

TEST_CASE("waiting goes on where a killed reader had taken the answer", "[cli][request][fault]") {
  std::atomic<pid_t> reader{0};
  std::atomic<bool> to_kill{true};
  receiver between([&](const nacre::test::received& r, std::size_t) {
    auto answer = forwarded(quick().port(), r);
    if (is_pickup(r) && to_kill.exchange(false)) {
      while (reader == 0) {
      }
      ::kill(reader, SIGKILL);
      return std::string();
    }
    return answer;
  });
  shell me(url());
  auto made = me.json({"secret", "request"});
  me.get({"secret", "answer", made["link"].text()}, "taken once");
  auto own = made["pickup"].text();
  own = between.url("") + own.substr(own.find("/ask#"));
  const auto key = me.path("retry");
  {
    child_process first({nacre::test::program("nacre").string(), "secret", "open", "--wait", "--retry-key", key, own},
                        me.home / "errors", me.options());
    reader = first.pid();
    CHECK(first.wait() == 128 + SIGKILL);
    CHECK(first.output().empty());
  }
  auto other = me.run({"secret", "open", "--wait", own});
  CHECK(other.code == 65);
  CHECK(has(other.errors, "nothing to wait for: the answer was opened"));
  CHECK(me.get({"secret", "open", "--wait", "--retry-key", key, own}) == "taken once");
  CHECK_FALSE(std::filesystem::exists(key));
}

TEST_CASE("links of requests are judged before anything is sent or opened", "[cli][request]") {
  shell me(url());
  auto made = me.json({"secret", "request"});
  const auto link = made["link"].text(), own = made["pickup"].text();
  auto code = [&](words what) { return me.run(what, "text").code; };
  auto changed = [](std::string text, std::size_t at) {
    text[at] = text[at] == 'A' ? 'B' : 'A';
    return text;
  };
  for (const auto& bad : {link.substr(0, link.size() - 1), changed(link, link.find('#') + 20), own, url() + "/s#1",
                          link.substr(0, link.find('#'))})
    CHECK(code({"secret", "answer", bad}) == 65);
  CHECK(code({"secret", "answer", link, "-"}) == 0);
  for (const auto& bad : {own.substr(0, own.size() - 1), changed(own, own.find('#') + 20), link})
    CHECK(code({"secret", "open", bad}) == 65);
  CHECK(code({"secret", "receipt", link}) == 65);
  CHECK(code({"secret", "open", "--passphrase-file", me.path("none"), own}) == 64);
  CHECK(me.get({"secret", "open", own}) == "text");

  auto unwanted = me.json({"secret", "request"});
  CHECK(code({"secret", "burn", unwanted["pickup"].text()}) == 64);  // nobody said yes
  CHECK(me.get({"secret", "burn", "--yes", unwanted["pickup"].text()}) == "withdrawn");
  CHECK(code({"secret", "answer", unwanted["link"].text()}) == 65);
  CHECK(code({"secret", "answer", me.json({"secret", "request"})["link"].text()}) == 0);
  CHECK(me.run({"secret", "answer", me.json({"secret", "request"})["link"].text()}, "").code == 65);
  CHECK(me.run({"secret", "answer", me.json({"secret", "request"})["link"].text()}, "\xff").code == 65);
}

TEST_CASE("what the server sees of a request is neither text nor key", "[cli][request]") {
  shell me;
  receiver between([](const nacre::test::received& r, std::size_t) { return forwarded(quick().port(), r); });
  me.environment["NACRE_URL"] = between.url("");
  auto made = me.json({"secret", "request"});
  auto through = [&](const std::string& link) { return between.url("") + link.substr(link.find('/', 8)); };
  me.get({"secret", "answer", through(made["link"].text())}, "a text that the server must not see");
  CHECK(me.get({"secret", "open", through(made["pickup"].text())}) == "a text that the server must not see");
  for (const auto& r : between.all()) {
    CHECK_FALSE(has(r.head + r.body, "must not see"));
    for (auto name : {"link", "pickup"}) {
      const auto& link = made[name].text();
      CHECK_FALSE(has(r.head + r.body, link.substr(link.find('#') + 1, 60)));
    }
  }
}

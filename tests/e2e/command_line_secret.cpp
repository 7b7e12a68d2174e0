// `nacre secret ...`: links that open once, whatever gets lost on the way.

#include <fcntl.h>
#include <sys/stat.h>

#include <atomic>
#include <cstdio>
#include <future>

#include "tests/e2e/command_line_kit.hpp"

using namespace nacre::e2e;
using nacre::test::child_process;
using nacre::test::receiver;

namespace {

// The part of a link that opens it.
std::string key_of(const std::string& link) { return link.substr(link.find_last_of("/#") + 1); }

nacre::test::json_tree shared(const shell& by, words more = {}, const std::string& text = "the door code is 4711") {
  words all{"secret", "share"};
  all.insert(all.end(), more.begin(), more.end());
  return by.json(all, text);
}

}  // namespace

TEST_CASE("what is shared is opened once, sealed here or by the server", "[cli][secret]") {
  shell me(url());
  for (const char* how : {"--seal", "--no-seal"}) {
    INFO(how);
    auto made = shared(me, {how, "--ttl", "1h"});
    const auto link = made["link"].text(), receipt = made["receipt"].text();
    CHECK(made["sealed"].flag() == (how == std::string("--seal")));
    CHECK(made["ttl"].number() == 3600);
    CHECK(has(link, how == std::string("--seal") ? url() + "/s#1" : url() + "/secret/"));
    CHECK(has(receipt, url() + "/receipt/"));
    CHECK(me.json({"secret", "receipt", receipt})["state"].text() == "new");
    shell reader;  // knows nothing but the link
    auto opened = reader.run({"secret", "open", link});
    CHECK(opened.code == 0);
    CHECK(opened.output == "the door code is 4711");
    CHECK(opened.errors.empty());
    auto late = reader.run({"secret", "open", link});
    CHECK(late.code == 65);
    CHECK(late.output.empty());
    CHECK(has(late.errors, "nothing to open"));
    CHECK_FALSE(has(late.errors, key_of(link)));
    auto told = me.get({"secret", "receipt", receipt});
    CHECK(has(told, "was opened"));
    auto times = me.json({"secret", "receipt", receipt});
    CHECK(times["expires"].number() == times["created"].number() + 3600);
    CHECK(times["revealed"].number() >= times["created"].number());
    CHECK(times["burned"].is_null());
    CHECK_FALSE(times["passphrase"].flag());
    CHECK_FALSE(has(told, key_of(link)));
  }
}

TEST_CASE("where times and flags are told a server's words are not", "[cli][secret]") {
  std::string said;  // for each of them; empty: what the node says
  receiver between([&](const nacre::test::received& r, std::size_t) {
    auto answer = forwarded(quick().port(), r);
    auto body = answer.substr(answer.find("\r\n\r\n") + 4);
    for (std::string name :
         {"secret_ttl", "created", "expiration", "previewed", "revealed", "burned", "has_passphrase"}) {
      name = "\"" + name + "\":";
      for (auto at = body.find(name); !said.empty() && at != body.npos; at = body.find(name, at)) {
        at += name.size();
        body.replace(at, body.find_first_of(",}", at) - at, said);
      }
    }
    return nacre::test::http_status(std::stoi(answer.substr(9)), {}, body);
  });
  shell me(between.url(""));
  // Shares at a terminal, which shows people how long it is good for.
  const auto shown = [&] {
    const int screen = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    REQUIRE((screen >= 0 && ::grantpt(screen) == 0 && ::unlockpt(screen) == 0));
    child_process sharing({nacre::test::program("nacre"), "secret", "share", "--ttl", "1h"}, ::ptsname(screen),
                          me.options("a text"));
    CHECK(sharing.wait() == 0);
    CHECK(has(sharing.output(), "/receipt/"));
    char text[1024];
    const auto size = ::read(screen, text, sizeof text);
    ::close(screen);
    return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : std::string();
  };
  CHECK(has(shown(), "Opens once, within 1 hour"));
  for (const char* word : {R"("99999999999999999999")", R"("1,\"more\":\"\u001b[2J")", R"("1 ")", R"("")", "-1",
                           "1e300", "[1]", "9223372036854775807"}) {
    INFO(word);
    said.clear();
    auto receipt = shared(me)["receipt"].text();
    receipt = between.url("") + receipt.substr(receipt.find("/receipt/"));
    said = word;
    CHECK(shared(me)["ttl"].is_null());
    CHECK_FALSE(has(shown(), "Opens once"));
    const auto told = me.json({"secret", "receipt", receipt});
    CHECK(told.keys() == keys{"state", "created", "expires", "previewed", "revealed", "burned", "passphrase"});
    for (const auto& [name, value] : told.members()) CHECK((value.is_null() || name == "state"));
    CHECK(has(me.get({"secret", "receipt", receipt}), "shared      -\n"));
  }
}

TEST_CASE("what is sealed here never reaches the server in the clear, nor does its key", "[cli][secret]") {
  shell me;
  receiver between([](const nacre::test::received& r, std::size_t) { return forwarded(quick().port(), r); });
  me.environment["NACRE_URL"] = between.url("");
  auto made = shared(me, {}, "a text that the server must not see");
  // The node names itself in links; the reader goes through the same place here.
  auto link = between.url("") + made["link"].text().substr(made["link"].text().find("/s#"));
  CHECK(me.get({"secret", "open", link}) == "a text that the server must not see");
  const auto key = key_of(link).substr(1, 43);
  for (const auto& r : between.all()) {
    CHECK_FALSE(has(r.body, "must not see"));
    CHECK_FALSE(has(r.head + r.body, key));
  }
}

TEST_CASE("a damaged link is found out before the secret is used up", "[cli][secret]") {
  shell me(url());
  const auto link = shared(me)["link"].text();
  auto changed = link;
  auto& one = changed[changed.find('#') + 9];
  one = one == 'A' ? 'B' : 'A';
  auto later = link;
  later[later.find('#') + 1] = '2';
  for (const auto& bad : {link.substr(0, link.size() - 1), link.substr(0, link.find('#') + 30), link + "x", changed,
                          later, link.substr(0, link.find('#')), url() + "/", url() + "/secret/short", std::string("x"),
                          std::string("ftp://host/secret/aaaaaaaaaaaaaaaaaaaaaaaaa")}) {
    auto refused = me.run({"secret", "open", bad});
    INFO(refused.errors);
    CHECK(refused.code == 65);
    CHECK(refused.output.empty());
    CHECK_FALSE(has(refused.errors, key_of(link).substr(1, 20)));
  }
  CHECK(me.get({"secret", "open", link}) == "the door code is 4711");
}

TEST_CASE("a text arrives byte for byte, from a file, a pipe and an editor", "[cli][secret]") {
  shell me(url());
  const std::string text = "Grüße,\n\ttab \"quotes\" \\ back\n\n\x01 end\n";
  write_whole(me.home / "text", text);
  for (const char* how : {"--seal", "--no-seal"}) {
    auto opened = me.run({"secret", "open", me.get({"secret", "share", "-q", how, me.path("text")})});
    CHECK(opened.output == text);
    CHECK(me.run({"secret", "open", me.get({"secret", "share", "-q", how, "-"}, text)}).output == text);
  }
  me.environment["EDITOR"] = "cp " + me.path("text");  // it is given the file to write
  auto typed = me.run({"secret", "open", me.get({"secret", "share", "--editor", "-q"})});
  CHECK(typed.output == text.substr(0, text.size() - 1));
  me.environment["EDITOR"] = "false";
  CHECK(me.run({"secret", "share", "--editor"}).code == 74);
  me.environment["EDITOR"] = "true";
  CHECK(me.run({"secret", "share", "--editor"}).code == 65);  // left empty

  CHECK(me.run({"secret", "share"}, "\xff\xfe").code == 65);
  CHECK(me.run({"secret", "share"}).code == 65);
  CHECK(me.run({"secret", "share", me.path("absent")}).code == 74);
  CHECK(me.run({"secret", "share"}, std::string(40'000, 'x')).code == 65);  // longer than a server takes
  auto into = me.path("out");
  CHECK(me.run({"secret", "open", "-o", into}, me.get({"secret", "share", "-q"}, text) + "\n").code == 0);
  CHECK(read_whole(into) == text);
  CHECK(mode_of(into) == "0600");
  auto kept = me.get({"secret", "share", "-q"}, text);
  CHECK(me.run({"secret", "open", "-o", into, kept}).code == 74);  // a file there is never replaced
  CHECK(me.run({"secret", "open", kept}).output == text);          // and nothing was used up
}

TEST_CASE("what ends nacre while a text is being written leaves no trace of the text", "[cli][secret]") {
  receiver between([](const nacre::test::received& r, std::size_t) { return forwarded(quick().port(), r); });
  shell me(between.url(""));
  std::filesystem::create_directory(me.home / "run");
  me.environment["XDG_RUNTIME_DIR"] = me.path("run");
  REQUIRE(::mkfifo(me.path("go").c_str(), 0600) == 0);
  const int go = ::open(me.path("go").c_str(), O_RDWR | O_CLOEXEC);
  // Writes, and waits for a line before it ends.
  const auto editor = [&](std::string_view before) {
    write_whole(me.home / "editor", "#!/bin/sh\n" + std::string(before) + "\nprintf 'half a text' > \"$1\"\n" +
                                        "echo \"$1\" > " + me.path("where") + "\nread line < " + me.path("go") + "\n");
    me.environment["EDITOR"] = "sh " + me.path("editor");
    std::filesystem::remove(me.home / "where");
  };
  const auto written = [&] {
    auto where = read_whole(me.home / "where");
    return !where.empty() && read_whole(where.substr(0, where.find('\n'))) == "half a text";
  };
  for (const char* before : {"", "trap 'exit 0' HUP TERM"}) {
    for (int by : {SIGHUP, SIGTERM}) {
      INFO(before << ", signal " << by);
      editor(before);
      child_process writing({nacre::test::program("nacre"), "secret", "share", "--editor"}, me.home / "errors",
                            me.options());
      REQUIRE(eventually(written));
      CHECK(has(read_whole(me.home / "where"), me.path("run/")));
      writing.signal(by);
      CHECK(writing.wait(std::chrono::seconds(10)) == 128 + by);  // and the editor with it
      CHECK(std::filesystem::is_empty(me.home / "run"));
    }
  }
  CHECK(between.count() == 0);

  // What it was told to ignore ends nothing.
  editor("");
  child_process writing(
      {"/bin/sh", "-c", "trap '' HUP; exec \"$0\" secret share --editor -q", nacre::test::program("nacre").string()},
      me.home / "errors", me.options());
  REQUIRE(eventually(written));
  writing.signal(SIGHUP);
  REQUIRE(::write(go, "\n", 1) == 1);
  CHECK(writing.wait() == 0);
  auto link = writing.output();
  CHECK(me.get({"secret", "open"}, link) == "half a text");
  CHECK(std::filesystem::is_empty(me.home / "run"));
  ::close(go);
}

TEST_CASE("a made-up password is shared, and printed only if asked for", "[cli][secret]") {
  shell me(url());
  auto shown = me.json({"secret", "share", "--generate", "--length", "32", "--show"});
  CHECK(shown["value"].text().size() == 32);
  CHECK(me.get({"secret", "open", shown["link"].text()}) == shown["value"].text());
  auto hidden = me.json({"secret", "share", "-g"});
  CHECK(hidden.find("value") == nullptr);
  CHECK(me.get({"secret", "open", hidden["link"].text()}).size() == 24);
  for (const auto& wrong : std::vector<words>{{"--generate", "--length", "3"},
                                              {"--length", "20"},
                                              {"--show"},
                                              {"-g", "file"},
                                              {"--ttl", "soon"},
                                              {"--ttl", "90d"},
                                              {"--seal", "--no-seal"}}) {
    words all{"secret", "share"};
    all.insert(all.end(), wrong.begin(), wrong.end());
    CHECK(me.run(all, "text").code == 64);
  }
}

TEST_CASE("a passphrase comes from a file or a descriptor, never as an argument", "[cli][secret]") {
  shell me(url());
  write_whole(me.home / "right", "open sesame\n");
  write_whole(me.home / "wrong", "close sesame\n");
  auto made = shared(me, {"--passphrase-file", me.path("right")});
  CHECK(made["passphrase"].flag());
  const auto link = made["link"].text();
  auto none = me.run({"secret", "open", link, "--passphrase-file", me.path("absent")});
  CHECK(none.code == 74);
  auto wrong = me.run({"secret", "open", link, "--passphrase-file", me.path("wrong")});
  CHECK(wrong.code == 65);
  CHECK(has(wrong.errors, "passphrase"));
  CHECK_FALSE(has(wrong.errors, "sesame"));
  CHECK(me.run({"secret", "open", link, "--passphrase", "open sesame"}).code == 64);  // no such option here
  CHECK(me.get({"secret", "open", link, "--passphrase-fd", "0"}, "open sesame\n") == "the door code is 4711");
  auto late = me.run({"secret", "burn", "--yes", made["receipt"].text()});
  CHECK(late.code == 65);
  CHECK(has(late.errors, "it was opened"));

  auto burned = shared(me, {"--passphrase-file", me.path("right")});
  CHECK(me.run({"secret", "burn", burned["receipt"].text()}).code == 64);  // nobody to ask
  CHECK(me.run({"secret", "burn", "--yes", burned["receipt"].text()}).code == 65);
  CHECK(me.run({"secret", "burn", "--yes", burned["receipt"].text(), "--passphrase-file", me.path("right")}).code == 0);
  CHECK(me.json({"secret", "receipt", burned["receipt"].text()})["state"].text() == "burned");
  // Who lost the answer asks again, and it is so.
  CHECK(me.get({"secret", "burn", "--yes", burned["receipt"].text()}) == "burned");
  CHECK(me.run({"secret", "open", burned["link"].text()}).code == 65);
  CHECK(me.run({"secret", "open", burned["receipt"].text()}).code == 65);  // a receipt opens nothing
  CHECK(me.run({"secret", "receipt", burned["link"].text()}).code == 65);
}

TEST_CASE("a server killed in the middle of opening: the value arrives", "[cli][secret][fault]") {
  for (bool before : {true, false}) {
    INFO((before ? "before it was claimed" : "after it was claimed, the answer lost"));
    installation on;
    std::atomic<int> claims{0};
    receiver between([&](const nacre::test::received& r, std::size_t) {
      if (!is_reveal(r) || ++claims > 1) return forwarded(on.port(), r);
      if (!before) forwarded(on.port(), r);
      on.node().kill();
      on.node().start();
      return std::string();
    });
    shell me(between.url(""));
    for (const char* how : {"--seal", "--no-seal"}) {
      claims = 0;
      auto link = shared(me, {how})["link"].text();
      link = between.url("") + link.substr(link.find('/', 8));
      auto opened = me.run({"secret", "open", link});
      INFO(opened.errors);
      CHECK(opened.code == 0);
      CHECK(opened.output == "the door code is 4711");
      CHECK(claims == 2);
      CHECK(me.run({"secret", "open", link}).code == 65);
    }
  }
}

TEST_CASE("a reader that is killed opens the secret again with the key it kept", "[cli][secret][fault]") {
  std::atomic<pid_t> reader{0};
  std::atomic<bool> to_kill{true};
  std::promise<std::string> seen;
  receiver between([&](const nacre::test::received& r, std::size_t) {
    auto answer = forwarded(quick().port(), r);
    if (is_reveal(r) && to_kill.exchange(false)) {
      while (reader == 0) {
      }
      seen.set_value(read_whole("/proc/" + std::to_string(reader) + "/cmdline"));
      ::kill(reader, SIGKILL);
      return std::string();
    }
    return answer;
  });
  shell me(between.url(""));
  auto link = shared(me)["link"].text();
  link = between.url("") + link.substr(link.find("/s#"));
  const auto key = me.path("retry");
  {
    child_process first({nacre::test::program("nacre").string(), "secret", "open", "--retry-key", key, link},
                        me.home / "errors", me.options());
    reader = first.pid();
    CHECK(first.wait() == 128 + SIGKILL);
    CHECK(first.output().empty());
  }
  auto told = seen.get_future();
  REQUIRE(told.wait_for(std::chrono::seconds(0)) == std::future_status::ready);
  const auto arguments = told.get();
  CHECK(has(arguments, "secret"));
  CHECK_FALSE(has(arguments, key_of(link)));  // it is gone from what `ps` shows
  CHECK(mode_of(key) == "0600");
  CHECK(me.run({"secret", "open", link}).code == 65);  // for anybody else it is gone
  CHECK(me.get({"secret", "open", "--retry-key", key, link}) == "the door code is 4711");
  CHECK_FALSE(std::filesystem::exists(key));
  CHECK(me.run({"secret", "open", "--retry-key", key, link}).code == 65);
}

TEST_CASE("a value that cannot be written is not confirmed", "[cli][secret]") {
  shell me(url());
  auto link = shared(me)["link"].text();
  auto full = child_process({"/bin/sh", "-c", "exec \"$0\" secret open --retry-key \"$2\" \"$1\" > /dev/full",
                             nacre::test::program("nacre").string(), link, me.path("retry")},
                            me.home / "errors", me.options())
                  .wait();
  CHECK(full == 74);
  CHECK(has(read_whole(me.home / "errors"), "--retry-key"));
  CHECK(me.get({"secret", "open", "--retry-key", me.path("retry"), link}) == "the door code is 4711");
}

TEST_CASE("nothing is opened that could not be written", "[cli][secret][request]") {
  shell me(url());
  auto request = me.json({"secret", "request"});
  me.get({"secret", "answer", request["link"].text()}, "the door code is 4711");
  for (const auto& link : {shared(me)["link"].text(), request["pickup"].text()}) {
    for (const char* closed : {">&-", "<&- >&-", "1< /dev/null"}) {
      INFO(closed);
      const auto errors = me.path("errors");
      std::filesystem::remove(errors);
      auto code = child_process({"/bin/sh", "-c", std::string("exec \"$0\" secret open \"$1\" ") + closed,
                                 nacre::test::program("nacre").string(), link},
                                errors, me.options())
                      .wait();
      CHECK(code == 74);
      CHECK(has(read_whole(errors), "standard output is closed; nothing was opened"));
    }
    CHECK(me.get({"secret", "open", link}) == "the door code is 4711");
  }
}

TEST_CASE("nothing is made whose only word could not be written", "[cli][secret][pat]") {
  owner_shell me;
  for (const auto& how : {words{"pat", "create", "--name", "lost"}, words{"secret", "share", "-g"}}) {
    const auto closed = me.printing_to(">&-", how);
    CHECK(closed.code == 74);
    CHECK(has(closed.errors, "standard output is closed; nothing was"));
  }
  CHECK(me.json({"pat", "list"}).size() == 0);
}

TEST_CASE("an account shares in its own name, and a link of another server gets no credential", "[cli][secret]") {
  owner_shell me;
  me.environment["NACRE_TOKEN"] = me.me.new_pat(R"("name":"cli","scopes":["write"])")["token"].text();
  auto made = shared(me, {"--ttl", "20d"});
  CHECK(made["ttl"].number() == 20 * 86'400);  // a guest's is cut to a week
  CHECK(shared(me, {"--ttl", "20d", "--guest"})["ttl"].number() == 7 * 86'400);
  receiver stranger([](const nacre::test::received&, std::size_t) { return nacre::test::http_status(404); });
  CHECK(me.run({"secret", "open", stranger.url("/secret/aaaaaaaaaaaaaaaaaaaaaaaaaaaa")}).code == 65);
  REQUIRE(stranger.count() > 0);
  for (const auto& r : stranger.all()) CHECK(r.field("Authorization").empty());
}

TEST_CASE("where guests are not let in, the account that is signed in opens", "[cli][secret]") {
  node_process::options o;
  o.arguments = {"--set", "onetime.guest=false"};
  installation on(o);
  auto owner = on.join(new_uuid(), "owner");
  shell guest(on.node().url()), me(on.node().url());
  me.environment["NACRE_TOKEN"] = owner.new_pat(R"("name":"cli","scopes":["write"])")["token"].text();
  auto refused = guest.run({"secret", "share"}, "text");
  CHECK(refused.code == 77);
  CHECK(has(refused.errors, "personal access token"));
  auto made = shared(me);
  CHECK(guest.run({"secret", "open", made["link"].text()}).code == 77);
  CHECK(me.json({"secret", "receipt", made["receipt"].text()})["state"].text() == "new");
  CHECK(me.get({"secret", "open", made["link"].text()}) == "the door code is 4711");
}

TEST_CASE("an answer that got lost comes again, also where it is asked for too often",
          "[cli][secret][request][fault]") {
  using clock = std::chrono::steady_clock;
  std::atomic<int> claims{0};
  std::atomic<bool> to_lose{false};
  clock::time_point free_again;  // the receiver's own
  receiver between([&](const nacre::test::received& r, std::size_t) {
    if (!is_reveal(r) && !is_pickup(r)) return forwarded(quick().port(), r);
    if (++claims == 1 && to_lose) {
      forwarded(quick().port(), r);
      free_again = clock::now() + std::chrono::milliseconds(1'500);
      return std::string();
    }
    return to_lose && clock::now() > free_again ? forwarded(quick().port(), r)
                                                : nacre::test::http_status(429, "Retry-After: 2\r\n", "{}");
  });
  shell me(url());
  auto request = me.json({"secret", "request"});
  me.get({"secret", "answer", request["link"].text()}, "the door code is 4711");
  for (auto link : {shared(me)["link"].text(), request["pickup"].text()}) {
    link = between.url("") + link.substr(link.find('/', 8));
    claims = 0;
    to_lose = false;
    auto refused = me.run({"secret", "open", link});  // nothing can have been claimed
    CHECK(refused.code == 69);
    CHECK(has(refused.errors, "try again in 2 s"));
    CHECK(claims == 1);
    claims = 0;
    to_lose = true;
    auto opened = me.run({"secret", "open", link});
    INFO(opened.errors);
    CHECK(opened.code == 0);
    CHECK(opened.output == "the door code is 4711");
    CHECK(claims == 3);  // no sooner than it was told to
  }
}

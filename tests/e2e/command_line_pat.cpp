// `nacre pat ...`, `run`, `workspace`, `member`, `audit`, `verify`.

#include <algorithm>
#include <atomic>
#include <csignal>

#include "tests/e2e/command_line_kit.hpp"

using namespace nacre::e2e;
using nacre::test::child_process;
using nacre::test::receiver;

TEST_CASE("a token is made, shown, revealed, rotated and revoked", "[cli][pat]") {
  owner_shell me;
  auto made = me.json({"pat", "create", "--name", "CI of web", "--scope", "read", "-s", "write", "--expires", "30d",
                       "--network", "127.0.0.0/8", "--max-uses", "100"});
  const auto id = made["id"].text(), token = made["token"].text();
  CHECK(is_token(token));
  CHECK(made["maxUses"].number() == 100);
  auto shown = me.get({"pat", "show", id});
  CHECK(has(shown, "CI of web"));
  CHECK(has(shown, "read write"));
  CHECK_FALSE(has(shown, token));
  auto listed = me.get({"pat", "list"});
  CHECK(has(listed, id));
  CHECK(listed.starts_with("ID "));
  CHECK_FALSE(has(listed, "\x1b"));
  CHECK_FALSE(has(listed, token));
  CHECK(me.json({"pat", "list"}).size() == 1);
  CHECK(me.get({"pat", "reveal", id}) == token);
  CHECK(me.json({"pat", "reveal", id})["fullToken"].text() == token);
  CHECK(me.run({"pat", "reveal", id, "-o", me.path("token")}).output.empty());
  CHECK(read_whole(me.home / "token") == token + "\n");
  CHECK(mode_of(me.home / "token") == "0600");
  CHECK(me.run({"pat", "reveal", id, "-o", me.path("token")}).code == 74);
  auto fresh = me.get({"pat", "rotate", id, "--overlap", "1h", "--until-first-use", "-q"});
  CHECK(is_token(fresh));
  CHECK(fresh != token);
  CHECK(me.run({"pat", "rotate", id, "-q", "-o", me.path("token")}).code == 74);  // and the token stays as it was
  CHECK(me.get({"pat", "reveal", id}) == fresh);
  CHECK(me.run({"pat", "revoke", id}).code == 64);
  CHECK(me.run({"pat", "revoke", id, "--yes"}).code == 0);
  auto gone = me.run({"pat", "show", id});
  CHECK(gone.code == 65);
  CHECK(has(gone.errors, "404"));
  CHECK(has(gone.errors, "request id: "));

  for (const auto& wrong : std::vector<words>{{"pat", "create"},
                                              {"pat", "create", "--name", "x", "--scope", "all"},
                                              {"pat", "create", "--name", "x", "--expires", "soon"},
                                              {"pat", "show"},
                                              {"pat", "show", "x"},
                                              {"pat", "create", "--name", "x", "--max-uses", "0"},
                                              {"pat", "list", "--nonsense"},
                                              {"pat", "reveal", id, id},
                                              {"pat", "lits"},
                                              {"pat", "rotate", id, "--overlap", "31d"}})
    CHECK(me.run(wrong).code == 64);
  CHECK(has(me.run({"pat", "lits"}).errors, "nacre pat list"));
  CHECK(me.run({"pat", "create", "--name", std::string(101, 'x')}).code == 65);
}

TEST_CASE("many tokens are listed whole, and none is a heading without rows", "[cli][pat]") {
  owner_shell me;
  CHECK(me.run({"pat", "list"}).output.empty());
  for (int i = 0; i < 103; ++i) me.me.new_pat();
  CHECK(me.json({"pat", "list"}).size() == 103);
}

TEST_CASE("what is not allowed is 77, what is not chosen 78, and neither tells the credential", "[cli]") {
  owner_shell me;
  const auto id = me.me.new_pat()["id"].text();
  me.environment["NACRE_TOKEN"] = me.me.new_pat(R"("name":"small","scopes":["read"])")["token"].text();
  CHECK(me.run({"pat", "list"}).code == 0);
  auto small = me.run({"pat", "reveal", id});
  CHECK(small.code == 77);
  CHECK(has(small.errors, "insufficient_scope"));
  me.environment["NACRE_TOKEN"] = "pat_wsabcdef_" + std::string(64, '0');
  auto unknown = me.run({"pat", "list"});
  CHECK(unknown.code == 77);
  CHECK(has(unknown.errors, "nacre login"));
  CHECK_FALSE(has(unknown.errors, "pat_ws"));
  me.environment.erase("NACRE_TOKEN");
  CHECK(me.run({"pat", "list"}).code == 78);
  me.environment.erase("NACRE_URL");
  CHECK(me.run({"pat", "list"}).code == 78);
  me.environment["NACRE_TOKEN"] = "two words of sixteen and more";
  CHECK(me.run({"pat", "list", "--url", quick().node().url()}).code == 78);
  me.environment["NACRE_TOKEN"] = me.me.credential();
  CHECK(me.run({"pat", "list", "--url", "http://127.0.0.1:1"}).code == 69);
  CHECK(me.run({"pat", "list", "--url", "http://192.0.2.1"}).code == 64);  // in clear text to another machine
  CHECK(me.run({"pat", "list", "--url", quick().node().url(), "-w", "x"}).code == 64);
  auto secret_in_the_wrong_place = me.run({"pat", "list", me.me.credential()});
  CHECK(secret_in_the_wrong_place.code == 64);
  CHECK_FALSE(has(secret_in_the_wrong_place.errors, me.me.credential()));
  CHECK_FALSE(has(me.run({"--" + me.me.credential()}).errors, me.me.credential()));
  CHECK_FALSE(has(me.run({me.me.credential()}).errors, me.me.credential()));
}

TEST_CASE("run hands the token to one command, by environment or descriptor and nowhere else", "[cli][run]") {
  owner_shell me;
  auto pat = me.me.new_pat();
  const auto id = pat["id"].text(), token = pat["token"].text();
  auto script = [&](words how, const std::string& text) {
    words all{"run", "--pat", id};
    all.insert(all.end(), how.begin(), how.end());
    for (const auto& each : {"--", "/bin/sh", "-c"}) all.emplace_back(each);
    all.push_back(text);
    return me.run(all);
  };
  CHECK(script({}, "printf %s \"$NACRE_PAT\"").output == token);
  CHECK(script({"--env", "T"}, "printf %s \"$T\"").output == token);
  CHECK(script({"--env", "T"}, "printf %s \"$NACRE_PAT$NACRE_TOKEN\"").output.empty());
  CHECK(script({"--env", "T"}, "tr '\\0' ' ' < /proc/$$/cmdline").output.find(token) == std::string::npos);
  CHECK(script({"--fd", "3"}, "cat <&3").output == token + "\n");
  CHECK(script({"--fd", "9"}, "cat <&9; cat <&9").output == token + "\n");  // read once
  CHECK_FALSE(has(script({"--fd", "3"}, "env; tr '\\0' ' ' < /proc/$$/cmdline").output, token));
  // Of ours nothing else is open in it.
  const std::string open = "for f in /proc/$$/fd/*; do n=${f##*/}; [ $n = 5 ] || echo $n; done";
  child_process plain({"/bin/sh", "-c", open}, me.home / "errors", me.options());
  plain.wait();
  CHECK(script({"--fd", "5"}, open).output == plain.output());
  CHECK(script({}, "exit 7").code == 7);
  CHECK(script({}, "kill -TERM $$").code == 128 + SIGTERM);
  CHECK(script({}, "yes | head -1").output == "y\n");  // a broken pipe is the command's to die of
  for (const auto& wrong :
       std::vector<words>{{"--fd", "2"}, {"--fd", "x"}, {"--env", "1A"}, {"--env", "A=B"}, {"--env", "A", "--fd", "3"}})
    CHECK(script(wrong, "true").code == 64);
  auto reveals = [&] {
    int n = 0;
    for (const auto& e : audit_of(me.me)) n += e["action"].text() == "pat.reveal";
    return n;
  };
  const int before = reveals();
  CHECK(me.run({"run", "--pat", id, "--", "/nowhere/x"}).code == 74);
  CHECK(reveals() == before);  // nothing was revealed for it
  CHECK(me.run({"run", "--pat", new_uuid(), "--", "true"}).code == 65);
  CHECK(me.run({"run", "--", "true"}).code == 64);
  CHECK(me.run({"run", "--pat", id}).code == 64);
}

TEST_CASE("a reveal whose answer is lost is asked for again and counted once", "[cli][pat][fault]") {
  owner_shell me;
  auto pat = me.me.new_pat();
  std::atomic<int> claims{0};
  receiver between([&](const nacre::test::received& r, std::size_t) {
    auto answer = forwarded(quick().port(), r);
    return is_reveal(r) && ++claims == 1 ? std::string() : answer;
  });
  me.environment["NACRE_URL"] = between.url("");
  CHECK(me.get({"pat", "reveal", pat["id"].text()}) == pat["token"].text());
  CHECK(claims == 2);
  int counted = 0;
  for (const auto& e : audit_of(me.me)) counted += e["action"].text() == "pat.reveal";
  CHECK(counted == 1);
}

TEST_CASE("a rotation whose answer is lost is told again, also where it is asked for too often", "[cli][pat][fault]") {
  owner_shell me;
  const auto id = me.me.new_pat()["id"].text();
  std::atomic<int> rotations{0};
  receiver between([&](const nacre::test::received& r, std::size_t) {
    if (!has(r.line(), "/rotate ")) return forwarded(quick().port(), r);
    if (++rotations == 2) return nacre::test::http_status(429, "Retry-After: 1\r\n", "{}");
    auto answer = forwarded(quick().port(), r);
    return rotations == 1 ? std::string() : answer;
  });
  me.environment["NACRE_URL"] = between.url("");
  const auto token = me.get({"pat", "rotate", id, "-q"});
  CHECK(rotations == 3);
  CHECK(me.get({"pat", "reveal", id}) == token);
}

TEST_CASE("workspaces and members are looked after", "[cli][workspace]") {
  owner_shell me;
  auto made = me.json({"workspace", "create", "Second"});
  const auto id = made["id"].text();
  CHECK(me.json({"workspace", "list"}).size() == 2);
  CHECK(has(me.get({"workspace", "list"}), "Second"));
  CHECK(me.json({"workspace", "rename", id, "Zweite Ä"})["name"].text() == "Zweite Ä");
  CHECK(has(me.get({"workspace", "show", id}), "Zweite Ä"));
  CHECK(me.json({"workspace", "show"})["id"].text() == me.me.workspace());
  me.environment.erase("NACRE_WORKSPACE");
  auto two = me.run({"member", "list"});
  CHECK(two.code == 78);
  CHECK(has(two.errors, "--workspace"));
  const auto user = new_uuid();
  CHECK(me.get({"member", "put", user, "--role", "admin", "--email", "a@example.com", "-w", id}) == user + " is admin");
  CHECK(me.json({"member", "list", "-w", id}).size() == 2);
  CHECK(has(me.get({"member", "list", "-w", id}), "a@example.com"));
  CHECK(me.run({"member", "remove", user, "-w", id}).code == 64);
  CHECK(me.run({"member", "remove", user, "-w", id, "-y"}).code == 0);
  CHECK(me.run({"member", "remove", me.me.user(), "-w", id, "-y"}).code == 65);  // the last owner
  CHECK(me.run({"workspace", "delete", id}).code == 64);
  CHECK(me.run({"workspace", "delete", id, "--yes"}).code == 0);
  CHECK(me.json({"workspace", "list"}).size() == 1);
  CHECK(me.json({"member", "list"}).size() == 1);  // the only one is chosen
  CHECK(me.run({"member", "put", "x", "--role", "admin"}).code == 64);
  CHECK(me.run({"member", "put", user, "--role", "boss"}).code == 64);
  CHECK(me.run({"workspace", "create"}).code == 64);
}

TEST_CASE("names that would steer a terminal are shown harmless", "[cli]") {
  receiver hostile([](const nacre::test::received&, std::size_t) {
    return nacre::test::http_status(
        200, {},
        "{\"data\":[{\"id\":\"i\",\"name\":\"\\u001b[2Jx\\u202ey\",\"role\":\"r\"}],\"pagination\":{\"total\":1}}");
  });
  shell me(hostile.url(""));
  me.environment["NACRE_TOKEN"] = "a-token-of-enough-characters";
  auto shown = me.get({"workspace", "list"});
  CHECK_FALSE(has(shown, "\x1b"));
  CHECK(has(shown, "?[2Jx?y"));
}

TEST_CASE("the audit log is exported whole and followed", "[cli][audit]") {
  owner_shell me;
  for (int i = 0; i < 12; ++i) me.me.new_pat();
  auto lines_of = [](const std::string& text) { return std::count(text.begin(), text.end(), '\n'); };
  auto all = me.run({"audit", "export"});
  CHECK(all.code == 0);
  CHECK(lines_of(all.output) == static_cast<long>(audit_of(me.me).size()));
  for (std::size_t at = 0, seq = 1; at < all.output.size(); ++seq) {
    auto end = all.output.find('\n', at);
    auto entry = nacre::test::parse_json_tree(all.output.substr(at, end - at));
    REQUIRE(entry);
    CHECK((*entry)["seq"].number() == static_cast<long>(seq));
    at = end + 1;
  }
  CHECK(lines_of(me.run({"audit", "export", "--after", "10"}).output) == lines_of(all.output) - 10);
  CHECK(me.run({"audit", "export", "-o", me.path("audit")}).code == 0);
  CHECK(read_whole(me.home / "audit") == all.output);
  CHECK(mode_of(me.home / "audit") == "0600");
  CHECK(lines_of(me.run({"audit", "tail", "--no-follow"}).output) == 10);
  CHECK(has(me.get({"audit", "tail", "--no-follow", "-n", "1"}), "pat.create"));
  CHECK(me.run({"audit", "tail", "-n", "1001"}).code == 64);

  child_process tail({nacre::test::program("nacre").string(), "audit", "tail", "--json", "-n", "1"}, me.home / "errors",
                     me.options());
  CHECK(tail.line("{"));
  const auto id = me.me.new_pat()["id"].text();
  me.me.del(pat_path(id));
  CHECK(tail.line("{\"action\":\"pat.revoke\""));
  tail.signal(SIGINT);
  CHECK(tail.wait() == 0);

  auto member = quick().join(me.me.workspace(), "member");
  me.environment["NACRE_TOKEN"] = member.credential();
  CHECK(me.run({"audit", "export"}).code == 77);
}

TEST_CASE("verify says by its exit code whether a token is good for what is asked", "[cli][verify]") {
  std::atomic<int> status{200};
  receiver server([&](const nacre::test::received&, std::size_t) {
    return nacre::test::http_status(status, "X-Nacre-Subject: x\r\n");
  });
  shell me(server.url(""));
  me.environment["NACRE_TOKEN"] = "another-credential-altogether";
  const std::string token = "pat_wsabcdef_" + std::string(64, 'a');
  auto verify = [&](words more) {
    words all{"verify"};
    all.insert(all.end(), more.begin(), more.end());
    return me.run(all, token + "\n");
  };
  CHECK(verify({}).output == "good\n");
  CHECK(server.all().back().line() == "GET /api/v1/verify HTTP/1.1");
  CHECK(server.all().back().field("Authorization") == "Bearer " + token);
  CHECK(verify({"--scope", "write", "-s", "read", "--project", "a b&c", "-q"}).code == 0);
  CHECK(has(server.all().back().line(), "/api/v1/verify?scope=write,read&project=a%20b%26c "));
  status = 401;
  CHECK(verify({}).code == 77);
  CHECK(verify({"-q"}).output.empty());
  status = 403;
  CHECK(verify({"--json"}).output == "{\"valid\":false,\"status\":403}\n");
  status = 503;
  CHECK(verify({}).code == 69);
  CHECK(me.run({"verify"}, "short").code == 65);
  CHECK(me.run({"verify", token}).code == 64);  // not as an argument
}

TEST_CASE("a node verifies what it issued", "[cli][verify]") {
  owner_shell me;
  auto pat = me.me.new_pat(R"("name":"v","scopes":["write"])");
  const auto token = pat["token"].text() + "\n";
  CHECK(me.run({"verify"}, token).code == 0);
  CHECK(me.run({"verify", "-s", "read", "-s", "write", "-w", me.me.workspace()}, token).code == 0);
  CHECK(me.run({"verify", "-s", "admin"}, token).code == 77);
  CHECK(me.run({"verify", "-w", new_uuid()}, token).code == 77);
  CHECK(me.run({"verify", "-s", "nonsense"}, token).code == 65);
  CHECK(me.run({"pat", "revoke", "-y", pat["id"].text()}).code == 0);
  CHECK(me.run({"verify"}, token).output == "not good\n");
}

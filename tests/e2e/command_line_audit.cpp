// `nacre audit head` and `audit verify`: what a kept head proves of an export, without a server.

#include "tests/e2e/command_line_kit.hpp"

using namespace nacre::e2e;

namespace {

// A workspace with some entries, two heads of it and an export. Nothing here asks the server again.
struct kept_log : owner_shell {
  kept_log() {
    CHECK(me.post(pat_path(new_uuid(), "reveal")).status == 404);
    for (int i = 0; i < 3; ++i) me.new_pat();
    old_head = keep("old.json");
    for (int i = 0; i < 6; ++i) me.new_pat();
    head = keep("head.json");
    log = get({"audit", "export"}) + "\n";
    for (std::size_t at = 0; at < log.size(); at = log.find('\n', at) + 1)
      lines.push_back(log.substr(at, log.find('\n', at) + 1 - at));
    REQUIRE(lines.size() > 10);
    environment["NACRE_URL"] = "http://127.0.0.1:9";
  }
  nacre::test::json_tree keep(std::string_view name) {
    const auto text = get({"audit", "head"});
    CHECK(text.find('\n') == std::string::npos);
    write_whole(home / name, text + "\n");
    return nacre::test::parse_json_tree(text).value();
  }
  finished verify(const std::string& text, words more = {}) {
    words all{"audit", "verify", "-", "--to", path("head.json")};
    all.insert(all.end(), more.begin(), more.end());
    return run(all, text);
  }
  std::string all_but(std::size_t begin, std::size_t end) const {
    std::string out;
    for (std::size_t i = 0; i < lines.size(); ++i)
      if (i < begin || i >= end) out += lines[i];
    return out;
  }
  // A copy of the head with other text in it.
  std::string changed_head(std::string_view was, std::string_view is) {
    auto text = read_whole(home / "head.json");
    const auto at = text.find(was);
    REQUIRE(at != std::string::npos);
    write_whole(home / "changed.json", text.replace(at, was.size(), is));
    return path("changed.json");
  }
  std::size_t old_size() const { return static_cast<std::size_t>(old_head["size"].number()); }

  nacre::test::json_tree old_head, head;
  std::string log;
  std::vector<std::string> lines;
};

// Refused as data, in one line that says why.
void check_refused(const finished& f, std::string_view why) {
  INFO(f.errors);
  CHECK(f.code == 65);
  CHECK(f.output.empty());
  CHECK(has(f.errors, why));
}

std::string other_digit(std::string hex) {
  hex[0] = hex[0] == '0' ? '1' : '0';
  return hex;
}

}  // namespace

TEST_CASE("an export is good against a kept head, without the server", "[cli][audit]") {
  kept_log kept;
  const auto size = std::to_string(kept.lines.size()), key = kept.head["key"].text();
  auto good = kept.verify(kept.log);
  INFO(good.errors);
  CHECK(good.code == 0);
  CHECK(has(good.output, "good: entries 1 to " + size + " of workspace " + kept.me.workspace()));
  CHECK(has(good.output, "signed by " + key + ", which --key"));
  CHECK(kept.verify(kept.log, {"--key", key}).output.ends_with("signed by " + key + "\n"));
  // As another program may have kept them: with other ends of lines, and the head as the server answered it.
  std::string other;
  for (char c : kept.log) other += c == '\n' ? "\r\n" : std::string(1, c);
  CHECK(kept.verify(other).code == 0);
  write_whole(kept.path("answer.json"), "{\"data\":" + read_whole(kept.path("head.json")) + "}");
  write_whole(kept.path("log"), kept.log);
  CHECK(kept.run({"audit", "verify", kept.path("log"), "--to", kept.path("answer.json")}).code == 0);

  // In pieces, and with a later end than the head.
  const auto half = kept.lines.size() / 2;
  write_whole(kept.home / "one", kept.all_but(half, kept.lines.size()));
  write_whole(kept.home / "two", kept.all_but(0, half));
  CHECK(kept.run({"audit", "verify", kept.path("one"), kept.path("two"), "--to", kept.path("head.json")}).code == 0);
  const auto more = kept.run({"audit", "verify", kept.path("one"), kept.path("two"), "--to", kept.path("old.json")});
  CHECK(more.code == 0);
  CHECK(has(more.output, "not covered: entries " + std::to_string(kept.old_size() + 1) + " to " + size));
}

TEST_CASE("an entry is exported byte for byte as it was hashed", "[cli][audit]") {
  const std::string entry = R"({"actor":{"sub":"zo\"e\\/\b\f\n\r\t\u0000\u001f)"
                            "\x7f\xc3\xbc\xe2\x80\xa8"
                            R"("},"count":4294967295,"seq":1})";
  nacre::test::receiver server([&](const nacre::test::received&, std::size_t) {
    return nacre::test::http_status(200, {}, "{\"data\":[" + entry + "],\"pagination\":{\"total\":1}}");
  });
  shell me(server.url(""));
  me.environment["NACRE_TOKEN"] = "a-token-of-enough-characters";
  me.environment["NACRE_WORKSPACE"] = new_uuid();
  CHECK(me.get({"audit", "export"}) == entry);
}

TEST_CASE("what begins behind an older head is good with that head", "[cli][audit]") {
  kept_log kept;
  const auto later = kept.all_but(0, kept.old_size());
  const words from{"--from", kept.path("old.json")};
  auto good = kept.verify(later, from);
  INFO(good.errors);
  CHECK(good.code == 0);
  CHECK(has(good.output, "good: entries " + std::to_string(kept.old_size() + 1) + " to "));
  check_refused(kept.verify(later), "--from");
  check_refused(kept.verify(kept.log, from), "entry 1 where");
  CHECK(kept.run({"audit", "verify", "-", "--to", kept.path("old.json"), "--from", kept.path("head.json")}).code == 64);
  const auto nothing =
      kept.run({"audit", "verify", "-", "--to", kept.path("old.json"), "--from", kept.path("old.json")});
  CHECK(has(nothing.output, "good: no entries"));
}

TEST_CASE("one changed byte of an export is told", "[cli][audit]") {
  kept_log kept;
  for (std::string_view before :
       {"{\"action\":\"", "\"count\":", "\"outcome\":\"", "\"reason\":\"n", "\"time\":\"202"}) {
    INFO(before);
    auto changed = kept.log;
    const auto at = changed.find(before);
    REQUIRE(at != std::string::npos);
    changed[at + before.size()] ^= 1;
    check_refused(kept.verify(changed), "one entry or more were changed");
  }
}

TEST_CASE("dropped, doubled and swapped entries are told by their line", "[cli][audit]") {
  kept_log kept;
  check_refused(kept.verify(kept.all_but(4, 5)), "line 5: entry 6 where 5 must be");
  check_refused(kept.verify(kept.all_but(0, 1)), "line 1: entry 2 where 1 must be");
  check_refused(kept.verify(kept.all_but(kept.lines.size() - 1, kept.lines.size())), "and the head is of");
  check_refused(kept.verify(kept.lines[0] + kept.log), "line 2: entry 1 where 2 must be");
  std::swap(kept.lines[2], kept.lines[3]);
  check_refused(kept.verify(kept.all_but(0, 0)), "line 3: entry 4 where 3 must be");
  check_refused(kept.verify("{}\n"), "line 1: this is no audit entry");
  check_refused(kept.verify("\n"), "line 1: this is no audit entry");
  write_whole(kept.home / "long", std::string(1 << 20, 'x'));
  check_refused(kept.run({"audit", "verify", kept.path("long"), "--to", kept.path("head.json")}),
                "longer than any entry");
  check_refused(kept.verify(""), "the last entry is 0");
}

TEST_CASE("a changed head, and one of another key, are told", "[cli][audit]") {
  kept_log kept;
  auto against = [&](const std::string& head, words more = {}) {
    words all{"audit", "verify", "-", "--to", head};
    all.insert(all.end(), more.begin(), more.end());
    return kept.run(all, kept.log);
  };
  for (const char* member : {"root", "signature", "key"}) {
    const auto was = kept.head[member].text();
    check_refused(against(kept.changed_head(was, other_digit(was))), "changed");
  }
  const auto edge = kept.head["edge"][0].text();
  check_refused(against(kept.changed_head('"' + edge + '"', '"' + other_digit(edge) + '"')), "changed");
  check_refused(against(kept.changed_head("\"time\":\"2", "\"time\":\"3")), "its signature does not hold");
  check_refused(against(kept.changed_head(kept.me.workspace(), new_uuid())), "its signature does not hold");
  check_refused(against(kept.changed_head("\"size\":", "\"size\":1")), "is no head");
  check_refused(against(kept.changed_head("{", "")), "is no head");
  check_refused(against(kept.path("old.json"), {"--key", other_digit(kept.head["key"].text())}),
                "signed by another key");
  CHECK(against(kept.path("head.json"), {"--key", "ab"}).code == 64);
  CHECK(against(kept.path("absent")).code == 74);
  CHECK(kept.run({"audit", "verify", kept.path("absent"), "--to", kept.path("head.json")}).code == 74);
  CHECK(kept.run({"audit", "verify", kept.home.path().string(), "--to", kept.path("head.json")}).code == 74);
  CHECK(kept.run({"audit", "verify", "-"}, kept.log).code == 64);

  // Of another workspace, and of another installation.
  owner_shell other;
  write_whole(other.home / "head.json", other.get({"audit", "head"}));
  check_refused(kept.verify(kept.log, {"--from", other.path("head.json")}), "of different workspaces");
  installation elsewhere;
  shell stranger(elsewhere.node().url());
  stranger.environment["NACRE_TOKEN"] = elsewhere.join(kept.me.workspace(), "owner").credential();
  stranger.environment["NACRE_WORKSPACE"] = kept.me.workspace();
  write_whole(stranger.home / "head.json", stranger.get({"audit", "head"}));
  check_refused(kept.verify(kept.log, {"--from", stranger.path("head.json")}), "signed by another key");
}

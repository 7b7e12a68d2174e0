// Help, manual page and completions: made from, or held to, the one table of commands.

#include <sstream>

#include "tests/e2e/command_line_kit.hpp"

using namespace nacre::e2e;
using nacre::test::child_process;

namespace {

std::string source(const std::string& file) { return read_whole(std::string(NACRE_SOURCE_DIR) + "/" + file); }

// "secret share", ...: as the help of the whole program lists them.
std::vector<words> commands() {
  std::vector<words> out;
  std::istringstream lines(shell().get({"--help"}));
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("  ") || line[2] == ' ') continue;
    std::istringstream in(line.substr(2, line.find("  ", 2) - 2));
    auto& each = out.emplace_back();
    for (std::string word; in >> word;) each.push_back(word);
  }
  return out;
}

finished sh(const std::string& program, const words& arguments, const shell& by, const std::string& input = {}) {
  words all{"/usr/bin/env", program};
  all.insert(all.end(), arguments.begin(), arguments.end());
  child_process child(all, by.home / "errors", by.options(input));
  const auto code = child.wait();
  return {code.value_or(-1), child.output(), read_whole(by.home / "errors")};
}

}  // namespace

TEST_CASE("every command says what it does, what it takes and what an example is", "[cli][texts]") {
  shell me;
  auto all = commands();
  CHECK(all.size() >= 30);
  for (auto each : all) {
    INFO(each.front() << " " << each.back());
    auto name = each.front();
    if (each.size() > 1) name += " " + each.back();
    each.emplace_back("--help");
    auto help = me.run(each);
    CHECK(help.code == 0);
    CHECK(help.errors.empty());
    CHECK(help.output.starts_with("nacre " + name + ": "));
    CHECK(has(help.output, "Use: nacre " + name));
    std::istringstream lines(help.output);
    for (std::string line; std::getline(lines, line);)
      if (!line.starts_with("  #") && !line.starts_with("  nacre")) CHECK(line.size() <= 120);
    each.back() = "--nonsense";
    CHECK(me.run(each).code == 64);
  }
  for (const char* group :
       {"secret", "pat", "workspace", "member", "audit", "profile", "token", "import", "ca", "cluster"}) {
    CHECK(has(me.get({group, "--help"}), "nacre " + std::string(group) + " "));
    CHECK(me.run({group}).code == 64);
    CHECK(me.run({group, "nonsense"}).code == 64);
  }
  CHECK(has(me.run({"secrte"}).errors, "nacre secret"));
  CHECK(me.run({"secret", "share", "--ttl"}).code == 64);
  CHECK(me.run({"secret", "share", "--guest=x"}).code == 64);
  CHECK(me.run({"secret", "share", "--ttl", "1h", "--ttl", "1h"}).code == 64);
  CHECK(me.run({"completion", "tcsh"}).code == 64);
}

TEST_CASE("no command takes a secret as the value of an option", "[cli][texts]") {
  shell me;
  for (auto each : commands()) {
    each.emplace_back("--help");
    const auto help = me.get(each);
    for (const char* option : {"--token ", "--password ", "--secret ", "--value ", "--passphrase P"})
      CHECK_FALSE(has(help, option));
  }
}

TEST_CASE("the manual page is the one this program prints", "[cli][texts]") {
  shell me;
  const auto page = me.run({"man"}).output;
  CHECK(page == source("deploy/man/nacre.1"));  // else: build/release/bin/nacre man > deploy/man/nacre.1
  for (auto each : commands()) {
    auto name = "nacre " + each.front();
    if (each.size() > 1) name += " " + each.back();
    CHECK(has(page, ".SS " + name));
  }
}

TEST_CASE("completions are read by their shells and know every command", "[cli][texts]") {
  shell me;
  const auto bash = me.get({"completion", "bash"});
  write_whole(me.home / "bash", bash);
  CHECK(sh("bash", {"-n", me.path("bash")}, me).code == 0);
  const auto complete = [&](const std::string& line, const std::string& last) {
    std::string script = "source '" + me.path("bash") + "'; COMP_WORDS=(" + line + " '" + last +
                         "'); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _nacre; printf '%s ' \"${COMPREPLY[@]}\"";
    return sh("bash", {"-c", script}, me).output;
  };
  CHECK(complete("nacre", "sec") == "secret ");
  CHECK(complete("nacre secret", "o") == "open ");
  CHECK(complete("nacre pat create", "--sc") == "--scope ");
  CHECK(complete("nacre member put x --role", "o") == "owner ");
  CHECK(complete("nacre whoami", "--prof") == "--profile ");
  const auto zsh = me.get({"completion", "zsh"}), fish = me.get({"completion", "fish"});
  CHECK(zsh.starts_with("#compdef nacre\n"));
  for (auto each : commands())
    for (const auto& text : {bash, zsh, fish}) CHECK(has(text, each.back()));
  for (const char* other : {"zsh", "fish"}) {  // where they are installed
    write_whole(me.home / other, other == std::string("zsh") ? zsh : fish);
    auto checked = sh(other, {"-n", me.path(other)}, me);
    CHECK((checked.code == 0 || checked.code == 127));
  }
}

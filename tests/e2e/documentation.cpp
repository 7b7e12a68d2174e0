// The documents' commands, run as they stand there.
//
// In docs/, what is marked as `sh` is run by bash, all of one document in order, in an empty directory, until one
// line fails. It finds nacre and nacred in PATH, a running node behind $URL with its directory $DATA, and in jwt.txt
// an owner's token. What is not to be run is marked as something else; nothing is unmarked.

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <sstream>

#include "tests/e2e/command_line_kit.hpp"

using namespace nacre::e2e;
using nacre::test::child_process;

namespace {

namespace fs = std::filesystem;

struct document {
  std::string name;
  std::string script;
  std::size_t commands = 0;        // lines of it
  std::vector<std::string> wrong;  // where it is marked up otherwise than this file says
};

document read(const fs::path& file) {
  constexpr std::array shown{"text", "json", "yaml", "nginx", "toml", "http"};
  document out{file.filename().string(), {}, 0, {}};
  std::istringstream lines(read_whole(file));
  std::string marked, before;
  bool inside = false;
  for (std::string line; std::getline(lines, line); before = line) {
    if (line.starts_with("```")) {
      inside = !inside;
      if (inside) marked = line.substr(3);
      if (inside && marked != "sh" && std::find(shown.begin(), shown.end(), marked) == shown.end())
        out.wrong.push_back(line);
    } else if (inside && marked == "sh") {
      out.script += line + "\n";
      if (!line.empty()) ++out.commands;
    } else if (!inside && before.empty() && line.starts_with("    ")) {
      out.wrong.push_back(line);
    }
  }
  return out;
}

std::vector<document> all_documents() {
  std::vector<document> out;
  for (const auto& each : fs::directory_iterator(fs::path(NACRE_SOURCE_DIR) / "docs"))
    if (each.path().extension() == ".md") out.push_back(read(each.path()));
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return out;
}

}  // namespace

TEST_CASE("every command of the documents works as it stands there", "[docs]") {
  for (const auto& each : all_documents()) {
    DYNAMIC_SECTION("docs/" << each.name) {
      CHECK(each.wrong == std::vector<std::string>{});
      owner_shell me;
      for (const char* name : {"NACRE_TOKEN", "NACRE_WORKSPACE", "NACRE_URL"}) me.environment.erase(name);
      write_whole(me.home / "jwt.txt", me.me.credential());
      const auto programs = fs::path(nacre::test::program("nacre")).parent_path().string();
      const auto script = "set -euo pipefail\ncd '" + me.home.path().string() + "'\nPATH='" + programs +
                          "':$PATH\nURL=" + quick().node().url() + "\nNACRE_URL=$URL\nDATA='" +
                          quick().node().data().string() + "'\n" + each.script;
      child_process child({"/usr/bin/env", "bash", "-c", script}, me.home / "errors", me.options());
      const auto code = child.wait(std::chrono::minutes(4));  // some start dozens of nodes, under sanitizers too
      INFO(child.output());
      INFO(read_whole(me.home / "errors"));
      CHECK(code.value_or(-1) == 0);
    }
  }
}

TEST_CASE("the token that docs/mcp.md puts into a file is nobody else's to read, and no file is written without one",
          "[docs]") {
  const auto script = read(fs::path(NACRE_SOURCE_DIR) / "docs" / "mcp.md").script;
  const auto from = script.rfind("\n(") + 1;
  REQUIRE(from != 0);
  const auto commands = script.substr(from, script.find("\n)\n", from) + 3 - from);
  REQUIRE(has(commands, "nacre pat reveal $ID"));
  owner_shell me;
  const auto programs = fs::path(nacre::test::program("nacre")).parent_path().string();
  const auto file = me.home / "mcp-http.json";
  auto pat = me.me.new_pat();
  auto run = [&](const std::string& id) {
    const auto before = "cd '" + me.home.path().string() + "'\nPATH='" + programs + "':$PATH\nID=" + id + "\n";
    return child_process({"/usr/bin/env", "bash", "-c", before + commands}, me.home / "errors", me.options())
        .wait()
        .value_or(-1);
  };
  for (int already = 0; already < 2; ++already) {
    write_whole(file, "before");
    fs::permissions(file, fs::perms(0644));
    CHECK(run(new_uuid()) != 0);
    CHECK(read_whole(file) == "before");
    CHECK(run(pat["id"].text()) == 0);
    CHECK(mode_of(file) == "0600");
    CHECK(has(read_whole(file), "\"Bearer " + pat["token"].text() + "\""));
  }
  fs::remove(file);
  CHECK(run(new_uuid()) != 0);
  CHECK_FALSE(fs::exists(file));
}

TEST_CASE("the documents show what to type", "[docs]") {
  std::size_t commands = 0;
  for (const auto& each : all_documents()) commands += each.commands;
  CHECK(commands >= 80);
}

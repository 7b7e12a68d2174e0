#pragma once
// A person at a shell: `nacre` with a home of its own, against a node that is running.

#include <catch2/catch.hpp>
#include <map>
#include <string>
#include <vector>

#include "tests/e2e/kit.hpp"
#include "tests/support/receiver.hpp"

namespace nacre::e2e {

using test::child_options;
using test::finished;
using test::read_whole;
using test::write_whole;

using words = std::vector<std::string>;

inline bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

class shell {
 public:
  explicit shell(std::string url = {}) {
    environment["XDG_CONFIG_HOME"] = (home / "config").string();
    environment["TMPDIR"] = home.path().string();
    if (!url.empty()) environment["NACRE_URL"] = std::move(url);
  }

  child_options options(const std::string& input = {}) const {
    child_options o;
    o.environment = environment;
    o.input = input;
    return o;
  }
  finished run(const words& arguments, const std::string& input = {}) const {
    return test::run("nacre", arguments, options(input));
  }
  // With standard output closed (">&-") or full ("> /dev/full").
  finished printing_to(std::string_view where, const words& arguments, const std::string& program = "nacre") const {
    words all{"/bin/sh", "-c", "exec \"$@\" " + std::string(where), "sh", test::program(program).string()};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const auto errors = path("errors");
    std::filesystem::remove(errors);
    const auto code = test::child_process(all, errors, options()).wait().value_or(-1);
    return {code, {}, test::read_whole(errors)};
  }
  // What must succeed, its output without the last line feed.
  std::string get(const words& arguments, const std::string& input = {}) const {
    auto done = run(arguments, input);
    INFO(done.errors);
    REQUIRE(done.code == 0);
    if (done.output.ends_with('\n')) done.output.pop_back();
    return done.output;
  }
  test::json_tree json(words arguments, const std::string& input = {}) const {
    arguments.emplace_back("--json");
    auto text = get(arguments, input);
    auto tree = test::parse_json_tree(text);
    INFO(text);
    REQUIRE(tree);
    return *tree;
  }
  std::string path(std::string_view name) const { return (home / name).string(); }

  test::temporary_directory home;
  std::map<std::string, std::string> environment;
};

// One node without rate limits for all of a program's tests.
inline installation& quick() {
  static installation one([] {
    node_process::options o;
    o.arguments = {"--set", "limits.enabled=false", "--set", "webhooks.enabled=false"};
    return o;
  }());
  return one;
}
inline std::string url() { return quick().node().url(); }

// Someone signed in by a JWT, owner of a fresh workspace.
struct owner_shell : shell {
  owner_shell() : shell(quick().node().url()), me(quick().join(new_uuid(), "owner", "Pearl")) {
    environment["NACRE_TOKEN"] = me.credential();
    environment["NACRE_WORKSPACE"] = me.workspace();
  }
  person me;
};

// A request on its way to a node, and its answer; empty if the node gave none.
inline std::string forwarded(std::uint16_t port, const test::received& r) {
  const auto line = r.line();
  const auto space = line.find(' ');
  header_list headers;
  for (const char* name :
       {"Authorization", "Content-Type", "Idempotency-Key", "Pickup-Key", "X-Workspace-Id", "Sec-Purpose"})
    if (auto value = r.field(name); !value.empty()) headers.emplace_back(name, value);
  http_client to(port);
  auto a = to.send(line.substr(0, space), line.substr(space + 1, line.rfind(' ') - space - 1), headers, r.body);
  return a.status == 0 ? std::string()
                       : test::http_status(a.status, "X-Request-Id: " + a.header("X-Request-Id") + "\r\n", a.body);
}

inline bool is_pickup(const test::received& r) { return r.line().starts_with("POST ") && has(r.line(), "/pickup "); }
inline bool is_reveal(const test::received& r) { return r.line().starts_with("POST ") && has(r.line(), "/reveal"); }

inline std::string mode_of(const std::filesystem::path& path) {
  char text[8];
  std::snprintf(text, sizeof text, "%04o", static_cast<unsigned>(std::filesystem::status(path).permissions()) & 07777u);
  return text;
}

}  // namespace nacre::e2e

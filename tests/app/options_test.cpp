#include "app/options.hpp"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace nacre::app;
using Catch::Contains;

namespace {

struct scratch_file {
  explicit scratch_file(std::string_view text) {
    char name[] = "/tmp/nacre-options-XXXXXX";
    int fd = mkstemp(name);
    REQUIRE(fd >= 0);
    close(fd);
    path = name;
    std::ofstream(path) << text;
  }
  ~scratch_file() { std::filesystem::remove(path); }
  std::string path;
};

finished end_of(std::vector<std::string> arguments) {
  auto out = read_command_line(arguments, {});
  REQUIRE(std::holds_alternative<finished>(out));
  return std::get<finished>(out);
}

}  // namespace

TEST_CASE("what nobody knows on the command line ends with 64 and is not repeated", "[app][options]") {
  for (std::vector<std::string> bad : {std::vector<std::string>{"--prot", "secret"},
                                       {"secret"},
                                       {"--dev=secret"},
                                       {"--http"},
                                       {"--config", "a", "--config", "b"},
                                       {"--config", "a", "--check-config", "b"}}) {
    auto end = end_of(bad);
    CHECK(end.code == exit_usage);
    CHECK_THAT(end.errors, Contains("--help") && !Contains("secret"));
  }
}

TEST_CASE("a configuration that cannot be used ends with 78", "[app][options]") {
  CHECK(end_of({"--config", "/nonexistent/nacred.toml"}).code == exit_config);
  CHECK(end_of({"--dev", "--http", "0.0.0.0:80"}).code == exit_config);
  CHECK(end_of({"--dev", "--set", "no.such=1"}).code == exit_config);
  CHECK(end_of({}).code == exit_config);  // no root key
  auto out = read_command_line({"--dev"}, {{"NACRE_HTTP__PROT", "1"}});
  CHECK(std::get<finished>(out).code == exit_config);
}

TEST_CASE("--check-config says valid or why not, and starts nothing", "[app][options]") {
  scratch_file good("[keys]\nroot = \"credential:r\"\n"), bad("[keys]\nrot = \"credential:r\"\n");
  auto valid = end_of({"--check-config", good.path});
  CHECK(valid.code == 0);
  CHECK_THAT(valid.output, Contains("valid"));
  auto invalid = end_of({"--check-config", bad.path});
  CHECK(invalid.code == exit_config);
  CHECK_THAT(invalid.errors, Contains(bad.path) && Contains("keys.rot") && Contains("keys.root"));
}

TEST_CASE("--check-config tries the issuers' key sets", "[app][options]") {
  scratch_file keys("{\"keys\": []}");
  auto with = [](const std::string& jwks) {
    return "[keys]\nroot = \"credential:r\"\n[[auth.issuers]]\nissuer = \"https://id\"\naudience = \"a\"\njwks_file = "
           "\"" +
           jwks + "\"\n";
  };
  scratch_file missing(with("/nonexistent/jwks.json")), empty(with(keys.path));
  for (const auto* file : {&missing, &empty}) {
    auto end = end_of({"--check-config", file->path});
    CHECK(end.code == exit_config);
    CHECK(end.output.empty());
    CHECK_THAT(end.errors, Contains(file->path) && Contains("https://id") && Contains("key set"));
  }
  std::ofstream(keys.path) << R"({"keys": [{"kty": "oct", "kid": "k", "k": ")" << std::string(43, 'A') << "\"}]}";
  CHECK(end_of({"--check-config", empty.path}).code == 0);
}

TEST_CASE("--join refuses what is no token, and a node that is one of a cluster already", "[app][options]") {
  scratch_file file("[keys]\nroot = \"file:/nonexistent\"\n");
  auto end = end_of({"--config", file.path, "--join", "nacre-join-2.AAAA"});
  CHECK(end.code == exit_config);
  CHECK(end.errors.starts_with("nacred: --join: "));
  CHECK(end_of({"--check-config", file.path, "--join", "x"}).code == exit_usage);
}

TEST_CASE("help, every key's help and the version are printed on standard output", "[app][options]") {
  CHECK_THAT(end_of({"--help"}).output, Contains("--check-config"));
  CHECK(end_of({"--help-config"}).output == example_config());
  CHECK_THAT(end_of({"--version"}).output, Contains(std::string(program_version())));
}

TEST_CASE("flags may be written with a space or an equals sign", "[app][options]") {
  scratch_file file("[http]\nport = 5\n");
  for (std::vector<std::string> arguments :
       {std::vector<std::string>{"--dev", "--data-dir", "d", "--http", "127.0.0.1:9", "--set", "reveal.per_pat=3",
                                 "--ephemeral", "--config", file.path},
        {"--dev", "--data-dir=d", "--http=127.0.0.1:9", "--set=reveal.per_pat=3", "--ephemeral",
         "--config=" + file.path}}) {
    auto out = read_command_line(arguments, {});
    REQUIRE(std::holds_alternative<config>(out));
    const auto& c = std::get<config>(out);
    CHECK(c.dev);
    CHECK(c.data.dir == "d");
    CHECK(c.data.ephemeral);
    CHECK(c.http.port == 9);
    CHECK(c.reveal.per_pat == 3);
  }
}

TEST_CASE("only variables of ours are read from the environment", "[app][options]") {
  ::setenv("NACRE_HTTP__PORT", "1", 1);
  ::setenv("NACRE_TOKEN", "secret", 1);
  ::setenv("NACRE_ROOT_KEY", "secret", 1);
  auto ours = process_environment();
  for (const char* name : {"NACRE_HTTP__PORT", "NACRE_TOKEN", "NACRE_ROOT_KEY"}) ::unsetenv(name);
  for (const auto& [name, value] : ours) CHECK_THAT(name, Catch::StartsWith("NACRE_"));
  CHECK(ours["NACRE_HTTP__PORT"] == "1");
  for (const char* name : {"NACRE_TOKEN", "NACRE_ROOT_KEY"}) {  // known to be there, no copy of what they hold
    CHECK(ours.contains(name));
    CHECK(ours[name].empty());
  }
}

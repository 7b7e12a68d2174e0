#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>
#include <thread>

#include "crypto/jwt.hpp"
#include "support.hpp"

using namespace nacre;
using namespace nacre::crypto;
using namespace nacre::crypto::test;

namespace {

constexpr timestamp now{1'800'000'000'123};

std::string read(const std::filesystem::path& path) {
  std::ostringstream out;
  out << std::ifstream{path, std::ios::binary}.rdbuf();
  return out.str();
}

unsigned mode(const std::filesystem::path& path) {
  struct stat s {};
  REQUIRE(::stat(path.c_str(), &s) == 0);
  return s.st_mode & 07777U;
}

std::unique_ptr<authenticator> trusting(const temporary_directory& directory) {
  issuer_config dev;
  dev.issuer = dev_issuer_name;
  dev.audience = dev_audience;
  dev.jwks_file = directory / "dev-issuer.jwks.json";
  dev.trust_roles = true;
  dev.subject_is_user_id = true;
  auto made = make_authenticator({dev});
  REQUIRE(made);
  return std::move(*made);
}

}  // namespace

TEST_CASE("the development issuer keeps its key to its owner and publishes the public half", "[crypto][dev-issuer]") {
  temporary_directory directory;
  REQUIRE(ensure_dev_issuer(directory.path()));
  CHECK(mode(directory / "dev-issuer.jwk") == 0600);
  const std::string key = read(directory / "dev-issuer.jwk");
  const std::string set = read(directory / "dev-issuer.jwks.json");
  CHECK(key.find("\"d\"") != std::string::npos);
  CHECK(set.find("\"d\"") == std::string::npos);
  CHECK((*parse_jwks(set, false))->size() == 1);
  CHECK((*parse_jwks("{\"keys\":[" + key + "]}", true))->size() == 0);

  SECTION("a second call changes nothing") {
    REQUIRE(ensure_dev_issuer(directory.path()));
    CHECK(read(directory / "dev-issuer.jwk") == key);
    CHECK(read(directory / "dev-issuer.jwks.json") == set);
  }
  SECTION("a lost or foreign public half is written again") {
    std::filesystem::remove(directory / "dev-issuer.jwks.json");
    REQUIRE(ensure_dev_issuer(directory.path()));
    CHECK(read(directory / "dev-issuer.jwks.json") == set);
    std::ofstream{directory / "dev-issuer.jwks.json"} << R"({"keys":[]})";
    REQUIRE(ensure_dev_issuer(directory.path()));
    CHECK(read(directory / "dev-issuer.jwks.json") == set);
  }
  SECTION("a private key others may read is refused") {
    REQUIRE(::chmod((directory / "dev-issuer.jwk").c_str(), 0640) == 0);
    const auto again = ensure_dev_issuer(directory.path());
    REQUIRE_FALSE(again);
    CHECK(again.error().code == errc::invalid);
    CHECK_FALSE(mint_dev_token(directory.path(), {.subject = "u"}, now));
  }
  SECTION("a private key behind a symbolic link is refused") {
    std::filesystem::rename(directory / "dev-issuer.jwk", directory / "elsewhere");
    std::filesystem::create_symlink(directory / "elsewhere", directory / "dev-issuer.jwk");
    CHECK_FALSE(ensure_dev_issuer(directory.path()));
  }
  SECTION("a damaged private key is refused, never replaced") {
    for (const std::string& bad : {std::string{}, std::string{"{}"}, key.substr(0, key.size() / 2), key + key}) {
      std::ofstream{directory / "dev-issuer.jwk", std::ios::trunc} << bad;
      const auto again = ensure_dev_issuer(directory.path());
      REQUIRE_FALSE(again);
      CHECK(again.error().code == errc::invalid);
      CHECK(read(directory / "dev-issuer.jwk") == bad);
    }
  }
  SECTION("nothing else is left in the directory") {
    std::size_t files = 0;
    for ([[maybe_unused]] const auto& each : std::filesystem::directory_iterator{directory.path()}) ++files;
    CHECK(files == 2);
  }
}

TEST_CASE("two processes that start at once agree on one development key", "[crypto][dev-issuer]") {
  for (int round = 0; round < 10; ++round) {
    temporary_directory directory;
    bool first = false, second = false;
    std::thread one{[&] { first = ensure_dev_issuer(directory.path()).has_value(); }};
    std::thread two{[&] { second = ensure_dev_issuer(directory.path()).has_value(); }};
    one.join();
    two.join();
    REQUIRE(first);
    REQUIRE(second);
    const auto token = mint_dev_token(directory.path(), {.subject = "u"}, now);
    REQUIRE(token);
    CHECK(trusting(directory)->verify(*token, now));
  }
}

TEST_CASE("a minted token carries what was asked for and verifies", "[crypto][dev-issuer]") {
  temporary_directory directory;
  REQUIRE(ensure_dev_issuer(directory.path()));
  const auto verifier = trusting(directory);
  const mint_request what{.subject = "8f14e45f-ceea-467f-a8f0-1c2d3e4f5a6b",
                          .workspace = "ws",
                          .role = "owner",
                          .email = "a@b.c",
                          .workspace_name = "Team \"Ä\" \\ </script>",
                          .seconds = 3600};
  const auto token = mint_dev_token(directory.path(), what, now);
  REQUIRE(token);
  const auto claims = verifier->verify(*token, now);
  REQUIRE(claims);
  CHECK(claims->issuer == dev_issuer_name);
  CHECK(claims->subject == what.subject);
  CHECK(claims->workspace == what.workspace);
  CHECK(claims->workspace_name == what.workspace_name);
  CHECK(claims->role == what.role);
  CHECK(claims->email == what.email);
  CHECK(claims->expires_s == 1'800'003'600);
  CHECK(claims->trust_roles);
  CHECK(claims->subject_is_user_id);
  CHECK(*mint_dev_token(directory.path(), what, now) != *token);  // jti

  const auto bare = mint_dev_token(directory.path(), {.subject = "u"}, now);
  REQUIRE(bare);
  const auto few = verifier->verify(*bare, now);
  REQUIRE(few);
  CHECK_FALSE(few->workspace);
  CHECK_FALSE(few->role);
  CHECK_FALSE(few->email);
}

TEST_CASE("no text can break out of its claim", "[crypto][dev-issuer]") {
  temporary_directory directory;
  REQUIRE(ensure_dev_issuer(directory.path()));
  const auto verifier = trusting(directory);
  for (const std::string& text :
       {std::string{R"(x","role":"owner)"}, std::string{R"(\)"}, std::string{R"(\",")"}, std::string{R"(")"},
        std::string{"{}[]:,"}, std::string{"\\u0022"}, std::string(255, '"'), std::string(255, '\\')}) {
    const auto token = mint_dev_token(directory.path(), {.subject = text, .workspace = text}, now);
    REQUIRE(token);
    const auto claims = verifier->verify(*token, now);
    REQUIRE(claims);
    CHECK(claims->subject == text);
    CHECK(claims->workspace == text);
    CHECK_FALSE(claims->role);
  }
}

TEST_CASE("development tokens live one second to 24 hours and hold plain text only", "[crypto][dev-issuer]") {
  temporary_directory directory;
  CHECK(mint_dev_token(directory.path(), {.subject = "u"}, now).error().code == errc::not_found);
  REQUIRE(ensure_dev_issuer(directory.path()));
  const auto verifier = trusting(directory);
  for (const std::int64_t seconds : {std::int64_t{1}, dev_token_seconds_max}) {
    const auto token = mint_dev_token(directory.path(), {.subject = "u", .seconds = seconds}, now);
    REQUIRE(token);
    CHECK(verifier->verify(*token, now));
  }
  const auto refused = [&](const mint_request& what) {
    const auto token = mint_dev_token(directory.path(), what, now);
    return !token && token.error().code == errc::invalid;
  };
  for (const std::int64_t seconds :
       {std::int64_t{0}, std::int64_t{-1}, dev_token_seconds_max + 1, INT64_MAX, INT64_MIN})
    CHECK(refused({.subject = "u", .seconds = seconds}));
  for (const std::string& text :
       {std::string{}, std::string(500, 'x'), std::string{"a\nb"}, std::string{"a\0b", 3}, std::string{"\x7f"},
        std::string{"\xc2\x85"}, std::string{"\xff"}, std::string{"\xc3"}}) {
    CHECK(refused({.subject = text}));
    CHECK(refused({.subject = "u", .workspace = text}));
    CHECK(refused({.subject = "u", .role = text}));
    CHECK(refused({.subject = "u", .email = text}));
    CHECK(refused({.subject = "u", .workspace_name = text}));
  }
}

// Root key sources: what is taken, and that every refusal names the source and the reason.

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/process.hpp"
#include "crypto/random.hpp"
#include "tests/crypto/support.hpp"

namespace nacre::crypto {
namespace {

using Catch::Matchers::Contains;
using test::root_hex_a;
using test::root_hex_b;

std::string write_file(const std::filesystem::path& path, std::string_view content, mode_t mode = 0600) {
  std::ofstream{path, std::ios::binary} << content;
  REQUIRE(::chmod(path.c_str(), mode) == 0);
  return "file:" + path.string();
}

std::string refusal(const std::string& source) {
  const auto opened = open_key_provider(source);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == errc::invalid);
  return opened.error().text;
}

std::string check_value_from(const std::string& source) {
  const auto opened = open_key_provider(source);
  REQUIRE(opened);
  return (*opened)->check_value();
}

TEST_CASE("a root key file holds 32 raw bytes or 64 hex digits with or without a newline", "[crypto][key_provider]") {
  test::temporary_directory dir;
  const auto expected = test::provider(root_hex_a)->check_value();
  std::string upper = root_hex_a;
  for (auto& c : upper) c = static_cast<char>(std::toupper(c));
  CHECK(check_value_from(write_file(dir / "hex", root_hex_a)) == expected);
  CHECK(check_value_from(write_file(dir / "newline", root_hex_a + "\n")) == expected);
  CHECK(check_value_from(write_file(dir / "upper", upper)) == expected);
  CHECK(check_value_from(write_file(dir / "raw", test::bytes(root_hex_a))) == expected);
  CHECK(check_value_from(write_file(dir / "read-only", root_hex_a, 0400)) == expected);
}

TEST_CASE("a root key file with the wrong content is refused without quoting it", "[crypto][key_provider]") {
  test::temporary_directory dir;
  auto not_hex = root_hex_a;
  not_hex[10] = 'g';
  const std::string contents[] = {"",
                                  "\n",
                                  root_hex_a.substr(1),
                                  root_hex_a + "0",
                                  root_hex_a + "\n\n",
                                  root_hex_a + "\r\n",
                                  " " + root_hex_a,
                                  test::bytes(root_hex_a) + "\n",
                                  test::bytes(root_hex_a).substr(1),
                                  std::string(4096, 'a'),
                                  not_hex,
                                  not_hex + "\n"};
  for (const auto& content : contents) {
    std::filesystem::remove(dir / "key");
    const auto text = refusal(write_file(dir / "key", content));
    CHECK_THAT(text, Contains((dir / "key").string()) && Contains("hex digits"));
    CHECK(text.find(root_hex_a.substr(20, 10)) == std::string::npos);
  }
}

TEST_CASE("a root key file others could read or write is refused, naming its mode", "[crypto][key_provider]") {
  test::temporary_directory dir;
  write_file(dir / "key", root_hex_a);
  for (const mode_t mode : {0644u, 0640u, 0660u, 0604u, 0440u, 0700u, 0500u, 01600u, 04600u, 0200u, 0000u}) {
    REQUIRE(::chmod((dir / "key").c_str(), mode) == 0);
    const auto text = refusal("file:" + (dir / "key").string());
    CHECK_THAT(text, Contains((dir / "key").string()));
    if (::geteuid() == 0 || (mode & 0400) != 0) CHECK_THAT(text, Contains("0400 or 0600"));
  }
  REQUIRE(::chmod((dir / "key").c_str(), 0644) == 0);
  CHECK_THAT(refusal("file:" + (dir / "key").string()), Contains("0644"));
}

TEST_CASE("a root key must be a regular file of this user's, and no symbolic link", "[crypto][key_provider]") {
  test::temporary_directory dir;
  const auto source = [&](const char* name) { return "file:" + (dir / name).string(); };
  write_file(dir / "key", root_hex_a);
  std::filesystem::create_symlink(dir / "key", dir / "link");
  CHECK_THAT(refusal(source("link")), Contains("link'") && Contains("symbolic link"));
  std::filesystem::create_directory(dir / "directory");
  CHECK_THAT(refusal(source("directory")), Contains("not a regular file"));
  REQUIRE(::mkfifo((dir / "fifo").c_str(), 0600) == 0);
  CHECK_THAT(refusal(source("fifo")), Contains("not a regular file"));  // and does not wait for a writer
  CHECK_THAT(refusal(source("missing")), Contains("missing'") && Contains("No such file"));
  refusal("file:");
  if (::geteuid() == 0) {
    REQUIRE(::chown((dir / "key").c_str(), 65534, 65534) == 0);
    CHECK_THAT(refusal(source("key")), Contains("belongs to user 65534"));
  } else {
    WARN("not root: a file of another user's could not be made");
  }
}

TEST_CASE("a credential is read from systemd's directory by name only", "[crypto][key_provider]") {
  test::temporary_directory dir;
  const auto expected = test::provider(root_hex_a)->check_value();
  write_file(dir / "nacre-root", root_hex_a + "\n", 0400);

  ::unsetenv("CREDENTIALS_DIRECTORY");
  CHECK_THAT(refusal("credential:nacre-root"), Contains("CREDENTIALS_DIRECTORY"));
  ::setenv("CREDENTIALS_DIRECTORY", dir.path().c_str(), 1);
  CHECK(check_value_from("credential:nacre-root") == expected);
  for (const auto* name : {"", ".", "..", "../nacre-root", "a/b", "/etc/passwd"})
    refusal(std::string{"credential:"} + name);
  CHECK_THAT(refusal("credential:other"), Contains("credential 'other'") && Contains("No such file"));
  write_file(dir / "open", root_hex_a, 0644);
  CHECK_THAT(refusal("credential:open"), Contains("0644"));
  if (::geteuid() == 0) {
    write_file(dir / "acl", root_hex_a, 0440);  // how systemd's ACL entry looks from outside
    CHECK(check_value_from("credential:acl") == expected);
  }
  ::unsetenv("CREDENTIALS_DIRECTORY");
}

TEST_CASE("an environment variable is wiped and unset once read, also when refused", "[crypto][key_provider]") {
  for (const auto& value : {root_hex_a, std::string{"0123456789abcdef0123456789abcdef"}}) {
    ::setenv("NACRE_TEST_ROOT_KEY", value.c_str(), 1);
    const char* where = ::getenv("NACRE_TEST_ROOT_KEY");  // glibc never frees it
    const auto opened = open_key_provider("env:NACRE_TEST_ROOT_KEY");
    CHECK(opened.has_value() == (value == root_hex_a));
    if (!opened) CHECK(opened.error().text.find(value) == std::string::npos);
    CHECK(::getenv("NACRE_TEST_ROOT_KEY") == nullptr);
    CHECK(std::string(where, value.size()) == std::string(value.size(), '\0'));
  }
  CHECK_THAT(refusal("env:NACRE_TEST_ROOT_KEY"), Contains("NACRE_TEST_ROOT_KEY") && Contains("not set"));
  refusal("env:");
  refusal("env:A=B");
}

TEST_CASE("an unknown source is refused and never quoted", "[crypto][key_provider]") {
  for (const auto& source : {std::string{}, root_hex_a, std::string{"pkcs11:token"}, std::string{"FILE:/x"}}) {
    const auto text = refusal(source);
    CHECK_THAT(text, Contains("file:") && Contains("credential:") && Contains("env:"));
    if (!source.empty()) CHECK(text.find(source) == std::string::npos);
  }
  refusal(std::string("file:/tmp\0/x", 12));
}

TEST_CASE("a made root key file is private, fresh, and never overwritten", "[crypto][key_provider]") {
  test::temporary_directory dir;
  const auto old_mask = ::umask(0777);
  const auto made = create_root_key_file(dir / "a");
  ::umask(old_mask);
  REQUIRE(made);
  REQUIRE(create_root_key_file(dir / "b"));
  struct stat info {};
  REQUIRE(::stat((dir / "a").c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0600);
  const auto a = check_value_from("file:" + (dir / "a").string());
  CHECK(a != check_value_from("file:" + (dir / "b").string()));

  const auto again = create_root_key_file(dir / "a");
  REQUIRE_FALSE(again);
  CHECK(again.error().code == errc::conflict);
  CHECK(check_value_from("file:" + (dir / "a").string()) == a);
  std::filesystem::create_symlink(dir / "nowhere", dir / "dangling");
  CHECK_FALSE(create_root_key_file(dir / "dangling"));
  CHECK_FALSE(std::filesystem::exists(dir / "nowhere"));
  CHECK_FALSE(create_root_key_file(dir / "no" / "such" / "directory"));
}

TEST_CASE("the check value is the documented one and tells root keys apart", "[crypto][key_provider]") {
  const auto a = test::provider(root_hex_a);
  CHECK(a->check_value() == view(hmac_sha256(test::bytes(root_hex_a), "nacre/kcv")).substr(0, 8));
  CHECK(a->check_value() == test::provider(root_hex_a)->check_value());
  CHECK(a->check_value() != test::provider(root_hex_b)->check_value());
}

TEST_CASE("what is wrapped opens under the same root key and binding only", "[crypto][key_provider]") {
  const auto a = test::provider(root_hex_a);
  const auto wrapped = a->wrap("aad", "some key");
  const auto opened = test::provider(root_hex_a)->unwrap("aad", wrapped);
  REQUIRE(opened);
  CHECK(opened->view() == "some key");
  // The wrapping key is HKDF(root, "nacre/wrap/v1"), so a future program can open it too.
  CHECK(open(hkdf_sha256(test::bytes(root_hex_a), {}, "nacre/wrap/v1", 32), "aad", wrapped));
  CHECK(a->unwrap("other", wrapped).error().code == errc::corrupt);
  CHECK(test::provider(root_hex_b)->unwrap("aad", wrapped).error().code == errc::corrupt);
}

TEST_CASE("a hardened process is not dumpable and writes no core", "[crypto][process]") {
  const pid_t child = ::fork();  // it cannot be undone, so a child does it
  REQUIRE(child >= 0);
  if (child == 0) {
    rlimit limit{1, 1};
    const bool good = harden_process().has_value() && ::prctl(PR_GET_DUMPABLE) == 0 &&
                      ::getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_cur == 0 && limit.rlim_max == 0;
    ::_exit(good ? 0 : 1);
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}

}  // namespace
}  // namespace nacre::crypto

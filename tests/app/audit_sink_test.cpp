#include "app/audit_sink.hpp"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <vector>

using namespace nacre;
using namespace nacre::app;
namespace fs = std::filesystem;

namespace {

struct scratch {
  scratch() {
    char name[] = "/tmp/nacre-audit-XXXXXX";
    REQUIRE(mkdtemp(name));
    dir = name;
  }
  ~scratch() { fs::remove_all(dir); }
  std::string path() const { return dir / "audit.jsonl"; }
  std::string read(const std::string& suffix = "") const {
    std::ifstream in(path() + suffix, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  unsigned mode(const std::string& suffix = "") const {
    struct stat about {};
    REQUIRE(stat((path() + suffix).c_str(), &about) == 0);
    return about.st_mode & 07777;
  }
  audit_sink_options options() const {
    audit_sink_options o;
    o.path = path();
    return o;
  }
  fs::path dir;
};

struct complaints {
  auto listener() {
    return [this](std::string_view why) {
      std::lock_guard lock(mutex);
      texts.emplace_back(why);
    };
  }
  std::size_t size() {
    std::lock_guard lock(mutex);
    return texts.size();
  }
  std::mutex mutex;
  std::vector<std::string> texts;
};

// Writes of this process beyond `bytes` of a file fail while this lives (as on a full disk).
struct file_size_limit {
  explicit file_size_limit(rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
    rlimit now = before;
    now.rlim_cur = bytes;
    REQUIRE(setrlimit(RLIMIT_FSIZE, &now) == 0);
  }
  ~file_size_limit() { setrlimit(RLIMIT_FSIZE, &before); }
  rlimit before{};
};

}  // namespace

TEST_CASE("appended lines are in the file, in order, after a flush; nobody else may read it", "[app][audit_sink]") {
  scratch s;
  complaints c;
  auto sink = open_audit_sink(s.options(), c.listener());
  REQUIRE(sink);
  (*sink)->append("{\"seq\":1}");
  (*sink)->append("{\"seq\":2}");
  (*sink)->flush();
  CHECK(s.read() == "{\"seq\":1}\n{\"seq\":2}\n");
  CHECK(s.mode() == 0600);
  CHECK((*sink)->written() == 2);
  CHECK((*sink)->failures() == 0);
  CHECK((*sink)->queued_bytes() == 0);
}

TEST_CASE("what is queued is written when the sink ends, and a new one appends", "[app][audit_sink]") {
  scratch s;
  complaints c;
  { REQUIRE((*open_audit_sink(s.options(), c.listener())).get()); }
  for (int run = 0; run < 2; ++run) {
    auto sink = open_audit_sink(s.options(), c.listener());
    for (int i = 0; i < 100; ++i) (*sink)->append("line");
  }
  CHECK(s.read().size() == 200 * 5);
}

TEST_CASE("a file that others could read is made private", "[app][audit_sink]") {
  scratch s;
  std::ofstream(s.path()) << "old\n";
  chmod(s.path().c_str(), 0644);
  auto sink = open_audit_sink(s.options(), nullptr);
  REQUIRE(sink);
  CHECK(s.mode() == 0600);
}

TEST_CASE("a symlink, a directory or a missing directory is refused at start", "[app][audit_sink]") {
  scratch s;
  fs::create_symlink("/tmp/nacre-no-such-file", s.path());
  CHECK(open_audit_sink(s.options(), nullptr).error().code == errc::invalid);
  CHECK_FALSE(fs::exists("/tmp/nacre-no-such-file"));
  fs::remove(s.path());
  fs::create_directory(s.path());
  CHECK_FALSE(open_audit_sink(s.options(), nullptr));
  auto options = s.options();
  options.path = (s.dir / "absent" / "audit.jsonl").string();
  CHECK_FALSE(open_audit_sink(options, nullptr));
}

TEST_CASE("the file is rotated before it grows beyond the bound, and no more than `keep` are kept",
          "[app][audit_sink]") {
  scratch s;
  auto options = s.options();
  options.rotate_bytes = 30;
  options.keep = 2;
  auto sink = open_audit_sink(options, nullptr);
  REQUIRE(sink);
  for (char c = 'a'; c <= 'h'; ++c) (*sink)->append(std::string(9, c));  // ten bytes each, three a file
  (*sink)->flush();
  auto line = [](char c) { return std::string(9, c) + "\n"; };
  CHECK(s.read() == line('g') + line('h'));
  CHECK(s.read(".1") == line('d') + line('e') + line('f'));
  CHECK(s.read(".2") == line('a') + line('b') + line('c'));
  CHECK_FALSE(fs::exists(s.path() + ".3"));
  CHECK(s.mode(".1") == 0600);
  (*sink)->append(std::string(9, 'i'));
  (*sink)->append(std::string(9, 'j'));
  (*sink)->flush();
  CHECK(s.read(".2") == line('d') + line('e') + line('f'));
  CHECK_FALSE(fs::exists(s.path() + ".3"));
}

TEST_CASE("a line longer than the bound has a file of its own", "[app][audit_sink]") {
  scratch s;
  auto options = s.options();
  options.rotate_bytes = 10;
  auto sink = open_audit_sink(options, nullptr);
  (*sink)->append(std::string(100, 'x'));
  (*sink)->append("y");
  (*sink)->flush();
  CHECK(s.read(".1") == std::string(100, 'x') + "\n");
  CHECK(s.read() == "y\n");
}

TEST_CASE("a full queue loses lines, counts them and complains once", "[app][audit_sink]") {
  scratch s;
  complaints c;
  auto options = s.options();
  options.queue_bytes_max = 10;
  auto sink = open_audit_sink(options, c.listener());
  REQUIRE(sink);
  for (int i = 0; i < 5; ++i) (*sink)->append("longer than the whole queue");
  CHECK((*sink)->failures() == 5);
  CHECK(c.size() == 1);
  (*sink)->append("fits");
  (*sink)->flush();
  CHECK(s.read() == "fits\n");
}

TEST_CASE("a full disk loses whole lines, never halves, complains once a series and recovers", "[app][audit_sink]") {
  scratch s;
  complaints c;
  auto sink = open_audit_sink(s.options(), c.listener());
  REQUIRE(sink);
  {
    file_size_limit limit(25);
    for (int i = 0; i < 4; ++i) (*sink)->append("123456789");
    (*sink)->flush();
    CHECK((*sink)->written() == 2);
    CHECK((*sink)->failures() == 2);
    CHECK(c.size() == 1);
  }
  (*sink)->append("after");
  (*sink)->flush();
  CHECK(s.read() == "123456789\n123456789\nafter\n");
  {
    file_size_limit limit(28);
    (*sink)->append("lost again");
    (*sink)->flush();
  }
  CHECK(c.size() == 2);
}

TEST_CASE("a rotation that cannot happen loses lines, not the file", "[app][audit_sink]") {
  scratch s;
  complaints c;
  auto options = s.options();
  options.rotate_bytes = 10;
  options.keep = 1;
  auto sink = open_audit_sink(options, c.listener());
  fs::create_directories(s.path() + ".1/occupied");  // rename() cannot replace it
  (*sink)->append("123456789");
  (*sink)->append("lost");
  (*sink)->flush();
  CHECK(s.read() == "123456789\n");
  CHECK((*sink)->failures() == 1);
  CHECK(c.size() == 1);
  fs::remove_all(s.path() + ".1");
  (*sink)->append("kept");
  (*sink)->flush();
  CHECK(s.read() == "kept\n");
}

#include "app/log.hpp"

#include <fcntl.h>
#include <simdjson.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <thread>
#include <vector>

#include "app/failure_log.hpp"
#include "model/time.hpp"

using namespace nacre;
using namespace nacre::app;
using namespace std::chrono_literals;

namespace {

// A file to log into; unlinked at once, read back through the descriptor.
struct log_file {
  log_file() {
    char name[] = "/tmp/nacre-log-XXXXXX";
    fd = mkstemp(name);
    REQUIRE(fd >= 0);
    unlink(name);
  }
  ~log_file() { close(fd); }
  std::vector<std::string> lines() const {
    std::string all;
    char buffer[65536];
    off_t at = 0;
    for (ssize_t n; (n = pread(fd, buffer, sizeof buffer, at)) > 0; at += n)
      all.append(buffer, static_cast<std::size_t>(n));
    CHECK((all.empty() || all.back() == '\n'));
    std::vector<std::string> out;
    std::istringstream in(all);
    for (std::string line; std::getline(in, line);) out.push_back(line);
    return out;
  }
  logger_options options() const {
    logger_options o;
    o.descriptor = fd;
    return o;
  }
  int fd = -1;
};

// The one field asked for, decoded by another implementation than the one that encoded it.
std::string field(const std::string& line, const char* name) {
  simdjson::dom::parser parser;
  simdjson::dom::element root, value;
  REQUIRE(parser.parse(line).get(root) == simdjson::SUCCESS);
  REQUIRE(root.is_object());
  REQUIRE(root[name].get(value) == simdjson::SUCCESS);
  std::string_view text;
  if (value.get(text) == simdjson::SUCCESS) return std::string(text);
  return simdjson::minify(value);
}

}  // namespace

TEST_CASE("a line is one JSON object with time, level and message", "[app][log]") {
  log_file file;
  {
    logger log(file.options());
    log.info("started")
        .text("url", "http://x")
        .number("pid", 42)
        .number("debt", -7)
        .number("big", ~0ull)
        .flag("dev", true);
    log.error("ended");
  }
  auto lines = file.lines();
  REQUIRE(lines.size() == 2);
  CHECK(field(lines[0], "level") == "info");
  CHECK(field(lines[0], "msg") == "started");
  CHECK(field(lines[0], "url") == "http://x");
  CHECK(field(lines[0], "pid") == "42");
  CHECK(field(lines[0], "debt") == "-7");
  CHECK(field(lines[0], "big") == "18446744073709551615");
  CHECK(field(lines[0], "dev") == "true");
  CHECK(field(lines[1], "level") == "error");
  auto time = field(lines[0], "time");
  CHECK(time.size() == 24);
  CHECK(parse_rfc3339(time));
}

TEST_CASE("T-log-inject: no value can end a line, forge one or break the JSON", "[app][log]") {
  std::vector<std::string> values = {"a\nb",
                                     "a\r\n{\"level\":\"error\"}",
                                     "\",\"x\":\"",
                                     "\\",
                                     "\\\"",
                                     std::string("\0a", 2),
                                     "\x7f",
                                     "\x1b[31m",
                                     "\xc3\xa9",
                                     "\xe2\x82\xac",
                                     "\xf0\x9f\x98\x80",
                                     ""};
  for (int c = 0; c < 0x20; ++c) values.push_back(std::string("x") + static_cast<char>(c) + "y");
  log_file file;
  {
    logger log(file.options());
    for (const auto& value : values) log.info(value).text("value", value);
  }
  auto lines = file.lines();
  REQUIRE(lines.size() == values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    CHECK(field(lines[i], "value") == values[i]);
    CHECK(field(lines[i], "msg") == values[i]);
    for (unsigned char c : lines[i]) CHECK((c >= 0x20 && c != 0x7f));
  }
}

TEST_CASE("bytes that are not UTF-8 are replaced, never passed on", "[app][log]") {
  const std::string r = "\xef\xbf\xbd";
  const std::map<std::string, std::string> cases = {
      {"\xff", r},
      {"a\x80z", "a" + r + "z"},
      {"\xc0\xaf", r + r},                  // overlong
      {"\xe0\x80\xaf", r + r + r},          // overlong
      {"\xed\xa0\x80", r + r + r},          // surrogate
      {"\xf4\x90\x80\x80", r + r + r + r},  // beyond U+10FFFF
      {"\xe2\x82", r + r},                  // cut short
      {"\xe2\x82\"", r + r + "\\\""},
      {"\xc2\x85", "\\u0085"},
      {"\xe2\x80\xa8", "\\u2028"},
  };
  for (const auto& [raw, escaped] : cases) {
    std::string out;
    append_json_string(out, raw);
    CHECK(out == "\"" + escaped + "\"");
  }
}

TEST_CASE("every two-byte text is logged as valid JSON", "[app][log]") {
  simdjson::dom::parser parser;
  for (int a = 0; a < 256; ++a) {
    std::string all = "[";
    for (int b = 0; b < 256; ++b) {
      if (b) all += ',';
      append_json_string(all, std::string{static_cast<char>(a), static_cast<char>(b)});
    }
    simdjson::dom::element root;
    CHECK(parser.parse(all + "]").get(root) == simdjson::SUCCESS);
  }
}

TEST_CASE("a long value is cut, so that a line stays a line", "[app][log]") {
  log_file file;
  {
    logger log(file.options());
    log.info("x").text("value", std::string(1'000'000, 'v'));
  }
  auto lines = file.lines();
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].size() < 4096);
  CHECK(field(lines[0], "value").ends_with("v..."));
}

TEST_CASE("lines below the level are not written", "[app][log]") {
  log_file file;
  {
    auto options = file.options();
    options.level = log_level::warn;
    logger log(options);
    log.debug("d");
    log.info("i").text("a", "b");
    log.warn("w");
    log.error("e");
    log.access({});
  }
  CHECK(file.lines().size() == 2);
}

TEST_CASE("failures that strangers bring about are no warnings, and others warn once a minute", "[app][log]") {
  const failure_log::steady::time_point begin{1h};
  log_file file;
  {
    auto options = file.options();
    options.level = log_level::warn;
    logger log(options);
    failure_log failures(log);
    auto many = [&](errc code, std::chrono::milliseconds at) {
      for (int i = 0; i < 1'000; ++i) failures.note({}, {code, "why"}, begin + at);
    };
    for (auto load : {errc::busy, errc::full, errc::deadline_exceeded})
      for (auto at : {0ms, 61'000ms}) many(load, at);
    many(errc::corrupt, 0ms);
    many(errc::storage_failed, 10'000ms);
    many(errc::corrupt, 59'999ms);
    many(errc::corrupt, 60'000ms);
  }
  auto lines = file.lines();
  REQUIRE(lines.size() == 3);
  CHECK(field(lines[0], "code") == name_of(errc::corrupt));
  CHECK(lines[0].find("more_since") == std::string::npos);
  CHECK(field(lines[1], "code") == name_of(errc::storage_failed));
  CHECK(field(lines[2], "code") == name_of(errc::corrupt));
  CHECK(lines[2].find("\"more_since_last_warning\":1999") != std::string::npos);
}

TEST_CASE("each failure is told, at info where it is not to warn", "[app][log]") {
  log_file file;
  {
    logger log(file.options());
    failure_log failures(log);
    for (int i = 0; i < 3; ++i) failures.note({}, {errc::full, "why"}, failure_log::steady::time_point{1h});
    for (int i = 0; i < 3; ++i) failures.note({}, {errc::internal, "why"}, failure_log::steady::time_point{1h});
  }
  auto lines = file.lines();
  REQUIRE(lines.size() == 6);
  for (std::size_t i = 0; i < 6; ++i) CHECK(field(lines[i], "level") == (i == 3 ? "warn" : "info"));
}

TEST_CASE("a request's line tells method, template, status, time and ids, and nothing else", "[app][log]") {
  log_file file;
  http::exchange done;
  done.verb = "POST";
  done.route = "/api/v1/pats/{id}/reveal";
  done.status = 200;
  done.microseconds = 1234;
  done.id = request_id{*parse_uuid("00000000-0000-4000-8000-000000000001")};
  {
    logger log(file.options());
    log.access(done);
    done.workspace = workspace_id{*parse_uuid("00000000-0000-4000-8000-000000000002")};
    log.access(done);
  }
  auto lines = file.lines();
  REQUIRE(lines.size() == 2);
  const std::string common =
      "\"level\":\"info\",\"msg\":\"request\",\"method\":\"POST\",\"route\":\"/api/v1/pats/{id}/"
      "reveal\",\"status\":200,"
      "\"us\":1234,\"request_id\":\"00000000-0000-4000-8000-000000000001\"";
  CHECK(lines[0].substr(lines[0].find("\"level")) == common + "}");
  CHECK(lines[1].substr(lines[1].find("\"level")) ==
        common + ",\"workspace_id\":\"00000000-0000-4000-8000-000000000002\"}");
}

TEST_CASE("a reader that does not read stalls no caller; what is lost is counted", "[app][log]") {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  std::uint64_t lost = 0;
  {
    logger_options options;
    options.descriptor = ends[1];
    options.buffer_bytes_max = 64 * 1024;
    logger log(options);
    for (int i = 0; i < 20'000; ++i) log.info("nobody reads this line, and there are many of them");
    lost = log.dropped();
    CHECK(lost > 0);
    CHECK_FALSE(log.flush(1ms));

    // Now somebody reads: everything kept arrives whole, and the loss is reported.
    std::string all;
    std::thread reader([&] {
      char buffer[65536];
      for (ssize_t n; (n = read(ends[0], buffer, sizeof buffer)) > 0;) all.append(buffer, static_cast<std::size_t>(n));
    });
    CHECK(log.flush(10s));
    log.info("last");
    CHECK(log.flush(10s));
    int devnull = open("/dev/null", O_WRONLY | O_CLOEXEC);
    dup2(devnull, ends[1]);  // closes the pipe's writing end; the logger goes on into nothing
    close(devnull);
    reader.join();
    std::istringstream in(all);
    std::uint64_t kept = 0, reported = 0;
    for (std::string line; std::getline(in, line);) {
      if (field(line, "msg") == "log lines dropped") {
        reported += std::stoull(field(line, "count"));
      } else {
        ++kept;
      }
    }
    CHECK(kept + lost == 20'001);
    CHECK(reported == lost);
  }
  close(ends[0]);
  close(ends[1]);
}

TEST_CASE("a logger whose reader never comes back still ends", "[app][log]") {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  {
    logger_options options;
    options.descriptor = ends[1];
    logger log(options);
    for (int i = 0; i < 2'000; ++i) log.info("nobody reads this line, and there are many of them");
  }
  close(ends[0]);
  close(ends[1]);
}

TEST_CASE("lines of several threads never mix", "[app][log]") {
  log_file file;
  {
    auto options = file.options();
    options.buffer_bytes_max = 64 * 1024 * 1024;
    logger log(options);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&log, t] {
        for (int i = 0; i < 5'000; ++i) log.info("line").number("thread", t).number("i", i);
      });
    }
    for (auto& each : threads) each.join();
    CHECK(log.dropped() == 0);
  }
  auto lines = file.lines();
  REQUIRE(lines.size() == 20'000);
  std::map<std::string, int> next;
  for (const auto& line : lines) CHECK(field(line, "i") == std::to_string(next[field(line, "thread")]++));
}

#include "model/time.hpp"

#include <catch2/catch.hpp>
#include <chrono>

#include "tests/support/random_source.hpp"

using namespace nacre;

TEST_CASE("every form of an RFC 3339 date-time names its instant", "[model][time]") {
  struct sample {
    const char* text;
    std::int64_t milliseconds;
  };
  const sample samples[] = {
      {"1970-01-01T00:00:00Z", 0},
      {"1970-01-01t00:00:00z", 0},
      {"1970-01-01 00:00:00Z", 0},
      {"1970-01-01T00:00:00+00:00", 0},
      {"1970-01-01T00:00:00-00:00", 0},
      {"1970-01-01T00:00:00.1Z", 100},
      {"1970-01-01T00:00:00.12Z", 120},
      {"1970-01-01T00:00:00.123Z", 123},
      {"1970-01-01T00:00:00.123999999999Z", 123},  // cut, not rounded
      {"1970-01-01T00:00:00.0004Z", 0},
      {"1969-12-31T23:59:59.999Z", -1},
      {"1970-01-01T01:00:00+01:00", 0},
      {"1969-12-31T18:30:00-05:30", 0},
      {"1970-01-01T23:59:00+23:59", 0},
      {"2027-03-31T00:00:00Z", 1806451200000},
      {"2000-02-29T12:00:00Z", 951825600000},
      {"2024-02-29T23:59:59.5Z", 1709251199500},
      {"2016-12-31T23:59:60Z", 1483228800000},  // a leap second is the next minute's 00
      {"2016-12-31T23:59:60.250Z", 1483228800250},
      {"2017-01-01T00:59:60+01:00", 1483228800000},
      {"0001-01-01T00:00:00Z", -62135596800000},
      {"9999-12-31T23:59:59.999Z", 253402300799999},
      {"0001-01-01T01:00:00+01:00", -62135596800000},
  };
  for (const auto& s : samples) {
    INFO(s.text);
    REQUIRE(parse_rfc3339(s.text));
    CHECK(parse_rfc3339(s.text)->value() == s.milliseconds);
  }
  CHECK(parse_rfc3339("1970-01-01T00:00:00." + std::string(43, '9') + "Z") == timestamp{999});  // 64 characters
}

TEST_CASE("nonsense is not a time", "[model][time]") {
  for (auto bad : {"",
                   "Z",
                   "2027",
                   "2027-03-31",
                   "2027-03-31T00:00:00",
                   "2027-03-31T00:00:00.Z",
                   "2027-03-31T00:00:00.5",
                   "2027-03-31T00:00Z",
                   "2027-3-31T00:00:00Z",
                   "2027-03-31T0:00:00Z",
                   "2027-13-01T00:00:00Z",
                   "2027-00-01T00:00:00Z",
                   "2027-01-00T00:00:00Z",
                   "2027-01-32T00:00:00Z",
                   "2027-04-31T00:00:00Z",
                   "2027-02-29T00:00:00Z",
                   "1900-02-29T00:00:00Z",
                   "2100-02-29T00:00:00Z",
                   "2027-03-31T24:00:00Z",
                   "2027-03-31T00:60:00Z",
                   "2027-03-31T00:00:61Z",
                   "2099-01-01T12:00:60Z",
                   "2016-12-31T23:59:60+01:00",
                   "2027-03-31X00:00:00Z",
                   "2027/03/31T00:00:00Z",
                   "2027-03-31T00.00.00Z",
                   "2027-03-31T00:00:00+24:00",
                   "2027-03-31T00:00:00+01:60",
                   "2027-03-31T00:00:00+0100",
                   "2027-03-31T00:00:00+01",
                   "2027-03-31T00:00:00+01:",
                   "2027-03-31T00:00:00+01:0",
                   "2027-03-31T00:00:00+1:00",
                   "2027-03-31T00:00:00ZZ",
                   "2027-03-31T00:00:00Z ",
                   " 2027-03-31T00:00:00Z",
                   "2027-03-31T00:00:00+01:00Z",
                   "+2027-03-31T00:00:00Z",
                   "-001-03-31T00:00:00Z",
                   "0000-01-01T00:00:00Z",
                   "10000-01-01T00:00:00Z",
                   "0001-01-01T00:00:00+00:01",
                   "9999-12-31T23:59:59-00:01",
                   "9999-12-31T23:59:60Z",
                   "2027-03-31T00:00:00,5Z",
                   "2027-03-31T-1:00:00Z",
                   "2027-W13-3T00:00:00Z",
                   "1806451200",
                   "tomorrow, at noon sharp"}) {
    INFO(bad);
    CHECK_FALSE(parse_rfc3339(bad));
  }
  CHECK_FALSE(parse_rfc3339("1970-01-01T00:00:00." + std::string(44, '9') + "Z"));
  CHECK_FALSE(parse_rfc3339(std::string_view("2027-03-31T00:00:00\0Z", 21)));
}

TEST_CASE("February has 29 days in leap years only", "[model][time]") {
  for (int year = 1; year <= 9999; ++year) {
    auto text = std::to_string(10000 + year).substr(1) + "-02-29T00:00:00Z";
    if (parse_rfc3339(text).has_value() != std::chrono::year{year}.is_leap()) FAIL(text);
  }
}

TEST_CASE("a time survives its text, and the text is the shortest that names it", "[model][time]") {
  auto seed = testing::announced_seed("time");
  CAPTURE(seed);
  testing::random_source random(seed);
  for (int i = 0; i < 20000; ++i) {
    auto t = random.time();
    if (random.one_in(2)) t = timestamp{t.value() / 1000 * 1000};
    if (t < time_min) t = time_min;
    auto text = format_rfc3339(t);
    if (parse_rfc3339(text) != t) FAIL(text);
    if (text.size() != (t.value() % 1000 == 0 ? 20u : 24u)) FAIL(text);
  }
  CHECK(format_rfc3339(timestamp{0}) == "1970-01-01T00:00:00Z");
  CHECK(format_iso_ms(timestamp{0}) == "1970-01-01T00:00:00.000Z");
  CHECK(format_iso_ms(timestamp{1806451200007}) == "2027-03-31T00:00:00.007Z");
  CHECK(format_rfc3339(timestamp{1806451200000}) == "2027-03-31T00:00:00Z");
  CHECK(format_rfc3339(timestamp{1806451200007}) == "2027-03-31T00:00:00.007Z");
  CHECK(format_rfc3339(timestamp{-1}) == "1969-12-31T23:59:59.999Z");
  CHECK(format_rfc3339(time_min) == "0001-01-01T00:00:00Z");
  CHECK(format_rfc3339(time_max) == "9999-12-31T23:59:59.999Z");
}

TEST_CASE("a time for JavaScript always has milliseconds", "[model][time]") {
  CHECK(format_iso_ms(timestamp{0}) == "1970-01-01T00:00:00.000Z");
  CHECK(format_iso_ms(timestamp{1806451200007}) == "2027-03-31T00:00:00.007Z");
  CHECK(format_iso_ms(timestamp{1806451200120}) == "2027-03-31T00:00:00.120Z");
  CHECK(format_iso_ms(timestamp{-1000}) == "1969-12-31T23:59:59.000Z");
  CHECK(format_iso_ms(timestamp{std::numeric_limits<std::int64_t>::max()}) == "9999-12-31T23:59:59.999Z");
}

TEST_CASE("a time no text can name is shown as the nearest that can", "[model][time]") {
  CHECK(format_rfc3339(timestamp{std::numeric_limits<std::int64_t>::min()}) == "0001-01-01T00:00:00Z");
  CHECK(format_rfc3339(timestamp{std::numeric_limits<std::int64_t>::max()}) == "9999-12-31T23:59:59.999Z");
}

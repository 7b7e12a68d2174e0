// The words of tokens: permissions, networks and lifetimes.

#include "model/tokens.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "tests/support/random_source.hpp"

using namespace nacre;
using namespace nacre::model;

namespace {

// gorules-service-tokens.md section 5, in its order.
const std::vector<std::string> names = {"owner",
                                        "documents",
                                        "releases",
                                        "releases:manage",
                                        "releases:deploy",
                                        "releases:delete",
                                        "integrations:manage",
                                        "documents:full",
                                        "documents:view-content",
                                        "documents:edit-content",
                                        "documents:edit-view",
                                        "branches",
                                        "branches:create",
                                        "branches:merge",
                                        "branches:delete",
                                        "project:manage",
                                        "environments",
                                        "environments:manage",
                                        "environments:delete"};

// A calendar that counts day by day, so that it shares nothing with the one it checks.
struct date {
  int year = 1, month = 1, day = 1;
  bool leap() const { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }
  int days() const {
    constexpr int of[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && leap() ? 29 : of[month - 1];
  }
  void tomorrow() {
    if (++day <= days()) return;
    day = 1;
    if (++month <= 12) return;
    month = 1;
    ++year;
  }
  void plus_months(int n) {
    auto wanted = day;
    for (; n > 0; --n) {
      day = 1;
      auto here = month;
      while (month == here) tomorrow();
    }
    day = std::min(wanted, days());
  }
  friend auto operator<=>(const date&, const date&) = default;
};

constexpr std::int64_t day_ms = 86'400'000;

// All days of some years, by number and back.
struct calendar {
  std::vector<date> dates;
  std::map<date, std::int64_t> numbers;
  std::int64_t epoch = 0;
  // `first_day`: that of 1 January of `from`, counted from 1970.
  calendar(int from, int to, std::int64_t first_day) : epoch(-first_day) {
    for (date d{from, 1, 1}; d.year <= to; d.tomorrow()) {
      numbers.emplace(d, static_cast<std::int64_t>(dates.size()));
      dates.push_back(d);
    }
  }
  std::int64_t ms(const date& d) const { return (numbers.at(d) - epoch) * day_ms; }
};

std::int64_t first_day_of(int year) {
  // By hand from a known one: 1970-01-01 is day 0.
  std::int64_t days = 0;
  for (int y = 1970; y < year; ++y) days += date{y, 1, 1}.leap() ? 366 : 365;
  return days;
}

}  // namespace

TEST_CASE("all 19 permissions have their name and their place", "[model][tokens]") {
  REQUIRE(names.size() == permission_count);
  for (std::size_t n = 0; n < names.size(); ++n) {
    auto p = static_cast<permission>(n);
    CHECK(name_of(p) == names[n]);
    CHECK(parse_permission(names[n]) == p);
  }
  for (auto bad : {"", "Owner", "owner ", "releases:", "releases:all", "project", ":manage", "documents*"})
    CHECK_FALSE(parse_permission(bad));
}

TEST_CASE("a coarse permission covers its own, owner covers all, and nothing else covers anything", "[model][tokens]") {
  for (std::size_t coarse = 0; coarse < names.size(); ++coarse) {
    auto set = implied(bit_of(static_cast<permission>(coarse)));
    for (std::size_t fine = 0; fine < names.size(); ++fine) {
      INFO(names[coarse] << " and " << names[fine]);
      bool covered = coarse == 0 || coarse == fine || names[fine].starts_with(names[coarse] + ":");
      CHECK(static_cast<bool>(set >> fine & 1) == covered);
    }
  }
  CHECK(implied(permission_set{0}) == 0);
  CHECK(implied(bit_of(permission::owner)) == every_permission);
  CHECK(implied(bit_of(permission::documents_full)) == bit_of(permission::documents_full));
  auto seed = nacre::testing::announced_seed("permissions");
  CAPTURE(seed);
  nacre::testing::random_source random(seed);
  for (int i = 0; i < 500; ++i) {
    permission_set a = random.u32() & every_permission, b = random.u32() & every_permission;
    CHECK(implied(a | b) == (implied(a) | implied(b)));
    CHECK(implied(implied(a)) == implied(a));
    CHECK((implied(a) & a) == a);
  }
}

TEST_CASE("scopes imply what is weaker, and introspect stands for itself", "[model][tokens]") {
  for (scope_set s = 0; s <= every_scope; ++s) {
    scope_set out = s;
    if (s & scope_admin) out |= scope_write;
    if (out & scope_write) out |= scope_read;
    CHECK(implied(s) == out);
  }
}

TEST_CASE("networks are read in both families and with or without a prefix", "[model][tokens]") {
  struct sample {
    const char *text, *shown;
  };
  for (auto [text, shown] : std::initializer_list<sample>{{"10.0.0.0/8", "10.0.0.0/8"},
                                                          {"192.0.2.7", "192.0.2.7/32"},
                                                          {"0.0.0.0/0", "0.0.0.0/0"},
                                                          {"255.255.255.255/32", "255.255.255.255/32"},
                                                          {"2001:db8::/32", "2001:db8::/32"},
                                                          {"2001:DB8:0:0::1", "2001:db8::1/128"},
                                                          {"::/0", "::/0"},
                                                          {"::1/128", "::1/128"},
                                                          {"::ffff:10.0.0.0/104", "10.0.0.0/8"},
                                                          {"::ffff:0:0/96", "0.0.0.0/0"},
                                                          {"::ffff:192.0.2.7", "192.0.2.7/32"}}) {
    INFO(text);
    auto n = parse_network(text);
    REQUIRE(n);
    CHECK(to_string(*n) == shown);
    CHECK(parse_network(to_string(*n)) == n);
  }
}

TEST_CASE("what is no network, or says bits behind its prefix, is refused", "[model][tokens]") {
  for (std::string bad : {"",
                          "/",
                          "/8",
                          "10.0.0.0/",
                          "10.0.0.0/33",
                          "10.0.0.0/-1",
                          "10.0.0.0/+8",
                          "10.0.0.0/08",
                          "10.0.0.0/8 ",
                          " 10.0.0.0/8",
                          "10.0.0.0/8/8",
                          "10.0.0.1/8",
                          "10.0.0.0/7.0",
                          "10.0.0/8",
                          "10.0.0.0.0/8",
                          "256.0.0.0/8",
                          "010.0.0.0/8",
                          "0x0a000000/8",
                          "10/8",
                          "localhost",
                          "2001:db8::/129",
                          "2001:db8::1/32",
                          "2001:db8::/",
                          "2001:db8:::/32",
                          "fe80::1%eth0",
                          "[::1]",
                          "::ffff:10.0.0.1/104",
                          "::ffff:0:0/95",
                          "10.0.0.0/4294967304",
                          "10.0.0.0/99999999999999999999"})
    if (parse_network(bad)) FAIL(bad);
  CHECK_FALSE(parse_network(std::string("10.0.0.0\0", 9)));
  CHECK_FALSE(parse_network(std::string("10.0.0.0/8\0", 11)));
  CHECK_FALSE(parse_network(std::string(5'000, '1')));
}

TEST_CASE("a network holds exactly the addresses that begin as it does", "[model][tokens]") {
  auto seed = nacre::testing::announced_seed("networks");
  CAPTURE(seed);
  nacre::testing::random_source random(seed);
  auto bit = [](const std::array<std::uint8_t, 16>& a, unsigned n) { return a[n / 8] >> (7 - n % 8) & 1; };
  for (int i = 0; i < 2'000; ++i) {
    network n{random.array<16>(), static_cast<std::uint8_t>(random.below(129))};
    for (unsigned b = n.bits; b < 128; ++b)
      n.base[b / 8] = static_cast<std::uint8_t>(n.base[b / 8] & ~(0x80u >> b % 8));
    auto address = random.one_in(2) ? random.array<16>() : n.base;
    if (auto flip = random.below(129); flip < 128) address[flip / 8] ^= static_cast<std::uint8_t>(0x80u >> flip % 8);
    bool inside = true;
    for (unsigned b = 0; b < n.bits; ++b) inside = inside && bit(address, b) == bit(n.base, b);
    REQUIRE(n.contains(address) == inside);
    REQUIRE(parse_network(to_string(n)) == n);
  }
  CHECK(parse_network("::/0")->contains(*parse_address("192.0.2.1")));
  CHECK_FALSE(parse_network("0.0.0.0/0")->contains(*parse_address("2001:db8::1")));
}

TEST_CASE("a lifetime is a word of five", "[model][tokens]") {
  CHECK(parse_lifetime("week") == lifetime::week);
  CHECK(parse_lifetime("month") == lifetime::month);
  CHECK(parse_lifetime("three_months") == lifetime::three_months);
  CHECK(parse_lifetime("year") == lifetime::year);
  CHECK(parse_lifetime("indefinite") == lifetime::indefinite);
  for (auto bad : {"", "Week", "day", "custom", "months", "three months"}) CHECK_FALSE(parse_lifetime(bad));
  CHECK_FALSE(end_of(lifetime::indefinite, timestamp{0}));
}

TEST_CASE("a lifetime ends on the calendar day it says, clamped to the month's end", "[model][tokens]") {
  auto on = [](const char* from, lifetime l) { return format_rfc3339(*end_of(l, parse_rfc3339(from).value())); };
  CHECK(on("2026-01-31T01:02:03.456Z", lifetime::month) == "2026-02-28T01:02:03.456Z");
  CHECK(on("2028-01-31T00:00:00Z", lifetime::month) == "2028-02-29T00:00:00Z");
  CHECK(on("2026-11-30T23:59:59.999Z", lifetime::three_months) == "2027-02-28T23:59:59.999Z");
  CHECK(on("2027-11-30T00:00:00Z", lifetime::three_months) == "2028-02-29T00:00:00Z");
  CHECK(on("2024-02-29T12:00:00Z", lifetime::year) == "2025-02-28T12:00:00Z");
  CHECK(on("2096-02-29T00:00:00Z", lifetime::year) == "2097-02-28T00:00:00Z");
  CHECK(on("2026-12-31T00:00:00Z", lifetime::month) == "2027-01-31T00:00:00Z");
  CHECK(on("2026-12-25T00:00:00Z", lifetime::week) == "2027-01-01T00:00:00Z");
  CHECK(on("2100-02-22T00:00:00Z", lifetime::week) == "2100-03-01T00:00:00Z");
  CHECK(on("1969-12-31T23:59:59.999Z", lifetime::month) == "1970-01-31T23:59:59.999Z");
}

TEST_CASE("no lifetime ends after the year 9999", "[model][tokens]") {
  for (auto l : {lifetime::week, lifetime::month, lifetime::three_months, lifetime::year}) {
    CHECK(end_of(l, time_max) == time_max);
    CHECK(end_of(l, parse_rfc3339("9999-12-30T00:00:00Z").value()) == time_max);
    CHECK(*end_of(l, time_min) > time_min);
  }
  CHECK(format_rfc3339(*end_of(lifetime::week, parse_rfc3339("9999-12-24T00:00:00Z").value())) ==
        "9999-12-31T00:00:00Z");
  CHECK(format_rfc3339(*end_of(lifetime::year, parse_rfc3339("9998-12-31T23:59:59.999Z").value())) ==
        "9999-12-31T23:59:59.999Z");
}

TEST_CASE("lifetimes agree with a calendar that counts day by day", "[model][tokens]") {
  auto seed = nacre::testing::announced_seed("lifetimes");
  CAPTURE(seed);
  nacre::testing::random_source random(seed);
  // Two leap years, a century that is none and one that is.
  for (auto [from, to] : {std::pair{2023, 2029}, {2095, 2105}, {1996, 2005}, {2395, 2405}}) {
    calendar days(from, to, first_day_of(from));
    for (const auto& d : days.dates) {
      if (d.year >= to - 1) break;
      auto of_day = static_cast<std::int64_t>(random.one_in(4) ? 0 : random.below(day_ms));
      timestamp begin{days.ms(d) + of_day};
      auto expect = [&](lifetime l, date end) {
        INFO(d.year << "-" << d.month << "-" << d.day);
        REQUIRE(end_of(l, begin)->value() == days.ms(end) + of_day);
      };
      auto week = d, month = d, quarter = d, year = d;
      for (int i = 0; i < 7; ++i) week.tomorrow();
      month.plus_months(1);
      quarter.plus_months(3);
      year.plus_months(12);
      expect(lifetime::week, week);
      expect(lifetime::month, month);
      expect(lifetime::three_months, quarter);
      expect(lifetime::year, year);
    }
  }
}

// Who a request comes from, and under which key that is counted.

#include "http/address.hpp"

#include <catch2/catch.hpp>

#include "tests/support/http_script.hpp"

using namespace nacre::http;

namespace {

std::string client(const std::string& peer, const std::string& forwarded, const std::vector<std::string>& trusted) {
  return client_of(*parse_ip(peer), &forwarded, *proxy_list::parse(trusted)).text();
}

}  // namespace

TEST_CASE("X-Forwarded-For counts only from trusted peers, and only its right-most foreign hop", "[address]") {
  const std::vector<std::string> trusted{"10.0.0.1", "10.1.0.0/16", "2001:db8::/32"};
  CHECK(client("192.0.2.1", "203.0.113.9", trusted) == "192.0.2.1");
  CHECK(client("10.0.0.1", "203.0.113.9", trusted) == "203.0.113.9");
  CHECK(client("10.0.0.1", "198.51.100.1, 203.0.113.9", trusted) == "203.0.113.9");
  CHECK(client("10.0.0.1", "198.51.100.1, 203.0.113.9, 10.1.2.3", trusted) == "203.0.113.9");
  CHECK(client("10.0.0.1", "10.1.0.1,10.1.0.2", trusted) == "10.1.0.1");
  CHECK(client("10.0.0.1", "garbage", trusted) == "10.0.0.1");
  CHECK(client("10.0.0.1", "203.0.113.9, garbage", trusted) == "10.0.0.1");
  CHECK(client("10.0.0.1", "garbage, 203.0.113.9", trusted) == "203.0.113.9");
  CHECK(client("10.0.0.1", "garbage, 10.1.0.1", trusted) == "10.1.0.1");
  CHECK(client("10.0.0.1", "", trusted) == "10.0.0.1");
  CHECK(client("10.0.0.1", "203.0.113.9:4711", trusted) == "203.0.113.9");
  CHECK(client("10.0.0.1", "[2001:db9::7]:4711", trusted) == "2001:db9::7");
  CHECK(client("10.0.0.1", "2001:db9::7", trusted) == "2001:db9::7");
  CHECK(client("::ffff:10.0.0.1", "203.0.113.9", trusted) == "203.0.113.9");
  CHECK(client("2001:db8::5", "::ffff:203.0.113.9", trusted) == "203.0.113.9");
  CHECK(client("10.0.0.1", "203.0.113.9", {}) == "10.0.0.1");
}

TEST_CASE("a request carries the forwarded address", "[address]") {
  nacre::test::http_script s;
  s.trusted = *proxy_list::parse({"192.0.2.7"});
  s.feed("GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 1.2.3.4, 203.0.113.9\r\n\r\n");
  REQUIRE(s.requests.front().client.text == "203.0.113.9");
}

TEST_CASE("what proxies said of each other in lines of their own is one list", "[address]") {
  for (std::string_view trusted : {"192.0.2.7", "192.0.2.0/24"}) {
    nacre::test::http_script s;
    s.trusted = *proxy_list::parse({std::string(trusted)});
    s.feed(
        "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 1.2.3.4\r\nAccept: */*\r\n"
        "x-forwarded-for: 203.0.113.9\r\nX-Forwarded-For: 192.0.2.8\r\n\r\n");
    REQUIRE(s.requests.front().client.text == (trusted.ends_with("/24") ? "203.0.113.9" : "192.0.2.8"));
  }
}

TEST_CASE("limits count by /32 and /64, the audit keeps /24 and /56", "[address]") {
  const auto key = [](const char* t) { return client_address{t}.limit_key(); };
  const auto prefix = [](const char* t) { return client_address{t}.audit_prefix(); };
  CHECK(key("192.0.2.7") == "192.0.2.7");
  CHECK(prefix("192.0.2.7") == "192.0.2.0/24");
  CHECK(key("::ffff:192.0.2.7") == "192.0.2.7");
  CHECK(prefix("::ffff:192.0.2.7") == "192.0.2.0/24");
  CHECK(key("2001:db8:1:2ff:a:b:c:d") == "2001:db8:1:2ff::/64");
  CHECK(key("2001:db8:1:2ff::1") == key("2001:db8:1:2ff:ffff:ffff:ffff:ffff"));
  CHECK(prefix("2001:db8:1:2ff:a:b:c:d") == "2001:db8:1:200::/56");
  CHECK(key("::1") == "::/64");
}

TEST_CASE("a trusted proxy that is no address or network is refused by name", "[address]") {
  for (const char* bad : {"", "proxy.example", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8x", "::/129", "10.0.0/8"}) {
    const auto list = proxy_list::parse({bad});
    INFO(bad);
    REQUIRE(!list);
    REQUIRE(list.error().code == nacre::errc::invalid);
  }
  REQUIRE(proxy_list::parse({"0.0.0.0/0"})->contains(*parse_ip("203.0.113.9")));
  REQUIRE(!proxy_list::parse({"0.0.0.0/0"})->contains(*parse_ip("2001:db8::1")));
}

// Which URLs may be a webhook's, by their text.

#include "model/webhook_url.hpp"

#include <catch2/catch.hpp>

#include "model/limits.hpp"

using namespace nacre;
using namespace nacre::model;

namespace {

webhook_url url(std::string_view text) {
  INFO(text);
  auto parsed = parse_webhook_url(text);
  REQUIRE(parsed);
  return *parsed;
}

}  // namespace

TEST_CASE("a URL is taken apart into where to connect and what to ask for", "[model][webhook_url]") {
  struct sample {
    const char *text, *host, *path, *authority;
    std::uint16_t port;
    bool tls;
  };
  const sample all[] = {
      {"https://hooks.example.com", "hooks.example.com", "/", "hooks.example.com", 443, true},
      {"HTTPS://Hooks.Example.COM/", "hooks.example.com", "/", "hooks.example.com", 443, true},
      {"https://hooks.example.com:443/a/b?c=d&e", "hooks.example.com", "/a/b?c=d&e", "hooks.example.com", 443, true},
      {"https://hooks.example.com?x=1", "hooks.example.com", "/?x=1", "hooks.example.com", 443, true},
      {"http://h:8080/a@b:c", "h", "/a@b:c", "h:8080", 8080, false},
      {"http://xn--bcher-kva.example:80", "xn--bcher-kva.example", "/", "xn--bcher-kva.example", 80, false},
      {"https://192.0.2.7:8443/", "192.0.2.7", "/", "192.0.2.7:8443", 8443, true},
      {"https://[2001:DB8:0::1]/x", "2001:db8::1", "/x", "[2001:db8::1]", 443, true},
      {"https://[::1]:9", "::1", "/", "[::1]:9", 9, true},
  };
  for (const auto& s : all) {
    auto u = url(s.text);
    CHECK(u.host == s.host);
    CHECK(u.path == s.path);
    CHECK(u.port == s.port);
    CHECK(u.tls == s.tls);
    CHECK(u.authority() == s.authority);
  }
  CHECK(url("https://192.0.2.7").kind == webhook_url::host_kind::v4);
  CHECK(url("https://[::1]").kind == webhook_url::host_kind::v6);
  CHECK(url("https://a").kind == webhook_url::host_kind::name);
}

TEST_CASE("what could mean something else to somebody is refused", "[model][webhook_url]") {
  const std::string bad[] = {
      "",
      "hooks.example.com",
      "//hooks.example.com",
      "ftp://hooks.example.com",
      "https:/hooks.example.com",
      "https:///path",
      "https://?a",
      "https://user@hooks.example.com",
      "https://user:pw@hooks.example.com",
      "https://hooks.example.com\\@evil.example",
      "https://hooks.example.com#f",
      "https://hooks.example.com/a#f",
      "https://hooks.example.com /",
      " https://hooks.example.com",
      "https://hooks.example.com/\n",
      "https://b\xc3\xbc.example",
      "https://hooks.example.com:",
      "https://hooks.example.com:0",
      "https://hooks.example.com:65536",
      "https://hooks.example.com:8x",
      "https://hooks.example.com:-1",
      "https://hooks.example.com:+1",
      "https://127.1",
      "https://2130706433",
      "https://0x7f000001",
      "https://0x7f.1",
      "https://017700000001",
      "https://127.0.0.01.",
      "https://1.2.3.4.5",
      "https://256.1.1.1",
      "https://a.1",
      "https://localhost.",
      "https://-a.example",
      "https://a-.example",
      "https://a..example",
      "https://.example",
      "https://*.example",
      "https://%6c.example",
      "https://[::1",
      "https://[::1]x",
      "https://[::1]x80",
      "https://[]",
      "https://[127.0.0.1]",
      "https://[fe80::1%25eth0]",
      "https://::1",
      "https://a:1:2",
      std::string("https://a\0b", 11),
      "https://" + std::string(64, 'a') + ".example",
      "https://a/" + std::string(limits::webhook_url_bytes_max, 'x'),
  };
  for (const auto& text : bad) {
    INFO(text);
    auto parsed = parse_webhook_url(text);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code == errc::invalid);
    if (text.size() > 12) CHECK(parsed.error().text.find(text) == std::string::npos);
  }
}

TEST_CASE("https is asked for, unless the operator lists the host", "[model][webhook_url]") {
  auto hosts =
      webhook_hosts::parse({"Hooks.example.com", "10.1.2.3:8080", "[fd00::0:1]", "[fd00::2]:81"}, false).value();
  for (auto fine : {"http://hooks.example.com", "http://hooks.example.com:8080", "http://10.1.2.3:8080",
                    "http://[fd00::1]", "http://[fd00::2]:81", "https://else.example", "https://10.1.2.3"})
    CHECK(hosts.check(url(fine)));
  for (auto bad : {"http://else.example", "http://10.1.2.3", "http://[fd00::2]", "http://a.hooks.example.com"})
    CHECK(hosts.check(url(bad)).error().text == "url must begin with https://");
  CHECK(hosts.lists(url("https://hooks.example.com:1")));
  CHECK_FALSE(hosts.lists(url("https://10.1.2.3:8081")));

  auto only = webhook_hosts::parse({"hooks.example.com"}, true).value();
  CHECK(only.check(url("https://hooks.example.com")));
  CHECK(only.check(url("https://else.example")).error().code == errc::invalid);
  CHECK_FALSE(webhook_hosts::parse({}, true)->check(url("https://hooks.example.com")));
}

TEST_CASE("a list of hosts names hosts", "[model][webhook_url]") {
  for (auto bad :
       {"", "https://a.example", "a.example/", "a.example:0", "*", "10.0.0.0/8", "fd00::1", "a b", "a@b", "a:"}) {
    INFO(bad);
    CHECK_FALSE(webhook_hosts::parse({bad}, false));
  }
}

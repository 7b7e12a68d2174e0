// How answers say things, and who is asking by the head of a request.

#include <catch2/catch.hpp>

#include "http/families/onetime/asking.hpp"
#include "http/families/onetime/words.hpp"
#include "model/limits.hpp"

using namespace nacre;
using namespace nacre::http;
using namespace nacre::http::onetime;
using std::string;

TEST_CASE("the words of answers", "[onetime]") {
  CHECK(masked_address("foo@example.com") == "fo*****@e*****.com");
  CHECK(masked_address("a@b.co.uk") == "a*****@b*****.uk");
  CHECK(masked_address("nobody") == "*****");
  CHECK(masked_address("a@localhost") == "a*****@l*****");

  CHECK(display_lines("") == 4);
  CHECK(display_lines(string(79, 'x')) == 4);
  CHECK(display_lines(string(80, 'x')) == 5);
  string wide;  // counted in characters
  for (int i = 0; i < 79; ++i) wide += "\xf0\x9f\xa6\xaa";
  CHECK(display_lines(wide) == 4);
  CHECK(display_lines("a\nb\n") == 6);
  CHECK(display_lines(string(10'000, 'x')) == 30);
  CHECK(display_lines(string(100, '\n')) == 30);
  CHECK(one_liner("a\rb"));
  CHECK_FALSE(one_liner("a\n"));

  CHECK(shortid("0123456789") == "01234567");
  CHECK(shortid("012") == "012");

  const std::int64_t hour = 3'600, day = 24 * hour;
  CHECK(natural_expiration(0) == "0 seconds");
  CHECK(natural_expiration(60) == "60 seconds");
  CHECK(natural_expiration(61) == "1 minutes");
  CHECK(natural_expiration(300) == "5 minutes");
  CHECK(natural_expiration(hour) == "60 minutes");
  CHECK(natural_expiration(2 * hour - 1) == "1 hours");
  CHECK(natural_expiration(day) == "24 hours");
  CHECK(natural_expiration(7 * day) == "7 days");
  CHECK(natural_expiration(60 * day) == "60 days");
}

TEST_CASE("looks of machines are told from people's", "[onetime]") {
  auto looked = [](method verb, std::vector<header> headers) {
    request r;
    r.verb = verb;
    r.headers = std::move(headers);
    return mere_look(r);
  };
  const string firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
  CHECK(looked(method::head, {}));
  CHECK_FALSE(looked(method::get, {}));
  for (string person :
       {firefox, string("curl/7.88.1"),
        string("Mozilla/5.0 (Linux; Android 9; CUBOT X18) AppleWebKit/537.36 Chrome/120.0 Mobile Safari/537.36"),
        string("python-requests/2.31.0"), string("onetimesecret-api/1.1.3"), string(),
        string(2'000, 'x') + "googlebot"})
    CHECK_FALSE(looked(method::get, {{"User-Agent", person}}));
  for (string machine :
       {"Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", "Slack-ImgProxy (+https://api.slack.com/robots)",
        "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", "Facebot Twitterbot/1.0",
        "WhatsApp/2.23.20.0", "TelegramBot (like TwitterBot)",
        "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)", "LinkedInBot/1.0",
        "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5",
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 (compatible; bingbot/2.0)", "Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (Applebot/0.1)",
        "http.rb/5.1.1 (Mastodon/4.2.0; +https://m.example/)", "Iframely/1.3.1 (+https://iframely.com/docs/about)",
        "TWITTERBOT"}) {
    INFO(machine);
    CHECK(looked(method::get, {{"user-agent", machine}}));
    CHECK_FALSE(looked(method::post, {{"user-agent", machine}}));
  }
  for (auto [name, value] : {std::pair{"Sec-Purpose", "prefetch;prerender"},
                             {"Purpose", "prefetch"},
                             {"X-Moz", "Prefetch"},
                             {"X-Purpose", "preview"},
                             {"sec-purpose", "prefetch"}}) {
    CHECK(looked(method::get, {{"User-Agent", firefox}, {name, value}}));
    CHECK_FALSE(looked(method::patch, {{name, value}}));
  }
  CHECK_FALSE(looked(method::get, {{"Purpose", "navigate"}, {"X-Other", "prefetch"}}));
}

TEST_CASE("Basic credentials are read strictly", "[onetime]") {
  auto good = [](std::string_view header, std::string_view user, std::string_view password) {
    auto c = parse_basic(header);
    INFO(header);
    REQUIRE(c);
    CHECK(c->user.view() == user);
    CHECK(c->password.view() == password);
  };
  good("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin", "open sesame");
  good("bAsIc YTpi", "a", "b");
  good("Basic YTpiOmM=", "a", "b:c");
  good("Basic Og==", "", "");
  good("Basic YTo=", "a", "");
  good("Basic w7w6wqM=", "\xc3\xbc", "\xc2\xa3");

  auto refused = [](std::string_view header) {
    auto c = parse_basic(header);
    INFO(header);
    REQUIRE_FALSE(c);
    CHECK(c.error().code == errc::unauthenticated);
    return c.error().text.substr(c.error().text.rfind(' ') + 1);
  };
  for (string other : {"", "Bearer YTpi", "Digest a=b", "Basi YTpi", "Basic2 YTpi", "YTpi", " Basic YTpi"})
    CHECK(refused(other) == "AUTH_TYPE_INVALID");
  for (string bad : {"Basic",
                     "Basic ",
                     "Basic  YTpi",
                     "Basic YTpi ",
                     "Basic YTp",
                     "Basic YTpi=",
                     "Basic YTo",
                     "Basic YTo==",
                     "Basic Y=o=",
                     "Basic ====",
                     "Basic =",
                     "Basic YTp_",
                     "Basic YTp-",
                     "Basic Og=",
                     "Basic Oh==",
                     "Basic YTp=",
                     "Basic YQ==",
                     "Basic YT\xff"
                     "i",
                     "Basic YTr/",
                     "Basic YToA",
                     "Basic YToK",
                     "Basic YTpi,YTpi"})
    CHECK(refused(bad) == "CREDENTIALS_INVALID");
  // 1,535 letters and a colon fill the bound; four more digits are too many.
  string most = "Basic " + string(4, 'Y') + string(limits::basic_bytes_max - 8, 'Y') + "YTpi";
  CHECK(refused(most + "YTpi") == "CREDENTIALS_INVALID");
}

// What callers of the Onetime Secret family may send, and what each slip is told.

#include <catch2/catch.hpp>

#include "http/families/onetime/errors.hpp"
#include "http/families/onetime/input.hpp"
#include "http/json.hpp"
#include "http/text.hpp"
#include "tests/support/random_source.hpp"

using namespace nacre;
using namespace nacre::http;
using namespace nacre::http::onetime;
using crypto::secure_bytes;

namespace {

using std::string;
constexpr std::size_t plenty = 4 * limits::secret_bytes_max;
constexpr auto v1 = version::v1, v2 = version::v2;

request post(string type, string body, string query = "") {
  request r;
  r.verb = method::post;
  if (!type.empty()) r.headers.push_back({"content-type", std::move(type)});
  r.body = std::move(body);
  r.query = std::move(query);
  return r;
}
const string json = "application/json", form = "application/x-www-form-urlencoded",
             multipart = "multipart/form-data; boundary=b";

body_fields fields(version v, const string& type, const string& body, const string& query = "") {
  auto f = read_fields(post(type, body, query), v, plenty);
  INFO(body);
  REQUIRE(f);
  return std::move(*f);
}

create_rules rules(bool signed_in = true) { return {signed_in, limits::secret_bytes_default, "secrets.test:8443"}; }

create_input concealed(version v, const string& type, const string& body, const string& query = "",
                       bool signed_in = true) {
  auto c = parse_conceal(fields(v, type, body, query), rules(signed_in));
  INFO(body << " " << query);
  REQUIRE(c);
  return std::move(*c);
}

// {"secret": {<inner>}} in v2, {<inner>} in v1.
string wrapped(version v, const string& inner) { return v == v1 ? "{" + inner + "}" : "{\"secret\":{" + inner + "}}"; }
string with_secret(version v, const string& more) { return wrapped(v, R"("secret":"s",)" + more); }

struct told {
  int status;
  string word, text, field;
  friend bool operator==(const told&, const told&) = default;
};
std::ostream& operator<<(std::ostream& out, const told& t) {
  return out << t.status << ' ' << t.word << " \"" << t.text << "\" " << t.field;
}

told of(const input_failure& f) { return {f.status, string(f.word), f.text, string(f.field)}; }
const told taken{200, "", "", ""};

told conceal_told(version v, const string& body, const create_rules& r = rules()) {
  auto c = parse_conceal(fields(v, json, body), r);
  return c ? taken : of(c.error());
}
told generate_told(version v, const string& body) {
  auto c = parse_generate(fields(v, json, body), rules());
  return c ? taken : of(c.error());
}

told form_error(const string& text, const string& field = "") { return {422, "FormError", text, field}; }
const told bad_format = form_error("Incorrect payload format");

string quote(std::string_view text) {
  json_writer w;
  w.value(text);
  return w.text();
}

string code_points(std::size_t n) {
  string out;
  while (n-- > 0) out += "\xf0\x9f\xa6\xaa";
  return out;
}

}  // namespace

TEST_CASE("a create is the same by JSON, form, multipart and, in v1, query", "[onetime]") {
  struct way {
    version v;
    string type, body, query;
  };
  const string part = "--b\r\nContent-Disposition: form-data; name=";
  const way ways[] = {
      {v2, json,
       R"({"secret":{"secret":" a+b\n","ttl":300,"passphrase":"pass","recipient":"a@b.example","kind":"conceal"}})",
       ""},
      {v2, "Application/JSON; charset=utf-8",
       R"({"secret":{"secret":" a+b\n","ttl":"300","passphrase":"pass","recipient":["a@b.example"],"x":{}}})", ""},
      {v2, "", R"({"secret":{"secret":" a+b\n","ttl":300.9,"passphrase":"pass","recipient":[" a@b.example, "]}})", ""},
      {v2, form, "secret[secret]=+a%2Bb%0a&secret[ttl]=300&secret%5Bpassphrase%5D=pass&secret[recipient][]=a@b.example",
       ""},
      {v2, multipart,
       part + "\"secret[secret]\"\r\n\r\n a+b\n\r\n" + part + "\"secret[ttl]\"\r\n\r\n300\r\n" + part +
           "\"secret[passphrase]\"\r\n\r\npass\r\n" + part + "\"secret[recipient]\"\r\n\r\na@b.example\r\n--b--\r\n",
       ""},
      {v1, json, R"({"secret":" a+b\n","ttl":300,"passphrase":"pass","recipient":"a@b.example"})", ""},
      {v1, form, "secret=+a%2Bb%0a&ttl=300&passphrase=pass&recipient=a@b.example", ""},
      {v1, "", "secret=+a%2Bb%0a&ttl=300&passphrase=pass&recipient=a@b.example", ""},
      {v1, multipart,
       part + "secret; filename=f\r\n\r\n a+b\n\r\n" + part + "ttl\r\n\r\n300\r\n" + part +
           "passphrase\r\n\r\npass\r\n" + part + "recipient\r\n\r\na@b.example\r\n--b--\r\n",
       ""},
      {v1, "", "", "secret=+a%2Bb%0a&ttl=300&passphrase=pass&recipient=a%40b.example"},
      // The body counts more than the query, the last of two more than the first.
      {v1, form, "secret=x&secret=+a%2Bb%0a&ttl=300", "ttl=5000&passphrase=pass&secret=y&recipient=a@b.example"},
      {v1, json, R"({"secret":" a+b\n"})", "ttl=1&ttl=300&passphrase=pass&secret=y&recipient=a@b.example"},
  };
  for (const auto& w : ways) {
    INFO(w.type << " " << w.body << " " << w.query);
    auto c = concealed(w.v, w.type, w.body, w.query);
    CHECK(c.value.view() == " a+b\n");
    CHECK(c.ttl_s == 300);
    REQUIRE(c.passphrase);
    CHECK(c.passphrase->view() == "pass");
    CHECK(c.recipients == std::vector<string>{"a@b.example"});
  }
}

TEST_CASE("v2 never reads the query string, and v1 only that of a POST", "[onetime]") {
  CHECK(read_fields(post("", "", "secret[secret]=x&%"), v2, plenty)->entries.empty());
  auto get = post("", "", "secret=x&%");
  get.verb = method::get;
  CHECK(read_fields(get, v1, plenty)->entries.empty());
}

TEST_CASE("a body nobody can read is a bad request, an empty one is an empty object", "[onetime]") {
  for (auto v : {v1, v2}) {
    for (const auto& type : {json, form, multipart, string("text/plain"), string("nonsense"), string()})
      CHECK(read_fields(post(type, ""), v, plenty)->entries.empty());
    const std::pair<string, string> unreadable[] = {
        {json, "{"},          {json, "[]"},
        {json, " "},          {json, R"({"a":1,"a":2})"},
        {json, "a=1"},        {json, "{\"a\":\"\xff\"}"},
        {form, "a=%"},        {multipart, "a=1"},
        {"text/plain", "{}"}, {"application/xml", "<a/>"},
        {"nonsense", "{}"},   {"multipart/form-data", "--b--\r\n"},
    };
    for (const auto& [type, body] : unreadable) {
      INFO(type << " " << body);
      auto f = read_fields(post(type, body), v, plenty);
      REQUIRE_FALSE(f);
      CHECK(f.error().status == 400);
      CHECK(f.error().intended() == 400);
      CHECK(f.error().word == "BadRequest");
      CHECK_FALSE(f.error().text.empty());
    }
    auto small = read_fields(post(json, R"({"secret":{"secret":"12345678"}})"), v, 20);
    REQUIRE_FALSE(small);
    CHECK(small.error().text == "The body is too large.");
    CHECK_FALSE(read_fields(post(form, "secret=1234567890123456789"), v, 20));
  }
  CHECK_FALSE(read_fields(post(form, "secret=x", "ttl=%"), v1, plenty));
}

TEST_CASE("nothing to share is told so", "[onetime]") {
  const told missing{422, "missing", "You did not provide anything to share", "secret"};
  for (auto body : {"{}", R"({"secret":null})", R"({"secret":{}})", R"({"secret":{"secret":""}})",
                    R"({"secret":{"secret":null,"ttl":60}})", R"({"ttl":300})"})
    CHECK(conceal_told(v2, body) == missing);
  for (auto body : {"{}", R"({"secret":""})", R"({"secret":null})", R"({"ttl":60})"})
    CHECK(conceal_told(v1, body) == missing);
  auto f = parse_conceal(fields(v1, form, "secret="), rules());
  REQUIRE_FALSE(f);
  CHECK(f.error().message(v1) == "You did not provide anything to share");
  CHECK(f.error().intended() == 400);
}

TEST_CASE("a payload of the wrong shape is told so", "[onetime]") {
  for (auto body :
       {R"({"secret":"text"})", R"({"secret":""})", R"({"secret":7})", R"({"secret":[]})",
        R"({"secret":[{"secret":"x"}]})", R"({"secret":true})", R"({"secret":{"secret":{}}})",
        R"({"secret":{"secret":["x"]}})", R"({"secret":{"secret":[]}})", R"({"secret":{"secret":1.5}})",
        R"({"secret":{"secret":123456789012345678901234567890}})", R"({"secret":{"secret":"x","passphrase":{}}})",
        R"({"secret":{"secret":"x","passphrase":["long"]}})", R"({"secret":{"secret":"x","recipient":{}}})",
        R"({"secret":{"secret":"x","recipient":[[]]}})"}) {
    INFO(body);
    CHECK(conceal_told(v2, body) == bad_format);
  }
  auto flat = parse_conceal(fields(v2, form, "secret=text"), rules());
  REQUIRE_FALSE(flat);
  CHECK(of(flat.error()) == bad_format);
  CHECK(conceal_told(v1, R"({"secret":{"secret":"x"}})") == bad_format);
  for (auto [body, value] : {std::pair{R"({"secret":-42})", "-42"}, std::pair{R"({"secret":true})", "true"}})
    CHECK(concealed(v1, json, body).value.view() == value);
}

TEST_CASE("the value's limit counts bytes and is configurable", "[onetime]") {
  for (auto v : {v1, v2}) {
    const string most(limits::secret_bytes_default, 'x'), wide = code_points(most.size() / 4);
    CHECK(concealed(v, json, wrapped(v, "\"secret\":" + quote(most))).value.view() == most);
    CHECK(concealed(v, json, wrapped(v, "\"secret\":" + quote(wide))).value.view() == wide);
    for (const auto& longer : {most + "x", wide + "x"}) {
      auto c = parse_conceal(fields(v, json, wrapped(v, "\"secret\":" + quote(longer))), rules());
      REQUIRE_FALSE(c);
      CHECK(of(c.error()) == form_error("Secret content must be no more than 10000 bytes long", "secret"));
      CHECK(c.error().message(v1) == "Secret value exceeds the maximum size of 10000 bytes");
      CHECK(c.error().message(v2) == c.error().text);
    }
    auto wider = rules();
    wider.secret_bytes_max = limits::secret_bytes_max;
    const string large(wider.secret_bytes_max, 'y');
    auto big = parse_conceal(fields(v, json, wrapped(v, "\"secret\":" + quote(large))), wider);
    REQUIRE(big);
    CHECK(big->value.view() == large);
    CHECK(conceal_told(v, wrapped(v, "\"secret\":" + quote(large + "y")), wider) ==
          form_error("Secret content must be no more than 1048576 bytes long", "secret"));
  }
  auto bytes = parse_conceal(fields(v1, form, "secret=%ff"), rules());
  REQUIRE_FALSE(bytes);
  CHECK(of(bytes.error()) == form_error("Secret content must be valid UTF-8", "secret"));
  CHECK(concealed(v1, form, "secret=%00%0d%0a").value.view() == string("\0\r\n", 3));
}

TEST_CASE("lifetimes are clamped, never refused", "[onetime]") {
  struct row {
    string ttl;  // JSON
    std::int64_t signed_in, guest;
  };
  const std::int64_t day = 86'400, week = 7 * day, month = 30 * day;
  const row rows[] = {
      {"null", week, week},
      {"300", 300, 300},
      {"\"300\"", 300, 300},
      {"\" 300 \"", 300, 300},
      {"\"+300\"", 300, 300},
      {"\"300s\"", 300, 300},
      {"61.9", 61, 61},
      {"60", 60, 60},
      {"59", 60, 60},
      {"0", 60, 60},
      {"-1", 60, 60},
      {"-9999999999999999999999999", 60, 60},
      {"\"\"", 60, 60},
      {"\"garbage\"", 60, 60},
      {"\"-300\"", 60, 60},
      {"true", 60, 60},
      {"[]", 60, 60},
      {"[300]", 60, 60},
      {"{}", 60, 60},
      {"{\"a\":300}", 60, 60},
      {"1209600", 2 * week, week},
      {"2592000", month, week},
      {"2592001", month, week},
      {"9223372036854775807", month, week},
      {"9223372036854775808", month, week},
      {"18446744073709551616", month, week},
      {"99999999999999999999999999999999", month, week},
      {"1e30", month, week},
      {"\"99999999999999999999999999999999\"", month, week},
      {"\"" + string(5'000, '9') + "\"", month, week},
      {string(5'000, '9'), month, week},
  };
  for (auto v : {v1, v2})
    for (const auto& r : rows) {
      INFO(r.ttl.substr(0, 40));
      CHECK(concealed(v, json, with_secret(v, "\"ttl\":" + r.ttl)).ttl_s == r.signed_in);
      CHECK(concealed(v, json, with_secret(v, "\"ttl\": " + r.ttl + " "), "", false).ttl_s == r.guest);
    }
  CHECK(concealed(v2, json, R"({"secret":{"secret":"s"}})").ttl_s == week);
  CHECK(concealed(v1, form, "secret=s&ttl=").ttl_s == 60);
  CHECK(concealed(v1, form, "secret=s&ttl=0").ttl_s == 60);
  CHECK(concealed(v1, form, "secret=s&ttl").ttl_s == 60);
  for (const auto& huge : {string("1e400"), string("2E+308"), string(400, '7') + ".5", string(30, '9') + "e300"})
    CHECK(concealed(v2, json, with_secret(v2, "\"ttl\":" + huge)).ttl_s == 30 * 86'400);
  for (const auto& tiny : {string("-1e400"), "-" + string(400, '7'), string("1e-400")})
    CHECK(concealed(v2, json, with_secret(v2, "\"ttl\":" + tiny)).ttl_s == 60);
  // Only numbers are made smaller for the parser, and only where they are numbers.
  const string digits = "123456789012345678901234567890";
  CHECK(concealed(v1, json, R"({"secret":" : )" + digits + R"( \" ,)" + digits + R"(", "ttl":)" + digits + "}")
            .value.view() == " : " + digits + " \" ," + digits);
  for (const auto& bad : {"{\"ttl\":0" + digits + "}", "{\"ttl\":" + digits + "x}", "{\"ttl\":" + digits + ",}",
                          "{" + digits + "}", "{\"ttl\":1 " + digits + "}"})
    CHECK_FALSE(read_fields(post(json, bad), v1, plenty));
}

TEST_CASE("a passphrase has 4 to 128 characters, or there is none", "[onetime]") {
  const auto few = form_error("Passphrase must be at least 4 characters long", "passphrase"),
             many = form_error("Passphrase must be no more than 128 characters long", "passphrase");
  for (auto v : {v1, v2}) {
    auto with = [v](const string& p) { return with_secret(v, "\"passphrase\":" + quote(p)); };
    CHECK_FALSE(concealed(v, json, with("")).passphrase);
    CHECK_FALSE(concealed(v, json, with_secret(v, "\"passphrase\":null")).passphrase);
    CHECK_FALSE(concealed(v, json, wrapped(v, R"("secret":"s")")).passphrase);
    for (const auto& p : {string("abcd"), string(128, 'p'), code_points(4), code_points(128), string("    ")})
      CHECK(concealed(v, json, with(p)).passphrase->view() == p);
    for (const auto& p : {string("abc"), code_points(3), string("a")}) CHECK(conceal_told(v, with(p)) == few);
    for (const auto& p : {string(129, 'p'), code_points(129), string(9'000, 'p')})
      CHECK(conceal_told(v, with(p)) == many);
    CHECK(concealed(v, json, with_secret(v, "\"passphrase\":1234")).passphrase->view() == "1234");
  }
  auto bytes = parse_conceal(fields(v1, form, "secret=s&passphrase=abc%ff"), rules());
  REQUIRE_FALSE(bytes);
  CHECK(of(bytes.error()) == form_error("Passphrase must be valid UTF-8", "passphrase"));
}

TEST_CASE("recipients need an account, an address each, and are ten at most", "[onetime]") {
  auto of_json = [](const string& r) { return concealed(v2, json, with_secret(v2, "\"recipient\":" + r)).recipients; };
  using list = std::vector<string>;
  CHECK(of_json("null").empty());
  CHECK(of_json("\"\"").empty());
  CHECK(of_json("[]").empty());
  CHECK(of_json("[\"\",null,\" , \"]").empty());
  CHECK(of_json(R"("a@b.example, c.d+e@f-g.example;h@i.example j@k.example")") ==
        list{"a@b.example", "c.d+e@f-g.example", "h@i.example", "j@k.example"});
  CHECK(of_json("\"a@b.c\"") == list{"a@b.c"});  // the contract's own example
  CHECK(of_json(R"(["a@b.example","c@d.example, a@b.example"])") == list{"a@b.example", "c@d.example"});
  CHECK(concealed(v1, form, "secret=s&recipient=a@b.example&recipient[]=c@d.example").recipients ==
        list{"a@b.example", "c@d.example"});
  for (string bad : {"x", "x@", "@b.example", "x@y", "a@b@c.example", "a@b..example", "a@.example", "a@b.example.",
                     "a@-b.example", "a@b-.example", "a@b.1", ".a@b.example", "a.@b.example", "a..b@c.example",
                     "a@b_c.example", "<a@b.example>", "\"a\"@b.example"}) {
    INFO(bad);
    CHECK(conceal_told(v2, with_secret(v2, "\"recipient\":" + quote("ok@b.example," + bad))) ==
          told{422, "invalid_email", "Undeliverable email address: " + bad, "recipient"});
  }
  for (string unsayable : {string("\xc3\xbc@b.example"), string(300, 'a') + "@b.example"})
    CHECK(conceal_told(v1, with_secret(v1, "\"recipient\":" + quote(unsayable))) ==
          told{422, "invalid_email", "Undeliverable email address", "recipient"});
  CHECK(conceal_told(v2, with_secret(v2, "\"recipient\":[17]")).word == "invalid_email");

  string ten, eleven, flood = "[";
  for (int i = 0; i < 10; ++i) ten += "u" + std::to_string(i) + "@b.example,";
  eleven = ten + "u10@b.example";
  for (int i = 0; i < 5'000; ++i) flood += "\"\",";
  CHECK(of_json(quote(ten + ten)).size() == 10);
  const auto many = form_error("No more than 10 recipients are allowed", "recipient");
  CHECK(conceal_told(v2, with_secret(v2, "\"recipient\":" + quote(eleven))) == many);
  CHECK(conceal_told(v2, with_secret(v2, "\"recipient\":" + flood + "\"\"]")) == many);

  const told account{401, "Unauthorized", "An account is required to send emails.", "recipient"};
  for (string anybody : {"\"a@b.example\"", "\"x\"", "[\"a@b.example\"]"}) {
    CHECK(conceal_told(v2, with_secret(v2, "\"recipient\":" + anybody), rules(false)) == account);
    CHECK(conceal_told(v1, with_secret(v1, "\"recipient\":" + anybody), rules(false)) == account);
  }
  CHECK(concealed(v2, json, with_secret(v2, R"("recipient":["",null])"), "", false).recipients.empty());
  auto v1_guest = parse_generate(fields(v1, form, "recipient=a@b.example"), rules(false));
  REQUIRE_FALSE(v1_guest);
  CHECK(v1_guest.error().intended() == 401);
}

TEST_CASE("a share domain is ours, ignored, or unknown", "[onetime]") {
  auto domain = [](const string& d) { return conceal_told(v2, with_secret(v2, "\"share_domain\":" + d)); };
  for (string fine : {"null", "\"\"", "\"secrets.test\"", "\"Secrets.TEST\"", "\"localhost\"",
                      "\"https://other.example\"", "\"a b.example\"", "\"127.0.0.1\"", "\"other.example:80\"",
                      "\"../..\"", "17", "12.5", "true", "[]", "{}", "[\"other.example\"]"})
    CHECK(domain(fine) == taken);
  CHECK(domain("\"other.example\"") == form_error("Unknown domain: other.example", "share_domain"));
}

TEST_CASE("a generated secret has 4 to 128 characters of chosen sets", "[onetime]") {
  for (auto v : {v1, v2}) {
    auto made = [v](const string& inner) {
      auto c = parse_generate(fields(v, json, wrapped(v, inner)), rules());
      INFO(inner);
      REQUIRE(c);
      CHECK(c->value.empty());
      return c->generate;
    };
    auto g = made("");
    CHECK(g.chars == 12);
    CHECK((g.uppercase && g.lowercase && g.numbers && !g.symbols && g.exclude_ambiguous));
    for (auto [length, chars] : {std::pair{"4", 4U}, {"128", 128U}, {"\"20\"", 20U}, {"null", 12U}, {"\"\"", 12U}})
      CHECK(made(string("\"length\":") + length).chars == chars);
    const auto longer = form_error("Generated password length must be no more than 128 characters", "length"),
               shorter = form_error("Generated password length must be at least 4 characters", "length");
    for (string length : {"129", "\"129\"", "9223372036854775807", "99999999999999999999999", "1e9"})
      CHECK(generate_told(v, wrapped(v, "\"length\":" + length)) == longer);
    for (string length : {"3", "0", "-5", "\"x\"", "true", "[]", "{}"})
      CHECK(generate_told(v, wrapped(v, "\"length\":" + length)) == shorter);
    g = made(
        R"("character_sets":{"uppercase":false,"lowercase":"false","symbols":true,"exclude_ambiguous":false,"x":1})");
    CHECK((!g.uppercase && !g.lowercase && g.numbers && g.symbols && !g.exclude_ambiguous));
    g = made(R"("character_sets":{"uppercase":null,"numbers":""},"secret":"ignored","passphrase":"pass")");
    CHECK((g.uppercase && g.lowercase && g.numbers && !g.symbols));
    for (string sets : {"\"all\"", "[]", "[\"uppercase\"]", "true"})
      CHECK(generate_told(v, wrapped(v, "\"character_sets\":" + sets)) == bad_format);
    for (string flag : {"1", "\"yes\"", "\"TRUE\""})
      CHECK(generate_told(v, wrapped(v, "\"character_sets\":{\"symbols\":" + flag + "}")) ==
            form_error("Character sets must be true or false", "character_sets"));
    CHECK(generate_told(v, wrapped(v, R"("character_sets":{"uppercase":false,"lowercase":false,"numbers":false})")) ==
          form_error("At least one character set is needed", "character_sets"));
    CHECK(generate_told(v, wrapped(v, "\"passphrase\":\"abc\"")).field == "passphrase");
  }
  CHECK(generate_told(v2, R"({"secret":"text"})") == bad_format);
  auto by_form =
      parse_generate(fields(v2, form, "secret[length]=30&secret[character_sets][symbols]=true"), rules(false));
  REQUIRE(by_form);
  CHECK((by_form->generate.chars == 30 && by_form->generate.symbols && by_form->generate.numbers));
}

TEST_CASE("only true goes on, and v1 always does", "[onetime]") {
  auto claim = [](const string& type, const string& body) {
    auto c = parse_claim(fields(v2, type, body));
    REQUIRE(c);
    return std::move(*c);
  };
  for (auto yes : {R"({"continue":true})", R"({"continue":"true"})"}) CHECK(claim(json, yes).proceed);
  for (auto no :
       {"", "{}", R"({"continue":false})", R"({"continue":"false"})", R"({"continue":"1"})", R"({"continue":1})",
        R"({"continue":"yes"})", R"({"continue":"TRUE"})", R"({"continue":" true"})", R"({"continue":null})",
        R"({"continue":["true"]})", R"({"continue":[true]})", R"({"continue":{}})", R"({"secret":{"continue":true}})"})
    CHECK_FALSE(claim(json, no).proceed);
  CHECK(claim(form, "continue=true&passphrase=p%26").proceed);
  CHECK(claim(form, "continue=true&passphrase=p%26").passphrase.view() == "p&");
  CHECK(claim(json, R"({"passphrase":"p"})").passphrase.view() == "p");
  CHECK(claim(json, R"({"passphrase":null})").passphrase.empty());
  CHECK(claim(json, R"({"passphrase":1234})").passphrase.view() == "1234");
  CHECK_FALSE(parse_claim(fields(v2, json, R"({"passphrase":{}})")));

  for (auto [type, body, query] : {std::tuple{form, string("passphrase=p"), string()},
                                   {string(), string(), string("passphrase=p")},
                                   {json, string(R"({"passphrase":"p","continue":false})"), string()}}) {
    auto c = parse_claim(fields(v1, type, body, query));
    REQUIRE(c);
    CHECK((c->proceed && c->passphrase.view() == "p"));
  }

  auto shown = parse_show_query("passphrase=a+b&continue=false&continue=true&x=1");
  REQUIRE(shown);
  CHECK((shown->proceed && shown->passphrase.view() == "a b"));
  CHECK_FALSE(parse_show_query("")->proceed);
  CHECK(of(parse_show_query("passphrase=%").error()) ==
        told{400, "BadRequest", "The form has a malformed escape.", ""});
}

TEST_CASE("a memo has at most 500 characters", "[onetime]") {
  auto memo = [](const string& m) { return parse_memo(fields(v2, json, "{\"memo\":" + m + "}")); };
  CHECK_FALSE(*parse_memo(fields(v2, json, "{}")));
  CHECK_FALSE(*memo("null"));
  CHECK(**memo("\"\"") == "");
  CHECK(**memo(quote(code_points(500))) == code_points(500));
  CHECK(of(memo(quote(code_points(501))).error()) ==
        form_error("Memo must be no more than 500 characters long", "memo"));
  CHECK(of(memo("[\"a\"]").error()) == bad_format);
  CHECK(of(parse_memo(fields(v2, form, "memo=%ff")).error()) == form_error("Memo must be valid UTF-8", "memo"));
}

TEST_CASE("many identifiers come as text or list, cleaned and bounded", "[onetime]") {
  using list = std::vector<string>;
  auto asked = [](const string& i) { return parse_identifiers(fields(v2, json, "{\"identifiers\":" + i + "}")); };
  auto texts = [](const std::vector<secure_bytes>& all) {
    list out;
    for (const auto& each : all) out.emplace_back(each.view());
    return out;
  };
  CHECK(texts(*asked(R"("a,b , c/d,,")")) == list{"a", "b", "cd"});
  CHECK(texts(*asked(R"(["a","b,c",null,"","%"])")) == list{"a", "b", "c"});
  CHECK(parse_identifiers(fields(v2, json, "{}"))->empty());
  CHECK(texts(*parse_identifiers(fields(v2, form, "identifiers[]=a&identifiers[]=b"))) == list{"a", "b"});
  CHECK(of(asked("[{}]").error()) == bad_format);
  CHECK(of(asked("{}").error()) == bad_format);
  string most, items = "[\"0\"";
  for (std::size_t i = 0; i < limits::identifiers_max; ++i) most += "x,";
  for (std::size_t i = 0; i < limits::identifiers_max; ++i) items += ",\"x\"";
  const auto many = form_error("No more than 100 identifiers are allowed", "identifiers");
  CHECK(asked(quote(most))->size() == limits::identifiers_max);
  CHECK(of(asked(quote(most + "x")).error()) == many);
  CHECK(of(asked(items + "]").error()) == many);

  CHECK(clean_identifier("aZ09-_").view() == "aZ09-_");
  CHECK(clean_identifier(" a.b/c~%\xc3\xa9\x00,").view() == "abc");
  CHECK(clean_identifier("./").empty());
  CHECK(identifier_in_path("%61Z%30-%5F").view() == "aZ0-_");
  CHECK(identifier_in_path("a%2f%00%c3%a9b%").view() == "ab");
  CHECK(identifier_in_path("%4%4g%%41").view() == "44gA");
  CHECK(identifier_in_path("%2541").view() == "41");  // decoded once
  // Who has an identifier has the secret: what holds one wipes it.
  static_assert(std::is_same_v<decltype(clean_identifier("")), secure_bytes>);
  static_assert(std::is_same_v<decltype(problem::v1_key), secure_bytes>);
}

TEST_CASE("any bytes in any shape are read or refused, and what is read keeps the limits", "[onetime]") {
  testing::random_source random(testing::announced_seed("onetime input"));
  const string types[] = {json, form, multipart, "", "text/plain"};
  const string pieces[] = {"secret",
                           "ttl",
                           "passphrase",
                           "recipient",
                           "character_sets",
                           "length",
                           "symbols",
                           "[",
                           "]",
                           "{",
                           "}",
                           "\"",
                           ":",
                           ",",
                           "=",
                           "&",
                           "%41",
                           "true",
                           "null",
                           "300",
                           "a@b.example",
                           "\r\n",
                           "--b",
                           "--b--",
                           "[]",
                           "Content-Disposition: form-data; name=",
                           "99999999999999999999",
                           "secret[secret]",
                           " ",
                           "+"};
  for (int round = 0; round < 20'000; ++round) {
    string body = random.one_in(2) ? R"({"secret":{"secret":"x",)" : "";
    for (auto n = random.below(12); n-- > 0;)
      body += random.one_in(8) ? random.bytes(4) : pieces[random.below(std::size(pieces))];
    if (random.one_in(2)) body += "}}";
    const auto v = random.one_in(2) ? v1 : v2;
    auto f = read_fields(post(types[random.below(std::size(types))], body, random.one_in(4) ? "ttl=1" : ""), v, plenty);
    if (!f) {
      CHECK(f.error().status == 400);
      continue;
    }
    const bool signed_in = random.one_in(2);
    auto made = random.one_in(2) ? parse_conceal(std::move(*f), rules(signed_in))
                                 : parse_generate(std::move(*f), rules(signed_in));
    if (!made) {
      CHECK((made.error().status == 401 || made.error().status == 422));
      CHECK(all_of(made.error().text, [](char c) { return c >= ' ' && c < 0x7f; }));
      continue;
    }
    CHECK((made->ttl_s >= 60 && made->ttl_s <= (signed_in ? 2'592'000 : 604'800)));
    CHECK(made->recipients.size() <= (signed_in ? 10U : 0U));
    CHECK((made->generate.chars >= 4 && made->generate.chars <= 128));
  }
}

TEST_CASE("what is said in JSON or a form reaches the create as it was said", "[onetime]") {
  testing::random_source random(testing::announced_seed("onetime round trip"));
  static constexpr char hex[] = "0123456789abcdef";
  auto text = [&](std::size_t at_most) {
    string out;
    for (auto n = 1 + random.below(at_most); n-- > 0;)
      out += random.one_in(4) ? code_points(1) : string(1, static_cast<char>(random.below(128)));
    return out;
  };
  auto coded = [](std::string_view plain) {
    string out;
    for (const char c : plain) out += {'%', hex[static_cast<unsigned char>(c) >> 4], hex[c & 15]};
    return out;
  };
  for (int round = 0; round < 2'000; ++round) {
    const auto v = random.one_in(2) ? v1 : v2;
    const string value = text(200), phrase = "long" + text(60);
    auto c = random.one_in(2)
                 ? concealed(v, json, wrapped(v, "\"secret\":" + quote(value) + ",\"passphrase\":" + quote(phrase)))
             : v == v1 ? concealed(v, form, "secret=" + coded(value) + "&passphrase=" + coded(phrase))
                       : concealed(v, form, "secret[secret]=" + coded(value) + "&secret[passphrase]=" + coded(phrase));
    REQUIRE(c.value.view() == value);
    REQUIRE(c.passphrase->view() == phrase);
  }
}

// Claims, issuers and key rotation: what an authenticator promises to the rest of nacre.
#include "crypto/jwt.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <fstream>
#include <thread>

#include "jose_kit.hpp"
#include "support.hpp"

using namespace nacre;
using namespace nacre::crypto;
using namespace nacre::crypto::test;

namespace {

using members = std::map<std::string, std::string>;

constexpr std::int64_t now_s = 1'800'000'000;
constexpr timestamp now{now_s * 1000};
constexpr timestamp at(std::int64_t seconds) { return timestamp{seconds * 1000}; }

void write(const std::filesystem::path& path, std::string_view text, unsigned mode = 0600) {
  const auto fresh = path.string() + ".new";
  std::ofstream{fresh, std::ios::binary} << text;
  std::filesystem::permissions(fresh, std::filesystem::perms{mode});
  std::filesystem::rename(fresh, path);
}

const signer& ed() {
  static const signer key = signer::ed25519("ed");
  return key;
}

std::string claims(const members& changes = {}) {
  members all{{"iss", R"("https://issuer.example")"},
              {"aud", R"("nacre-api")"},
              {"sub", R"("alice")"},
              {"exp", std::to_string(now_s + 600)},
              {"iat", std::to_string(now_s)}};
  for (const auto& [name, value] : changes) all[name] = value;
  return object(all);
}

issuer_config config(const std::filesystem::path& file) {
  issuer_config out;
  out.issuer = "https://issuer.example";
  out.audience = "nacre-api";
  out.jwks_file = file;
  out.trust_roles = true;
  out.client_ids = {"web-app", "cli-app"};
  return out;
}

struct fixture {
  temporary_directory directory;
  std::filesystem::path file = directory / "jwks.json";
  std::unique_ptr<authenticator> made;

  explicit fixture(const std::vector<std::string>& jwks = {ed().jwk()}) : fixture(jwks, [](issuer_config&) {}) {}
  template <class Change>
  fixture(const std::vector<std::string>& jwks, Change change) {
    write(file, key_set_json(jwks));
    auto one = config(file);
    change(one);
    auto result = make_authenticator({one});
    REQUIRE(result);
    made = std::move(*result);
  }

  jwt_refusal refusal(std::string_view token, timestamp when = now) const {
    auto why = jwt_refusal::malformed;
    const auto answer = made->verify(token, when, &why);
    CHECK(answer.has_value() == (why == jwt_refusal::none));
    if (!answer) {
      CHECK(answer.error().code == errc::unauthenticated);
      CHECK(answer.error().text == "the access token is not valid");
    }
    return why;
  }
  jwt_refusal of_claims(const members& changes, timestamp when = now) const {
    return refusal(ed().sign(claims(changes)), when);
  }
};

std::string number(std::int64_t n) { return std::to_string(n); }

}  // namespace

TEST_CASE("a good token tells who is calling", "[crypto][jwt]") {
  const fixture f;
  const auto answer = f.made->verify(ed().sign(claims({{"email", R"("alice@example.org")"},
                                                       {"ws", R"("w-1")"},
                                                       {"ws_name", R"("Überraum \"7\"")"},
                                                       {"role", R"("admin")"},
                                                       {"scope", R"("openid")"}})),
                                     now);
  REQUIRE(answer);
  CHECK(answer->issuer == "https://issuer.example");
  CHECK(answer->subject == "alice");
  CHECK(answer->expires_s == now_s + 600);
  CHECK(answer->email == "alice@example.org");
  CHECK(answer->workspace == "w-1");
  CHECK(answer->workspace_name == "Überraum \"7\"");
  CHECK(answer->role == "admin");
  CHECK(answer->trust_roles);
  CHECK_FALSE(answer->subject_is_user_id);
}

TEST_CASE("workspace and role of an issuer that is not trusted with roles are not passed on", "[crypto][jwt]") {
  const fixture f{{ed().jwk()}, [](issuer_config& c) { c.trust_roles = false; }};
  const auto answer = f.made->verify(
      ed().sign(claims({{"email", R"("a@b.c")"}, {"ws", R"("w")"}, {"ws_name", R"("n")"}, {"role", R"("owner")"}})),
      now);
  REQUIRE(answer);
  CHECK(answer->email == "a@b.c");
  CHECK_FALSE(answer->workspace);
  CHECK_FALSE(answer->workspace_name);
  CHECK_FALSE(answer->role);
  CHECK_FALSE(answer->trust_roles);
  // They may mean something else there, of another type.
  for (const char* name : {"ws", "ws_name", "role"})
    for (const char* other : {"[]", "7", "null", R"("a\nb")", R"(["reader"])"})
      CHECK(f.of_claims({{name, other}}) == jwt_refusal::none);
}

TEST_CASE("scopes are passed on of an issuer that is trusted with them, and no other type of claim is one",
          "[crypto][jwt]") {
  const fixture trusted{{ed().jwk()}, [](issuer_config&c) { c.trust_scopes = true; }}, plain;
  const auto scope = [](const fixture& f, const std::string& said) {
    const auto answer = f.made->verify(ed().sign(claims({{"scope", said}})), now);
    REQUIRE(answer);
    return answer->scope;
  };
  CHECK(scope(trusted, R"("openid nacre.cluster")") == "openid nacre.cluster");
  CHECK(scope(plain, R"("openid nacre.cluster")") == std::nullopt);
  const std::string longest(1'024, 's');
  CHECK(scope(trusted, '"' + longest + '"') == longest);
  // It gives no right then, and whoever comes for other things comes in.
  for (const char* other : {R"(["nacre.cluster"])", R"({"nacre.cluster":true})", "7", "true", "null", R"("a\nb")"})
    CHECK(scope(trusted, other) == std::nullopt);
}

TEST_CASE("an e-mail address the issuer has not verified is not passed on", "[crypto][jwt]") {
  const fixture f;
  const auto email = [&](const std::string& verified) {
    const auto answer = f.made->verify(ed().sign(claims({{"email", R"("a@b.c")"}, {"email_verified", verified}})), now);
    REQUIRE(answer);
    return answer->email.has_value();
  };
  CHECK(email(""));
  CHECK(email("true"));
  CHECK(email(R"("true")"));
  for (const char* no : {"false", R"("false")", "null", "1", R"("")"}) CHECK_FALSE(email(no));
}

TEST_CASE("every claim has one type and bounds", "[crypto][jwt]") {
  const fixture f;
  const std::vector<std::string> no_string{"null", "1", "true", "{}", "[]", "[\"a\"]", "1.5"};
  const std::vector<std::string> no_date{"null",
                                         "\"1800000600\"",
                                         "true",
                                         "{}",
                                         "[]",
                                         "-1",
                                         "-1800000600",
                                         "1800000600.0",
                                         "1.8000006e9",
                                         "253402300800",
                                         "9223372036854775807",
                                         "9223372036854775808",
                                         "18446744073709551615"};
  for (const char* name : {"sub", "email", "ws", "ws_name", "role"})
    for (const auto& value : no_string) {
      INFO(name << " = " << value);
      CHECK(f.of_claims({{name, value}}) == jwt_refusal::claims);
    }
  for (const char* name : {"exp", "nbf", "iat"})
    for (const auto& value : no_date) {
      INFO(name << " = " << value);
      CHECK(f.of_claims({{name, value}}) == jwt_refusal::claims);
    }
  CHECK(f.of_claims({{"exp", "99999999999999999999"}}) == jwt_refusal::claims);  // no JSON number of ours
  for (const auto& value : no_string)
    if (value != "[\"a\"]" && value != "[]") CHECK(f.of_claims({{"aud", value}}) == jwt_refusal::claims);
  for (const auto& value : no_string) CHECK(f.of_claims({{"iss", value}}) == jwt_refusal::unknown_issuer);

  SECTION("what must be there") {
    CHECK(f.of_claims({{"iss", ""}}) == jwt_refusal::unknown_issuer);
    CHECK(f.of_claims({{"sub", ""}}) == jwt_refusal::claims);
    CHECK(f.of_claims({{"exp", ""}}) == jwt_refusal::claims);
    CHECK(f.of_claims({{"aud", ""}}) == jwt_refusal::claims);
    CHECK(f.of_claims({{"iat", ""}}) == jwt_refusal::none);
  }
  SECTION("a subject has 1 to 255 bytes and no control characters") {
    CHECK(f.of_claims({{"sub", R"("")"}}) == jwt_refusal::claims);
    CHECK(f.of_claims({{"sub", in_quotes(std::string(255, 's'))}}) == jwt_refusal::none);
    CHECK(f.of_claims({{"sub", in_quotes(std::string(256, 's'))}}) == jwt_refusal::claims);
    for (const char* sub : {R"("a\u0000")", R"("a\nb")", R"("\u001f")", R"("\u007f")", R"("\u0080")", R"("\u009f")"})
      CHECK(f.of_claims({{"sub", sub}}) == jwt_refusal::claims);
    for (const char* sub : {R"("\u00a0")", R"("ä b")", R"("\ud83d\ude00")", R"("a|b:c@d")", R"("\"\\")"})
      CHECK(f.of_claims({{"sub", sub}}) == jwt_refusal::none);
  }
  SECTION("custom claims") {
    for (const char* name : {"email", "ws", "ws_name", "role"}) {
      CHECK(f.of_claims({{name, R"("")"}}) == jwt_refusal::none);
      CHECK(f.of_claims({{name, R"("a\nb")"}}) == jwt_refusal::claims);
    }
    CHECK(f.of_claims({{"email", in_quotes(std::string(254, 'e'))}}) == jwt_refusal::none);
    CHECK(f.of_claims({{"email", in_quotes(std::string(255, 'e'))}}) == jwt_refusal::claims);
    CHECK(f.of_claims({{"ws_name", in_quotes(std::string(400, 'n'))}}) == jwt_refusal::none);
    CHECK(f.of_claims({{"ws_name", in_quotes(std::string(401, 'n'))}}) == jwt_refusal::claims);
  }
}

TEST_CASE("time is checked with 60 seconds of skew and a life of at most 24 hours", "[crypto][jwt]") {
  const fixture f;
  const auto exp_at = [&](std::int64_t exp) { return f.of_claims({{"exp", number(exp)}, {"iat", ""}}); };
  CHECK(exp_at(0) == jwt_refusal::expired);
  CHECK(exp_at(now_s - 60) == jwt_refusal::expired);
  CHECK(exp_at(now_s - 59) == jwt_refusal::none);
  const std::string token = ed().sign(claims());
  CHECK(f.refusal(token, timestamp{(now_s + 660) * 1000 - 1}) == jwt_refusal::none);
  CHECK(f.refusal(token, timestamp{(now_s + 660) * 1000}) == jwt_refusal::expired);

  for (const char* name : {"nbf", "iat"}) {
    CHECK(f.of_claims({{name, number(now_s + 60)}}) == jwt_refusal::none);
    CHECK(f.of_claims({{name, number(now_s + 61)}}) == jwt_refusal::not_yet_valid);
    CHECK(f.of_claims({{name, "253402300799"}}) == jwt_refusal::not_yet_valid);
  }
  CHECK(f.of_claims({{"nbf", "0"}}) == jwt_refusal::none);

  const auto life = [&](std::int64_t iat, std::int64_t exp) {
    return f.of_claims({{"iat", number(iat)}, {"exp", number(exp)}});
  };
  CHECK(life(now_s, now_s + 86'400) == jwt_refusal::none);
  CHECK(life(now_s, now_s + 86'401) == jwt_refusal::lifetime);
  CHECK(life(0, now_s + 1) == jwt_refusal::lifetime);
  CHECK(life(now_s, now_s) == jwt_refusal::lifetime);
  CHECK(life(now_s + 30, now_s + 10) == jwt_refusal::lifetime);
  CHECK(exp_at(now_s + 86'460) == jwt_refusal::none);  // without iat the same bound holds from now on
  CHECK(exp_at(now_s + 86'461) == jwt_refusal::lifetime);
  CHECK(exp_at(253'402'300'799) == jwt_refusal::lifetime);
}

TEST_CASE("the audience is ours, and a token for a client is an ID token", "[crypto][jwt]") {
  const fixture f;
  for (const char* aud : {R"("nacre-api")", R"(["nacre-api"])", R"(["other","nacre-api"])"})
    CHECK(f.of_claims({{"aud", aud}}) == jwt_refusal::none);
  for (const char* aud : {R"("")", R"("nacre")", R"("nacre-api ")", R"("Nacre-Api")", "[]", R"(["other"])",
                          R"("web-app")", R"(["nacre-api","web-app"])", R"(["cli-app","nacre-api"])"})
    CHECK(f.of_claims({{"aud", aud}}) == jwt_refusal::audience);
  for (const char* aud : {R"(["nacre-api",1])", R"([null,"nacre-api"])", R"([["nacre-api"]])", R"({"nacre-api":1})"})
    CHECK(f.of_claims({{"aud", aud}}) == jwt_refusal::claims);
  for (const char* nonce : {R"("n")", R"("")", "null", "0"})
    CHECK(f.of_claims({{"nonce", nonce}}) == jwt_refusal::claims);
}

TEST_CASE("the payload is one JSON object of at most 4 KiB without repeated members", "[crypto][jwt]") {
  const fixture f;
  const std::string good = claims();
  const std::string open = good.substr(0, good.size() - 1);
  const auto judged = [&](const std::string& payload) { return f.refusal(ed().sign(payload)); };
  for (const std::string& bad :
       {std::string{}, std::string{"null"}, std::string{"[]"}, std::string{"\"x\""}, "[" + good + "]", good + good,
        good + "x", open, open + ",}", open + R"(,"sub":"bob"})", open + R"(,"\u0073ub":"bob"})",
        open + R"(,"iss":"https://issuer.example"})", open + R"(,"x":{"a":0,"a":0}})", open + ",\"x\":\"\xc3\x28\"}",
        open + R"(,"x":"\ud800"})", open + ",\"x\":" + std::string(20, '[') + std::string(20, ']') + "}",
        open + ",\"x\":1e999}", open + ",\"x\":NaN}"}) {
    INFO("length " << bad.size());
    CHECK(judged(bad) == jwt_refusal::claims);
  }
  CHECK(judged(good + std::string(4096 - good.size(), ' ')) == jwt_refusal::none);
  CHECK(judged(good + std::string(4097 - good.size(), ' ')) == jwt_refusal::claims);
}

TEST_CASE("claims are believed only after the signature", "[crypto][jwt]") {
  const fixture f;
  const std::string expired = claims({{"exp", "1"}, {"aud", "[]"}});
  CHECK(f.refusal(join(ed().header(), expired, std::string(64, 'x'))) == jwt_refusal::signature);
  CHECK(f.refusal(join(R"({"alg":"none","kid":"ed"})", claims(), "")) == jwt_refusal::algorithm);
}

TEST_CASE("an issuer is named exactly and its keys verify its own tokens only", "[crypto][jwt]") {
  temporary_directory directory;
  const auto other = signer::ed25519("ed");  // the same kid in another issuer's set
  write(directory / "a.json", key_set_json({ed().jwk()}));
  write(directory / "b.json", key_set_json({other.jwk()}));
  auto second = config(directory / "b.json");
  second.issuer = "https://other.example";
  const auto made = make_authenticator({config(directory / "a.json"), second});
  REQUIRE(made);
  const auto why = [&](const std::string& token) {
    auto refusal = jwt_refusal::malformed;
    (void)(*made)->verify(token, now, &refusal);
    return refusal;
  };
  const std::string theirs = claims({{"iss", R"("https://other.example")"}});
  CHECK(why(ed().sign(claims())) == jwt_refusal::none);
  CHECK(why(other.sign(theirs)) == jwt_refusal::none);
  CHECK(why(ed().sign(theirs)) == jwt_refusal::signature);
  CHECK(why(other.sign(claims())) == jwt_refusal::signature);
  for (const char* iss :
       {R"("https://issuer.example/")", R"("https://ISSUER.example")", R"("https://issuer.example ")", R"("")"})
    CHECK(why(ed().sign(claims({{"iss", iss}}))) == jwt_refusal::unknown_issuer);
}

TEST_CASE("an issuer may be held to some of the algorithms", "[crypto][jwt]") {
  const auto ec = signer::p256("ec");
  const auto mac = signer::hmac("mac", std::string(40, 'q'));
  const fixture f{{ed().jwk(), ec.jwk(), mac.jwk()}, [](issuer_config& c) { c.algorithms = {jwt_algorithm::es256}; }};
  CHECK(f.refusal(ec.sign(claims())) == jwt_refusal::none);
  CHECK(f.refusal(ed().sign(claims())) == jwt_refusal::algorithm);
  CHECK(f.refusal(mac.sign(claims())) == jwt_refusal::algorithm);
  const fixture all{{ed().jwk(), ec.jwk(), mac.jwk()}};
  for (const auto* key : {&ed(), &ec, &mac}) CHECK(all.refusal(key->sign(claims())) == jwt_refusal::none);
}

TEST_CASE("an authenticator is not made from files or names that cannot work", "[crypto][jwt]") {
  temporary_directory directory;
  const auto code = [](std::vector<issuer_config> issuers) {
    const auto made = make_authenticator(std::move(issuers));
    REQUIRE_FALSE(made);
    return made.error().code;
  };
  CHECK(code({config(directory / "missing.json")}) == errc::invalid);
  CHECK(code({config(directory.path())}) == errc::invalid);
  write(directory / "garbage.json", "{");
  CHECK(code({config(directory / "garbage.json")}) == errc::invalid);
  write(directory / "empty.json", R"({"keys":[]})");
  CHECK(code({config(directory / "empty.json")}) == errc::invalid);
  write(directory / "large.json", key_set_json({ed().jwk()}) + std::string(64 * 1024, ' '));
  CHECK(code({config(directory / "large.json")}) == errc::invalid);
  write(directory / "good.json", key_set_json({ed().jwk()}));
  CHECK(code({config(directory / "good.json"), config(directory / "good.json")}) == errc::invalid);
  auto bad = config(directory / "good.json");
  bad.audience = "web-app";  // a client id: every token would be refused as an ID token
  CHECK(code({bad}) == errc::invalid);
  bad = config(directory / "good.json");
  bad.audience.clear();
  CHECK(code({bad}) == errc::invalid);
  bad = config(directory / "good.json");
  bad.issuer.clear();
  CHECK(code({bad}) == errc::invalid);
  CHECK(make_authenticator({}));
}

TEST_CASE("a key set that cannot be read leaves the old one in use and is told of", "[crypto][jwt][reload]") {
  const fixture f;
  const std::string token = ed().sign(claims());
  const auto generation = f.made->generation();
  const auto stays = [&] {
    for (int i = 0; i < 2; ++i) {  // until it is put right, every time
      const auto done = f.made->reload();
      CHECK(done.changed == 0);
      REQUIRE(done.failures.size() == 1);
      CHECK_THAT(done.failures[0], Catch::Contains("https://issuer.example") && Catch::Contains(f.file.string()));
      CHECK_THAT(done.failures[0], !Catch::Contains("c3VycHJpc2U"));
    }
    CHECK(f.refusal(token) == jwt_refusal::none);
  };
  for (const std::string& bad : {std::string{}, std::string{"{"}, std::string{R"({"keys":["c3VycHJpc2U)"},
                                 std::string(70'000, ' '), key_set_json({ed().jwk(), ed().jwk()})}) {
    write(f.file, bad);
    stays();
  }
  std::filesystem::remove(f.file);
  stays();
  CHECK(f.made->generation() == generation);
  write(f.file, key_set_json({ed().jwk()}));
  CHECK(f.made->reload().failures.empty());
}

TEST_CASE("a key set without a usable key withdraws the old one", "[crypto][jwt][reload]") {
  const std::string token = ed().sign(claims());
  for (const std::string& none : {std::string{R"({"keys":[]})"}, key_set_json({ed().jwk({{"use", R"("enc")"}})})}) {
    const fixture f;
    const auto generation = f.made->generation();
    CHECK(f.refusal(token) == jwt_refusal::none);
    write(f.file, none);
    const auto done = f.made->reload();
    CHECK(done.changed == 1);
    CHECK(done.failures.empty());
    CHECK(f.made->generation() > generation);
    CHECK(f.refusal(token) == jwt_refusal::unknown_key);
    write(f.file, key_set_json({ed().jwk()}));
    CHECK(f.made->reload().changed == 1);
    CHECK(f.refusal(token) == jwt_refusal::none);
  }
}

TEST_CASE("a key set others may write, or whose secret they may read, is not used", "[crypto][jwt][reload]") {
  temporary_directory directory;
  const auto file = directory / "jwks.json";
  const auto mac = signer::hmac("mac", std::string(40, 'q'));
  const auto starts = [&](const signer& key, unsigned mode) {
    write(file, key_set_json({key.jwk()}), mode);
    const auto made = make_authenticator({config(file)});
    if (!made) CHECK_THAT(made.error().text, Catch::Contains("https://issuer.example") && Catch::Contains("others"));
    return made.has_value();
  };
  for (unsigned mode : {0400u, 0600u, 0640u, 0644u, 0444u}) CHECK(starts(ed(), mode));
  for (unsigned mode : {0660u, 0620u, 0602u, 0666u}) CHECK_FALSE(starts(ed(), mode));
  for (unsigned mode : {0400u, 0600u, 0640u}) CHECK(starts(mac, mode));
  for (unsigned mode : {0644u, 0604u, 0601u, 0660u}) CHECK_FALSE(starts(mac, mode));

  const fixture f;
  for (const auto& [key, mode] : {std::pair{&ed(), 0664u}, std::pair{&mac, 0644u}}) {
    write(f.file, key_set_json({key->jwk()}), mode);
    CHECK(f.made->reload().failures.size() == 1);
    CHECK(f.refusal(ed().sign(claims())) == jwt_refusal::none);
    CHECK(f.refusal(mac.sign(claims())) == jwt_refusal::unknown_key);
  }
  write(f.file, key_set_json({mac.jwk()}));
  CHECK(f.made->reload().changed == 1);
  std::filesystem::permissions(f.file, std::filesystem::perms{0644});
  CHECK(f.made->reload().failures.size() == 1);  // the same content, bared afterwards
}

TEST_CASE("keys rotate: publish the new one, sign with it, retire the old one", "[crypto][jwt][reload]") {
  const auto fresh = signer::ed25519("ed-2");
  const fixture f;
  const std::string old_token = ed().sign(claims());
  const std::string new_token = fresh.sign(claims());
  CHECK(f.made->reload().changed == 0);  // nothing happened
  const auto first = f.made->generation();

  write(f.file, key_set_json({ed().jwk(), fresh.jwk()}));
  CHECK(f.made->reload().changed == 1);
  CHECK(f.made->generation() > first);
  CHECK(f.refusal(old_token) == jwt_refusal::none);
  CHECK(f.refusal(new_token) == jwt_refusal::none);

  const auto second = f.made->generation();
  write(f.file, key_set_json({ed().jwk(), fresh.jwk()}));  // written anew, the same keys
  CHECK(f.made->reload().changed == 0);
  CHECK(f.made->generation() == second);

  write(f.file, key_set_json({fresh.jwk()}));
  CHECK(f.made->reload().changed == 1);
  CHECK(f.refusal(old_token) == jwt_refusal::unknown_key);
  CHECK(f.refusal(new_token) == jwt_refusal::none);
}

TEST_CASE("an unknown kid rereads the file at most once in 60 seconds", "[crypto][jwt][reload]") {
  const auto fresh = signer::ed25519("ed-2");
  const fixture f;
  const auto token_at = [](const signer& key, std::int64_t s) {
    return key.sign(claims({{"iat", number(s)}, {"exp", number(s + 600)}}));
  };
  const auto generation = f.made->generation();
  CHECK(f.refusal(token_at(fresh, now_s), at(now_s)) == jwt_refusal::unknown_key);  // spends the reread
  write(f.file, key_set_json({ed().jwk(), fresh.jwk()}));
  CHECK(f.refusal(token_at(fresh, now_s), timestamp{now_s * 1000 + 59'999}) == jwt_refusal::unknown_key);
  CHECK(f.made->generation() == generation);
  CHECK(f.refusal(token_at(fresh, now_s), timestamp{now_s * 1000 + 60'000}) == jwt_refusal::none);
  CHECK(f.made->generation() == generation + 1);
  CHECK(f.refusal(token_at(ed(), now_s), at(now_s)) == jwt_refusal::none);
}

TEST_CASE("verification goes on while key sets are swapped", "[crypto][jwt][reload]") {
  const auto fresh = signer::ed25519("ed-2");
  const fixture f;
  const std::string steady = ed().sign(claims());
  const std::string coming_and_going = fresh.sign(claims());
  std::atomic<int> wrong{0}, running{2};
  const auto verify = [&] {
    for (int i = 0; i < 1500; ++i) {
      auto why = jwt_refusal::malformed;
      if (!f.made->verify(steady, now, &why)) ++wrong;
      (void)f.made->verify(coming_and_going, now, &why);
      if (why != jwt_refusal::none && why != jwt_refusal::unknown_key) ++wrong;
    }
    --running;
  };
  std::thread one{verify}, two{verify};
  int swaps = 0;
  for (int i = 0; running > 0 || i < 30; ++i) {
    if (i % 3 == 2)
      write(f.file, "garbage");
    else
      write(f.file, i % 3 == 0 ? key_set_json({ed().jwk(), fresh.jwk()}) : key_set_json({ed().jwk()}));
    swaps += static_cast<int>(f.made->reload().changed);
  }
  one.join();
  two.join();
  CHECK(wrong == 0);
  CHECK(swaps >= 20);
}

TEST_CASE("every refusal has a name of its own for metrics", "[crypto][jwt]") {
  std::map<std::string_view, int> seen;
  for (int i = 0; i <= static_cast<int>(jwt_refusal::audience); ++i) ++seen[name_of(static_cast<jwt_refusal>(i))];
  CHECK(seen.size() == static_cast<std::size_t>(jwt_refusal::audience) + 1);
  CHECK(seen.count("unknown") == 0);
}

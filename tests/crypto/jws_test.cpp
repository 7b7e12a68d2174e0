// The signature level: what may be a token at all, and whose it is.
#include "crypto/jws.hpp"

#include <catch2/catch.hpp>

#include "jose_kit.hpp"
#include "support.hpp"

using namespace nacre;
using namespace nacre::crypto;
using namespace nacre::crypto::test;

namespace {

std::shared_ptr<const key_set> parsed(const std::vector<std::string>& jwks) {
  auto set = key_set::parse(key_set_json(jwks), true);
  REQUIRE(set);
  return *set;
}

// Form, header, key and signature of `compact` against `keys`; the claims are not looked at.
jwt_refusal judge(std::string_view compact, const key_set& keys) {
  compact_jws jws;
  if (const auto refusal = parse_compact(compact, jws); refusal != jwt_refusal::none) return refusal;
  const auto* key = keys.find(jws.kid);
  return key == nullptr ? jwt_refusal::unknown_key : check_signature(jws, *key);
}

const std::string rfc7515_payload =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

struct vector {
  const char* name;
  std::string jwk;
  std::string compact;
};

const vector vectors[] = {
    {"RFC 7515 A.1",
     R"({"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"})",
     "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." + rfc7515_payload + ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"},
    {"RFC 7515 A.2",
     R"({"kty":"RSA","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJP)"
     R"(MEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYU)"
     R"(sLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGN)"
     R"(j8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"})",
     "eyJhbGciOiJSUzI1NiJ9." + rfc7515_payload +
         ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CU"
         "Ar7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO"
         "--xi12jzDwusC-"
         "eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_"
         "IoypGlUPQGe77Rw"},
    {"RFC 7515 A.3",
     R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
     R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})",
     "eyJhbGciOiJFUzI1NiJ9." + rfc7515_payload +
         ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"},
    {"RFC 8037 A.4", R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})",
     "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
     "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"},
};

struct four_keys {
  signer rsa = signer::rsa("rsa");
  signer ec = signer::p256("ec");
  signer ed = signer::ed25519("ed");
  signer mac = signer::hmac("mac", std::string(32, 's'));
  std::vector<const signer*> all{&rsa, &ec, &ed, &mac};
  std::shared_ptr<const key_set> set = parsed({rsa.jwk(), ec.jwk(), ed.jwk(), mac.jwk()});
};
const four_keys& keys() {
  static const four_keys made;
  return made;
}

const std::string body = R"({"iss":"x"})";

}  // namespace

TEST_CASE("the signatures printed in RFC 7515 and RFC 8037 verify, and not with one bit changed", "[crypto][jwt]") {
  for (const auto& v : vectors) {
    INFO(v.name);
    const auto set = parsed({v.jwk});
    CHECK(judge(v.compact, *set) == jwt_refusal::none);
    const auto dot = v.compact.rfind('.');
    auto signature = *base64url_decode(std::string_view{v.compact}.substr(dot + 1));
    for (std::size_t bit = 0; bit < signature.size() * 8; bit += 37) {
      auto wrong = signature;
      wrong[bit / 8] = static_cast<char>(wrong[bit / 8] ^ (1 << (bit % 8)));
      CHECK(judge(v.compact.substr(0, dot + 1) + base64url_encode(wrong), *set) == jwt_refusal::signature);
    }
  }
}

TEST_CASE("the public halves of the printed keys are dropped when their private members come along", "[crypto][jwt]") {
  for (const auto& v : vectors) {
    INFO(v.name);
    const std::string with_d = v.jwk.substr(0, v.jwk.size() - 1) + R"(,"d":"AQAB"})";
    CHECK(parsed({with_d})->size() == 0);
  }
}

TEST_CASE("a key takes its own algorithm's names and no other, whatever the signature", "[crypto][jwt][alg-matrix]") {
  const std::vector<std::string> names = {
      "RS256",  "ES256",  "EdDSA",  "Ed25519", "HS256", "none",   "None",         "NONE",     "nOnE",       "",
      "PS256",  "PS384",  "PS512",  "RS1",     "RS384", "RS512",  "ES384",        "ES512",    "ES256K",     "HS1",
      "HS384",  "HS512",  "Ed448",  "rs256",   "es256", "eddsa",  "EDDSA",        "ed25519",  "hs256",      "Hs256",
      "RS256 ", " RS256", "RS2567", "RS25",    "dir",   "A128KW", "RS256\\u0000", "ES256\\n", "HS256,RS256"};
  for (const auto* key : keys().all) {
    for (const auto& name : names) {
      INFO(key->kid() << " under alg " << name);
      const bool own = name == key->alg() || (key->kid() == "ed" && name == "Ed25519");
      const std::string header = R"({"alg":")" + name + R"(","kid":")" + key->kid() + R"("})";
      CHECK(judge(key->sign(header, body), *keys().set) == (own ? jwt_refusal::none : jwt_refusal::algorithm));
      CHECK(judge(join(header, body, ""), *keys().set) == (own ? jwt_refusal::signature : jwt_refusal::algorithm));
    }
  }
}

TEST_CASE("a key whose JWK names its algorithm takes exactly that name", "[crypto][jwt][alg-matrix]") {
  const auto& ed = keys().ed;
  const std::string as_eddsa = ed.sign(R"({"alg":"EdDSA","kid":"ed"})", body);
  const std::string as_ed25519 = ed.sign(R"({"alg":"Ed25519","kid":"ed"})", body);
  const auto eddsa = parsed({ed.jwk({{"alg", R"("EdDSA")"}})});
  CHECK(judge(as_eddsa, *eddsa) == jwt_refusal::none);
  CHECK(judge(as_ed25519, *eddsa) == jwt_refusal::algorithm);
  const auto ed25519 = parsed({ed.jwk({{"alg", R"("Ed25519")"}})});
  CHECK(judge(as_ed25519, *ed25519) == jwt_refusal::none);
  CHECK(judge(as_eddsa, *ed25519) == jwt_refusal::algorithm);
}

TEST_CASE("no public key serves as an HMAC secret", "[crypto][jwt][alg-matrix]") {
  for (const auto* key : {&keys().rsa, &keys().ec, &keys().ed}) {
    std::vector<std::string> secrets{key->spki_der(), key->spki_pem(), key->jwk(), key_set_json({key->jwk()}), ""};
    secrets.push_back(key->spki_pem().substr(0, key->spki_pem().size() - 1));  // without the last newline
    for (const auto& [name, value] : key->members()) {
      secrets.push_back(value.substr(1, value.size() - 2));
      if (const auto decoded = base64url_decode(secrets.back())) secrets.push_back(*decoded);
    }
    for (const auto& secret : secrets) {
      for (const char* alg : {"HS256", "RS256", "ES256", "EdDSA"}) {
        const std::string header = std::string{R"({"alg":")"} + alg + R"(","kid":")" + key->kid() + R"("})";
        const std::string input = base64url_encode(header) + "." + base64url_encode(body);
        INFO(key->kid() << " under " << alg);
        CHECK(judge(input + "." + base64url_encode(hs256(secret, input)), *keys().set) != jwt_refusal::none);
      }
    }
  }
}

TEST_CASE("a signature of another kind by the right key does not verify", "[crypto][jwt][alg-matrix]") {
  const auto forged = [](const signer& key, const std::string& signature_of_input) {
    return base64url_encode(key.header()) + "." + base64url_encode(body) + "." + base64url_encode(signature_of_input);
  };
  const auto input = [](const signer& key) { return base64url_encode(key.header()) + "." + base64url_encode(body); };
  const auto& [rsa, ec, ed, mac, all, set] = keys();

  SECTION("PSS, SHA-1 and SHA-512 under RS256") {
    CHECK(judge(forged(rsa, evp_sign(rsa.pkey(), "SHA256", input(rsa), true)), *set) == jwt_refusal::signature);
    CHECK(judge(forged(rsa, evp_sign(rsa.pkey(), "SHA1", input(rsa))), *set) == jwt_refusal::signature);
    CHECK(judge(forged(rsa, evp_sign(rsa.pkey(), "SHA512", input(rsa))), *set) == jwt_refusal::signature);
  }
  SECTION("DER and SHA-384 under ES256") {
    CHECK(judge(forged(ec, evp_sign(ec.pkey(), "SHA256", input(ec))), *set) == jwt_refusal::signature);
    CHECK(judge(forged(ec, std::string(64, '\0')), *set) == jwt_refusal::signature);
    CHECK(judge(forged(ec, std::string(63, '\0') + "\x01"), *set) == jwt_refusal::signature);
    CHECK(judge(forged(ec, std::string(64, '\xff')), *set) == jwt_refusal::signature);
  }
  SECTION("another key's signature under each key's name") {
    for (const auto* claimed : all)
      for (const auto* actual : all) {
        INFO(actual->kid() << " as " << claimed->kid());
        const auto expected = claimed == actual ? jwt_refusal::none : jwt_refusal::signature;
        CHECK(judge(forged(*claimed, actual->signature(input(*claimed))), *set) == expected);
        // and with the other key's alg beside this key's name
        const std::string header = R"({"alg":")" + actual->alg() + R"(","kid":")" + claimed->kid() + R"("})";
        CHECK(judge(actual->sign(header, body), *set) ==
              (claimed == actual ? jwt_refusal::none : jwt_refusal::algorithm));
      }
  }
  SECTION("an Ed25519 signature with S + L") {
    // L, little-endian: S and S + L verify alike for who forgets to compare S with L.
    const std::string l = bytes("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    std::string signature = ed.signature(input(ed));
    unsigned carry = 0;
    for (std::size_t i = 0; i < 32; ++i) {
      carry += static_cast<unsigned char>(signature[32 + i]) + static_cast<unsigned>(static_cast<unsigned char>(l[i]));
      signature[32 + i] = static_cast<char>(carry & 0xffU);
      carry >>= 8;
    }
    CHECK(judge(forged(ed, signature), *set) == jwt_refusal::signature);
  }
}

TEST_CASE("a signature one byte longer or shorter than its algorithm's is refused", "[crypto][jwt]") {
  for (const auto* key : keys().all) {
    INFO(key->kid());
    const std::string input = base64url_encode(key->header()) + "." + base64url_encode(body);
    const std::string good = key->signature(input);
    for (const std::string& bad :
         {good + '\0', '\0' + good, good.substr(1), good.substr(0, good.size() - 1), good + good})
      CHECK(judge(input + "." + base64url_encode(bad), *keys().set) == jwt_refusal::signature);
    CHECK(judge(input + "." + base64url_encode(good), *keys().set) == jwt_refusal::none);
  }
}

TEST_CASE("headers that mean something else than they say are refused", "[crypto][jwt]") {
  const auto& ed = keys().ed;
  const auto judged = [&](const std::string& header) { return judge(ed.sign(header, body), *keys().set); };
  const std::string head = R"({"alg":"EdDSA","kid":"ed")";
  const auto with = [&](const std::string& more) { return judged(head + "," + more + "}"); };

  SECTION("crit, b64 and cty, whatever they hold") {
    for (const char* more :
         {R"("crit":["b64"])", R"("crit":[])", R"("crit":null)", R"("b64":true)", R"("b64":false)",
          R"("crit":["b64"],"b64":false)", R"("cty":"JWT")", R"("cty":"")", R"("cty":null)", R"("\u0063rit":["exp"])"})
      CHECK(with(more) == jwt_refusal::header);
  }
  SECTION("jku, x5u, jwk and x5c are not looked at") {
    const auto attacker = signer::ed25519("evil");
    const std::string more =
        R"("jku":"https://evil.example/","x5u":"file:///etc/passwd","x5c":["AAAA"],"jwk":)" + attacker.jwk();
    CHECK(with(more) == jwt_refusal::none);
    CHECK(judge(attacker.sign(head + "," + more + "}", body), *keys().set) == jwt_refusal::signature);
    CHECK(judge(attacker.sign(R"({"alg":"EdDSA","kid":"evil","jwk":)" + attacker.jwk() + "}", body), *keys().set) ==
          jwt_refusal::unknown_key);
  }
  SECTION("typ is JWT or at+jwt in any case") {
    for (const char* typ : {"JWT", "jwt", "Jwt", "at+jwt", "AT+JWT", "At+Jwt"})
      CHECK(with(std::string{R"("typ":")"} + typ + "\"") == jwt_refusal::none);
    for (const char* typ :
         {"", "JWS", "JOSE", "at jwt", "application/at+jwt", "JWT ", "dpop+jwt", "logout+jwt", "at+jw"})
      CHECK(with(std::string{R"("typ":")"} + typ + "\"") == jwt_refusal::header);
    for (const char* typ : {"null", "1", "[\"JWT\"]", "true"})
      CHECK(with(std::string{R"("typ":)"} + typ) == jwt_refusal::header);
  }
  SECTION("a member named twice, escaped or nested") {
    CHECK(with(R"("alg":"EdDSA")") == jwt_refusal::header);
    CHECK(with(R"("\u0061lg":"none")") == jwt_refusal::header);
    CHECK(with(R"("kid":"other")") == jwt_refusal::header);
    CHECK(with(R"("x":{"a":1,"a":2})") == jwt_refusal::header);
    CHECK(with(R"("x":[{"a":1,"b":{"c":0,"c":0}}])") == jwt_refusal::header);
    std::string many;
    for (int i = 0; i < 20; ++i) many += "\"m" + std::to_string(i) + "\":0,";
    CHECK(with(many + R"("last":0)") == jwt_refusal::none);
    CHECK(with(many + R"("m3":0)") == jwt_refusal::header);
  }
  SECTION("what is no JSON object, or more than one") {
    for (const char* header : {"", "null", "[]", "\"EdDSA\"", "{", R"({"alg":"EdDSA","kid":"ed"}{})",
                               R"({"alg":"EdDSA","kid":"ed"} x)", R"({"alg":"EdDSA","kid":"ed",})", "{}",
                               "{\"alg\":\"EdDSA\",\"kid\":\"\xff\"}", R"({'alg':'EdDSA','kid':'ed'})"})
      CHECK(judged(header) == jwt_refusal::header);
    CHECK(judged(" {\"alg\" : \"EdDSA\",\r\n\t\"kid\":\"ed\"} ") == jwt_refusal::none);
  }
  SECTION("an alg that is absent or no string") {
    for (const char* header : {R"({"kid":"ed"})", R"({"alg":null,"kid":"ed"})", R"({"alg":["EdDSA"],"kid":"ed"})",
                               R"({"alg":1,"kid":"ed"})", R"({"ALG":"EdDSA","kid":"ed"})"})
      CHECK(judged(header) == jwt_refusal::header);
  }
  SECTION("more than 16 levels") {
    CHECK(with("\"x\":" + std::string(14, '[') + std::string(14, ']')) == jwt_refusal::none);
    CHECK(with("\"x\":" + std::string(20, '[') + std::string(20, ']')) == jwt_refusal::header);
  }
  SECTION("1024 bytes pass, 1025 do not") {
    const std::string frame = head + R"(,"pad":""})";
    const auto padded = [&](std::size_t size) {
      return head + R"(,"pad":")" + std::string(size - frame.size(), 'p') + "\"}";
    };
    REQUIRE(padded(1024).size() == 1024);
    CHECK(judged(padded(1024)) == jwt_refusal::none);
    CHECK(judged(padded(1025)) == jwt_refusal::header);
  }
}

TEST_CASE("a kid is a string of at most 128 bytes that names a key exactly", "[crypto][jwt]") {
  const std::string longest(128, 'k');
  const auto a = signer::ed25519("a");
  const auto b = signer::ed25519(longest);
  const auto set = parsed({a.jwk(), b.jwk()});
  const auto with_kid = [&](const signer& key, const std::string& kid) {
    return judge(key.sign(R"({"alg":"EdDSA","kid":)" + kid + "}", body), *set);
  };
  CHECK(with_kid(a, R"("a")") == jwt_refusal::none);
  CHECK(with_kid(b, in_quotes(longest)) == jwt_refusal::none);
  CHECK(with_kid(b, in_quotes(longest + "k")) == jwt_refusal::header);
  for (const char* kid : {"null", "1", "[\"a\"]", "{}", "true"}) CHECK(with_kid(a, kid) == jwt_refusal::header);
  for (const char* kid : {R"("")", R"("A")", R"("a ")", R"("a\u0000")", R"("../a")", R"("a' OR '1'='1")", R"("%61")"})
    CHECK(with_kid(a, kid) == jwt_refusal::unknown_key);
}

TEST_CASE("a token without kid is accepted only if there is exactly one key", "[crypto][jwt]") {
  const auto a = signer::ed25519("a");
  const auto b = signer::ed25519("b");
  const std::string token = a.sign(R"({"alg":"EdDSA"})", body);
  CHECK(judge(token, *parsed({a.jwk()})) == jwt_refusal::none);
  CHECK(judge(token, *parsed({a.jwk({{"kid", ""}})})) == jwt_refusal::none);
  CHECK(judge(token, *parsed({a.jwk(), b.jwk()})) == jwt_refusal::unknown_key);
  CHECK(judge(token, *parsed({})) == jwt_refusal::unknown_key);
  // and a kid never matches a key that has none
  CHECK(judge(a.sign(body), *parsed({a.jwk({{"kid", ""}})})) == jwt_refusal::unknown_key);
}

TEST_CASE("a token has three strict base64url parts and at most 8 KiB", "[crypto][jwt]") {
  const auto& ed = keys().ed;
  const std::string good = ed.sign(body);
  REQUIRE(judge(good, *keys().set) == jwt_refusal::none);
  const auto first = good.find('.');
  const auto second = good.rfind('.');
  for (const std::string& bad : {std::string{},
                                 std::string{"."},

                                 std::string{"..."},
                                 good + ".",
                                 "." + good,
                                 good + "..",
                                 good + ".AA.AA",
                                 good.substr(0, second),
                                 good.substr(0, first),
                                 good + "=",
                                 good + "==",
                                 good + " ",
                                 " " + good,
                                 good + "\n",
                                 good + std::string(1, '\0'),
                                 "Bearer " + good,
                                 good.substr(0, first) + "=" + good.substr(first),
                                 good.substr(0, 3) + "\n" + good.substr(3),
                                 good.substr(0, 3) + " " + good.substr(4),
                                 good.substr(0, 3) + "+" + good.substr(4),
                                 good.substr(0, 3) + "/" + good.substr(4),
                                 good.substr(0, 3) + "%" + good.substr(4)}) {
    INFO("length " << bad.size());
    CHECK(judge(bad, *keys().set) == jwt_refusal::malformed);
  }
  CHECK(judge("..", *keys().set) == jwt_refusal::header);  // three parts, and the header is no JSON
  CHECK(judge(good.substr(first), *keys().set) == jwt_refusal::header);
  const std::string input = good.substr(0, second + 1);
  CHECK(judge(input + std::string(8192 - input.size() - (8192 - input.size()) % 4, 'A'), *keys().set) ==
        jwt_refusal::signature);
  compact_jws out;
  std::string exact(8192, 'A');
  exact[100] = exact[200] = '.';
  CHECK(parse_compact(exact, out) != jwt_refusal::none);
  CHECK(judge(input + std::string(8193 - input.size(), 'A'), *keys().set) == jwt_refusal::malformed);
}

TEST_CASE("base64url has one spelling for every byte string", "[crypto][jwt]") {
  random_source random{"base64url"};
  for (std::size_t size = 0; size < 200; ++size) {
    const std::string data = random.bytes(size);
    const std::string text = base64url_encode(data);
    REQUIRE(base64url_decode(text) == data);
    CHECK(text.size() == (size * 4 + 2) / 3);
    CHECK_FALSE(base64url_decode(text + "="));
    if (size % 3 == 0) continue;
    // Every other last digit that only differs in the bits nobody reads.
    const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const auto last = alphabet.find(text.back());
    for (std::size_t other = last + 1; other < last + (size % 3 == 1 ? 16 : 4); ++other)
      CHECK_FALSE(base64url_decode(text.substr(0, text.size() - 1) + alphabet[other]));
  }
  for (int c = 0; c < 256; ++c) {
    const bool is_digit =
        (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    for (std::size_t at = 0; at < 4; ++at) {
      std::string text = "AAAA";
      text[at] = static_cast<char>(c);
      CHECK(base64url_decode(text).has_value() == is_digit);
    }
  }
  for (const char* bad : {"A", "AAAAA", "AB", "AAB", "A===", "AA==", "AAA="}) CHECK_FALSE(base64url_decode(bad));
  CHECK(base64url_decode("") == "");
  CHECK(base64url_decode("Zg") == "f");  // RFC 4648 section 10
  CHECK(base64url_decode("Zm8") == "fo");
  CHECK(base64url_decode("Zm9vYmFy") == "foobar");
  CHECK(base64url_encode("\xfb\xff\xbf") == "-_-_");
}

// The input is once a presented token and, if it holds a line feed, once a header and a payload that a
// key of ours signs. A presented token verifies only if what is signed is one of the published examples:
// nobody can forge another. A signed one that is accepted obeys the bounds of every claim.

#include <stdlib.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "crypto/digest.hpp"
#include "crypto/jws.hpp"
#include "tests/fuzz/check.hpp"

namespace {

using namespace nacre;
using namespace nacre::crypto;

constexpr std::int64_t now_s = 1'800'000'000;
const std::string secret(32, 's');

std::shared_ptr<const key_set> only(const std::string& jwk) {
  auto set = key_set::parse(R"({"keys":[)" + jwk + "]}", true);
  NACRE_FUZZ_CHECK(set && (*set)->size() == 1);
  return *set;
}

// The keys of RFC 7515 A.1, A.2, A.3 and RFC 8037 A.1.
const std::array<std::shared_ptr<const key_set>, 4>& published_keys() {
  static const std::array<std::shared_ptr<const key_set>, 4> sets{
      only(
          R"({"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"})"),
      only(
          R"({"kty":"RSA","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS)"
          R"(2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5r)"
          R"(exMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF)"
          R"(8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"})"),
      only(R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
           R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})"),
      only(R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})")};
  return sets;
}

bool is_published(std::string_view signing_input) {
  static const std::string payload =
      ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
  static const std::array<std::string, 4> inputs{"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9" + payload,
                                                 "eyJhbGciOiJSUzI1NiJ9" + payload, "eyJhbGciOiJFUzI1NiJ9" + payload,
                                                 "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"};
  return std::find(inputs.begin(), inputs.end(), signing_input) != inputs.end();
}

std::unique_ptr<authenticator> make() {
  auto name = (std::filesystem::temp_directory_path() / "nacre-fuzz-XXXXXX").string();
  NACRE_FUZZ_CHECK(mkdtemp(name.data()) != nullptr);
  issuer_config issuer;
  issuer.issuer = "i";
  issuer.audience = "a";
  issuer.jwks_file = std::filesystem::path{name} / "jwks.json";
  issuer.trust_roles = true;
  issuer.client_ids = {"c"};
  std::ofstream{issuer.jwks_file} << R"({"keys":[{"kty":"oct","kid":"k","k":")" << base64url_encode(secret) << "\"}]}";
  std::filesystem::permissions(issuer.jwks_file, std::filesystem::perms{0600});  // a secret others may read is refused
  auto made = make_authenticator({issuer});
  NACRE_FUZZ_CHECK(made);
  std::filesystem::remove_all(name);  // an unknown kid finds no file, and the set stays
  return std::move(*made);
}

void check_presented(const std::string& token) {
  if (const auto decoded = base64url_decode(token)) NACRE_FUZZ_CHECK(base64url_encode(*decoded) == token);
  compact_jws jws;
  if (parse_compact(token, jws) != jwt_refusal::none) return;
  NACRE_FUZZ_CHECK(token.size() <= 8192);
  const auto dot = token.rfind('.');
  NACRE_FUZZ_CHECK(jws.signing_input == std::string_view{token}.substr(0, dot));
  NACRE_FUZZ_CHECK(base64url_encode(jws.signature) == token.substr(dot + 1));
  NACRE_FUZZ_CHECK(base64url_encode(jws.payload) == jws.signing_input.substr(jws.signing_input.find('.') + 1));
  int verified = 0;
  for (const auto& set : published_keys()) {
    const auto& key = set->keys().front();
    if (check_signature(jws, key) != jwt_refusal::none) continue;
    NACRE_FUZZ_CHECK(key.owns(jws.alg));
    NACRE_FUZZ_CHECK(is_published(jws.signing_input));
    ++verified;
  }
  NACRE_FUZZ_CHECK(verified <= 1);
}

void check_signed(const authenticator& verifier, const std::string& header, const std::string& payload) {
  const std::string input = base64url_encode(header) + "." + base64url_encode(payload);
  const std::string token = input + "." + base64url_encode(view(hmac_sha256(secret, input)));
  auto why = jwt_refusal::malformed;
  const auto claims = verifier.verify(token, timestamp{now_s * 1000}, &why);
  NACRE_FUZZ_CHECK(claims.has_value() == (why == jwt_refusal::none));
  NACRE_FUZZ_CHECK(why != jwt_refusal::signature);
  if (!claims) return;
  NACRE_FUZZ_CHECK(header.size() <= jws_header_bytes_max && payload.size() <= jws_payload_bytes_max);
  NACRE_FUZZ_CHECK(claims->issuer == "i");
  NACRE_FUZZ_CHECK(claims->expires_s > now_s - 60 && claims->expires_s <= now_s + 24 * 3600 + 60);
  for (const auto* text : {&claims->email, &claims->workspace, &claims->workspace_name, &claims->role})
    NACRE_FUZZ_CHECK(!*text || (!(*text)->empty() && (*text)->size() <= 400));
  NACRE_FUZZ_CHECK(!claims->subject.empty() && claims->subject.size() <= 255);
  for (const char c : claims->subject) NACRE_FUZZ_CHECK(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
  // The same again is judged the same; one signature bit less is not.
  NACRE_FUZZ_CHECK(verifier.verify(token, timestamp{now_s * 1000}));
  NACRE_FUZZ_CHECK(!verifier.verify(token, timestamp{(claims->expires_s + 60) * 1000}));
  auto changed = token;
  changed[input.size() + 1] = changed[input.size() + 1] == 'A' ? 'B' : 'A';
  NACRE_FUZZ_CHECK(!verifier.verify(changed, timestamp{now_s * 1000}));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto verifier = make();
  const std::string text{reinterpret_cast<const char*>(data), size};
  check_presented(text);
  auto why = jwt_refusal::none;
  NACRE_FUZZ_CHECK(!verifier->verify(text, timestamp{now_s * 1000}, &why) && why != jwt_refusal::none);
  if (const auto line = text.find('\n'); line != std::string::npos)
    check_signed(*verifier, text.substr(0, line), text.substr(line + 1));
  return 0;
}
